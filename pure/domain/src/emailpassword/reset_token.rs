//! What does a reset token that came back do (core-users.md 3.7)?

use crate::time::Millis;

/// A token's row. Whoever takes it takes all of its user's with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The user's internal id.
    pub user_id: String,
    /// The id that is shown instead.
    pub external_id: Option<String>,
    /// As it was given when the token was made. Tokens of cores before 4.0 have none.
    pub email: Option<String>,
    /// When its time is over, in ms.
    pub expires_at: Millis,
}

impl Taken {
    /// The id that answers show.
    pub fn shown_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.user_id)
    }

    /// Is it in time? The millisecond of its expiry is.
    pub fn is_in_time(&self, now: Millis) -> bool {
        self.expires_at >= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_in_the_millisecond_of_its_expiry() {
        let taken = Taken { user_id: "u".to_owned(), external_id: None, email: None, expires_at: 100 };
        assert_eq!(taken.shown_id(), "u");
        assert_eq!([99, 100, 101].map(|now| taken.is_in_time(now)), [true, true, false]);
    }
}
