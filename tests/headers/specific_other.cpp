// A second source file with a name that specific.cpp has too.
#include "co_routine_specific.h"

CO_ROUTINE_SPECIFIC(int, same_name);

int *same_name_of_the_other_file();
int *same_name_of_the_other_file() { return &*same_name; }
