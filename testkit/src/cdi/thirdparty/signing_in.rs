//! Signing in and up: what comes back, what is kept, and what is refused (core-recipes-1.md 6, scenarios 1 to 15, 31 to 35, 37 and 39).

use serde_json::{Value, json};

use super::{account, sign_in};
use crate::cdi::costs::costs;
use crate::cdi::place::{count, in_query, put_tenant};
use crate::{World, members, scenarios};

const SIGN_IN_UP: &str = "/recipe/signinup";

fn invalid(field: &str) -> String {
    format!("Field name '{field}' is invalid in JSON input")
}

async fn somebody_new_is_one_login_method(w: &World) {
    let said = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    let now = w.clock.now();
    let id = said["recipeUserId"].as_str().expect("an id");
    assert_eq!((id.len(), &said["createdNewUser"]), (36, &json!(true)));
    let third_party = json!({ "id": "google", "userId": "g1" });
    assert_eq!(
        said["user"],
        json!({
            "id": id, "isPrimaryUser": false, "tenantIds": ["public"], "timeJoined": now, "emails": ["a@x.io"], "phoneNumbers": [],
            "thirdParty": [third_party], "webauthn": { "credentialIds": [] },
            "loginMethods": [{
                "tenantIds": ["public"], "recipeUserId": id, "verified": false, "timeJoined": now, "recipeId": "thirdparty",
                "email": "a@x.io", "thirdParty": third_party,
            }],
        })
    );
    w.clock.advance(1);
    let again = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    assert_eq!((&again["createdNewUser"], &again["user"]), (&json!(false), &said["user"]));
    assert_eq!(again["recipeUserId"], id);
}

async fn each_version_has_its_shape(w: &World) {
    let first = sign_in(w, "2.7", "", "g1", "a@x.io", true).await;
    assert_eq!(members(&first), ["createdNewUser", "status", "user"]);
    assert_eq!(members(&first["user"]), ["email", "id", "thirdParty", "timeJoined"]);
    for (cdi, tenants) in [("2.8", false), ("2.21", false), ("3.0", true), ("3.1", true)] {
        let said = sign_in(w, cdi, "", "g1", "a@x.io", true).await;
        assert_eq!(members(&said), ["createdNewUser", "status", "user"], "{cdi}");
        assert_eq!(said["user"]["tenantIds"], if tenants { json!(["public"]) } else { Value::Null }, "{cdi}");
        assert_eq!(said["user"]["id"], first["user"]["id"]);
    }
    for (cdi, passkeys) in [("4.0", false), ("5.2", false), ("5.3", true), ("5.6", true)] {
        let said = sign_in(w, cdi, "", "g1", "a@x.io", true).await;
        assert_eq!(members(&said), ["createdNewUser", "recipeUserId", "status", "user"], "{cdi}");
        assert_eq!(said["user"]["webauthn"].is_object(), passkeys, "{cdi}");
    }
    let text = w.post("5.4", SIGN_IN_UP, account("google", "g1", "a@x.io", true)).await.text;
    assert!(text.starts_with(r#"{"status":"OK","createdNewUser":false,"user":{"id":"#), "{text}");
    assert!(text.contains(r#"},"recipeUserId":""#), "{text}");
}

async fn a_provider_vouches_for_an_address_at_some_versions(w: &World) {
    let marked = async || count(w, "emailverification_verified_emails").await;
    for (user, cdi, is_marked) in
        [("g1", "2.7", true), ("g2", "2.8", false), ("g3", "3.1", false), ("g4", "4.0", true), ("g5", "5.6", true)]
    {
        let before = marked().await;
        sign_in(w, cdi, "", user, &format!("{user}@x.io"), false).await;
        assert_eq!(marked().await, before);
        sign_in(w, cdi, "", user, &format!("{user}@x.io"), true).await;
        sign_in(w, cdi, "", user, &format!("{user}@x.io"), true).await;
        assert_eq!(marked().await - before, u64::from(is_marked), "{cdi}");
        let said = sign_in(w, "5.4", "", user, &format!("{user}@x.io"), false).await;
        assert_eq!(said["user"]["loginMethods"][0]["verified"], is_marked, "{cdi}: not taken back");
        let by_id = format!("/user/id?userId={}", said["recipeUserId"].as_str().expect("an id"));
        assert_eq!(w.get("5.4", &by_id).await.ok()["user"], said["user"]);
    }
}

async fn a_verified_address_stays_so_for_when_it_comes_back(w: &World) {
    let verified = async |email: &str, is_verified| {
        let said = sign_in(w, "5.4", "", "g1", email, is_verified).await;
        let method = &said["user"]["loginMethods"][0];
        assert_eq!((&method["email"], &said["user"]["emails"]), (&json!(email), &json!([email])));
        method["verified"].as_bool().expect("a boolean")
    };
    assert!(verified("a@x.io", true).await);
    assert!(!verified("b@x.io", false).await);
    assert!(verified("a@x.io", false).await);
    assert!(verified("c@x.io", true).await);
}

async fn an_address_is_kept_in_one_spelling_and_the_rest_as_it_came(w: &World) {
    let said = sign_in(w, "5.4", "", "g1", " A@X.Com ", false).await;
    assert_eq!(said["user"]["emails"], json!(["a@x.com"]));
    let id = said["recipeUserId"].clone();
    assert_eq!(sign_in(w, "5.4", "", "g1", "A@x.com", false).await["recipeUserId"], id);
    let mut ids = Vec::new();
    for provider in ["x", " x ", "X", ""] {
        let said = w.post("5.4", SIGN_IN_UP, account(provider, "", "", false)).await.ok();
        assert_eq!(said["user"]["thirdParty"], json!([{ "id": provider, "userId": "" }]));
        assert_eq!(said["createdNewUser"], true);
        ids.push(said["recipeUserId"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let shared = sign_in(w, "5.4", "", "g2", "a@x.com", false).await;
    assert_eq!(
        (&shared["createdNewUser"], &shared["user"]["emails"]),
        (&json!(true), &json!(["a@x.com"])),
        "many may have an address"
    );
}

async fn what_is_wrong_is_said_in_order(w: &World) {
    let whole = account("google", "g1", "a@x.io", true);
    let mut body = json!({});
    for (field, name) in [("thirdPartyId", "thirdPartyId"), ("thirdPartyUserId", "thirdPartyUserId"), ("email", "email")] {
        w.post("5.4", SIGN_IN_UP, body.clone()).await.refuses(400, &invalid(name));
        body[field] = whole[field].clone();
    }
    let with_email = |email: Value| json!({ "thirdPartyId": "google", "thirdPartyUserId": "g1", "email": email });
    for (email, name) in [
        (json!("a@b"), "email"),
        (json!(null), "email"),
        (json!({}), "id"),
        (json!({ "id": null, "isVerified": "x" }), "id"),
        (json!({ "id": "a@b" }), "isVerified"),
        (json!({ "id": "a@b", "isVerified": "true" }), "isVerified"),
        (json!({ "id": "a@b", "isVerified": null }), "isVerified"),
    ] {
        for cdi in ["2.7", "4.0", "5.6"] {
            w.post(cdi, SIGN_IN_UP, with_email(email.clone())).await.refuses(400, &invalid(name));
        }
    }
    w.post("5.4", "/ghost/recipe/signinup", json!({})).await.refuses(400, &invalid("thirdPartyId"));
    w.post("2.8", SIGN_IN_UP, with_email(json!({ "id": "a@b", "isVerified": "zz" }))).await.ok();
    let said = w.post("5.4", SIGN_IN_UP, with_email(json!({ "id": "a@b", "isVerified": 1 }))).await.ok();
    assert_eq!(said["user"]["loginMethods"][0]["verified"], false);
    let unknown = w.post("5.4", "/ghost/recipe/signinup", whole).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.starts_with("AppId or tenantId not found"), "{}", unknown.text);
}

async fn what_would_not_fit_or_could_be_taken_for_another_is_refused(w: &World) {
    let long = |n: usize| "é".repeat(n);
    for (body, name) in [
        (account(&long(28), "g", "a@x", false), None),
        (account(&long(29), "g", "a@x", false), Some("thirdPartyId")),
        (account("a\0", "g", "a@x", false), Some("thirdPartyId")),
        (account("a::b", "g", "a@x", false), Some("thirdPartyId")),
        (account("a:", "g", "a@x", false), Some("thirdPartyId")),
        (account("a:b", ":g", "a@x", false), None),
        (account("a", "b::c", "a@x", false), None),
        (account("a", &long(256), "a@x", false), None),
        (account("a", &long(257), "a@x", false), Some("thirdPartyUserId")),
        (account("a", "\0", "a@x", false), Some("thirdPartyUserId")),
        (account("b", "g", &long(256), false), None),
        (account("b", "g", &format!(" {} ", long(256)), false), None),
        (account("b", "g", &long(257), false), Some("id")),
        (account("b", "g", "a\0@x", false), Some("id")),
        (account("b", "g", "\0a@x", false), None),
    ] {
        let answer = w.post("5.4", SIGN_IN_UP, body).await;
        match name {
            Some(name) => answer.refuses(400, &invalid(name)),
            None => drop(answer.ok()),
        }
    }
}

/// Whoever is somebody at a provider, and whatever they call themselves there, is nobody else here.
async fn accounts_are_told_apart_to_the_letter(w: &World) {
    let victim = sign_in(w, "5.4", "", "g1", "a@x.io", true).await["recipeUserId"].clone();
    let own_id = victim.as_str().expect("an id").to_owned();
    let mut users = vec!["g1".to_owned(), own_id.clone(), format!("{own_id} ")];
    users.extend(
        [
            "G1",
            "g1 ",
            " g1",
            "g1\t",
            "g1\n",
            "g%",
            "g_",
            "%",
            "g1\\",
            "g1'; drop table thirdparty_users; --",
            "\u{feff}g1",
            "g1\u{200b}",
            "g\u{ff11}",
            "\u{e9}",
            "e\u{301}",
            "::g1",
            "google::g1",
            ":",
            "null",
            "[\"g1\"]",
        ]
        .map(str::to_owned),
    );
    let mut ids = std::collections::BTreeSet::new();
    for (n, user) in users.iter().enumerate() {
        let said = sign_in(w, "5.4", "", user, "a@x.io", false).await;
        assert_eq!(said["createdNewUser"], n > 0, "{user:?}");
        assert_eq!(said["user"]["thirdParty"], json!([{ "id": "google", "userId": user }]));
        assert_eq!(said["user"]["loginMethods"][0]["verified"], n == 0, "{user:?}: nobody else is vouched for");
        ids.insert(said["recipeUserId"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids.len(), users.len());
    for user in &users {
        let path = format!("/recipe/user?thirdPartyId=google&thirdPartyUserId={}", in_query(user));
        let found = w.raw("GET", &path, &[("cdi-version", "5.4"), ("rid", "thirdparty")], "").await.ok();
        assert_eq!(found["user"]["thirdParty"][0]["userId"], *user);
    }
}

async fn an_address_may_be_any_text_that_fits(w: &World) {
    let ten_kilobytes = "a".repeat(10_000);
    for (body, name) in [
        (account(&ten_kilobytes, "g", "a@x", true), "thirdPartyId"),
        (account("google", &ten_kilobytes, "a@x", true), "thirdPartyUserId"),
        (account("google", "g", &ten_kilobytes, true), "id"),
        // Small, each of these is two characters.
        (account("google", "g", &"\u{130}".repeat(129), true), "id"),
    ] {
        w.post("5.4", SIGN_IN_UP, body).await.refuses(400, &invalid(name));
    }
    for (n, (given, kept)) in [
        (" \0\tA@X\r\n ", "a@x"),
        ("a@x\u{a0}", "a@x\u{a0}"),
        ("\u{c9}@X", "\u{e9}@x"),
        ("a'@x\"<b>", "a'@x\"<b>"),
        ("", ""),
        ("%", "%"),
    ]
    .into_iter()
    .enumerate()
    {
        let said = sign_in(w, "5.4", "", &format!("g{n}"), given, true).await;
        assert_eq!(said["user"]["emails"], json!([kept]));
        let listed = w.get("5.4", &format!("/recipe/users/by-email?email={}", in_query(given))).await.ok();
        assert_eq!(listed["users"], json!([said["user"]]), "{given:?}");
        // A later one that does not fit changes nothing.
        w.post("5.4", SIGN_IN_UP, account("google", &format!("g{n}"), &ten_kilobytes, true)).await.refuses(400, &invalid("id"));
        assert_eq!(sign_in(w, "5.4", "", &format!("g{n}"), given, true).await["user"], said["user"]);
    }
}

async fn an_account_is_one_user_in_each_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    let one = sign_in(w, "5.4", "/t1", "g1", "a@x.io", false).await;
    let two = sign_in(w, "5.4", "/t2", "g1", "a@x.io", false).await;
    assert_eq!((&one["createdNewUser"], &two["createdNewUser"]), (&json!(true), &json!(true)));
    assert_eq!((&one["user"]["tenantIds"], &two["user"]["tenantIds"]), (&json!(["t1"]), &json!(["t2"])));
    let changed = sign_in(w, "5.4", "/t1", "g1", "b@x.io", false).await;
    assert_eq!((&changed["user"]["id"], &changed["user"]["emails"]), (&one["user"]["id"], &json!(["b@x.io"])));
    let untouched = format!("/user/id?userId={}", two["user"]["id"].as_str().expect("an id"));
    assert_eq!(w.get("5.4", &untouched).await.ok()["user"], two["user"], "somebody else, elsewhere");
    assert_eq!(w.post("2.7", "/t1/recipe/signinup", account("google", "g1", "b@x.io", false)).await.status, 404);
}

async fn a_tenant_can_do_without_providers_at_some_versions(w: &World) {
    for (cdi, tenant) in [("4.0", "t1"), ("5.0", "t2"), ("4.0", "public")] {
        let off = json!({ "tenantId": tenant, "emailPasswordEnabled": true, "thirdPartyEnabled": false });
        w.put(cdi, "/recipe/multitenancy/tenant", off).await.ok();
    }
    let off = "ThirdParty login not enabled for tenant";
    let somebody = || account("google", "g1", "a@x.io", false);
    for (cdi, tenant) in [("2.8", ""), ("3.0", "/t1"), ("4.0", "/t1"), ("5.0", "/t2")] {
        let path = format!("{tenant}{SIGN_IN_UP}");
        w.post(cdi, &path, somebody()).await.refuses(403, off);
        w.post(cdi, &path, json!({})).await.refuses(400, &invalid("thirdPartyId"));
        let query = "thirdPartyId=google&thirdPartyUserId=g1";
        let looked =
            w.raw("GET", &format!("{tenant}/recipe/user?{query}"), &[("cdi-version", cdi), ("rid", "thirdparty")], "").await;
        looked.says("UNKNOWN_THIRD_PARTY_USER_ERROR");
        w.get(cdi, &format!("{tenant}/recipe/users/by-email?email=a@x.io")).await.ok();
    }
    for tenant in ["/t1", "/t2"] {
        sign_in(w, "5.1", tenant, "g1", "a@x.io", false).await;
    }
    sign_in(w, "2.7", "", "g1", "a@x.io", false).await;
}

async fn who_logged_in_is_logged(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let lines = async |event: &str| {
        let of = format!("activity_log where event_type = '{event}'");
        let wanted = "tenant_id, recipe_user_id, primary_or_recipe_user_id, status, auth_principal, identifier";
        let rows = w.rows(&format!("select {wanted} from {of} order by created_at")).await;
        rows.into_iter()
            .map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    sign_in(w, "2.7", "", "g0", "z@x.io", false).await;
    assert_eq!((lines("thirdparty_sign_up").await.len(), lines("user_last_active").await.len()), (0, 1));
    let said = sign_in(w, "5.4", "/t1", "g1", "A@x.io", false).await;
    let id = said["recipeUserId"].as_str().expect("an id");
    let line = format!("t1 {id} {id} success google a@x.io");
    assert_eq!(lines("thirdparty_sign_up").await, std::slice::from_ref(&line));
    sign_in(w, "5.4", "/t1", "g1", "a@x.io", false).await;
    assert_eq!(lines("thirdparty_sign_in").await, [line]);
    assert_eq!(lines("user_last_active").await.len(), 2, "at most once in five minutes");
    let active = format!("select last_active_time from user_last_active where user_id = '{id}'");
    assert_eq!(w.value(&active).await, Some(w.clock.now().to_string()));
}

async fn signing_in_costs_what_it_must(w: &World) {
    sign_in(w, "5.4", "", "other", "o@x.io", false).await;
    let post = ["", "POST", SIGN_IN_UP];
    let by = |email, is_verified| account("google", "g1", email, is_verified);
    // A look; then four rows, six where the newer tables are written, a mark and three for what is noted.
    let id = costs(w, post, by("a@x.io", true), 11, 3).await["recipeUserId"].clone();
    // A look, and a line in the log.
    costs(w, post, by("a@x.io", false), 2, 2).await;
    costs(w, post, by("a@x.io", true), 2, 2).await;
    // Two more looks, one of them behind locks, the change, and the commit.
    costs(w, post, by("b@x.io", false), 8, 6).await;
    costs(w, post, by("b@x.io", true), 3, 3).await;
    costs(w, post, by("c@x.io", true), 9, 6).await;
    let id = id.as_str().expect("an id");
    costs(w, ["thirdparty", "GET", &format!("/recipe/user?userId={id}")], Value::Null, 1, 1).await;
    costs(w, ["thirdparty", "GET", "/recipe/user?thirdPartyId=google&thirdPartyUserId=g1"], Value::Null, 1, 1).await;
    costs(w, ["", "GET", "/recipe/users/by-email?email=c@x.io"], Value::Null, 1, 1).await;
}

scenarios!(World:
    signing_in_costs_what_it_must,
    somebody_new_is_one_login_method,
    each_version_has_its_shape,
    a_provider_vouches_for_an_address_at_some_versions,
    a_verified_address_stays_so_for_when_it_comes_back,
    an_address_is_kept_in_one_spelling_and_the_rest_as_it_came,
    what_is_wrong_is_said_in_order,
    what_would_not_fit_or_could_be_taken_for_another_is_refused,
    accounts_are_told_apart_to_the_letter,
    an_address_may_be_any_text_that_fits,
    an_account_is_one_user_in_each_tenant,
    a_tenant_can_do_without_providers_at_some_versions,
    who_logged_in_is_logged,
);
