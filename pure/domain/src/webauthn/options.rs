//! What a ceremony begins with: the wishes of whoever asks, with what they leave open filled in (core-recipes-2.md 2.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::Json;
use crate::users::email::normalised;
use crate::webauthn::expected::UserVerification;
use crate::webauthn::origin;
use crate::webauthn::refused::Refused;

/// For how long options last whose caller says nothing, in milliseconds. SDKs ask for ten times as much.
pub const DEFAULT_TIMEOUT: i64 = 6000;
/// For how long options may last, in milliseconds: thirty days. Upstream has no limit, and one row stays that long for everybody who
/// looks at a page.
pub const LONGEST_TIMEOUT: i64 = 30 * 24 * 3600 * 1000;
/// EdDSA, ES256 and RS256: what the core asks for when its caller says nothing.
pub const DEFAULT_ALGORITHMS: [i64; 3] = [-8, -7, -257];
/// How many algorithms may be asked for.
pub const MOST_ALGORITHMS: usize = 64;

const VERIFICATIONS: [&str; 3] = ["required", "discouraged", "preferred"];
const ATTESTATIONS: [&str; 4] = ["none", "indirect", "direct", "enterprise"];
const RESIDENT_KEYS: [&str; 3] = ["required", "discouraged", "preferred"];

/// What somebody wishes for a sign-in, and for both kinds of ceremony.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Whom the passkey is for.
    pub rp_id: String,
    /// What that one is called.
    pub rp_name: String,
    /// Where the page is.
    pub origin: String,
    /// For how long, in milliseconds.
    pub timeout: Option<i64>,
    /// The word for it.
    pub user_verification: Option<String>,
    /// Whether somebody has to be there.
    pub user_presence: Option<bool>,
}

/// What somebody wishes for a registration.
#[derive(Debug, Clone, Default)]
pub struct RegistrationWishes {
    /// What a sign-in has too.
    pub of_both: Wishes,
    /// Whose passkey it will be, as it was sent.
    pub email: String,
    /// What the authenticator shows.
    pub display_name: Option<String>,
    /// How the authenticator shall say what it is.
    pub attestation: Option<String>,
    /// Whether the passkey is to be found without its id.
    pub resident_key: Option<String>,
    /// Which algorithms the key may have.
    pub algorithms: Option<Vec<Json>>,
}

/// What a ceremony begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whom the passkey is for.
    pub rp_id: String,
    /// What that one is called.
    pub rp_name: String,
    /// Where the page is.
    pub origin: String,
    /// For how long, in milliseconds.
    pub timeout: i64,
    /// Whether the authenticator has to make sure who is there.
    pub user_verification: UserVerification,
    /// Whether somebody has to be there.
    pub user_presence: bool,
}

/// What a registration begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationOptions {
    /// What a sign-in has too.
    pub of_both: Options,
    /// Whose passkey it will be: trimmed, in lower case.
    pub email: String,
    /// What the authenticator shows.
    pub display_name: String,
    /// How the authenticator shall say what it is.
    pub attestation: &'static str,
    /// Whether the passkey is to be found without its id.
    pub resident_key: &'static str,
    /// Which algorithms the key may have, by their COSE numbers.
    pub algorithms: Vec<i64>,
}

impl RegistrationOptions {
    /// Is a passkey that is only found by its id of no use?
    pub fn requires_resident_key(&self) -> bool {
        self.resident_key == "required"
    }
}

impl Wishes {
    /// What a sign-in begins with, or the first thing that is wrong.
    pub fn decide(self) -> Result<Options, Refused> {
        origin::allowed(&self.origin, &self.rp_id)?;
        let timeout = match self.timeout {
            Some(..0) => return Err(Refused::options("Timeout must be a positive value")),
            Some(timeout) if timeout > LONGEST_TIMEOUT => {
                return Err(Refused::options(format!("Timeout must be at most {LONGEST_TIMEOUT}")));
            }
            timeout => timeout.unwrap_or(DEFAULT_TIMEOUT),
        };
        let word = one_of("userVerification", self.user_verification.as_deref(), &VERIFICATIONS, "preferred")?;
        let Self { rp_id, rp_name, origin, user_presence, .. } = self;
        let user_verification = UserVerification::of_word(word).unwrap_or(UserVerification::Preferred);
        Ok(Options { rp_id, rp_name, origin, timeout, user_verification, user_presence: user_presence.unwrap_or(false) })
    }
}

impl RegistrationWishes {
    /// What a registration begins with, or the first thing that is wrong.
    pub fn decide(self) -> Result<RegistrationOptions, Refused> {
        let of_both = self.of_both.decide()?;
        let attestation = one_of("attestation", self.attestation.as_deref(), &ATTESTATIONS, "none")?;
        let resident_key = one_of("residentKey", self.resident_key.as_deref(), &RESIDENT_KEYS, "required")?;
        let algorithms = match self.algorithms {
            Some(listed) => algorithms(&listed)?,
            None => DEFAULT_ALGORITHMS.to_vec(),
        };
        let email = normalised(&self.email);
        let display_name = self.display_name.filter(|name| !name.is_empty()).unwrap_or_else(|| email.clone());
        Ok(RegistrationOptions { of_both, email, display_name, attestation, resident_key, algorithms })
    }
}

/// One of the words, exactly; nothing and an empty text stand for the usual one.
fn one_of(name: &str, said: Option<&str>, words: &[&'static str], usual: &'static str) -> Result<&'static str, Refused> {
    let said = said.filter(|said| !said.is_empty()).unwrap_or(usual);
    words.iter().copied().find(|word| *word == said).ok_or_else(|| {
        // What was sent comes back in the answer: as much of it as helps.
        let said: String = said.chars().take(100).collect();
        Refused::options(format!("Invalid value '{said}' for {name}. Must be one of: {}", words.join(", ")))
    })
}

/// Numbers, and texts of whole numbers. Numbers that nobody has heard of pass: who asks for them gets no key that can be checked.
fn algorithms(listed: &[Json]) -> Result<Vec<i64>, Refused> {
    if listed.len() > MOST_ALGORITHMS {
        return Err(Refused::options(format!("At most {MOST_ALGORITHMS} algorithms can be asked for")));
    }
    let number = |item: &Json| match item {
        Json::Number(text) => item.as_i64().ok_or_else(|| text.to_string()),
        Json::String(text) => text.parse().map_err(|_| text.clone()),
        other => Err(other.to_text()),
    };
    listed.iter().map(number).collect::<Result<_, _>>().map_err(|text| {
        let text: String = text.chars().take(100).collect();
        Refused::options(format!("For input string: \"{text}\""))
    })
}

/// The text of a challenge: base64url without padding, 43 characters.
pub fn challenge(random: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

/// Do the options still hold? At the very end they do.
pub fn not_expired(expires_at: i64, now: i64) -> Result<(), Refused> {
    if expires_at < now { Err(Refused::options("Options expired")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> RegistrationWishes {
        let of_both = Wishes {
            rp_id: "example.com".to_owned(),
            rp_name: "Example".to_owned(),
            origin: "https://example.com".to_owned(),
            ..Wishes::default()
        };
        RegistrationWishes { of_both, email: " A@B.co ".to_owned(), ..RegistrationWishes::default() }
    }

    fn reason(change: impl FnOnce(&mut RegistrationWishes)) -> String {
        let mut wishes = wishes();
        change(&mut wishes);
        match wishes.decide() {
            Ok(_) => String::new(),
            Err(refused) => {
                assert_eq!(refused.status(), "INVALID_OPTIONS_ERROR");
                refused.reason().to_owned()
            }
        }
    }

    #[test]
    fn what_is_left_open_is_filled_in() {
        let options = wishes().decide().unwrap();
        assert_eq!(options.of_both.timeout, 6000);
        assert_eq!(options.of_both.user_verification, UserVerification::Preferred);
        assert!(!options.of_both.user_presence && options.requires_resident_key());
        assert_eq!((options.email.as_str(), options.display_name.as_str()), ("a@b.co", "a@b.co"));
        assert_eq!((options.attestation, options.resident_key), ("none", "required"));
        assert_eq!(options.algorithms, [-8, -7, -257]);
        let mut empty = wishes();
        empty.display_name = Some(String::new());
        empty.attestation = Some(String::new());
        empty.resident_key = Some(String::new());
        empty.of_both.user_verification = Some(String::new());
        assert_eq!(empty.decide().unwrap(), options);
    }

    #[test]
    fn the_first_thing_that_is_wrong_is_named() {
        let all = |wishes: &mut RegistrationWishes| {
            wishes.of_both.timeout = Some(-1);
            wishes.of_both.user_verification = Some("Required".to_owned());
            wishes.attestation = Some("Direct".to_owned());
            wishes.resident_key = Some("no".to_owned());
            wishes.algorithms = Some(vec!["x".into()]);
        };
        assert_eq!(
            reason(|wishes| {
                all(wishes);
                wishes.of_both.origin = "example.com".to_owned();
            }),
            "Origin has to be a valid url!"
        );
        assert_eq!(reason(all), "Timeout must be a positive value");
        assert_eq!(
            reason(|wishes| {
                all(wishes);
                wishes.of_both.timeout = None;
            }),
            "Invalid value 'Required' for userVerification. Must be one of: required, discouraged, preferred"
        );
        assert_eq!(
            reason(|wishes| {
                wishes.attestation = Some("Direct".to_owned());
                wishes.resident_key = Some("no".to_owned());
            }),
            "Invalid value 'Direct' for attestation. Must be one of: none, indirect, direct, enterprise"
        );
        assert_eq!(
            reason(|wishes| {
                wishes.resident_key = Some("no".to_owned());
                wishes.algorithms = Some(vec!["x".into()]);
            }),
            "Invalid value 'no' for residentKey. Must be one of: required, discouraged, preferred"
        );
        assert_eq!(reason(|wishes| wishes.algorithms = Some(vec!["x".into()])), "For input string: \"x\"");
    }

    #[test]
    fn a_timeout_lies_between_nothing_and_thirty_days() {
        let of = |timeout| reason(|wishes| wishes.of_both.timeout = Some(timeout));
        assert_eq!([of(0), of(1), of(LONGEST_TIMEOUT)], ["", "", ""]);
        assert_eq!(of(-1), "Timeout must be a positive value");
        assert_eq!(of(LONGEST_TIMEOUT + 1), "Timeout must be at most 2592000000");
        assert_eq!(of(i64::MAX), "Timeout must be at most 2592000000");
    }

    #[test]
    fn algorithms_are_numbers_or_texts_of_whole_numbers() {
        let of = |text: &str| algorithms(Json::parse(text).unwrap().as_array().unwrap()).ok();
        assert_eq!(of("[]"), Some(vec![]));
        assert_eq!(of(r#"[-7, "-257", -8.9, 12345]"#), Some(vec![-7, -257, -8, 12345]));
        for wrong in ["[null]", "[{}]", "[[-7]]", "[true]", r#"["-7.0"]"#, r#"[""]"#, "[1e40]"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert!(algorithms(&vec![Json::from(-7); MOST_ALGORITHMS]).is_ok());
        assert!(algorithms(&vec![Json::from(-7); MOST_ALGORITHMS + 1]).is_err());
    }

    #[test]
    fn options_end_after_their_last_millisecond() {
        assert_eq!(not_expired(6000, 6000), Ok(()));
        assert_eq!(not_expired(6000, 6001), Err(Refused::options("Options expired")));
        assert_eq!(challenge(&[0; 32]).len(), 43);
    }
}
