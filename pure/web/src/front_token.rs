//! What does the browser's own SDK learn about a session, without being able to use it? (sdk-session.md 5.7)

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use supertokens_domain::time::Millis;

/// The value of the `front-token` header that makes the browser forget everything.
pub const REMOVE: &str = "remove";

/// Who is logged in, until when, and the claims. `payload_text` is a JSON object and goes out as it stands.
pub fn build(user_id: &str, expires_at: Millis, payload_text: &str) -> String {
    STANDARD.encode(format!(r#"{{"uid":{},"ate":{expires_at},"up":{payload_text}}}"#, Value::from(user_id)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn decoded(token: &str) -> Value {
        serde_json::from_slice(&STANDARD.decode(token).unwrap()).unwrap()
    }

    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(
            build("user1", 1_700_000_000_000, r#"{"sub":"user1"}"#),
            "eyJ1aWQiOiJ1c2VyMSIsImF0ZSI6MTcwMDAwMDAwMDAwMCwidXAiOnsic3ViIjoidXNlcjEifX0="
        );
    }

    #[test]
    fn the_text_of_the_payload_is_kept() {
        let token = STANDARD.decode(build("u", 1, r#"{"b":1.0,"a":12345678901234567890}"#)).unwrap();
        assert_eq!(token, br#"{"uid":"u","ate":1,"up":{"b":1.0,"a":12345678901234567890}}"#);
    }

    proptest! {
        #[test]
        fn any_user_can_be_named(user in ".*", expires in any::<i64>(), claim in ".*") {
            let payload = json!({ "claim": claim });
            let expected = json!({ "uid": user, "ate": expires, "up": payload });
            prop_assert_eq!(decoded(&build(&user, expires, &payload.to_string())), expected);
        }
    }
}
