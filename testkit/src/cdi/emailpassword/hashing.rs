//! Which hashes open, whichever program made them, and how new ones are made (core-users.md 3.8).

use serde_json::{Value, json};

use super::{PASSWORD, hashes_done, put_hash, sign_in, sign_in_with, sign_up, signs_in, stored_hash};
use crate::{World, scenarios};

const VECTORS: &str = include_str!("../../../vectors/password_hashes.json");
const NO_KEY: &str = "java.lang.IllegalStateException: 'firebase_password_hashing_signer_key' cannot be null";

fn vectors() -> Value {
    serde_json::from_str(VECTORS).expect("JSON")
}

async fn every_stored_format_opens_as_the_vectors_say(w: &World) {
    let vectors = vectors();
    let key = "firebase_password_hashing_signer_key";
    w.with_config(json!({ key: vectors[key] })).await;
    let id = sign_up(w, "", "a@example.com").await;
    let cases = vectors["cases"].as_array().expect("cases");
    assert!(cases.len() >= 50);
    for case in cases {
        let (stored, password) = (case["stored"].as_str().expect("a hash"), case["password"].as_str().expect("a password"));
        put_hash(w, &id, stored).await;
        assert_eq!(signs_in(w, "", "a@example.com", password).await, case["verifies"] == true, "{case}");
        assert_eq!(stored_hash(w, &id).await, stored, "signing in changes nothing");
    }
    // What opens for another password in the Java core opens for its own here.
    let quirk = &vectors["java_nonascii_firebase_quirk"];
    put_hash(w, &id, quirk["java_would_accept"].as_str().expect("a hash")).await;
    assert!(!signs_in(w, "", "a@example.com", "p\u{e4}ss").await && signs_in(w, "", "a@example.com", "p?ss").await);
}

async fn new_hashes_are_made_as_the_settings_say(w: &World) {
    let made = async |settings: Value, email: &str| {
        w.with_config(settings).await;
        let id = sign_up(w, "", email).await;
        stored_hash(w, &id).await
    };
    let bcrypt = made(json!({ "bcrypt_log_rounds": null }), "a@example.com").await;
    assert!(bcrypt.starts_with("$2a$11$") && bcrypt.len() == 60, "{bcrypt}");
    let cheap = made(json!({ "bcrypt_log_rounds": 4 }), "b@example.com").await;
    assert!(cheap.starts_with("$2a$04$") && cheap[7..] != bcrypt[7..], "{cheap}");
    let argon2 = made(json!({ "password_hashing_alg": "argon2" }), "c@example.com").await;
    let parts: Vec<&str> = argon2.split('$').collect();
    assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=87795,t=1,p=2"]);
    assert_eq!([parts[4].len(), parts[5].len()], [22, 43]);
    // Whoever has an older hash keeps it, and it opens.
    for (email, hash) in [("a@example.com", &bcrypt), ("b@example.com", &cheap)] {
        let id = sign_in(w, "", email).await.ok()["recipeUserId"].as_str().expect("an id").to_owned();
        assert_eq!(stored_hash(w, &id).await, *hash);
    }
    w.with_config(json!({ "password_hashing_alg": null })).await;
    sign_in(w, "", "c@example.com").await.ok();
    assert!(!signs_in(w, "", "c@example.com", "another one").await);
}

async fn equal_passwords_have_different_hashes(w: &World) {
    let (a, b) = (sign_up(w, "", "a@example.com").await, sign_up(w, "", "b@example.com").await);
    assert_ne!(stored_hash(w, &a).await, stored_hash(w, &b).await);
}

async fn bcrypt_looks_at_72_bytes_and_argon2_at_all(w: &World) {
    for (settings, others_open) in
        [(json!({}), true), (json!({ "password_hashing_alg": "ARGON2", "argon2_memory_kb": 64 }), false)]
    {
        w.with_config(settings).await;
        let (email, long) = (format!("{others_open}@example.com"), "x".repeat(73));
        w.post("5.4", "/recipe/signup", json!({ "email": email, "password": long })).await.ok();
        assert!(signs_in(w, "", &email, &long).await);
        assert_eq!(signs_in(w, "", &email, &long[..72]).await, others_open);
        assert!(!signs_in(w, "", &email, &long[..71]).await);
    }
}

async fn one_argon2_hash_at_a_time_serves_all_in_turn(w: &World) {
    w.with_config(json!({ "password_hashing_alg": "ARGON2", "argon2_memory_kb": 1024 })).await;
    sign_up(w, "", "a@example.com").await;
    let before = hashes_done(w, "argon2");
    let all: Vec<_> = (0..10)
        .map(|_| {
            let w = w.clone();
            tokio::spawn(async move { drop(sign_in(&w, "", "a@example.com").await.ok()) })
        })
        .collect();
    while !all.iter().all(tokio::task::JoinHandle::is_finished) {
        let argon2 = w.core().figures().hashing.into_iter().find(|(name, _)| *name == "argon2").expect("argon2").1;
        assert!(argon2.running <= 1, "{argon2:?}");
        tokio::task::yield_now().await;
    }
    for one in all {
        one.await.expect("everybody is let in");
    }
    assert_eq!(hashes_done(w, "argon2"), before + 10);
}

async fn what_nothing_can_open_is_a_wrong_password(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    for stored in [
        "",
        "nonsense",
        "$2a",
        "$argon2id",
        "$2a$31$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG",
        "$2a$17$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG",
        "$argon2id$v=19$m=4194304,t=1,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A",
        "$f_scrypt$aGFzaA==$c2FsdA==$m=30$r=8$s=Bw==",
    ] {
        put_hash(w, &id, stored).await;
        // As dear as any other, and no dearer.
        let before = hashes_done(w, "bcrypt");
        sign_in(w, "", "a@example.com").await.says("WRONG_CREDENTIALS_ERROR");
        assert_eq!(hashes_done(w, "bcrypt"), before + 1, "{stored}");
    }
}

async fn a_firebase_hash_waits_for_its_key(w: &World) {
    let vectors = vectors();
    let id = sign_up(w, "", "a@example.com").await;
    let example = &vectors["firebase_published_example"];
    put_hash(w, &id, example["stored"].as_str().expect("a hash")).await;
    let password = example["password"].as_str().expect("a password");
    sign_in_with(w, "", "a@example.com", password).await.refuses(500, NO_KEY);
    let import = json!({ "email": "b@example.com", "passwordHash": example["stored"] });
    w.post("5.4", "/recipe/user/passwordhash/import", import.clone()).await.refuses(500, NO_KEY);
    let named = json!({ "email": "b@example.com", "passwordHash": "nonsense", "hashingAlgorithm": "firebase_scrypt" });
    w.post("5.4", "/recipe/user/passwordhash/import", named).await.refuses(500, NO_KEY);
    w.with_config(json!({ "firebase_password_hashing_signer_key": example["signer_key"] })).await;
    sign_in_with(w, "", "a@example.com", password).await.ok();
    sign_in(w, "", "a@example.com").await.says("WRONG_CREDENTIALS_ERROR");
    w.post("5.4", "/recipe/user/passwordhash/import", import).await.ok();
    sign_in_with(w, "", "b@example.com", password).await.ok();
}

async fn settings_that_nothing_can_be_hashed_with_are_refused(w: &World) {
    for (settings, words) in [
        (json!({ "bcrypt_log_rounds": 3 }), "'bcrypt_log_rounds' must be between 4 and 30 inclusive."),
        (json!({ "bcrypt_log_rounds": 31 }), "'bcrypt_log_rounds' must be between 4 and 30 inclusive."),
        (
            json!({ "bcrypt_log_rounds": 4, "password_hashing_alg": "ARGON2", "argon2_memory_kb": 15 }),
            "'argon2_memory_kb' must be >= 8 times 'argon2_parallelism'",
        ),
    ] {
        let problem = w.try_config(settings).await.expect_err("it does not start");
        assert!(problem.contains(words), "{problem}");
    }
    w.with_config(json!({ "password_hashing_alg": null, "argon2_memory_kb": null })).await;
    sign_up(w, "", "a@example.com").await;
    assert!(signs_in(w, "", "a@example.com", PASSWORD).await);
}

scenarios!(World:
    every_stored_format_opens_as_the_vectors_say,
    new_hashes_are_made_as_the_settings_say needs AKeptDatabase,
    equal_passwords_have_different_hashes,
    bcrypt_looks_at_72_bytes_and_argon2_at_all,
    one_argon2_hash_at_a_time_serves_all_in_turn,
    what_nothing_can_open_is_a_wrong_password,
    a_firebase_hash_waits_for_its_key needs AKeptDatabase,
    settings_that_nothing_can_be_hashed_with_are_refused,
);
