//! A coroutine: its life, its stack, and all that belongs to it alone.
//!
//! Plain data; `scheduler` gives it its life. Kept small, because programs park a million of them: two cache lines, the
//! first of which is all that a switch touches. What comes with the first wait for a descriptor stands behind
//! [`Coroutine::more`], and what few coroutines have behind [`Coroutine::rare`].

use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::cache::LINE;
use crate::context::{Context, Control};
use crate::heap;
use crate::stack::{OWNER, Stack, Tenant};
use crate::waiter::Waiter;
use apart::Apart;

mod apart;
mod more;
mod resolver;

pub use apart::Storage;
pub use more::{Answers, Dealt, Kept, More, Rare};
pub use resolver::ResolverState;

/// The body of a coroutine.
pub type Routine = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// Where a coroutine is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Its body has returned, or its thread has ended.
    Done,
    /// Created or reset: the next resume begins its body.
    Fresh,
    /// It yielded, or waits in a blocking call: a resume goes on with it, in the second case also an event.
    Suspended,
    /// The same, and to go on takes a switch and no more. Never in [`Coroutine::state`]: see [`Coroutine::resumer`].
    Open,
    /// It runs, or has resumed another and waits for that one to leave.
    Active,
}

/// Marks a [`Coroutine::resumer`] to which there is more than a switch on the way back.
const INDIRECT: usize = 1;
/// Marks a [`Coroutine::resumer`] since when the calls of the coroutine are counted. Any resume sets it anew, unmarked.
const COUNTED: usize = 2;

/// What a coroutine runs on.
#[derive(Debug)]
pub enum Ground {
    /// The thread's own stack: the coroutine that stands for the thread itself.
    Thread,
    /// A stack of its own.
    Private(Stack),
    /// A stack that others use too.
    Shared(Tenant),
}

// Spare values of `Tenant::keeps` tell the kinds apart.
const _: () = assert!(size_of::<Ground>() == 16);

/// A coroutine. `stCoRoutine_t` of the C interface. What each switch needs stands first, in one cache line.
#[repr(C, align(64))]
pub struct Coroutine {
    // The first five bytes are revealed by co_routine_inner.h; `capi` asserts that they stay there.
    /// The body has begun.
    pub started: bool,
    /// The body has returned.
    pub ended: bool,
    /// It stands for the thread itself.
    pub is_main: bool,
    /// Its blocking calls park it instead of the thread.
    pub hooked: bool,
    /// It runs on a shared stack.
    pub shares_stack: bool,
    /// Where it is in its life; active also where it is open.
    state: State,
    /// It was released while it ran: it goes when it next leaves.
    pub doomed: bool,
    /// What sets it apart from others, of which switches must know.
    apart: Apart,
    /// The scheduler of its thread; null once that thread has ended.
    pub home: AtomicPtr<()>,
    /// Where it goes on.
    pub context: Context,
    /// How many coroutines its thread had had when it came, as far as that counts.
    pub age: u32,
    /// Who resumed it, and gets control when it leaves. Marked by its lowest bits when the way back is not a mere
    /// switch, or is taken seldom, so that the assembly of the yields needs one test. While it is open, the address of
    /// its home: that is the gate of its thread (`tls`), with which the assembly of `co_resume` compares it.
    resumer: *mut Coroutine,
    /// Its `errno` while it does not run.
    pub errno: c_int,
    /// Its number among those that own locks; zero until it first does.
    pub number: AtomicU32,
    /// How far away the stack pointer of the one is that was resumed fourth after it when it ran last, in steps of 8
    /// bytes. A hint what to fetch into the cache, never followed.
    hint: i32,
    /// Its floating point control words when its body begins.
    pub control: Control,
    /// Its body.
    pub routine: Option<Routine>,
    /// The body's argument.
    pub argument: *mut c_void,
    /// What it waits for (invariant 1: here, never on its stack).
    pub waiter: Waiter,
    /// What it runs on.
    pub ground: Ground,
    /// What those have that ever waited for a descriptor, or have what few have.
    pub more: Option<Box<More>>,
}

const _: () = assert!(size_of::<Coroutine>() == 128, "a million of them are parked");
const _: () = assert!(size_of::<Coroutine>() >= OWNER, "each has a save area of its own");
const _: () =
    assert!(offset_of!(Coroutine, control) + size_of::<Control>() <= LINE, "a switch takes one cache line");
const _: () = assert!(offset_of!(Coroutine, context).is_multiple_of(8), "the assembly's words are aligned");

impl Coroutine {
    /// Where the assembly finds what it needs.
    pub const HOME: usize = offset_of!(Coroutine, home);
    /// See [`Coroutine::HOME`].
    pub const RESUMER: usize = offset_of!(Coroutine, resumer);
    /// See [`Coroutine::HOME`].
    pub const CONTEXT: usize = offset_of!(Coroutine, context);
    /// See [`Coroutine::HOME`].
    pub const ERRNO: usize = offset_of!(Coroutine, errno);
    /// See [`Coroutine::HOME`].
    pub const STATE: usize = offset_of!(Coroutine, state);
    /// See [`Coroutine::HOME`].
    pub const APART: usize = offset_of!(Coroutine, apart);
    /// See [`Coroutine::HOME`].
    pub const HINT: usize = offset_of!(Coroutine, hint);
    /// See [`Coroutine::return_indirectly`] and [`Coroutine::count`]: bits of the word at [`Coroutine::RESUMER`].
    pub const MARKS: usize = INDIRECT | COUNTED;

    /// A coroutine that has not begun.
    pub fn new(routine: Option<Routine>, argument: *mut c_void, ground: Ground) -> Self {
        Coroutine {
            started: false,
            ended: false,
            is_main: matches!(ground, Ground::Thread),
            hooked: false,
            shares_stack: matches!(ground, Ground::Shared(_)),
            state: State::Fresh,
            doomed: false,
            apart: Apart::on(&ground),
            home: AtomicPtr::new(ptr::null_mut()),
            context: Context::running(),
            age: 0,
            resumer: ptr::without_provenance_mut(INDIRECT),
            errno: 0,
            number: AtomicU32::new(0),
            hint: 0,
            control: Control::current(),
            routine,
            argument,
            waiter: Waiter::new(),
            ground,
            more: None,
        }
    }

    /// Makes a new one of a coroutine that was released: all but what it runs on, a stack of its own. What a wait or a
    /// call in progress had is gone already.
    #[inline(always)]
    pub fn renew(&mut self, routine: Option<Routine>, argument: *mut c_void) {
        // All eight, for one store.
        self.started = false;
        self.ended = false;
        self.is_main = false;
        self.hooked = false;
        self.shares_stack = false;
        self.state = State::Fresh;
        self.doomed = false;
        self.apart = Apart::NOT;
        self.errno = 0;
        self.number.store(0, Ordering::Relaxed);
        self.control = Control::current();
        self.routine = routine;
        self.argument = argument;
    }

    /// Where it is in its life.
    #[inline(always)]
    pub fn state(&self) -> State {
        let open = self.resumer.addr() == self.home.load(Ordering::Relaxed).addr();
        if self.state == State::Active && open { State::Open } else { self.state }
    }

    /// Its body begins at the next resume, which is more than a switch.
    #[inline(always)]
    pub fn set_fresh(&mut self) {
        self.state = State::Fresh;
    }

    /// It runs; whoever resumed it was set.
    #[inline(always)]
    pub fn set_active(&mut self) {
        self.state = State::Active;
    }

    /// It does not run, and can go on, by a mere switch if it is `open`. Who resumed it is forgotten then.
    #[inline(always)]
    pub fn set_suspended(&mut self, open: bool) {
        if open {
            self.state = State::Active;
            self.resumer = self.home.load(Ordering::Relaxed).cast();
        } else {
            self.state = State::Suspended;
        }
    }

    /// It was made, and to go on with it takes more than a switch from now on.
    pub fn close(&mut self) {
        if self.state() == State::Open {
            self.set_resumer(ptr::null_mut(), false);
            self.state = State::Suspended;
        }
    }

    /// It never runs again, unless it is made anew.
    #[inline(always)]
    pub fn set_done(&mut self) {
        self.state = State::Done;
    }

    /// It is none of its thread's any more.
    #[inline(always)]
    pub fn leave_home(&mut self) {
        self.resumer = ptr::without_provenance_mut(INDIRECT);
        self.home.store(ptr::null_mut(), Ordering::Release);
    }

    /// Who resumed it, or is next among the doomed.
    #[inline(always)]
    pub fn resumer(&self) -> *mut Coroutine {
        self.resumer.map_addr(|address| address & !Self::MARKS)
    }

    /// Sets who resumed it, and whether the way back there is but a switch.
    #[inline(always)]
    pub fn set_resumer(&mut self, resumer: *mut Coroutine, direct: bool) {
        self.resumer = resumer.map_addr(|address| address | if direct { 0 } else { INDIRECT });
    }

    /// It waits for nothing and has nothing besides what it runs on: ending what it does is no work.
    #[inline(always)]
    pub fn is_bare(&self) -> bool {
        self.more.is_none() && self.waiter.is_idle()
    }

    /// The way back to its resumer takes more than a switch.
    pub fn return_indirectly(&mut self) {
        self.set_resumer(self.resumer(), false);
    }

    /// Its calls are counted from now on, until it is resumed again. `false` when they are already.
    pub fn count(&mut self) -> bool {
        let counted = self.resumer.addr() & COUNTED != 0;
        self.resumer = self.resumer.map_addr(|address| address | COUNTED);
        !counted
    }

    /// The coroutine whose [`Coroutine::waiter`] this is.
    pub fn of_waiter(waiter: *const Waiter) -> *mut Coroutine {
        waiter.wrapping_byte_sub(offset_of!(Coroutine, waiter)).cast_mut().cast()
    }

    /// What comes with the first wait for a descriptor, made when it is first asked for; `None` without memory.
    pub fn make_more(&mut self) -> Option<&mut More> {
        if self.more.is_none() {
            self.more = heap::boxed(More::default());
        }
        self.more.as_deref_mut()
    }

    /// What few coroutines have, if it has it.
    pub fn rare(&self) -> Option<&Rare> {
        self.more.as_ref()?.rare.as_deref()
    }

    /// See [`Coroutine::rare`].
    pub fn rare_mut(&mut self) -> Option<&mut Rare> {
        self.more.as_mut()?.rare.as_deref_mut()
    }

    /// What few coroutines have, made when it is first asked for; `None` without memory.
    pub fn make_rare(&mut self) -> Option<&mut Rare> {
        let more = self.make_more()?;
        if more.rare.is_none() {
            more.rare = heap::boxed(Rare::default());
        }
        more.rare.as_deref_mut()
    }

    /// Static results of the resolver functions, made when they are first asked for; `None` without memory.
    pub fn make_answers(&mut self) -> Option<&mut Answers> {
        let rare = self.make_rare()?;
        if rare.answers.is_none() {
            rare.answers = heap::boxed(Answers::default());
        }
        rare.answers.as_deref_mut()
    }

    /// Frees what few coroutines have.
    pub fn drop_rare(&mut self) {
        if let Some(more) = &mut self.more {
            more.rare = None;
        }
    }

    /// The range of its stack: lowest usable byte and size. `None` for the thread's own.
    pub fn stack(&self) -> Option<(*mut u8, usize)> {
        match &self.ground {
            Ground::Thread => None,
            Ground::Private(stack) => Some((stack.low(), stack.size())),
            Ground::Shared(tenant) => Some((tenant.slot().low(), tenant.slot().size())),
        }
    }

    /// Where the live bytes of its stack are while it is parked, or were when it last was.
    #[inline(always)]
    pub fn live_bytes(&self) -> *const u8 {
        match &self.ground {
            Ground::Shared(tenant) => tenant.saved(),
            _ => self.context.sp(),
        }
    }

    /// Where what not every coroutine has is, to fetch it; null when it has nothing.
    #[inline(always)]
    pub fn more_place(&self) -> *const More {
        self.more.as_deref().map_or(ptr::null(), ptr::from_ref)
    }

    /// Whether the call in progress waits for a descriptor alone.
    #[inline(always)]
    pub fn waits_for_descriptor(&self) -> bool {
        self.more.as_deref().is_some_and(|more| more.interest.link.is_linked())
    }

    /// Whether `size` bytes at `start` lie on its stack, while it runs.
    pub fn has_on_stack(&self, start: *const u8, size: usize) -> bool {
        let offset = |(low, _): (*mut u8, usize)| start.addr().wrapping_sub(low.addr());
        self.stack().is_some_and(|stack| offset(stack) < stack.1 && stack.1 - offset(stack) >= size)
    }

    /// Its share of a shared stack.
    pub fn tenant(&mut self) -> Option<&mut Tenant> {
        match &mut self.ground {
            Ground::Shared(tenant) => Some(tenant),
            _ => None,
        }
    }
}
