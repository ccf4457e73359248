// What every echo server shares: the listener is descriptor 3, messages are of 64 bytes, and the server ends by being killed. The
// buffer is larger than a message, as in most programs: who looks can tell from a short read that the socket is empty.
#include "../bench.h"
#include <fcntl.h>
#include <sys/socket.h>
#define LISTENER 3
#define MESSAGE 64
#define BUFFER 1024
