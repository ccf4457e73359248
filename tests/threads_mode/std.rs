//! Threads, locks and channels of Rust's own library, which makes its locks of the system call futex.
use std::cell::RefCell;
use std::sync::{Arc, Barrier, Condvar, Mutex, Once, RwLock, mpsc};
use std::thread;
use std::time::Duration;

thread_local!(static OWN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) });

fn main() {
    let (sender, receiver) = mpsc::channel();
    let sum = Arc::new(Mutex::new(0));
    let (all, read, once) = (Arc::new(Barrier::new(20)), Arc::new(RwLock::new(3)), Arc::new(Once::new()));
    let threads: Vec<_> = (0..20)
        .map(|i| {
            let (sender, sum, all, read, once) = (sender.clone(), sum.clone(), all.clone(), read.clone(), once.clone());
            thread::Builder::new().name(format!("number {i}")).spawn(move || {
                all.wait();
                once.call_once(|| thread::sleep(Duration::from_millis(5)));
                let factor = *read.read().unwrap();
                for step in 0..10 {
                    let mut sum = sum.lock().unwrap();
                    thread::sleep(Duration::from_micros(50));
                    *sum += factor * step;
                    OWN.with_borrow_mut(|own| own.push(step));
                }
                assert_eq!(OWN.with_borrow(Vec::len), 10);
                sender.send(thread::current().name().unwrap().to_owned()).unwrap();
            })
        })
        .map(Result::unwrap)
        .collect();
    drop(sender);
    let mut names: Vec<_> = receiver.iter().collect();
    names.sort();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    println!("{} {}", *sum.lock().unwrap(), names.join(", "));

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    let parked = thread::spawn(move || {
        thread::park();
        *other.0.lock().unwrap() = true;
        other.1.notify_all();
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    let (lock, changed) = &*pair;
    let (guard, late) = changed.wait_timeout(lock.lock().unwrap(), Duration::from_millis(5)).unwrap();
    println!("{} {}", *guard, late.timed_out());
    drop(guard);
    parked.thread().unpark();
    drop(changed.wait_while(lock.lock().unwrap(), |done| !*done).unwrap());
    println!("{}", parked.join().is_err());
}
