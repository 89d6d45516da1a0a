//! How an authenticator says what it is (WebAuthn Level 2, 8): `none`, `packed` and `fido-u2f` are checked, the other formats are kept
//! apart and not looked into. Who made an authenticator is believed of nobody: a certificate is one that its holder may have written.

use crate::webauthn::authenticator_data::{Attested, AuthenticatorData};
use crate::webauthn::cbor::{self, Map, Value};
use crate::webauthn::certificate::{Certificate, Rule};
use crate::webauthn::key::{Algorithm, PublicKey};
use crate::webauthn::refused::Refused;
use crate::webauthn::signed::{Signed, Signer};

/// The longest attestation object, in bytes. A TPM with its chain of certificates sends some 6,000.
pub const LONGEST: usize = 64 * 1024;
/// How many certificates a statement may have.
const MOST_CERTIFICATES: usize = 8;

/// What came of an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attestation {
    /// The authenticator says nothing.
    None,
    /// The statement is signed by the passkey itself: nothing changed on the way.
    SelfSigned,
    /// The statement is signed with a certificate, of which nobody knows who issued it.
    Certified,
    /// A format whose statement is not looked into.
    NotVerified(&'static str),
}

/// The formats that are known by name only.
const NOT_VERIFIED: [&str; 4] = ["tpm", "android-key", "android-safetynet", "apple"];

/// An attestation object in its parts.
#[derive(Debug)]
pub struct AttestationObject {
    statement: Statement,
    /// What the authenticator says, in bytes.
    pub authenticator_data: Vec<u8>,
}

#[derive(Debug)]
enum Statement {
    None { empty: bool },
    Packed { algorithm: i64, signature: Vec<u8>, certificate: Option<Vec<u8>> },
    FidoU2f { signature: Vec<u8>, certificate: Vec<u8> },
    NotVerified(&'static str),
}

impl AttestationObject {
    /// Reads one: a map of `fmt`, `attStmt` and `authData`.
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        Self::of_bytes(bytes).ok_or_else(Refused::no_form)
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let value = cbor::whole(bytes).ok()?;
        let map = value.as_map()?;
        let statement = Statement::read(map.text("fmt")?.as_text()?, map.text("attStmt")?.as_map()?)?;
        Some(Self { statement, authenticator_data: map.text("authData")?.as_bytes()?.to_vec() })
    }

    /// What the statement proves for this key, and which signature must hold for that.
    pub(super) fn judge(
        &self,
        data: &AuthenticatorData<'_>,
        attested: &Attested<'_>,
        key: &PublicKey,
        client_data_hash: &[u8],
    ) -> Result<(Attestation, Option<Signed>), Refused> {
        let signed_data = || [&self.authenticator_data, client_data_hash].concat();
        match &self.statement {
            Statement::None { empty: false } => {
                Err(Refused::authenticator("Unknown property is set to the none attestation statement."))
            }
            Statement::None { empty: true } => Ok((Attestation::None, None)),
            Statement::NotVerified(format) => Ok((Attestation::NotVerified(format), None)),
            Statement::Packed { algorithm, signature, certificate: None } => {
                if *algorithm != key.algorithm().number() {
                    return Err(Refused::authenticator("The algorithm of the attestation is not that of the credential."));
                }
                let signed = Signed { by: Signer::Key(key.clone()), message: signed_data(), signature: signature.clone() };
                Ok((Attestation::SelfSigned, Some(signed)))
            }
            Statement::Packed { algorithm, signature, certificate: Some(der) } => {
                let algorithm = Algorithm::of_number(*algorithm).filter(|algorithm| *algorithm != Algorithm::Rs1);
                let algorithm =
                    algorithm.ok_or_else(|| Refused::authenticator("The algorithm of the attestation is not supported."))?;
                let certificate = Certificate { der: der.clone(), algorithm, rule: Rule::Packed(attested.aaguid) };
                let by = Signer::Certificate(certificate);
                Ok((Attestation::Certified, Some(Signed { by, message: signed_data(), signature: signature.clone() })))
            }
            Statement::FidoU2f { signature, certificate } => {
                if attested.aaguid != [0; 16] {
                    return Err(Refused::authenticator("AAGUID is expected to be zero filled in U2F attestation, but it isn't."));
                }
                let point = key.point().ok_or_else(|| Refused::authenticator("U2F attestation wants a key on P-256."))?;
                let message = [&[0], &data.rp_id_hash[..], client_data_hash, attested.id, point].concat();
                let certificate = Certificate { der: certificate.clone(), algorithm: Algorithm::Es256, rule: Rule::FidoU2f };
                let by = Signer::Certificate(certificate);
                Ok((Attestation::Certified, Some(Signed { by, message, signature: signature.clone() })))
            }
        }
    }
}

impl Statement {
    fn read(format: &str, members: &Map) -> Option<Self> {
        let signature = || members.text("sig").and_then(Value::as_bytes).map(<[u8]>::to_vec);
        match format {
            "none" => Some(Self::None { empty: members.is_empty() }),
            "packed" => Some(Self::Packed {
                algorithm: members.text("alg")?.as_int()?,
                signature: signature()?,
                certificate: match members.text("x5c") {
                    None => None,
                    Some(chain) => Some(certificates(chain)?.first()?.clone()),
                },
            }),
            "fido-u2f" => match certificates(members.text("x5c")?)?.as_slice() {
                [one] => Some(Self::FidoU2f { signature: signature()?, certificate: one.clone() }),
                _ => None,
            },
            other => NOT_VERIFIED.into_iter().find(|name| *name == other).map(Self::NotVerified),
        }
    }
}

fn certificates(chain: &Value) -> Option<Vec<Vec<u8>>> {
    let chain = chain.as_array().filter(|chain| (1..=MOST_CERTIFICATES).contains(&chain.len()))?;
    chain.iter().map(|one| one.as_bytes().map(<[u8]>::to_vec)).collect()
}
