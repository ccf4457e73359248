"""What the library tells of its coroutines, read from a process or a core file: `colib_debugger`
(src/scheduler/debugger.rs), and what it leads to."""

import re
import struct

import gdb

VERSION = 1
WORDS = """version
scheduler_link scheduler_thread scheduler_current scheduler_main scheduler_slabs scheduler_slab_count scheduler_fresh
scheduler_fresh_count scheduler_dealt
dealt_link dealt_coroutine
slab_size slab_base slab_count
coroutine_size coroutine_started coroutine_ended coroutine_shares_stack coroutine_state coroutine_apart coroutine_home
coroutine_stack_pointer coroutine_resumer coroutine_routine coroutine_waiter coroutine_tenant coroutine_more
waiter_exit waiter_timer waiter_state
more_interest more_interests more_base
interest_link interest_fd interest_events
tenant_saved tenant_slot
slot_low slot_size slot_occupant
saved_step
threads""".split()

# `State` of src/coroutine.rs, and that of src/waiter.rs.
SUSPENDED, OPEN, ACTIVE = 2, 3, 4
IDLE, ARMED, QUEUED, WOKEN = range(4)
THREAD = 4
MARKS = 3
NO_TIMER = 0xFFFFFFFF
# EPOLLIN, EPOLLRDNORM, EPOLLRDHUP; EPOLLOUT, EPOLLWRNORM
READING, WRITING = 0x2041, 0x104
# What asm/x86_64/switch.S keeps above the stack pointer of one that does not run.
KEPT = {"r15": 8, "r14": 16, "r13": 24, "r12": 32, "rbx": 40, "rbp": 48, "rip": 56}
FRAME = 64


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def word(address):
    return struct.unpack("<Q", read(address, 8))[0]


def number(address):
    return struct.unpack("<I", read(address, 4))[0]


def library():
    """Where `colib_debugger` is. Asked in words, for expressions depend on the language of the frame."""
    if not gdb.selected_thread():
        raise gdb.GdbError("The program is not being run.")
    try:
        found = re.search("0x[0-9a-f]+", gdb.execute("info address colib_debugger", to_string=True))
    except gdb.error:
        found = None
    if not found:
        raise gdb.GdbError("There is no colib in this program.")
    return int(found.group(), 16)


class Layout:
    """What `colib_debugger` says, by the names of its words."""

    def __init__(self):
        self.place = library()
        words = struct.unpack(f"<{len(WORDS)}Q", read(self.place, 8 * len(WORDS)))
        self.__dict__.update(zip(WORDS, words))
        if self.version != VERSION:
            raise gdb.GdbError(f"This script is for version {VERSION} of colib_debugger; the library has {self.version}.")

    def links(self, head):
        """The links of a list (src/list.rs)."""
        link = word(head)
        while link and link != head:
            yield link
            link = word(link)

    def coroutines(self):
        for link in self.links(self.place + 8 * WORDS.index("threads")):
            scheduler = link - self.scheduler_link
            yield Coroutine(self, scheduler + self.scheduler_main, scheduler)
            fresh = word(scheduler + self.scheduler_fresh)
            left = word(scheduler + self.scheduler_fresh_count)
            for i in range(word(scheduler + self.scheduler_slab_count)):
                slab = word(scheduler + self.scheduler_slabs) + i * self.slab_size
                base, count = word(slab + self.slab_base), word(slab + self.slab_count)
                end = base + count * self.coroutine_size
                if left and base <= fresh < end:
                    end = fresh
                blocks = read(base, end - base) if end > base else b""
                for at in range(0, len(blocks), self.coroutine_size):
                    block = blocks[at : at + self.coroutine_size]
                    if struct.unpack_from("<Q", block, self.coroutine_home)[0] == scheduler:
                        yield Coroutine(self, base + at, scheduler, block)
            for dealt in self.links(word(scheduler + self.scheduler_dealt)):
                yield Coroutine(self, word(dealt - self.dealt_link + self.dealt_coroutine), scheduler)


class Coroutine:
    def __init__(self, layout, address, scheduler, block=None):
        self.layout, self.address, self.scheduler = layout, address, scheduler
        self.block = block or read(address, layout.coroutine_size)
        self.thread = number(scheduler + layout.scheduler_thread)
        self.is_main = address == scheduler + layout.scheduler_main
        self.runs = word(scheduler + layout.scheduler_current) == address
        self.sp = self.word(layout.coroutine_stack_pointer)

    def word(self, offset):
        return struct.unpack_from("<Q", self.block, offset)[0]

    def flag(self, offset):
        return self.block[offset]

    @property
    def is_parked(self):
        """It has frames, and others run."""
        begun = self.is_main or self.flag(self.layout.coroutine_started) and not self.flag(self.layout.coroutine_ended)
        return begun and not self.runs and self.sp != 0

    @property
    def state(self):
        layout = self.layout
        if self.runs:
            return "runs the loop" if self.is_main and self.base else "runs"
        if self.is_main:
            return "the loop" if self.base else "the thread's own"
        if self.flag(layout.coroutine_ended):
            return "has ended"
        if not self.flag(layout.coroutine_started):
            return "has not begun"
        wait = self.flag(layout.coroutine_waiter + layout.waiter_state)
        if wait == WOKEN:
            return "ready"
        if wait in (ARMED, QUEUED):
            return "waits" + self.wait
        resumed = self.word(layout.coroutine_resumer) & ~MARKS
        if self.flag(layout.coroutine_state) == ACTIVE and resumed != self.scheduler:
            return "has resumed another"
        return "yielded"

    @property
    def base(self):
        """Where threads are coroutines: its pthread_t, else zero."""
        more = self.word(self.layout.coroutine_more)
        return word(more + self.layout.more_base) if more and self.flag(self.layout.coroutine_apart) & THREAD else 0

    @property
    def name(self):
        return f"thread {self.base:#x}" if self.base and not self.is_main else f"{self.address:#x}"

    @property
    def wait(self):
        """For what."""
        layout = self.layout
        waiter, more = layout.coroutine_waiter, self.word(layout.coroutine_more)
        timed = struct.unpack_from("<I", self.block, waiter + layout.waiter_timer)[0] != NO_TIMER
        limit = ", with a time-out" if timed else ""
        if more:
            interests, count = word(more + layout.more_interests), word(more + layout.more_interests + 8)
            if count:
                return f" for {count} descriptors{limit}"
            if word(more + layout.more_interest + layout.interest_link):
                fd, events = (number(more + layout.more_interest + at) for at in (layout.interest_fd, layout.interest_events))
                means = [name for bits, name in ((READING, "reading"), (WRITING, "writing")) if events & bits]
                return f" for {' and '.join(means) or 'an event'} on {fd}{limit}"
        if self.word(waiter + layout.waiter_exit):
            return f" to be woken{limit}"
        return " for time to pass" if timed else " to be woken"

    @property
    def kept(self):
        """The bytes of its stack that are kept elsewhere, and where they belong; None when all are in place."""
        layout = self.layout
        if not self.flag(layout.coroutine_shares_stack) or not self.is_parked:
            return None
        tenant = layout.coroutine_tenant
        slot = self.word(tenant + layout.tenant_slot) & (1 << 48) - 1
        if word(slot + layout.slot_occupant) == self.address:
            return None
        start = self.sp - self.sp % layout.saved_step
        top = word(slot + layout.slot_low) + word(slot + layout.slot_size)
        return start, read(self.word(tenant + layout.tenant_saved), top - start)

    def registers(self):
        """What a caller of the switch had in them."""
        kept = self.kept
        frame = kept[1][self.sp - kept[0] :] if kept else read(self.sp, FRAME)
        values = {name: struct.unpack_from("<Q", frame, offset)[0] for name, offset in KEPT.items()}
        return {**values, "rsp": self.sp + FRAME}
