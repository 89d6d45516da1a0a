//! What one user context has already read from the core: identical reads within one request cost one exchange (sdk-session.md 2.7).

use std::collections::HashMap;

use bytes::Bytes;

/// The answers that were kept, and the write after which they are stale.
#[derive(Default)]
pub(crate) struct CallCache {
    tag: Option<u64>,
    kept: HashMap<String, Bytes>,
}

impl CallCache {
    /// Empties it if a write happened since.
    pub(crate) fn forget_unless(&mut self, tag: u64) {
        if self.tag != Some(tag) {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.tag = None;
    }

    pub(crate) fn found(&self, key: &str) -> Option<Bytes> {
        self.kept.get(key).cloned()
    }

    pub(crate) fn keep(&mut self, key: String, body: Bytes, tag: u64) {
        self.tag = Some(tag);
        self.kept.insert(key, body);
    }
}
