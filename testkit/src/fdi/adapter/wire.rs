//! What only a wire can carry, or break: every framework does what is native to it, and nothing of one request reaches another.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Response};
use http_body_util::BodyExt as _;
use supertokens::session::{NewSession, VerifyOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;

use crate::fdi::{Answer, App, AppAnswer, AppRoute, ECHO_LIMIT, Guard, Mode, Plan, Stage, routes};
use crate::scenarios;

/// The standard application behind a socket.
async fn listening(stage: &Stage, more: Vec<AppRoute>) -> App {
    let mut list = routes::standard();
    list.extend(more);
    stage.app(Plan::over_http, list).await
}

#[track_caller]
fn answered(answer: Result<Response<Bytes>>) -> Answer {
    Answer::from(answer.unwrap_or_else(|error| panic!("no answer: {error:?}")))
}

/// Nobody is logged in for a stranger, and whoever logs in is who they say.
async fn nothing_has_leaked(app: &App) {
    let seen = app.get("/maybe").send().await;
    assert!(seen.ok()["userId"].is_null());
    seen.touches_no_token();
    let bob = app.browser(Mode::Header);
    assert_eq!(bob.log_in("bob").await.front_payload()["sub"], "bob");
    assert_eq!(bob.get("/session").await.ok()["userId"], "bob");
}

/// The connection is closed, or the framework answers 500: as it does without the SDK.
async fn a_handler_that_panics_takes_nobody_else_along(stage: &Stage) {
    let panics = AppRoute::post("/panics", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("ada")).await?;
        panic!("a handler of a scenario panics, as it should");
    });
    let guarded = AppRoute::get("/panics", Guard::Required, |_, _| async { panic!("and so does one behind a guard") });
    let app = listening(stage, vec![panics, guarded]).await;
    let ada = app.browser(Mode::Header);
    ada.log_in("ada").await;
    for call in [app.post("/panics"), app.get("/panics").bearer(&ada.access_token())] {
        if let Ok(answer) = app.served().ask(call.into_request()).await {
            assert_eq!(answer.status(), 500);
        }
        nothing_has_leaked(&app).await;
    }
    assert_eq!(ada.get("/session").await.ok()["userId"], "ada");
}

async fn a_body_that_is_too_large_is_refused_by_the_framework(stage: &Stage) {
    let app = listening(stage, Vec::new()).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let echo = |size| app.post("/echo").cookie("sAccessToken", &browser.access_token()).body("text/plain", vec![b'x'; size]);
    let most = answered(app.served().ask(echo(ECHO_LIMIT).into_request()).await);
    assert_eq!((most.status, most.body.len()), (200, ECHO_LIMIT));
    let refused = answered(app.served().ask(echo(ECHO_LIMIT + 1).into_request()).await);
    assert_eq!(refused.status, 413);
    refused.touches_no_token();
    nothing_has_leaked(&app).await;
}

/// Before the request was whole, and while the handler works for it.
async fn who_leaves_in_the_middle_leaves_nothing_behind(stage: &Stage) {
    let (begun, goes_on) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let gates = (Arc::clone(&begun), Arc::clone(&goes_on));
    let slow = AppRoute::post("/slow-login", Guard::Open, move |scope, _| {
        let (begun, goes_on) = gates.clone();
        async move {
            scope.create_new_session(NewSession::of("ada")).await?;
            begun.notify_one();
            goes_on.notified().await;
            Ok(AppAnswer::ok())
        }
    });
    let app = listening(stage, vec![slow]).await;
    let mut half = app.served().dial().await.expect("a connection");
    half.write_all(b"POST /echo HTTP/1.1\r\nhost: api.example.com\r\ncontent-length: 100\r\n\r\nten bytes!").await.expect("sent");
    drop(half);
    nothing_has_leaked(&app).await;
    let mut gone = app.served().dial().await.expect("a connection");
    gone.write_all(b"POST /slow-login HTTP/1.1\r\nhost: api.example.com\r\ncontent-length: 0\r\n\r\n").await.expect("sent");
    begun.notified().await;
    drop(gone);
    nothing_has_leaked(&app).await;
    // A framework that has not noticed finishes the request for nobody.
    goes_on.notify_one();
    nothing_has_leaked(&app).await;
}

/// Cookies of others may be anything; a token is text.
async fn header_values_that_are_no_text_are_no_obstacle(stage: &Stage) {
    let app = listening(stage, Vec::new()).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let cookies = [b"theme=\xff\xfe; sAccessToken=".as_slice(), browser.access_token().as_bytes()].concat();
    let call = app.get("/session").header_bytes("x-name", b"\xe4\xff").header_bytes("cookie", &cookies);
    let seen = answered(app.served().ask(call.into_request()).await);
    assert_eq!(seen.ok()["userId"], "ada");
    seen.touches_no_token();
    for (name, value) in [("authorization", &b"Bearer \xff\xfe"[..]), ("st-auth-mode", b"\xff"), ("rid", b"\xc3\x28")] {
        let refused = answered(app.served().ask(app.get("/session").header_bytes(name, value).into_request()).await);
        refused.refuses(401, "unauthorised");
        let refused = app.post("/auth/session/refresh").header_bytes(name, value).into_request();
        answered(app.served().ask(refused).await).refuses(401, "unauthorised");
    }
}

/// As a proxy would be asked.
async fn an_address_may_come_with_its_host(stage: &Stage) {
    let app = listening(stage, Vec::new()).await;
    let login = app.post("http://api.example.com/login").header("x-user", "ada").into_request();
    let login = answered(app.served().ask(login).await);
    let (token, refresh) = (login.access_token().expect("a token"), login.refresh_token().expect("a token"));
    for path in ["http://api.example.com/session", "http://api.example.com/nested/session?x=1"] {
        assert_eq!(answered(app.served().ask(app.get(path).bearer(&token).into_request()).await).ok()["userId"], "ada", "{path}");
    }
    let refreshed = app.post("http://api.example.com/auth/session/refresh").bearer(&refresh).into_request();
    assert!(answered(app.served().ask(refreshed).await).access_token().is_some());
}

async fn http_2_is_as_http_1(stage: &Stage) {
    let app = listening(stage, Vec::new()).await;
    let login = app.post("/login").header("x-user", "ada").header("st-auth-mode", "cookie").into_request();
    let login = answered(app.served().ask_http2(login).await);
    assert_eq!(login.set_cookies().len(), 2);
    let ours = format!("sAccessToken={}", login.access_token().expect("a token"));
    let seen = app.get("/session").header("cookie", "theme=dark").header("cookie", &ours).into_request();
    assert_eq!(answered(app.served().ask_http2(seen).await).ok()["userId"], "ada");
    let twice = app.get("/session").header("cookie", &ours).header("cookie", &ours).into_request();
    answered(app.served().ask_http2(twice).await).refuses(401, "try refresh token");
    let refresh = format!("sRefreshToken={}", login.set_cookie("sRefreshToken").expect("a token").value);
    let refreshed = app.post("/auth/session/refresh").header("cookie", &refresh).into_request();
    assert_eq!(answered(app.served().ask_http2(refreshed).await).set_cookies().len(), 2);
}

/// `HEAD` is guarded like `GET`, and has no body; whether a route for `GET` takes it, is the framework's affair. `OPTIONS` passes a
/// guard.
async fn other_verbs_are_guarded_too(stage: &Stage) {
    let who = |method, path, guard| AppRoute::new(method, path, guard, |_, session| async move { Ok(routes::who(session)) });
    let strict = Guard::With(VerifyOptions::new().check_database());
    let more = vec![
        who(Method::HEAD, "/looked-at", Guard::Required),
        who(Method::HEAD, "/looked-at-strictly", strict.clone()),
        who(Method::OPTIONS, "/looked-at-strictly", strict),
        who(Method::DELETE, "/looked-at", Guard::Required),
    ];
    let app = listening(stage, more).await;
    let browser = app.browser(Mode::Header);
    browser.log_in("ada").await;
    for path in ["/looked-at", "/looked-at-strictly"] {
        for (call, status) in
            [(app.call(Method::HEAD, path), 401), (app.call(Method::HEAD, path).bearer(&browser.access_token()), 200)]
        {
            let answer = answered(app.served().ask(call.into_request()).await);
            assert_eq!((answer.status, answer.body.len()), (status, 0), "{path}");
            answer.touches_no_token();
        }
    }
    app.call(Method::DELETE, "/looked-at").send().await.refuses(401, "unauthorised");
    assert!(app.call(Method::OPTIONS, "/looked-at-strictly").send().await.ok()["userId"].is_null());
    let head = answered(app.served().ask(app.call(Method::HEAD, "/session").into_request()).await);
    assert!([401, 404, 405].contains(&head.status), "{}", head.status);
    head.touches_no_token();
}

async fn requests_of_one_connection_share_nothing(stage: &Stage) {
    let app = listening(stage, Vec::new()).await;
    let mut connection = app.served().connect().await.expect("a connection");
    for user in ["ada", "bob"] {
        let login = connection.ask(app.post("/login").header("x-user", user).into_request()).await;
        let login = answered(login);
        assert_eq!(login.front_payload()["sub"], user);
        let stranger = answered(connection.ask(app.get("/maybe").into_request()).await);
        assert!(stranger.ok()["userId"].is_null());
        stranger.touches_no_token();
        let token = login.access_token().expect("a token");
        assert_eq!(answered(connection.ask(app.get("/session").bearer(&token).into_request()).await).ok()["userId"], user);
        answered(connection.ask(app.get("/fails").bearer(&token).into_request()).await).touches_no_token();
    }
}

/// The first piece is there while the second has not been made.
async fn a_stream_arrives_piece_by_piece(stage: &Stage) {
    let app = listening(stage, Vec::new()).await;
    let mut connection = app.served().connect().await.expect("a connection");
    let response = connection.begin(app.get("/stream").header("st-auth-mode", "cookie").into_request()).await.expect("a head");
    let (parts, mut body) = response.into_parts();
    let head = Answer { status: parts.status.as_u16(), headers: parts.headers, body: Bytes::new() };
    assert_eq!((head.status, head.set_cookies().len()), (200, 2));
    let mut next = async || body.frame().await.map(|frame| frame.expect("a frame").into_data().expect("data"));
    assert_eq!(next().await.as_deref(), Some(&b"piece 0"[..]));
    app.gate.notify_one();
    assert_eq!(next().await.as_deref(), Some(&b"piece 1"[..]));
    assert_eq!(next().await, None);
    let token = head.access_token().expect("a token");
    assert_eq!(app.get("/session").cookie("sAccessToken", &token).send().await.ok()["userId"], "ada");
}

scenarios!(Stage:
    a_handler_that_panics_takes_nobody_else_along,
    a_body_that_is_too_large_is_refused_by_the_framework,
    who_leaves_in_the_middle_leaves_nothing_behind,
    header_values_that_are_no_text_are_no_obstacle,
    an_address_may_come_with_its_host,
    http_2_is_as_http_1,
    other_verbs_are_guarded_too,
    requests_of_one_connection_share_nothing,
    a_stream_arrives_piece_by_piece,
);
