//! How much is worked on at a time? Work that has begun comes to its end, whether or not its caller is still there; so callers who
//! leave must not be able to pile it up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// So many turns at a time.
pub(crate) struct Work(Arc<Semaphore>);

impl Work {
    /// Turns for `most` at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))))
    }

    /// Does the work when it is its turn, and keeps the turn to the work's end. A caller who leaves before takes the work along; one who
    /// leaves later does not, except when the server stops.
    pub(crate) fn run<F>(&self, work: F) -> impl Future<Output = F::Output> + Send + use<F>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (turns, work) = (Arc::clone(&self.0), Box::pin(work));
        async move {
            let turn = turns.acquire_owned().await;
            ToItsEnd { work: Some((work, turn)) }.await
        }
    }
}

type Turn = Result<OwnedSemaphorePermit, AcquireError>;

/// Work in the hands of its caller. If the caller lets it go, it becomes a task of its own: nearly all callers stay, and a task for each
/// request would cost more than many a request itself.
struct ToItsEnd<F: Future<Output: Send> + Send + 'static> {
    work: Option<(Pin<Box<F>>, Turn)>,
}

impl<F: Future<Output: Send> + Send + 'static> Future for ToItsEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Taken out, so that work that panics is not gone on with.
        let Some((mut work, turn)) = self.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.work = Some((work, turn));
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for ToItsEnd<F> {
    fn drop(&mut self) {
        // Without a runtime everything ends.
        if let Some((work, turn)) = self.work.take()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(async move {
                let _turn = turn;
                work.await
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
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
            of_first.run(work).await;
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
        assert_eq!(work.run(async { 7 }).await, 7);
        let panics = AssertUnwindSafe(work.run(async { panic!("as expected") })).catch_unwind();
        assert!(panics.await.is_err());
        // A panic that only the runtime catches gives the turn back too.
        let alone = Arc::clone(&work);
        assert!(tokio::spawn(async move { alone.run(async { panic!("as expected") }).await }).await.is_err());
        assert_eq!(work.run(async { 8 }).await, 8, "a panic gives its turn back");
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn work_whose_caller_left_comes_to_its_end() {
        let work = Work::new(1);
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let waiting = work.run(async move {
            let _ = ended.await;
            // More than one step, so that being woken once would not do.
            tokio::task::yield_now().await;
            let _ = tell.send("done");
        });
        assert!(futures_now(waiting).await.is_none());
        end.send(()).unwrap();
        assert_eq!(told.await, Ok("done"));
        assert_eq!(work.run(async { 7 }).await, 7);
    }

    /// What the future gives at once; it is dropped then.
    async fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::select! { biased; done = future => Some(done), () = tokio::task::yield_now() => None }
    }
}
