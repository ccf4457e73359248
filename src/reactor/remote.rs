//! The side of a thread that other threads may touch: its inbox and how to wake it.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::latch::Mutex;
use crate::waiter::{Waiter, Wake};
use crate::{annotate, sys};

/// What another thread tells this one.
#[derive(Debug)]
pub enum Message {
    /// Wake this waiter.
    Wake(*const Waiter, Wake),
    /// This descriptor was closed: whoever waits for it must know.
    Closed(c_int),
    /// The registration of this descriptor may be gone: whoever waits for it must make sure.
    Doubt(c_int),
    /// Release the coroutine at this address.
    Release(*mut ()),
    /// Do something on this thread, outside any coroutine.
    Run(Errand),
}

/// What a thread is to do for another.
#[derive(Clone, Copy, Debug)]
pub struct Errand {
    /// The work. It gets the thread's scheduler and `about`, and neither waits nor switches.
    pub work: unsafe fn(*mut (), [usize; 3]),
    /// What it is about.
    pub about: [usize; 3],
}

// SAFETY: the pointers are only carried; the thread that owns what they point at uses them.
unsafe impl Send for Message {}

/// Messages that an inbox has room for from the beginning: helpers must not run out of memory over one.
const ROOM: usize = 64;

/// A signal handler of the program ran.
const HANDLED: u8 = 1;
/// A handler has left something to do.
const NOTED: u8 = 2;

/// What signal handlers did that nobody was told of.
#[derive(Clone, Copy, Default, Debug)]
pub struct News {
    /// The signals whose handlers ran, a bit each: those installed with `SA_RESTART`, and those without.
    pub signals: [u64; 2],
    /// They have left something to do.
    pub noted: bool,
}

impl News {
    /// Whether handlers ran.
    pub fn is_any(&self) -> bool {
        self.signals != [0; 2]
    }

    /// Whether a handler ran for one who blocks those signals.
    pub fn concerns(&self, blocked: u64) -> bool {
        (self.signals[0] | self.signals[1]) & !blocked != 0
    }

    /// The same, of handlers that restart nothing.
    pub fn restarts_nothing(&self, blocked: u64) -> bool {
        self.signals[1] & !blocked != 0
    }
}

/// How many bits the registry's words have for threads.
pub(super) const BITS: u32 = 28;

/// What other threads know of a thread that runs coroutines.
#[derive(Debug)]
pub struct Remote {
    /// What stands for the thread in the registry's words.
    pub bit: u64,
    /// Whose it is: the thread's scheduler, once the registry knows it.
    pub scheduler: AtomicPtr<()>,
    /// The thread's epoll instance, -1 while there is none.
    pub epoll: AtomicI32,
    /// The eventfd by which others end its sleep, -1 while there is none.
    pub bell: AtomicI32,
    /// The timerfd that ends one which lasts too long, -1 while there is none.
    pub alarm: AtomicI32,
    /// The thread sleeps or is about to: whoever posts must ring.
    sleeping: AtomicBool,
    /// A hint that spares the lock when the inbox is empty.
    filled: AtomicBool,
    /// Whether there is something new in `signals`, or left to do: [`HANDLED`] and [`NOTED`].
    handled: AtomicU8,
    /// See [`News::signals`]. Set before `handled` says so.
    signals: [AtomicU64; 2],
    inbox: Mutex<Vec<Message>>,
}

impl Default for Remote {
    fn default() -> Self {
        Self::new()
    }
}

impl Remote {
    /// A thread that has no descriptors yet.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Remote {
            bit: 1 << (COUNT.fetch_add(1, Ordering::Relaxed) % BITS),
            scheduler: AtomicPtr::new(ptr::null_mut()),
            epoll: AtomicI32::new(-1),
            bell: AtomicI32::new(-1),
            alarm: AtomicI32::new(-1),
            sleeping: AtomicBool::new(false),
            filled: AtomicBool::new(false),
            handled: AtomicU8::new(0),
            signals: Default::default(),
            inbox: Mutex::new(Vec::with_capacity(ROOM)),
        }
    }

    /// Where the numbers of the thread's descriptors stand, which are the library's own.
    pub fn descriptors(&self) -> [&AtomicI32; 3] {
        [&self.epoll, &self.bell, &self.alarm]
    }

    /// Leaves a message and wakes the thread if it sleeps.
    pub fn post(&self, message: Message) {
        self.put(message);
        self.ring();
    }

    /// Leaves a message, for which the thread is still to be rung.
    pub fn put(&self, message: Message) {
        let mut spare = Vec::new();
        loop {
            let mut inbox = self.inbox.lock();
            if inbox.len() == inbox.capacity() {
                // Room is made outside: an allocator may come back here for a lock of its own.
                if spare.capacity() <= inbox.len() {
                    let room = ROOM.max(2 * inbox.len());
                    drop(inbox);
                    spare = Vec::with_capacity(room);
                    continue;
                }
                spare.append(&mut inbox);
                core::mem::swap(&mut *inbox, &mut spare);
            }
            annotate::receive(self);
            inbox.push(message);
            self.filled.store(true, Ordering::SeqCst);
            annotate::hand_over(self);
            return;
        }
    }

    /// Ends the thread's sleep, now or before it begins.
    pub fn ring(&self) {
        if self.sleeping.swap(false, Ordering::SeqCst) {
            let _ = sys::write(self.bell.load(Ordering::Relaxed), &1u64.to_ne_bytes());
        }
    }

    /// Announces a sleep; `false` when there is a message to read first.
    ///
    /// The order matters on both sides: the sleeper announces, then looks; the poster fills, then rings.
    pub fn fall_asleep(&self) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        if self.filled.load(Ordering::SeqCst) || self.handled.load(Ordering::SeqCst) != 0 {
            self.wake_up();
            return false;
        }
        true
    }

    /// A handler of that signal runs. Takes no lock.
    pub fn interrupt(&self, signal: c_int, restarts: bool) {
        self.signals[usize::from(!restarts)].fetch_or(sys::signal_bit(signal), Ordering::SeqCst);
        self.handled.fetch_or(HANDLED, Ordering::SeqCst);
        self.ring();
    }

    /// A signal handler has left something to do. Takes no lock.
    pub fn note(&self) {
        self.handled.fetch_or(NOTED, Ordering::SeqCst);
        self.ring();
    }

    /// Whether a handler ran that nobody was told of.
    #[inline(always)]
    pub fn has_handled(&self) -> bool {
        self.handled.load(Ordering::Relaxed) != 0
    }

    /// What handlers did that nobody was told of.
    pub fn take_handled(&self) -> News {
        let what = self.handled.swap(0, Ordering::SeqCst);
        let signals = match what & HANDLED {
            0 => [0; 2],
            _ => [0, 1].map(|i| self.signals[i].swap(0, Ordering::SeqCst)),
        };
        News { signals, noted: what & NOTED != 0 }
    }

    /// Ends the announcement.
    pub fn wake_up(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Whether there may be messages.
    #[inline(always)]
    pub fn has_mail(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    /// Takes all messages into `mail`, which is empty and whose room the inbox gets in exchange.
    pub fn take(&self, mail: &mut Vec<Message>) {
        if self.has_mail() {
            let mut inbox = self.inbox.lock();
            self.filled.store(false, Ordering::SeqCst);
            annotate::receive(self);
            core::mem::swap(&mut *inbox, mail);
            annotate::hand_over(self);
        }
    }

    /// Takes all messages unless somebody holds the inbox, who no longer exists in a child of fork.
    pub fn try_take(&self) -> Vec<Message> {
        self.inbox.try_lock().map(|mut inbox| core::mem::take(&mut *inbox)).unwrap_or_default()
    }

    /// Drops messages for a waiter that no longer waits for what they tell.
    pub fn forget(&self, waiter: *const Waiter) {
        if self.filled.load(Ordering::SeqCst) {
            self.inbox.lock().retain(|m| !matches!(m, Message::Wake(w, _) if core::ptr::eq(*w, waiter)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_before_the_sleep_prevents_it() {
        let remote = Remote::new();
        remote.post(Message::Closed(3));
        assert!(!remote.fall_asleep());
        let mut mail = Vec::new();
        remote.take(&mut mail);
        assert_eq!(mail.len(), 1);
        assert!(remote.fall_asleep());
    }

    #[test]
    fn messages_for_a_forgotten_waiter_are_dropped() {
        let (remote, waiter) = (Remote::new(), Waiter::new());
        remote.post(Message::Wake(&waiter, Wake::Ready));
        remote.post(Message::Closed(3));
        remote.forget(&waiter);
        let mut mail = Vec::new();
        remote.take(&mut mail);
        assert!(matches!(mail[..], [Message::Closed(3)]));
    }
}
