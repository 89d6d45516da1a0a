//! What may an application write into the payload of an access token, and how does an update change it?
//! (sdk-session.md 7.3 step 3, 7.6)

use serde_json::{Map, Value};

/// The claims of an access token, as an application sees them.
pub type Payload = Map<String, Value>;

/// The names that only the core writes.
pub const PROTECTED: [&str; 10] =
    ["sub", "iat", "exp", "sessionHandle", "parentRefreshTokenHash1", "refreshTokenHash1", "antiCsrfToken", "rsub", "tId", "stt"];

/// The payload less the names that only the core writes.
pub fn without_protected(mut payload: Payload) -> Payload {
    for name in PROTECTED {
        payload.remove(name);
    }
    payload
}

/// Only what the core writes.
pub fn only_protected(mut payload: Payload) -> Payload {
    payload.retain(|name, _| PROTECTED.contains(&name.as_str()));
    payload
}

/// The update that makes the second out of the first: what is new or other, and null for what is gone.
pub fn difference(before: &Payload, after: &Payload) -> Payload {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    changed.map(|(name, value)| (name.clone(), value.clone())).chain(gone).collect()
}

/// Whether both say the same but for what the core writes.
pub fn same_claims(one: &Payload, other: &Payload) -> bool {
    difference(one, other).keys().all(|name| PROTECTED.contains(&name.as_str()))
}

/// The payload with the update laid over it. A member that the update sets to null is deleted, and an object replaces an object
/// as a whole. A protected name in the update stays: the core refuses it.
pub fn merge(mut current: Payload, update: Payload) -> Payload {
    for (name, value) in update {
        match value {
            Value::Null => drop(current.remove(&name)),
            value => drop(current.insert(name, value)),
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Payload {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn protected_names_go_and_the_rest_stays() {
        let mut payload = object(json!({"iss": "i", "role": "admin", "nested": {"sub": 1}, "SUB": 2}));
        let rest = payload.clone();
        for name in PROTECTED {
            payload.insert(name.into(), json!("x"));
        }
        assert_eq!(without_protected(payload), rest);
    }

    #[test]
    fn the_difference_merged_into_the_first_gives_the_second() {
        let rows = [
            (json!({}), json!({}), json!({})),
            (json!({"a": 1}), json!({"a": 1}), json!({})),
            (json!({"a": 1, "b": 2}), json!({"a": 3, "c": 4}), json!({"a": 3, "b": null, "c": 4})),
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"x": 1}}), json!({"a": {"x": 1}})),
            (json!({"a": 1}), json!({"a": 1.0}), json!({"a": 1.0})),
        ];
        for (before, after, update) in rows {
            let (before, after) = (object(before), object(after));
            assert_eq!(difference(&before, &after), object(update));
            assert_eq!(merge(before.clone(), difference(&before, &after)), after);
            assert_eq!(same_claims(&before, &after), before == after);
        }
        let (one, other) = (object(json!({"sub": "a", "exp": 1, "role": 1})), object(json!({"exp": 2, "tId": "t", "role": 1})));
        assert!(same_claims(&one, &other) && one != other);
        assert_eq!(only_protected(one), object(json!({"sub": "a", "exp": 1})));
    }

    #[test]
    fn merging_is_shallow_and_null_deletes() {
        let rows = [
            (json!({}), json!({"a": 1}), json!({"a": 1})),
            (json!({"a": 1}), json!({}), json!({"a": 1})),
            (json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2})),
            (json!({"b": 2}), json!({"a": null}), json!({"b": 2})),
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"x": 3}}), json!({"a": {"x": 3}})),
            (json!({"a": {"x": 1}}), json!({"a": {"x": null}}), json!({"a": {"x": null}})),
            (json!({"a": [1]}), json!({"a": []}), json!({"a": []})),
            (json!({}), json!({"sub": "me"}), json!({"sub": "me"})),
        ];
        for (current, update, merged) in rows {
            assert_eq!(merge(object(current), object(update)), object(merged));
        }
    }
}
