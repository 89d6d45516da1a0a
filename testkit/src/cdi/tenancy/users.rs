//! Users join tenants and leave them (core-users.md 6 and 11, scenarios 114 to 125; core-linking.md 4).

use futures_util::join;
use serde_json::{Value, json};

use super::{app, count, tenant};
use crate::cdi::passwordless::somebody;
use crate::cdi::session::create;
use crate::cdi::session::races::at_once;
use crate::cdi::users::{By, id, make_passkey, put_login};
use crate::{Answer, World, members, scenarios};

const ADD: &str = "/recipe/multitenancy/tenant/user";
const REMOVE: &str = "/recipe/multitenancy/tenant/user/remove";
const LINKING: &str = "/recipe/accountlinking/user";

async fn add(w: &World, to: &str, user: &str) -> Answer {
    w.post("5.4", &format!("{to}{ADD}"), json!({ "recipeUserId": user })).await
}

async fn added(w: &World, to: &str, n: u8) -> Value {
    add(w, to, &id(n)).await.ok()["wasAlreadyAssociated"].clone()
}

async fn removed(w: &World, from: &str, user: &str) -> Value {
    w.post("5.4", &format!("{from}{REMOVE}"), json!({ "recipeUserId": user })).await.ok()["wasAssociated"].clone()
}

async fn tenants(w: &World, names: &[&str]) {
    for name in names {
        tenant(w, "", json!({ "tenantId": name })).await.ok();
    }
}

async fn ids_are_trimmed_as_upstream_trims_them(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    add(w, "/t1", &format!(" \t\u{1}\u{0}{}\n ", id(1))).await.ok();
    // A blank that is not cut off belongs to the id.
    for other in ["\u{a0}", "\u{3000}"] {
        add(w, "/t1", &format!("{other}{}", id(1))).await.says("UNKNOWN_USER_ID_ERROR");
    }
    w.post("5.4", &format!("/t1{ADD}"), json!({ "recipeUserId": "a\u{0}b" }))
        .await
        .refuses(400, "Field name 'recipeUserId' is invalid in JSON input");
    w.post("5.4", &format!("/t1{ADD}"), json!({ "recipeUserId": " \u{1}" }))
        .await
        .refuses(400, "Field name 'userId' cannot be an empty String");
}

async fn make_primary(w: &World, n: u8) -> Answer {
    w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": id(n) })).await
}

async fn link(w: &World, n: u8, primary: u8) {
    w.post("5.4", &format!("{LINKING}/link"), json!({ "recipeUserId": id(n), "primaryUserId": id(primary) })).await.ok();
}

async fn user(w: &World, n: u8) -> Value {
    w.get("5.4", &format!("/user/id?userId={}", id(n))).await.ok()["user"].clone()
}

async fn tenants_of(w: &World, n: u8) -> Value {
    let user = user(w, n).await;
    let methods = user["loginMethods"].as_array().expect("a list").iter();
    methods.into_iter().find(|method| method["recipeUserId"] == id(n)).expect("its login method")["tenantIds"].clone()
}

/// Maps the n-th to an id of the application's own, past all checks.
async fn map(w: &World, n: u8, external: &str) {
    let columns = "app_id, supertokens_user_id, external_user_id";
    w.write(&format!("insert into userid_mapping ({columns}) values ('public', '{}', '{external}')", id(n))).await;
}

async fn a_user_is_added_once_and_removed_once(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    map(w, 1, "shown").await;
    for (cdi, field, user) in
        [("3.0", "userId", id(1)), ("4.0", "recipeUserId", "shown".to_owned()), ("5.6", "recipeUserId", id(1))]
    {
        let asked = json!({ field: format!(" {user}\t") });
        let answers = [("", ADD, "wasAlreadyAssociated", [false, true]), ("/remove", ADD, "wasAssociated", [true, false])];
        for (more, path, member, [first, then]) in answers {
            for expected in [first, then] {
                let said = w.post(cdi, &format!("/t1{path}{more}"), asked.clone()).await.ok();
                assert_eq!(said, json!({ "status": "OK", member: expected }), "{cdi} {path}{more}");
            }
            let expected = if more.is_empty() { json!(["public", "t1"]) } else { json!(["public"]) };
            assert_eq!(user_shown(w, "shown").await["tenantIds"], expected);
        }
    }
    assert_eq!(w.get("5.4", "/t1/users/count").await.ok()["count"], 0);
    // Of another app it is nobody.
    let at = app(w, "a1").await;
    add(w, &at, &id(1)).await.says("UNKNOWN_USER_ID_ERROR");
    w.post("5.4", &format!("{at}{REMOVE}"), json!({ "recipeUserId": "shown" })).await.says("UNKNOWN_USER_ID_ERROR");
    for strange in [format!("{}xxx", id(1)), id(2), "SHOWN".to_owned()] {
        add(w, "/t1", &strange).await.says("UNKNOWN_USER_ID_ERROR");
        let said = w.post("5.4", &format!("/t1{REMOVE}"), json!({ "recipeUserId": strange })).await.says("UNKNOWN_USER_ID_ERROR");
        assert_eq!(members(&said), ["status"]);
    }
}

async fn user_shown(w: &World, user: &str) -> Value {
    w.get("5.4", &format!("/user/id?userId={user}")).await.ok()["user"].clone()
}

async fn what_somebody_there_logs_in_with_is_taken(w: &World) {
    tenants(w, &["t1", "t2"]).await;
    for (n, by) in [(1, By::Password("a@x")), (2, By::Code("b@x")), (3, By::Number("+1")), (4, By::Google("g", "c@x"))] {
        put_login(w, "", n, by).await;
        put_login(w, "t1", n + 10, by).await;
    }
    for (n, status) in [
        (1, "EMAIL_ALREADY_EXISTS_ERROR"),
        (2, "EMAIL_ALREADY_EXISTS_ERROR"),
        (3, "PHONE_NUMBER_ALREADY_EXISTS_ERROR"),
        (4, "THIRD_PARTY_USER_ALREADY_EXISTS_ERROR"),
    ] {
        assert_eq!(add(w, "/t1", &id(n)).await.says(status), json!({ "status": status }));
        assert_eq!(tenants_of(w, n).await, json!(["public"]));
    }
    // Of two contacts, the one that is somebody else's is named.
    for (n, contact, status) in [
        (5, "email = 'b@x', phone_number = '+5'", "EMAIL_ALREADY_EXISTS_ERROR"),
        (6, "email = 'f@x', phone_number = '+1'", "PHONE_NUMBER_ALREADY_EXISTS_ERROR"),
    ] {
        put_login(w, "t2", n, By::Code(&format!("u{n}@x"))).await;
        with_both_contacts(w, n, contact).await;
        add(w, "/t1", &id(n)).await.says(status);
    }
    // By another recipe, the same address is nobody's.
    put_login(w, "", 7, By::Google("g7", "a@x")).await;
    assert_eq!(added(w, "/t1", 7).await, false);
    assert_eq!(count(w, "recipe_user_tenants where tenant_id = 't1'").await, if reads_new(w) { 7 } else { 5 });
}

fn reads_new(w: &World) -> bool {
    w.target().kind() != crate::target::Kind::Postgres
}

/// Gives a passwordless user an address and a number, in all tables.
async fn with_both_contacts(w: &World, n: u8, contact: &str) {
    let (user, values) = (id(n), contact.split('\'').collect::<Vec<_>>());
    let (email, phone) = (values[1], values[3]);
    for table in ["passwordless_users", "passwordless_user_to_tenant"] {
        w.write(&format!("update {table} set {contact} where user_id = '{user}'")).await;
    }
    for (table, tenant) in [("recipe_user_account_infos", ""), ("recipe_user_tenants", "tenant_id, ")] {
        w.write(&format!("update {table} set account_info_value = '{email}' where recipe_user_id = '{user}'")).await;
        let rest = "recipe_user_id, recipe_id, third_party_id, third_party_user_id";
        w.write(&format!(
            "insert into {table} (app_id, {tenant}{rest}, account_info_type, account_info_value)
             select app_id, {tenant}{rest}, 'phone', '{phone}' from {table} where recipe_user_id = '{user}'"
        ))
        .await;
    }
}

/// In whichever mode; the answers are the same. Each round has users and tenants of its own.
async fn groups_own_what_they_have_where_they_are(w: &World, round: u8) {
    let [t1, t2, t3] = ["a", "b", "c"].map(|name| format!("t{name}{round}"));
    tenants(w, &[&t1, &t2, &t3]).await;
    let n = |k: u8| round * 20 + k;
    let mail = |name: &str| format!("{name}{round}@x");
    let (in1, in2) = (format!("/{t1}"), format!("/{t2}"));
    // A group in the first tenant and in the second; each of its addresses is its own in both.
    put_login(w, &t1, n(1), By::Password(&mail("a"))).await;
    put_login(w, &t2, n(2), By::Password(&mail("b"))).await;
    make_primary(w, n(1)).await.ok();
    link(w, n(2), n(1)).await;
    put_login(w, &t3, n(3), By::Password(&mail("a"))).await;
    add(w, &in1, &id(n(3))).await.says("EMAIL_ALREADY_EXISTS_ERROR");
    assert_eq!(added(w, &in2, n(3)).await, false, "it stands alone, and the recipe's key is free there");
    make_primary(w, n(3)).await.says("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
    assert_eq!(removed(w, &in2, &id(n(3))).await, true);
    make_primary(w, n(3)).await.ok();
    for at in [&in1, &in2] {
        // In the first the recipe's key is taken, too; the group comes first.
        let said = add(w, at, &id(n(3))).await.says("ASSOCIATION_NOT_ALLOWED_ERROR");
        let reason = format!("Another primary user with email already exists: {}", id(n(1)));
        assert_eq!(said, json!({ "status": "ASSOCIATION_NOT_ALLOWED_ERROR", "reason": reason }));
    }
    // A member brings what the others have.
    let phone = format!("+{round}");
    put_login(w, &t3, n(4), By::Number(&phone)).await;
    link(w, n(4), n(3)).await;
    add(w, &in1, &id(n(4))).await.says("ASSOCIATION_NOT_ALLOWED_ERROR");
    put_login(w, &t1, n(5), By::Number(&phone)).await;
    make_primary(w, n(5)).await.ok();
    put_login(w, &t2, n(6), By::Google(&format!("g{round}"), &mail("d"))).await;
    make_primary(w, n(6)).await.ok();
    put_login(w, &t3, n(7), By::Google(&format!("g{round}"), &mail("d"))).await;
    make_primary(w, n(7)).await.ok();
    let reason = format!("Another primary user with third party info already exists: {}", id(n(6)));
    assert_eq!(add(w, &in2, &id(n(7))).await.says("ASSOCIATION_NOT_ALLOWED_ERROR")["reason"], reason);
    // Who stands alone may come to where a group has its address by another recipe.
    put_login(w, &t3, n(8), By::Code(&mail("a"))).await;
    assert_eq!(added(w, &in1, n(8)).await, false);
    // One member leaves a tenant; what the group owns there stays while another is there.
    assert_eq!(added(w, &in1, n(2)).await, false);
    assert_eq!(removed(w, &in1, &id(n(1))).await, true);
    make_primary(w, n(8)).await.says("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
    assert_eq!(removed(w, &in1, &id(n(2))).await, true);
    assert_eq!(removed(w, &format!("/{t3}"), &id(n(8))).await, true);
    make_primary(w, n(8)).await.ok();
    add(w, &in1, &id(n(1))).await.says("ASSOCIATION_NOT_ALLOWED_ERROR");
    assert_eq!((user(w, n(1)).await["tenantIds"].clone(), tenants_of(w, n(1)).await), (json!([t2]), json!([])));
}

async fn a_group_owns_what_it_has_where_its_members_are(w: &World) {
    groups_own_what_they_have_where_they_are(w, 1).await;
}

async fn joining_and_leaving_are_the_same_in_every_migration_mode(w: &World) {
    for (round, mode) in (1..).zip(["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"]) {
        w.with_config(json!({ "migration_mode": mode })).await;
        groups_own_what_they_have_where_they_are(w, round).await;
        let owned = count(w, &format!("primary_user_tenants where tenant_id like 't_{round}'")).await;
        // Who owns what is written down: one address in the first tenant, two and an account there in the second, three in the third
        // beside the one of the same account.
        assert_eq!(owned > 0, mode != "LEGACY", "{mode}");
        let alone = format!("{:08x}", round * 20 + 8);
        let old = count(w, &format!("all_auth_recipe_users where user_id like '{alone}%' and tenant_id = 'ta{round}'")).await;
        let new =
            count(w, &format!("recipe_user_tenants where recipe_user_id like '{alone}%' and tenant_id = 'ta{round}'")).await;
        assert_eq!((old, new), (i64::from(mode != "MIGRATED"), i64::from(mode != "LEGACY")), "{mode}");
        let hung = format!("passwordless_user_to_tenant where user_id like '{alone}%' and tenant_id = 'ta{round}'");
        assert_eq!(count(w, &hung).await, old, "{mode}");
    }
}

/// What recipes keep about an id in a tenant, and about it in all.
async fn put_belongings(w: &World, tenant: &str, user: &str) {
    let in_path = if tenant == "public" { String::new() } else { format!("/{tenant}") };
    let asked = json!({
        "userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": false, "useDynamicSigningKey": true,
    });
    w.post("5.4", &format!("{in_path}/recipe/session"), asked).await.ok();
    for row in [
        format!("user_roles (app_id, tenant_id, user_id, role) values ('public', '{tenant}', '{user}', 'r')"),
        format!(
            "emailverification_tokens (app_id, tenant_id, user_id, email, token, token_expiry)
             values ('public', '{tenant}', '{user}', 'a@x', '{tenant}{user}', 1)"
        ),
    ] {
        w.write(&format!("insert into {row}")).await;
    }
}

async fn belongings(w: &World, tenant: &str, user: &str) -> usize {
    let mut found = 0;
    for table in ["session_info", "user_roles", "emailverification_tokens"] {
        found += usize::from(count(w, &format!("{table} where tenant_id = '{tenant}' and user_id = '{user}'")).await > 0);
    }
    found
}

async fn what_was_kept_in_the_tenant_goes_with_whoever_leaves(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "t1", 2, By::Password("b@x")).await;
    added(w, "/t1", 1).await;
    map(w, 1, "shown").await;
    for (tenant, user) in [("t1", id(1)), ("t1", "shown".to_owned()), ("t1", id(2)), ("public", "shown".to_owned())] {
        put_belongings(w, tenant, &user).await;
    }
    w.put("5.4", "/recipe/user/metadata", json!({ "userId": "shown", "metadataUpdate": { "a": 1 } })).await.ok();
    w.write("insert into emailverification_verified_emails (app_id, user_id, email) values ('public', 'shown', 'a@x')").await;
    assert_eq!(removed(w, "/t1", "shown").await, true);
    assert_eq!((belongings(w, "t1", "shown").await, belongings(w, "t1", &id(1)).await), (0, 0), "under either id");
    assert_eq!((belongings(w, "t1", &id(2)).await, belongings(w, "public", "shown").await), (3, 3));
    let kept = count(w, "user_metadata").await + count(w, "emailverification_verified_emails").await;
    assert_eq!((kept, &user_shown(w, "shown").await["loginMethods"][0]["verified"]), (2, &json!(true)));
    // Something may be there although the user is not.
    put_belongings(w, "t1", "shown").await;
    assert_eq!((removed(w, "/t1", &id(1)).await, belongings(w, "t1", "shown").await), (json!(true), 0));
    assert_eq!(removed(w, "/t1", &id(1)).await, false);
}

async fn what_is_kept_under_an_id_of_somebody_else_stays(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "t1", 1, By::Password("a@x")).await;
    put_login(w, "t1", 2, By::Password("b@x")).await;
    // The second is shown as the first, whose own id it thereby is, too.
    map(w, 2, &id(1)).await;
    put_belongings(w, "t1", &id(1)).await;
    put_belongings(w, "t1", &id(2)).await;
    assert_eq!(removed(w, "/t1", &id(2)).await, true);
    assert_eq!((belongings(w, "t1", &id(1)).await, belongings(w, "t1", &id(2)).await), (3, 0));
    assert_eq!(count(w, &format!("recipe_user_tenants where recipe_user_id = '{}'", id(2))).await, i64::from(!reads_new(w)));
}

async fn whom_only_recipes_know_can_leave(w: &World) {
    tenants(w, &["t1"]).await;
    put_belongings(w, "t1", "stranger").await;
    add(w, "/t1", "stranger").await.says("UNKNOWN_USER_ID_ERROR");
    assert_eq!(removed(w, "", "stranger").await, false);
    assert_eq!((removed(w, "/t1", "stranger").await, belongings(w, "t1", "stranger").await), (json!(true), 0));
    w.post("5.4", &format!("/t1{REMOVE}"), json!({ "recipeUserId": "stranger" })).await.says("UNKNOWN_USER_ID_ERROR");
    w.put("5.4", "/recipe/user/metadata", json!({ "userId": "stranger", "metadataUpdate": {} })).await.ok();
    assert_eq!(removed(w, "/t1", "stranger").await, false);
}

async fn who_is_nowhere_is_somebody(w: &World) {
    let said = w.post("5.4", "/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.ok();
    let user = said["recipeUserId"].as_str().expect("an id").to_owned();
    assert_eq!(removed(w, "", &user).await, true);
    assert_eq!(user_shown(w, &user).await["tenantIds"], json!([]));
    let sign_in = async || w.post("5.4", "/recipe/signin", json!({ "email": "a@x", "password": "p" })).await;
    sign_in().await.says("WRONG_CREDENTIALS_ERROR");
    assert_eq!(w.get("5.4", "/users").await.ok()["users"], json!([]));
    assert_eq!(add(w, "", &user).await.ok()["wasAlreadyAssociated"], false);
    assert_eq!(sign_in().await.ok()["recipeUserId"], user);
    // Meanwhile its place may have been taken.
    assert_eq!(removed(w, "", &user).await, true);
    w.post("5.4", "/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.ok();
    add(w, "", &user).await.says("EMAIL_ALREADY_EXISTS_ERROR");
}

async fn a_user_with_a_passkey_joins_and_leaves_too(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "t1", 2, By::Password("b@x")).await;
    let user = id(1);
    make_passkey(w, 1, "a@x").await;
    assert_eq!((added(w, "/t1", 1).await, added(w, "/t1", 1).await), (json!(false), json!(true)));
    assert_eq!(tenants_of(w, 1).await, json!(["public", "t1"]));
    assert_eq!((removed(w, "/t1", &user).await, removed(w, "", &user).await), (json!(true), json!(true)));
    assert_eq!(tenants_of(w, 1).await, json!([]));
    assert_eq!(added(w, "/t1", 1).await, false);
}

async fn a_login_that_went_is_in_no_tenant(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    make_primary(w, 1).await.ok();
    link(w, 2, 1).await;
    w.post("5.4", "/user/remove", json!({ "userId": id(1), "removeAllLinkedAccounts": false })).await.ok();
    add(w, "/t1", &id(1)).await.says("UNKNOWN_USER_ID_ERROR");
    assert_eq!(removed(w, "/t1", &id(1)).await, false);
    create(w, "5.4", &id(1)).await;
    assert_eq!(removed(w, "", &id(1)).await, true, "what is kept under its id goes");
    assert_eq!(user(w, 1).await["tenantIds"], json!(["public"]));
}

async fn who_joins_while_being_deleted_is_unknown_or_gone(w: &World) {
    tenants(w, &["t1", "t2"]).await;
    for n in 1..=10 {
        put_login(w, "", n, By::Password(&format!("u{n}@x"))).await;
        let user = id(n);
        let (first, second, deleted) =
            join!(add(w, "/t1", &user), add(w, "/t2", &user), w.post("5.4", "/user/remove", json!({ "userId": id(n) })),);
        deleted.ok();
        for said in [first, second] {
            let status = said.done()["status"].clone();
            assert!(status == "OK" || status == "UNKNOWN_USER_ID_ERROR", "{status}");
        }
    }
    for tenant in ["t1", "t2"] {
        for table in ["all_auth_recipe_users", "emailpassword_user_to_tenant", "recipe_user_tenants"] {
            assert_eq!(count(w, &format!("{table} where tenant_id = '{tenant}'")).await, 0, "{table}");
        }
    }
}

/// What is in the way is asked for again to be named; whoever came is gone by then, and that is all there is to say.
async fn who_comes_to_a_taken_place_while_being_deleted_is_unknown_or_told_so(w: &World) {
    tenants(w, &["t1"]).await;
    somebody(w, "/t1", json!({ "email": "a@x.io" })).await;
    for n in 0..40 {
        let user = somebody(w, "", json!({ "email": "a@x.io" })).await;
        let callers: Vec<_> = [(format!("/t1{ADD}"), "recipeUserId"), ("/user/remove".to_owned(), "userId")]
            .map(|(path, field)| (w.clone(), path, json!({ field: user })))
            .into_iter()
            .map(|(w, path, asked)| async move { w.post("5.4", &path, asked).await })
            .collect();
        let said = at_once(callers).await;
        said[1].ok();
        let status = said[0].done()["status"].clone();
        assert!(status == "EMAIL_ALREADY_EXISTS_ERROR" || status == "UNKNOWN_USER_ID_ERROR", "{n}: {status}");
    }
}

async fn of_two_who_want_one_place_one_gets_it(w: &World) {
    tenants(w, &["t1", "t2", "t3"]).await;
    for n in 1..=6 {
        let (one, other) = (2 * n, 2 * n + 1);
        let email = format!("u{n}@x");
        put_login(w, "t2", one, By::Password(&email)).await;
        put_login(w, "t3", other, if n % 2 == 0 { By::Password(&email) } else { By::Code(&email) }).await;
        if n > 2 {
            make_primary(w, one).await.ok();
            make_primary(w, other).await.ok();
        }
        let (one, other) = (id(one), id(other));
        let said = join!(add(w, "/t1", &one), add(w, "/t1", &other));
        let mut said = [said.0.done()["status"].clone(), said.1.done()["status"].clone()];
        said.sort_by_key(|status| status == "OK");
        let expected = match n {
            1 => "OK",
            2 => "EMAIL_ALREADY_EXISTS_ERROR",
            _ => "ASSOCIATION_NOT_ALLOWED_ERROR",
        };
        assert_eq!(said, [json!(expected), json!("OK")], "{n}");
    }
}

/// Looked, locked and looked again, written; who leaves is asked for what others have under its ids, too.
async fn joining_and_leaving_ask_the_database_seldom(w: &World) {
    tenants(w, &["t1"]).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    make_primary(w, 1).await.ok();
    link(w, 2, 1).await;
    let leave = async || w.post("5.4", &format!("/t1{REMOVE}"), json!({ "recipeUserId": id(1) })).await;
    for (what, limit, (trips, said)) in [
        ("join", 3, w.trips(add(w, "/t1", &id(1))).await),
        ("join again", 3, w.trips(add(w, "/t1", &id(1))).await),
        ("leave", 4, w.trips(leave()).await),
        ("leave again", 5, w.trips(leave()).await),
    ] {
        said.ok();
        assert!(trips <= limit, "{what}: {trips}");
    }
}

scenarios!(World:
    ids_are_trimmed_as_upstream_trims_them,
    a_user_is_added_once_and_removed_once,
    what_somebody_there_logs_in_with_is_taken,
    a_group_owns_what_it_has_where_its_members_are,
    joining_and_leaving_are_the_same_in_every_migration_mode needs AJavaCoresPast,
    what_was_kept_in_the_tenant_goes_with_whoever_leaves,
    what_is_kept_under_an_id_of_somebody_else_stays,
    whom_only_recipes_know_can_leave,
    who_is_nowhere_is_somebody,
    a_user_with_a_passkey_joins_and_leaves_too,
    a_login_that_went_is_in_no_tenant,
    who_joins_while_being_deleted_is_unknown_or_gone,
    who_comes_to_a_taken_place_while_being_deleted_is_unknown_or_told_so,
    of_two_who_want_one_place_one_gets_it,
    joining_and_leaving_ask_the_database_seldom,
);
