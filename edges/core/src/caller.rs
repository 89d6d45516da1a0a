//! Is somebody still there to hear the answer? What has begun to write comes to its end in any case; what only waits need not wait for
//! nobody.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// Held by whoever carries the answer to the caller. When it is dropped, the caller has left.
#[derive(Debug)]
pub struct Listening(#[expect(dead_code, reason = "it is there to be dropped")] oneshot::Sender<()>);

/// What the work knows of the caller.
#[derive(Debug, Default)]
pub struct Caller(Mutex<Option<oneshot::Receiver<()>>>);

impl Caller {
    /// A caller who may leave.
    pub fn who_listens() -> (Listening, Self) {
        let (here, left) = oneshot::channel();
        (Listening(here), Self(Mutex::new(Some(left))))
    }

    /// What the future gives, or nothing as soon as the caller has left; the future is dropped then. Without anybody who would tell,
    /// the caller is taken to stay.
    pub(crate) async fn while_here<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        // Whoever takes it puts it back, unless it has told already.
        let Some(mut left) = self.slot().take() else { return Some(future.await) };
        tokio::select! {
            biased;
            value = future => {
                *self.slot() = Some(left);
                Some(value)
            }
            _ = &mut left => None,
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<oneshot::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_ends_when_the_caller_leaves_and_not_before() {
        let (listening, caller) = Caller::who_listens();
        assert_eq!(caller.while_here(async { 1 }).await, Some(1));
        assert_eq!(caller.while_here(async { 2 }).await, Some(2));
        let waiting = caller.while_here(std::future::pending::<u8>());
        let leaving = async {
            tokio::task::yield_now().await;
            drop(listening);
        };
        assert_eq!(tokio::join!(waiting, leaving).0, None);
        assert_eq!(Caller::default().while_here(async { 3 }).await, Some(3));
    }
}
