//! What a client sends is what the server reads, and what the server answers is what the client reads, at both versions that we
//! speak. Garbage is refused without a panic and without showing what it was.

use std::fmt::Debug;

use proptest::prelude::*;
use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::json::{Json, JsonObject};

use super::*;
use crate::cdi::jwt::{CreateJwt, GetWellKnownJwks, JwtCreated, WellKnownJwks};
use crate::cdi::server::GetApiVersions;
use crate::cdi::session::*;
use crate::cdi::users::GetUserById;
use crate::input::{Charset, Input};
use crate::operation::{Answer, Body};
use crate::version::{CdiVersion, Rules};

const OLDER: CdiVersion = CdiVersion { major: 5, minor: 4 };
const NEWER: CdiVersion = CdiVersion { major: 5, minor: 6 };

fn object(text: &str) -> JsonObject {
    JsonObject::parse(text).unwrap()
}

/// What the server makes of what we send.
fn read_by_the_server<T: Ask>(question: &T, rules: &Rules) -> T {
    let asked = question.question();
    assert_eq!(asked.body.is_some(), T::METHOD != "GET", "{} {}", T::METHOD, T::PATH);
    assert!(asked.body.is_none() || asked.query.is_empty(), "a question stands in the query or in the body");
    let body = asked.body_text().unwrap_or_default();
    T::read(&Input::new(&asked.query_string(), body.as_bytes(), Charset::Utf8), rules).unwrap()
}

fn arrives<T: Ask + PartialEq>(question: &T) {
    for version in [OLDER, NEWER] {
        assert!(read_by_the_server(question, &version.rules()) == *question, "{} {} at {version}", T::METHOD, T::PATH);
    }
}

/// What goes over the line as the answer.
fn on_the_wire(answer: impl Answer, version: CdiVersion) -> JsonObject {
    match answer.write(&version.rules()) {
        Body::Json(json) | Body::CachedJson { json, .. } => object(&json.to_text()),
        Body::Text(text) => panic!("an object was expected, not {text}"),
    }
}

fn comes_back<T: Ask>(answer: &T::ClientAnswer)
where
    T::ClientAnswer: Answer + Clone + PartialEq + Debug,
{
    for version in [OLDER, NEWER] {
        let read = T::read_answer(on_the_wire(answer.clone(), version));
        assert_eq!(read.as_ref(), Ok(answer), "{} {} at {version}", T::METHOD, T::PATH);
    }
}

fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[^\\x00]{0,20}").unwrap()
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        Just(Json::Number("1.0".into())),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec((text(), inner), 0..4).prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn payload() -> impl Strategy<Value = JsonObject> {
    proptest::collection::vec((text(), json()), 0..4).prop_map(|members| members.into_iter().collect())
}

fn handle() -> impl Strategy<Value = SessionHandle> {
    text().prop_map(SessionHandle::presented)
}

fn token() -> impl Strategy<Value = Token> {
    (text(), any::<i64>(), any::<i64>()).prop_map(|(token, expiry, created)| Token { token, expiry, created })
}

fn session() -> impl Strategy<Value = SessionObject> {
    (handle(), text(), text(), payload(), "[a-z0-9-]{0,6}").prop_map(|(handle, user_id, recipe_user_id, payload, tenant)| {
        SessionObject { handle, user_id, recipe_user_id, payload, tenant: TenantId::normalise(&tenant) }
    })
}

fn tokens() -> impl Strategy<Value = SessionTokens> {
    (session(), token(), token(), proptest::option::of(text())).prop_map(|(session, access, refresh, anti_csrf)| SessionTokens {
        session,
        access,
        refresh,
        id_refresh: None,
        anti_csrf,
    })
}

proptest! {
    #[test]
    fn a_new_session_is_asked_for_and_answered(
        user_id in text(), payload in payload(), data in payload(), enable_anti_csrf: bool,
        use_dynamic_signing_key: Option<bool>, access_token_validity: Option<i64>, tokens in tokens(),
    ) {
        let question =
            CreateSession { user_id, enable_anti_csrf, payload, data, access_token_validity, use_dynamic_signing_key };
        prop_assert_eq!(read_by_the_server(&question, &NEWER.rules()), question.clone());
        let without = CreateSession { access_token_validity: None, ..question.clone() };
        prop_assert_eq!(read_by_the_server(&question, &OLDER.rules()), without);
        comes_back::<CreateSession>(&Created { tokens, keys: None });
    }

    #[test]
    fn a_token_is_verified(
        access_token in text(), anti_csrf_token in proptest::option::of(text()), do_anti_csrf_check: bool,
        enable_anti_csrf: bool, check_database: bool, session in session(), access in proptest::option::of(token()),
        payload_update_available: Option<bool>, message in text(),
    ) {
        let check_database = Some(check_database);
        arrives(&VerifySession { access_token, anti_csrf_token, do_anti_csrf_check, enable_anti_csrf, check_database });
        comes_back::<VerifySession>(&Verified::Ok { session: Box::new(session), access, payload_update_available, keys: None });
        comes_back::<VerifySession>(&Verified::Unauthorised(message.clone()));
        comes_back::<VerifySession>(&Verified::TryRefreshToken { message, keys: None });
    }

    #[test]
    fn a_session_is_refreshed(
        refresh_token in text(), anti_csrf_token in proptest::option::of(text()), enable_anti_csrf: bool, dynamic: bool,
        access_token_validity: Option<i64>, tokens in tokens(), handle in handle(), ids in [text(), text(), text()],
        subtype in proptest::option::of(text()),
    ) {
        let use_dynamic_signing_key = Some(dynamic);
        let question =
            RefreshSession { refresh_token, anti_csrf_token, enable_anti_csrf, use_dynamic_signing_key, access_token_validity };
        prop_assert!(read_by_the_server(&question, &NEWER.rules()) == question);
        let without = RefreshSession { access_token_validity: None, ..question.clone() };
        prop_assert!(read_by_the_server(&question, &OLDER.rules()) == without);
        let [user_id, recipe_user_id, message] = ids;
        comes_back::<RefreshSession>(&Refreshed::Ok(Box::new(tokens)));
        comes_back::<RefreshSession>(&Refreshed::Unauthorised { message, subtype: subtype.clone() });
        comes_back::<RefreshSession>(&Refreshed::TokenTheftDetected { handle, user_id, recipe_user_id, subtype });
    }

    #[test]
    fn a_token_is_regenerated(
        access_token in text(), payload in proptest::option::of(payload()), session in session(),
        access in proptest::option::of(token()), message in text(),
    ) {
        arrives(&RegenerateSession { access_token, payload });
        comes_back::<RegenerateSession>(&Regenerated::Ok { session: Box::new(session), access });
        comes_back::<RegenerateSession>(&Regenerated::Unauthorised(message));
    }

    #[test]
    fn a_session_is_read_and_its_objects_replaced(
        handle in handle(), data in payload(), session in session(), expiry: i64, created: i64,
    ) {
        arrives(&GetSession { handle: handle.clone() });
        arrives(&PutSessionData { handle: handle.clone(), data: data.clone() });
        arrives(&PutJwtData { handle, data: data.clone() });
        comes_back::<GetSession>(&SessionFound::Ok(Box::new(SessionDetails { session, data, expiry, created })));
    }

    #[test]
    fn sessions_are_listed_and_removed(
        user_id in text(), across_all_tenants: bool, linked_accounts: bool, handles in proptest::collection::vec(handle(), 0..5),
    ) {
        let of = SessionsOf { user_id, across_all_tenants, linked_accounts };
        arrives(&ListSessions(of.clone()));
        arrives(&RemoveSessions::Of(of));
        arrives(&RemoveSessions::Handles(handles.clone()));
        comes_back::<ListSessions>(&SessionsListed(handles.clone()));
        comes_back::<RemoveSessions>(&SessionsRemoved(handles));
    }

    #[test]
    fn jwts_users_and_versions_are_asked_for(
        texts in [text(), text()], payload in payload(), validity in 1..i64::MAX, use_static_signing_key: Option<bool>,
        domains in [proptest::option::of(text()), proptest::option::of(text())],
    ) {
        let [algorithm, jwks_domain] = texts;
        arrives(&GetUserById { user_id: jwks_domain.clone() });
        arrives(&CreateJwt { algorithm, jwks_domain, payload, validity, use_static_signing_key });
        let [website_domain, api_domain] = domains;
        arrives(&GetApiVersions { website_domain, api_domain });
        arrives(&GetWellKnownJwks);
    }

    #[test]
    fn no_answer_makes_a_reader_panic(mut answer in payload(), name in "[a-zA-Z]{1,8}|status|session|keys", value in json()) {
        answer.insert(name, value);
        for (_, read) in readers() {
            let _ = read(answer.clone());
        }
    }
}

type Reader = fn(JsonObject) -> Result<(), UnreadableAnswer>;

/// Every question that can be asked, with an answer that has everything we read. `SECRET` stands where a token would.
fn readers() -> Vec<(JsonObject, Reader)> {
    let session = r#"{"handle":"h_t1","userId":"u","recipeUserId":"r","userDataInJWT":{"SECRET":1},"tenantId":"t1"}"#;
    let token = r#"{"token":"SECRET","expiry":2,"createdTime":1}"#;
    let tokens =
        format!(r#"{{"status":"OK","session":{session},"accessToken":{token},"refreshToken":{token},"antiCsrfToken":"SECRET"}}"#);
    let verified = format!(r#"{{"status":"OK","session":{session},"accessToken":{token},"payloadUpdateAvailable":true}}"#);
    let theft = format!(r#"{{"status":"TOKEN_THEFT_DETECTED","session":{session},"recentTokenReuseSubtype":"S"}}"#);
    let unauthorised = r#"{"status":"UNAUTHORISED","message":"SECRET"}"#;
    let information = r#"{"sessionHandle":"h","userId":"u","recipeUserId":"r","userDataInDatabase":{},"expiry":2,
        "userDataInJWT":{},"timeCreated":1,"status":"OK","tenantId":"public"}"#;
    let keys = r#"{"keys":[{"kty":"RSA","kid":"k","n":"bg","e":"AQAB","alg":"RS256","use":"sig"}]}"#;
    macro_rules! rows {
        ($($operation:ty: $answer:expr),+ $(,)?) => {
            vec![$((object($answer), (|answer| <$operation>::read_answer(answer).map(drop)) as Reader)),+]
        };
    }
    rows![
        CreateSession: &tokens,
        VerifySession: &verified,
        VerifySession: unauthorised,
        VerifySession: r#"{"status":"TRY_REFRESH_TOKEN","message":"SECRET"}"#,
        RefreshSession: &tokens,
        RefreshSession: &theft,
        RefreshSession: r#"{"status":"UNAUTHORISED","message":"SECRET","recentTokenReuseSubtype":"S"}"#,
        RegenerateSession: &verified,
        RegenerateSession: unauthorised,
        GetSession: information,
        GetSession: unauthorised,
        ListSessions: r#"{"status":"OK","sessionHandles":["h"]}"#,
        RemoveSessions: r#"{"status":"OK","sessionHandlesRevoked":["h"]}"#,
        PutSessionData: r#"{"status":"OK"}"#,
        PutSessionData: unauthorised,
        PutJwtData: r#"{"status":"OK"}"#,
        PutJwtData: unauthorised,
        CreateJwt: r#"{"status":"OK","jwt":"SECRET"}"#,
        CreateJwt: r#"{"status":"UNSUPPORTED_ALGORITHM_ERROR"}"#,
        GetWellKnownJwks: keys,
        GetUserById: r#"{"status":"OK","user":{"id":"u"}}"#,
        GetUserById: r#"{"status":"UNKNOWN_USER_ID_ERROR"}"#,
        GetApiVersions: r#"{"versions":["5.4"]}"#,
    ]
}

/// The answer with one member, however deep, gone or replaced; once for each member.
fn damaged(value: &Json, instead: Option<&Json>) -> Vec<Json> {
    match value {
        Json::Object(object) => {
            let mut all = Vec::new();
            for (name, old) in object.iter() {
                let mut copy = object.clone();
                match instead {
                    Some(new) => copy.insert(name, new.clone()),
                    None => drop(copy.remove(name)),
                }
                all.push(copy.into());
                all.extend(damaged(old, instead).into_iter().map(|inner| object.clone().with(name, inner).into()));
            }
            all
        }
        Json::Array(items) => items.iter().flat_map(|item| damaged(item, instead)).map(|item| Json::Array(vec![item])).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn damaged_answers_are_refused_without_showing_them() {
    let strange = ["null", "true", "-7", "1e400", "\"SECRET\"", "[\"SECRET\"]", "{\"SECRET\":0}", "[[]]"].map(Json::parse);
    let (mut good, mut refused) = (0, 0);
    for (answer, read) in readers() {
        assert_eq!(read(answer.clone().with("newMember", "x")), Ok(()), "{}", answer.to_text());
        good += 1;
        let answer = Json::from(answer);
        for instead in std::iter::once(None).chain(strange.iter().map(|new| Some(new.as_ref().unwrap()))) {
            for bad in damaged(&answer, instead) {
                let Json::Object(bad) = bad else { panic!("still an object") };
                let Err(error) = read(bad) else { continue };
                // The names of members of a payload are not read, and SECRET is a word that a status could be.
                let shown = error.to_string();
                assert!(!shown.contains("SECRET") || matches!(error, UnreadableAnswer::UnknownStatus(_)), "{shown}");
                refused += 1;
            }
        }
    }
    assert_eq!(good, 23);
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_refusal_names_the_member() {
    let refused = |read: Result<(), UnreadableAnswer>| read.unwrap_err().to_string();
    let created = |text: &str| refused(CreateSession::read_answer(object(text)).map(drop));
    assert_eq!(created("{}"), "the core's answer has no member 'status'");
    assert_eq!(created(r#"{"status":"OK"}"#), "the core's answer has no member 'session'");
    assert_eq!(
        created(r#"{"status":"OK","session":{"handle":7}}"#),
        "the member 'session.handle' of the core's answer is not a string"
    );
    assert_eq!(
        created(r#"{"status":"UNAUTHORISED"}"#),
        "the core answered with the status 'UNAUTHORISED', which is not known here"
    );
    let odd = object(r#"{"status":"see\nother lines"}"#);
    assert_eq!(
        refused(GetSession::read_answer(odd).map(drop)),
        "the core answered with the status '(not a word)', which is not known here"
    );
    assert_eq!(
        refused(GetWellKnownJwks::read_answer(object(r#"{"keys":[{"kty":"RSA","n":[]}]}"#)).map(drop)),
        "the member 'keys[0].n' of the core's answer is not a string"
    );
    assert_eq!(
        refused(GetApiVersions::read_answer(object(r#"{"versions":["5.4",5.6]}"#)).map(drop)),
        "the member 'versions' of the core's answer is not an array of strings"
    );
}

#[test]
fn answers_without_members_come_back_too() {
    comes_back::<GetSession>(&SessionFound::Unauthorised);
    for answer in [DataAnswer::Ok(None), DataAnswer::Unauthorised] {
        comes_back::<PutSessionData>(&answer);
        comes_back::<PutJwtData>(&answer);
    }
    for answer in [JwtCreated::Ok("a.b.c".into()), JwtCreated::UnsupportedAlgorithm] {
        assert!(CreateJwt::read_answer(on_the_wire(answer.clone(), NEWER)).is_ok_and(|read| read == answer));
    }
}

#[test]
fn what_a_session_does_not_say_follows_from_what_it_says() {
    let answer = r#"{"status":"OK","session":{"handle":"h_t1","userId":"u","userDataInJWT":{},"tenantId":null}}"#;
    let Ok(Verified::Ok { session, access: None, payload_update_available: None, keys: None }) =
        VerifySession::read_answer(object(answer))
    else {
        panic!("a session without a new token")
    };
    assert_eq!((session.recipe_user_id.as_str(), session.tenant.as_str()), ("u", "t1"));
    assert_eq!(VerifySession::read_answer(object(r#"{"status":"UNAUTHORISED"}"#)), Ok(Verified::Unauthorised(String::new())));
}

#[test]
fn questions_look_as_the_official_sdks_send_them() {
    let of = SessionsOf { user_id: "a&b=ü/+ ".into(), across_all_tenants: true, linked_accounts: false };
    assert_eq!(
        ListSessions(of.clone()).question().query_string(),
        "userId=a%26b%3D%C3%BC%2F%2B%20&fetchSessionsForAllLinkedAccounts=false&fetchAcrossAllTenants=true"
    );
    assert_eq!(
        RemoveSessions::Of(of).question().body_text().unwrap(),
        r#"{"userId":"a&b=ü/+ ","revokeSessionsForLinkedAccounts":false,"revokeAcrossAllTenants":true}"#
    );
    let verify = VerifySession {
        access_token: "SECRET".into(),
        anti_csrf_token: None,
        do_anti_csrf_check: true,
        enable_anti_csrf: false,
        check_database: Some(false),
    };
    let asked = verify.question();
    assert_eq!(
        asked.body_text().unwrap(),
        r#"{"accessToken":"SECRET","doAntiCsrfCheck":true,"enableAntiCsrf":false,"checkDatabase":false}"#
    );
    assert_eq!(
        format!("{asked:?}"),
        r#"Question { query: [], body: Some(["accessToken", "doAntiCsrfCheck", "enableAntiCsrf", "checkDatabase"]) }"#
    );
    let versions = GetApiVersions { api_domain: Some("https://api.example".into()), website_domain: None };
    assert_eq!(versions.question().query_string(), "apiDomain=https%3A%2F%2Fapi.example");
    assert_eq!(GetWellKnownJwks.question().query_string(), "");
    let recipes = [VerifySession::RECIPE, CreateJwt::RECIPE, GetWellKnownJwks::RECIPE, GetUserById::RECIPE];
    assert_eq!(recipes, [Some("session"), Some("jwt"), None, None]);
}

#[test]
fn answers_with_tokens_do_not_print_them() {
    let answer = object(
        r#"{"status":"OK","session":{"handle":"h","userId":"u","userDataInJWT":{}},"antiCsrfToken":"SECRET",
        "accessToken":{"token":"SECRET","expiry":2,"createdTime":1},"refreshToken":{"token":"SECRET","expiry":2,"createdTime":1}}"#,
    );
    let created = CreateSession::read_answer(answer.clone()).unwrap();
    assert_eq!(created.tokens.anti_csrf.as_deref(), Some("SECRET"));
    assert!(!format!("{created:?}").contains("SECRET"));
    assert!(!format!("{:?}", RefreshSession::read_answer(answer).unwrap()).contains("SECRET"));
}

#[test]
fn the_newest_common_version_is_spoken() {
    let offered = |text: &str| GetApiVersions::read_answer(object(text)).unwrap();
    let ours = [OLDER, NEWER];
    for (text, common) in [
        (r#"{"versions":["5.6","5.4","5.10","6.0"]}"#, Some(NEWER)),
        (r#"{"versions":["5.3","5.4","5.5"]}"#, Some(OLDER)),
        (r#"{"versions":["5.60","5","05.4",""]}"#, None),
        (r#"{"versions":[]}"#, None),
    ] {
        assert_eq!(offered(text).newest_of(&ours), common, "{text}");
    }
}

#[test]
fn users_are_found_under_their_whole_id() {
    let read = |text: &str| GetUserById::read_answer(object(text));
    let found = r#"{"status":"OK","user":{"id":"primary","loginMethods":[{"recipeUserId":"other"}]}}"#;
    assert_eq!(read(found), Ok(UserById::Found { id: "primary".into() }));
    assert_eq!(read(r#"{"status":"UNKNOWN_USER_ID_ERROR"}"#), Ok(UserById::Unknown));
}

#[test]
fn keys_come_back_and_only_those_for_rs256_are_taken() {
    let key = |text: &str| object(text);
    let good = key(r#"{"kty":"RSA","kid":"d-1","n":"bg","e":"AQAB","alg":"RS256","use":"sig"}"#);
    let without_use = key(r#"{"kty":"RSA","kid":"s-1","n":"bg","e":"AQAB","alg":"RS256"}"#);
    let others = [
        r#"{"kty":"EC","kid":"k","alg":"RS256"}"#,
        r#"{"kty":"oct","kid":"k","n":"bg","e":"AQAB","alg":"RS256"}"#,
        r#"{"kty":"RSA","kid":"k","n":"bg","e":"AQAB","alg":"PS256"}"#,
        r#"{"kty":"RSA","kid":"k","n":"bg","e":"AQAB"}"#,
        r#"{"kty":"RSA","kid":"k","n":"bg","e":"AQAB","alg":"RS256","use":"enc"}"#,
        r#"{"kty":"RSA","kid":"k","e":"AQAB","alg":"RS256"}"#,
        r#"{"kty":"RSA","kid":"k","n":"bg","alg":"RS256"}"#,
    ];
    let keys: Vec<JsonObject> = [good, without_use].into_iter().chain(others.map(key)).collect();
    let read =
        GetWellKnownJwks::read_answer(on_the_wire(WellKnownJwks { keys: keys.clone(), max_age_seconds: 9 }, NEWER)).unwrap();
    let taken: Vec<_> = read.rs256_keys().map(|key| (key.kid, key.n, key.e)).collect();
    assert_eq!(taken, [(Some("d-1"), "bg", "AQAB"), (Some("s-1"), "bg", "AQAB")]);
    assert_eq!(read.keys.into_iter().map(JsonObject::from).collect::<Vec<_>>(), keys);
}

#[test]
fn the_time_for_which_keys_may_be_kept_is_read() {
    for (header, seconds) in [
        ("max-age=300, must-revalidate", Some(300)),
        ("public,Max-Age = \"60\"", Some(60)),
        ("s-maxage=5, max-age=7", Some(7)),
        ("max-age=0", Some(0)),
        ("max-age=", None),
        ("max-age=+5", None),
        ("max-age=-1", None),
        ("max-age=99999999999999999999999", None),
        ("no-store", None),
        ("", None),
    ] {
        assert_eq!(max_age_seconds(header), seconds, "{header}");
    }
}
