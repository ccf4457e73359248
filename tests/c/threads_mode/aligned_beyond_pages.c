/* The same, aligned further than pages. */
#define ALIGNMENT 16384
#include "aligned.c"
