"""The coroutines of colib, for gdb: `source colib.py`, or installed where gdb loads it by itself.

info coroutines              all that there are: state, what each waits for, where it is
info coroutine-stacks        the same by backtrace: how many stand where
coroutine WHICH COMMAND      runs a command as if the coroutine were the thread: coroutine 3 bt full
coroutine all COMMAND        the same for each
coroutine WHICH              lets all commands see it, until the program goes on or `coroutine none`

WHICH is a number that `info coroutines` gives, or an expression for a stCoRoutine_t *; where threads are coroutines, also for a
pthread_t. Thread-local variables are those of the kernel's thread whoever is seen. Nothing is written to the process,
and core files do as well, but for one thing: the bytes of a shared stack that are kept elsewhere are put where they belong
while COMMAND looks at them, and then back, which a core file does not allow.

Needs gdb 9 or later.
"""

import collections
import os
import re
import sys

import gdb
import gdb.unwinder

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from colib_state import Layout, read

# A stack that goes on for ever is shown this far.
DEEPEST = 200
# Shared stacks are put in place for commands that only look.
LOOKS = "backtrace bt where frame f up down info i print p inspect output printf echo x list l ptype whatis".split()


class Id:
    """A frame's, for gdb."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class View(gdb.unwinder.Unwinder):
    """Whom commands see: what the thread runs is a frame whose caller is where the coroutine goes on."""

    def __init__(self):
        super().__init__("colib")
        self.coroutine = self.registers = self.instead_of = self.library = None

    def show(self, coroutine):
        self.hide()
        self.library = coroutine.layout.place
        for thread in gdb.selected_inferior().threads():
            if thread.ptid[1] == coroutine.thread:
                thread.switch()
        if coroutine.runs:
            return
        self.registers = coroutine.registers()
        frame = gdb.newest_frame()
        self.instead_of = tuple(int(frame.read_register(name)) for name in ("rsp", "rip"))
        self.coroutine = coroutine
        gdb.invalidate_cached_frames()
        innermost = next(frames_of_program(), None) or innermost_of_coroutine()
        if innermost:
            innermost.select()

    def hide(self):
        if self.coroutine:
            self.coroutine = None
            gdb.invalidate_cached_frames()

    def __call__(self, frame):
        if not self.coroutine:
            return None
        now = {name: frame.read_register(name) for name in ("rsp", "rip")}
        if tuple(int(value) for value in now.values()) != self.instead_of:
            return None
        # Below all others, for gdb does not believe in callers whose stacks are lower.
        lowest = gdb.Value((16).to_bytes(8, "little"), now["rsp"].type)
        info = frame.create_unwind_info(Id(lowest, now["rip"]))
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value.to_bytes(8, "little"), frame.read_register(name).type))
        return info


class Filter:
    """Leaves what the thread runs, and the library's own frames, out of a coroutine's backtrace: `bt -no-filters` has all."""

    name, priority, enabled = "colib", 100, True

    def __init__(self):
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        if not VIEW.coroutine:
            return frames
        # Functions that were inlined where the thread is have frames of their own before its frame.
        for frame in frames:
            if frame.inferior_frame().type() != gdb.INLINE_FRAME:
                break
        return (frame for frame in frames if not is_own(frame.inferior_frame()))


class Elsewhere(gdb.error):
    """Its part of a shared stack is kept elsewhere, and cannot be put back."""

    def __str__(self):
        return "its part of a shared stack is kept elsewhere, and only in a process can it be put back"


class Placed:
    """While the bytes of a shared stack are where they belong."""

    def __init__(self, coroutine):
        self.kept, self.before = coroutine.kept, None

    def __enter__(self):
        if self.kept:
            start, mine = self.kept
            self.before = read(start, len(mine))
            try:
                gdb.selected_inferior().write_memory(start, mine)
            except gdb.error:
                raise Elsewhere() from None
            gdb.invalidate_cached_frames()

    def __exit__(self, *_):
        if self.kept:
            gdb.selected_inferior().write_memory(self.kept[0], self.before)
            gdb.invalidate_cached_frames()


class Here:
    """Puts the selected thread and frame back."""

    def __enter__(self):
        self.thread, self.frame = gdb.selected_thread(), gdb.selected_frame()
        self.seen = VIEW.coroutine
        if self.seen:
            self.level = level_of(self.frame)

    def __exit__(self, *_):
        VIEW.hide()
        self.thread.switch()
        if self.seen:
            VIEW.show(self.seen)
            gdb.execute(f"frame {self.level}", to_string=True)
        elif self.frame.is_valid():
            self.frame.select()


def level_of(frame):
    level = 0
    while frame.newer():
        frame, level = frame.newer(), level + 1
    return level


def is_own(frame):
    """It is one of the library's."""
    own = gdb.solib_name(VIEW.library)
    if own:
        return gdb.solib_name(frame.pc()) == own
    # Linked into the program: functions of the interface are named like the program's may be, but are written in Rust.
    symbol, table = symbol_at(frame.pc()), frame.find_sal().symtab
    return symbol.startswith("colib") or bool(table and table.filename.endswith(".rs"))


def innermost_of_coroutine():
    """The caller, as it seems, of what the thread runs."""
    frame = gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame.older()


def frames_of_program():
    """Those of whoever is seen that are not the library's, from the innermost outwards."""
    frame = innermost_of_coroutine() if VIEW.coroutine else gdb.newest_frame()
    for _ in range(DEEPEST):
        if frame is None:
            return
        if not is_own(frame):
            yield frame
        frame = frame.older()


def described(frame):
    name = frame.name() or hex(frame.pc())
    where = frame.find_sal()
    if where.symtab:
        return f"{name} at {where.symtab.filename}:{where.line}"
    solib = gdb.solib_name(frame.pc())
    return f"{name} from {solib}" if solib else name


def symbol_at(address):
    said = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return "" if said.startswith("No symbol") else said.split(" in section")[0].strip()


def routine_of(coroutine):
    routine = coroutine.word(coroutine.layout.coroutine_routine)
    return symbol_at(routine) or f"{routine:#x}"


def stack_of(coroutine):
    """What its frames are, described; why not, if they cannot be seen."""
    if not coroutine.is_parked and not coroutine.runs:
        return [f"({routine_of(coroutine)})"]
    try:
        with Placed(coroutine):
            VIEW.show(coroutine)
            return [described(frame) for frame in frames_of_program()] or ["(nothing of the program's)"]
    except gdb.error as error:
        return [f"({error})"]


def which(said, layout):
    """Those that the user means."""
    everybody = list(layout.coroutines())
    if said == "all":
        return list(enumerate(everybody, 1))
    if said.isdecimal():
        if not 1 <= int(said) <= len(everybody):
            raise gdb.GdbError(f"There is no coroutine {said}: `info coroutines` lists {len(everybody)}.")
        return [(int(said), everybody[int(said) - 1])]
    try:
        address = int(gdb.parse_and_eval(said))
    except gdb.error as error:
        raise gdb.GdbError(str(error))
    found = [(i, one) for i, one in enumerate(everybody, 1) if address in (one.address, one.base)]
    if not found:
        raise gdb.GdbError(f"{said} is {address:#x}, which is no coroutine of a thread that lives.")
    return found


class InfoCoroutines(gdb.Command):
    """All coroutines: state, what each waits for, where it is."""

    def __init__(self):
        super().__init__("info coroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        rows, layout = [], Layout()
        with Here():
            for i, one in enumerate(layout.coroutines(), 1):
                rows.append((str(i), one.name, str(one.thread), one.state, stack_of(one)[0]))
        heads = ("Id", "Coroutine", "LWP", "State", "Where")
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(4)]
        for row in [heads, *rows]:
            gdb.write("  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[4]]) + "\n")


class InfoCoroutineStacks(gdb.Command):
    """How many coroutines stand where: their backtraces, the most frequent first."""

    def __init__(self):
        super().__init__("info coroutine-stacks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        groups, layout = collections.defaultdict(list), Layout()
        with Here():
            for i, one in enumerate(layout.coroutines(), 1):
                groups[tuple(stack_of(one))].append(i)
        for stack, ids in sorted(groups.items(), key=lambda group: -len(group[1])):
            some = ", ".join(map(str, ids[:8])) + (", ..." if len(ids) > 8 else "")
            gdb.write(f"{len(ids)} coroutine{'s' if len(ids) > 1 else ''}: {some}\n")
            for frame in stack:
                gdb.write(f"    {frame}\n")


class CoroutineCommand(gdb.Command):
    """Runs a command as if a coroutine were the thread, or lets all commands see it.

coroutine WHICH COMMAND    WHICH: a number of `info coroutines`, an expression for a stCoRoutine_t * or pthread_t, or `all`
coroutine WHICH            until the program goes on
coroutine none             the thread again"""

    def __init__(self):
        super().__init__("coroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        said, _, command = argument.strip().partition(" ")
        command = command.strip()
        if said == "none":
            VIEW.hide()
            return
        if not said or said == "all" and not command:
            raise gdb.GdbError("usage: coroutine WHICH [COMMAND], coroutine all COMMAND, coroutine none")
        chosen = which(said, Layout())
        if command:
            with Here():
                for i, one in chosen:
                    self.run(i, one, command, from_tty)
        else:
            self.see(*chosen[0])

    def run(self, i, one, command, from_tty):
        gdb.write(f"\nCoroutine {i} ({one.name}, LWP {one.thread}, {one.state}):\n")
        if not one.is_parked and not one.runs:
            gdb.write(f"It has no frames. {routine_of(one)}\n")
            return
        if one.kept and re.match(r"\w+", command).group() not in LOOKS:
            raise gdb.GdbError("Its stack is put in place only for commands that look: " + ", ".join(LOOKS))
        try:
            with Placed(one):
                VIEW.show(one)
                gdb.execute(command, from_tty)
        except gdb.error as error:
            gdb.write(f"{error}\n")

    def see(self, i, one):
        if not one.is_parked and not one.runs:
            raise gdb.GdbError(f"Coroutine {i} has no frames: it {one.state}.")
        if one.kept:
            raise gdb.GdbError(f"Its part of a shared stack is kept elsewhere: use `coroutine {i} COMMAND`.")
        VIEW.show(one)
        gdb.execute("frame")


VIEW = View()
gdb.unwinder.register_unwinder(None, VIEW, replace=True)
Filter()
InfoCoroutines()
InfoCoroutineStacks()
CoroutineCommand()
gdb.events.cont.connect(lambda _: VIEW.hide())
