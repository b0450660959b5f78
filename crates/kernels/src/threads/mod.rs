//! Work shared among threads that stay awake between two operations.
//!
//! A model is a long row of operations of some ten microseconds each. A general pool lets its threads fall asleep
//! between two of them, and waking one takes longer than its share of the work: of two cores the second then does a
//! tenth. Here a thread that runs out of work looks for more for a while before it sleeps; and an operation waits for
//! those alone who have begun to help, never for one who is still waking.

use std::{
    any::Any,
    cell::{Cell, UnsafeCell},
    hint::spin_loop,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

mod iter;

/// What a kernel imports to share out its work.
pub(crate) mod prelude {
    pub(crate) use super::iter::{IntoParallel, Parallel, ParallelSlice, ParallelSliceMut};
}

/// How long a thread that finds nothing stays awake: longer than what a model computes between two operations.
///
/// It does not offer its core to others meanwhile: the scheduler would give it away for longer than that.
const AWAKE: Duration = Duration::from_millis(1);
/// Looks between two looks at the clock.
const LOOKS: u32 = 64;

/// Calls `work` with each of `0..tasks`, on as many threads as there are (or [`with_threads`] allows).
///
/// Which thread runs which task is open, so tasks must not depend on one another. Inside a task, and while another
/// thread's work occupies the pool, the tasks run one after the other on the calling thread.
///
/// # Panics
/// If a task does: with that task's panic, after the other tasks that had begun are done.
pub fn for_each(tasks: usize, work: impl Fn(usize) + Sync) {
    let threads = THREADS.get().unwrap_or_else(available).min(tasks);
    if threads > 1 && !BUSY.get() {
        match POOL.callers.try_lock() {
            Ok(mut workers) => return POOL.run(&mut workers, threads - 1, tasks, &work),
            Err(TryLockError::Poisoned(workers)) => {
                return POOL.run(&mut workers.into_inner(), threads - 1, tasks, &work);
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }
    (0..tasks).for_each(work);
}

/// Runs `work` with at most `threads` threads for each operation that this thread begins.
pub fn with_threads<R>(threads: usize, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<usize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREADS.set(self.0);
        }
    }
    let _restore = Restore(THREADS.replace(Some(threads.max(1))));
    work()
}

/// Threads that operations use: the processor's, or `KINORA_THREADS`; see
/// [`check_settings`](crate::check_settings).
pub fn available() -> usize {
    static AVAILABLE: OnceLock<usize> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let asked = std::env::var("KINORA_THREADS").ok().and_then(|threads| parse(&threads));
        asked.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
    })
}

/// More than any machine that this runs on has.
const MOST: usize = 1024;

/// What `KINORA_THREADS` can be.
pub(crate) fn expected() -> String {
    format!("a number of threads from 1 to {MOST}")
}

/// The number of threads that a value of `KINORA_THREADS` asks for.
pub(crate) fn parse(threads: &str) -> Option<usize> {
    threads.parse().ok().filter(|threads| (1..=MOST).contains(threads))
}

thread_local! {
    /// Whether this thread is inside a task.
    static BUSY: Cell<bool> = const { Cell::new(false) };
    /// The limit of [`with_threads`].
    static THREADS: Cell<Option<usize>> = const { Cell::new(None) };
}

static POOL: Pool = Pool {
    callers: Mutex::new(Vec::new()),
    state: AtomicU64::new(0),
    job: UnsafeCell::new(None),
    next: AtomicUsize::new(0),
    asleep: AtomicUsize::new(0),
    panic: Mutex::new(None),
};

struct Pool {
    /// The workers; who holds this may open a job.
    callers: Mutex<Vec<Thread>>,
    /// The job's number, whether it is [`OPEN`], and how many workers are inside.
    state: AtomicU64,
    /// What the open job is.
    job: UnsafeCell<Option<Job>>,
    /// The next task of the job.
    next: AtomicUsize,
    asleep: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;
const NUMBER: u64 = 1 << 32;

#[derive(Clone, Copy)]
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    tasks: usize,
    /// Workers with a higher index stay out.
    workers: usize,
}

// SAFETY: `job` is written by the holder of `callers` while the state is closed and no worker is inside, and read
// only by workers that have entered an open state. Its closure is `Sync` and outlives the open state.
unsafe impl Sync for Pool {}

impl Pool {
    fn run(
        &'static self,
        threads: &mut Vec<Thread>,
        workers: usize,
        tasks: usize,
        work: &(dyn Fn(usize) + Sync),
    ) {
        while threads.len() < workers {
            let index = threads.len();
            let name = format!("kinora-{index}");
            match thread::Builder::new().name(name).spawn(move || self.serve(index)) {
                Ok(handle) => threads.push(handle.thread().clone()),
                Err(_) => break, // fewer threads do the same work
            }
        }
        self.next.store(0, SeqCst);
        // SAFETY: only the lifetime changes; `Close` ends every use of the closure before this function returns.
        let work: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(work) };
        // SAFETY: the state is closed with no one inside, and this thread holds `callers`.
        unsafe { *self.job.get() = Some(Job { work, tasks, workers }) };
        self.state.fetch_add(NUMBER | OPEN, SeqCst);
        let close = Close(self);
        if self.asleep.load(SeqCst) > 0 {
            threads.iter().take(workers).for_each(Thread::unpark);
        }
        self.work_off(work, tasks);
        drop(close);
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Takes tasks until none is left.
    fn work_off(&self, work: &(dyn Fn(usize) + Sync), tasks: usize) {
        let before = BUSY.replace(true);
        loop {
            let task = self.next.fetch_add(1, SeqCst);
            if task >= tasks {
                break;
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(task))) {
                self.next.store(tasks, SeqCst);
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
        }
        BUSY.set(before);
    }

    /// A worker's life.
    fn serve(&self, index: usize) {
        let mut done = 0;
        loop {
            let state = self.wait_for_other_than(done);
            done = state / NUMBER;
            if self.state.compare_exchange(state, state + 1, SeqCst, SeqCst).is_err() {
                done = 0; // another came or went: look again
                continue;
            }
            // SAFETY: this worker is inside an open job, which cannot change until it leaves.
            if let Some(Job { work, tasks, workers }) = unsafe { *self.job.get() }
                && index < workers
            {
                // SAFETY: the caller waits until this worker is outside before the closure ends.
                self.work_off(unsafe { &*work }, tasks);
            }
            self.state.fetch_sub(1, SeqCst);
        }
    }

    /// The state of an open job that has another number than `done`.
    fn wait_for_other_than(&self, done: u64) -> u64 {
        let open =
            || Some(self.state.load(SeqCst)).filter(|state| state & OPEN != 0 && state / NUMBER != done);
        loop {
            let mut found = None;
            spin(|| {
                found = open();
                found.is_some()
            });
            if let Some(state) = found {
                return state;
            }
            self.asleep.fetch_add(1, SeqCst);
            // Who opens a job after this look sees a sleeper, and wakes it.
            if open().is_none() {
                thread::park();
            }
            self.asleep.fetch_sub(1, SeqCst);
        }
    }
}

/// Waits for `done` while it pays to stay awake; whether it came true.
fn spin(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..LOOKS {
            if done() {
                return true;
            }
            spin_loop();
        }
        if start.elapsed() > AWAKE {
            return false;
        }
    }
}

/// Closes the job and waits until every worker has left it.
struct Close(&'static Pool);

impl Drop for Close {
    fn drop(&mut self) {
        let Self(pool) = self;
        pool.state.fetch_and(!OPEN, SeqCst);
        while !spin(|| pool.state.load(SeqCst) & INSIDE == 0) {
            thread::yield_now(); // a worker lost its core
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 3, 5] {
            with_threads(threads, || {
                for tasks in [0, 1, 2, 3, 17, 1000] {
                    let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    for_each(tasks, |task| {
                        counts[task].fetch_add(1, SeqCst);
                    });
                    assert!(counts.iter().all(|count| count.load(SeqCst) == 1), "{threads} {tasks}");
                }
            });
        }
    }

    #[test]
    fn many_short_jobs_and_pauses() {
        with_threads(3, || {
            for round in 0..5_000_u64 {
                let sum = AtomicU64::new(0);
                for_each(7, |task| {
                    sum.fetch_add(task as u64 + round, SeqCst);
                });
                assert_eq!(sum.into_inner(), 21 + 7 * round);
                if round % 1_000 == 0 {
                    thread::sleep(2 * AWAKE); // the workers fall asleep
                }
            }
        });
    }

    #[test]
    fn tasks_may_share_out_work_and_callers_may_come_together() {
        let total = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        for_each(5, |_| for_each(3, |_| _ = total.fetch_add(1, SeqCst)));
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 200 * 15);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        with_threads(3, || {
            for guilty in [0, 50, 99] {
                let panic = catch_unwind(|| for_each(100, |task| assert!(task != guilty, "task {task}")));
                let panic = panic.unwrap_err();
                assert_eq!(panic.downcast_ref::<String>().unwrap(), &format!("task {guilty}"));
            }
            let sum = AtomicUsize::new(0);
            for_each(10, |task| _ = sum.fetch_add(task, SeqCst));
            assert_eq!(sum.into_inner(), 45);
        });
    }
}
