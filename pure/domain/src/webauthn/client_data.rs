//! What the browser says about the page that asked (WebAuthn Level 2, 5.8.1): the JSON whose hash the authenticator signs.

use crate::base64_text;
use crate::json::{Json, JsonObject};
use crate::webauthn::refused::Refused;

/// The longest one that is read, in bytes. Browsers send some 150.
pub const LONGEST: usize = 16 * 1024;

/// What is looked at of it. Unknown members are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientData {
    /// Which ceremony it was.
    pub kind: String,
    /// Decoded.
    pub challenge: Vec<u8>,
    /// Where the page is, as the browser has it.
    pub origin: String,
    /// Was the page within a page of somebody else?
    pub cross_origin: bool,
    /// Is it bound to a connection? Nobody knows which, so that it cannot be checked.
    pub token_bound: bool,
}

impl ClientData {
    /// Reads it; what is missing or of another kind makes all of it unreadable.
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        Self::of_bytes(bytes).ok_or_else(Refused::no_form)
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let object = JsonObject::parse(core::str::from_utf8(bytes).ok()?).ok()?;
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        Some(Self {
            kind: text("type")?.to_owned(),
            challenge: base64_text::url_safe(text("challenge")?)?,
            origin: text("origin")?.to_owned(),
            cross_origin: match object.get("crossOrigin") {
                None | Some(Json::Null) => false,
                Some(said) => said.as_bool()?,
            },
            token_bound: match object.get("tokenBinding") {
                None | Some(Json::Null) => false,
                Some(binding) => match binding.as_object()?.get("status")?.as_str()? {
                    "supported" | "not-supported" => false,
                    "present" => true,
                    _ => return None,
                },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"type":"webauthn.get","challenge":"AAEC","origin":"https://a.b","crossOrigin":false,"more":[1]}"#;

    #[test]
    fn all_that_is_looked_at_is_read() {
        let read = ClientData::read(WHOLE.as_bytes()).unwrap();
        assert_eq!((read.kind.as_str(), read.challenge.as_slice()), ("webauthn.get", &[0, 1, 2][..]));
        assert_eq!((read.origin.as_str(), read.cross_origin, read.token_bound), ("https://a.b", false, false));
        let with = |more: &str| ClientData::read(WHOLE.replace(r#""more":[1]"#, more).as_bytes());
        assert!(with(r#""crossOrigin":true"#).unwrap().cross_origin);
        assert!(!with(r#""crossOrigin":null,"tokenBinding":null"#).unwrap().token_bound);
        assert!(!with(r#""tokenBinding":{"status":"not-supported"}"#).unwrap().token_bound);
        assert!(with(r#""tokenBinding":{"status":"present","id":"AAAA"}"#).unwrap().token_bound);
        for wrong in [r#""crossOrigin":"no""#, r#""tokenBinding":1"#, r#""tokenBinding":{}"#, r#""tokenBinding":{"status":"x"}"#]
        {
            assert_eq!(with(wrong), Err(Refused::no_form()), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_no_client_data() {
        for name in ["type", "challenge", "origin"] {
            let without = WHOLE.replace(&format!("\"{name}\""), "\"x\"");
            assert_eq!(ClientData::read(without.as_bytes()), Err(Refused::no_form()), "{name}");
        }
        for text in [
            "",
            "hello",
            "[]",
            "null",
            r#"{"type":1,"challenge":"AA","origin":""}"#,
            r#"{"type":"","challenge":"!","origin":""}"#,
        ] {
            assert_eq!(ClientData::read(text.as_bytes()), Err(Refused::no_form()), "{text}");
        }
        assert_eq!(ClientData::read(&[0xff; 10]), Err(Refused::no_form()));
        let of_size = |size: usize| WHOLE.replace("[1]", &format!("\"{}\"", "x".repeat(size + 1 - WHOLE.len())));
        assert_eq!(of_size(LONGEST).len(), LONGEST);
        assert!(ClientData::read(of_size(LONGEST).as_bytes()).is_ok());
        assert!(ClientData::read(of_size(LONGEST + 1).as_bytes()).is_err());
    }
}
