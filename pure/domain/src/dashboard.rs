//! People who look after an app by the dashboard: how they may be called, what their passwords must be, and how long they stay signed in
//! (core-recipes-2.md 3). They are nobody's users: no other recipe knows them.

use std::sync::LazyLock;

use regex::Regex;

use crate::time::{DAY, Millis};

pub mod throttle;

/// How long somebody stays signed in, in ms.
pub const SESSION_LIFETIME: Millis = 30 * DAY;
/// How long the id of a user or of a session is, in characters. What is shorter or longer is nobody's.
pub const ID_LENGTH: usize = 36;

/// Somebody who may look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Normalised, one of each in an app.
    pub email: String,
    /// A UUID.
    pub id: String,
    /// Since when, in ms.
    pub time_joined: Millis,
}

/// That somebody is signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub user_id: String,
    /// Whoever knows it is taken for the user.
    pub id: String,
    /// Since when, in ms.
    pub created: Millis,
    /// Until when, in ms.
    pub expiry: Millis,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user_id, id: _, created, expiry } = self;
        f.debug_struct("Session")
            .field("user_id", user_id)
            .field("created", created)
            .field("expiry", expiry)
            .finish_non_exhaustive()
    }
}

/// Is it over? In its last millisecond it is not.
pub fn is_over(expiry: Millis, now: Millis) -> bool {
    expiry < now
}

/// What upstream takes for the end of a line, and no dot of its expressions for a character.
const LINE_ENDS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

// Quirk: upstream's rule has its marks of escape in the wrong places, so that nearly anything may stand in a host where a dot belongs, and
// a host may be one digit, brace, comma or dot.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const ANY: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";
    Regex::new(&format!(r"\A{ANY}+@(?:[0-9{{}},.]|(?:[a-zA-Z0-9-]+{ANY})+[a-zA-Z]{{2,}})\z")).ok()
});

/// May somebody have this address? It is normalised.
pub fn is_address(email: &str) -> bool {
    ADDRESS.as_ref().is_some_and(|rule| rule.is_match(email))
}

/// Why a password is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Shorter than eight units of UTF-16.
    #[error("Password must contain at least 8 characters, including a number")]
    Short,
    /// A hundred units of UTF-16, or more.
    #[error("Password's length must be lesser than 100 characters")]
    Long,
    /// None of a to z.
    #[error("Password must contain at least one alphabet")]
    NoLetter,
    /// None of 0 to 9.
    #[error("Password must contain at least one number")]
    NoDigit,
}

/// What is wrong with a new password, from which blanks around it have been cut off.
///
/// # Errors
/// The first thing, in upstream's order.
pub fn check_password(password: &str) -> Result<(), Weakness> {
    let length = password.encode_utf16().count();
    // Quirk: a line end anywhere is reported as a lack of letters.
    let has_letter = password.contains(|c: char| c.is_ascii_alphabetic()) && !password.contains(LINE_ENDS);
    match () {
        () if length < 8 => Err(Weakness::Short),
        () if length >= 100 => Err(Weakness::Long),
        () if !has_letter => Err(Weakness::NoLetter),
        () if !password.contains(|c: char| c.is_ascii_digit()) => Err(Weakness::NoDigit),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;

    #[test]
    fn addresses_and_passwords_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../testkit/vectors/dashboard_rules.json"));
        let (emails, passwords) = (vectors::array(&file, "emails"), vectors::array(&file, "passwords"));
        assert!(emails.len() >= 33 && passwords.len() >= 16);
        for case in emails {
            let email = vectors::text(case, "email");
            assert_eq!(is_address(email), vectors::boolean(case, "valid"), "{email:?}");
        }
        for case in passwords {
            let password = vectors::text(case, "password");
            let said = check_password(password).err().map(|weakness| weakness.to_string());
            assert_eq!(said.as_deref(), case.get("error").and_then(crate::json::Json::as_str), "{password:?}");
        }
    }

    /// Upstream's expression looks at such a host in more ways than there are atoms, and this test would not end.
    #[test]
    fn an_address_is_judged_in_one_pass() {
        assert!(!is_address(&format!("a@{}!", "a".repeat(250))));
        assert!(!is_address(&format!("a@{}!", "a-".repeat(125))));
    }

    #[test]
    fn a_session_lasts_to_its_last_millisecond() {
        assert_eq!(SESSION_LIFETIME, 2_592_000_000);
        assert_eq!([is_over(5, 4), is_over(5, 5), is_over(5, 6)], [false, false, true]);
    }
}
