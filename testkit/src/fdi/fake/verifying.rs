//! Which requests have a session: where tokens are looked for, which are accepted, and when the core is asked
//! (sdk-session.md 11, scenarios 75 to 102). The keys are in `keys`, anti-CSRF is in `anti_csrf`.

use http::Method;
use serde_json::{Value, json};
use supertokens::Error;
use supertokens::session::{
    AllowedTransfer, AntiCsrfMode, GetSession, NewSession, RefreshPost, SessionRecipe, TransferMethod, VerifyOptions,
    VerifySession,
};

use super::super::app::{AppRoute, Guard};
use super::super::call::{Answer, Call, FrontToken};
use super::super::fake_core::Reply;
use super::super::routes;
use super::super::stage::{App, Stage};
use super::ground::{Carrying, app, app_as, app_with, engine, fault, logged_out, no_session, payload, try_refresh, valid};
use super::tokens::{LEGACY_V1, TestKey, Token, payload_of};
use crate::scenarios;

scenarios!(Stage:
    every_row_of_the_table_with_valid_tokens,
    every_row_of_the_table_with_expired_tokens,
    a_valid_cookie_costs_one_fetch_of_the_keys_and_nothing_else,
    a_missing_token_clears_nothing,
    tokens_of_other_systems_count_as_missing,
    the_scheme_is_bearer_in_any_case,
    the_cookie_of_very_old_sdks_asks_for_a_refresh_before_anything_else,
    two_access_cookies_of_ones_own_ask_for_a_refresh_unless_a_header_counts,
    cookies_that_only_resemble_ours_are_no_duplicates,
    a_token_that_cannot_be_trusted_asks_for_a_refresh_and_clears_nothing,
    the_kind_of_key_must_be_the_configured_one,
    what_each_version_of_tokens_must_have,
    odd_versions_and_algorithms_are_never_accepted,
    tokens_of_other_purposes_are_none_of_ours,
    legacy_tokens_are_verified_by_their_own_rules,
    after_a_refresh_the_first_check_goes_to_the_core,
    with_the_newer_protocol_checking_never_needs_the_core,
    checking_the_database_has_four_outcomes,
    preflights_pass_without_a_session,
    a_guard_on_the_refresh_path_refreshes,
    without_a_request_tokens_are_checked_alike,
    a_jwt_with_all_members_of_a_session_is_none,
    a_session_of_an_overrides_making_is_attached_by_header,
    an_override_of_verify_session_counts_for_every_guard,
    two_lines_of_cookies_are_one_list,
    a_page_rendered_on_the_server_may_peek_at_the_token,
);

const VERIFY: &str = "/recipe/session/verify";

fn only(allowed: AllowedTransfer) -> impl FnOnce(SessionRecipe) -> SessionRecipe {
    move |recipe| recipe.token_transfer_method(move |_, _, _| allowed)
}

/// The table of section 6.2: what is allowed, a token in the header, one in the cookie, whose session it is.
const TABLE: [(AllowedTransfer, bool, bool, Option<TransferMethod>); 12] = {
    use AllowedTransfer::{Any, Only};
    use TransferMethod::{Cookie, Header};
    [
        (Any, false, false, None),
        (Any, true, false, Some(Header)),
        (Any, true, true, Some(Header)),
        (Any, false, true, Some(Cookie)),
        (Only(Header), true, false, Some(Header)),
        (Only(Header), true, true, Some(Header)),
        (Only(Header), false, false, None),
        (Only(Header), false, true, None),
        (Only(Cookie), false, true, Some(Cookie)),
        (Only(Cookie), true, true, Some(Cookie)),
        (Only(Cookie), false, false, None),
        (Only(Cookie), true, false, None),
    ]
};

fn carrying(call: Call, header: Option<&str>, cookie: Option<&str>) -> Call {
    let call = if let Some(token) = header { call.bearer(token) } else { call };
    if let Some(token) = cookie { call.access(token) } else { call }
}

/// 75.
async fn every_row_of_the_table_with_valid_tokens(stage: &Stage) {
    let in_header = valid(stage).with("sub", "header").text();
    let in_cookie = valid(stage).with("sub", "cookie").text();
    for (allowed, header, cookie, result) in TABLE {
        let (app, _) = app_as(stage, |plan| plan.sessions(only(allowed))).await;
        let (header, cookie) = (header.then_some(in_header.as_str()), cookie.then_some(in_cookie.as_str()));
        let required = carrying(app.get("/session"), header, cookie).send().await;
        let optional = carrying(app.get("/maybe"), header, cookie).send().await;
        let who = result.map(|method| if method == TransferMethod::Header { "header" } else { "cookie" });
        assert_eq!(optional.ok()["userId"].as_str(), who, "{allowed:?} {header:?} {cookie:?}");
        optional.touches_no_token();
        match who {
            None => no_session(&required),
            Some(who) => {
                assert_eq!(required.ok()["userId"], who);
                required.touches_no_token();
            }
        }
    }
}

/// 75: expired is not missing, in either column.
async fn every_row_of_the_table_with_expired_tokens(stage: &Stage) {
    let token = valid(stage).expired(stage.clock.now()).text();
    for (allowed, header, cookie, result) in TABLE {
        let (app, _) = app_as(stage, |plan| plan.sessions(only(allowed))).await;
        let (header, cookie) = (header.then_some(token.as_str()), cookie.then_some(token.as_str()));
        let required = carrying(app.get("/session"), header, cookie).send().await;
        let optional = carrying(app.get("/maybe"), header, cookie).send().await;
        match result {
            Some(_) => [required, optional].iter().for_each(try_refresh),
            None => {
                no_session(&required);
                assert_eq!(optional.ok()["userId"], Value::Null, "{allowed:?}");
            }
        }
    }
}

/// 76.
async fn a_valid_cookie_costs_one_fetch_of_the_keys_and_nothing_else(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = valid(stage).with("custom", 1);
    for _ in 0..3 {
        let answer = app.get("/session").access(&token.text()).send().await;
        answer.touches_no_token();
        let who = answer.ok();
        assert_eq!((&who["userId"], &who["handle"], &who["tenantId"]), (&json!("user1"), &json!("handle1"), &json!("public")));
        assert_eq!(who["payload"], token.payload());
    }
    let asked: Vec<String> = core.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked, ["/.well-known/jwks.json"]);
}

/// 77.
async fn a_missing_token_clears_nothing(stage: &Stage) {
    let (app, core) = app(stage).await;
    no_session(&app.get("/session").send().await);
    assert_eq!(app.get("/maybe").send().await.ok()["userId"], Value::Null);
    no_session(&app.get("/session").access("").send().await);
    no_session(&app.get("/session").bearer("").send().await);
    assert!(core.asked().is_empty());
}

/// 78.
async fn tokens_of_other_systems_count_as_missing(stage: &Stage) {
    let (app, core) = app(stage).await;
    let good = valid(stage).text();
    for foreign in ["garbage", "a.b.c", "a.b.c.d", "..", "opaque-token-of-another-system"] {
        no_session(&app.get("/session").access(foreign).send().await);
        assert_eq!(app.get("/maybe").access(foreign).send().await.ok()["userId"], Value::Null);
        no_session(&app.get("/session").bearer(foreign).send().await);
        let both = app.get("/session").bearer(foreign).access(&good).send().await;
        assert_eq!(both.ok()["userId"], "user1", "{foreign}");
    }
    for scheme in ["Basic dTpw", "Digest x", "Bearer"] {
        no_session(&app.get("/session").header("authorization", scheme).send().await);
        app.get("/session").header("authorization", scheme).access(&good).send().await.ok();
    }
    assert_eq!(core.paths(), Vec::<String>::new());
}

/// 79, but as RFC 9110 has it: schemes have no case.
async fn the_scheme_is_bearer_in_any_case(stage: &Stage) {
    let (app, core) = app(stage).await;
    let good = valid(stage).text();
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        app.get("/session").header("authorization", &format!("{scheme} {good}")).send().await.ok();
        let refresh = core.refresh_token();
        app.post("/auth/session/refresh").header("authorization", &format!("{scheme} {refresh}")).send().await.ok();
    }
    for scheme in ["bearers", "Basic", "token"] {
        no_session(&app.get("/session").header("authorization", &format!("{scheme} {good}")).send().await);
    }
    app.get("/session").header("authorization", &format!("Bearer   {good}  ")).send().await.ok();
}

/// 80.
async fn the_cookie_of_very_old_sdks_asks_for_a_refresh_before_anything_else(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    for path in ["/session", "/maybe"] {
        try_refresh(&app.get(path).cookie("sIdRefreshToken", "x").send().await);
        try_refresh(&app.get(path).cookie("sIdRefreshToken", "x").bearer(&good).send().await);
        try_refresh(&app.get(path).cookie("sIdRefreshToken", "").access(&good).send().await);
    }
}

/// 81.
async fn two_access_cookies_of_ones_own_ask_for_a_refresh_unless_a_header_counts(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    for path in ["/session", "/maybe"] {
        try_refresh(&app.get(path).access(&good).access(&good).send().await);
        try_refresh(&app.get(path).access(&good).access(&valid(stage).with("sub", "user2").text()).send().await);
    }
    app.get("/session").access(&good).access(&good).bearer(&good).send().await.ok();
    let (forced, _) = app_as(stage, |plan| plan.sessions(only(AllowedTransfer::Only(TransferMethod::Cookie)))).await;
    try_refresh(&forced.get("/session").access(&good).access(&good).bearer(&good).send().await);
}

/// 82.
async fn cookies_that_only_resemble_ours_are_no_duplicates(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    let call = app.get("/session").cookie("sAccessTokenX", "1").cookie("x", "sAccessToken=2").access(&good);
    call.cookie("SACCESSTOKEN", "3").cookie("xsAccessToken", "4").send().await.ok();
}

/// 83.
async fn a_token_that_cannot_be_trusted_asks_for_a_refresh_and_clears_nothing(stage: &Stage) {
    let (app, core) = app(stage).await;
    let seconds = stage.clock.now() / 1_000;
    let rows = [
        ("forged", valid(stage).forged()),
        ("of another key", valid(stage).signed_by(TestKey::Other)),
        ("unknown kid", valid(stage).header("kid", "d-unknown")),
        ("expired", valid(stage).expired(stage.clock.now())),
        ("expires now", valid(stage).with("exp", seconds)),
        ("not yet valid", valid(stage).with("nbf", seconds + 1)),
        ("never valid", valid(stage).with("nbf", "soon")),
        ("of another issuer, forged", valid(stage).with("iss", "https://other.test").forged()),
    ];
    for (what, token) in rows {
        for path in ["/session", "/maybe"] {
            let by_cookie = app.get(path).access(&token.text()).send().await;
            let by_header = app.get(path).bearer(&token.text()).send().await;
            assert_eq!((by_cookie.status, by_header.status), (401, 401), "{what}");
            try_refresh(&by_cookie);
            try_refresh(&by_header);
        }
    }
    app.get("/session").access(&valid(stage).with("exp", seconds + 1).text()).send().await.ok();
    app.get("/session").access(&valid(stage).with("nbf", seconds).text()).send().await.ok();
    assert_eq!(core.paths(), Vec::<String>::new());
}

/// 87.
async fn the_kind_of_key_must_be_the_configured_one(stage: &Stage) {
    let (dynamic, static_) = (valid(stage).text(), valid(stage).of_key(TestKey::Static).text());
    for setting in [true, false] {
        let change = |recipe: SessionRecipe| recipe.use_dynamic_access_token_signing_key(setting);
        let (app, core) = app_as(stage, |plan| plan.sessions(change)).await;
        let (good, bad) = if setting { (&dynamic, &static_) } else { (&static_, &dynamic) };
        app.get("/session").access(good).send().await.ok();
        try_refresh(&app.get("/session").access(bad).send().await);
        // 115: the refresh brings a token of the configured kind.
        let refreshed = app.post("/auth/session/refresh").refresh(&core.refresh_token()).send().await;
        assert_eq!(core.only("POST", "/recipe/session/refresh").body["useDynamicSigningKey"], setting);
        let first = app.get("/session").access(&refreshed.access_token().unwrap()).send().await;
        first.ok();
        app.get("/session").access(&first.access_token().unwrap()).send().await.ok();
    }
}

async fn asking(app: &App, token: &Token) -> Answer {
    app.get("/session").access(&token.text()).send().await
}

/// 88.
async fn what_each_version_of_tokens_must_have(stage: &Stage) {
    let (app, _) = app(stage).await;
    let four = asking(&app, &valid(stage).version(4).with("sub", "s")).await.ok();
    assert_eq!((&four["userId"], &four["recipeUserId"]), (&json!("s"), &json!("s")));
    let four_with = asking(&app, &valid(stage).version(4).with("rsub", "r").with("tId", "t1")).await.ok();
    assert_eq!((&four_with["recipeUserId"], &four_with["tenantId"]), (&json!("r"), &json!("t1")));
    let three = asking(&app, &valid(stage).version(3)).await.ok();
    assert_eq!(three["tenantId"], "public");
    let three_with = asking(&app, &valid(stage).version(3).with("tId", "t1")).await.ok();
    assert_eq!(three_with["tenantId"], "public", "in a V3 this is a claim of the application");
    let missing = [
        valid(stage).without("rsub"),
        valid(stage).without("tId"),
        valid(stage).version(4).without("tId"),
        valid(stage).with("tId", 1),
        valid(stage).without("sub"),
        valid(stage).with("sub", Value::Null),
        valid(stage).without("sessionHandle"),
        valid(stage).without("refreshTokenHash1"),
        valid(stage).without("exp"),
        valid(stage).with("exp", "1"),
        valid(stage).version(3).without("iat"),
    ];
    for token in missing {
        no_session(&asking(&app, &token).await);
    }
    for (member, value) in [("parentRefreshTokenHash1", json!(1)), ("antiCsrfToken", json!({})), ("antiCsrfToken", json!(true))] {
        asking(&app, &valid(stage).with(member, value).without("iss")).await.ok();
    }
    let trimmed = asking(&app, &valid(stage).with("sub", " s ").with("rsub", "r ").with("tId", " t")).await.ok();
    assert_eq!((&trimmed["userId"], &trimmed["recipeUserId"], &trimmed["tenantId"]), (&json!("s"), &json!("r"), &json!("t")));
}

/// 89.
async fn odd_versions_and_algorithms_are_never_accepted(stage: &Stage) {
    let (app, core) = app(stage).await;
    for version in [json!(5), json!("2"), json!("1"), json!(""), json!("5abc"), json!(" 5"), json!("-5"), json!(null), json!([])]
    {
        no_session(&asking(&app, &valid(stage).header("version", version.clone())).await);
    }
    asking(&app, &valid(stage).header("version", "99")).await.ok();
    for jwt in [valid(stage), valid(stage).without("tId").without("rsub"), valid(stage).with("stt", 0)] {
        for key in [TestKey::Dynamic, TestKey::Static] {
            no_session(&asking(&app, &jwt.clone().without_header("version").of_key(key)).await);
        }
    }
    no_session(&asking(&app, &valid(stage).without_header("kid")).await);
    no_session(&asking(&app, &valid(stage).header("typ", "at+jwt")).await);
    let tricks = [
        valid(stage).header("alg", "none").unsigned(),
        valid(stage).header("alg", "none"),
        valid(stage).header("alg", "HS256"),
        valid(stage).header("alg", "PS256").signed_with_pss(),
        valid(stage).signed_with_pss(),
        valid(stage).unsigned(),
        valid(stage).without_header("alg"),
        valid(stage).header("crit", json!(["b64"])).header("b64", false),
        valid(stage).header("jwk", TestKey::Other.jwk("d-own")).header("kid", "d-own").signed_by(TestKey::Other),
        valid(stage).header("jku", "http://evil.test/jwks").header("kid", "d-own").signed_by(TestKey::Other),
    ];
    for token in tricks {
        try_refresh(&asking(&app, &token).await);
    }
    assert!(core.asked().iter().all(|asked| asked.host == "core.test:3567"));
}

/// 90.
async fn tokens_of_other_purposes_are_none_of_ours(stage: &Stage) {
    let (app, _) = app(stage).await;
    for stt in [json!(1), json!(2), json!("1"), json!(null), json!(true)] {
        no_session(&asking(&app, &valid(stage).with("stt", stt)).await);
    }
    for stt in [json!(0), json!(0.0)] {
        asking(&app, &valid(stage).with("stt", stt)).await.ok();
    }
}

/// 91.
async fn legacy_tokens_are_verified_by_their_own_rules(stage: &Stage) {
    let now = stage.clock.now();
    let good = Token::legacy(now);
    let by_cookie = |token: &Token| super::ground::encoded(&token.text());
    for token in [good.clone(), good.clone().legacy_header(LEGACY_V1)] {
        let (app, core) = app(stage).await;
        let answer = app.get("/session").access(&by_cookie(&token)).send().await;
        answer.touches_no_token();
        let who = answer.ok();
        assert_eq!(
            (&who["userId"], &who["tenantId"], &who["payload"]),
            (&json!("user2"), &json!("public"), &json!({ "old": true }))
        );
        app.get("/session").bearer(&token.text()).send().await.ok();
        assert_eq!(core.paths(), Vec::<String>::new());
    }
    // A signature by a key that we may not have yet: the core decides.
    let (app, core) = app(stage).await;
    let answer = app.get("/session").access(&by_cookie(&good.clone().forged())).send().await;
    assert_eq!(answer.ok()["payload"], json!({ "old": true }));
    assert_eq!(core.paths(), ["POST /recipe/session/verify"]);
    core.answers("POST", VERIFY, Reply::status("TRY_REFRESH_TOKEN"));
    try_refresh(&app.get("/session").access(&by_cookie(&good.clone().forged())).send().await);
    core.forget();
    let old = Token::legacy(now - 5 * super::tokens::HOUR).with("expiryTime", now + 1_000).forged();
    try_refresh(&app.get("/session").access(&by_cookie(&old)).send().await);
    try_refresh(&app.get("/session").access(&by_cookie(&good.clone().expired(now))).send().await);
    try_refresh(&app.get("/session").access(&by_cookie(&good.clone().expired(now).forged())).send().await);
    assert_eq!(core.paths(), Vec::<String>::new());
    for member in ["sessionHandle", "userId", "refreshTokenHash1", "userData", "expiryTime", "timeCreated"] {
        no_session(&app.get("/session").access(&by_cookie(&good.clone().without(member))).send().await);
    }
}

/// 92.
async fn after_a_refresh_the_first_check_goes_to_the_core(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = valid(stage).with("parentRefreshTokenHash1", "parent").with("custom", 1).text();
    let answer = app.get("/session").access(&token).send().await;
    assert_eq!(
        core.only("POST", VERIFY).body,
        json!({ "accessToken": token, "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": false })
    );
    let new = answer.set_cookie("sAccessToken").unwrap().decoded();
    assert_eq!(payload_of(&new)["parentRefreshTokenHash1"], Value::Null);
    assert_eq!(answer.ok()["payload"], payload_of(&new), "the session in hand is the new one");
    assert_eq!(answer.front_payload(), payload_of(&new));
    assert_eq!((answer.set_cookie("sRefreshToken"), answer.exposed()), (None, vec!["front-token"]));
    let by_header = app.get("/session").bearer(&token).send().await;
    assert_eq!(by_header.exposed(), ["front-token", "st-access-token"]);
    assert!(by_header.set_cookies().is_empty() && by_header.header("st-refresh-token").is_none());
    core.forget();
    app.get("/session").access(&new).send().await.touches_no_token();
    assert_eq!(core.paths(), Vec::<String>::new());

    let via_token = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaToken);
    let (app, core) = app_as(stage, |plan| plan.sessions(via_token)).await;
    let token = valid(stage).with("parentRefreshTokenHash1", "parent").with("antiCsrfToken", "a").text();
    app.post("/session").access(&token).header("anti-csrf", "a").send().await.ok();
    assert_eq!(
        core.only("POST", VERIFY).body,
        json!({
            "accessToken": token, "antiCsrfToken": "a", "doAntiCsrfCheck": true, "enableAntiCsrf": true, "checkDatabase": false,
        })
    );
}

/// Decision 9.
async fn with_the_newer_protocol_checking_never_needs_the_core(stage: &Stage) {
    let (app, core) = app(stage).await;
    core.offer(&["5.4", "5.6"]);
    let token = valid(stage).with("parentRefreshTokenHash1", "parent").text();
    for asked in [1, 1, 1] {
        let answer = app.get("/session").access(&token).send().await;
        answer.ok();
        answer.touches_no_token();
        // Which protocol it is turns out with the first question; until then the older one's rule is the safe one.
        assert_eq!(core.times("POST", VERIFY), asked);
    }
    core.forget();
    for n in 0..3 {
        let token = valid(stage).with("parentRefreshTokenHash1", "parent").with("n", n).text();
        app.get("/session").access(&token).send().await.touches_no_token();
    }
    assert_eq!(core.paths(), Vec::<String>::new());
}

/// 93.
async fn checking_the_database_has_four_outcomes(stage: &Stage) {
    for offered in [["5.4"].as_slice(), ["5.6"].as_slice()] {
        let (app, core) = app(stage).await;
        core.offer(offered);
        let token = valid(stage).text();
        let answer = app.get("/database").access(&token).send().await;
        answer.ok();
        answer.touches_no_token();
        assert_eq!(core.only("POST", VERIFY).body["checkDatabase"], true);
        core.answers("POST", VERIFY, Reply::Json(json!({ "status": "UNAUTHORISED", "message": "gone" })));
        logged_out(&app.get("/database").access(&token).send().await);
        logged_out(&app.get("/database").bearer(&token).send().await);
        core.answers("POST", VERIFY, Reply::Json(json!({ "status": "TRY_REFRESH_TOKEN", "message": "old" })));
        try_refresh(&app.get("/database").access(&token).send().await);
        core.answers("POST", VERIFY, Reply::text(500, "boom"));
        let answer = app.get("/database").access(&token).send().await;
        fault(&answer);
        answer.touches_no_token();
    }
}

/// 98. A guard that hands over a session must have one: only one that may have none lets preflights through.
async fn preflights_pass_without_a_session(stage: &Stage) {
    let route = |method, path, guard| AppRoute::new(method, path, guard, |_, session| async move { Ok(routes::who(session)) });
    let strict = || Guard::With(VerifyOptions::new().check_database());
    let routes = vec![
        route(Method::OPTIONS, "/optional", Guard::Optional),
        route(Method::TRACE, "/optional", Guard::Optional),
        route(Method::OPTIONS, "/strict", strict()),
        route(Method::TRACE, "/strict", strict()),
    ];
    let (app, core) = app_with(stage, |plan| plan, routes).await;
    for path in ["/optional", "/strict"] {
        for method in [Method::OPTIONS, Method::TRACE] {
            let token = valid(stage).expired(stage.clock.now()).text();
            let answer = app.call(method.clone(), path).access(&token).send().await;
            assert_eq!(answer.ok()["userId"], Value::Null, "{method} {path}");
        }
    }
    assert!(core.asked().is_empty());
}

/// 99: the SDK's own endpoint is switched off, and the application has one with a guard there.
async fn a_guard_on_the_refresh_path_refreshes(stage: &Stage) {
    let own = |path, guard| AppRoute::post(path, guard, |_, session| async move { Ok(routes::who(session)) });
    for guard in [Guard::Required, Guard::Optional, Guard::With(VerifyOptions::new())] {
        let off = |builder: supertokens::Builder| builder.disable::<RefreshPost>();
        let routes = vec![own("/auth/session/refresh", guard)];
        let (app, core) = app_with(stage, |plan| plan.builder(off), routes).await;
        let answer = app.post("/auth/session/refresh").refresh(&core.refresh_token()).send().await;
        assert_eq!(answer.ok()["userId"], "user1", "the handler runs");
        assert!(answer.set_cookie("sAccessToken").is_some() && answer.set_cookie("sRefreshToken").is_some());
        assert!(matches!(answer.front_token(), Some(FrontToken::Says { .. })));
        assert_eq!(core.paths(), ["POST /recipe/session/refresh"]);
        logged_out(&app.post("/auth/session/refresh").send().await);
    }
}

/// 100.
async fn without_a_request_tokens_are_checked_alike(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let (required, optional) = (VerifyOptions::new(), VerifyOptions::new().session_optional());
    for text in ["", "a.b.c", "garbage"] {
        let error = engine.get_session(text, None, &required).await.unwrap_err();
        assert!(matches!(error, Error::Unauthorised { clear_tokens: false, .. }), "{text}: {error:?}");
        assert!(engine.get_session(text, None, &optional).await.unwrap().is_none(), "{text}");
    }
    assert!(core.asked().is_empty());
    let session = engine.get_session(valid(stage).text(), Some("a".to_owned()), &required).await.unwrap().unwrap();
    let tokens = session.all_session_tokens_dangerously();
    assert_eq!((tokens.refresh_token, tokens.anti_csrf_token.as_deref()), (None, Some("a")));
    assert!(!tokens.access_and_front_token_updated);
    for options in [&required, &optional] {
        let expired = valid(stage).expired(stage.clock.now()).text();
        let error = engine.get_session(expired, None, options).await.unwrap_err();
        assert!(matches!(error, Error::TryRefreshToken { .. }), "{error:?}");
    }

    let via_header = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaCustomHeader);
    let (fixed, _) = super::ground::engine_as(stage, |plan| plan.sessions(via_header)).await;
    let error = fixed.get_session(valid(stage).text(), None, &required).await.unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error:?}");
    fixed.get_session(valid(stage).text(), None, &required.clone().anti_csrf_check(false)).await.unwrap().unwrap();
    // The same mode, but computed: fine.
    let other_site = |info: supertokens::AppInfo| info.website_domain("http://elsewhere.test");
    let (computed, _) = super::ground::engine_as(stage, |plan| plan.info(other_site)).await;
    computed.get_session(valid(stage).text(), None, &required).await.unwrap().unwrap();
}

/// 101.
async fn a_jwt_with_all_members_of_a_session_is_none(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let session = engine.create_new_session(NewSession::of("u").claim("custom", 1)).await.unwrap();
    let mut claims = (*session.access_token_payload()).clone();
    claims.remove("iat");
    claims.remove("exp");
    let jwt = engine.create_jwt(claims.clone(), Some(1_234), Some(false)).await.unwrap().unwrap();
    let error = engine.get_session(jwt, None, &VerifyOptions::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorised { clear_tokens: false, .. }), "{error:?}");
    let asked = core.only("POST", "/recipe/jwt").body;
    assert_eq!(
        (&asked["validity"], &asked["useStaticSigningKey"], &asked["algorithm"]),
        (&json!(1_234), &json!(false), &json!("RS256"))
    );
    assert_eq!(asked["jwksDomain"], "http://api.example.com");
    let jwt = engine.create_jwt(claims, Some(1_234), None).await.unwrap().unwrap();
    let error = engine.get_session(jwt, None, &VerifyOptions::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorised { clear_tokens: false, .. }), "{error:?}");
    let plain = engine.create_jwt(payload(json!({ "sub": "u" })), None, Some(false)).await.unwrap().unwrap();
    let error = engine.get_session(plain, None, &VerifyOptions::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorised { clear_tokens: false, .. }), "{error:?}");
    assert_eq!(core.asked_at("POST", "/recipe/jwt")[2].body["validity"], 3_153_600_000_i64);
    core.answers("POST", "/recipe/jwt", Reply::status("UNSUPPORTED_ALGORITHM_ERROR"));
    assert_eq!(engine.create_jwt(payload(json!({})), None, None).await.unwrap(), None);
}

/// 102.
async fn a_session_of_an_overrides_making_is_attached_by_header(stage: &Stage) {
    for (allowed, cookie) in [(AllowedTransfer::Any, false), (AllowedTransfer::Only(TransferMethod::Cookie), true)] {
        let change = |builder: supertokens::Builder| {
            builder.with_override(|call: GetSession, next| async move {
                match call.access_token {
                    Some(_) => next.run(call).await,
                    None => next.supertokens().create_new_session(NewSession::of("guest")).await.map(Some),
                }
            })
        };
        let (app, _) = app_as(stage, |plan| plan.sessions(only(allowed)).builder(change)).await;
        let answer = app.get("/session").send().await;
        assert_eq!(answer.ok()["userId"], "guest");
        assert_eq!((answer.set_cookie("sAccessToken").is_some(), answer.header("st-access-token").is_some()), (cookie, !cookie));
        assert!(matches!(answer.front_token(), Some(FrontToken::Says { .. })) && answer.refresh_token().is_some());
    }
}

/// 1.11.
async fn an_override_of_verify_session_counts_for_every_guard(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        builder.with_override(|call: VerifySession, next| async move {
            match call.scope.request().headers().contains_key("x-banned") {
                true => Err(Error::unauthorised("banned")),
                false => next.run(call).await,
            }
        })
    };
    let (app, _) = app_as(stage, |plan| plan.builder(change)).await;
    let token = valid(stage).text();
    for path in ["/session", "/maybe", "/database", "/nested/session"] {
        app.get(path).access(&token).send().await.ok();
        logged_out(&app.get(path).access(&token).header("x-banned", "1").send().await);
    }
}

/// 147.
async fn two_lines_of_cookies_are_one_list(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    let line = format!("sAccessToken={good}");
    app.get("/session").header("cookie", "a=1").header("cookie", &line).header("cookie", "b=2").send().await.ok();
    try_refresh(&app.get("/session").header("cookie", &line).header("cookie", &line).send().await);
}

/// 7.9.
async fn a_page_rendered_on_the_server_may_peek_at_the_token(stage: &Stage) {
    let via_token = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaToken);
    let (engine, core) = super::ground::engine_as(stage, |plan| plan.sessions(via_token)).await;
    let token = valid(stage).with("parentRefreshTokenHash1", "parent").of_key(TestKey::Static);
    assert_eq!(engine.peek_access_token(token.text()).await, Some(payload(token.payload())));
    for bad in [valid(stage).forged().text(), valid(stage).expired(stage.clock.now()).text(), "garbage".to_owned()] {
        assert_eq!(engine.peek_access_token(bad).await, None);
    }
    assert_eq!(core.paths(), Vec::<String>::new());
}
