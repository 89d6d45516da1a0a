//! A core that says what a scenario wants, and remembers what it was asked.
//!
//! Left alone it answers like a real one: sessions are refreshed and checked out of what is in the tokens, and it has rows of those
//! that it made or was told to keep. `answers` scripts a path for good, `answers_once` for the next request, `host` a whole host; the
//! latest script wins, and those for one request win over those for good.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use supertokens::{BoxFuture, CoreTransport, TransportError};
use tokio::time::Instant;

use super::fake::tokens::{HOUR, TestKey, Token, payload_of};
use crate::ports::TestClock;

/// How long the fake core's refresh tokens are good.
pub const REFRESH_LIFETIME: i64 = 100 * 24 * HOUR;

/// A question that the fake core got.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `host:port` it went to.
    pub host: String,
    /// The verb.
    pub method: String,
    /// The path, with a base path in front if the host has one.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The JSON body; null if there was none.
    pub body: Value,
    /// When, by tokio's clock.
    pub at: Instant,
}

impl Asked {
    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What the fake core does about a question.
#[derive(Clone, Debug)]
pub enum Reply {
    /// What it does if nobody says anything.
    Usual,
    /// 200 with this.
    Json(Value),
    /// This status, with this text.
    Text(u16, String),
    /// This, byte for byte.
    Raw(Response<Bytes>),
    /// Nobody listens there.
    Refused,
    /// No answer within the client's time.
    TimedOut,
    /// The connection breaks.
    Broken,
    /// After this time. Only in `paused`, where time costs none.
    After(Duration, Box<Self>),
}

impl Reply {
    /// 200 with `{"status": …}`.
    pub fn status(status: &str) -> Self {
        Self::Json(json!({ "status": status }))
    }

    /// A status with a text.
    pub fn text(status: u16, text: &str) -> Self {
        Self::Text(status, text.to_owned())
    }
}

type Script = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

struct Rule {
    host: Option<String>,
    method: Option<&'static str>,
    /// The whole path; none for any.
    path: Option<String>,
    /// Only the next request.
    once: bool,
    script: Script,
}

impl Rule {
    fn fits(&self, asked: &Asked) -> bool {
        self.host.as_ref().is_none_or(|host| *host == asked.host)
            && self.method.is_none_or(|method| method == asked.method)
            && self.path.as_ref().is_none_or(|path| *path == asked.path)
    }
}

struct Inside {
    asked: Vec<Asked>,
    rules: Vec<Rule>,
    versions: Vec<String>,
    keys: Vec<(TestKey, String)>,
    /// Sessions by their handles.
    rows: BTreeMap<String, Session>,
}

/// A scripted core. Make it with [`FakeCore::new`]; it is the transport of as many engines as one likes.
pub struct FakeCore {
    clock: Arc<TestClock>,
    serial: AtomicU64,
    inside: Mutex<Inside>,
}

impl FakeCore {
    /// A core that offers CDI 5.4 and the keys `Dynamic` and `Static`, on this clock.
    pub fn new(clock: Arc<TestClock>) -> Arc<Self> {
        let keys = [TestKey::Dynamic, TestKey::Static].map(|key| (key, key.kid().to_owned())).to_vec();
        let (versions, rows) = (vec!["5.4".to_owned()], BTreeMap::new());
        let inside = Inside { asked: Vec::new(), rules: Vec::new(), versions, keys, rows };
        Arc::new(Self { clock, serial: AtomicU64::new(0), inside: Mutex::new(inside) })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which versions it offers.
    pub fn offer(&self, versions: &[&str]) {
        self.inside().versions = versions.iter().map(|version| (*version).to_owned()).collect();
    }

    /// Which keys it publishes, each under a name.
    pub fn publish(&self, keys: &[(TestKey, &str)]) {
        self.inside().keys = keys.iter().map(|(key, kid)| (*key, (*kid).to_owned())).collect();
    }

    /// It has a row of the session that this access token is of, with the token's payload. Gives the token back.
    pub fn keeps(&self, token: impl Into<String>) -> String {
        let token = token.into();
        let session = Session::of_access_token(&token);
        self.inside().rows.insert(session.handle.clone(), session);
        token
    }

    /// The payload in the row of this session.
    #[track_caller]
    pub fn row(&self, handle: &str) -> Value {
        self.inside().rows.get(handle).map(|row| row.payload.clone()).expect("a row")
    }

    /// From now on, this is the answer at this path.
    pub fn answers(&self, method: &'static str, path: &str, reply: Reply) {
        self.rule(Some(method), Some(path), None, false, Arc::new(move |_| reply.clone()));
    }

    /// From now on, the answer at this path is found out for each question.
    pub fn answers_by(&self, method: &'static str, path: &str, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        self.rule(Some(method), Some(path), None, false, Arc::new(script));
    }

    /// The next question at this path gets this; several of these queue up.
    pub fn answers_once(&self, method: &'static str, path: &str, reply: Reply) {
        self.rule(Some(method), Some(path), None, true, Arc::new(move |_| reply.clone()));
    }

    /// From now on, everything at this host gets this.
    pub fn host(&self, host: &str, reply: Reply) {
        self.rule(None, None, Some(host), false, Arc::new(move |_| reply.clone()));
    }

    /// From now on, everything gets this.
    pub fn everything(&self, reply: Reply) {
        self.rule(None, None, None, false, Arc::new(move |_| reply.clone()));
    }

    /// No scripts any more.
    pub fn as_usual(&self) {
        self.inside().rules.clear();
    }

    fn rule(&self, method: Option<&'static str>, path: Option<&str>, host: Option<&str>, once: bool, script: Script) {
        let rule = Rule { host: host.map(str::to_owned), method, path: path.map(str::to_owned), once, script };
        self.inside().rules.push(rule);
    }

    /// Everything it was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.inside().asked.clone()
    }

    /// What it was asked at this path, in order.
    pub fn asked_at(&self, method: &str, path: &str) -> Vec<Asked> {
        let mut all = self.asked();
        all.retain(|asked| asked.method == method && asked.path == path);
        all
    }

    /// How often it was asked at this path.
    pub fn times(&self, method: &str, path: &str) -> usize {
        self.asked_at(method, path).len()
    }

    /// The one question at this path; panics if it was none or more.
    #[track_caller]
    pub fn only(&self, method: &str, path: &str) -> Asked {
        let mut asked = self.asked_at(method, path);
        assert_eq!(asked.len(), 1, "{method} {path} among {:?}", self.paths());
        asked.remove(0)
    }

    /// What it was asked but for versions and keys: verb and path.
    pub fn paths(&self) -> Vec<String> {
        let all = self.asked();
        let counts = |asked: &&Asked| asked.path != "/apiversion" && asked.path != "/.well-known/jwks.json";
        all.iter().filter(counts).map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// Forgets what it was asked.
    pub fn forget(&self) {
        self.inside().asked.clear();
    }

    /// A refresh token that it will accept.
    pub fn refresh_token(&self) -> String {
        self.refresh_token_of(&Session::default())
    }

    fn refresh_token_of(&self, session: &Session) -> String {
        let text = json!({
            "handle": session.handle, "user": session.user, "recipeUser": session.recipe_user,
            "tenant": session.tenant, "payload": session.payload, "pad": "??>>",
        });
        format!("{}.nonce.V2", BASE64_STANDARD.encode(text.to_string()))
    }

    fn next(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::SeqCst) + 1
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let asked = note(&request);
        let script = {
            let mut inside = self.inside();
            inside.asked.push(asked.clone());
            inside.script_for(&asked)
        };
        let mut reply = script.map_or(Reply::Usual, |script| script(&asked));
        while let Reply::After(time, then) = reply {
            tokio::time::sleep(time).await;
            reply = *then;
        }
        match reply {
            Reply::Usual => Ok(self.usual(&asked)),
            Reply::Json(body) => Ok(json_response(&body)),
            Reply::Text(status, text) => Ok(text_response(status, text)),
            Reply::Raw(response) => Ok(response),
            Reply::Refused => Err(TransportError::Unreachable("connection refused".into())),
            Reply::TimedOut => Err(TransportError::TimedOut),
            Reply::Broken | Reply::After(..) => Err(TransportError::Broken("connection reset".into())),
        }
    }
}

impl Inside {
    fn script_for(&mut self, asked: &Asked) -> Option<Script> {
        if let Some(at) = self.rules.iter().position(|rule| rule.once && rule.fits(asked)) {
            return Some(self.rules.remove(at).script);
        }
        self.rules.iter().rev().find(|rule| rule.fits(asked)).map(|rule| Arc::clone(&rule.script))
    }
}

impl CoreTransport for FakeCore {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.answer(request))
    }
}

impl fmt::Debug for FakeCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeCore")
    }
}

fn note(request: &Request<Bytes>) -> Asked {
    let uri = request.uri();
    let url = reqwest::Url::parse(&uri.to_string()).expect("an absolute address");
    let body = match request.body() {
        empty if empty.is_empty() => Value::Null,
        body => serde_json::from_slice(body).expect("the SDK sends JSON"),
    };
    Asked {
        host: uri.authority().map(ToString::to_string).unwrap_or_default(),
        method: request.method().to_string(),
        path: uri.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: request.headers().clone(),
        body,
        at: Instant::now(),
    }
}

fn json_response(body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn text_response(status: u16, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain;charset=UTF-8"));
    response
}

/// What the fake core reads out of a token.
#[derive(Clone)]
struct Session {
    handle: String,
    user: String,
    recipe_user: String,
    tenant: String,
    payload: Value,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            handle: "handle1".into(),
            user: "user1".into(),
            recipe_user: "user1".into(),
            tenant: "public".into(),
            payload: json!({ "iss": "http://api.example.com/auth" }),
        }
    }
}

/// The members of an access token's payload that the core puts there itself.
const OWN: [&str; 10] =
    ["sub", "rsub", "tId", "iat", "exp", "sessionHandle", "refreshTokenHash1", "parentRefreshTokenHash1", "antiCsrfToken", "stt"];

/// Whether a token is signed by a key that changes; whoever replaces it stays with that kind.
fn is_dynamic(token: &str) -> bool {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    !header["kid"].as_str().unwrap_or_default().starts_with("s-")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Session {
    fn of_access_token(token: &str) -> Self {
        let says = payload_of(token);
        if let Some(data) = says.get("userData") {
            let user = text(&says["userId"]);
            let handle = text(&says["sessionHandle"]);
            return Self { handle, recipe_user: user.clone(), user, tenant: "public".into(), payload: data.clone() };
        }
        let mut payload = says.as_object().cloned().unwrap_or_default();
        payload.retain(|name, _| !OWN.contains(&name.as_str()));
        let user = text(&says["sub"]);
        Self {
            handle: text(&says["sessionHandle"]),
            recipe_user: says["rsub"].as_str().map_or_else(|| user.clone(), str::to_owned),
            user,
            tenant: says["tId"].as_str().unwrap_or("public").to_owned(),
            payload: Value::Object(payload),
        }
    }

    fn of_refresh_token(token: &str) -> Option<Self> {
        let says = BASE64_STANDARD.decode(token.strip_suffix(".nonce.V2")?).ok()?;
        let says: Value = serde_json::from_slice(&says).ok()?;
        Some(Self {
            handle: text(&says["handle"]),
            user: text(&says["user"]),
            recipe_user: text(&says["recipeUser"]),
            tenant: text(&says["tenant"]),
            payload: says["payload"].clone(),
        })
    }

    fn shown(&self) -> Value {
        json!({
            "handle": self.handle, "userId": self.user, "recipeUserId": self.recipe_user,
            "userDataInJWT": self.payload, "tenantId": self.tenant,
        })
    }

    fn access_token(&self, now: i64, dynamic: bool, members: [(&str, Value); 2]) -> Value {
        let key = if dynamic { TestKey::Dynamic } else { TestKey::Static };
        let mut token = Token::valid(now).of_key(key).without("iss");
        for (name, value) in self.payload.as_object().into_iter().flatten() {
            token = token.with(name, value.clone());
        }
        token = token.with("sub", self.user.as_str()).with("rsub", self.recipe_user.as_str());
        token = token.with("tId", self.tenant.as_str()).with("sessionHandle", self.handle.as_str());
        for (name, value) in members {
            token = token.with(name, value);
        }
        json!({ "token": token.text(), "expiry": (now / 1_000 * 1_000).saturating_add(HOUR), "createdTime": now })
    }
}

impl FakeCore {
    fn usual(&self, asked: &Asked) -> Response<Bytes> {
        let body = &asked.body;
        let segments: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        let answer = match (asked.method.as_str(), segments.as_slice()) {
            ("GET", [.., "apiversion"]) => json!({ "versions": self.inside().versions }),
            ("GET", [.., ".well-known", "jwks.json"]) => return self.key_set(),
            ("GET", [.., "user", "id"]) => json!({ "status": "UNKNOWN_USER_ID_ERROR" }),
            ("GET", [.., "recipe", "session", "user"]) => json!({ "status": "OK", "sessionHandles": ["handle1", "handle2"] }),
            ("GET", [.., "recipe", "session"]) => self.information(asked),
            ("POST", [.., "recipe", "session", "verify"]) => self.verify(asked),
            ("POST", [.., "recipe", "session", "refresh"]) => self.refresh(body),
            ("POST", [.., "recipe", "session", "regenerate"]) => self.regenerate(body),
            ("POST", [.., "recipe", "session", "remove"]) => {
                let handles = body.get("sessionHandles").cloned().unwrap_or_else(|| json!(["handle1", "handle2"]));
                json!({ "status": "OK", "sessionHandlesRevoked": handles })
            }
            ("POST", [before @ .., "recipe", "session"]) => self.create(before.last().copied().unwrap_or("public"), body),
            ("PUT", [.., "recipe", "session", "data"]) => json!({ "status": "OK" }),
            ("PUT", [.., "recipe", "jwt", "data"]) => {
                self.store(&text(&body["sessionHandle"]), &body["userDataInJWT"]);
                json!({ "status": "OK" })
            }
            ("POST", [.., "recipe", "jwt"]) => self.jwt(body),
            _ => return text_response(404, format!("Not found: {} {}", asked.method, asked.path)),
        };
        json_response(&answer)
    }

    fn key_set(&self) -> Response<Bytes> {
        let keys: Vec<Value> = self.inside().keys.iter().map(|(key, kid)| key.jwk(kid)).collect();
        let mut response = json_response(&json!({ "keys": keys }));
        let cache_control = http::HeaderValue::from_static("max-age=3600, must-revalidate");
        response.headers_mut().insert("cache-control", cache_control);
        response
    }

    fn tokens(&self, session: &Session, body: &Value, parent: Value) -> Value {
        let now = self.clock.now();
        let anti_csrf = match body["enableAntiCsrf"] == true {
            true => Value::String(format!("anti-{}", self.next())),
            false => Value::Null,
        };
        let dynamic = body["useDynamicSigningKey"] != false;
        let members = [("parentRefreshTokenHash1", parent), ("antiCsrfToken", anti_csrf.clone())];
        let mut answer = json!({
            "status": "OK",
            "session": session.shown(),
            "accessToken": session.access_token(now, dynamic, members),
            "refreshToken": {
                "token": self.refresh_token_of(session), "expiry": now.saturating_add(REFRESH_LIFETIME), "createdTime": now,
            },
        });
        if !anti_csrf.is_null() {
            answer["antiCsrfToken"] = anti_csrf;
        }
        answer
    }

    fn create(&self, tenant: &str, body: &Value) -> Value {
        let user = text(&body["userId"]);
        let session = Session {
            handle: format!("created{}", self.next()),
            recipe_user: user.clone(),
            user,
            tenant: tenant.to_owned(),
            payload: body["userDataInJWT"].clone(),
        };
        self.inside().rows.insert(session.handle.clone(), session.clone());
        self.tokens(&session, body, Value::Null)
    }

    fn information(&self, asked: &Asked) -> Value {
        match self.inside().rows.get(asked.query.get("sessionHandle").map_or("", String::as_str)) {
            Some(row) => json!({
                "status": "OK", "sessionHandle": row.handle, "userId": row.user, "recipeUserId": row.recipe_user, "tenantId": row.tenant,
                "userDataInDatabase": {}, "userDataInJWT": row.payload, "expiry": REFRESH_LIFETIME, "timeCreated": 0,
            }),
            None => json!({ "status": "UNAUTHORISED", "message": "Session does not exist." }),
        }
    }

    fn store(&self, handle: &str, payload: &Value) {
        if let Some(row) = self.inside().rows.get_mut(handle) {
            row.payload = payload.clone();
        }
    }

    /// As a core behaves after a refresh: the first check promotes the session and brings a token without the parent.
    fn verify(&self, asked: &Asked) -> Value {
        let token = text(&asked.body["accessToken"]);
        let (session, says) = (Session::of_access_token(&token), payload_of(&token));
        let mut answer = json!({ "status": "OK", "session": session.shown() });
        if says["parentRefreshTokenHash1"].is_string() && asked.header("cdi-version") == Some("5.4") {
            let members = [("parentRefreshTokenHash1", Value::Null), ("antiCsrfToken", says["antiCsrfToken"].clone())];
            answer["accessToken"] = session.access_token(self.clock.now(), is_dynamic(&token), members);
        }
        if asked.header("cdi-version") == Some("5.6") && asked.body["checkDatabase"] == true {
            let differs = self.inside().rows.get(&session.handle).is_some_and(|row| row.payload != session.payload);
            answer["payloadUpdateAvailable"] = differs.into();
        }
        answer
    }

    fn refresh(&self, body: &Value) -> Value {
        match Session::of_refresh_token(body["refreshToken"].as_str().unwrap_or_default()) {
            Some(session) => self.tokens(&session, body, "parent-hash".into()),
            None => json!({ "status": "UNAUTHORISED", "message": "The refresh token is not known." }),
        }
    }

    fn regenerate(&self, body: &Value) -> Value {
        let token = text(&body["accessToken"]);
        let says = payload_of(&token);
        let mut session = Session::of_access_token(&token);
        match (body.get("userDataInJWT"), self.inside().rows.get(&session.handle)) {
            (Some(payload), _) => session.payload = payload.clone(),
            (None, Some(row)) => session.payload = row.payload.clone(),
            (None, None) => {}
        }
        self.store(&session.handle, &session.payload);
        let hashes = [("parentRefreshTokenHash1", Value::Null), ("antiCsrfToken", says["antiCsrfToken"].clone())];
        let access = session.access_token(self.clock.now(), is_dynamic(&token), hashes);
        json!({ "status": "OK", "session": session.shown(), "accessToken": access })
    }

    fn jwt(&self, body: &Value) -> Value {
        let now = self.clock.now() / 1_000;
        let key = if body["useStaticSigningKey"] == false { TestKey::Dynamic } else { TestKey::Static };
        let mut token =
            Token::bare().of_key(key).with("iat", now).with("exp", now.saturating_add(body["validity"].as_i64().unwrap_or(0)));
        for (name, value) in body["payload"].as_object().unwrap_or(&Map::new()) {
            token = token.with(name, value.clone());
        }
        json!({ "status": "OK", "jwt": token.text() })
    }
}
