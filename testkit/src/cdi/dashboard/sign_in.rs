//! Who is let in by a password, and how often it may be tried.

use serde_json::{Value, json};

use super::{PASSWORD, created, sign_in, text, try_sign_in, whose};
use crate::cdi::emailpassword::hashes_done;
use crate::cdi::place::{make_app, remove_app};
use crate::cdi::session::races::at_once;
use crate::{World, scenarios};

/// For one address with nothing against it.
const TRIES: usize = 10;
const MINUTE: i64 = 60_000;

async fn guess(w: &World, place: &str, email: &str) -> Value {
    try_sign_in(w, place, email, "wrong1234").await.done()
}

fn wrong() -> Value {
    json!({ "status": "INVALID_CREDENTIALS_ERROR" })
}

fn too_often(seconds: i64) -> Value {
    let message = format!("Too many wrong passwords were tried for this email. Please wait for {seconds} s and try again.");
    json!({ "status": "USER_SUSPENDED_ERROR", "message": message })
}

async fn nobody_learns_who_there_is(w: &World) {
    created(w, "", "known@example.com").await;
    let cost = async |email: &str, password: &str| {
        let core = w.core();
        let now = || (core.db().statements(), core.db().trips(), hashes_done(w, "bcrypt"));
        let before = now();
        let said = try_sign_in(w, "", email, password).await.text;
        let after = now();
        (said, after.0 - before.0, after.1 - before.1, after.2 - before.2)
    };
    let wrong = ("{\"status\":\"INVALID_CREDENTIALS_ERROR\"}\n".to_owned(), 1, 1, 1);
    for n in 0..5 {
        assert_eq!(cost("known@example.com", "wrong1234").await, wrong, "{n}");
        assert_eq!(cost("unknown@example.com", "wrong1234").await, wrong, "{n}");
        assert_eq!(cost("no address", "x").await, wrong, "{n}");
    }
    // Nor by waiting.
    for email in ["known@example.com", "unknown@example.com"] {
        while guess(w, "", email).await["status"] != "USER_SUSPENDED_ERROR" {}
        assert_eq!(cost(email, PASSWORD).await.0, format!("{}\n", too_often_text()));
    }
}

fn too_often_text() -> String {
    let words = "Too many wrong passwords were tried for this email. Please wait for 60 s and try again.";
    format!("{{\"status\":\"USER_SUSPENDED_ERROR\",\"message\":\"{words}\"}}")
}

async fn after_ten_wrong_passwords_there_is_one_a_minute(w: &World) {
    created(w, "", "a@example.com").await;
    for _ in 0..TRIES {
        assert_eq!(guess(w, "", " A@example.com").await, wrong());
    }
    let core = w.core();
    let before = (core.db().statements(), hashes_done(w, "bcrypt"));
    for password in [PASSWORD, "wrong1234"] {
        assert_eq!(try_sign_in(w, "", "a@example.com", password).await.done(), too_often(60));
    }
    assert_eq!((core.db().statements(), hashes_done(w, "bcrypt")), before, "nothing is asked, nothing is worked out");
    w.clock.advance(1_500);
    assert_eq!(guess(w, "", "a@example.com").await, too_often(59));
    w.clock.advance(MINUTE - 1_501);
    assert_eq!(guess(w, "", "a@example.com").await, too_often(1));
    w.clock.advance(1);
    sign_in(w, "", "a@example.com").await;
    assert_eq!(guess(w, "", "a@example.com").await, wrong(), "what was right has not been counted");
    assert_eq!(guess(w, "", "a@example.com").await, too_often(60));
    w.clock.advance(10 * MINUTE);
    for _ in 0..TRIES {
        assert_eq!(guess(w, "", "a@example.com").await, wrong());
    }
    assert_eq!(guess(w, "", "a@example.com").await, too_often(60));
}

async fn whoever_knows_the_password_signs_in_as_often_as_need_be(w: &World) {
    created(w, "", "a@example.com").await;
    for _ in 0..3 * TRIES {
        sign_in(w, "", "a@example.com").await;
    }
    // What says nothing of a password is no try either.
    for _ in 0..2 * TRIES {
        let body = json!({ "email": "a@example.com", "password": " " });
        assert_eq!(w.post("5.4", "/recipe/dashboard/signin", body).await.status, 400);
    }
    assert_eq!(guess(w, "", "a@example.com").await, wrong());
}

async fn one_address_is_not_kept_waiting_for_another(w: &World) {
    make_app(w, "a1").await;
    for place in ["", "/appid-a1"] {
        created(w, place, "a@example.com").await;
        created(w, place, "b@example.com").await;
    }
    let session = sign_in(w, "", "a@example.com").await;
    while guess(w, "", "a@example.com").await == wrong() {}
    sign_in(w, "", "b@example.com").await;
    sign_in(w, "/appid-a1", "a@example.com").await;
    assert_eq!(whose(w, "", &session).await.as_deref(), Some("a@example.com"), "who is in stays in");
    while guess(w, "/appid-a1", "a@example.com").await == wrong() {}
    // An app that is gone is forgotten.
    remove_app(w, "a1").await;
    w.core().run_chore(supertokens_core::chores::Chore::SyncTenants).await.expect("it is seen");
    make_app(w, "a1").await;
    assert_eq!(guess(w, "/appid-a1", "a@example.com").await, wrong());
    assert_eq!(guess(w, "", "a@example.com").await, too_often(60));
}

async fn those_who_guess_at_once_have_no_more_tries(w: &World) {
    created(w, "", "a@example.com").await;
    for _ in 0..3 {
        let before = hashes_done(w, "bcrypt");
        let callers = (0..40).map(|_| {
            let w = w.clone();
            async move { guess(&w, "", "a@example.com").await }
        });
        let said = at_once(callers.collect()).await;
        assert_eq!(said.iter().filter(|said| **said == wrong()).count(), TRIES);
        assert_eq!(said.iter().filter(|said| text(said, "status") == "USER_SUSPENDED_ERROR").count(), 40 - TRIES);
        assert_eq!(hashes_done(w, "bcrypt") - before, TRIES as u64);
        w.clock.advance(10 * MINUTE);
    }
}

scenarios!(World:
    nobody_learns_who_there_is,
    after_ten_wrong_passwords_there_is_one_a_minute,
    whoever_knows_the_password_signs_in_as_often_as_need_be,
    one_address_is_not_kept_waiting_for_another,
    those_who_guess_at_once_have_no_more_tries,
);
