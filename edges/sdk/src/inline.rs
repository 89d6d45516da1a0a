//! Polls that must do no IO. A host whose thread must not be kept up, an event loop or an interpreter with one lock, polls a call once by
//! itself: what memory knows is answered at once, and what would ask a core stops before it does.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    /// This thread is one that must not be kept up.
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Restores what was, however the poll ends.
struct Until(bool);

impl Drop for Until {
    fn drop(&mut self) {
        FORBIDDEN.set(self.0);
    }
}

/// Polls a call once on a thread that must not be kept up. No question goes to a core meanwhile: an embedded one would sign, or read a
/// file, right here. Whoever gets `Pending` must poll the future again without this, on a tokio runtime, and must not wait to be woken.
/// The thread must have entered a runtime.
pub fn poll_without_io<F: Future + ?Sized>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    let _until = Until(FORBIDDEN.replace(true));
    future.poll(context)
}

/// Goes on where IO may be done.
pub(crate) async fn where_io_may_be() {
    poll_fn(|_| if FORBIDDEN.get() { Poll::Pending } else { Poll::Ready(()) }).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use bytes::Bytes;
    use http::{Request, Response};

    use super::*;
    use crate::error::TransportError;
    use crate::session::SessionRecipe;
    use crate::{AppInfo, BoxFuture, Core, CoreTransport, SuperTokens};

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl CoreTransport for Counting {
        fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Err(TransportError::Unreachable("nobody is there".into())) })
        }
    }

    #[tokio::test]
    async fn no_core_is_asked_on_a_thread_that_must_not_be_kept_up() {
        let counting = Arc::new(Counting::default());
        let asked = || counting.0.load(Ordering::Relaxed);
        let app = AppInfo::new("test").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
        let core = Core::transport(Arc::clone(&counting) as Arc<dyn CoreTransport>, "http://core.localhost");
        let engine = SuperTokens::builder(app).core(core).recipe(SessionRecipe::new()).build().await.unwrap();
        let mut call = Box::pin(engine.revoke_session("handle"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(poll_without_io(call.as_mut(), &mut context).is_pending());
        assert!(poll_without_io(call.as_mut(), &mut context).is_pending());
        assert_eq!(asked(), 0);
        assert!(call.await.is_err());
        assert!(asked() > 0);
    }
}
