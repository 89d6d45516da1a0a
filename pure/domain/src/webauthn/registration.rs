//! A new passkey: is what the browser brings what was asked for, and what is stored of it (core-recipes-2.md 2.4.2)?

use crate::json::Json;
use crate::webauthn::attestation::{self, Attestation, AttestationObject};
use crate::webauthn::authenticator_data::AuthenticatorData;
use crate::webauthn::claimed::Claimed;
use crate::webauthn::expected::Expected;
use crate::webauthn::key::{Algorithm, CoseKey, PublicKey};
use crate::webauthn::refused::Refused;
use crate::webauthn::response::{Kind, Response};
use crate::webauthn::signed::{Signed, Verdict};

/// The longest credential id, in bytes: its text fills the 256 characters of its column. Upstream takes 1023 and fails in the database.
pub const LONGEST_ID: usize = 192;
/// How many transports may be named, and how long each name may be. Browsers know six, of at most ten letters.
const MOST_TRANSPORTS: usize = 32;
const LONGEST_TRANSPORT: usize = 64;

/// A registration of which only a signature is open, if any.
#[derive(Debug)]
pub struct Decided {
    signed: Option<Signed>,
    registered: Registered,
    id_length: usize,
}

/// What is stored of a new passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name, in base64url: the one that was claimed, and the one that the authenticator has given.
    pub credential_id: String,
    /// The authenticator's own bytes, from the AAGUID to the end of the key.
    pub public_key: Vec<u8>,
    /// How often it has signed, or 0 for ever.
    pub counter: u32,
    /// A JSON text: an array of names, or `null`.
    pub transports: String,
    /// What is known of the authenticator.
    pub attestation: Attestation,
}

/// Of a key, as it comes.
const LONGEST_KEY: usize = 2_048;

/// Everything but the signature.
pub fn decide(claimed: &Claimed<'_>, expected: &Expected) -> Result<Decided, Refused> {
    let response = Response::read(claimed)?;
    let object = AttestationObject::read(&response.bytes("attestationObject", attestation::LONGEST)?)?;
    let transports = transports(response.member("transports"))?;
    let data = AuthenticatorData::read(&object.authenticator_data)?;
    let key = match &data.attested {
        Some(attested) => {
            // The longest key that anybody makes, RSA's of 8,192 bits, has half of this; it is read at each sign-in.
            if attested.key.len() > LONGEST_KEY {
                return Err(Refused::credential("the key of the credential is longer than 2,048 bytes"));
            }
            let key = CoseKey::read(attested.key).map_err(|_| Refused::credential("the key of the credential is none"))?;
            // The text counts as well: a second spelling would be a second name of the same passkey.
            if !is_text_of(claimed.id(), attested.id) {
                return Err(Refused::credential("id is not the id of the attested credential"));
            }
            Some(key)
        }
        None => None,
    };
    response.check(Kind::Registration, expected, &data)?;
    let (Some(attested), Some(key)) = (&data.attested, key) else {
        return Err(Refused::authenticator("attestedCredentialData must not be null on registration"));
    };
    let key = usable(key, expected)?;
    let (attestation, signed) = object.judge(&data, attested, &key, &response.client_data_hash)?;
    let registered = Registered {
        credential_id: claimed.id().to_owned(),
        public_key: attested.bytes.to_vec(),
        counter: data.counter,
        transports,
        attestation,
    };
    Ok(Decided { signed, registered, id_length: attested.id.len() })
}

impl Decided {
    /// What is stored, if the signature holds. `check` is asked once for every signature that there is.
    pub fn settle(self, check: impl FnOnce(&Signed) -> Verdict) -> Result<Registered, Refused> {
        match self.signed.as_ref().map_or(Verdict::Holds, check) {
            Verdict::Holds => {}
            Verdict::Fails => return Err(Refused::authenticator("The signature of the attestation is not valid.")),
            Verdict::Unreadable => return Err(Refused::credential("the certificate of the attestation cannot be read")),
        }
        if self.id_length > LONGEST_ID {
            return Err(Refused::authenticator(format!("credentialId exceeds maxCredentialIdSize({LONGEST_ID} bytes)")));
        }
        Ok(self.registered)
    }
}

fn is_text_of(text: &str, id: &[u8]) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id) == text
}

/// A key with which somebody can sign in later. Upstream stores others, too, whose owners are locked out.
fn usable(key: CoseKey, expected: &Expected) -> Result<PublicKey, Refused> {
    let unsupported = |number: i64| Err(Refused::authenticator(format!("The algorithm {number} of the key is not supported.")));
    match key {
        CoseKey::WithoutAlgorithm => Err(Refused::authenticator("coseKey must not be null")),
        CoseKey::Unknown(number) => unsupported(number),
        CoseKey::Usable(key) if key.algorithm() == Algorithm::Rs1 => unsupported(key.algorithm().number()),
        CoseKey::Usable(key) => match &expected.algorithms {
            Some(listed) if !listed.contains(&key.algorithm().number()) => {
                Err(Refused::authenticator(format!("The algorithm {} of the key was not asked for.", key.algorithm().number())))
            }
            _ => Ok(key),
        },
    }
}

/// The text of the column. Names that nobody has heard of are kept.
fn transports(listed: Option<&Json>) -> Result<String, Refused> {
    let Some(listed) = listed else { return Ok("null".to_owned()) };
    let names = listed.as_array().filter(|names| names.len() <= MOST_TRANSPORTS).ok_or_else(Refused::no_form)?;
    let fits = |name: &Json| name.as_str().is_some_and(|name| name.len() <= LONGEST_TRANSPORT && !name.contains('\0'));
    if names.iter().all(fits) { Ok(listed.to_text()) } else { Err(Refused::no_form()) }
}
