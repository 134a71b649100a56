//! Jobs that make more jobs, done by several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The jobs that are waiting.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

struct State<J> {
    waiting: Vec<J>,
    /// Jobs that are waiting or being done.
    open: usize,
}

impl<J> Queue<J> {
    fn new(jobs: Vec<J>) -> Self {
        let open = jobs.len();
        Self { state: Mutex::new(State { waiting: jobs, open }), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds jobs. Those added last are done first.
    pub fn add(&self, jobs: impl IntoIterator<Item = J>) {
        let mut state = self.lock();
        let before = state.waiting.len();
        state.waiting.extend(jobs);
        state.open += state.waiting.len() - before;
        drop(state);
        self.changed.notify_all();
    }

    fn take(&self) -> Option<J> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop() {
                return Some(job);
            }
            if state.open == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(&self) {
        let mut state = self.lock();
        state.open -= 1;
        let ended = state.open == 0;
        drop(state);
        if ended {
            self.changed.notify_all();
        }
    }
}

/// Counts a job as done even if it panicked, so that the other threads end.
struct Finishing<'q, J>(&'q Queue<J>);

impl<J> Drop for Finishing<'_, J> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// How many threads to use.
pub(crate) fn threads() -> usize {
    // The answer is read from several files each time.
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from).min(8));
    *THREADS
}

/// Does all jobs and those they add, with one worker a thread, and returns the workers.
pub(crate) fn drain<J: Send, W: Send>(
    jobs: Vec<J>,
    mut workers: Vec<W>,
    job: impl Fn(&mut W, J, &Queue<J>) + Sync,
) -> Vec<W> {
    let queue = Queue::new(jobs);
    let run = |worker: &mut W| {
        while let Some(next) = queue.take() {
            let _finishing = Finishing(&queue);
            job(worker, next, &queue);
        }
    };
    thread::scope(|scope| {
        let mut rest = workers.iter_mut();
        let first = rest.next();
        for worker in rest {
            scope.spawn(|| run(worker));
        }
        first.map(run);
    });
    workers
}

/// Both answers, worked out at the same time.
pub(crate) fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        (one, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// The answers for all of `items`, in their order, worked out by several threads.
pub(crate) fn each<I: Sync, A: Send>(items: &[I], answer: impl Fn(&I) -> A + Sync) -> Vec<A> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return own };
            own.push((at, answer(item)));
        }
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads().min(items.len())).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_make_jobs_are_all_done() {
        let done = drain(vec![10_u32], vec![0_u32; 4], |count, job, queue| {
            *count += 1;
            queue.add((0..job).filter(|next| next + 1 == job || next % 3 == 0));
        });
        let alone = drain(vec![10_u32], vec![0_u32], |count, job, queue| {
            *count += 1;
            queue.add((0..job).filter(|next| next + 1 == job || next % 3 == 0));
        });
        assert_eq!(done.iter().sum::<u32>(), alone[0]);
    }

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(each(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(each(&[0_u32; 0], |item| *item), []);
    }

    #[test]
    fn nothing_to_do_ends_at_once() {
        assert_eq!(drain(Vec::<u8>::new(), vec![1, 2], |_, _, _| ()), [1, 2]);
    }
}
