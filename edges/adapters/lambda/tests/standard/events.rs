//! What only events bring along: stages, lists of cookies, and a gateway that asks who may pass. Scenario 148 of sdk-session.md 11.

use bytes::Bytes;
use http::{Method, Request};
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayV2CustomAuthorizerV2Request,
};
use serde_json::{Value, json};
use supertokens::session::{Claim, NewSession, VerifyOptions};
use supertokens_lambda::Authorizer;
use supertokens_lambda_gateway::{Events, Gateway};
use supertokens_testkit::fdi::{Answer, App, AppAnswer, AppRoute, Guard, Mode, Stage, StandardApp, Subject, routes};
use supertokens_testkit::scenarios;

use crate::GATEWAY;

/// These scenarios.
pub(crate) static SUBJECTS: &[Subject] = &[("lambda::events", ALL)];

/// The standard application below a stage, and a way to ask it.
struct Staged {
    app: App,
    list: Vec<AppRoute>,
}

impl Staged {
    async fn new(stage: &Stage) -> Self {
        let list = routes::standard();
        Self { app: stage.app(|plan| plan.info(|info| info.api_gateway_path("/prod")), list.clone()).await, list }
    }

    async fn send(&self, request: Request<Bytes>) -> Answer {
        let app =
            StandardApp { engine: self.app.engine.clone(), routes: self.list.clone(), cors: false, gate: self.app.gate.clone() };
        let gateway = Gateway { stage: Some("prod".to_owned()), ..GATEWAY };
        super::build(app, gateway)(request).await.into()
    }
}

async fn a_stage_stands_before_every_path(stage: &Stage) {
    let staged = Staged::new(stage).await;
    let app = &staged.app;
    let login = app.post("/prod/login").header("st-auth-mode", "cookie").header("x-user", "ada").into_request();
    let login = staged.send(login).await;
    let refresh = login.set_cookie("sRefreshToken").expect("a refresh token");
    assert_eq!(refresh.attribute("path"), Some("/prod/auth/session/refresh"), "what browsers see");
    let refreshed = app.post("/prod/auth/session/refresh?x=1").cookie("sRefreshToken", &refresh.value).into_request();
    let refreshed = staged.send(refreshed).await;
    assert_eq!(refreshed.ok(), json!({}));
    let token = refreshed.access_token().expect("an access token");
    let seen = staged.send(app.get("/prod/session").cookie("sAccessToken", &token).into_request()).await;
    assert_eq!(seen.ok()["userId"], "ada");
    let gone = staged.send(app.post("/prod/auth/signout").cookie("sAccessToken", &token).into_request()).await;
    assert_eq!(gone.ok()["status"], "OK");
    assert!(gone.set_cookie("sAccessToken").is_some_and(|cookie| cookie.is_cleared()));
    assert!(staged.send(app.get("/prod/auth/jwt/jwks.json").into_request()).await.ok()["keys"].is_array());
    for path in ["/prod/prod/auth/jwt/jwks.json", "/prod/elsewhere", "/prod"] {
        let unknown = staged.send(app.get(path).into_request()).await;
        assert_eq!((unknown.status, unknown.json()), (404, json!({ "message": "not found" })), "{path}");
        unknown.touches_no_token();
    }
}

async fn a_cookie_that_comes_twice_is_seen(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let call = || app.get("/session").cookie("theme", "dark").cookie("sAccessToken", &browser.access_token());
    assert_eq!(call().send().await.ok()["userId"], "ada");
    let twice = || call().cookie("sAccessToken", &browser.access_token());
    if GATEWAY.events == Events::Http {
        let event = GATEWAY.event(&twice().into_request()).expect("an event");
        assert_eq!(event["cookies"].as_array().map(Vec::len), Some(3), "each in an element of its own: {event}");
        assert!(event["headers"].get("cookie").is_none());
    }
    twice().send().await.refuses(401, "try refresh token");
}

async fn each_cookie_leaves_by_itself(stage: &Stage) {
    let mut list = routes::standard();
    list.push(AppRoute::post("/sign-in-somehow", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("ada")).await?;
        Ok(AppAnswer::ok().header("set-cookie", "theme=dark").header("set-cookie", "lang=en"))
    }));
    let app = stage.app(|plan| plan, list.clone()).await;
    let function = super::function(StandardApp { engine: app.engine.clone(), routes: list, cors: false, gate: app.gate.clone() });
    let request = app.post("/sign-in-somehow").header("st-auth-mode", "cookie").into_request();
    let answer = function(GATEWAY.event(&request).expect("an event")).await.expect("an answer");
    let (cookies, elsewhere) = match GATEWAY.events {
        Events::Rest => (&answer["multiValueHeaders"]["set-cookie"], &answer["headers"]["set-cookie"]),
        Events::Http => (&answer["cookies"], &answer["headers"]["set-cookie"]),
    };
    let cookies: Vec<_> = cookies.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let names: Vec<_> = cookies.iter().filter_map(|cookie| cookie.split('=').next()).collect();
    assert_eq!(names, ["theme", "lang", "sAccessToken", "sRefreshToken"]);
    assert!(elsewhere.is_null(), "{answer}");
}

/// Asks an authorizer about this request.
async fn may_pass(authorizer: &Authorizer, request: &Request<Bytes>) -> Result<Value, String> {
    let mut event = GATEWAY.event(request).expect("an event");
    let answer = match GATEWAY.events {
        Events::Rest => {
            event["type"] = "REQUEST".into();
            event["methodArn"] = "arn:aws:execute-api:eu-central-1:1:api/prod/GET/page".into();
            let event: ApiGatewayCustomAuthorizerRequestTypeRequest = serde_json::from_value(event).expect("an event");
            authorizer.rest(event).await.map(serde_json::to_value)
        }
        Events::Http => {
            event["routeArn"] = "arn:aws:execute-api:eu-central-1:1:api/prod/GET/page".into();
            event["cookies"] = event["cookies"].as_array().cloned().unwrap_or_default().into();
            let event: ApiGatewayV2CustomAuthorizerV2Request = serde_json::from_value(event).expect("an event");
            authorizer.http(event).await.map(serde_json::to_value)
        }
    };
    answer.map(|answer| answer.expect("an answer is JSON")).map_err(|error| error.to_string())
}

/// Whether an authorizer's answer is a yes.
fn is_yes(answer: &Value) -> bool {
    match GATEWAY.events {
        Events::Rest => {
            let statement = &answer["policyDocument"]["Statement"][0];
            assert_eq!(statement["Resource"], json!(["arn:aws:execute-api:eu-central-1:1:api/prod/GET/page"]));
            assert_eq!(statement["Action"], json!(["execute-api:Invoke"]));
            statement["Effect"] == "Allow"
        }
        Events::Http => answer["isAuthorized"] == true,
    }
}

async fn a_gateway_asks_who_may_pass(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let authorizer = Authorizer::new(app.engine.clone());
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        let handle = browser.log_in("ada").await.ok()["handle"].clone();
        let call = || match mode {
            Mode::Cookie => app.get("/page").cookie("theme", "dark").cookie("sAccessToken", &browser.access_token()),
            _ => app.get("/page").bearer(&browser.access_token()),
        };
        let answer = may_pass(&authorizer, &call().into_request()).await.expect("an answer");
        assert!(is_yes(&answer), "{answer}");
        assert!(GATEWAY.events == Events::Http || answer["principalId"] == "ada", "{answer}");
        let told = &answer["context"];
        assert_eq!((&told["userId"], &told["sessionHandle"], &told["tenantId"]), (&json!("ada"), &handle, &json!("public")));
        let payload: Value = serde_json::from_str(told["accessTokenPayload"].as_str().expect("a text")).expect("JSON");
        assert_eq!(payload["sub"], "ada");

        let admins = VerifyOptions::new().require(Claim::new("role", |_| async { Ok(None) }).has_value("admin"));
        let strict = Authorizer::new(app.engine.clone()).options(admins);
        let answer = may_pass(&strict, &call().into_request()).await.expect("an answer, of which the gateway makes 403");
        assert!(!is_yes(&answer), "{answer}");

        app.engine.revoke_session(handle.as_str().expect("a handle")).await.expect("revoked");
        let checked = Authorizer::new(app.engine.clone()).options(VerifyOptions::new().check_database());
        assert_eq!(may_pass(&checked, &call().into_request()).await, Err("Unauthorized".to_owned()));
    }
    // What it stands before may answer every verb and every path: neither a preflight passes, nor who could refresh, and nothing is refreshed.
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await.ok();
    let (token, path) = (browser.refresh_token(), "/auth/session/refresh");
    for call in
        [app.call(Method::OPTIONS, "/page"), app.call(Method::TRACE, "/page"), app.post(path).cookie("sRefreshToken", &token)]
    {
        assert_eq!(may_pass(&authorizer, &call.into_request()).await, Err("Unauthorized".to_owned()));
    }
    browser.refresh().await.ok();
    assert_ne!(browser.refresh_token(), token, "it was still good");

    let optional = Authorizer::new(app.engine.clone()).options(VerifyOptions::new().session_optional());
    for request in [app.get("/page"), app.get("/page").bearer("garbage"), app.get("/page").cookie("sAccessToken", "garbage")] {
        let request = request.into_request();
        assert_eq!(may_pass(&authorizer, &request).await, Err("Unauthorized".to_owned()), "the word of which it makes 401");
        assert_eq!(may_pass(&optional, &request).await, Err("Unauthorized".to_owned()));
    }
}

scenarios!(Stage:
    a_stage_stands_before_every_path,
    a_cookie_that_comes_twice_is_seen,
    each_cookie_leaves_by_itself,
    a_gateway_asks_who_may_pass,
);
