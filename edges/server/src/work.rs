//! How much is worked on at a time? Work that has begun comes to its end, whether or not its caller is still there; so callers who
//! leave must not be able to pile it up.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// So many turns at a time.
pub(crate) struct Work(Arc<Semaphore>);

impl Work {
    /// Turns for `most` at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))))
    }

    /// Does the work when it is its turn, as a task of its own that keeps the turn to its end. A caller who leaves before takes the
    /// work along. The error is a panic.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, JoinError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let task = async move {
            let _turn = turn;
            work.await
        };
        tokio::spawn(task).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn callers_who_leave_do_not_pile_up_work() {
        let work = Arc::new(Work::new(1));
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
        assert_eq!(work.run(async { 7 }).await.unwrap(), 7);
        assert!(work.run(async { panic!("as expected") }).await.is_err());
        assert_eq!(work.run(async { 8 }).await.unwrap(), 8, "a panic gives its turn back");
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }

    /// What the future gives at once; it is dropped then.
    async fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::select! { biased; done = future => Some(done), () = tokio::task::yield_now() => None }
    }
}
