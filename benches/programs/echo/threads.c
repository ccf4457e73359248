// Echo by a plain thread a connection.
#include "echo.h"
#include <pthread.h>

static void *connection(void *fd) {
    int peer = (int)(long)fd;
    char message[BUFFER];
    for (;;) {
        ssize_t got = read(peer, message, BUFFER);
        if (got <= 0 || write(peer, message, got) != got) break;
    }
    close(peer);
    return NULL;
}
int main(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32 * 1024);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        pthread_t thread;
        int peer = accept(LISTENER, NULL, NULL);
        if (peer >= 0 && (errno = pthread_create(&thread, &attributes, connection, (void *)(long)peer)))
            give_up("no thread: %s", strerror(errno));
    }
}
