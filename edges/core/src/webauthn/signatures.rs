//! Do the signatures of a ceremony hold? Certificates are opened here, as the reader of X.509 that PostgreSQL's encryption has brought along
//! is in every core already, and an SDK without one shall not carry it.

use supertokens_domain::webauthn::certificate::{Certificate, CertificateSays};
use supertokens_domain::webauthn::key::PublicKey;
use supertokens_domain::webauthn::registration::Registered;
use supertokens_domain::webauthn::signed::{Signed, Signer, Verdict};
use supertokens_domain::webauthn::{Refused, assertion, registration};
use x509_cert::Certificate as X509;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::BasicConstraints;

/// Of the subject: country, organisation, organisational unit, common name (RFC 4519).
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// id-fido-gen-ce-aaguid: for which kind of authenticator a certificate is.
const AAGUID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.45724.1.1.4");
/// The longest certificate that is opened, in bytes. Those for attestation have about 700.
const LONGEST: usize = 16 * 1024;

/// What is stored of a new passkey, if the signature of its attestation holds.
pub(super) fn registered(decided: registration::Decided) -> Result<Registered, Refused> {
    decided.settle(check)
}

/// The counter that is stored for a passkey, if its signature holds and it has counted on.
pub(super) fn signed_in(decided: assertion::Decided, stored_counter: i64) -> Result<u32, Refused> {
    decided.settle(stored_counter, check)
}

fn check(signed: &Signed) -> Verdict {
    let holds = |key: &PublicKey| if key.verifies(&signed.message, &signed.signature) { Verdict::Holds } else { Verdict::Fails };
    match &signed.by {
        Signer::Key(key) => holds(key),
        Signer::Certificate(certificate) => match open(certificate) {
            None => Verdict::Unreadable,
            Some((says, Some(key))) if certificate.rule.allows(&says) => holds(&key),
            Some(_) => Verdict::Fails,
        },
    }
}

/// What a certificate says, and its key, if that signs as it is said to. `None` is no certificate.
fn open(certificate: &Certificate) -> Option<(CertificateSays, Option<PublicKey>)> {
    if certificate.der.len() > LONGEST {
        return None;
    }
    let X509 { tbs_certificate: content, .. } = X509::from_der(&certificate.der).ok()?;
    let version = match content.version {
        Version::V1 => 1,
        Version::V2 => 2,
        Version::V3 => 3,
    };
    let mut says = CertificateSays { version, ..CertificateSays::default() };
    let mut named = Vec::new();
    for attribute in content.subject.0.iter().flat_map(|names| names.0.iter()) {
        let text = core::str::from_utf8(attribute.value.value()).ok().filter(|text| !text.is_empty());
        let Some(text) = text.filter(|_| matches!(attribute.value.tag(), Tag::Utf8String | Tag::PrintableString)) else {
            continue;
        };
        if attribute.oid == UNIT {
            says.units.push(text.to_owned());
        }
        named.push(attribute.oid);
    }
    says.subject_is_whole = [COUNTRY, ORGANISATION, COMMON_NAME].iter().all(|name| named.contains(name));
    says.is_authority = content.get::<BasicConstraints>().ok()?.is_some_and(|(_, constraints)| constraints.ca);
    let mut kinds = content.extensions.iter().flatten().filter(|extension| extension.extn_id == AAGUID);
    says.aaguid = kinds.next().map(|kind| (kind.critical, kind.extn_value.as_bytes().to_vec()));
    // Two of one kind contradict each other, whichever is read.
    if kinds.next().is_some() {
        return None;
    }
    let key = content.subject_public_key_info.to_der().ok()?;
    Some((says, PublicKey::of_certificate(certificate.algorithm, &key).ok()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test: what is missing fails it")]
mod tests {
    use supertokens_domain::json::JsonObject;
    use supertokens_domain::webauthn::attestation::Attestation;
    use supertokens_domain::webauthn::certificate::Rule;
    use supertokens_domain::webauthn::claimed::Claimed;
    use supertokens_domain::webauthn::key::Algorithm;
    use supertokens_domain::webauthn::{Expected, UserVerification};

    use super::*;

    /// A registration of the vectors.
    fn decided(name: &str) -> registration::Decided {
        let file = JsonObject::parse(include_str!("../../../../testkit/vectors/webauthn_registrations.json")).unwrap();
        let mut cases = file.get("cases").unwrap().as_array().unwrap().iter().map(|case| case.as_object().unwrap());
        let case = cases.find(|case| case.get("name").unwrap().as_str() == Some(name)).unwrap();
        let options = case.get("options").unwrap().as_object().unwrap();
        let text = |name: &str| options.get(name).unwrap().as_str().unwrap().to_owned();
        let expected = Expected {
            challenge: text("challenge"),
            origin: text("origin"),
            rp_id: text("relyingPartyId"),
            user_verification: UserVerification::of_word(&text("userVerification")).unwrap(),
            user_presence: options.get("userPresence").unwrap().as_bool().unwrap(),
            algorithms: None,
        };
        let claimed = Claimed::read(case.get("credential").unwrap().as_object().unwrap()).unwrap();
        registration::decide(&claimed, &expected).unwrap()
    }

    /// What is to be checked of one.
    fn open_signature(name: &str) -> Signed {
        let mut seen = None;
        decided(name)
            .settle(|signed| {
                seen = Some(signed.clone());
                Verdict::Holds
            })
            .unwrap();
        seen.unwrap()
    }

    fn certificate(signed: &mut Signed) -> &mut Certificate {
        match &mut signed.by {
            Signer::Certificate(certificate) => certificate,
            Signer::Key(_) => panic!("no certificate"),
        }
    }

    #[test]
    fn attestations_of_the_vectors_hold() {
        for (name, attestation) in [
            ("es256 none", Attestation::None),
            ("es256 packed self attestation", Attestation::SelfSigned),
            ("eddsa packed self attestation", Attestation::SelfSigned),
            ("es256 packed with certificate", Attestation::Certified),
            ("es256 fido-u2f", Attestation::Certified),
        ] {
            assert_eq!(registered(decided(name)).unwrap().attestation, attestation, "{name}");
        }
        let refused = |name: &str| registered(decided(name)).unwrap_err();
        assert_eq!(refused("packed self attestation, signature flipped").status(), "INVALID_AUTHENTICATOR_ERROR");
        assert_eq!(refused("packed certificate is garbage").status(), "INVALID_CREDENTIALS_ERROR");
    }

    #[test]
    fn a_signature_by_a_certificate_is_over_these_bytes_and_by_its_key() {
        for name in ["es256 packed with certificate", "es256 fido-u2f"] {
            let good = open_signature(name);
            assert_eq!(check(&good), Verdict::Holds, "{name}");
            let mut other = good.clone();
            other.message[0] ^= 1;
            assert_eq!(check(&other), Verdict::Fails, "{name}");
            let mut other = good.clone();
            *other.signature.last_mut().unwrap() ^= 1;
            assert_eq!(check(&other), Verdict::Fails, "{name}");
            for algorithm in [Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256] {
                let mut other = good.clone();
                certificate(&mut other).algorithm = algorithm;
                assert_eq!(check(&other), Verdict::Fails, "{name} {algorithm:?}");
            }
        }
        // The one's certificate is the other's, too: what keeps them apart are the bytes.
        let (packed, mut u2f) = (open_signature("es256 packed with certificate"), open_signature("es256 fido-u2f"));
        u2f.message.clone_from(&packed.message);
        assert_eq!(check(&u2f), Verdict::Fails);
    }

    #[test]
    fn a_certificate_is_read_whole_or_not_at_all() {
        let mut signed = open_signature("es256 packed with certificate");
        let der = certificate(&mut signed).der.clone();
        for length in 0..der.len() {
            certificate(&mut signed).der = der[..length].to_vec();
            assert_eq!(check(&signed), Verdict::Unreadable, "{length}");
        }
        for wrong in [[&der[..], &[0]].concat(), vec![0; LONGEST + 1], vec![0x30; 1000]] {
            certificate(&mut signed).der = wrong;
            assert_eq!(check(&signed), Verdict::Unreadable);
        }
        let (says, key) = open(&Certificate { der, algorithm: Algorithm::Es256, rule: Rule::Packed([0; 16]) }).unwrap();
        assert!(says.version == 3 && says.subject_is_whole && !says.is_authority && says.aaguid.is_none() && key.is_some());
        assert_eq!(says.units, ["Authenticator Attestation"]);
    }

    #[test]
    fn a_certificate_that_calls_itself_something_else_signs_nothing() {
        let mut signed = open_signature("es256 packed with certificate");
        let der = certificate(&mut signed).der.clone();
        let at = |text: &[u8]| {
            der.windows(text.len()).enumerate().filter(|(_, part)| *part == text).map(|(at, _)| at).collect::<Vec<_>>()
        };
        // Issuer and subject are written alike; the second is the subject.
        let unit = at(b"Authenticator Attestation")[1];
        certificate(&mut signed).der[unit] = b'a';
        assert_eq!(check(&signed), Verdict::Fails);
        // Version 3 is the number 2 behind its mark.
        certificate(&mut signed).der = der.clone();
        let version = at(&[0xa0, 3, 2, 1, 2])[0];
        certificate(&mut signed).der[version + 4] = 1;
        assert_eq!(check(&signed), Verdict::Fails);
        certificate(&mut signed).der = der;
        assert_eq!(check(&signed), Verdict::Holds);
    }
}
