// What every echo server shares: the listener is descriptor 3, messages are of 64 bytes, and the server ends by being killed.
#include "../bench.h"
#include <fcntl.h>
#include <sys/socket.h>
#define LISTENER 3
#define MESSAGE 64
