//! An authenticator in software: makes passkeys and signs with them, well or in one wrong way. Written from WebAuthn Level 2; it shares
//! nothing with what checks it. The same label has the same key in every run.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Somebody was there.
pub const UP: u8 = 1;
/// The authenticator knows who.
pub const UV: u8 = 4;
/// May be backed up.
pub const BE: u8 = 8;
/// Is backed up.
pub const BS: u8 = 16;
const ATTESTED: u8 = 64;

/// How its keys sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// -7
    Es256,
    /// -257
    Rs256,
    /// -8
    EdDsa,
}

/// How it says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Not at all.
    None,
    /// Signed by the passkey.
    Packed,
    /// Signed with a certificate.
    PackedCertified,
    /// Signed with a certificate, as before WebAuthn.
    FidoU2f,
    /// Any other, whose statement is empty.
    Other(&'static str),
}

/// One passkey and what it says. Change a field to have it say something wrong.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// Its key and its id are made of this.
    pub label: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Whom it thinks the passkey is for.
    pub rp_id: String,
    /// Where the browser says the page is.
    pub origin: String,
    /// Of [`UP`], [`UV`], [`BE`] and [`BS`].
    pub flags: u8,
    /// The kind of authenticator.
    pub aaguid: [u8; 16],
    /// How many bytes its id has.
    pub id_length: usize,
    /// Says that the page is within a page of somebody else.
    pub cross_origin: bool,
    /// Every signature has one bit wrong.
    pub signs_wrongly: bool,
    /// Another ceremony than the one it was asked for.
    pub other_kind: Option<&'static str>,
}

impl Authenticator {
    /// One that does everything right for `https://example.com`.
    pub fn new(label: &str, algorithm: Algorithm) -> Self {
        Self {
            label: label.to_owned(),
            algorithm,
            rp_id: "example.com".to_owned(),
            origin: "https://example.com".to_owned(),
            flags: UP | UV,
            aaguid: [0; 16],
            id_length: 32,
            cross_origin: false,
            signs_wrongly: false,
            other_kind: None,
        }
    }

    /// The same for another relying party and page.
    #[must_use]
    pub fn at(mut self, rp_id: &str, origin: &str) -> Self {
        (self.rp_id, self.origin) = (rp_id.to_owned(), origin.to_owned());
        self
    }

    /// The bytes of its id.
    pub fn id(&self) -> Vec<u8> {
        let part = sha256(format!("id of {}", self.label).as_bytes());
        part.iter().copied().cycle().take(self.id_length).collect()
    }

    /// The text of its id.
    pub fn name(&self) -> String {
        text(&self.id())
    }

    /// What is stored of it: AAGUID, length, id, key.
    pub fn attested(&self) -> Vec<u8> {
        let length = u16::try_from(self.id_length).unwrap().to_be_bytes();
        [&self.aaguid[..], &length, &self.id(), &self.cose()].concat()
    }

    /// A `credential` for a registration, without attestation.
    pub fn register(&self, challenge: &str) -> Value {
        self.attest(challenge, 0, Format::None)
    }

    /// A `credential` for a registration.
    pub fn attest(&self, challenge: &str, counter: u32, format: Format) -> Value {
        let client_data = self.client_data("webauthn.create", challenge);
        let data = self.data(self.flags | ATTESTED, counter, &self.attested());
        let signed = [&data[..], &sha256(&client_data)].concat();
        let (name, statement) = match format {
            Format::None => ("none", map(&[])),
            Format::Other(name) => (name, map(&[])),
            Format::Packed => {
                let signature = bytes(&self.sign(&signed));
                ("packed", map(&[(word("alg"), int(self.number())), (word("sig"), signature)]))
            }
            Format::PackedCertified => {
                let signature = bytes(&self.wrong_if_wished(self.maker().sign(&signed)));
                ("packed", map(&[(word("alg"), int(-7)), (word("sig"), signature), (word("x5c"), chain())]))
            }
            Format::FidoU2f => {
                let point = self.point();
                let message = [&[0], &sha256(self.rp_id.as_bytes())[..], &sha256(&client_data), &self.id(), &point].concat();
                let signature = bytes(&self.wrong_if_wished(self.maker().sign(&message)));
                ("fido-u2f", map(&[(word("sig"), signature), (word("x5c"), chain())]))
            }
        };
        let object = map(&[(word("fmt"), word(name)), (word("attStmt"), statement), (word("authData"), bytes(&data))]);
        self.credential(json!({
            "clientDataJSON": text(&client_data),
            "attestationObject": text(&object),
            "transports": ["internal", "hybrid"],
        }))
    }

    /// A `credential` for a sign-in.
    pub fn assert(&self, challenge: &str, counter: u32) -> Value {
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.data(self.flags, counter, &[]);
        let signature = self.sign(&[&data[..], &sha256(&client_data)].concat());
        self.credential(json!({
            "clientDataJSON": text(&client_data),
            "authenticatorData": text(&data),
            "signature": text(&signature),
            "userHandle": text(b"whoever"),
        }))
    }

    fn credential(&self, response: Value) -> Value {
        json!({
            "id": self.name(),
            "rawId": self.name(),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        })
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let kind = self.other_kind.unwrap_or(kind);
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin })
            .to_string()
            .into_bytes()
    }

    fn data(&self, flags: u8, counter: u32, behind: &[u8]) -> Vec<u8> {
        [&sha256(self.rp_id.as_bytes())[..], &[flags], &counter.to_be_bytes(), behind].concat()
    }

    fn number(&self) -> i64 {
        match self.algorithm {
            Algorithm::Es256 => -7,
            Algorithm::Rs256 => -257,
            Algorithm::EdDsa => -8,
        }
    }

    /// Whose certificate there is. Its key is the one of the vectors.
    fn maker(&self) -> Maker {
        let mut secret = sha256(b"attestation");
        // The generator of the vectors shifts what it has hashed by two bits.
        for at in (0..secret.len()).rev() {
            secret[at] = secret[at] >> 2 | if at > 0 { secret[at - 1] << 6 } else { 0 };
        }
        Maker(elliptic(&secret))
    }

    fn elliptic(&self) -> EcdsaKeyPair {
        let mut secret = sha256(format!("key of {}", self.label).as_bytes());
        // Below the order of the curve, which begins with 32 bits of ones.
        secret[0] = 1;
        elliptic(&secret)
    }

    fn point(&self) -> Vec<u8> {
        self.elliptic().public_key().as_ref().to_vec()
    }

    fn edwards(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&sha256(format!("key of {}", self.label).as_bytes())).unwrap()
    }

    /// One of two keys: making one takes too long. Modulus and exponent with it.
    fn rsa(&self) -> (RsaKeyPair, [Vec<u8>; 2]) {
        let all: Value = serde_json::from_str(include_str!("../vectors/rsa_test_keys.json")).unwrap();
        let which = if sha256(self.label.as_bytes())[0] & 1 == 0 { "dynamic" } else { "static" };
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(all[which]["pri"].as_str().unwrap()).unwrap()).unwrap();
        (pair, ["n", "e"].map(|name| URL_SAFE_NO_PAD.decode(all[which]["jwk"][name].as_str().unwrap()).unwrap()))
    }

    fn cose(&self) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Es256 => {
                let point = self.point();
                map(&[
                    (int(1), int(2)),
                    (int(3), int(-7)),
                    (int(-1), int(1)),
                    (int(-2), bytes(&point[1..33])),
                    (int(-3), bytes(&point[33..])),
                ])
            }
            Algorithm::EdDsa => {
                let point = bytes(self.edwards().public_key().as_ref());
                map(&[(int(1), int(1)), (int(3), int(-8)), (int(-1), int(6)), (int(-2), point)])
            }
            Algorithm::Rs256 => {
                let (_, [n, e]) = self.rsa();
                map(&[(int(1), int(3)), (int(3), int(-257)), (int(-1), bytes(&n)), (int(-2), bytes(&e))])
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = match self.algorithm {
            Algorithm::Es256 => self.elliptic().sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Algorithm::EdDsa => self.edwards().sign(message).as_ref().to_vec(),
            Algorithm::Rs256 => {
                let (pair, _) = self.rsa();
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        };
        self.wrong_if_wished(signature)
    }

    fn wrong_if_wished(&self, mut signature: Vec<u8>) -> Vec<u8> {
        *signature.last_mut().unwrap() ^= u8::from(self.signs_wrongly);
        signature
    }
}

struct Maker(EcdsaKeyPair);

impl Maker {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

/// The pair of a secret number on P-256.
fn elliptic(secret: &[u8; 32]) -> EcdsaKeyPair {
    let public = PrivateKey::from_private_key(&ECDH_P256, secret).unwrap().compute_public_key().unwrap();
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_ASN1_SIGNING, secret, public.as_ref()).unwrap()
}

/// The certificate of the vectors, as a chain of one.
fn chain() -> Vec<u8> {
    let all: Value = serde_json::from_str(include_str!("../vectors/webauthn_registrations.json")).unwrap();
    let case = all["cases"].as_array().unwrap().iter().find(|case| case["name"] == "es256 packed with certificate").unwrap();
    let object = URL_SAFE_NO_PAD.decode(case["credential"]["response"]["attestationObject"].as_str().unwrap()).unwrap();
    // The name, an array of one, and bytes with a length of two bytes.
    let mark = b"\x63x5c\x81\x59";
    let at = object.windows(mark.len()).position(|part| part == mark).unwrap() + mark.len();
    let length = usize::from(u16::from_be_bytes([object[at], object[at + 1]]));
    [&[0x81], &bytes(&object[at + 2..][..length])[..]].concat()
}

/// Turns one bit of a member that is base64url: `flip(&mut credential, "/response/signature", 3)`.
pub fn flip(credential: &mut Value, pointer: &str, at: usize) {
    let member = credential.pointer_mut(pointer).unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(member.as_str().unwrap()).unwrap();
    bytes[at] ^= 1;
    *member = text(&bytes).into();
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// CBOR, as authenticators write it: the shortest form.
fn head(major: u8, number: usize) -> Vec<u8> {
    match u16::try_from(number).unwrap() {
        number @ ..24 => vec![major << 5 | u8::try_from(number).unwrap()],
        number @ ..256 => vec![major << 5 | 24, u8::try_from(number).unwrap()],
        number => [&[major << 5 | 25], &number.to_be_bytes()[..]].concat(),
    }
}

fn int(number: i64) -> Vec<u8> {
    if number < 0 { head(1, usize::try_from(-1 - number).unwrap()) } else { head(0, usize::try_from(number).unwrap()) }
}

fn bytes(of: &[u8]) -> Vec<u8> {
    [&head(2, of.len()), of].concat()
}

fn word(of: &str) -> Vec<u8> {
    [&head(3, of.len()), of.as_bytes()].concat()
}

fn map(members: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let all: Vec<u8> = members.iter().flat_map(|(name, value)| [&name[..], value].concat()).collect();
    [head(5, members.len()), all].concat()
}

#[cfg(test)]
mod tests {
    use supertokens_domain::json::JsonObject;
    use supertokens_domain::webauthn::attestation::Attestation;
    use supertokens_domain::webauthn::claimed::Claimed;
    use supertokens_domain::webauthn::registration::Registered;
    use supertokens_domain::webauthn::signed::{Signed, Signer, Verdict};
    use supertokens_domain::webauthn::{Expected, Refused, UserVerification, assertion, registration};

    use super::*;

    const CHALLENGE: &str = "Y2hhbGxlbmdl";

    fn expected() -> Expected {
        Expected {
            challenge: CHALLENGE.to_owned(),
            origin: "https://example.com".to_owned(),
            rp_id: "example.com".to_owned(),
            user_verification: UserVerification::Required,
            user_presence: true,
            algorithms: None,
        }
    }

    fn check(signed: &Signed) -> Verdict {
        let by_its_key = matches!(&signed.by, Signer::Key(key) if key.verifies(&signed.message, &signed.signature));
        if by_its_key { Verdict::Holds } else { Verdict::Fails }
    }

    fn register(credential: &Value) -> Result<Registered, Refused> {
        let credential = JsonObject::parse(&credential.to_string()).unwrap();
        registration::decide(&Claimed::read(&credential)?, &expected())?.settle(check)
    }

    fn sign_in(credential: &Value, stored: &[u8], counter: i64) -> Result<u32, Refused> {
        let credential = JsonObject::parse(&credential.to_string()).unwrap();
        assertion::decide(&Claimed::read(&credential)?, &expected(), stored)?.settle(counter, check)
    }

    #[test]
    fn what_it_makes_is_taken_and_what_it_makes_wrongly_is_not() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
            let good = Authenticator::new("somebody's", algorithm);
            let registered = register(&good.register(CHALLENGE)).unwrap();
            assert_eq!((&registered.credential_id, &registered.public_key), (&good.name(), &good.attested()));
            let attested = register(&good.attest(CHALLENGE, 7, Format::Packed)).unwrap();
            assert_eq!((attested.attestation, attested.counter), (Attestation::SelfSigned, 7));
            assert_eq!(sign_in(&good.assert(CHALLENGE, 8), &good.attested(), 7), Ok(8));
            for bad in [
                Authenticator { signs_wrongly: true, ..good.clone() },
                Authenticator { other_kind: Some("webauthn.x"), ..good.clone() },
                Authenticator { flags: UP, ..good.clone() },
                Authenticator { flags: UV, ..good.clone() },
                Authenticator { flags: UP | UV | BS, ..good.clone() },
                good.clone().at("example.org", "https://example.com"),
                good.clone().at("example.com", "https://example.org"),
            ] {
                assert!(register(&bad.attest(CHALLENGE, 7, Format::Packed)).is_err(), "{bad:?}");
                assert!(sign_in(&bad.assert(CHALLENGE, 8), &good.attested(), 7).is_err(), "{bad:?}");
            }
            let other = Authenticator::new("nobody's", Algorithm::Es256);
            assert!(sign_in(&good.assert(CHALLENGE, 8), &other.attested(), 7).is_err());
            let mut flipped = good.assert(CHALLENGE, 8);
            flip(&mut flipped, "/response/signature", 3);
            assert!(sign_in(&flipped, &good.attested(), 7).is_err());
        }
    }
}
