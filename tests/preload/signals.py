"""Signals that arrive in blocking calls. Prints what each call gave."""
import ctypes
import ctypes.util
import os
import select
import signal
import socket
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


class Alarm(Exception):
    pass


def raises(*_):
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise Alarm


def counts(*_):
    counts.seen += 1


counts.seen = 0


def interrupted(name, call):
    """The alarm comes again: the first may be earlier than the call."""
    signal.signal(signal.SIGALRM, raises)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.03, 0.03)
        print(name, call())
    except Alarm:
        print(name, "interrupted")


def retried(name, call):
    """The call goes on after handlers that return. It is made again when alarms have come together on a busy machine."""
    counts.seen = 0
    signal.signal(signal.SIGALRM, counts)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    while counts.seen < 2:
        counts.seen = 0
        start = time.monotonic()
        result = call()
        took = time.monotonic() - start
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(name, result, took >= 0.1)


def raw(name, call):
    """What libc itself answers when a handler ran without SA_RESTART, and with it."""
    signal.signal(signal.SIGALRM, counts)
    for restart in True, False:
        signal.siginterrupt(signal.SIGALRM, restart)
        if not restart:  # a restarted call ends by itself
            threading.Timer(0.1, call.end).start() if hasattr(call, "end") else None
        signal.setitimer(signal.ITIMER_REAL, 0.03, 0.03)
        result = call()
        error = ctypes.get_errno()
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(name, "interrupting" if restart else "restarting", result, os.strerror(error) if result == -1 else "")


reading, writing = os.pipe()
left, right = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))

interrupted("read", lambda: os.read(reading, 1))
interrupted("recv", lambda: left.recv(1))
interrupted("accept", listener.accept)
interrupted("select", lambda: select.select([reading], [], []))
interrupted("poll", lambda: select.poll().poll(1_000_000))
interrupted("epoll", lambda: select.epoll().poll(1000))
interrupted("sleep", lambda: time.sleep(1000))
interrupted("pause", signal.pause)
interrupted("lock", lambda: threading.Lock().acquire() and threading.Semaphore(0).acquire())

retried("sleep", lambda: time.sleep(0.1))
retried("poll", lambda: select.poll().poll(100))
retried("select", lambda: select.select([reading], [], [], 0.1))
left.settimeout(0.1)


def timed():
    try:
        return left.recv(1)
    except TimeoutError:
        return "timed out"


retried("recv", timed)

byte = ctypes.create_string_buffer(1)


class Read:
    def __call__(self):
        return libc.read(reading, byte, 1)

    def end(self):
        os.write(writing, b"x")


raw("read(2)", Read())


class Poll:
    def __call__(self):
        return libc.poll(None, 0, 1_000_000)


raw("poll(2)", Poll())


class Sleep:
    def __call__(self):
        return libc.usleep(1_000_000_000)


raw("usleep(3)", Sleep())

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR1)
print("sigwait", signal.sigwait([signal.SIGUSR1]))
print("sigtimedwait", signal.sigtimedwait([signal.SIGUSR1], 0.05))
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2)).start()
print("sigwaitinfo", signal.sigwaitinfo([signal.SIGUSR2]).si_signo)

wakeup, waker = socket.socketpair()
waker.setblocking(False)
signal.set_wakeup_fd(waker.fileno())
signal.signal(signal.SIGHUP, counts)
os.kill(os.getpid(), signal.SIGHUP)
print("wakeup fd", wakeup.recv(1)[0])
signal.set_wakeup_fd(-1)

signal.signal(signal.SIGALRM, counts)
worker = threading.Thread(target=os.read, args=(reading, 1))
worker.start()
signal.pthread_kill(worker.ident, signal.SIGALRM)
os.write(writing, b"x")
worker.join()
pid = os.fork()
if not pid:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
print("ended by", os.WTERMSIG(os.waitpid(pid, 0)[1]))
