//! How much memory wait answers for callers that do not take them, over all HTTP/2 connections? One such connection may ask many
//! things and take nothing; over HTTP/1.1 it is one answer at most. When there is much, patience becomes short; when there is too
//! much, new requests are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::limits;

/// What is held now.
#[derive(Debug, Default)]
pub(crate) struct Held(AtomicUsize);

impl Held {
    /// How long an answer may wait to be taken.
    pub(crate) fn patience(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            held if held > limits::HELD_MOST => Duration::ZERO,
            held if held > limits::HELD_MUCH => limits::ANSWER_IN_NEED,
            _ => limits::ANSWER,
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Bytes more, until the share is dropped.
    fn share(self: &Arc<Self>, bytes: usize) -> Share {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Share { of: Arc::clone(self), bytes }
    }

    /// Room for one more request, unless there is none.
    pub(crate) fn request(self: &Arc<Self>) -> Option<Share> {
        (self.0.load(Ordering::Relaxed) < limits::HELD_MOST).then(|| self.share(limits::HELD_BY_REQUEST))
    }

    /// A body that is counted as long as anything of it is in memory.
    pub(crate) fn body(self: &Arc<Self>, body: Bytes) -> Bytes {
        if body.is_empty() {
            return body;
        }
        let _share = self.share(body.len());
        Bytes::from_owner(Counted { body, _share })
    }
}

/// Some of what is held.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Held>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
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

    #[test]
    fn a_body_counts_until_its_last_byte_is_gone() {
        let held = Arc::new(Held::default());
        let mut body = held.body(Bytes::from_static(b"abc"));
        let first = body.split_to(2);
        drop(body);
        assert_eq!((&first[..], held.0.load(Ordering::Relaxed)), (&b"ab"[..], 3));
        drop(first);
        assert_eq!(held.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn patience_ends_before_room_does() {
        let held = Arc::new(Held::default());
        assert_eq!(held.patience(), limits::ANSWER);
        let much = held.share(limits::HELD_MUCH + 1);
        assert_eq!(held.patience(), limits::ANSWER_IN_NEED);
        assert!(held.request().is_some());
        let most = held.share(limits::HELD_MOST - limits::HELD_MUCH);
        assert!(held.request().is_none() && held.patience().is_zero());
        drop((much, most));
        assert_eq!(held.patience(), limits::ANSWER);
        assert!(held.request().is_some());
    }
}
