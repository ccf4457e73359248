//! Resume, yield and park: every switch, and what changes hands with it.

use core::mem::replace;
use core::ptr;
use core::sync::atomic::Ordering;

use super::body::lay_out;
use super::{Mover, Scheduler};
use crate::context::{self, Context, Switch};
use crate::coroutine::{Coroutine, Ground, State};
use crate::stack::{PAGE, Pool};
use crate::{annotate, tls};

/// The mover's stack must hold a signal frame and a handler of the program.
const MOVER_STACK: usize = 16 * PAGE;

/// The first half of a `co_resume` that is more than a switch: checks that `co` can be resumed and gives the switch to
/// make.
///
/// # Safety
/// `co` is null or a coroutine that was not released.
pub unsafe extern "C" fn prepare_resume(co: *mut Coroutine) -> Switch {
    let word = tls::hook_word();
    tls::set_hook_word(0);
    // SAFETY: by contract; the scheduler is this thread's.
    unsafe {
        let this = Scheduler::get();
        if !this.is_null() {
            (*this).areas.fetch(co.cast());
        }
        if Scheduler::may_resume(this, co) {
            Scheduler::reap(this);
            let me = (*this).current;
            (*me).context.word = word as u32;
            Scheduler::change_asked_storage(this, me, co);
            return Scheduler::enter(this, me, co);
        }
    }
    tls::set_hook_word(word);
    Switch::NONE
}

/// The first half of a yield that is more than a switch: gives the switch back to whoever resumed the running coroutine.
pub extern "C" fn prepare_yield() -> Switch {
    let word = tls::hook_word();
    tls::set_hook_word(0);
    let this = Scheduler::get();
    // SAFETY: the scheduler is this thread's.
    unsafe {
        if !this.is_null() && !(*(*this).current).is_main {
            let me = (*this).current;
            (*me).context.word = word as u32;
            Scheduler::change_asked_storage(this, me, (*me).resumer());
            return Scheduler::suspend(this);
        }
    }
    tls::set_hook_word(word);
    Switch::NONE
}

impl Scheduler {
    /// Whether `co` can be resumed here and now. What is a mistake is logged.
    #[inline(always)]
    unsafe fn may_resume(this: *mut Scheduler, co: *mut Coroutine) -> bool {
        // SAFETY: by contract of `prepare_resume`.
        unsafe {
            if !co.is_null()
                && !this.is_null()
                && (*co).home.load(Ordering::Relaxed) == this.cast()
                && matches!((*co).state(), State::Fresh | State::Suspended | State::Open)
            {
                return true;
            }
            Self::refuse(this, co);
        }
        false
    }

    /// Says why `co` is not resumed, unless it has merely ended.
    #[cold]
    unsafe fn refuse(this: *mut Scheduler, co: *mut Coroutine) {
        if co.is_null() {
            complain!("co_resume: no coroutine");
            return;
        }
        // SAFETY: by contract of `prepare_resume`.
        let (home, state, is_main) =
            unsafe { ((*co).home.load(Ordering::Relaxed), (*co).state(), (*co).is_main) };
        if state == State::Done {
            return;
        }
        let what = match (home == this.cast(), is_main) {
            (false, _) => "belongs to another thread",
            (true, true) => "stands for the thread itself",
            (true, false) => "runs, or waits for one that it resumed",
        };
        complain!("co_resume({co:p}): the coroutine {what}");
    }

    /// Goes on with a coroutine from inside the library. Returns when it leaves again.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler; `co` is fresh, suspended or parked, and belongs to it.
    pub unsafe fn resume(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract.
        unsafe {
            let me = (*this).current;
            let word = replace(&mut (*me).context.word, 0);
            Self::change_storage(this, me, co);
            let switch = Self::enter(this, me, co);
            if !switch.from.is_null() {
                context::switch(switch.to, switch.from);
            }
            (*me).context.word = word;
        }
    }

    /// Gives control to whoever resumed the running coroutine, until something goes on with this one. When that is the
    /// loop, and all that it would do is to resume another, it is not gone back to.
    ///
    /// # Safety
    /// A coroutine runs, its waiter is armed, and no borrow or lock is held (invariant 3).
    pub(super) unsafe fn park(this: *mut Scheduler) {
        // SAFETY: by contract.
        unsafe {
            let me = (*this).current;
            let (resumer, next) = ((*me).resumer(), Self::successor(this));
            if next == me {
                return;
            }
            let word = replace(&mut (*me).context.word, 0);
            if next.is_null() {
                Self::change_storage(this, me, resumer);
                let switch = Self::suspend(this);
                if !switch.from.is_null() {
                    context::switch(switch.to, switch.from);
                }
            } else {
                Self::change_storage(this, me, next);
                (*me).set_suspended(Self::switches_only(me));
                let switch = Self::enter(this, resumer, next);
                // It parked here too.
                if !switch.from.is_null() {
                    context::switch_alike(switch.to, switch.from);
                }
            }
            (*me).context.word = word;
        }
    }

    /// Goes over from the thread-local storage of `from` to that of `to`. The hook word is zero in both until the switch
    /// is made.
    #[inline(always)]
    unsafe fn change_storage(this: *mut Scheduler, from: *mut Coroutine, to: *mut Coroutine) {
        // SAFETY: by contract of the callers; where any coroutine has storage of its own, what is common is known.
        unsafe {
            if (*from).has_storage() || (*to).has_storage() {
                let own = (*to).base();
                tls::set_base(if own == 0 { (*this).common_base } else { own });
            }
        }
    }

    /// The same where the program resumes, yields or ends one: threads go over by themselves, and run others on their own.
    #[inline(always)]
    unsafe fn change_asked_storage(this: *mut Scheduler, from: *mut Coroutine, to: *mut Coroutine) {
        // SAFETY: as for `change_storage`.
        unsafe {
            if (*from).asked_for_storage() || (*to).asked_for_storage() {
                Self::change_storage(this, from, to);
            }
        }
    }

    /// Opens the thread's gate while a resume may be but a switch: nobody waits to be freed, the running coroutine
    /// is left by a mere switch, and no exception is in flight and none can be without notice.
    #[inline(always)]
    pub(super) unsafe fn set_gate(this: *mut Scheduler) {
        // SAFETY: by contract of the callers: the calling thread's scheduler.
        unsafe {
            let open = (*this).doomed.is_null()
                && Self::switches_only((*this).current)
                && (*this).asks
                && *(*this).exceptions == [0; 2];
            let gate = if open { this.expose_provenance() } else { 0 };
            tls::set_gate(gate, (*this).hints.are_learned());
        }
    }

    /// The switch from the running coroutine to `co`, which gives control to `resumer` when it leaves.
    #[inline(always)]
    unsafe fn enter(this: *mut Scheduler, resumer: *mut Coroutine, co: *mut Coroutine) -> Switch {
        // SAFETY: by contract of the callers.
        unsafe {
            (*co).set_resumer(resumer, Self::switches_only(resumer) && Self::switches_only(co));
            Self::hand_over(this, co)
        }
    }

    /// Whether a switch is all it takes to go on with `co` when it has begun, and to leave it: it has a stack of its own
    /// and no storage that the program asked for, and no sanitizer must be told.
    #[inline(always)]
    pub(super) unsafe fn switches_only(co: *mut Coroutine) -> bool {
        // SAFETY: by contract of the callers.
        unsafe { !(*co).is_apart() && !annotate::sanitized() }
    }

    /// The switch from the running coroutine, which can go on later, to whoever resumed it.
    #[inline(always)]
    unsafe fn suspend(this: *mut Scheduler) -> Switch {
        // SAFETY: by contract of the callers.
        unsafe {
            let me = (*this).current;
            let resumer = (*me).resumer();
            (*me).set_suspended(Self::switches_only(me));
            Self::leave_for(this, resumer)
        }
    }

    /// The switch from the running coroutine, which has ended, to whoever resumed it.
    pub(super) unsafe fn leave(this: *mut Scheduler) -> Switch {
        // SAFETY: by contract of the callers.
        unsafe {
            let me = (*this).current;
            Self::change_asked_storage(this, me, (*me).resumer());
            Self::leave_for(this, (*me).resumer())
        }
    }

    #[inline(always)]
    unsafe fn leave_for(this: *mut Scheduler, resumer: *mut Coroutine) -> Switch {
        // SAFETY: a coroutine that runs was resumed by one that waits for it.
        unsafe {
            let me = (*this).current;
            if (*me).doomed {
                (*me).set_resumer((*this).doomed, false);
                (*this).doomed = me;
            }
            Self::hand_over(this, resumer)
        }
    }

    /// Lets everything but the stack pointer change hands (invariant 4), and gives the switch that remains;
    /// none when it is done already because there was something to do on both sides of it.
    #[inline(always)]
    unsafe fn hand_over(this: *mut Scheduler, to: *mut Coroutine) -> Switch {
        // SAFETY: both coroutines are in place; `errno` and the exception record are this thread's.
        unsafe {
            let from = (*this).current;
            (*this).current = to;
            (*from).errno = *(*this).errno;
            *(*this).errno = (*to).errno;
            let fresh = (*to).state() == State::Fresh;
            (*to).set_active();
            Self::set_gate(this);
            let to_context = match fresh || (*to).shares_stack {
                true => Self::settle(this, from, to, fresh),
                false => &raw const (*to).context,
            };
            let switch = Switch { from: &raw mut (*from).context, to: to_context };
            if annotate::sanitized() || *(*this).exceptions != [0; 2] {
                return Self::switch_here(this, from, to, switch);
            }
            switch
        }
    }

    /// Makes the switch with the exceptions in flight kept on the stack that is left, so that whoever comes finds
    /// none, and with the sanitizer told before and after.
    #[cold]
    unsafe fn switch_here(
        this: *mut Scheduler, from: *mut Coroutine, to: *mut Coroutine, switch: Switch,
    ) -> Switch {
        // SAFETY: by contract of `hand_over`.
        unsafe {
            let in_flight = (*this).exceptions.replace([0; 2]);
            if annotate::sanitized() {
                if let (Some(from), Some(to)) = ((*from).make_rare(), (*to).make_rare()) {
                    from.fiber.leave_for(&mut to.fiber);
                }
                let (low, size) = (*to).stack().unwrap_or((*this).bounds);
                let fake = annotate::leave(low, size, (*from).state() == State::Done);
                context::switch(switch.to, switch.from);
                annotate::arrive(fake);
            } else {
                context::switch(switch.to, switch.from);
            }
            // Whoever came back here had kept his own.
            (*this).exceptions.write(in_flight);
            Self::set_gate(this);
        }
        Switch::NONE
    }

    /// Brings the stack of `to` into place, or leaves it to the mover when `from` still runs on it.
    unsafe fn settle(
        this: *mut Scheduler, from: *mut Coroutine, to: *mut Coroutine, fresh: bool,
    ) -> *const Context {
        // SAFETY: by contract of `hand_over`; the mover exists since the first tenant does.
        unsafe {
            match &mut (*to).ground {
                Ground::Thread | Ground::Private(_) => {}
                Ground::Shared(tenant) => {
                    if tenant.occupant() == to.cast() {
                        return &raw const (*to).context;
                    }
                    (*to).started = !fresh;
                    let slot: *const _ = tenant.slot();
                    let here = matches!(&(*from).ground, Ground::Shared(t) if ptr::eq(t.slot(), slot));
                    match &mut (*this).mover {
                        Some(mover) if here => {
                            mover.next = to;
                            return &raw const mover.context;
                        }
                        _ => Self::exchange(this, to),
                    }
                }
            }
            &raw const (*to).context
        }
    }

    /// Moves the occupant of `to`'s slot out and `to` in.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, which does not run on the slot; both coroutines are in place and do not
    /// run.
    unsafe fn exchange(this: *mut Scheduler, to: *mut Coroutine) {
        // SAFETY: by contract; an occupant is a parked coroutine of this thread.
        unsafe {
            let Ground::Shared(tenant) = &mut (*to).ground else { return };
            let occupant: *mut Coroutine = tenant.occupant().cast();
            if !occupant.is_null() {
                let sp = (*occupant).context.sp();
                if let Ground::Shared(old) = &mut (*occupant).ground {
                    old.move_out(sp, &mut (*this).areas);
                }
            }
            annotate::clear_stack(tenant.slot().low(), tenant.slot().size());
            if (*to).started {
                tenant.move_in(to.cast(), (*to).context.sp());
            } else {
                tenant.occupy(to.cast());
                let top = tenant.slot().top();
                lay_out(to, top);
            }
        }
    }

    /// Makes the mover, without which no shared stack can be used.
    pub(super) unsafe fn provide_mover(this: *mut Scheduler) -> std::io::Result<()> {
        // SAFETY: the thread's scheduler; the mover's stack lives as long as the mover.
        unsafe {
            if (*this).mover.is_none() {
                let pool: &mut Pool = &mut (*this).pool;
                let stack = pool.allocate(MOVER_STACK)?;
                let control = context::Control::current();
                let context = Context::new(stack.top(), control, move_on, this.cast(), ptr::null_mut());
                (*this).mover = Some(Mover { context, stack, next: ptr::null_mut() });
            }
        }
        Ok(())
    }
}

/// The mover's loop: each time it is switched to, it makes room and goes on with who is next.
unsafe extern "C" fn move_on(this: *mut u8, _: *mut u8) -> ! {
    let this = this.cast::<Scheduler>();
    loop {
        // SAFETY: `settle` sets `next` before it names the mover; the mover is never freed while it runs.
        unsafe {
            let Some(mover) = &mut (*this).mover else { unreachable!("the mover runs, so it exists") };
            let (next, context) = (mover.next, &raw mut mover.context);
            Scheduler::exchange(this, next);
            context::switch(&raw const (*next).context, context);
        }
    }
}
