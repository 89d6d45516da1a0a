//! Whole ceremonies: those of the vectors, and what is refused first when several things are wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::{Json, JsonObject};
use crate::session::test_vectors::{self as vectors, array, boolean, number, object, optional, text};
use crate::webauthn::attestation::Attestation;
use crate::webauthn::claimed::Claimed;
use crate::webauthn::key::{Algorithm, CoseKey, NoKey};
use crate::webauthn::registration::Registered;
use crate::webauthn::response::sha256;
use crate::webauthn::signed::{Signed, Signer, Verdict};
use crate::webauthn::{Expected, Refused, UserVerification, assertion, registration};

const REGISTRATIONS: &str = include_str!("../../../../testkit/vectors/webauthn_registrations.json");
const ASSERTIONS: &str = include_str!("../../../../testkit/vectors/webauthn_assertions.json");
const RECORDED: &str = include_str!("../../../../testkit/vectors/webauthn_recorded.json");

/// Where we are stricter than the vectors say: they were made before packed statements were to be checked.
const STRICTER: [(&str, &str); 2] = [
    ("packed self attestation, signature flipped", "INVALID_AUTHENTICATOR_ERROR"),
    ("packed certificate is garbage", "INVALID_CREDENTIALS_ERROR"),
];

fn expected_of(case: &JsonObject) -> Expected {
    let options = object(case, "options");
    Expected {
        challenge: text(options, "challenge").to_owned(),
        origin: text(options, "origin").to_owned(),
        rp_id: text(options, "relyingPartyId").to_owned(),
        user_verification: UserVerification::of_word(text(options, "userVerification")).unwrap(),
        user_presence: boolean(options, "userPresence"),
        algorithms: None,
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Certificates are opened at the edge, where the vectors with them run again (`edges/core/src/webauthn/signatures.rs`).
fn check(signed: &Signed) -> Verdict {
    match &signed.by {
        Signer::Key(key) if key.verifies(&signed.message, &signed.signature) => Verdict::Holds,
        Signer::Key(_) => Verdict::Fails,
        Signer::Certificate(certificate) if certificate.der.len() < 100 => Verdict::Unreadable,
        Signer::Certificate(_) => Verdict::Holds,
    }
}

fn register(credential: &JsonObject, expected: &Expected) -> Result<Registered, Refused> {
    registration::decide(&Claimed::read(credential)?, expected)?.settle(check)
}

fn sign_in(credential: &JsonObject, expected: &Expected, stored: &[u8], counter: i64) -> Result<u32, Refused> {
    assertion::decide(&Claimed::read(credential)?, expected, stored)?.settle(counter, check)
}

fn run(case: &JsonObject) -> Result<(), Refused> {
    let (credential, expected) = (object(case, "credential"), expected_of(case));
    let upstream = object(case, "upstream");
    if text(case, "kind") == "authentication" {
        let stored = object(case, "stored");
        let counter = sign_in(credential, &expected, &hex(text(stored, "public_key")), number(stored, "counter"))?;
        assert_eq!(i64::from(counter), number(upstream, "counter"));
        return Ok(());
    }
    let registered = register(credential, &expected)?;
    assert_eq!(registered.credential_id, text(credential, "id"));
    assert_eq!(i64::from(registered.counter), number(upstream, "counter"));
    let theirs = hex(text(upstream, "public_key"));
    // Upstream writes keys of RSA anew, in another order, and a set of transports without any.
    let same_key = registered.public_key == theirs
        || (text(case, "name").starts_with("rs256") && registered.public_key.len() == theirs.len());
    assert!(same_key, "{}", text(case, "name"));
    let sorted = |text: &str| {
        let mut names = Json::parse(text).unwrap().as_array().unwrap_or_default().iter().map(Json::to_text).collect::<Vec<_>>();
        names.sort();
        names
    };
    assert_eq!(sorted(&registered.transports), sorted(text(upstream, "transports")));
    assert_eq!(registered.transports == "null", text(upstream, "transports") == "null");
    Ok(())
}

/// Runs all cases of a file; how many there are, and how many of them are good.
fn all(file: &str) -> (usize, usize) {
    let file = vectors::file(file);
    let (mut run_through, mut good) = (0, 0);
    for case in array(&file, "cases") {
        let name = text(case, "name");
        let expected = STRICTER.iter().find(|(stricter, _)| *stricter == name).map_or(text(case, "ours"), |(_, status)| status);
        let answer = run(case);
        let status = answer.as_ref().err().map_or("OK", Refused::status);
        assert_eq!(status, expected, "{name}: {answer:?}");
        // Our reason is upstream's wherever both refuse with one status and the words are not a parser's.
        let upstream = object(case, "upstream");
        if let (Err(refused), true) = (&answer, text(upstream, "status") == status) {
            let theirs = optional(upstream, "reason").unwrap_or_default();
            let ours = ["java.", "provided data", "Input data", "credentialId exceeds"];
            if !ours.iter().any(|parser| theirs.starts_with(parser)) {
                assert_eq!(refused.reason(), theirs, "{name}");
            }
        }
        run_through += 1;
        good += usize::from(answer.is_ok());
    }
    (run_through, good)
}

#[test]
fn registrations_are_judged_as_in_the_vectors() {
    // 31 are good in the file; the two of STRICTER are refused.
    let file = vectors::file(REGISTRATIONS);
    for (stricter, _) in STRICTER {
        assert!(
            array(&file, "cases").iter().any(|case| text(case, "name") == stricter && text(case, "ours") == "OK"),
            "{stricter}"
        );
    }
    assert_eq!(all(REGISTRATIONS), (75, 29));
}

#[test]
fn assertions_are_judged_as_in_the_vectors() {
    assert_eq!(all(ASSERTIONS), (40, 11));
}

#[test]
fn what_another_authenticator_was_recorded_with_is_good() {
    assert_eq!(all(RECORDED), (6, 6));
}

#[test]
fn keys_that_upstream_has_stored_are_read() {
    let file = vectors::file(REGISTRATIONS);
    let (mut usable, mut useless) = (0, 0);
    for case in array(&file, "cases") {
        let Some(stored) = optional(object(case, "upstream"), "public_key") else { continue };
        let bytes = hex(stored);
        let attested = crate::webauthn::authenticator_data::Attested::read(&bytes).unwrap();
        match CoseKey::read(attested.key) {
            Ok(CoseKey::Usable(_)) => usable += 1,
            Ok(CoseKey::Unknown(-46)) | Err(NoKey) => useless += 1,
            other => panic!("{}: {other:?}", text(case, "name")),
        }
    }
    assert_eq!((usable, useless), (35, 2));
}

/// CBOR of a short list, as it is needed here.
fn head(major: u8, length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(length) if length < 24 => vec![major << 5 | length],
        Ok(length) => vec![major << 5 | 24, length],
        Err(_) => [&[major << 5 | 25], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat(),
    }
}

fn bytes(of: &[u8]) -> Vec<u8> {
    [head(2, of.len()), of.to_vec()].concat()
}

fn label(of: &str) -> Vec<u8> {
    [head(3, of.len()), of.as_bytes().to_vec()].concat()
}

fn int(number: i64) -> Vec<u8> {
    if number < 0 { head(1, usize::try_from(!number).unwrap()) } else { head(0, usize::try_from(number).unwrap()) }
}

fn map(members: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    [head(5, members.len()), members.iter().flat_map(|(name, value)| [name.clone(), value.clone()].concat()).collect()].concat()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Everything about a registration that can be wrong.
#[derive(Clone)]
struct Parts {
    id: Vec<u8>,
    claimed: String,
    attested: bool,
    kind: &'static str,
    challenge: &'static [u8],
    origin: &'static str,
    more: &'static str,
    rp_id: &'static str,
    flags: u8,
    key: Vec<u8>,
    format: &'static str,
    statement: Vec<u8>,
    object: fn(Vec<u8>) -> Vec<u8>,
}

fn es256() -> Vec<u8> {
    let file = vectors::file(REGISTRATIONS);
    let case = array(&file, "cases")[0];
    let stored = hex(text(object(case, "upstream"), "public_key"));
    stored[50..].to_vec()
}

fn good() -> Parts {
    Parts {
        id: b"an id".to_vec(),
        claimed: b64("an id"),
        attested: true,
        kind: "webauthn.create",
        challenge: b"challenge",
        origin: "https://example.com",
        more: "",
        rp_id: "example.com",
        flags: 5,
        key: es256(),
        format: "none",
        statement: map(&[]),
        object: |object| object,
    }
}

impl Parts {
    fn expected() -> Expected {
        Expected {
            challenge: b64("challenge"),
            origin: "https://example.com".to_owned(),
            rp_id: "example.com".to_owned(),
            user_verification: UserVerification::Required,
            user_presence: true,
            algorithms: None,
        }
    }

    fn credential(&self) -> JsonObject {
        let client_data = format!(
            r#"{{"type":"{}","challenge":"{}","origin":"{}"{}}}"#,
            self.kind,
            b64(self.challenge),
            self.origin,
            self.more
        );
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let attested = match self.attested {
            true => [&[0; 16], &length[..], &self.id, &self.key].concat(),
            false => vec![],
        };
        let flags = self.flags | if self.attested { 64 } else { 0 };
        let data = [&sha256(self.rp_id.as_bytes())[..], &[flags], &[0, 0, 0, 9], &attested].concat();
        let object = map(&[
            (label("fmt"), label(self.format)),
            (label("attStmt"), self.statement.clone()),
            (label("authData"), bytes(&data)),
        ]);
        let response =
            JsonObject::new().with("clientDataJSON", b64(client_data)).with("attestationObject", b64((self.object)(object)));
        JsonObject::new().with("id", self.claimed.as_str()).with("type", "public-key").with("response", response)
    }

    fn reason(&self) -> String {
        match register(&self.credential(), &Self::expected()) {
            Ok(_) => "OK".to_owned(),
            Err(refused) => refused.reason().to_owned(),
        }
    }
}

#[test]
fn of_several_wrongs_the_first_in_order_is_named() {
    // Each change is one more wrong, from the last check to the first: always the newest is named.
    type Change = fn(&mut Parts);
    let changes: [(Change, &str); 14] = [
        (|_| {}, "OK"),
        (
            |parts| (parts.id, parts.claimed) = (vec![1; 193], b64([1; 193])),
            "credentialId exceeds maxCredentialIdSize(192 bytes)",
        ),
        (|parts| parts.statement = map(&[(label("x"), int(1))]), "Unknown property is set to the none attestation statement."),
        (|parts| parts.key = map(&[(int(1), int(2)), (int(3), int(-47))]), "The algorithm -47 of the key is not supported."),
        (|parts| parts.flags = 1 | 4 | 16, "Backup state bit must not be set if backup eligibility bit is not set"),
        (
            |parts| parts.flags = 1 | 16,
            "Verifier is configured to check user verified, but UV flag in authenticatorData is not set.",
        ),
        (|parts| parts.flags = 16, "Verifier is configured to check user present, but UP flag in authenticatorData is not set."),
        (|parts| parts.rp_id = "evil.com", "rpIdHash doesn't match the hash of preconfigured rpId."),
        (|parts| parts.more = r#","tokenBinding":{"status":"present"},"crossOrigin":true"#, "TokenBinding id does not match"),
        (
            |parts| parts.origin = "https://evil.com",
            "The collectedClientData 'https://evil.com' origin doesn't match any of the preconfigured server origin.",
        ),
        (|parts| parts.challenge = b"challengf", "The actual challenge does not match the expected challenge"),
        (|parts| parts.kind = "webauthn.get", "ClientData.type must be 'create' on registration, but it isn't."),
        (|parts| parts.attested = false, "attestedCredentialData must not be null on registration"),
        (
            |parts| {
                parts.object = |mut object| {
                    object.push(0);
                    object
                }
            },
            "Input data does not match expected form",
        ),
    ];
    let mut parts = good();
    for (change, reason) in changes {
        change(&mut parts);
        assert_eq!(parts.reason(), reason);
    }
}

#[test]
fn a_key_is_known_by_one_name_only() {
    let reason = |claimed: &str| Parts { claimed: claimed.to_owned(), ..good() }.reason();
    assert_eq!(reason(&b64("an id")), "OK");
    for other in [b64("another"), format!("{}=", b64("an id")), "YW4gaWR".to_owned(), "YW4gaWS".to_owned()] {
        assert_ne!(reason(&other), "OK", "{other}");
    }
    let raw = good().credential().with("rawId", b64("another"));
    assert_eq!(register(&raw, &Parts::expected()).unwrap_err().reason(), "rawId is not the id of the credential");
}

#[test]
fn an_id_fits_its_column() {
    let of = |length: usize| Parts { id: vec![1; length], claimed: b64(vec![1; length]), ..good() }.reason();
    assert_eq!(of(192), "OK");
    for length in [193, 1023, 1024, 40_000] {
        assert_eq!(of(length), "credentialId exceeds maxCredentialIdSize(192 bytes)", "{length}");
    }
}

#[test]
fn an_empty_challenge_is_nobodys() {
    let credential = Parts { challenge: b"", ..good() }.credential();
    for stored in ["", "!!!"] {
        let expected = Expected { challenge: stored.to_owned(), ..Parts::expected() };
        assert!(register(&credential, &expected).is_err(), "{stored}");
    }
}

#[test]
fn only_keys_that_were_asked_for_are_registered_if_it_is_known_which() {
    let of = |algorithms: &[i64]| {
        let expected = Expected { algorithms: Some(algorithms.to_vec()), ..Parts::expected() };
        register(&good().credential(), &expected).map(|registered| registered.attestation)
    };
    assert_eq!(of(&[-8, -7]), Ok(Attestation::None));
    assert_eq!(of(&[-8, -257]).unwrap_err().reason(), "The algorithm -7 of the key was not asked for.");
    assert!(of(&[]).is_err());
}

#[test]
fn statements_of_other_formats_are_not_looked_into() {
    for format in ["tpm", "android-key", "android-safetynet", "apple"] {
        let parts = Parts { format, statement: map(&[(label("x"), int(1))]), ..good() };
        let registered = register(&parts.credential(), &Parts::expected()).unwrap();
        assert_eq!(registered.attestation, Attestation::NotVerified(format));
        assert_eq!(Parts { statement: int(1), ..parts }.reason(), "Input data does not match expected form");
    }
    assert_eq!(Parts { format: "compound", ..good() }.reason(), "Input data does not match expected form");
}

#[test]
fn a_statement_of_packed_has_all_its_parts() {
    let members =
        |members: &[(&str, Vec<u8>)]| map(&members.iter().map(|(name, value)| (label(name), value.clone())).collect::<Vec<_>>());
    let chain = |count: usize| [head(4, count), (0..count).flat_map(|_| bytes(b"x")).collect()].concat();
    let reason = |format, statement| Parts { format, statement, ..good() }.reason();
    let (alg, sig) = (("alg", int(-7)), ("sig", bytes(b"x")));
    let no_form = "Input data does not match expected form";
    for statement in [
        members(&[]),
        members(std::slice::from_ref(&alg)),
        members(std::slice::from_ref(&sig)),
        members(&[("alg", label("-7")), sig.clone()]),
        members(&[alg.clone(), ("sig", label("x"))]),
        members(&[alg.clone(), sig.clone(), ("x5c", chain(0))]),
        members(&[alg.clone(), sig.clone(), ("x5c", chain(9))]),
        members(&[alg.clone(), sig.clone(), ("x5c", bytes(b"x"))]),
        members(&[alg.clone(), sig.clone(), ("x5c", [head(4, 1), int(1)].concat())]),
    ] {
        assert_eq!(reason("packed", statement), no_form);
    }
    for statement in [
        members(std::slice::from_ref(&sig)),
        members(&[sig.clone(), ("x5c", chain(0))]),
        members(&[sig.clone(), ("x5c", chain(2))]),
        members(&[("x5c", chain(1))]),
    ] {
        assert_eq!(reason("fido-u2f", statement), no_form);
    }
    let not_its_own = "The algorithm of the attestation is not that of the credential.";
    assert_eq!(reason("packed", members(&[("alg", int(-8)), sig.clone()])), not_its_own);
    let unsupported = "The algorithm of the attestation is not supported.";
    assert_eq!(reason("packed", members(&[("alg", int(-47)), sig.clone(), ("x5c", chain(1))])), unsupported);
    assert_eq!(reason("packed", members(&[alg, sig, ("x5c", chain(8))])), "the certificate of the attestation cannot be read");
}

#[test]
fn a_key_fits_its_algorithm() {
    let name = |number: i64| (int(number), ());
    let cose =
        |members: &[(i64, Vec<u8>)]| map(&members.iter().map(|(n, value)| (name(*n).0, value.clone())).collect::<Vec<_>>());
    let read = |members: &[(i64, Vec<u8>)]| match CoseKey::read(&cose(members)) {
        Ok(CoseKey::Usable(key)) => Ok(key.algorithm()),
        Ok(other) => panic!("{other:?}"),
        Err(NoKey) => Err(NoKey),
    };
    let whole = es256();
    let (x, y) = (bytes(&whole[10..42]), bytes(&whole[45..77]));
    assert_eq!(read(&[(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, x.clone()), (-3, y.clone())]), Ok(Algorithm::Es256));
    for wrong in [
        vec![(1, int(3)), (3, int(-7)), (-1, int(1)), (-2, x.clone()), (-3, y.clone())],
        vec![(3, int(-7)), (-1, int(1)), (-2, x.clone()), (-3, y.clone())],
        vec![(1, int(2)), (3, int(-7)), (-1, int(2)), (-2, x.clone()), (-3, y.clone())],
        vec![(1, int(2)), (3, int(-35)), (-1, int(1)), (-2, x.clone()), (-3, y.clone())],
        vec![(1, int(2)), (3, int(-7)), (-2, x.clone()), (-3, y.clone())],
        vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, x.clone())],
        vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, x.clone()), (-3, vec![0xf5])],
        vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, y.clone()), (-3, x.clone())],
        vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, bytes(&[0; 32])), (-3, bytes(&[0; 32]))],
        vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, bytes(&[&[0], &whole[10..42]].concat())), (-3, y.clone())],
        vec![(1, int(1)), (3, int(-8)), (-1, int(6)), (-2, bytes(&[1; 31]))],
        vec![(1, int(1)), (3, int(-8)), (-1, int(7)), (-2, bytes(&[1; 32]))],
        vec![(1, int(2)), (3, int(-8)), (-1, int(6)), (-2, x.clone()), (-3, y.clone())],
    ] {
        assert_eq!(read(&wrong), Err(NoKey), "{wrong:?}");
    }
    let rsa = |modulus: &[u8], exponent: &[u8]| read(&[(1, int(3)), (3, int(-257)), (-1, bytes(modulus)), (-2, bytes(exponent))]);
    let modulus = |size: usize, first: u8| [&[first][..], &vec![0xff; size - 1]].concat();
    assert_eq!(rsa(&modulus(128, 0x80), &[1, 0, 1]), Ok(Algorithm::Rs256));
    assert_eq!(rsa(&modulus(129, 0), &[1, 0, 1]), Ok(Algorithm::Rs256));
    for (modulus, exponent) in [
        (modulus(128, 0x7f), vec![1, 0, 1]),
        (modulus(1025, 1), vec![1, 0, 1]),
        (modulus(128, 0xff), vec![1]),
        (modulus(128, 0xff), vec![2]),
        (modulus(128, 0xff), vec![]),
        (modulus(128, 0xff), vec![1; 5]),
        ([&modulus(128, 0xff)[..127], &[0xfe]].concat(), vec![1, 0, 1]),
        (vec![], vec![1, 0, 1]),
    ] {
        assert_eq!(rsa(&modulus, &exponent), Err(NoKey), "{} {exponent:?}", modulus.len());
    }
    assert!(matches!(CoseKey::read(&cose(&[(1, int(2))])), Ok(CoseKey::WithoutAlgorithm)));
    assert!(matches!(CoseKey::read(&cose(&[(3, int(-47))])), Ok(CoseKey::Unknown(-47))));
    assert!(CoseKey::read(&cose(&[(3, label("ES256"))])).is_err());
    assert!(CoseKey::read(b"").is_err() && CoseKey::read(&int(1)).is_err());
}

#[test]
fn transports_are_names() {
    let of = |transports: &str| {
        let mut credential = good().credential();
        let response = credential.get("response").unwrap().as_object().unwrap().clone();
        credential.insert("response", response.with("transports", Json::parse(transports).unwrap()));
        register(&credential, &Parts::expected()).map(|registered| registered.transports).ok()
    };
    assert_eq!(of(r#"["usb","telepathy"]"#).as_deref(), Some(r#"["usb","telepathy"]"#));
    assert_eq!(of("[]").as_deref(), Some("[]"));
    assert_eq!(of("null").as_deref(), Some("null"));
    for wrong in [
        r#""usb""#,
        "[1]",
        "{}",
        r#"["a\u0000"]"#,
        &format!("[\"{}\"]", "x".repeat(65)),
        &format!("[\"a\"{}]", ",\"a\"".repeat(32)),
    ] {
        assert_eq!(of(wrong), None, "{wrong}");
    }
}

#[test]
fn a_stored_key_that_cannot_sign_signs_nobody_in() {
    let file = vectors::file(ASSERTIONS);
    let case = array(&file, "cases")[0];
    let stored = hex(text(object(case, "stored"), "public_key"));
    let sign_in = |stored: &[u8]| sign_in(object(case, "credential"), &expected_of(case), stored, 0);
    assert_eq!(sign_in(&stored), Ok(1));
    let mut off_the_curve = stored.clone();
    *off_the_curve.last_mut().unwrap() ^= 1;
    for stored in [&off_the_curve[..], &stored[..stored.len() - 1], &[&stored[..], &[0]].concat(), b""] {
        assert_eq!(sign_in(stored).unwrap_err().reason(), "Assertion signature is not valid.");
    }
}

proptest::proptest! {
    #[test]
    fn no_single_byte_of_an_assertion_can_be_changed(at in 0_usize..37, bit in 0_u8..8) {
        let file = vectors::file(ASSERTIONS);
        let case = array(&file, "cases")[0];
        let mut credential = object(case, "credential").clone();
        let response = object(&credential, "response").clone();
        let mut data = URL_SAFE_NO_PAD.decode(text(&response, "authenticatorData")).unwrap();
        data[at] ^= 1 << bit;
        credential.insert("response", response.with("authenticatorData", b64(&data)));
        let stored = hex(text(object(case, "stored"), "public_key"));
        proptest::prop_assert!(sign_in(&credential, &expected_of(case), &stored, 0).is_err());
    }
}
