"""The table of rows: what each measures, by which programs, at which sizes, and what is asked of it. No code but the tables."""

from dataclasses import dataclass, field


@dataclass
class Target:
    """What `of` (the row's first peer by default) may reach: a limit or one for each size, of its figure, or of its ratio or difference to
    another peer."""

    figure: str
    limit: object
    to: str = ""
    difference: bool = False
    of: str = ""


# What limits in nanoseconds of CPU were set beside: a switch of fcontext took so many where and when they were. Rows with such limits
# measure it too, in each round, so that a slower machine, or one whose other guests take from it, can be told from a slower library.
PACE = "contexts-fcontext switch 1"
PACE_NS = 5.1


@dataclass
class Row:
    """Peers are commands of target/benches/bin; {n} is the size. The first one is the library, or what is asked of it."""

    name: str
    title: str
    sizes: tuple
    peers: dict
    figures: dict  # key as printed by the programs: label
    targets: list = field(default_factory=list)
    floor: str = ""
    quick: tuple = ()  # sizes of QUICK=1; all when empty
    of: str = "coroutines"  # what a size counts
    most: dict = field(default_factory=dict)  # the largest size of a peer that would disturb the machine beyond it

    @property
    def first(self):
        return next(iter(self.peers))

    @property
    def paced(self):
        return any(target.figure == "ns" and not target.to for target in self.targets)


def contexts(mode):
    names = {"colib": "contexts-colib", "fcontext": "contexts-fcontext", "swapcontext": "contexts-swapcontext"}
    peers = {name: f"{program} {mode} {{n}}" for name, program in names.items()}
    peers["corosensei"] = f"bench-crates corosensei {mode} {{n}}"
    return peers


def tasks(mode, *names):
    programs = {"colib": "tasks-colib", "Boost.Fiber": "tasks-fiber", "state-threads": "tasks-st"}
    programs |= {"may": "bench-crates may", "threads": "tasks-threads"}
    return {name: f"{programs[name]} {mode} {{n}}" for name in names}


ECHO = {"colib": "echo-colib", "colib co_poll": "echo-colib poll", "epoll edge": "echo-epoll"}
ECHO |= {"epoll level": "echo-epoll level", "io_uring": "echo-uring", "may": "bench-crates may echo"}
ECHO |= {"state-threads": "echo-st", "threads": "echo-threads", "fcontext": "echo-fcontext"}


SHORT = {"colib": "echo-colib", "epoll edge": "echo-epoll", "epoll level": "echo-epoll level", "state-threads": "echo-st"}
SHORT |= {"threads": "thread_per_connection"}
SHORT = {name: f"servers-load new {{n}} {{bin}}/{server} PORT" for name, server in SHORT.items()}


def echo():
    return {name: f"echo-load {{n}} {{bin}}/{server}" for name, server in ECHO.items()}


def echo_in_turns(other):
    """Each server in turns with that one, of the same load."""
    return {name: f"echo-load {{n}} {{bin}}/{server} -- {{bin}}/{ECHO[other]}" for name, server in ECHO.items() if name != other}


def echo_sparse(other):
    """Each server and that one, asked by the same load on one connection after another."""
    peers = ("colib", "epoll level", "may", "state-threads", "threads")
    servers = {name: f"{{bin}}/{ECHO[name]}" for name in peers}
    servers["threads as coroutines"] = "/usr/bin/env COLIB_THREADS=1 LD_PRELOAD={lib}/libcolib.so " + servers["threads"]
    return {name: f"echo-load sparse {{n}} {server} -- {{bin}}/{ECHO[other]}" for name, server in servers.items()}


def thread_servers(kind, command):
    """A server with a thread for each connection, on threads and on coroutines."""
    load = f"servers-load {kind} {{n}} "
    return {"coroutines": load + "/usr/bin/env COLIB_THREADS=1 LD_PRELOAD={lib}/libcolib.so " + command, "threads": load + command}


# What is left of a proxy's CPU on threads without what only threads cost: clone and exit, their stacks, the kernel's switches (samples of
# perf on the server's CPU). The rest is the same calls of the same program: many small sends, connections opened and closed, libc. So the
# 0.7 that is asked of a connection for each request cannot be had there. The library's own work takes about a tenth.
SHARED = {"tinyproxy": 0.81, "privoxy": 0.77}


def floor_of(name):
    return f"{SHARED[name]} × threads: system calls, program and libc are the same both ways" if name in SHARED else ""


SCHEDULERS = ("Boost.Fiber", "state-threads", "may", "threads")
PYTHON = "/usr/bin/python3 {programs}/../../tests/threads_mode/server.py PORT"
MICROSOCKS = "/usr/bin/microsocks -i 127.0.0.1 -p PORT"
PRELOAD = "env LD_PRELOAD={lib}/libcolib.so {bin}/"
LATENESS = {"p50_us": "late, p50, µs", "p99_us": "late, p99, µs", "early_percent": "woken early, %"}

ROWS = [
    Row(
        "switch",
        "co_resume and co_yield_ct through the shared object, round robin",
        (1, 1000, 100_000),
        contexts("switch") | {"libco's way": "contexts-interface switch {n}"} | tasks("switch", *SCHEDULERS),
        {"ns": "ns CPU a switch"},
        [Target("ns", 1, to="fcontext")],
        quick=(1, 1000),
        most={"threads": 1000},
        floor="2.5–3.7 ns out of line",
    ),
    Row(
        "switch_rounded",
        "the same where who resumes has rounded a number and the others have not: their exception flags differ",
        (1, 1000, 100_000),
        {name: command for name, command in contexts("rounded").items() if name != "corosensei"} | {"libco's way": "contexts-interface rounded {n}"},
        {"ns": "ns CPU a switch"},
        [Target("ns", 1, to="fcontext")],
        quick=(1, 1000),
    ),
    Row(
        "switch_own",
        "the same to coroutines with thread-local variables of their own",
        (1, 1000, 20_000),
        {"own": "contexts-own switch {n}", "colib": "contexts-colib switch {n}", "state-threads": "tasks-st switch {n}"},
        {"ns": "ns CPU a switch"},
        [],
        quick=(1, 1000),
    ),
    Row(
        "create",
        "create, run, end, release, beside N - 1 parked ones",
        (1, 10_000),
        contexts("create") | tasks("create", *SCHEDULERS),
        {"ns": "ns CPU each"},
        [Target("ns", 45)],
        floor="25 ns is the aim",
    ),
    Row(
        "echo",
        "64 bytes to and fro by blocking reads and writes; server and load on a CPU each",
        (1, 100, 1000, 9000),
        echo(),
        {
            "cpu_ns": "ns CPU of the server a request",
            "calls": "system calls a request",
            "requests_per_s": "requests a second",
            "p50_us": "answer, p50, µs",
            "p99_us": "answer, p99, µs",
            "p999_us": "answer, p99.9, µs",
        },
        [
            Target("cpu_ns", 1.1, to="colib", of="colib co_poll"),
            Target("calls", 2.1),
        ],
        floor="2 system calls; with one connection each event takes a wait of its own, so the loops need 3",
        quick=(100, 1000),
        of="connections",
    ),
    Row(
        "echo_turns",
        "the same beside a raw edge-triggered loop: the load has the one answer for 40 ms, then the other, over and over",
        (1, 100, 1000, 9000),
        echo_in_turns("epoll edge"),
        {"ratio": "CPU of the server a request ÷ that of the loop"},
        [Target("ratio", {1: 1.0, 100: 1.0, 1000: 1.05, 9000: 1.1})],
        quick=(100, 1000),
        of="connections",
    ),
    Row(
        "sparse",
        "the same on connections that are silent for two seconds between two requests, one connection after another",
        (1000,),
        echo_sparse("epoll edge"),
        {"ratio": "CPU of the server a request ÷ that of the loop"},
        [Target("ratio", 1.15)],
        of="connections",
    ),
    Row(
        "short",
        "a connection for each 64 bytes; server and load on a CPU each",
        (1, 100),
        SHORT,
        {"cpu_ns": "ns CPU of the server a connection"},
        floor="accept, receive, send and close are five sixths of the raw loop's CPU",
        of="connections at once",
    ),
    Row(
        "memory",
        "parked coroutines with guarded stacks of their own, 200 bytes of it in use: resident memory and page tables",
        (10_000, 100_000, 1_000_000),
        {k: v for k, v in contexts("memory").items() if k != "swapcontext"} | tasks("memory", *SCHEDULERS),
        {"bytes": "bytes each", "create_ns": "ns CPU to make one"},
        [Target("bytes", 4400)],
        floor="4,232 bytes (fcontext and Boost.Fiber have no guards)",
        quick=(100_000,),
        most={"threads": 10_000},
    ),
    Row(
        "shared_memory",
        "parked coroutines on shared stacks, 200 bytes live",
        (1_000_000, 10_000_000),
        {"colib": "shared memory {n}"},
        {"bytes": "bytes each", "create_ns": "ns CPU to make one"},
        [Target("bytes", 420)],
        floor="240 bytes",
        quick=(100_000, 1_000_000),
    ),
    Row(
        "shared_hot",
        "resume on a shared stack that another coroutine used, one after another",
        (10, 100, 1000),
        {"colib": "shared hot {n}"},
        {"ns": "ns CPU a resume and yield"},
        [Target("ns", {10: 60})],
    ),
    Row(
        "shared_random",
        "the same in random order",
        (100_000, 1_000_000),
        {"colib": "shared random {n}"},
        {"ns": "ns CPU a resume and yield"},
        [Target("ns", {1_000_000: 500})],
    ),
    Row(
        "timers",
        "coroutines that sleep 1 to 1,000 ms by chance",
        (10_000, 100_000),
        tasks("timers", "colib", "Boost.Fiber", "state-threads", "may"),
        {"ns": "ns CPU a wake"} | LATENESS,
        [Target("ns", {100_000: 1200}), Target("p99_us", {100_000: 1000}), Target("early_percent", 0)],
        floor="220 ns to expire in a heap, and a switch",
        quick=(10_000,),
    ),
    Row(
        "precision",
        "one sleeper; the sizes are microseconds",
        (50, 500, 5000),
        tasks("precision", "colib", "threads", "Boost.Fiber", "state-threads", "may"),
        LATENESS,
        [Target("p50_us", 20, to="threads", difference=True), Target("early_percent", 0)],
        of="µs",
    ),
    Row(
        "timeouts",
        "a byte to and fro between two coroutines, each read with a SO_RCVTIMEO that never comes",
        (1, 10, 100),
        {"with": "timeouts with {n}", "without": "timeouts without {n}"},
        {"ns": "ns CPU a hand-over"},
        [Target("ns", 1.05, to="without")],
        of="pairs",
    ),
    Row(
        "idle",
        "N silent connections and N long sleepers",
        (1000, 9000),
        tasks("idle", "colib", "state-threads", "may", "threads"),
        {"wakeups": "wake-ups a second"},
        [Target("wakeups", 0)],
        floor="0",
        quick=(1000,),
        of="connections",
    ),
    Row(
        "passthrough_lock",
        "pthread_mutex_lock and unlock in a program without coroutines, preloaded or not",
        (1,),
        {"preloaded": PRELOAD + "passthrough lock", "alone": "passthrough lock"},
        {"ns": "ns CPU a call"},
        [Target("ns", 1, to="alone", difference=True)],
        of="thread",
    ),
    Row(
        "passthrough_beside",
        "the same on a thread without coroutines beside one that has some",
        (1,),
        {"preloaded": PRELOAD + "passthrough beside", "alone": "passthrough beside"},
        {"ns": "ns CPU a call"},
        [Target("ns", 1, to="alone", difference=True)],
        of="thread",
    ),
    Row(
        "passthrough_call",
        "getaddrinfo of nothing, which ends in libc at once, in a program without coroutines, preloaded or not",
        (1,),
        {"preloaded": PRELOAD + "passthrough call", "alone": "passthrough call"},
        {"ns": "ns CPU a call"},
        [Target("ns", 1, to="alone", difference=True)],
        of="thread",
    ),
    Row(
        "numeric",
        "getaddrinfo of a numeric address, in a coroutine and on a thread",
        (1,),
        {"colib": "resolver coroutines numeric {n}", "threads": "resolver threads numeric {n}"},
        {"ns": "ns CPU a look-up"},
        [Target("ns", 1000)],
        of="look-up",
    ),
    Row(
        "localhost",
        "getaddrinfo of localhost, N in flight",
        (100, 1000),
        {"colib": "resolver coroutines localhost {n}", "threads": "resolver threads localhost {n}"},
        {"ns": "ns CPU a look-up", "threads": "threads at most, besides the first"},
        [Target("threads", {100: 50, 1000: 64})],
        of="look-ups",
    ),
    Row(
        "cond",
        "signal, and the waiter goes on, to and fro in N pairs",
        (1, 1000),
        tasks("cond", "colib", *SCHEDULERS),
        {"ns": "ns CPU a hand-over"},
        [Target("ns", 60)],
        of="pairs",
        most={"threads": 1},
    ),
    Row(
        "parked",
        "coroutines that each wait for a time and for a descriptor that others share; one in a hundred wakes",
        (10_000, 100_000, 1_000_000),
        {"colib": "parked {n}"},
        {"create_ns": "ns CPU to park one", "bytes": "bytes each", "wake_ns": "ns CPU to wake one"},
        quick=(10_000, 100_000),
    ),
    Row(
        "prefork",
        "processes that accept short connections on one listener",
        (4, 40),
        {"colib": "prefork coroutines {n}", "processes": "prefork processes {n}"},
        {"wakes": "wake-ups an accept", "share": "largest share ÷ smallest"},
        [Target("wakes", {4: 1.1}), Target("share", {4: 2})],
        of="processes",
        quick=(4,),
    ),
    *(
        Row(
            f"threads_{name}",
            f"threads as coroutines: {title}; server and load on a CPU each",
            tuple(limits),
            thread_servers(kind, command),
            {"cpu_ns": "ns CPU of the server a request", "threads": "kernel threads", "kilobytes": "resident memory, kB"},
            [Target("cpu_ns", limits, to="threads")],
            floor=floor_of(name),
            of="connections",
            quick=tuple(limits)[:2],
        )
        for name, title, kind, limits, command in (
            ("echo", "64 bytes to and fro", "echo", {100: 1.0, 1000: 0.7, 9000: 1.0}, "{bin}/thread_per_connection PORT"),
            ("new", "a connection for each 64 bytes", "new", {100: 0.7}, "{bin}/thread_per_connection PORT"),
            ("python", "Python's ThreadingTCPServer, which echoes", "echo", {100: 1.0, 1000: 0.7}, PYTHON),
            ("microsocks", "64 bytes to and fro behind microsocks", "socks", {100: 1.0, 1000: 0.7}, MICROSOCKS),
            ("tinyproxy", "a GET through tinyproxy", "proxy", {100: 0.9}, "{programs}/servers/tinyproxy.sh"),
            ("privoxy", "a GET through privoxy", "proxy", {100: 0.9}, "{programs}/servers/privoxy.sh"),
            ("stunnel", "64 bytes to and fro behind stunnel", "echo", {100: 1.0}, "{programs}/servers/stunnel.sh"),
            ("microhttpd", "a page of 20,000 bytes by libmicrohttpd", "get", {100: 1.0, 1000: 1.0}, "{bin}/microhttpd PORT"),
            ("mariadbd", "select 1 from mariadbd", "mysql", {100: 1.0, 1000: 1.0}, "{programs}/servers/mariadbd.sh"),
        )
    ),
    Row(
        "threads_handover",
        "threads as coroutines: signal, and the waiter goes on, to and fro in N pairs, each on two kernel threads where there are two",
        (1, 50),
        {
            "two kernel threads": "env COLIB_THREADS=2 LD_PRELOAD={lib}/libcolib.so {bin}/handover cond {n}",
            "one kernel thread": "env COLIB_THREADS=1 LD_PRELOAD={lib}/libcolib.so {bin}/handover cond {n}",
            "threads": "handover cond {n}",
        },
        {"cpu_ns": "ns CPU a hand-over", "wall_ns": "ns a hand-over"},
        [Target("cpu_ns", {1: 2.0, 50: 0.5}, to="threads"), Target("cpu_ns", 0.2, to="threads", of="one kernel thread")],
        of="pairs",
    ),
    Row(
        "fairness",
        "the echo row's answers beside one that always has something to read",
        (100, 1000),
        {
            "colib, greedy": "echo-load {n} {bin}/echo-colib greedy",
            "colib": echo()["colib"],
            "epoll level, greedy": "echo-load {n} {bin}/echo-epoll greedy",
            "epoll level": echo()["epoll level"],
        },
        {"p99_us": "answer of the others, p99, µs"},
        [Target("p99_us", 3, to="colib")],
        of="connections",
        quick=(100,),
    ),
]
