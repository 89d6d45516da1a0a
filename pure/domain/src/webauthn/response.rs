//! What both ceremonies have in common: reading the browser's answer, and the checks of 2.4.2 up to the flags.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::base64_text;
use crate::json::{Json, JsonObject};
use crate::webauthn::authenticator_data::AuthenticatorData;
use crate::webauthn::claimed::Claimed;
use crate::webauthn::client_data::{self, ClientData};
use crate::webauthn::expected::{Expected, UserVerification};
use crate::webauthn::origin;
use crate::webauthn::refused::Refused;

/// The answer of a browser, as far as both ceremonies have it.
pub(super) struct Response<'a> {
    members: &'a JsonObject,
    pub(super) client_data: ClientData,
    /// SHA-256 of the client data as they came.
    pub(super) client_data_hash: [u8; 32],
    /// Whether `rawId` was there. If so, it is the same as `id`.
    pub(super) has_raw_id: bool,
}

/// The two ceremonies, as far as their checks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Registration,
    Assertion,
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

impl<'a> Response<'a> {
    pub(super) fn read(claimed: &Claimed<'a>) -> Result<Self, Refused> {
        let has_raw_id = match claimed.member("rawId") {
            None => false,
            Some(raw) => {
                let raw = raw.as_str().and_then(base64_text::url_safe).ok_or_else(Refused::no_form)?;
                if raw != claimed.id_bytes() {
                    return Err(Refused::credential("rawId is not the id of the credential"));
                }
                true
            }
        };
        let members = claimed.member("response").and_then(Json::as_object).ok_or_else(Refused::no_form)?;
        let client_data = bytes(members, "clientDataJSON", client_data::LONGEST)?;
        let client_data_hash = sha256(&client_data);
        Ok(Self { members, client_data: ClientData::read(&client_data)?, client_data_hash, has_raw_id })
    }

    /// A member that must be there: bytes in base64url.
    pub(super) fn bytes(&self, name: &str, longest: usize) -> Result<Vec<u8>, Refused> {
        bytes(self.members, name, longest)
    }

    /// Another member; null counts as absent.
    pub(super) fn member(&self, name: &str) -> Option<&'a Json> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Checks 1 to 10 of 2.4.2, in its order.
    pub(super) fn check(&self, kind: Kind, expected: &Expected, data: &AuthenticatorData<'_>) -> Result<(), Refused> {
        let refused = |reason: &'static str| Err(Refused::authenticator(reason));
        let said = &self.client_data;
        match kind {
            Kind::Registration if data.attested.is_none() => {
                return refused("attestedCredentialData must not be null on registration");
            }
            Kind::Assertion if data.attested.is_some() => {
                return refused("attestedCredentialData must be null on authentication");
            }
            Kind::Registration if said.kind != "webauthn.create" => {
                return refused("ClientData.type must be 'create' on registration, but it isn't.");
            }
            Kind::Assertion if said.kind != "webauthn.get" => {
                return refused("ClientData.type must be 'get' on authentication, but it isn't.");
            }
            Kind::Registration | Kind::Assertion => {}
        }
        let challenge = URL_SAFE_NO_PAD.decode(&expected.challenge).ok().filter(|challenge| !challenge.is_empty());
        if !challenge.is_some_and(|challenge| bool::from(challenge.ct_eq(&said.challenge))) {
            return refused("The actual challenge does not match the expected challenge");
        }
        if !origin::same(&said.origin, &expected.origin) {
            let shown: String = said.origin.chars().take(256).collect();
            return Err(Refused::authenticator(format!(
                "The collectedClientData '{shown}' origin doesn't match any of the preconfigured server origin."
            )));
        }
        if kind == Kind::Assertion && said.cross_origin {
            return refused("Cross-origin request is prohibited. Relax AuthenticationDataVerifier config if necessary.");
        }
        if said.token_bound {
            return refused("TokenBinding id does not match");
        }
        if data.rp_id_hash != sha256(expected.rp_id.as_bytes()) {
            return refused("rpIdHash doesn't match the hash of preconfigured rpId.");
        }
        if expected.user_presence && !data.user_present() {
            return refused("Verifier is configured to check user present, but UP flag in authenticatorData is not set.");
        }
        if expected.user_verification == UserVerification::Required && !data.user_verified() {
            return refused("Verifier is configured to check user verified, but UV flag in authenticatorData is not set.");
        }
        if data.backed_up_wrongly() {
            return refused("Backup state bit must not be set if backup eligibility bit is not set");
        }
        Ok(())
    }
}

/// Its text is not decoded if it cannot be short enough: four characters are three bytes.
fn bytes(members: &JsonObject, name: &str, longest: usize) -> Result<Vec<u8>, Refused> {
    let text = members.get(name).and_then(Json::as_str).filter(|text| text.len() <= longest.div_ceil(3) * 4);
    text.and_then(base64_text::url_safe).filter(|bytes| bytes.len() <= longest).ok_or_else(Refused::no_form)
}
