//! Errors on their way to a host and back: one row of codes for all languages.

use serde_json::{Value, json};
use supertokens::{BuildError, ClaimFailure, CoreError, Error};

use crate::LARGEST_TEXT;

/// Why a call has failed. `HOST` is an error of the host's own, which it keeps under the number in `message`.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// One of `UNAUTHORISED`, `TRY_REFRESH_TOKEN`, `TOKEN_THEFT_DETECTED`, `INVALID_CLAIMS`, `CLEAR_DUPLICATE_SESSION_COOKIES`,
    /// `BAD_INPUT_ERROR`, `CORE`, `SETTINGS`, `HOST`, `TOO_LARGE`, `PANIC`.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// What else the error says; null for nothing.
    pub data: Value,
}

impl Failure {
    /// One without data.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    /// An error of the host's own, by the number that the host keeps it under.
    pub fn of_host(number: impl Into<String>) -> Self {
        Self::new("HOST", number)
    }
}

pub(crate) fn of_host(message: &str) -> Failure {
    Failure::new("SETTINGS", message)
}

pub(crate) fn panicked() -> Failure {
    Failure::new("PANIC", "the SDK panicked; please report it, with what was asked of it")
}

pub(crate) fn no_such_call() -> Failure {
    Failure::new("PANIC", "there is no call of this number")
}

pub(crate) fn needs_a_request() -> Failure {
    Failure::new("SETTINGS", "this function needs a request")
}

pub(crate) fn of_settings(error: &BuildError) -> Failure {
    Failure::new("SETTINGS", with_causes(error))
}

/// The settings were good, so it is the core that is not.
pub(crate) fn of_opening(error: &BuildError) -> Failure {
    Failure::new("CORE", with_causes(error))
}

/// A text of the host's.
pub(crate) fn parsed(text: &str) -> Result<Value, Failure> {
    if text.len() > LARGEST_TEXT {
        return Err(Failure::new("TOO_LARGE", "a text is larger than 16 MiB"));
    }
    serde_json::from_str(text).map_err(|error| Failure::new("BAD_INPUT_ERROR", format!("this is not JSON: {error}")))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        // Transparent errors say the same as what they wrap.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

/// An error of the host's own inside the engine.
#[derive(Debug)]
pub(crate) struct HostError(pub(crate) Failure);

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0.code {
            "HOST" => "a function of the application failed",
            _ => &self.0.message,
        })
    }
}

impl std::error::Error for HostError {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthorised { message, clear_tokens } => {
                Self { code: "UNAUTHORISED", message, data: json!({ "clearTokens": clear_tokens }) }
            }
            Error::TryRefreshToken { message } => Self::new("TRY_REFRESH_TOKEN", message),
            Error::TokenTheftDetected { session_handle, user_id, recipe_user_id } => Self {
                code: "TOKEN_THEFT_DETECTED",
                message: "Token theft detected".to_owned(),
                data: json!({ "sessionHandle": session_handle, "userId": user_id, "recipeUserId": recipe_user_id }),
            },
            Error::InvalidClaims { failures } => {
                Self { code: "INVALID_CLAIMS", message: "INVALID_CLAIMS".to_owned(), data: claims(&failures) }
            }
            Error::ClearDuplicateSessionCookies { message } => Self::new("CLEAR_DUPLICATE_SESSION_COOKIES", message),
            Error::BadInput { message } => Self::new("BAD_INPUT_ERROR", message),
            Error::PayloadTooLarge(refused) => Self::new("BAD_INPUT_ERROR", refused.to_string()),
            Error::Application(inner) => match inner.downcast::<HostError>() {
                Ok(host) => host.0,
                Err(inner) => Self::new("SETTINGS", with_causes(&*inner)),
            },
            Error::Core(error) => of_core(error),
            error => Self::new("SETTINGS", with_causes(&error)),
        }
    }
}

fn of_core(error: CoreError) -> Failure {
    let message = with_causes(&error);
    match error {
        CoreError::Interceptor(inner) => match inner.downcast::<HostError>() {
            Ok(host) => host.0,
            Err(_) => Failure::new("CORE", message),
        },
        CoreError::Status { status, path, .. } => {
            Failure { code: "CORE", message, data: json!({ "status": status, "path": path }) }
        }
        _ => Failure::new("CORE", message),
    }
}

/// Failed claims; a reason that was not given is left out.
pub(crate) fn claims(failures: &[ClaimFailure]) -> Value {
    let one = |failure: &ClaimFailure| match &failure.reason {
        Some(reason) => json!({ "id": failure.id, "reason": reason }),
        None => json!({ "id": failure.id }),
    };
    Value::Array(failures.iter().map(one).collect())
}

/// What the engine calls a failure that the host has thrown, or has caught and wants answered.
pub(crate) fn to_error(failure: Failure) -> Error {
    let data = &failure.data;
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match failure.code {
        "UNAUTHORISED" => Error::Unauthorised {
            clear_tokens: data.get("clearTokens").and_then(Value::as_bool).unwrap_or(true),
            message: failure.message,
        },
        "TRY_REFRESH_TOKEN" => Error::TryRefreshToken { message: failure.message },
        "TOKEN_THEFT_DETECTED" => Error::TokenTheftDetected {
            session_handle: text("sessionHandle"),
            user_id: text("userId"),
            recipe_user_id: text("recipeUserId"),
        },
        "INVALID_CLAIMS" => Error::InvalidClaims { failures: claim_failures(data) },
        "CLEAR_DUPLICATE_SESSION_COOKIES" => Error::ClearDuplicateSessionCookies { message: failure.message },
        "BAD_INPUT_ERROR" => Error::BadInput { message: failure.message },
        _ => Error::application(HostError(failure)),
    }
}

/// Failed claims as a host names them.
pub(crate) fn claim_failures(list: &Value) -> Vec<ClaimFailure> {
    let one = |failure: &Value| ClaimFailure {
        id: failure.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        reason: failure.get("reason").cloned(),
    };
    list.as_array().map(|list| list.iter().map(one).collect()).unwrap_or_default()
}

/// The code that a host has named, if there is such a one.
pub fn code(name: &str) -> Option<&'static str> {
    const CODES: [&str; 6] = [
        "UNAUTHORISED",
        "TRY_REFRESH_TOKEN",
        "TOKEN_THEFT_DETECTED",
        "INVALID_CLAIMS",
        "CLEAR_DUPLICATE_SESSION_COOKIES",
        "BAD_INPUT_ERROR",
    ];
    CODES.into_iter().find(|code| *code == name)
}
