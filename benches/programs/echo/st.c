// Echo by State Threads: a thread of its own a connection, st_read and st_write; poll, as Debian builds it without epoll.
#include "echo.h"
#include <st.h>

static void *connection(void *peer) {
    char message[BUFFER];
    for (;;) {
        ssize_t got = st_read(peer, message, BUFFER, ST_UTIME_NO_TIMEOUT);
        if (got <= 0 || st_write(peer, message, got, ST_UTIME_NO_TIMEOUT) != got) break;
    }
    st_netfd_close(peer);
    return NULL;
}
int main(int argc, char **argv) {
    st_set_eventsys(ST_EVENTSYS_POLL);
    if (st_init()) give_up("st_init: %s", strerror(errno));
    st_netfd_t listener = st_netfd_open_socket(open_listener(argv[argc - 1]));
    for (;;) {
        st_netfd_t peer = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (peer && !st_thread_create(connection, peer, 0, 32 * 1024)) give_up("no thread");
    }
}
