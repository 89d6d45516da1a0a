//! Where the next page of users begins, as a text that callers hand back (core-users.md 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base64_text;
use crate::time::Millis;

/// The first user of the next page. Neither signed nor bound to a tenant, an order or a filter, and the user need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The internal id of the group of login methods.
    pub user_id: String,
    /// When it joined, in ms since 1970-01-01 UTC.
    pub time_joined: Millis,
}

/// The text is no such token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid pagination token")]
pub struct BadPageToken;

impl PageToken {
    /// The token.
    pub fn to_text(&self) -> String {
        STANDARD.encode(format!("{};{}", self.user_id, self.time_joined))
    }

    /// Reads a token that came back.
    ///
    /// # Errors
    /// What cannot be decoded, is not two parts, or whose time is no number of 64 bits.
    pub fn read(text: &str) -> Result<Self, BadPageToken> {
        let bytes = base64_text::standard(text).ok_or(BadPageToken)?;
        let inside = String::from_utf8(bytes).map_err(|_| BadPageToken)?;
        // Quirk: separators at the end count for nothing.
        let (user_id, time) = inside.trim_end_matches(';').split_once(';').ok_or(BadPageToken)?;
        let time_joined = time.parse().map_err(|_| BadPageToken)?;
        Ok(Self { user_id: user_id.to_owned(), time_joined })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;
    use proptest::prelude::*;

    #[test]
    fn tokens_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/users_pagination.json"));
        let (written, read, bad) =
            (vectors::array(&file, "encode"), vectors::array(&file, "decode_ok"), vectors::array(&file, "decode_invalid"));
        assert!(written.len() >= 3 && read.len() >= 3 && bad.len() >= 8);
        let expected = |case| PageToken {
            user_id: vectors::text(case, "userId").to_owned(),
            time_joined: vectors::number(case, "timeJoined"),
        };
        for case in written {
            assert_eq!(expected(case).to_text(), vectors::text(case, "token"));
            assert_eq!(PageToken::read(vectors::text(case, "token")), Ok(expected(case)));
        }
        for case in read {
            assert_eq!(PageToken::read(vectors::text(case, "token")), Ok(expected(case)));
        }
        for case in bad {
            assert_eq!(PageToken::read(vectors::text(case, "token")), Err(BadPageToken), "{}", vectors::text(case, "why"));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(user_id in "[^;]{0,40}", time_joined: i64) {
            let token = PageToken { user_id, time_joined };
            prop_assert_eq!(PageToken::read(&token.to_text()), Ok(token));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = PageToken::read(&text);
        }
    }
}
