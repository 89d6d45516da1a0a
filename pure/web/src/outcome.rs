//! What does a browser get to see of a refusal: which status, which body, and are its tokens taken from it (sdk-session.md 3.3, 3.7, 3.8)?
//!
//! Callbacks of the application may choose another status and body; that is the edge's, and what happens to the tokens does not change.

use serde_json::{Value, json};
use supertokens_domain::session::access_token::PayloadTooLarge;

use crate::session_settings::SessionSettings;

/// A claim that was not what a route asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimFailure {
    /// The validator's id; the browser finds its own validator by it.
    pub id: String,
    /// Why, if the validator says.
    pub reason: Option<Value>,
}

/// Why a request does not get what it asks for, as far as the browser is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal<'a> {
    /// There is no session, or not any more.
    Unauthorised {
        /// Whether the browser shall forget its tokens.
        clear_tokens: bool,
    },
    /// The access token is over or not acceptable.
    TryRefreshToken,
    /// A refresh token was used that had already been replaced.
    TokenTheftDetected,
    /// The session is fine and its claims are not: all that failed, in order.
    InvalidClaims(&'a [ClaimFailure]),
    /// Cookies of two domains came; those of the older one are being cleared already.
    ClearDuplicateSessionCookies {
        /// What the browser is told.
        message: &'a str,
    },
    /// The request cannot be understood.
    BadInput {
        /// What the browser is told.
        message: &'a str,
    },
    /// What the application wanted to keep in the access token does not fit into one.
    PayloadTooLarge(PayloadTooLarge),
}

impl Refusal<'_> {
    /// Whether both kinds of tokens are taken from the browser, whatever the response already carries and whatever a callback does.
    pub fn clears_tokens(&self) -> bool {
        matches!(self, Self::Unauthorised { clear_tokens: true } | Self::TokenTheftDetected)
    }
}

/// Status and body of a refusal.
pub fn answer(refusal: &Refusal<'_>, settings: &SessionSettings) -> (u16, Value) {
    let expired = settings.session_expired_status;
    match refusal {
        Refusal::Unauthorised { .. } => (expired, message("unauthorised")),
        Refusal::TryRefreshToken => (expired, message("try refresh token")),
        Refusal::TokenTheftDetected => (expired, message("token theft detected")),
        Refusal::InvalidClaims(failures) => {
            let failures: Vec<Value> = failures.iter().map(failure_json).collect();
            (settings.invalid_claim_status, json!({ "message": "invalid claim", "claimValidationErrors": failures }))
        }
        // Quirk: 200, because the browser's SDK logs the user out when a refresh is answered with 400 or above.
        Refusal::ClearDuplicateSessionCookies { message: text } => (200, message(text)),
        Refusal::BadInput { message: text } => (400, message(text)),
        Refusal::PayloadTooLarge(refused) => (400, message(&refused.to_string())),
    }
}

/// Status and body when an endpoint of an application's own says that it did not work out, and why.
pub fn general_error(text: &str) -> (u16, Value) {
    // Quirk: 200, though it failed; browsers' SDKs look at the status member.
    (200, json!({ "status": "GENERAL_ERROR", "message": text }))
}

/// Status and body of a fault. What went wrong stands in the log only.
pub fn fault() -> (u16, Value) {
    (500, message("internal server error"))
}

fn message(text: &str) -> Value {
    json!({ "message": text })
}

fn failure_json(failure: &ClaimFailure) -> Value {
    match &failure.reason {
        Some(reason) => json!({ "id": failure.id, "reason": reason }),
        None => json!({ "id": failure.id }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_info::AppInfoInput;
    use crate::session_settings::SessionSettingsInput;

    fn settings(expired: Option<u16>, claim: Option<u16>) -> SessionSettings {
        let text = |text: &str| Some(text.to_owned());
        let app = AppInfoInput {
            app_name: text("Shop"),
            api_domain: text("localhost"),
            website_domain: text("localhost"),
            ..Default::default()
        };
        let input = SessionSettingsInput { session_expired_status: expired, invalid_claim_status: claim, ..Default::default() };
        input.normalise(&app.normalise().expect("good")).expect("good")
    }

    #[test]
    fn every_row_of_the_table() {
        let failures = [
            ClaimFailure {
                id: "role".to_owned(),
                reason: Some(json!({ "message": "wrong value", "expectedToInclude": "admin" })),
            },
            ClaimFailure { id: "email".to_owned(), reason: None },
        ];
        let claims = r#"{"message":"invalid claim","claimValidationErrors":[{"id":"role","reason":{"message":"wrong value","expectedToInclude":"admin"}},{"id":"email"}]}"#;
        let rows = [
            (Refusal::Unauthorised { clear_tokens: true }, 401, r#"{"message":"unauthorised"}"#, true),
            (Refusal::Unauthorised { clear_tokens: false }, 401, r#"{"message":"unauthorised"}"#, false),
            (Refusal::TryRefreshToken, 401, r#"{"message":"try refresh token"}"#, false),
            (Refusal::TokenTheftDetected, 401, r#"{"message":"token theft detected"}"#, true),
            (Refusal::InvalidClaims(&failures), 403, claims, false),
            (Refusal::ClearDuplicateSessionCookies { message: "two" }, 200, r#"{"message":"two"}"#, false),
            (Refusal::BadInput { message: "no \"JSON\"" }, 400, r#"{"message":"no \"JSON\""}"#, false),
            (
                Refusal::PayloadTooLarge(PayloadTooLarge { token_bytes: 20_000 }),
                400,
                r#"{"message":"The payload of the access token (userDataInJWT) is too large: the token would have about 20000 bytes, and the limit is 16384. Keep in it what every request needs, and the rest in userDataInDatabase or in a database of your own"}"#,
                false,
            ),
        ];
        for (refusal, status, body, clears) in rows {
            let body: Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(answer(&refusal, &settings(None, None)), (status, body), "{refusal:?}");
            assert_eq!(refusal.clears_tokens(), clears, "{refusal:?}");
        }
    }

    #[test]
    fn the_settings_choose_the_statuses() {
        let settings = settings(Some(440), Some(404));
        let rows = [
            (Refusal::Unauthorised { clear_tokens: true }, 440),
            (Refusal::TryRefreshToken, 440),
            (Refusal::TokenTheftDetected, 440),
            (Refusal::InvalidClaims(&[]), 404),
            (Refusal::ClearDuplicateSessionCookies { message: "" }, 200),
            (Refusal::BadInput { message: "" }, 400),
        ];
        for (refusal, status) in rows {
            assert_eq!(answer(&refusal, &settings).0, status, "{refusal:?}");
        }
    }

    #[test]
    fn answers_that_are_no_refusals() {
        assert_eq!(general_error("m"), (200, json!({ "status": "GENERAL_ERROR", "message": "m" })));
        assert_eq!(fault(), (500, json!({ "message": "internal server error" })));
    }
}
