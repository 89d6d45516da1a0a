//! Passkeys made and used on the spot, by an authenticator in software, for the challenges that the core gives.

use serde_json::{Value, json};

use super::{WEBAUTHN, options_for, registering, signing_in};
use crate::authenticator::{Algorithm, Authenticator, BE, BS, Format, UP, UV, flip};
use crate::{World, scenarios};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];

/// New options: their id, and the challenge.
async fn challenge(w: &World, kind: &str, body: Value) -> (String, String) {
    let options = options_for(w, "", kind, body).await;
    let text = |name: &str| options[name].as_str().expect("a text").to_owned();
    (text("webauthnGeneratedOptionsId"), text("challenge"))
}

async fn sign_up(w: &World, asked: Value, make: impl FnOnce(&str) -> Value) -> Value {
    let (options, challenge) = challenge(w, "register", asked).await;
    let body = json!({ "webauthnGeneratedOptionsId": options, "credential": make(&challenge) });
    w.post("5.6", &format!("{WEBAUTHN}/signup"), body).await.done()
}

async fn sign_in(w: &World, make: impl FnOnce(&str) -> Value) -> Value {
    let (options, challenge) = challenge(w, "signin", signing_in()).await;
    let body = json!({ "webauthnGeneratedOptionsId": options, "credential": make(&challenge) });
    w.post("5.6", &format!("{WEBAUTHN}/signin"), body).await.done()
}

async fn every_kind_of_authenticator_signs_up_and_in(w: &World) {
    let mut pairs = 0;
    for algorithm in ALGORITHMS {
        for format in
            [Format::None, Format::Packed, Format::PackedCertified, Format::FidoU2f, Format::Other("tpm"), Format::Other("apple")]
        {
            if format == Format::FidoU2f && algorithm != Algorithm::Es256 {
                continue;
            }
            let label = format!("{algorithm:?} {format:?}");
            let its = Authenticator::new(&label, algorithm);
            let asked = registering(&format!("{pairs}@b.co"));
            let made = sign_up(w, asked, |challenge| its.attest(challenge, 3, format)).await;
            assert_eq!((&made["status"], &made["webauthnCredentialId"]), (&json!("OK"), &json!(its.name())), "{label}: {made}");
            for counter in [4, 5] {
                let said = sign_in(w, |challenge| its.assert(challenge, counter)).await;
                assert_eq!(said["recipeUserId"], made["recipeUserId"], "{label}: {said}");
            }
            let again = sign_in(w, |challenge| its.assert(challenge, 5)).await;
            assert_eq!(again["status"], "INVALID_AUTHENTICATOR_ERROR", "{label}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 16);
}

async fn a_statement_that_is_signed_wrongly_registers_nobody(w: &World) {
    for (format, algorithm) in [
        (Format::Packed, Algorithm::Es256),
        (Format::Packed, Algorithm::Rs256),
        (Format::Packed, Algorithm::EdDsa),
        (Format::PackedCertified, Algorithm::EdDsa),
        (Format::FidoU2f, Algorithm::Es256),
    ] {
        let bad = Authenticator { signs_wrongly: true, ..Authenticator::new("wrong", algorithm) };
        let said = sign_up(w, registering("wrong@b.co"), |challenge| bad.attest(challenge, 0, format)).await;
        let reason = "The signature of the attestation is not valid.";
        assert_eq!(said, json!({ "status": "INVALID_AUTHENTICATOR_ERROR", "reason": reason }), "{format:?}");
        let good = Authenticator { signs_wrongly: false, ..bad };
        assert_eq!(sign_in(w, |challenge| good.assert(challenge, 1)).await["status"], "CREDENTIAL_NOT_FOUND_ERROR");
    }
    let of_another_kind = Authenticator { aaguid: [1; 16], ..Authenticator::new("wrong", Algorithm::Es256) };
    let said = sign_up(w, registering("wrong@b.co"), |challenge| of_another_kind.attest(challenge, 0, Format::FidoU2f)).await;
    assert_eq!(said["status"], "INVALID_AUTHENTICATOR_ERROR");
}

async fn nobody_signs_in_by_a_passkey_that_says_something_wrong(w: &World) {
    let good = Authenticator::new("good", Algorithm::Es256);
    let other = Authenticator::new("other", Algorithm::Es256);
    for (its, email) in [(&good, "good@b.co"), (&other, "other@b.co")] {
        assert_eq!(sign_up(w, registering(email), |challenge| its.register(challenge)).await["status"], "OK");
    }
    for bad in [
        Authenticator { signs_wrongly: true, ..good.clone() },
        Authenticator { flags: UV, ..good.clone() },
        Authenticator { flags: UP | UV | BS, ..good.clone() },
        Authenticator { cross_origin: true, ..good.clone() },
        Authenticator { other_kind: Some("webauthn.create"), ..good.clone() },
        good.clone().at("example.com", "https://login.example.com"),
        good.clone().at("example.com", "http://example.com"),
        good.clone().at("evil.com", "https://example.com"),
    ] {
        let said = sign_in(w, |challenge| bad.assert(challenge, 1)).await;
        assert_eq!(said["status"], "INVALID_AUTHENTICATOR_ERROR", "{bad:?}: {said}");
    }
    // Somebody's own signature under somebody else's name.
    let said = sign_in(w, |challenge| {
        let mut brought = other.assert(challenge, 1);
        (brought["id"], brought["rawId"]) = (good.name().into(), good.name().into());
        brought
    })
    .await;
    assert_eq!(said, json!({ "status": "INVALID_AUTHENTICATOR_ERROR", "reason": "Assertion signature is not valid." }));
    // A second spelling of a name is no name.
    let said = sign_in(w, |challenge| {
        let mut brought = good.assert(challenge, 1);
        brought["id"] = format!("{}=", good.name()).into();
        brought
    })
    .await;
    assert_eq!(said["status"], "CREDENTIAL_NOT_FOUND_ERROR");
    for member in ["signature", "authenticatorData", "clientDataJSON"] {
        let said = sign_in(w, |challenge| {
            let mut brought = good.assert(challenge, 1);
            flip(&mut brought, &format!("/response/{member}"), 36);
            brought
        })
        .await;
        assert_ne!(said["status"], "OK", "{member}");
    }
    let (_, early) = challenge(w, "signin", signing_in()).await;
    assert_eq!(sign_in(w, |_| good.assert(&early, 1)).await["status"], "INVALID_AUTHENTICATOR_ERROR");
    let backed_up = Authenticator { flags: UP | BE | BS, ..good.clone() };
    assert_eq!(sign_in(w, |challenge| backed_up.assert(challenge, 1)).await["status"], "OK");
}

scenarios!(World:
    every_kind_of_authenticator_signs_up_and_in,
    a_statement_that_is_signed_wrongly_registers_nobody,
    nobody_signs_in_by_a_passkey_that_says_something_wrong,
);
