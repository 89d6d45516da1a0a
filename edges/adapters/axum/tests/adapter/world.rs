//! A core that knows one user, the SDK in front of it, and a way to ask a router.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use supertokens::session::SessionRecipe;
use supertokens::{AppInfo, BoxFuture, Builder, Core, CoreTransport, SuperTokens, TransportError};
use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, mint};
use supertokens_domain::session::signing_key::SigningKey;
use supertokens_domain::time::HOUR;
use tower_service::Service as _;

pub(crate) const NOW: i64 = 1_700_000_000_000;
pub(crate) const WEBSITE: &str = "https://www.example.com";

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let keys: Value = serde_json::from_str(include_str!("../../../../../testkit/vectors/rsa_test_keys.json")).unwrap();
        let text = |name: &str| keys["dynamic"][name].as_str().unwrap().to_owned();
        SigningKey::from_stored(&text("kid"), &text("storage_string")).unwrap()
    })
}

/// An access token of Anna's that ends at this time.
pub(crate) fn token(expires_at: i64) -> String {
    let claims = AccessClaims {
        session_handle: SessionHandle::presented("handle"),
        user_id: "anna".to_owned(),
        recipe_user_id: "anna".to_owned(),
        refresh_token_hash1: "00".repeat(32),
        parent_refresh_token_hash1: None,
        anti_csrf: None,
        expires_at,
        issued_at: NOW - HOUR,
        tenant: TenantId::normalise("public"),
        payload: JsonObject::new(),
    };
    mint(&claims, AccessTokenVersion::V5, key()).unwrap().token
}

fn session() -> Value {
    json!({ "handle": "handle", "userId": "anna", "recipeUserId": "anna", "userDataInJWT": {}, "tenantId": "public" })
}

fn issued() -> Value {
    let part = |token: String| json!({ "token": token, "expiry": NOW + HOUR, "createdTime": NOW });
    json!({
        "status": "OK",
        "session": session(),
        "accessToken": part(token(NOW + HOUR)),
        "refreshToken": part("refresh".to_owned()),
    })
}

/// Remembers what it was asked.
#[derive(Default)]
pub(crate) struct FakeCore {
    asked: Mutex<Vec<String>>,
    pub(crate) is_down: AtomicBool,
}

impl FakeCore {
    fn answer(&self, request: &Request<Bytes>) -> Value {
        let asked = format!("{} {}", request.method(), request.uri().path());
        self.asked.lock().unwrap().push(asked.clone());
        match asked.as_str() {
            "GET /apiversion" => json!({ "versions": ["5.6"] }),
            "GET /.well-known/jwks.json" => {
                json!({ "keys": [serde_json::from_str::<Value>(&key().verifying().jwk().to_text()).unwrap()] })
            }
            "GET /user/id" => json!({ "status": "UNKNOWN_USER_ID_ERROR" }),
            "POST /public/recipe/session" => issued(),
            "POST /recipe/session/verify" => json!({ "status": "OK", "session": session() }),
            "POST /recipe/session/refresh" => json!({ "status": "UNAUTHORISED", "message": "no such session" }),
            "POST /recipe/session/remove" => json!({ "status": "OK", "sessionHandlesRevoked": ["handle"] }),
            other => panic!("the core was asked {other}"),
        }
    }

    pub(crate) fn times(&self, asked: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|one| *one == asked).count()
    }
}

struct Transport(Arc<FakeCore>);

impl CoreTransport for Transport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            if self.0.is_down.load(Ordering::Relaxed) {
                return Err(TransportError::TimedOut);
            }
            Ok(Response::new(Bytes::from(self.0.answer(&request).to_string())))
        })
    }
}

pub(crate) struct World {
    pub(crate) engine: SuperTokens,
    pub(crate) core: Arc<FakeCore>,
    pub(crate) clock: Arc<AtomicI64>,
}

pub(crate) fn app_info() -> AppInfo {
    AppInfo::new("Shop").api_domain("https://api.example.com").website_domain(WEBSITE)
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(app_info(), |builder| builder).await
    }

    pub(crate) async fn with(app_info: AppInfo, change: impl FnOnce(Builder) -> Builder) -> Self {
        let (core, clock) = (Arc::new(FakeCore::default()), Arc::new(AtomicI64::new(NOW)));
        let time = Arc::clone(&clock);
        let builder = SuperTokens::builder(app_info)
            .core(Core::transport(Arc::new(Transport(Arc::clone(&core))), "http://core.test"))
            .clock(Arc::new(move || time.load(Ordering::Relaxed)))
            .recipe(SessionRecipe::new());
        Self { engine: change(builder).build().await.unwrap(), core, clock }
    }
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Whether the browser is told to forget its tokens.
    pub(crate) fn logs_out(&self) -> bool {
        let clears =
            |name: &str| self.cookies().iter().any(|cookie| cookie.starts_with(&format!("{name}=;")) && cookie.contains("1970"));
        clears("sAccessToken") && clears("sRefreshToken") && self.header("front-token") == Some("remove")
    }
}

pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

/// From a browser that wants cookies.
pub(crate) fn by_browser(method: &str, path: &str) -> http::request::Builder {
    request(method, path).header("st-auth-mode", "cookie")
}

/// With a good token.
pub(crate) fn by_anna(method: &str, path: &str) -> http::request::Builder {
    request(method, path).header("cookie", format!("sAccessToken={}", token(NOW + HOUR)))
}

/// With one that has ended.
pub(crate) fn late(method: &str, path: &str) -> http::request::Builder {
    request(method, path).header("cookie", format!("sAccessToken={}", token(NOW - 1000)))
}

pub(crate) async fn ask(router: &Router, request: http::request::Builder) -> Answer {
    send(router, request.body(Body::empty()).unwrap()).await
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().call(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}
