//! Who is let in by a password (core-users.md 3.2, 7).

use serde_json::json;

use super::{PASSWORD, hashes_done, sign_in, sign_in_with, sign_up, signs_in, stored_hash, text, try_sign_up};
use crate::cdi::linking::map;
use crate::cdi::place::{count, put_tenant};
use crate::{World, scenarios};

async fn the_right_password_lets_in_and_no_other(w: &World) {
    let said = try_sign_up(w, "5.4", "", "a@example.com").await.ok();
    assert_eq!(sign_in(w, "", "a@example.com").await.ok(), said);
    for wrong in ["", "x", "Correct horse battery staple", "correct horse battery staple "] {
        assert_eq!(sign_in_with(w, "", "a@example.com", wrong).await.done(), json!({ "status": "WRONG_CREDENTIALS_ERROR" }));
    }
}

async fn nobody_learns_who_has_an_account(w: &World) {
    let known = sign_up(w, "", "known@example.com").await;
    let answers = [
        sign_in_with(w, "", "known@example.com", "wrong").await,
        sign_in_with(w, "", "unknown@example.com", "wrong").await,
        sign_in_with(w, "", "unknown@example.com", PASSWORD).await,
    ];
    assert!(answers.iter().all(|answer| answer.text == answers[0].text && answer.status == 200));
    // What takes the time is done for each of them, and once.
    for email in ["known@example.com", "unknown@example.com", &"x".repeat(256)] {
        let before = hashes_done(w, "bcrypt");
        sign_in_with(w, "", email, "wrong").await.says("WRONG_CREDENTIALS_ERROR");
        assert_eq!(hashes_done(w, "bcrypt"), before + 1, "{email}");
    }
    // The cost is that of new hashes.
    assert!(stored_hash(w, &known).await.starts_with("$2a$04$"));
    w.with_config(json!({ "password_hashing_alg": "ARGON2", "argon2_memory_kb": 64 })).await;
    let before = [hashes_done(w, "bcrypt"), hashes_done(w, "argon2")];
    sign_in(w, "", "unknown@example.com").await.says("WRONG_CREDENTIALS_ERROR");
    assert_eq!([hashes_done(w, "bcrypt"), hashes_done(w, "argon2")], [before[0], before[1] + 1]);
}

/// What is asked of the database and of the processor for each of many who try, whoever they are: the clock of a busy machine would tell less.
async fn whoever_is_unknown_costs_as_much_as_whoever_is_not(w: &World) {
    for n in 0..8 {
        sign_up(w, "", &format!("known{n}@example.com")).await;
    }
    let cost = async |email: &str| {
        let core = w.core();
        let now = || (core.db().statements(), core.db().trips(), hashes_done(w, "bcrypt"));
        let before = now();
        sign_in_with(w, "", email, "wrong").await.says("WRONG_CREDENTIALS_ERROR");
        let after = now();
        (after.0 - before.0, after.1 - before.1, after.2 - before.2)
    };
    let (mut known, mut unknown) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
    for n in 0..64 {
        *known.entry(cost(&format!("known{}@example.com", n % 8)).await).or_insert(0) += 1;
        *unknown.entry(cost(&format!("unknown{}@example.com", n % 8)).await).or_insert(0) += 1;
    }
    assert_eq!(known, unknown);
    assert_eq!(known.keys().collect::<Vec<_>>(), [&(1, 1, 1)]);
}

/// The same by the clock: both kinds of attempts in turn, so that whatever else happens falls upon both. Their times are two samples of
/// one distribution, unless the greatest distance between the two cumulative ones (Kolmogorov and Smirnov) is more than chance brings
/// about once in a million times.
async fn whoever_is_unknown_waits_as_long_as_whoever_is_not(w: &World) {
    const SAMPLES: u32 = 400;
    w.with_config(json!({ "bcrypt_log_rounds": 8 })).await;
    sign_up(w, "", "known@example.com").await;
    let wait = async |email: &str| {
        let begin = std::time::Instant::now();
        sign_in_with(w, "", email, "wrong").await.says("WRONG_CREDENTIALS_ERROR");
        begin.elapsed()
    };
    let mut waits = Vec::new();
    for _ in 0..SAMPLES {
        waits.push((wait("known@example.com").await, 1_i32));
        waits.push((wait("other@example.com").await, -1));
    }
    waits.sort_unstable();
    let distances = waits.iter().scan(0, |ahead, (_, step)| {
        *ahead += step;
        Some(ahead.unsigned_abs())
    });
    let greatest = f64::from(distances.max().unwrap_or_default()) / f64::from(SAMPLES);
    let by_chance = (-(0.5e-6_f64).ln() / f64::from(SAMPLES)).sqrt();
    assert!(greatest < by_chance, "{greatest} is more than {by_chance}");
}

async fn a_password_is_good_in_its_tenant_only(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    sign_up(w, "/t1", "a@example.com").await;
    sign_in(w, "/t1", "a@example.com").await.ok();
    sign_in(w, "", "a@example.com").await.says("WRONG_CREDENTIALS_ERROR");
    let elsewhere = json!({ "email": "a@example.com", "password": "another one" });
    w.post("5.4", "/recipe/signup", elsewhere).await.ok();
    let told = [("", PASSWORD), ("", "another one"), ("/t1", PASSWORD), ("/t1", "another one")];
    for ((place, password), lets_in) in told.into_iter().zip([false, true, true, false]) {
        assert_eq!(signs_in(w, place, "a@example.com", password).await, lets_in, "{place} {password}");
    }
}

async fn a_mapped_user_is_shown_by_the_external_id(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    map(w, &id, "ext").await;
    let said = sign_in(w, "", "a@example.com").await.ok();
    assert_eq!([text(&said["user"], "id"), text(&said, "recipeUserId")], ["ext", "ext"]);
    assert_eq!(said["user"]["loginMethods"][0]["recipeUserId"], "ext");
    let old = w.post("3.0", "/recipe/signin", json!({ "email": "a@example.com", "password": PASSWORD })).await.ok();
    assert_eq!(text(&old["user"], "id"), "ext");
}

async fn whoever_signs_in_was_active_once_in_five_minutes(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let active = format!("select last_active_time from user_last_active where user_id = '{id}'");
    let begin = w.clock.now();
    let at = async || w.value(&active).await.expect("a time").parse::<i64>().expect("a number");
    for (after, shown) in [(1_000, 0), (298_000, 0), (2_000, 301_000), (299_000, 301_000)] {
        w.clock.advance(after);
        sign_in(w, "", "a@example.com").await.ok();
        assert_eq!(at().await - begin, shown);
    }
    let signed_in = "activity_log where event_type = 'emailpassword_sign_in'";
    assert_eq!(count(w, signed_in).await, 4);
    sign_in_with(w, "", "a@example.com", "wrong").await.says("WRONG_CREDENTIALS_ERROR");
    assert_eq!(count(w, signed_in).await, 4);
}

async fn where_the_recipe_is_switched_off_old_versions_are_refused(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    w.write("update tenant_configs set email_password_enabled = false where app_id = 'public' and tenant_id = 'public'").await;
    w.core().run_chore(supertokens_core::chores::Chore::SyncTenants).await.expect("it is seen");
    let words = "Email password login not enabled for tenant";
    let credentials = json!({ "email": "b@example.com", "password": PASSWORD });
    let hash = json!({ "email": "c@example.com", "passwordHash": stored_hash(w, &id).await });
    for cdi in ["3.0", "4.0", "5.0"] {
        w.post(cdi, "/recipe/signup", credentials.clone()).await.refuses(403, words);
        w.post(cdi, "/recipe/signin", credentials.clone()).await.refuses(403, words);
        let token = json!({ "userId": "nobody", "email": "b@example.com" });
        w.post(cdi, "/recipe/user/password/reset/token", token).await.refuses(403, words);
        w.post(cdi, "/recipe/user/passwordhash/import", hash.clone()).await.refuses(403, words);
        // What is wrong with the body, or the place, is said first.
        w.post(cdi, "/recipe/signin", json!({})).await.refuses(400, "Field name 'email' is invalid in JSON input");
        assert_eq!(w.post(cdi, "/ghost/recipe/signin", credentials.clone()).await.status, 400);
        // Nobody is kept from what is not logging in.
        w.get(cdi, &format!("/recipe/user?userId={id}")).await.ok();
        let reset = json!({ "method": "token", "token": "x", "newPassword": "y" });
        w.post(cdi, "/recipe/user/password/reset", reset).await.says("RESET_PASSWORD_INVALID_TOKEN_ERROR");
    }
    let change = json!({ "recipeUserId": id, "password": "another one" });
    w.put("5.0", "/recipe/user", change).await.ok();
    let consume = json!({ "token": "x" });
    w.post("5.0", "/recipe/user/password/reset/token/consume", consume).await.says("RESET_PASSWORD_INVALID_TOKEN_ERROR");
    w.post("5.1", "/recipe/signup", credentials.clone()).await.ok();
    w.post("5.1", "/recipe/signin", credentials).await.ok();
    w.post("5.1", "/recipe/user/passwordhash/import", hash).await.ok();
}

scenarios!(World:
    the_right_password_lets_in_and_no_other,
    nobody_learns_who_has_an_account,
    whoever_is_unknown_costs_as_much_as_whoever_is_not,
    whoever_is_unknown_waits_as_long_as_whoever_is_not needs AQuietMachine,
    a_password_is_good_in_its_tenant_only,
    a_mapped_user_is_shown_by_the_external_id,
    whoever_signs_in_was_active_once_in_five_minutes,
    where_the_recipe_is_switched_off_old_versions_are_refused,
);
