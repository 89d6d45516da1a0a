//! Requests that nobody honest sends, or that broke on the way: oversized, doubled, contradictory, not text, from elsewhere.
//! Never a panic, and what the application says is never lost (issue 3, "Bad input").

use http::Method;
use serde_json::{Value, json};
use supertokens::session::NewSession;

use super::super::app::{AppAnswer, AppRoute, Guard};
use super::super::call::{Answer, Call};
use super::super::fake_core::Reply;
use super::super::stage::{App, Stage};
use super::ground::{Carrying, app, app_with, logged_out, no_session, try_refresh, valid};
use super::tokens::TestKey;
use crate::scenarios;

scenarios!(Stage:
    tokens_of_eighty_kilobytes_are_none,
    many_cookies_are_read_and_ours_is_found,
    doubled_headers_count_once,
    contradictory_tokens_are_settled_by_the_table,
    bytes_that_are_no_text_are_harmless,
    broken_cookies_are_harmless,
    malformed_tokens_are_never_accepted,
    doubled_members_are_never_accepted,
    one_changed_letter_makes_another_token,
    tokens_of_another_issuer_app_or_key_are_not_accepted,
    an_odd_origin_is_no_reason_to_fail_a_header_session,
    a_body_passes_through_as_it_came,
    the_answer_of_the_application_survives_whatever_the_request_carried,
    numbers_beyond_all_bounds_never_panic,
    names_that_end_a_header_do_not_pass,
    half_of_a_surrogate_pair_from_a_core_is_named,
);

fn whole(answer: &Answer) {
    assert!(answer.status < 500, "{} {}", answer.status, answer.text());
}

/// Every path that reads tokens.
fn everywhere(app: &App) -> Vec<Call> {
    let paths = [
        (Method::GET, "/session"),
        (Method::GET, "/maybe"),
        (Method::GET, "/database"),
        (Method::POST, "/auth/signout"),
        (Method::POST, "/auth/session/refresh"),
        (Method::POST, "/login"),
        (Method::GET, "/auth/jwt/jwks.json"),
    ];
    paths.into_iter().map(|(method, path)| app.call(method, path)).collect()
}

async fn tokens_of_eighty_kilobytes_are_none(stage: &Stage) {
    let (app, core) = app(stage).await;
    let long = valid(stage).with("large", "x".repeat(80_000)).text();
    let noise = "x".repeat(80_000);
    let dots = ".".repeat(80_000);
    for token in [&long, &noise, &dots] {
        no_session(&app.get("/session").access(token).send().await);
        no_session(&app.get("/session").bearer(token).send().await);
        assert_eq!(app.get("/maybe").access(token).send().await.ok()["userId"], Value::Null);
        app.get("/session").bearer(token).access(&valid(stage).text()).send().await.ok();
    }
    // A refresh token is the core's to judge, whatever its length.
    logged_out(&app.post("/auth/session/refresh").bearer(&noise).send().await);
    assert_eq!(core.times("POST", "/recipe/session/refresh"), 1);
    let large = valid(stage).with("large", "x".repeat(40_000)).text();
    app.get("/session").bearer(&large).send().await.ok();
}

async fn many_cookies_are_read_and_ours_is_found(stage: &Stage) {
    let (app, _) = app(stage).await;
    let mut call = app.get("/session");
    for n in 0..100 {
        call = call.cookie(&format!("cookie{n}"), &"v".repeat(100));
    }
    call.access(&valid(stage).text()).send().await.ok();
    let mut call = app.get("/session");
    for _ in 0..100 {
        call = call.access(&valid(stage).text());
    }
    try_refresh(&call.send().await);
    // Most servers take no more than a hundred lines of a head.
    let mut call = app.get("/session");
    for n in 0..80 {
        call = call.header("cookie", &format!("line{n}=1"));
    }
    call.header("cookie", &format!("sAccessToken={}", valid(stage).text())).send().await.ok();
}

async fn doubled_headers_count_once(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    app.get("/session").bearer(&good).bearer("garbage").send().await.ok();
    no_session(&app.get("/session").bearer("garbage").bearer(&good).send().await);
    app.get("/session").bearer("garbage").bearer(&good).access(&good).send().await.ok();
    let twice = app.post("/login").header("st-auth-mode", "cookie").header("st-auth-mode", "header").send().await;
    assert!(twice.set_cookie("sAccessToken").is_some() && twice.header("st-access-token").is_none(), "the first one counts");
    app.post("/auth/signout").header("rid", "a").header("rid", "b").access(&good).send().await.ok();
}

async fn contradictory_tokens_are_settled_by_the_table(stage: &Stage) {
    let (app, _) = app(stage).await;
    let (now, good) = (stage.clock.now(), valid(stage).with("sub", "good").text());
    let expired = valid(stage).expired(now).text();
    let forged = valid(stage).forged().text();
    // A bearer token of ours wins even where only the cookie would be good.
    for bad in [&expired, &forged] {
        try_refresh(&app.get("/session").bearer(bad).access(&good).send().await);
        assert_eq!(app.get("/session").bearer(&good).access(bad).send().await.ok()["userId"], "good");
    }
    let other = valid(stage).with("sub", "other").text();
    assert_eq!(app.get("/session").bearer(&good).access(&other).send().await.ok()["userId"], "good");
}

async fn bytes_that_are_no_text_are_harmless(stage: &Stage) {
    let (app, _) = app(stage).await;
    let bytes: &[u8] = b"\xff\xfe\x80 \xc3\x28";
    for name in ["authorization", "cookie", "rid", "anti-csrf", "st-auth-mode", "fdi-version", "x-user", "origin"] {
        for call in everywhere(&app) {
            whole(&call.header_bytes(name, bytes).send().await);
        }
    }
    let good = valid(stage).text();
    let mut line = b"odd=\xff\xfe; sAccessToken=".to_vec();
    line.extend_from_slice(good.as_bytes());
    app.get("/session").header_bytes("cookie", &line).send().await.ok();
    let mut bearer = b"Bearer \xff".to_vec();
    bearer.extend_from_slice(good.as_bytes());
    no_session(&app.get("/session").header_bytes("authorization", &bearer).send().await);
}

async fn broken_cookies_are_harmless(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    let lines = [
        ";",
        ";;;",
        "=",
        "==",
        "; =; =x; x=",
        "sAccessToken",
        "sAccessToken;",
        "sAccessToken=",
        "%",
        "%zz=%zz",
        "\"=\"",
        "a=\"b",
        ", ,",
        "=sAccessToken",
    ];
    for line in lines {
        for call in everywhere(&app) {
            whole(&call.header("cookie", line).send().await);
        }
        let beside = app.get("/session").header("cookie", &format!("x=1; sAccessToken={good}; y=2")).send().await;
        beside.ok();
    }
    app.get("/session").cookie("sAccessToken", &format!("\"{good}\"")).send().await.ok();
    app.get("/session").cookie("sAccessToken", &good.replace('.', "%2E")).send().await.ok();
    let broken = app.get("/session").cookie("sAccessToken", &format!("{good}%zz")).send().await;
    assert_eq!(broken.status, 401);
    broken.touches_no_token();
}

async fn malformed_tokens_are_never_accepted(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    let [header, payload, signature] = parts(&good);
    let tricks = [
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{good}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 1]),
        format!("{header}.{payload}.A{signature}"),
        format!("{header}.{payload}.{signature}A"),
        format!("{header}.{payload}.{}", signature.replace(['-', '_'], "A")),
        format!("{payload}.{header}.{signature}"),
        format!("{header} .{payload}.{signature}"),
        good.to_uppercase(),
    ];
    for token in tricks {
        let by_header = app.get("/session").bearer(&token).send().await;
        let by_cookie = app.get("/session").access(&token).send().await;
        for answer in [by_header, by_cookie] {
            assert_eq!(answer.status, 401, "{token}");
            answer.touches_no_token();
        }
    }
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

async fn doubled_members_are_never_accepted(stage: &Stage) {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    let [_, _, signature] = parts(&good);
    let headers = [
        r#"{"alg":"RS256","alg":"none","typ":"JWT","version":"5","kid":"d-1700000000000"}"#,
        r#"{"alg":"RS256","typ":"JWT","version":"5","version":"3","kid":"d-1700000000000"}"#,
        r#"{"alg":"RS256","typ":"JWT","version":"5","kid":"d-1700000000000","kid":"x"}"#,
    ];
    for header in headers {
        let token = format!("{}.{}.{signature}", BASE64_URL_SAFE_NO_PAD.encode(header), parts(&good)[1]);
        let answer = app.get("/session").bearer(&token).send().await;
        assert_eq!(answer.status, 401);
        answer.touches_no_token();
    }
    let twice = valid(stage).payload().to_string().replacen('{', r#"{"sub":"evil","#, 1);
    let token = format!("{}.{}.{signature}", parts(&good)[0], BASE64_URL_SAFE_NO_PAD.encode(twice));
    no_session(&app.get("/session").bearer(&token).send().await);
}

async fn one_changed_letter_makes_another_token(stage: &Stage) {
    let (app, _) = app(stage).await;
    let good = valid(stage).text();
    app.get("/session").bearer(&good).send().await.ok();
    let letters: Vec<char> = good.chars().collect();
    for at in (0..letters.len()).step_by(7) {
        if letters[at] == '.' {
            continue;
        }
        let mut changed = letters.clone();
        changed[at] = if letters[at] == 'A' { 'B' } else { 'A' };
        let token: String = changed.into_iter().collect();
        let answer = app.get("/session").bearer(&token).send().await;
        assert_eq!(answer.status, 401, "letter {at}");
        answer.touches_no_token();
    }
    app.get("/session").bearer(&good).send().await.ok();
}

/// The issuer is not looked at (6.4): what tells systems apart is the key.
async fn tokens_of_another_issuer_app_or_key_are_not_accepted(stage: &Stage) {
    let (app, core) = app(stage).await;
    let foreign = valid(stage).with("iss", "https://other.test").of_key(TestKey::Other);
    try_refresh(&app.get("/session").bearer(&foreign.text()).send().await);
    try_refresh(&app.get("/session").bearer(&foreign.header("kid", TestKey::Dynamic.kid()).text()).send().await);
    let same_key = valid(stage).with("iss", "https://other.test").text();
    app.get("/session").bearer(&same_key).send().await.ok();
    let tenant = valid(stage).with("tId", "another").text();
    assert_eq!(app.get("/session").bearer(&tenant).send().await.ok()["tenantId"], "another");
    core.answers(
        "POST",
        "/recipe/session/verify",
        Reply::Json(json!({ "status": "UNAUTHORISED", "message": "not of this app" })),
    );
    logged_out(&app.get("/database").bearer(&tenant).send().await);
}

async fn an_odd_origin_is_no_reason_to_fail_a_header_session(stage: &Stage) {
    let info = |info: supertokens::AppInfo| {
        info.origin_of(|request, _| {
            request.and_then(|request| request.header("origin").map(|o| o.into_owned())).unwrap_or_default()
        })
    };
    let (app, _) = super::ground::app_as(stage, |plan| plan.info(info)).await;
    let good = valid(stage).text();
    for origin in ["null", "", "/x", "https://", "not an address", "\"; drop"] {
        app.get("/session").header("origin", origin).bearer(&good).send().await.ok();
        assert_eq!(app.get("/maybe").header("origin", origin).send().await.ok()["userId"], Value::Null);
        app.post("/login").header("origin", origin).send().await.ok();
        app.post("/session").header("origin", origin).bearer(&good).send().await.ok();
    }
}

async fn a_body_passes_through_as_it_came(stage: &Stage) {
    let (app, _) = app(stage).await;
    let bodies: [&[u8]; 4] = [b"", b"plain", b"\x00\xff\xfe", &[7; 200_000]];
    for body in bodies {
        for token in [None, Some("garbage".to_owned()), Some(valid(stage).text())] {
            let call = app.post("/echo").body("application/x-own", body.to_vec());
            let call = if let Some(token) = token { call.access(&token) } else { call };
            let answer = call.send().await;
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-own")));
            assert_eq!(answer.body, body);
        }
    }
    // The SDK's own endpoints do not read it.
    let call = app.post("/auth/signout").body("application/json", "{ broken").access(&valid(stage).text());
    call.send().await.ok();
}

async fn the_answer_of_the_application_survives_whatever_the_request_carried(stage: &Stage) {
    let route = AppRoute::get("/own", Guard::Optional, |scope, _| async move {
        if scope.request().headers().contains_key("x-create") {
            scope.create_new_session(NewSession::of("u")).await?;
        }
        let answer =
            AppAnswer::json(json!({ "own": [1, "ü"] })).status(207).header("x-own", "1").header("set-cookie", "own=1; Path=/");
        Ok(answer.header("vary", "origin").header("access-control-expose-headers", "x-own").header("front-page", "remove"))
    });
    let (app, _) = app_with(stage, |plan| plan, vec![route]).await;
    let good = valid(stage).text();
    let parent = valid(stage).with("parentRefreshTokenHash1", "p").text();
    let calls = [
        app.get("/own"),
        app.get("/own").access("garbage"),
        app.get("/own").access(&good),
        app.get("/own").bearer(&good),
        app.get("/own").access(&parent),
        app.get("/own").bearer(&parent),
        app.get("/own").header("x-create", "1").header("st-auth-mode", "cookie").bearer(&good),
        app.get("/own").header("x-create", "1").header("st-auth-mode", "header").access(&good),
    ];
    for call in calls {
        let answer = call.send().await;
        assert_eq!((answer.status, answer.json()), (207, json!({ "own": [1, "ü"] })));
        assert_eq!(
            (answer.header("x-own"), answer.header("vary"), answer.header("front-page")),
            (Some("1"), Some("origin"), Some("remove"))
        );
        assert_eq!(answer.set_cookie("own").unwrap().line, "own=1; Path=/");
        assert_eq!(answer.exposed()[0], "x-own");
    }
}

async fn numbers_beyond_all_bounds_never_panic(stage: &Stage) {
    let (app, _) = app(stage).await;
    for member in ["exp", "iat", "nbf", "stt"] {
        for number in [json!(i64::MAX), json!(i64::MIN), json!(u64::MAX), json!(1e308), json!(-1e308), json!(0.5), json!(-0.0)] {
            let token = valid(stage).with(member, number.clone()).text();
            let answer = app.get("/session").access(&token).send().await;
            assert!([200, 401].contains(&answer.status), "{member} {number}");
        }
    }
    let forever = valid(stage).with("exp", i64::MAX).text();
    app.get("/session").access(&forever).send().await.ok();
    for member in ["expiryTime", "timeCreated"] {
        for number in [json!(i64::MAX), json!(i64::MIN), json!(1e308), json!(0.5)] {
            let token = super::tokens::Token::legacy(stage.clock.now()).with(member, number).text();
            let answer = app.get("/session").bearer(&token).send().await;
            assert!([200, 401].contains(&answer.status), "{member}");
        }
    }
}

/// What comes from outside into headers: the core's tokens.
async fn names_that_end_a_header_do_not_pass(stage: &Stage) {
    let (app, core) = app(stage).await;
    let now = stage.clock.now();
    let token = valid(stage).text();
    let tokens = |refresh: &str, anti_csrf: &str| {
        Reply::Json(json!({
            "status": "OK",
            "session": { "handle": "h", "userId": "u", "recipeUserId": "u", "userDataInJWT": {}, "tenantId": "public" },
            "accessToken": { "token": token, "expiry": now, "createdTime": now },
            "refreshToken": { "token": refresh, "expiry": now, "createdTime": now },
            "antiCsrfToken": anti_csrf,
        }))
    };
    core.answers("POST", "/public/recipe/session", tokens("a\r\nset-cookie: evil=1; b", "c\r\nx-evil: 1"));
    for mode in ["cookie", "header"] {
        let answer = app.post("/login").header("st-auth-mode", mode).send().await;
        assert_eq!(answer.status, 200, "{mode}");
        assert_eq!((answer.set_cookie("evil"), answer.header("x-evil")), (None, None), "{mode}");
        assert_eq!(answer.ok()["userId"], "u");
    }
}

/// A core that kept a text which somebody had cut: no character, and so no JSON that can be read here. Nobody is logged out for it, and
/// the log says what to look for.
async fn half_of_a_surrogate_pair_from_a_core_is_named(stage: &Stage) {
    let (app, core) = app(stage).await;
    let body = r#"{"status":"OK","session":{"handle":"h","userId":"u","userDataInJWT":{"cut":"\ud83d"}},"userDataInJWT":{"cut":"\ud83d"}}"#;
    let raw = || Reply::Raw(http::Response::new(bytes::Bytes::from_static(body.as_bytes())));
    core.answers("POST", "/recipe/session/refresh", raw());
    core.answers("GET", "/recipe/session", raw());
    let answer = app.post("/auth/session/refresh").refresh(&core.refresh_token()).send().await;
    super::ground::fault(&answer);
    answer.touches_no_token();
    let words = app.engine.session_information("h").await.map(drop).unwrap_err().to_string();
    assert!(words.contains("/recipe/session ") && words.contains("half of a surrogate pair"), "{words}");
}
