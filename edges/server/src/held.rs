//! How much memory wait answers for callers that do not take them, over HTTP/2? One such connection may ask many things and take
//! nothing; over HTTP/1.1 it is one answer at most. When there is much, patience becomes short; when there is too much, new requests
//! are refused, except for a few at a time on each connection: whatever others do, nobody is worse off than over HTTP/1.1.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::limits;
use crate::metrics::Count;

/// What all connections hold now, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: AtomicUsize,
    refused: Count,
}

impl Held {
    /// Counts what it refuses.
    pub(crate) fn new(refused: Count) -> Self {
        Self { bytes: AtomicUsize::new(0), refused }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What one connection holds of it.
#[derive(Debug, Default)]
pub(crate) struct Part {
    of: Arc<Held>,
    bytes: AtomicUsize,
    requests: AtomicUsize,
    http2: AtomicBool,
}

impl Part {
    pub(crate) fn new(of: &Arc<Held>) -> Self {
        Self { of: Arc::clone(of), ..Self::default() }
    }

    /// How long an answer may wait to be taken. No time at all has only what is too much, on a connection that has much of it.
    fn patience(&self) -> Duration {
        match self.of.bytes.load(Ordering::Relaxed) {
            held if held > limits::HELD_MOST && self.bytes.load(Ordering::Relaxed) > limits::HELD_FAIR => Duration::ZERO,
            held if held > limits::HELD_MUCH => limits::ANSWER_IN_NEED,
            _ => limits::ANSWER,
        }
    }

    /// How long bytes may wait for the connection to take them, all its answers together. What HTTP/2 callers leave lying is not held
    /// against others.
    pub(crate) fn patience_of_socket(&self) -> Duration {
        if self.http2.load(Ordering::Relaxed) { self.patience().max(limits::ANSWER_IN_NEED) } else { limits::ANSWER }
    }

    /// Bytes more, until the share is dropped.
    fn share(self: &Arc<Self>, bytes: usize) -> Share {
        self.of.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Share { of: Arc::clone(self), bytes }
    }

    /// Room for one more HTTP/2 request, unless there is none.
    pub(crate) fn request(self: &Arc<Self>) -> Option<Asked> {
        self.http2.store(true, Ordering::Relaxed);
        let few = self.requests.load(Ordering::Relaxed) < limits::REQUESTS_ANYWAY;
        let own = self.bytes.load(Ordering::Relaxed);
        if !few && (own >= limits::HELD_BY_CONNECTION || self.of.bytes.load(Ordering::Relaxed) >= limits::HELD_MOST) {
            self.of.refused.inc();
            return None;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        Some(Asked(self.share(limits::HELD_BY_REQUEST)))
    }
}

/// A request that was let in, until it is answered.
#[derive(Debug)]
pub(crate) struct Asked(Share);

impl Asked {
    /// How long its answer may wait to be taken.
    pub(crate) fn patience(&self) -> Duration {
        self.0.of.patience()
    }

    /// A body that is counted as long as anything of it is in memory.
    pub(crate) fn body(&self, body: Bytes) -> Bytes {
        if body.is_empty() {
            return body;
        }
        let _share = self.0.of.share(body.len());
        Bytes::from_owner(Counted { body, _share })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.of.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Some of what is held.
#[derive(Debug)]
struct Share {
    of: Arc<Part>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.of.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Counted {
    body: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(of: &Arc<Held>) -> Arc<Part> {
        Arc::new(Part::new(of))
    }

    #[test]
    fn a_body_counts_until_its_last_byte_is_gone() {
        let held = Arc::<Held>::default();
        let asked = part(&held).request().unwrap();
        let mut body = asked.body(Bytes::from_static(b"abc"));
        drop(asked);
        let first = body.split_to(2);
        drop(body);
        assert_eq!((&first[..], held.bytes()), (&b"ab"[..], 3));
        drop(first);
        assert_eq!(held.bytes(), 0);
    }

    #[test]
    fn patience_ends_before_room_does() {
        let held = Arc::<Held>::default();
        let (others, fair, greedy) = (part(&held), part(&held), part(&held));
        let much = others.share(limits::HELD_MUCH + 1);
        assert_eq!(fair.patience(), limits::ANSWER_IN_NEED);
        assert_eq!(fair.patience_of_socket(), limits::ANSWER, "nothing was asked by HTTP/2");
        let asked: Vec<_> = (0..limits::STREAMS).map(|_| fair.request().unwrap()).collect();
        let most = others.share(limits::HELD_MOST - limits::HELD_MUCH);
        assert!(fair.request().is_none());
        assert_eq!(fair.patience(), limits::ANSWER_IN_NEED);
        assert_eq!(fair.patience_of_socket(), limits::ANSWER_IN_NEED);
        // Where nothing is asked, something may be.
        let few: Vec<_> = (0..limits::REQUESTS_ANYWAY).map(|_| greedy.request().unwrap()).collect();
        assert!(greedy.request().is_none());
        let body = few[0].body(Bytes::from(vec![0; limits::HELD_FAIR]));
        assert!(greedy.patience().is_zero() && !greedy.patience_of_socket().is_zero());
        assert_eq!(held.refused.get(), 2);
        drop((much, most, asked, few, body));
        assert_eq!((held.bytes(), fair.patience()), (0, limits::ANSWER));
        assert!((0..limits::STREAMS).map(|_| fair.request()).collect::<Option<Vec<_>>>().is_some());
    }

    #[test]
    fn one_connection_does_not_take_the_room_of_all() {
        let held = Arc::<Held>::default();
        let one = part(&held);
        let asked: Vec<_> = (0..limits::REQUESTS_ANYWAY).map(|_| one.request().unwrap()).collect();
        let body = asked[0].body(Bytes::from(vec![0; limits::HELD_BY_CONNECTION]));
        assert!(one.request().is_none());
        let other = part(&held);
        assert!((0..limits::STREAMS).map(|_| other.request()).collect::<Option<Vec<_>>>().is_some());
        drop(body);
        assert!(one.request().is_some());
    }
}
