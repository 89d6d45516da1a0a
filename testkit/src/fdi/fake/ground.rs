//! What most scenarios with a scripted core begin with: an application over it, requests with tokens in them, and time
//! that passes by itself.

use std::sync::Arc;

use serde_json::{Map, Value};
use supertokens::{Core, Payload, SuperTokens};

use super::super::app::AppRoute;
use super::super::call::{Answer, Call};
use super::super::fake_core::FakeCore;
use super::super::routes;
use super::super::stage::{App, Plan, Stage};
use super::tokens::Token;

/// Where the one scripted core is.
pub const CORE: &str = "http://core.test:3567";

/// A scripted core on the stage's clock.
pub fn fake(stage: &Stage) -> Arc<FakeCore> {
    FakeCore::new(Arc::clone(&stage.clock))
}

/// The SDK's way to it, under one or several addresses.
pub fn way_to(core: &Arc<FakeCore>, addresses: &str) -> Core {
    Core::transport(Arc::<FakeCore>::clone(core), addresses)
}

/// The standard application and routes.
pub async fn app(stage: &Stage) -> (App, Arc<FakeCore>) {
    app_as(stage, |plan| plan).await
}

/// The standard routes in an application of another making.
pub async fn app_as(stage: &Stage, change: impl FnOnce(Plan) -> Plan) -> (App, Arc<FakeCore>) {
    app_with(stage, change, routes::standard()).await
}

/// Other routes, other making.
pub async fn app_with(stage: &Stage, change: impl FnOnce(Plan) -> Plan, routes: Vec<AppRoute>) -> (App, Arc<FakeCore>) {
    let core = fake(stage);
    let way = way_to(&core, CORE);
    (stage.app(|plan| change(plan.core(way)), routes).await, core)
}

/// Only the SDK.
pub async fn engine(stage: &Stage) -> (SuperTokens, Arc<FakeCore>) {
    engine_as(stage, |plan| plan).await
}

/// Only the SDK, of another making.
pub async fn engine_as(stage: &Stage, change: impl FnOnce(Plan) -> Plan) -> (SuperTokens, Arc<FakeCore>) {
    let (app, core) = app_with(stage, change, Vec::new()).await;
    (app.engine, core)
}

/// A valid token, on the stage's clock.
pub fn valid(stage: &Stage) -> Token {
    Token::valid(stage.clock.now())
}

/// Where a request carries its tokens.
pub trait Carrying {
    /// The access token's cookie.
    fn access(self, token: &str) -> Self;
    /// The refresh token's cookie.
    fn refresh(self, token: &str) -> Self;
}

impl Carrying for Call {
    fn access(self, token: &str) -> Self {
        self.cookie("sAccessToken", token)
    }

    fn refresh(self, token: &str) -> Self {
        self.cookie("sRefreshToken", &encoded(token))
    }
}

/// As a cookie's value is on the wire.
pub fn encoded(token: &str) -> String {
    token.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// An object, as a payload.
#[track_caller]
pub fn payload(value: Value) -> Payload {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// An empty object.
pub fn nothing() -> Map<String, Value> {
    Map::new()
}

/// The browser is told to refresh, and nothing of its tokens is touched.
#[track_caller]
pub fn try_refresh(answer: &Answer) {
    answer.refuses(401, "try refresh token");
    answer.touches_no_token();
}

/// There is no session, and nothing of the browser's tokens is touched.
#[track_caller]
pub fn no_session(answer: &Answer) {
    answer.refuses(401, "unauthorised");
    answer.touches_no_token();
}

/// The browser is logged out.
#[track_caller]
pub fn logged_out(answer: &Answer) {
    answer.refuses(401, "unauthorised");
    answer.clears_both();
}

/// A fault: 500, and not a word about it.
#[track_caller]
pub fn fault(answer: &Answer) {
    answer.refuses(500, "internal server error");
}

/// Lets this happen where time passes by itself: whoever waits, waits no longer than everybody else does.
pub fn in_paused_time<F: Future<Output = T>, T: Send>(happening: impl FnOnce() -> F + Send) -> T {
    let thread = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(happening())
    };
    std::thread::scope(|scope| scope.spawn(thread).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}
