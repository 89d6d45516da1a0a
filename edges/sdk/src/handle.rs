//! The SDK as a function: a request in, an answer out, or "not ours"; and an error in, its answer out. Adapters bring requests here and
//! apply what comes (sdk-session.md 3.2 to 3.8).

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};
use supertokens_domain::printable::printable;
use supertokens_web::caching;
use supertokens_web::carriage::Load;
use supertokens_web::outcome;
use supertokens_web::response_changes::{FRONT_TOKEN, ResponseChanges, expose_header_value};
use supertokens_web::routing::{self, Endpoint, Target};
use supertokens_web::{cookie, discovery, front_token};

use crate::SuperTokens;
use crate::context::{OwnAnswer, Scope};
use crate::error::{Error, with_causes};
use crate::jwt::GetJwksGet;
use crate::openid::GetOpenIdDiscoveryConfigurationGet;
use crate::session::{Callback, RefreshPost, RevokeSession, SignOutPost, SignedOut, Theft, TokenKind, sign_out};
use crate::surroundings::PAGE;

/// Ends a session. Done by a task of its own, unless the application has an override of this: what that one needs may be with the task that
/// it is called from.
async fn end_stolen(engine: SuperTokens, revoke: RevokeSession) -> Result<(), Error> {
    if engine.overrides().has::<RevokeSession>() {
        return engine.call(revoke).await.map(|_| ());
    }
    let ending = tokio::spawn(async move { engine.call(revoke).await.map(|_| ()) });
    ending.await.unwrap_or_else(|failed| Err(Error::Application(failed.into())))
}

/// The endpoints, in the order of the table below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Refresh,
    SignOut,
    Jwks,
    Discovery,
}

const ALL: [Ours; 4] = [Ours::Refresh, Ours::SignOut, Ours::Jwks, Ours::Discovery];

impl Ours {
    fn endpoint(self, engine: &SuperTokens) -> Endpoint<'static> {
        let overrides = engine.overrides();
        let sessions = engine.inner().session.is_some();
        let (recipe, method, path, enabled) = match self {
            Self::Refresh => ("session", "POST", "/session/refresh", sessions && overrides.is_enabled::<RefreshPost>()),
            Self::SignOut => ("session", "POST", "/signout", sessions && overrides.is_enabled::<SignOutPost>()),
            Self::Jwks => ("jwt", "GET", "/jwt/jwks.json", overrides.is_enabled::<GetJwksGet>()),
            Self::Discovery => (
                "openid",
                "GET",
                "/.well-known/openid-configuration",
                overrides.is_enabled::<GetOpenIdDiscoveryConfigurationGet>(),
            ),
        };
        Endpoint { recipe, method, path, enabled }
    }

    /// How the path of an endpoint ends. A path without any of these is none of ours, and need not be taken apart.
    const ENDS: [&'static str; 4] = ["refresh", "signout", "jwks.json", "openid-configuration"];
}

impl Scope {
    /// Answers the request if it is for one of the SDK's endpoints. `None`: it is the application's. The answer has all changes in it.
    pub async fn handle(&self) -> Option<Response<Bytes>> {
        Some(self.answering()?.await)
    }

    /// As [`handle`](Self::handle), but whose request it is, is known before anything is awaited.
    pub fn answering(&self) -> Option<impl Future<Output = Response<Bytes>> + Send + use<>> {
        let found = self.find().transpose()?;
        let scope = self.clone();
        Some(async move {
            let answered = match found {
                Ok(ours) => scope.run(ours).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(answered) => scope.answered(answered),
                Err(error) => scope.error_response(error).await,
            }
        })
    }

    /// As [`handle`](Self::handle), for hosts that write responses by themselves: the answer and its headers are given apart, faults come
    /// back, and whatever shall change on the response stays in the scope, for [`finish`](Self::finish).
    ///
    /// # Errors
    /// A fault; or what an override or a callback of the application ran into.
    pub async fn handle_or_fail(&self) -> Result<Option<(OwnAnswer, HeaderMap)>, Error> {
        let answered = match self.find() {
            Ok(None) => return Ok(None),
            Ok(Some(ours)) => self.run(ours).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok((body, headers)) => Ok(Some((self.own_answer_or(&body), headers))),
            Err(error) => Ok(Some((self.answer_error(error).await?, HeaderMap::new()))),
        }
    }

    /// The answer of an endpoint, with all changes in it.
    fn answered(&self, (body, headers): (Value, HeaderMap)) -> Response<Bytes> {
        let mut response = plain(self.own_answer_or(&body));
        response.headers_mut().extend(headers);
        self.finish(response.headers_mut());
        response
    }

    fn own_answer_or(&self, body: &Value) -> OwnAnswer {
        self.own_answer().unwrap_or_else(|| OwnAnswer::json(StatusCode::OK, body))
    }

    fn find(&self) -> Result<Option<Ours>, Error> {
        let (engine, request) = (self.supertokens(), self.request());
        if !Ours::ENDS.iter().any(|end| request.path().contains(end)) {
            return Ok(None);
        }
        let app = engine.app_info();
        let Ok(path) = routing::normalise_request_path(request.path(), &app.api_gateway_path) else { return Ok(None) };
        let endpoints = ALL.map(|ours| ours.endpoint(engine));
        let rid = request.header("rid");
        let target = Target { method: request.method().as_str(), path: &path, rid: rid.as_deref() };
        let found = routing::find(&app.api_base_path, &endpoints, target).map_err(Error::application)?;
        Ok(found.and_then(|found| ALL.get(found.endpoint).copied()))
    }

    async fn run(&self, ours: Ours) -> Result<(Value, HeaderMap), Error> {
        let engine = self.supertokens();
        let scope = self.clone();
        let mut headers = HeaderMap::new();
        let body = match ours {
            Ours::Refresh => {
                engine.call(RefreshPost { scope }).await?;
                Value::Object(Map::new())
            }
            Ours::SignOut => match sign_out(self).await? {
                SignedOut::Ok => json!({ "status": "OK" }),
                SignedOut::GeneralError { message } => outcome::general_error(&message).1,
            },
            Ours::Jwks => {
                let set = engine.call(GetJwksGet { scope }).await?;
                headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
                if let Some(seconds) = set.validity_in_seconds
                    && let Ok(value) = HeaderValue::from_str(&discovery::cache_control(seconds))
                {
                    headers.insert("cache-control", value);
                }
                json!({ "keys": set.keys })
            }
            Ours::Discovery => {
                headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
                Value::Object(engine.call(GetOpenIdDiscoveryConfigurationGet { scope }).await?.0)
            }
        };
        Ok((body, headers))
    }

    /// The answer to an error, with all changes in it. A fault is logged, and answered with a bare 500 that tells nothing.
    pub async fn error_response(&self, error: Error) -> Response<Bytes> {
        let answer = match self.answer_error(error).await {
            Ok(answer) => answer,
            Err(fault) => {
                tracing::error!(target: "com.supertokens", error = %with_causes(&fault), "a request failed");
                let own = self.supertokens().inner().on_fault.as_ref().and_then(|on_fault| on_fault(&fault, self));
                own.unwrap_or_else(|| {
                    let (status, body) = outcome::fault();
                    answer(status, &body)
                })
            }
        };
        let mut response = plain(answer);
        self.finish(response.headers_mut());
        response
    }

    /// The SDK's answer to an error of its own kinds; its effects on tokens are noted. Any other error comes back untouched, for the
    /// framework's own error handling.
    ///
    /// # Errors
    /// A fault; or what a callback of the application, or ending a stolen session, ran into.
    pub async fn answer_error(&self, error: Error) -> Result<OwnAnswer, Error> {
        let Some(refusal) = error.refusal() else { return Err(error) };
        let engine = self.supertokens();
        let feature = engine.feature()?;
        if refusal.clears_tokens() {
            let look = self.look_for_clearing()?;
            self.change(|changes| changes.clear_both(look.of()));
        }
        match &error {
            // The application's own doing, and nobody else can mend it.
            Error::PayloadTooLarge(_) => tracing::warn!(target: "com.supertokens", %error, "refused"),
            _ => tracing::debug!(target: "com.supertokens", %error, "refused"),
        }
        let (status, body) = outcome::answer(&refusal, &feature.settings);
        let handlers = &feature.handlers;
        let scope = self.clone();
        match error {
            Error::Unauthorised { message, .. } => told(&handlers.unauthorised, message, scope).await?,
            Error::TryRefreshToken { message } => told(&handlers.try_refresh_token, message, scope).await?,
            Error::InvalidClaims { failures } => told(&handlers.invalid_claims, failures, scope).await?,
            Error::ClearDuplicateSessionCookies { message } => told(&handlers.clear_duplicate_cookies, message, scope).await?,
            Error::TokenTheftDetected { session_handle, user_id, recipe_user_id } => {
                tracing::warn!(
                    target: "com.supertokens",
                    session_handle = %printable(&session_handle),
                    "token theft detected: a refresh token came back that had been replaced. Where it was a client whose answer got lost, the \
                     core's refresh_token_rotation_grace_period is shorter than its way back. See {PAGE}, \"Lost answers\""
                );
                if handlers.token_theft.is_some() {
                    told(&handlers.token_theft, Theft { session_handle, user_id, recipe_user_id }, scope).await?;
                } else {
                    // Whoever asked may hang up: the session ends all the same.
                    let revoke = RevokeSession { session_handle, context: self.context().clone() };
                    end_stolen(engine.clone(), revoke).await?;
                }
            }
            _ => {}
        }
        Ok(self.own_answer().unwrap_or_else(|| answer(status, &body)))
    }

    /// Writes everything that happened to sessions into a response's headers. Adapters call it once, last.
    pub fn finish(&self, headers: &mut HeaderMap) {
        let changes = self.take_changes();
        if changes.is_empty() {
            return;
        }
        apply(&changes, headers);
        let access = self.supertokens().feature().map(|feature| feature.header_name(self, TokenKind::Access)).unwrap_or_default();
        if let Some(what) = load(&changes, headers, &access).too_large() {
            self.supertokens().inner().surroundings.too_large(what);
        }
    }
}

/// What new tokens weigh in a response; nothing, if there are none.
fn load(changes: &ResponseChanges, headers: &HeaderMap, access_header: &str) -> Load {
    if !changes.headers().any(|(name, value)| name == FRONT_TOKEN && value.is_some_and(|value| value != front_token::REMOVE)) {
        return Load::default();
    }
    let ours = headers.get_all(SET_COOKIE).iter().filter(|value| is_of(changes, value));
    Load {
        cookie: ours.map(HeaderValue::len).max().unwrap_or_default(),
        token_in_header: headers.get(access_header).map_or(0, HeaderValue::len),
        headers: headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum(),
    }
}

async fn told<T>(callback: &Option<Callback<T>>, what: T, scope: Scope) -> Result<(), Error> {
    match callback {
        Some(callback) => callback(what, scope).await,
        None => Ok(()),
    }
}

fn answer(status: u16, body: &Value) -> OwnAnswer {
    OwnAnswer::json(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body)
}

fn plain(answer: OwnAnswer) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}

/// What the application has set stays, but for headers and cookies of the same names.
fn apply(changes: &ResponseChanges, headers: &mut HeaderMap) {
    keep_out_of_shared_caches(headers);
    for (name, value) in changes.headers() {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            tracing::error!(target: "com.supertokens", name, "not a header's name, left out");
            continue;
        };
        match value.map(HeaderValue::from_str) {
            None => drop(headers.remove(name)),
            Some(Ok(mut value)) => {
                // Tokens, most of them: nobody's log should print them.
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            Some(Err(_)) => tracing::error!(target: "com.supertokens", %name, "the value cannot stand in a header, left out"),
        }
    }
    if !changes.exposed().is_empty() {
        let there: Vec<&str> =
            headers.get_all(ACCESS_CONTROL_EXPOSE_HEADERS).iter().filter_map(|value| value.to_str().ok()).collect();
        let there = Some(there.join(", ")).filter(|there| !there.is_empty());
        if let Ok(value) = HeaderValue::from_str(&expose_header_value(there.as_deref(), changes.exposed())) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, value);
        }
    }
    if changes.cookies().is_empty() {
        return;
    }
    let others: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter(|value| !is_of(changes, value)).cloned().collect();
    headers.remove(SET_COOKIE);
    for value in others {
        headers.append(SET_COOKIE, value);
    }
    for cookie in changes.cookies() {
        set(cookie, headers);
    }
}

/// Tokens, and taking them away, are for one browser: a cache that many share would hand them to others.
fn keep_out_of_shared_caches(headers: &mut HeaderMap) {
    let is_for_one = |headers: &HeaderMap, name: &HeaderName| {
        caching::is_for_one(headers.get_all(name).iter().filter_map(|value| value.to_str().ok()))
    };
    if !is_for_one(headers, &CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let others = headers.keys().filter(|name| caching::goes_before_cache_control(name.as_str()));
    let others: Vec<HeaderName> = others.filter(|name| !is_for_one(headers, name)).cloned().collect();
    for name in others {
        headers.remove(name);
    }
}

/// Whether a cookie that is set has the name of one of these.
fn is_of(changes: &ResponseChanges, value: &HeaderValue) -> bool {
    let name = value.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
    changes.cookies().iter().any(|cookie| cookie.name.as_bytes() == name)
}

fn set(cookie: &cookie::SetCookie, headers: &mut HeaderMap) {
    match HeaderValue::from_str(&cookie.to_header()) {
        Ok(mut value) => {
            value.set_sensitive(true);
            headers.append(SET_COOKIE, value);
        }
        Err(_) => tracing::error!(target: "com.supertokens", name = cookie.name, "the cookie cannot stand in a header, left out"),
    }
}
