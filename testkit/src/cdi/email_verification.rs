//! Is an address somebody's? Scenarios 68 to 79 of core-users.md, but for what needs users.

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::one_time_token::hash_of;
use supertokens_domain::time::{DAY, Millis, SECOND};

use super::place::{count, in_query, make_app, put_tenant, remove_app};
use super::session::races::at_once;
use super::session::text;
use crate::{Answer, World, scenarios};

const VECTORS: &str = include_str!("../../vectors/one_time_tokens.json");
const EMAILS: &str = include_str!("../../vectors/email_normalisation.json");
const VERIFY: &str = "/recipe/user/email/verify";
const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";
const INVALID: &str = "{\"status\":\"EMAIL_VERIFICATION_INVALID_TOKEN_ERROR\"}\n";

fn invalid(field: &str) -> String {
    format!("Field name '{field}' is invalid in JSON input")
}

async fn ask_token(w: &World, at: &str, user: &str, email: &str) -> Answer {
    w.post("5.4", &format!("{at}{VERIFY}/token"), json!({ "userId": user, "email": email })).await
}

async fn token(w: &World, at: &str, user: &str, email: &str) -> String {
    let said = ask_token(w, at, user, email).await;
    let token = text(&said.ok(), "/token");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"token\":\"{token}\"}}\n"));
    assert!(token.len() == 128 && token.bytes().all(|b| b.is_ascii_alphanumeric()), "{token}");
    token
}

async fn verify(w: &World, at: &str, token: &str) -> Answer {
    w.post("5.4", &format!("{at}{VERIFY}"), json!({ "method": "token", "token": token })).await
}

async fn is_verified(w: &World, user: &str, email: &str) -> bool {
    let path = format!("{VERIFY}?userId={}&email={}", in_query(user), in_query(email));
    let said = w.get("5.4", &path).await;
    let is = said.ok()["isVerified"].as_bool().expect("a boolean");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"isVerified\":{is}}}\n"));
    is
}

async fn tokens(w: &World, rest: &str) -> u64 {
    count(w, &format!("emailverification_tokens {rest}")).await
}

/// A token as another core would have stored it.
async fn put_token(w: &World, user: &str, token: &str, expires_at: Millis) {
    w.write(&format!(
        "insert into emailverification_tokens (app_id, tenant_id, user_id, email, token, token_expiry)
         values ('public', 'public', '{user}', 'a@b.c', '{}', {expires_at})",
        hash_of(token)
    ))
    .await;
}

async fn an_address_is_verified_by_what_was_sent_to_it(w: &World) {
    let sent = token(w, "", "u", " A@B.c ").await;
    let row = w.rows("select app_id, tenant_id, user_id, email, token, token_expiry from emailverification_tokens").await;
    let expiry = (w.clock.now() + DAY).to_string();
    let columns = ["public", "public", "u", "a@b.c", &hash_of(&sent), &expiry].map(|column| Some(column.to_owned()));
    assert_eq!(row, [columns]);
    assert!(!is_verified(w, "u", "a@b.c").await);
    assert_eq!(verify(w, "", &sent).await.text, "{\"status\":\"OK\",\"userId\":\"u\",\"email\":\"a@b.c\"}\n");
    assert!(is_verified(w, "u", "a@b.c").await);
    assert_eq!(verify(w, "", &sent).await.text, INVALID);
    let said = ask_token(w, "", "u", "a@B.C").await;
    assert_eq!(said.text, "{\"status\":\"EMAIL_ALREADY_VERIFIED_ERROR\"}\n");
    assert!(!is_verified(w, "v", "a@b.c").await && !is_verified(w, "u", "b@b.c").await);
    token(w, "", "u", "other@b.c").await;
    token(w, "", "v", "a@b.c").await;
}

/// Other cores made theirs of other bytes; only the hash counts.
async fn tokens_of_the_java_core_are_taken(w: &World) {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    for kind in ["email_verification", "password_reset"] {
        for (n, case) in vectors[kind].as_array().expect("cases").iter().enumerate() {
            let (user, sent) = (format!("{kind}{n}"), text(case, "/token"));
            assert_eq!(hash_of(&sent), text(case, "/hash"));
            put_token(w, &user, &sent, w.clock.now()).await;
            assert_eq!(verify(w, "", &sent).await.ok()["userId"], json!(user));
        }
    }
}

async fn addresses_are_one_in_every_spelling(w: &World) {
    let vectors: Value = serde_json::from_str(EMAILS).expect("JSON");
    for (n, case) in vectors["cases"].as_array().expect("cases").iter().enumerate() {
        let (given, kept, user) = (text(case, "/in"), text(case, "/out"), format!("u{n}"));
        let sent = token(w, "", &user, &given).await;
        assert_eq!(verify(w, "", &sent).await.ok()["email"], json!(kept));
        assert!(is_verified(w, &user, &given).await && is_verified(w, &user, &kept).await, "{given:?}");
        w.post("5.4", &format!("{VERIFY}/remove"), json!({ "userId": user, "email": given })).await.ok();
        assert!(!is_verified(w, &user, &kept).await);
    }
}

async fn a_token_works_where_it_was_made(w: &World) {
    for tenant in ["t1", "t2"] {
        put_tenant(w, "", tenant, json!({})).await;
    }
    make_app(w, "a").await;
    let sent = token(w, "/t1", "u", "a@b.c").await;
    for elsewhere in ["/t2", "", "/appid-a"] {
        assert_eq!(verify(w, elsewhere, &sent).await.text, INVALID);
    }
    verify(w, "/t1", &sent).await.ok();
    assert!(is_verified(w, "u", "a@b.c").await, "in the whole app");
    let path = format!("/appid-a{VERIFY}?userId=u&email=a%40b.c");
    assert_eq!(w.get("5.4", &path).await.ok()["isVerified"], false);
    ask_token(w, "/t2", "u", "a@b.c").await.says("EMAIL_ALREADY_VERIFIED_ERROR");
}

async fn the_other_tokens_of_a_pair_die_with_the_first(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let (one, two) = (token(w, "", "u", "a@b.c").await, token(w, "", "u", "a@b.c").await);
    let (other, elsewhere) = (token(w, "", "u", "z@b.c").await, token(w, "/t1", "u", "a@b.c").await);
    let anothers = token(w, "", "v", "a@b.c").await;
    verify(w, "", &one).await.ok();
    assert_eq!(verify(w, "", &two).await.text, INVALID);
    // That of another tenant was made before, and is used up as well, though there is nothing left to show.
    for (at, sent) in [("", other), ("/t1", elsewhere.clone()), ("", anothers)] {
        verify(w, at, &sent).await.ok();
    }
    assert_eq!((tokens(w, "").await, count(w, "emailverification_verified_emails").await), (0, 3));
    assert_eq!(verify(w, "/t1", &elsewhere).await.text, INVALID);
}

async fn a_token_is_good_up_to_its_last_millisecond(w: &World) {
    w.with_config(json!({ "email_verification_token_lifetime": 60_000 })).await;
    put_tenant(w, "", "t1", json!({ "email_verification_token_lifetime": 1_000 })).await;
    let (one, two) = (token(w, "", "u", "a@b.c").await, token(w, "", "v", "a@b.c").await);
    let short = token(w, "/t1", "u", "z@b.c").await;
    w.clock.advance(SECOND + 1);
    assert_eq!(verify(w, "/t1", &short).await.text, INVALID);
    w.clock.advance(59 * SECOND - 1);
    verify(w, "", &one).await.ok();
    w.clock.advance(1);
    assert_eq!(tokens(w, "").await, 1);
    assert_eq!(verify(w, "", &two).await.text, INVALID);
    assert_eq!(tokens(w, "").await, 0, "what is too old goes when it is brought");
    assert!(!is_verified(w, "v", "a@b.c").await);
}

async fn what_is_asked_is_looked_at_before_the_place(w: &World) {
    let ask = async |at: &str, path: &str, body: Value| w.post("5.4", &format!("{at}{VERIFY}{path}"), body).await;
    for at in ["", "/ghost"] {
        let said = ask(at, "", json!({ "method": "tokens", "token": "x" })).await;
        said.refuses(400, "Unsupported method for email verification");
        ask(at, "", json!({ "token": "x" })).await.refuses(400, &invalid("method"));
        ask(at, "", json!({ "method": "other" })).await.refuses(400, &invalid("token"));
        for path in ["/token", "/remove", "/token/remove"] {
            ask(at, path, json!({ "email": "a" })).await.refuses(400, &invalid("userId"));
            ask(at, path, json!({ "userId": "u" })).await.refuses(400, &invalid("email"));
            ask(at, path, json!({ "userId": "u", "email": 5 })).await.refuses(400, &invalid("email"));
        }
    }
    w.get("5.4", &format!("{VERIFY}?userId=u")).await.refuses(400, "Field name 'email' is missing in GET request");
    w.get("5.4", &format!("{VERIFY}?email=a")).await.refuses(400, "Field name 'userId' is missing in GET request");
    let nowhere = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId \
                   combination not found: ";
    let pair = || json!({ "userId": "u", "email": "a@b.c" });
    for path in ["/token", "/token/remove"] {
        ask("/ghost", path, pair()).await.refuses(400, &format!("{nowhere}(, public, ghost)"));
    }
    verify(w, "/ghost", "x").await.refuses(400, &format!("{nowhere}(, public, ghost)"));
    // Of an app that is not there nobody asks which tenant it was.
    for at in ["/appid-a", "/appid-a/t1"] {
        ask(at, "/remove", pair()).await.refuses(400, &format!("{nowhere}(, a, public)"));
        let path = format!("{at}{VERIFY}?userId=u&email=a");
        w.get("5.4", &path).await.refuses(400, &format!("{nowhere}(, a, public)"));
    }
}

async fn only_the_public_tenant_asks_for_the_app(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let pair = json!({ "userId": "u", "email": "a@b.c" });
    for at in ["/t1", "/ghost"] {
        verify(w, "", &token(w, "", "u", "a@b.c").await).await.ok();
        let (get, remove) = (format!("{at}{VERIFY}?userId=u&email=a%40b.c"), format!("{at}{VERIFY}/remove"));
        w.get("5.0", &get).await.refuses(403, ONLY_PUBLIC);
        w.post("5.0", &remove, pair.clone()).await.refuses(403, ONLY_PUBLIC);
        assert_eq!(w.get("4.0", &get).await.ok()["isVerified"], true);
        w.post("4.0", &remove, pair.clone()).await.ok();
        assert!(!is_verified(w, "u", "a@b.c").await);
        assert_eq!(w.get("2.21", &get).await.status, 404);
    }
    for cdi in ["2.7", "3.0", "4.0", "5.6"] {
        let sent = w.post(cdi, &format!("{VERIFY}/token"), pair.clone()).await.ok();
        let body = json!({ "method": "token", "token": sent["token"] });
        w.post(cdi, VERIFY, body).await.ok();
        w.post(cdi, &format!("{VERIFY}/remove"), pair.clone()).await.ok();
        w.post(cdi, &format!("{VERIFY}/token/remove"), pair.clone()).await.ok();
    }
}

async fn what_is_not_there_is_removed_all_the_same(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let pair = json!({ "userId": "u", "email": " A@b.c" });
    let (kept, there) = (token(w, "", "u", "z@b.c").await, token(w, "/t1", "u", "a@b.c").await);
    token(w, "", "u", "a@b.c").await;
    for path in ["/token/remove", "/remove"] {
        for _ in 0..2 {
            let said = w.post("5.4", &format!("{VERIFY}{path}"), pair.clone()).await;
            assert_eq!(said.text, "{\"status\":\"OK\"}\n");
        }
    }
    assert_eq!(tokens(w, "where email = 'a@b.c' and tenant_id = 'public'").await, 0);
    verify(w, "", &kept).await.ok();
    verify(w, "/t1", &there).await.ok();
}

async fn an_id_is_used_as_it_was_sent(w: &World) {
    let long = "é".repeat(128);
    for user in
        ["", " ", "u", " u", "u ", "U", "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000a   ", &long]
    {
        assert!(!is_verified(w, user, "a@b.c").await, "{user:?} is nobody else");
        let sent = token(w, "", user, "a@b.c").await;
        assert_eq!(verify(w, "", &sent).await.ok()["userId"], json!(user));
        assert!(is_verified(w, user, "a@b.c").await);
    }
    let sent = token(w, "", "empty", "").await;
    assert_eq!(verify(w, "", &sent).await.ok()["email"], "");
}

async fn what_no_column_holds_is_refused_or_not_there(w: &World) {
    let (user, email) = ("i".repeat(129), format!("{}@b.c", "é".repeat(253)));
    ask_token(w, "", &user, "a@b.c").await.refuses(400, &invalid("userId"));
    ask_token(w, "", "a\u{0}b", "a@b.c").await.refuses(400, &invalid("userId"));
    for email in [&email, "a\u{0}@b.c", &"x".repeat(10_000)] {
        ask_token(w, "", "u", email).await.refuses(400, &invalid("email"));
    }
    token(w, "", "u", &format!(" {}\u{0}", &email["é".len()..])).await;
    assert!(!is_verified(w, &user, "a@b.c").await && !is_verified(w, "u", &email).await);
    for path in ["/remove", "/token/remove"] {
        w.post("5.4", &format!("{VERIFY}{path}"), json!({ "userId": user, "email": email })).await.ok();
        let said = w.post("5.4", &format!("{VERIFY}{path}"), json!({ "userId": "u", "email": "a\u{0}b" })).await;
        said.refuses(400, &invalid("email"));
    }
    for sent in ["", "x", "a\u{0}b", &"x".repeat(10_000), "\u{1f600}", "' or 1 = 1 --"] {
        assert_eq!(verify(w, "", sent).await.text, INVALID);
    }
    // The hash that is stored is no token.
    let row = w.value("select token from emailverification_tokens").await.expect("a hash");
    assert_eq!(verify(w, "", &row).await.text, INVALID);
}

async fn of_many_who_bring_a_token_one_is_first(w: &World) {
    for round in 0..10 {
        let user = format!("u{round}");
        let (one, two) = (token(w, "", &user, "a@b.c").await, token(w, "", &user, "a@b.c").await);
        let callers = (0..8).map(|n| {
            let (w, sent) = (w.clone(), if n % 2 == 0 { one.clone() } else { two.clone() });
            async move { verify(&w, "", &sent).await.done()["status"].clone() }
        });
        let said = at_once(callers.collect()).await;
        assert_eq!(said.iter().filter(|status| **status == "OK").count(), 1, "{said:?}");
        assert!(said.iter().all(|status| *status == "OK" || *status == "EMAIL_VERIFICATION_INVALID_TOKEN_ERROR"), "{said:?}");
        assert_eq!(count(w, &format!("emailverification_verified_emails where user_id = '{user}'")).await, 1);
        assert_eq!(tokens(w, "").await, 0);
    }
}

async fn tokens_are_asked_for_and_brought_at_the_same_time(w: &World) {
    for round in 0..10 {
        let user = format!("u{round}");
        let sent = token(w, "", &user, "a@b.c").await;
        let callers = (0..8).map(|n| {
            let (w, sent, user) = (w.clone(), sent.clone(), user.clone());
            async move {
                match n {
                    0 => verify(&w, "", &sent).await.ok()["status"].clone(),
                    _ => ask_token(&w, "", &user, "a@b.c").await.done()["status"].clone(),
                }
            }
        });
        let said = at_once(callers.collect()).await;
        assert!(said.iter().all(|status| *status == "OK" || *status == "EMAIL_ALREADY_VERIFIED_ERROR"), "{said:?}");
        assert!(is_verified(w, &user, "a@b.c").await);
    }
}

async fn tokens_that_nobody_brought_are_swept(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    make_app(w, "a").await;
    let now = w.clock.now();
    put_token(w, "old", "old", now - 1).await;
    put_token(w, "last", "last", now).await;
    for at in ["", "/t1", "/appid-a"] {
        token(w, at, "u", "a@b.c").await;
    }
    verify(w, "", &token(w, "", "verified", "a@b.c").await).await.ok();
    let run = async || w.core().run_chore(Chore::DeleteExpiredVerificationTokens).await.expect("the chore is done");
    assert_eq!((run().await, run().await, tokens(w, "").await), (1, 0, 4));
    verify(w, "", "last").await.ok();
    w.clock.advance(DAY);
    assert_eq!(run().await, 0);
    w.clock.advance(1);
    assert_eq!((run().await, tokens(w, "").await), (3, 0));
    assert!(is_verified(w, "verified", "a@b.c").await, "that never ends");
}

async fn tenants_and_apps_take_theirs_along(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    make_app(w, "a").await;
    let kept = token(w, "", "u", "a@b.c").await;
    token(w, "/t1", "u", "a@b.c").await;
    w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(tokens(w, "").await, 1);
    verify(w, "/appid-a", &token(w, "/appid-a", "u", "a@b.c").await).await.ok();
    let pending = token(w, "/appid-a", "v", "a@b.c").await;
    // Another core removes it, and this one finds out by writing.
    remove_app(w, "a").await;
    assert_eq!((tokens(w, "").await, count(w, "emailverification_verified_emails").await), (1, 0));
    let said = ask_token(w, "/appid-a", "v", "a@b.c").await;
    assert!(said.status == 400 && said.text.starts_with("AppId or tenantId not found => "), "{}", said.text);
    let said = verify(w, "/appid-a", &pending).await;
    assert!(said.status == 400 || said.text == INVALID, "{}", said.text);
    verify(w, "", &kept).await.ok();
}

scenarios!(World:
    an_address_is_verified_by_what_was_sent_to_it,
    tokens_of_the_java_core_are_taken,
    addresses_are_one_in_every_spelling,
    a_token_works_where_it_was_made,
    the_other_tokens_of_a_pair_die_with_the_first,
    a_token_is_good_up_to_its_last_millisecond,
    what_is_asked_is_looked_at_before_the_place,
    only_the_public_tenant_asks_for_the_app,
    what_is_not_there_is_removed_all_the_same,
    an_id_is_used_as_it_was_sent,
    what_no_column_holds_is_refused_or_not_there,
    of_many_who_bring_a_token_one_is_first,
    tokens_are_asked_for_and_brought_at_the_same_time,
    tokens_that_nobody_brought_are_swept,
    tenants_and_apps_take_theirs_along,
);
