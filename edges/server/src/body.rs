//! How is the body of a request read? Whole, within limits of size and time, and larger ones only as far as there is room for what
//! has really come.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt as _;
use supertokens_core::error::text_response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::limits;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyRefused {
    TooLarge,
    Broken,
    NoRoom,
    TooSlow,
}

impl BodyRefused {
    pub(crate) fn response(self) -> Response<Bytes> {
        let (status, line) = match self {
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large"),
            Self::Broken => (StatusCode::BAD_REQUEST, "Request body is broken"),
            Self::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "Too many large request bodies at a time"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
        };
        let mut response = text_response(status, line);
        if self == Self::NoRoom {
            // Most of those who have it now are through by then.
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Room for large bodies, of all callers together.
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::BODIES / limits::SMALL_BODY)))
    }

    /// The whole body, and the room that it takes if it is large. One that is longer than `most` is read on and dropped for a while, unless
    /// the caller `hears` a refusal while it is sending.
    pub(crate) async fn read<B>(
        &self,
        mut body: B,
        most: usize,
        hears: bool,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), BodyRefused>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let announced = announced(&body);
        if announced > most {
            drop_rest(body, hears).await;
            return Err(BodyRefused::TooLarge);
        }
        // One timer for all of it: it is put off by what comes.
        let mut alarm = pin!(sleep(limits::BODY_TIME));
        let mut room = None;
        let mut first = Bytes::new();
        let mut more = BytesMut::new();
        let mut length = 0usize;
        loop {
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                () = &mut alarm => return Err(BodyRefused::TooSlow),
            };
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(|_| BodyRefused::Broken)?.into_data() else { continue };
            let due = alarm.deadline() + limits::time_for(data.len());
            alarm.as_mut().reset(due);
            length = length.saturating_add(data.len());
            if length > limits::DRAIN.max(most) || length > most && hears {
                return Err(BodyRefused::TooLarge);
            }
            if length > most {
                (first, more, room) = (Bytes::new(), BytesMut::new(), None);
                continue;
            }
            if room.is_none() && length > limits::SMALL_BODY {
                room = Some(self.whole(if announced == 0 { most } else { announced }).await?);
            }
            if first.is_empty() && more.is_empty() {
                first = data;
                continue;
            }
            if more.is_empty() {
                more.reserve(length.max(limits::SMALL_BODY));
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
        if let Some(room) = &mut room {
            // Where nothing was announced, too much was taken.
            drop(room.split(room.num_permits().saturating_sub(parts(length))));
        }
        match length {
            length if length > most => Err(BodyRefused::TooLarge),
            _ if more.is_empty() => Ok((first, room)),
            _ => Ok((more.freeze(), room)),
        }
    }

    /// Room for all of a large body at once: those that took theirs bit by bit could all wait for each other's.
    async fn whole(&self, most: usize) -> Result<OwnedSemaphorePermit, BodyRefused> {
        let asked = Arc::clone(&self.0).acquire_many_owned(u32::try_from(parts(most)).unwrap_or(u32::MAX));
        timeout(limits::ROOM, asked).await.ok().and_then(Result::ok).ok_or(BodyRefused::NoRoom)
    }
}

/// What a body of this length takes of the room. The first part of each is free: nearly all bodies are smaller.
fn parts(length: usize) -> usize {
    length.saturating_sub(1) / limits::SMALL_BODY
}

fn announced<B: Body>(body: &B) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// What a refused caller is still sending, for a while and unless it `hears` the refusal while it is sending.
pub(crate) async fn drop_rest<B: Body<Data = Bytes> + Unpin>(mut body: B, hears: bool) {
    let mut left = if hears || announced(&body) > limits::DRAIN { 0 } else { limits::DRAIN };
    let drain = async {
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    let _ = timeout(limits::DRAIN_TIME, drain).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use http_body::{Frame, SizeHint};
    use tokio::sync::mpsc;
    use tokio::time::Instant;

    #[test]
    fn who_finds_no_room_is_told_when_to_come_again() {
        for (refused, seconds) in [(BodyRefused::NoRoom, Some("1")), (BodyRefused::TooLarge, None), (BodyRefused::TooSlow, None)]
        {
            let response = refused.response();
            let told = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(told, seconds, "{refused:?}");
        }
    }

    /// A body that comes as it is sent.
    struct Sent {
        parts: mpsc::UnboundedReceiver<Bytes>,
        announced: u64,
    }

    impl Body for Sent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.parts.poll_recv(cx).map(|part| part.map(|part| Ok(Frame::data(part))))
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.announced);
            hint
        }
    }

    fn body(announced: u64) -> (mpsc::UnboundedSender<Bytes>, Sent) {
        let (send, parts) = mpsc::unbounded_channel();
        (send, Sent { parts, announced })
    }

    /// So many bytes, one part every `pause`.
    fn dripping(announced: u64, part: usize, times: usize, pause: Duration) -> Sent {
        let (send, body) = body(announced);
        tokio::spawn(async move {
            for _ in 0..times {
                tokio::time::sleep(pause).await;
                let _ = send.send(Bytes::from(vec![b'x'; part]));
            }
        });
        body
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_come_at_a_rate() {
        let room = Room::new();
        let second = Duration::from_secs(1);
        for (part, times, pause, read) in [
            (1, 9, second, Ok(9)),
            (1, 1_000, second, Err(BodyRefused::TooSlow)),
            (1, 1, 9 * second, Ok(1)),
            (1, 1, 11 * second, Err(BodyRefused::TooSlow)),
            (20 << 10, 50, second, Ok(50 * (20 << 10))),
            (8 << 10, 100, second, Err(BodyRefused::TooSlow)),
            (1 << 20, 1, second, Ok(1 << 20)),
            (1 << 20, 2, second, Err(BodyRefused::TooLarge)),
        ] {
            let outcome = room.read(dripping(0, part, times, pause), limits::BODY, false).await.map(|(bytes, _)| bytes.len());
            assert_eq!(outcome, read, "{times} times {part} bytes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_announced_and_does_not_come_takes_no_room() {
        let room = Room::new();
        let mut waiting = Vec::new();
        let mut reading = Vec::new();
        for _ in 0..10_000 {
            let (send, body) = body(1 << 20);
            send.send(Bytes::from_static(b"{")).unwrap();
            waiting.push(send);
            let room = Room(Arc::clone(&room.0));
            reading.push(tokio::spawn(async move { room.read(body, limits::BODY, false).await.map(|_| ()) }));
        }
        tokio::task::yield_now().await;
        let begin = Instant::now();
        for _ in 0..64 {
            let (large, _) = room.read(dripping(1 << 20, 1 << 20, 1, Duration::ZERO), limits::BODY, false).await.unwrap();
            assert_eq!(large.len(), 1 << 20);
        }
        assert!(begin.elapsed() < Duration::from_secs(2));
        for reading in reading {
            assert_eq!(reading.await.unwrap(), Err(BodyRefused::TooSlow));
        }
        assert_eq!(room.0.available_permits(), limits::BODIES / limits::SMALL_BODY);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_dropped_takes_no_room() {
        let room = Room::new();
        let (send, body) = body(0);
        send.send(Bytes::from(vec![b'x'; limits::BODY])).unwrap();
        let of_reader = Room(Arc::clone(&room.0));
        let reading = tokio::spawn(async move { of_reader.read(body, limits::BODY, false).await.map(|_| ()) });
        while room.0.available_permits() == limits::BODIES / limits::SMALL_BODY {
            tokio::task::yield_now().await;
        }
        send.send(Bytes::from_static(b"x")).unwrap();
        while room.0.available_permits() < limits::BODIES / limits::SMALL_BODY {
            assert!(!reading.is_finished(), "it is being read on");
            tokio::task::yield_now().await;
        }
        drop(send);
        assert_eq!(reading.await.unwrap(), Err(BodyRefused::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_have_limited_room_and_small_ones_need_none() {
        let room = Room::new();
        let mut kept = Vec::new();
        for _ in 0..64 {
            kept.push(room.read(dripping(0, 1 << 20, 1, Duration::ZERO), limits::BODY, false).await.unwrap());
        }
        // Each leaves its free part, which is enough for one of half a size at the end.
        for _ in 0..2 {
            kept.push(room.read(dripping(513 << 10, 513 << 10, 1, Duration::ZERO), limits::BODY, false).await.unwrap());
        }
        let refused = room.read(dripping(100_000, 100_000, 1, Duration::ZERO), limits::BODY, false).await.map(|_| ());
        assert_eq!(refused, Err(BodyRefused::NoRoom));
        assert!(room.read(dripping(0, limits::SMALL_BODY, 1, Duration::ZERO), limits::BODY, false).await.is_ok());
        kept.pop();
        assert!(room.read(dripping(100_000, 100_000, 1, Duration::ZERO), limits::BODY, false).await.is_ok());
        // Whoever announces nothing waits for room for the longest, and keeps what it needs.
        kept.clear();
        kept.push(room.read(dripping(0, 100_000, 1, Duration::ZERO), limits::BODY, false).await.unwrap());
        assert_eq!(room.0.available_permits(), limits::BODIES / limits::SMALL_BODY - 6);
    }

    #[tokio::test(start_paused = true)]
    async fn many_large_bodies_at_once_do_not_wait_for_each_other_for_ever() {
        for announced in [0, 1 << 20] {
            let room = Room::new();
            let mut reading = Vec::new();
            for _ in 0..256 {
                let room = Room(Arc::clone(&room.0));
                let body = dripping(announced, 128 << 10, 8, Duration::from_millis(10));
                reading
                    .push(tokio::spawn(async move { room.read(body, limits::BODY, false).await.map(|(bytes, _)| bytes.len()) }));
            }
            for reading in reading {
                assert_eq!(reading.await.unwrap(), Ok(1 << 20), "{announced} announced");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_hears_a_refusal_is_not_read_on() {
        for (announced, hears, seconds) in [(0, false, 50), (2 << 20, false, 5), (0, true, 9), (2 << 20, true, 0)] {
            let begin = Instant::now();
            let body = dripping(announced, 128 << 10, 50, Duration::from_secs(1));
            let refused = Room::new().read(body, limits::BODY, hears).await.map(|_| ());
            assert_eq!((refused, begin.elapsed().as_secs()), (Err(BodyRefused::TooLarge), seconds), "{announced} {hears}");
        }
        for (hears, seconds) in [(false, 5), (true, 0)] {
            let begin = Instant::now();
            drop_rest(dripping(0, 1, 50, Duration::from_secs(1)), hears).await;
            assert_eq!(begin.elapsed().as_secs(), seconds);
        }
    }
}
