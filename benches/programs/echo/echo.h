// What every echo server shares: the listener is descriptor 3, or the server's own on the port that its last argument is, messages are
// of 64 bytes, and the server ends by being killed. The buffer is larger than a message, as in most programs: who looks can tell from a
// short read that the socket is empty.
#include "../bench.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#define LISTENER 3
#define MESSAGE 64
#define BUFFER 1024

static inline int open_listener(const char *last_argument) {
    struct sockaddr_in at = {AF_INET, htons(atoi(last_argument)), {htonl(INADDR_LOOPBACK)}, {0}};
    int listener, yes = 1;
    if (!at.sin_port) return LISTENER;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) give_up("listen: %s", strerror(errno));
    return listener;
}
