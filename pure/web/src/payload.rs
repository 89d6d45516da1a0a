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
