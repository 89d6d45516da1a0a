//! The body of a response that either the application or the SDK wrote.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The application's body, untouched, or a short one of the SDK's.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        whose: Whose<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = WhoseNow]
    enum Whose<B> {
        Application { #[pin] body: B },
        Own { body: Option<Bytes> },
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn of_application(body: B) -> Self {
        Self { whose: Whose::Application { body } }
    }

    pub(super) fn own(body: Bytes) -> Self {
        Self { whose: Whose::Own { body: Some(body).filter(|body| !body.is_empty()) } }
    }
}

impl<B> Default for ResponseBody<B> {
    /// An empty one.
    fn default() -> Self {
        Self::own(Bytes::new())
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().whose.project() {
            WhoseNow::Application { body } => body.poll_frame(cx),
            WhoseNow::Own { body } => Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes.into())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.whose {
            Whose::Application { body } => body.is_end_stream(),
            Whose::Own { body } => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.whose {
            Whose::Application { body } => body.size_hint(),
            Whose::Own { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| u64::try_from(body.len()).unwrap_or(u64::MAX)))
            }
        }
    }
}
