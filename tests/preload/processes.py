"""Children of every kind: forked, spawned, executed, daemonised, with descriptors closed in loops. Prints what each step gave."""
import ctypes
import fcntl
import multiprocessing
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time

PYTHON = [sys.executable, "-S", "-E", "-c"]


def square(number):
    time.sleep(0.001)
    return number * number


def child(body):
    """Runs body in a fork and returns its exit status and what it returned, which comes through the fork's standard output."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.dup2(writing, 1)
        try:
            result, status = body(), 0
        except BaseException as error:
            result, status = error, 1
        os.write(1, repr(result).encode())
        os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:
        output = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output


def works_after(close):
    """What sockets, threads, timers and epoll do in a child after it closed every descriptor from 3 on."""

    def body():
        close()
        a, b = socket.socketpair()
        threading.Timer(0.05, a.send, (b"after",)).start()
        epoll = select.epoll()
        epoll.register(b, select.EPOLLIN)
        events = len(epoll.poll(50))
        reading, writing = os.pipe()
        os.write(writing, b"pipe")
        ready = select.select([reading], [], [], 50)[0] == [reading]
        return events, b.recv(10), ready, os.read(reading, 10), a.fileno(), b.fileno(), epoll.fileno(), reading, writing

    return child(body)


def close_each():
    for number in range(3, 1024):
        try:
            os.close(number)
        except OSError:
            pass


def forks():
    print("fork", child(lambda: "in a child"))
    print("close loop", works_after(close_each))
    print("closerange", works_after(lambda: os.closerange(3, 1 << 20)))
    print("closefrom", works_after(lambda: ctypes.CDLL(None).closefrom(3)))
    children = []
    for number in range(20):
        pid = os.fork()
        if not pid:
            time.sleep(0.01)
            os._exit(number)
        children.append(pid)
    print("waited", sorted(os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) for _ in children))
    try:
        os.wait()
    except ChildProcessError as error:
        print("no child", error)
    pid = os.fork()
    if not pid:
        signal.pause()
    print("not yet", os.waitpid(pid, os.WNOHANG))
    os.kill(pid, signal.SIGKILL)
    print("killed", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def subprocesses():
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    listing = PYTHON + ["import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"]
    print("close_fds", subprocess.run(listing, close_fds=True, capture_output=True))
    passed = PYTHON + [f"import os; print(os.write({writing}, b'passed'))"]
    print("pass_fds", subprocess.run(passed, pass_fds=[writing], capture_output=True).stdout, os.read(reading, 10))
    print("new session", subprocess.run(PYTHON + ["import os; print(os.getsid(0) == os.getpid())"], start_new_session=True, capture_output=True).stdout)
    print("preexec", subprocess.run(["pwd"], preexec_fn=lambda: os.chdir("/"), capture_output=True).stdout)
    big = bytes(range(256)) * 4000
    print("large", subprocess.run(["cat"], input=big, capture_output=True).stdout == big)
    try:
        subprocess.run(["sleep", "1000"], timeout=0.1)
    except subprocess.TimeoutExpired as error:
        print("timed out", error.cmd)
    print("shell", subprocess.getstatusoutput("echo out; echo err >&2; exit 3"), os.system("exit 4"))
    with os.popen("echo popen; exit 2") as pipe:
        print(pipe.read().strip(), pipe.close())
    try:
        subprocess.run(["./no such program"])
    except FileNotFoundError as error:
        print("missing", error)
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit $STATUS"], {"STATUS": "7"})
    print("posix_spawn", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    pid = os.fork()
    if not pid:
        os.environ["GREETING"] = "exec"
        os.execvp("sh", ["sh", "-c", 'test "$GREETING" = exec && exit 8'])
    print("exec", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def pools():
    for method in "fork", "spawn":
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, sum(pool.map(square, range(100))))
    context = multiprocessing.get_context("fork")
    queue, event = context.Queue(), context.Event()
    process = context.Process(target=lambda: (event.wait(), queue.put("from a child")))
    process.start()
    event.set()
    print("queue", queue.get(timeout=50), process.join(), process.exitcode)


def is_waited_for(file):
    """Whether the kernel knows somebody who waits for a lock of the file."""
    with open("/proc/locks") as locks:
        return any(" -> " in line and f":{os.fstat(file.fileno()).st_ino} " in line for line in locks)


def unlock_when_waited_for(file, seen):
    while not is_waited_for(file):
        time.sleep(0.01)
    seen.append("waited for")
    fcntl.flock(file, fcntl.LOCK_UN)


def locks():
    with open("lock", "w") as mine, open("lock", "w") as other:
        seen = []
        fcntl.flock(mine, fcntl.LOCK_EX)
        threading.Thread(target=unlock_when_waited_for, args=(mine, seen)).start()
        fcntl.flock(other, fcntl.LOCK_EX)
        print("flock", seen)
        fcntl.flock(other, fcntl.LOCK_UN)
        fcntl.lockf(mine, fcntl.LOCK_EX)

        def contend():
            with open("lock", "w") as theirs:
                try:
                    fcntl.lockf(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    return error.strerror

        print("lockf", child(contend))


def terminals():
    pid, terminal = pty.fork()
    if not pid:
        os.execvp("sh", ["sh", "-c", "read line; echo got $line; test -t 0 && exit 5"])
    os.write(terminal, b"typed\n")
    output = b""
    try:
        while piece := os.read(terminal, 100):
            output += piece
    except OSError as error:
        print("terminal", output, error.strerror, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def daemon():
    reading, writing = os.pipe()
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open("/dev/null", os.O_RDWR)
        for number in 0, 1, 2:
            os.dup2(null, number)
        for number in range(3, 256):
            if number != writing:
                try:
                    os.close(number)
                except OSError:
                    pass
        time.sleep(0.05)
        os.write(writing, b"daemon ran")
        os._exit(0)
    os.close(writing)
    os.wait()
    print(os.read(reading, 100).decode(), os.read(reading, 1))


def environment():
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_char_p
    os.environ["COLOUR"] = "red"
    print("environment", libc.getenv(b"COLOUR"), libc.getenv(b"UNSET_BY_ALL"))
    libc.setenv(b"COLOUR", b"blue", 0)
    print(libc.getenv(b"COLOUR"), libc.setenv(b"COLOUR", b"green", 1), libc.getenv(b"COLOUR"))
    print(libc.unsetenv(b"COLOUR"), libc.getenv(b"COLOUR"), libc.setenv(b"A=B", b"x", 1), libc.setenv(b"", b"x", 1))
    line = ctypes.create_string_buffer(b"COLOUR=put")
    print(libc.putenv(line), libc.getenv(b"COLOUR"), subprocess.run(["sh", "-c", "echo $COLOUR"], env=None, capture_output=True).stdout)


if __name__ == "__main__":  # spawned children read this file again
    for step in (forks, subprocesses, pools, locks, terminals, daemon, environment):
        step()
        sys.stdout.flush()
