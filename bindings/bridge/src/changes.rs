//! What shall change on a response, as pairs that a host applies to its framework's own.

use http::HeaderMap;
use supertokens::Scope;

/// Headers by name: with a value, to be set; without, to be removed. Each cookie is a `set-cookie`, which takes the place of one of its
/// name; `access-control-expose-headers` is to be added to what is there.
pub type Changes = Vec<(String, Option<String>)>;

/// Takes out what was noted so far.
pub(crate) fn drain(scope: &Scope) -> Changes {
    if !scope.has_changes() {
        return Changes::new();
    }
    let gone = |(name, value): (&str, Option<&str>)| value.is_none().then(|| (name.to_owned(), None));
    let mut changes: Changes = scope.changes().headers().filter_map(gone).collect();
    let mut headers = HeaderMap::new();
    scope.finish(&mut headers);
    changes.extend(pairs(&headers));
    changes
}

/// Headers as pairs. Bytes that are not UTF-8 are replaced.
pub(crate) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (String, Option<String>)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(move |(name, value)| (name.as_str().to_owned(), Some(text(value))))
}
