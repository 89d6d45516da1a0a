//! What one user context has already read from the core: identical reads within one request cost one exchange (sdk-session.md 2.7).

use std::collections::HashMap;

use bytes::Bytes;

use super::CoreCall;

/// The answers that were kept, and the write after which they are stale.
#[derive(Default)]
pub(crate) struct CallCache {
    tag: Option<u64>,
    kept: HashMap<String, Bytes>,
}

impl CallCache {
    /// Empties it if a write happened since.
    pub(super) fn forget_unless(&mut self, tag: u64) {
        if self.tag != Some(tag) {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.tag = None;
    }

    pub(super) fn found(&self, key: &str) -> Option<Bytes> {
        self.kept.get(key).cloned()
    }

    pub(super) fn keep(&mut self, key: String, body: Bytes, tag: u64) {
        self.tag = Some(tag);
        self.kept.insert(key, body);
    }
}

/// Path, query and headers, the latter two sorted by name: the same question gives the same key.
pub(super) fn key(path: &str, call: &CoreCall) -> String {
    let mut query: Vec<String> = call.query.iter().map(|(name, value)| format!(";{name}={value}")).collect();
    query.sort();
    let mut headers: Vec<String> = Vec::new();
    for (name, value) in &call.headers {
        headers.push(format!(";{name}={}", String::from_utf8_lossy(value.as_bytes())));
    }
    headers.sort();
    format!("{path}{};hdrs{}", query.concat(), headers.concat())
}
