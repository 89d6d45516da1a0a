//! Looking for people by their accounts and addresses (core-recipes-1.md 6, scenarios 40 to 46).

use serde_json::{Value, json};

use super::sign_in;
use crate::answer::Answer;
use crate::cdi::linking::{link, map};
use crate::cdi::place::put_tenant;
use crate::{World, members, scenarios};

/// Asks this recipe, of those that share the path.
async fn ask(w: &World, cdi: &str, path: &str) -> Answer {
    w.raw("GET", path, &[("cdi-version", cdi), ("rid", "thirdparty")], "").await
}

fn id(said: &Value) -> &str {
    said["recipeUserId"].as_str().expect("an id")
}

async fn one_way_of_asking_at_a_time(w: &World) {
    let (one, only) = (
        "Please provide one of userId or (thirdPartyId & thirdPartyUserId)",
        "Please provide only one of userId or (thirdPartyId & thirdPartyUserId)",
    );
    for (query, words) in [
        ("", one),
        ("?thirdPartyId=google", one),
        ("?thirdPartyUserId=g1", one),
        ("?userId=u&thirdPartyId=google", only),
        ("?userId=&thirdPartyUserId=g1", only),
        ("?userId=u&thirdPartyId=google&thirdPartyUserId=g1", only),
    ] {
        ask(w, "5.4", &format!("/ghost/recipe/user{query}")).await.refuses(400, words);
    }
    let put = w.raw("PUT", "/recipe/user", &[("cdi-version", "5.4"), ("rid", "thirdparty")], "{}").await;
    put.refuses(405, "Method not supported");
}

async fn who_is_not_there_is_unknown(w: &World) {
    put_tenant(w, "", "t2", json!({})).await;
    let said = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    let blanks = format!("{}%20%20", id(&said));
    for user in ["nobody", "", "a%00b", &blanks, &format!("{}xxx", id(&said)), "00000000-0000-4000-8000-000000000000"] {
        let answer = ask(w, "5.4", &format!("/recipe/user?userId={user}")).await.says("UNKNOWN_USER_ID_ERROR");
        assert_eq!(members(&answer), ["status"], "{user}");
    }
    for account in [
        "thirdPartyId=google&thirdPartyUserId=g2",
        "thirdPartyId=Google&thirdPartyUserId=g1",
        "thirdPartyId=google::g1&thirdPartyUserId=",
        "thirdPartyId=&thirdPartyUserId=",
        "thirdPartyId=google&thirdPartyUserId=g1%00",
    ] {
        ask(w, "5.4", &format!("/recipe/user?{account}")).await.says("UNKNOWN_THIRD_PARTY_USER_ERROR");
    }
    let elsewhere = ask(w, "5.4", "/t2/recipe/user?thirdPartyId=google&thirdPartyUserId=g1").await;
    elsewhere.says("UNKNOWN_THIRD_PARTY_USER_ERROR");
}

async fn an_id_finds_one_login_method_and_an_account_the_whole_user(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let one = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    w.clock.advance(1);
    let two = sign_in(w, "5.4", "/t1", "g2", "b@x.io", false).await;
    link(w, &[id(&one), id(&two)]).await;
    map(w, id(&two), "ext").await;
    let mut alone = Value::Null;
    for user in [id(&two), "ext"] {
        let found = ask(w, "5.4", &format!("/recipe/user?userId={user}")).await.ok();
        assert_eq!(members(&found), ["status", "user"]);
        let user = &found["user"];
        assert_eq!((&user["id"], &user["isPrimaryUser"], &user["emails"]), (&json!("ext"), &json!(true), &json!(["b@x.io"])));
        assert_eq!(user["loginMethods"].as_array().map(Vec::len), Some(1));
        assert_eq!(user["loginMethods"][0]["recipeUserId"], "ext");
        alone = user.clone();
    }
    for (tenant, account) in [("", "g1"), ("/t1", "g2")] {
        let path = format!("{tenant}/recipe/user?thirdPartyId=google&thirdPartyUserId={account}");
        let found = ask(w, "5.4", &path).await.ok()["user"].clone();
        assert_eq!((&found["id"], &found["emails"]), (&json!(id(&one)), &json!(["a@x.io", "b@x.io"])));
        assert_eq!(found["tenantIds"], json!(["public", "t1"]));
        assert_eq!(found["loginMethods"][1], alone["loginMethods"][0]);
        let old = ask(w, "3.0", &path).await.ok()["user"].clone();
        assert_eq!((&old["id"], &old["tenantIds"]), (&json!(id(&one)), &json!(["public"])), "the oldest, whoever was asked for");
    }
    let path = format!("/t1/recipe/user?userId={}", id(&one));
    ask(w, "5.4", &path).await.refuses(403, "Only public tenantId can call this app specific API");
    assert_eq!(ask(w, "4.0", &path).await.ok()["user"]["id"], id(&one));
    let unknown = ask(w, "5.4", "/ghost/recipe/user?thirdPartyId=google&thirdPartyUserId=g1").await;
    assert_eq!(unknown.status, 400);
}

async fn an_address_finds_everybody_who_has_it_with_a_provider(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let path = "/recipe/users/by-email";
    w.get("5.4", path).await.refuses(400, "Field name 'email' is missing in GET request");
    assert!(
        w.get("5.4", &format!("/ghost{path}")).await.text.starts_with("AppId or tenantId not found"),
        "the place comes first"
    );
    for query in ["a@x.io", "", "a%00b"] {
        assert_eq!(w.get("5.4", &format!("{path}?email={query}")).await.text, "{\"status\":\"OK\",\"users\":[]}\n");
    }
    let first = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    w.clock.advance(1);
    let second = sign_in(w, "5.4", "", "g2", "a@x.io", false).await;
    w.clock.advance(1);
    sign_in(w, "5.4", "/t1", "g1", "a@x.io", false).await;
    sign_in(w, "5.4", "", "g3", "b@x.io", false).await;
    let found = async || w.get("5.4", &format!("{path}?email=%20A@X.io%20")).await.ok()["users"].clone();
    assert_eq!(found().await, json!([first["user"], second["user"]]));
    link(w, &[id(&second), id(&first)]).await;
    let found = found().await;
    assert_eq!(found.as_array().map(Vec::len), Some(1), "linked, they are one user and come once: {found}");
    assert_eq!(found[0]["id"], id(&second));
    let old = w.get("2.9", &format!("{path}?email=a@x.io")).await.ok()["users"][0].clone();
    assert_eq!(members(&old), ["email", "id", "thirdParty", "timeJoined"]);
}

scenarios!(World:
    one_way_of_asking_at_a_time,
    who_is_not_there_is_unknown,
    an_id_finds_one_login_method_and_an_account_the_whole_user,
    an_address_finds_everybody_who_has_it_with_a_provider,
);
