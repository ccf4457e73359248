// Echo by one io_uring: multishot accept, multishot receive into provided buffers, one enter a turn. Raw system calls.
#include "echo.h"
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { SUBMISSIONS = 4096, COMPLETIONS = 32768, BUFFERS = 16384, ACCEPT = 0, RECEIVE = 1, SEND = 2 };

static int ring;
static unsigned *sq_head, *sq_tail, *sq_array, *cq_head, *cq_tail, sq_mask, cq_mask, to_submit;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static struct io_uring_buf_ring *provided;
static char (*buffers)[MESSAGE];

static int enter(unsigned wait) {
    int done = syscall(SYS_io_uring_enter, ring, to_submit, wait, IORING_ENTER_GETEVENTS, NULL, 0);
    if (done > 0) to_submit -= done;
    return done;
}
static void prepare(int opcode, int kind, int fd, unsigned buffer, void *address, unsigned length) {
    while (*sq_tail - __atomic_load_n(sq_head, __ATOMIC_ACQUIRE) == SUBMISSIONS) enter(0);
    struct io_uring_sqe *sqe = &sqes[*sq_tail & sq_mask];
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = opcode, sqe->fd = fd, sqe->addr = (uintptr_t)address, sqe->len = length;
    sqe->user_data = (uint64_t)kind << 60 | (uint64_t)buffer << 32 | (unsigned)fd;
    if (kind == ACCEPT) sqe->ioprio = IORING_ACCEPT_MULTISHOT;
    if (kind == RECEIVE) sqe->ioprio = IORING_RECV_MULTISHOT, sqe->flags = IOSQE_BUFFER_SELECT;
    if (kind == SEND) sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    __atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
    to_submit++;
}
static void receive(int fd) { prepare(IORING_OP_RECV, RECEIVE, fd, 0, NULL, 0); }
static void provide(unsigned buffer) {
    unsigned short tail = provided->tail;
    struct io_uring_buf *slot = &provided->bufs[tail & (BUFFERS - 1)];
    slot->addr = (uintptr_t)buffers[buffer], slot->len = MESSAGE, slot->bid = buffer;
    __atomic_store_n(&provided->tail, tail + 1, __ATOMIC_RELEASE);
}
static void *map(size_t size, long offset) {
    int flags = offset < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, offset < 0 ? -1 : ring, offset < 0 ? 0 : offset);
    if (at == MAP_FAILED) give_up("mmap of the ring: %s", strerror(errno));
    return at;
}
static void begin(void) {
    struct io_uring_params p = {.cq_entries = COMPLETIONS};
    p.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if ((ring = syscall(SYS_io_uring_setup, SUBMISSIONS, &p)) < 0) give_up("io_uring_setup: %s", strerror(errno));
    char *sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    char *cq = map(p.cq_off.cqes + p.cq_entries * sizeof *cqes, IORING_OFF_CQ_RING);
    sqes = map(p.sq_entries * sizeof *sqes, IORING_OFF_SQES);
    sq_head = (unsigned *)(sq + p.sq_off.head), sq_tail = (unsigned *)(sq + p.sq_off.tail);
    sq_array = (unsigned *)(sq + p.sq_off.array), sq_mask = p.sq_entries - 1;
    cq_head = (unsigned *)(cq + p.cq_off.head), cq_tail = (unsigned *)(cq + p.cq_off.tail);
    cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes), cq_mask = p.cq_entries - 1;
    for (unsigned i = 0; i < p.sq_entries; i++) sq_array[i] = i;
    buffers = map((size_t)BUFFERS * MESSAGE, -1);
    provided = map(BUFFERS * sizeof(struct io_uring_buf), -1);
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)provided, .ring_entries = BUFFERS};
    if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_PBUF_RING, &registration, 1))
        give_up("provided buffers: %s", strerror(errno));
    for (unsigned i = 0; i < BUFFERS; i++) provide(i);
}
static void complete(const struct io_uring_cqe *cqe) {
    int kind = cqe->user_data >> 60, fd = (unsigned)cqe->user_data, more = cqe->flags & IORING_CQE_F_MORE;
    unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    if (kind == ACCEPT) {
        if (cqe->res >= 0) receive(cqe->res);
        if (!more) prepare(IORING_OP_ACCEPT, ACCEPT, fd, 0, NULL, 0);
    } else if (kind == SEND) {
        provide(cqe->user_data >> 32 & 0xffff);
    } else if (cqe->res > 0) {
        prepare(IORING_OP_SEND, SEND, fd, buffer, buffers[buffer], cqe->res);
        if (!more) receive(fd);
    } else if (cqe->res == -ENOBUFS) {
        receive(fd);
    } else {
        if (cqe->flags & IORING_CQE_F_BUFFER) provide(buffer);
        close(fd);
    }
}
int main(void) {
    begin();
    prepare(IORING_OP_ACCEPT, ACCEPT, LISTENER, 0, NULL, 0);
    for (;;) {
        enter(1);
        unsigned head = *cq_head, tail = __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE);
        for (; head != tail; head++) complete(&cqes[head & cq_mask]);
        __atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
    }
}
