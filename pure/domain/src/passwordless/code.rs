//! The secrets of a login without a password (core-recipes-1.md 2.2). A device's id and salt and a code make the link's code; the database
//! has hashes of them, from which nobody can log in.
//!
//! The salt never leaves the core: whoever holds the device's id could otherwise try all codes by themselves, past the limit of attempts.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::base64_text;
use crate::secret::Secret;

/// A text that came from outside is not in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Input encoding error in {0}")]
pub struct BadEncoding(&'static str);

/// The id of one attempt to log in on one contact. The browser that began keeps it.
#[derive(Debug, Clone)]
pub struct DeviceId(Secret<Vec<u8>>);

/// The device's other half, which stays in the core.
#[derive(Debug, Clone)]
pub struct Salt(Secret<Vec<u8>>);

/// What a magic link carries.
#[derive(Debug, Clone)]
pub struct LinkCode(Secret<Vec<u8>>);

impl DeviceId {
    /// A new one, of random bytes.
    pub fn of_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes.to_vec()))
    }

    /// Reads `deviceId`. Empty means no bytes, which no device has.
    ///
    /// # Errors
    /// What is not in the standard alphabet of base64.
    pub fn read(text: &str) -> Result<Self, BadEncoding> {
        base64_text::standard(text).map(|bytes| Self(Secret::new(bytes))).ok_or(BadEncoding("deviceId"))
    }

    /// `deviceId`: base64, 44 characters.
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.0.expose()))
    }

    /// `preAuthSessionId` on the wire, `device_id_hash` in the database: 43 characters.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.0.expose()))
    }

    /// The link's code that belongs to a code for people.
    pub fn link_code(&self, salt: &Salt, user_input_code: &str) -> LinkCode {
        let key = Secret::new([self.0.expose().as_slice(), salt.0.expose().as_slice()].concat());
        let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), user_input_code.as_bytes());
        LinkCode(Secret::new(made.as_ref().to_vec()))
    }
}

impl Salt {
    /// A new one, of random bytes.
    pub fn of_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes.to_vec()))
    }

    /// From the database's text.
    ///
    /// # Errors
    /// What is not base64 was not written by a core.
    pub fn of_stored(text: &str) -> Result<Self, BadEncoding> {
        base64_text::standard(text).map(|bytes| Self(Secret::new(bytes))).ok_or(BadEncoding("link_code_salt"))
    }

    /// For the database: base64, 44 characters.
    pub fn to_stored(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.0.expose()))
    }
}

impl LinkCode {
    /// Reads `linkCode`. Empty means no bytes, which no link has.
    ///
    /// # Errors
    /// What is not in the alphabet of base64 for URLs.
    pub fn read(text: &str) -> Result<Self, BadEncoding> {
        base64_text::url_safe(text).map(|bytes| Self(Secret::new(bytes))).ok_or(BadEncoding("linkCode"))
    }

    /// `linkCode`: base64 for URLs, 43 characters.
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    /// `link_code_hash` in the database: 44 characters.
    pub fn hash(&self) -> String {
        URL_SAFE.encode(digest::digest(&digest::SHA256, self.0.expose()))
    }
}

/// The digits of a new code for people: six of them, each as likely as the others. Nothing where the random bytes are used up before six
/// are found, as bytes that would favour some digits are passed over: of 32 bytes, fewer than one time in 10^30.
pub fn new_user_input_code(random: &[u8]) -> Option<Secret<String>> {
    let digits: String = random.iter().filter(|byte| **byte < 250).map(|byte| char::from(b'0' + byte % 10)).take(6).collect();
    (digits.len() == 6).then(|| Secret::new(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::hash::hex;
    use crate::session::test_vectors as vectors;

    fn bytes(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn values_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/passwordless_codes.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 17);
        for case in cases {
            let text = |name| vectors::text(case, name);
            let device = DeviceId(Secret::new(bytes(text("device_id_bytes"))));
            let salt = Salt(Secret::new(bytes(text("link_code_salt_bytes"))));
            assert_eq!(device.to_text().expose(), text("deviceId"));
            assert_eq!(device.hash(), text("preAuthSessionId"));
            assert_eq!(salt.to_stored().expose(), text("link_code_salt"));
            let read = (DeviceId::read(text("deviceId")).unwrap(), Salt::of_stored(text("link_code_salt")).unwrap());
            for link in [device.link_code(&salt, text("userInputCode")), read.0.link_code(&read.1, text("userInputCode"))] {
                assert_eq!(link.to_text().expose(), text("linkCode"));
                assert_eq!(link.hash(), text("link_code_hash"));
            }
            assert_eq!(LinkCode::read(text("linkCode")).unwrap().hash(), text("link_code_hash"));
            let printed = format!("{device:?} {salt:?} {:?}", device.link_code(&salt, "1"));
            assert_eq!(printed, "DeviceId(Secret(***)) Salt(Secret(***)) LinkCode(Secret(***))");
        }
    }

    #[test]
    fn texts_are_read_as_in_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/passwordless_base64.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 32);
        for case in cases {
            let text = vectors::text(case, "text");
            let device = DeviceId::read(text).map(|device| hex(device.0.expose()));
            let link = LinkCode::read(text).map(|link| hex(link.0.expose()));
            assert_eq!(device.as_deref().ok(), vectors::optional(case, "standard"), "{text:?}");
            assert_eq!(link.as_deref().ok(), vectors::optional(case, "url"), "{text:?}");
        }
        assert_eq!(DeviceId::read("%").unwrap_err().to_string(), "Input encoding error in deviceId");
        assert_eq!(LinkCode::read("+").unwrap_err().to_string(), "Input encoding error in linkCode");
    }

    #[test]
    fn every_digit_is_as_likely_as_the_others() {
        let mut found = [0; 10];
        for byte in 0..=255_u8 {
            if let Some(code) = new_user_input_code(&[byte; 6]) {
                let digit = code.expose().as_bytes()[0];
                assert!(code.expose().len() == 6 && code.expose().bytes().all(|other| other == digit));
                found[usize::from(digit - b'0')] += 1;
            }
        }
        assert_eq!(found, [25; 10]);
        assert_eq!(new_user_input_code(&[255, 0, 254, 1, 2, 3, 253, 4, 5, 6]).unwrap().expose(), "012345");
        assert!(new_user_input_code(&[1; 5]).is_none() && new_user_input_code(&[250; 32]).is_none());
    }
}
