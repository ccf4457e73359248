/* A library that knows nothing of coroutines and blocks. */
#include <unistd.h>

long read_outside(int fd, char *byte);
long read_outside(int fd, char *byte) { return read(fd, byte, 1); }
