//! How much is worked on at a time? Work that has begun comes to its end, whether or not its caller is still there; so callers who
//! leave must not be able to pile it up, and the end of the server waits for it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Semaphore;

use crate::metrics::Count;

/// So many turns at a time.
pub(crate) struct Work {
    turns: Arc<Semaphore>,
    most: u32,
    panics: Count,
}

impl Work {
    /// Turns for `most` at a time; counts what panics.
    pub(crate) fn new(most: u32, panics: Count) -> Self {
        Self { turns: Arc::new(Semaphore::new(most as usize)), most, panics }
    }

    /// Does the work when it is its turn, as a task of its own that keeps the turn to its end. A caller who leaves before takes the
    /// work along. Gives nothing if the work panicked.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let panics = self.panics.clone();
        let task = async move {
            let _turn = turn;
            survived(work, &panics).await
        };
        tokio::spawn(task).await.ok().flatten()
    }

    /// What the future gives, or nothing if it panics, which is counted. For what ends with its caller.
    pub(crate) async fn survived<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        survived(future, &self.panics).await
    }

    /// Ready when nothing is worked on, whosever it was.
    pub(crate) async fn ended(&self) {
        // All turns are there again. The error is one of closed turns, which these never are.
        let _ = self.turns.acquire_many(self.most).await;
    }
}

async fn survived<T>(future: impl Future<Output = T>, panics: &Count) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let survived = std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    });
    let survived = survived.await;
    if survived.is_none() {
        panics.inc();
    }
    survived
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn callers_who_leave_do_not_pile_up_work() {
        let work = Arc::new(Work::new(1, Count::default()));
        let begun = Arc::new(AtomicUsize::new(0));
        let (tell, told) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel::<()>();
        let (of_first, counter) = (Arc::clone(&work), Arc::clone(&begun));
        let first = tokio::spawn(async move {
            let work = async move {
                counter.fetch_add(1, Ordering::Relaxed);
                let _ = tell.send(());
                let _ = ended.await;
            };
            of_first.run(work).await
        });
        told.await.unwrap();
        // The first caller leaves, its work goes on; others come and leave before it is their turn.
        first.abort();
        for _ in 0..100 {
            let counter = Arc::clone(&begun);
            let waiting = work.run(async move { counter.fetch_add(1, Ordering::Relaxed) });
            assert!(futures_now(waiting).await.is_none());
        }
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        end.send(()).unwrap();
        assert_eq!(work.run(async { 7 }).await, Some(7));
        assert!(work.run(async { panic!("as expected") }).await.is_none());
        assert_eq!(work.run(async { 8 }).await, Some(8), "a panic gives its turn back");
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn work_without_a_caller_is_waited_for_and_its_panic_is_counted() {
        let work = Arc::new(Work::new(3, Count::default()));
        assert!(futures_now(work.ended()).await.is_some());
        let (tell, told) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel::<()>();
        let of_caller = Arc::clone(&work);
        let caller = tokio::spawn(async move {
            let work = async move {
                let _ = tell.send(());
                let _ = ended.await;
                panic!("as expected");
            };
            of_caller.run(work).await.unwrap_or(());
        });
        told.await.unwrap();
        caller.abort();
        assert!(caller.await.is_err());
        assert!(futures_now(work.ended()).await.is_none());
        assert_eq!(work.panics.get(), 0);
        end.send(()).unwrap();
        work.ended().await;
        assert_eq!(work.panics.get(), 1);
        assert!(work.survived(async { panic!("as expected") }).await.unwrap_or(true));
        assert_eq!(work.panics.get(), 2);
    }

    /// What the future gives at once; it is dropped then.
    async fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::select! { biased; done = future => Some(done), () = tokio::task::yield_now() => None }
    }
}
