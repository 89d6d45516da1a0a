//! Which credential somebody says they have: what is looked at before anything else is (core-recipes-2.md 2.4, step 2).

use crate::base64_text;
use crate::json::{Json, JsonObject};
use crate::webauthn::refused::Refused;

/// The `credential` of a request whose name and kind are in order; the rest is not read yet.
#[derive(Debug, Clone)]
pub struct Claimed<'a> {
    credential: &'a JsonObject,
    id: &'a str,
    id_bytes: Vec<u8>,
}

impl<'a> Claimed<'a> {
    /// Looks at `id` and `type`.
    pub fn read(credential: &'a JsonObject) -> Result<Self, Refused> {
        let no_base64 = || Refused::credential("Credential ID has to be base64 url encoded");
        let id = match credential.get("id") {
            None | Some(Json::Null) => return Err(Refused::credential("credential id is missing!")),
            Some(Json::String(id)) if id.is_empty() => return Err(Refused::credential("credential id is empty!")),
            Some(id) => id.as_str().ok_or_else(no_base64)?,
        };
        let id_bytes = base64_text::url_safe(id).ok_or_else(no_base64)?;
        match credential.get("type") {
            None | Some(Json::Null) => Err(Refused::credential("credential type is missing!")),
            Some(Json::String(kind)) if kind.is_empty() => Err(Refused::credential("credential type is empty!")),
            Some(Json::String(kind)) if kind.eq_ignore_ascii_case("public-key") => Ok(Self { credential, id, id_bytes }),
            Some(other) => {
                let said = other.as_str().map_or_else(|| other.to_text(), str::to_owned);
                let said: String = said.chars().take(100).collect();
                Err(Refused::credential(format!("not supported credential type: '{said}'")))
            }
        }
    }

    /// The text of `id`, by which a credential is looked up.
    pub fn id(&self) -> &'a str {
        self.id
    }

    pub(super) fn id_bytes(&self) -> &[u8] {
        &self.id_bytes
    }

    /// Another member of the credential; null counts as absent.
    pub(super) fn member(&self, name: &str) -> Option<&'a Json> {
        self.credential.get(name).filter(|value| !value.is_null())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_kind_are_looked_at_in_this_order() {
        let reason =
            |text: &str| Claimed::read(&JsonObject::parse(text).unwrap()).err().map(|refused| refused.reason().to_owned());
        for (text, expected) in [
            (r#"{"id":"AAEC","type":"public-key"}"#, None),
            (r#"{"id":"AAEC","type":"PUBLIC-key"}"#, None),
            ("{}", Some("credential id is missing!")),
            (r#"{"id":null,"type":""}"#, Some("credential id is missing!")),
            (r#"{"id":"","type":""}"#, Some("credential id is empty!")),
            (r#"{"id":"!!!"}"#, Some("Credential ID has to be base64 url encoded")),
            (r#"{"id":"a+b/","type":"public-key"}"#, Some("Credential ID has to be base64 url encoded")),
            (r#"{"id":1234,"type":"public-key"}"#, Some("Credential ID has to be base64 url encoded")),
            (r#"{"id":"AAEC"}"#, Some("credential type is missing!")),
            (r#"{"id":"AAEC","type":null}"#, Some("credential type is missing!")),
            (r#"{"id":"AAEC","type":""}"#, Some("credential type is empty!")),
            (r#"{"id":"AAEC","type":"password"}"#, Some("not supported credential type: 'password'")),
            (r#"{"id":"AAEC","type":[1]}"#, Some("not supported credential type: '[1]'")),
        ] {
            assert_eq!(reason(text).as_deref(), expected, "{text}");
        }
    }
}
