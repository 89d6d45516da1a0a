//! Every kind of step, by a host written in Rust: what ends at once, what is asked, what is waited for, what fails, and what is left of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what is missing fails it"
)]

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::json;
use supertokens_bridge::{Answer, Ask, Bridge, Changes, Checks, Done, Failure, Held, Request, Session, Step, Value, answer};

/// A host: what it does when it is asked, and where it is told numbers.
struct Host {
    bridge: Arc<Bridge>,
    told: Mutex<mpsc::Receiver<u64>>,
}

/// What a call came to, and what was to change on its response, in order.
struct End {
    outcome: Result<Done, Failure>,
    checked: Option<Session>,
    changes: Changes,
    /// Whether it had to be waited for.
    waited: bool,
}

impl End {
    fn session(&self) -> Held {
        self.outcome.as_ref().unwrap().session.clone().expect("a session")
    }

    fn failure(&self) -> &Failure {
        self.outcome.as_ref().err().expect("a failure")
    }

    fn value(&self) -> &Value {
        &self.outcome.as_ref().unwrap_or_else(|failure| panic!("{failure:?}")).value
    }

    fn change(&self, name: &str) -> Option<&str> {
        self.changes.iter().rev().find(|(of, _)| of == name).and_then(|(_, value)| value.as_deref())
    }
}

fn settings(more: &Value) -> Value {
    let mut settings = json!({
        "appInfo": { "appName": "test", "apiDomain": "http://localhost:3001", "websiteDomain": "http://localhost:3000" },
        "core": { "embedded": { "database": "sqlite::memory:" } },
        "session": {},
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

fn refused(settings: &Value) -> Failure {
    Bridge::new(&settings.to_string(), Arc::new(|_| {})).expect_err("a refusal")
}

impl Host {
    fn new(more: &Value) -> Self {
        let (tell, told) = mpsc::channel();
        let tell = Mutex::new(tell);
        let notify = Arc::new(move |id| {
            let _ = tell.lock().unwrap().send(id);
        });
        let bridge = Bridge::new(&settings(more).to_string(), notify).unwrap();
        let host = Self { bridge, told: Mutex::new(told) };
        host.go("open", json!({}), None, None).outcome.unwrap();
        host
    }

    /// Goes through the steps of a call.
    fn follow(&self, mut step: Step, mut answer: impl FnMut(&Ask) -> Answer) -> End {
        let (mut changes, mut waited) = (Changes::new(), false);
        loop {
            step = match step {
                Step::Checked(session) => {
                    return End { outcome: Ok(Done::default()), checked: Some(session), changes, waited };
                }
                Step::Done(done, more) => {
                    changes.extend(more);
                    return End { outcome: Ok(done), checked: None, changes, waited };
                }
                Step::Failed(failure, more) => {
                    changes.extend(more);
                    return End { outcome: Err(failure), checked: None, changes, waited };
                }
                Step::Ask(mut ask) => {
                    changes.append(&mut ask.changes);
                    self.bridge.resume(ask.id, answer(&ask))
                }
                Step::Wait(id) => {
                    waited = true;
                    self.wait(id);
                    self.bridge.step(id)
                }
            };
        }
    }

    fn wait(&self, id: u64) {
        let told = self.told.lock().unwrap();
        while told.recv_timeout(Duration::from_secs(30)).expect("a number") != id {}
    }

    fn asked(
        &self,
        name: &str,
        input: Value,
        headers: Option<[Option<&str>; 6]>,
        held: Option<Held>,
        answer: impl FnMut(&Ask) -> Answer,
    ) -> End {
        let request = headers.map(|headers| Request { method: "POST", url: "/login", headers });
        self.follow(self.bridge.start(name, &input.to_string(), request.as_ref(), None, held), answer)
    }

    fn go(&self, name: &str, input: Value, headers: Option<[Option<&str>; 6]>, held: Option<Held>) -> End {
        self.asked(name, input, headers, held, |ask| panic!("{} was asked", ask.name))
    }

    fn create(&self) -> Held {
        self.go("createNewSession", new("anna"), None, None).session()
    }

    fn verify(&self, token: &str, checks: Checks, answer: impl FnMut(&Ask) -> Answer) -> End {
        let bearer = format!("Bearer {token}");
        let request = Request { method: "GET", url: "/me", headers: [None, Some(&bearer), None, None, None, None] };
        self.follow(self.bridge.verify(&request, checks, None), answer)
    }
}

fn new(user: &str) -> Value {
    json!({ "tenantId": "public", "recipeUserId": user, "accessTokenPayload": { "role": "admin" }, "sessionDataInDatabase": {} })
}

fn never(ask: &Ask) -> Answer {
    panic!("{} was asked", ask.name)
}

const HEADER: [Option<&str>; 6] = [None, None, None, None, Some("header"), None];

#[test]
fn a_check_with_known_keys_ends_on_the_callers_thread() {
    let host = Host::new(&json!({}));
    let token = host.create().session.access_token();
    // The keys are fetched by the first.
    assert!(host.verify(&token, Checks::default(), never).checked.is_some());
    let end = host.verify(&token, Checks::default(), never);
    let session = end.checked.expect("a checked session");
    assert_eq!((session.user_id(), end.waited, end.changes), ("anna", false, Changes::new()));
    let end = host.verify(&token, Checks { check_database: true, ..Checks::default() }, never);
    assert!(end.waited && end.checked.is_some());
    assert_eq!(host.bridge.under_way(), 0);
}

#[test]
fn a_forged_key_does_not_make_the_callers_thread_ask_the_core() {
    let host = Host::new(&json!({}));
    let token = host.create().session.access_token();
    host.verify(&token, Checks::default(), never);
    let claims = token.split('.').nth(1).unwrap();
    // {"alg":"RS256","typ":"JWT","version":"5","kid":"d-1"}
    let forged = format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiI1Iiwia2lkIjoiZC0xIn0.{claims}.AAAA");
    let end = host.verify(&forged, Checks::default(), never);
    assert_eq!(end.failure().code, "TRY_REFRESH_TOKEN");
}

#[test]
fn the_life_of_a_session() {
    let host = Host::new(&json!({}));
    let end = host.go("createNewSession", new("anna"), Some(HEADER), None);
    let (held, token) = (end.session(), end.change("st-access-token").unwrap().to_owned());
    assert!(
        end.change("st-refresh-token").is_some() && end.change("access-control-expose-headers").unwrap().contains("front-token")
    );
    let end = host.go("session.merge", json!({ "update": { "plan": "gold", "role": null } }), None, Some(held.clone()));
    assert_ne!(end.change("st-access-token").unwrap(), token);
    assert_eq!(held.session.access_token_payload()["plan"], "gold");
    let end = host.go("session.information", json!({}), None, Some(held.clone()));
    assert_eq!(end.value()["userId"], "anna");
    let refresh = held.session.all_session_tokens_dangerously().refresh_token.unwrap();
    let bearer = format!("Bearer {refresh}");
    let renewed = host.go("refreshSession", json!({}), Some([None, Some(&bearer), None, None, None, None]), None);
    let second = renewed.change("st-refresh-token").unwrap().to_owned();
    host.go("original.refreshSession", json!({ "refreshToken": second, "disableAntiCsrf": true }), None, None).outcome.unwrap();
    let theft = host.go("original.refreshSession", json!({ "refreshToken": refresh, "disableAntiCsrf": true }), None, None);
    assert_eq!((theft.failure().code, &theft.failure().data["userId"]), ("TOKEN_THEFT_DETECTED", &json!("anna")));
    let handle = held.session.handle();
    let end = host.go("original.revokeSession", json!({ "sessionHandle": handle }), None, None);
    assert_eq!(end.value(), &json!(false), "the theft has ended it");
    let end = host.go("session.updateData", json!({ "data": {} }), None, Some(held));
    assert_eq!(end.failure().code, "UNAUTHORISED");
}

#[test]
fn a_session_that_crossed_as_data_is_found_again() {
    let host = Host::new(&json!({ "session": { "verifiedTokensKept": 0 } }));
    let bearer = format!("Bearer {}", host.create().session.access_token());
    let headers = Some([None, Some(bearer.as_str()), None, None, None, None]);
    let token = bearer.trim_start_matches("Bearer ");
    assert!(host.verify(token, Checks::default(), never).checked.is_some());
    let end = host.go("resumeSession", json!({}), headers, None);
    assert!(!end.waited, "the keys that have verified it are known");
    let end = host.go("session.merge", json!({ "update": { "a": 1 } }), None, Some(end.session()));
    assert!(end.change("st-access-token").is_some(), "it belongs to the request");
    let mut tampered = token.to_owned();
    tampered.replace_range(
        token.len() - 20..token.len() - 19,
        if &token[token.len() - 20..token.len() - 19] == "A" { "B" } else { "A" },
    );
    let bearer = format!("Bearer {tampered}");
    let end = host.go("resumeSession", json!({}), Some([None, Some(&bearer), None, None, None, None]), None);
    assert_eq!(end.failure().code, "TRY_REFRESH_TOKEN");
    assert_eq!(host.go("resumeSession", json!({}), Some([None; 6]), None).failure().code, "UNAUTHORISED");
}

#[test]
fn what_is_overridden_is_asked_and_goes_on_to_the_original() {
    let host = Host::new(&json!({ "overrides": ["createNewSession"] }));
    let end = host.asked("createNewSession", new("anna"), Some(HEADER), None, |ask| {
        assert_eq!((ask.name, &ask.input["recipeUserId"]), ("createNewSession", &json!("anna")));
        let mut input = ask.input.clone();
        input["accessTokenPayload"]["added"] = json!(1);
        Ok((Value::Null, Some(host.go("original.createNewSession", input, None, None).session())))
    });
    assert_eq!(end.session().session.access_token_payload()["added"], 1);
    assert!(end.change("st-access-token").is_some(), "the session belongs to the request");
    let end = host.asked("createNewSession", new("anna"), None, None, |_| Ok((json!("no session"), None)));
    assert!(end.failure().message.contains("createNewSession"), "{:?}", end.failure());
}

#[test]
fn errors_of_the_host_come_out_by_their_numbers_and_session_errors_by_their_kinds() {
    let host = Host::new(&json!({ "overrides": ["createNewSession"] }));
    let thrown = |thrown: Value| {
        host.asked("createNewSession", new("anna"), None, None, |_| answer(None, None, Some(&thrown.to_string())))
    };
    let end = thrown(json!({ "code": "HOST", "message": "17" }));
    assert_eq!(end.failure(), &Failure::of_host("17"));
    let end = thrown(json!({ "code": "UNAUTHORISED", "message": "no", "data": { "clearTokens": false } }));
    assert_eq!((end.failure().code, &end.failure().data), ("UNAUTHORISED", &json!({ "clearTokens": false })));
    let end = thrown(json!({ "code": "INVALID_CLAIMS", "message": "x", "data": [{ "id": "a", "reason": 1 }] }));
    assert_eq!(end.failure().data, json!([{ "id": "a", "reason": 1 }]));
    let end = thrown(json!({ "code": "no such", "message": "18" }));
    assert_eq!(end.failure(), &Failure::of_host("18"));
    assert_eq!(host.bridge.under_way(), 0);
}

#[test]
fn validators_are_the_hosts_and_a_value_that_it_has_fetched_is_kept() {
    let host = Host::new(&json!({}));
    let token = host.create().session.access_token();
    host.verify(&token, Checks::default(), never);
    let choose = Checks { choose: true, ..Checks::default() };
    let mut names = Vec::new();
    let end = host.verify(&token, choose, |ask| {
        names.push(ask.name);
        match ask.name {
            "chooseValidators" => Ok((json!(["7"]), None)),
            _ => {
                assert_eq!(ask.input["validators"], json!(["7"]));
                let mut payload = ask.input["accessTokenPayload"].clone();
                payload["plan"] = json!({ "v": "gold", "t": 1 });
                Ok((json!({ "invalidClaims": [], "accessTokenPayloadUpdate": payload }), None))
            }
        }
    });
    assert_eq!(names, ["chooseValidators", "validateClaims"]);
    assert_eq!(end.session().session.access_token_payload()["plan"]["v"], "gold");
    assert!(end.change("st-access-token").is_some());
    let end = host.verify(&token, choose, |ask| match ask.name {
        "chooseValidators" => Ok((json!(["7"]), None)),
        _ => Ok((json!({ "invalidClaims": [{ "id": "plan" }] }), None)),
    });
    assert_eq!((end.failure().code, &end.failure().data), ("INVALID_CLAIMS", &json!([{ "id": "plan" }])));
    for wrong in [json!(7), json!(null), json!({ "invalidClaims": [{}] }), json!({})] {
        let end = host.verify(&token, choose, |ask| match ask.name {
            "chooseValidators" => Ok((json!(["7"]), None)),
            _ => Ok((wrong.clone(), None)),
        });
        assert!(end.failure().message.contains("validateClaims"), "{wrong}: {:?}", end.failure());
    }
    let end = host.verify(&token, choose, |_| Ok((json!([7]), None)));
    assert!(end.failure().message.contains("chooseValidators"));
}

#[test]
fn endpoints_answer_and_faults_come_back() {
    let host = Host::new(&json!({ "overrides": ["signOutPOST"], "session": { "errorHandlers": ["onUnauthorised"] } }));
    let bearer = format!("Bearer {}", host.create().session.access_token());
    let headers = [None, Some(bearer.as_str()), None, None, None, None];
    let request = |url| Request { method: "post", url, headers };
    let start = |url| host.bridge.start("handle", "{}", Some(&request(url)), None, None);
    assert_eq!(host.follow(start("/mine"), never).value(), &Value::Null);
    let end = host.follow(start("/auth/signout"), |ask| {
        assert_eq!(ask.name, "signOutPOST");
        let held = ask.session.clone().unwrap();
        let revoked = host.go("session.revoke", json!({}), None, Some(held));
        assert_eq!(revoked.change("front-token"), Some("remove"));
        assert!(revoked.changes.contains(&("anti-csrf".to_owned(), None)), "what is to be removed is said");
        Ok((json!({ "status": "OK" }), None))
    });
    assert_eq!((&end.value()["status"], end.value()["body"].as_str()), (&json!(200), Some(r#"{"status":"OK"}"#)));
    let end = host.follow(start("/auth/signout"), |_| answer(None, None, Some(r#"{"code":"HOST","message":"5"}"#)));
    assert_eq!(end.failure(), &Failure::of_host("5"));
    let mut seen = Changes::new();
    let thrown = json!({ "code": "UNAUTHORISED", "message": "so", "data": { "clearTokens": true } }).to_string();
    let end = host.follow(host.bridge.start("errorResponse", &thrown, Some(&request("/me")), None, None), |ask| {
        assert_eq!((ask.name, &ask.input), ("onUnauthorised", &json!({ "message": "so" })));
        seen.clone_from(&ask.changes);
        Ok((Value::Null, None))
    });
    assert!(end.changes.iter().any(|(name, value)| name == "front-token" && value.as_deref() == Some("remove")));
    assert_eq!(end.value()["status"], json!(401));
}

#[test]
fn what_the_host_chose_beforehand_counts_for_its_call() {
    let host = Host::new(&json!({
        "appInfo": { "appName": "test", "apiDomain": "http://localhost:3001", "originIsAFunction": true },
        "session": { "choosesTransfer": true, "choosesCookieNames": true },
    }));
    let create = |choices: &Value| {
        let request = Request { method: "POST", url: "/login", headers: HEADER };
        host.follow(
            host.bridge.start("createNewSession", &new("anna").to_string(), Some(&request), Some(&choices.to_string()), None),
            never,
        )
    };
    let choices = json!({ "origin": "http://localhost:3000", "transfer": { "new": "cookie" }, "cookies": { "access": "mine", "refresh": "too" } });
    let end = create(&choices);
    let cookies: Vec<_> = end
        .changes
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .filter_map(|(_, value)| value.as_deref()?.split('=').next())
        .collect();
    assert_eq!(cookies, ["mine", "too"]);
    let choices = json!({ "origin": "http://localhost:3000", "transfer": { "new": "header" } });
    assert!(create(&choices).change("st-access-token").is_some());
    let wrong = json!({ "origin": "not an address at all", "transfer": { "new": "cookie" } });
    assert_eq!(create(&wrong).failure().code, "SETTINGS");
}

#[test]
fn settings_are_refused_by_their_names_and_a_database_that_is_not_there_is_found_out_later() {
    for (more, words) in [
        (json!({ "appInfo": null }), "appInfo"),
        (json!({ "appInfo": { "appName": 7 } }), "appInfo.appName"),
        (json!({ "core": {} }), "embedded"),
        (json!({ "core": { "embedded": { "database": "mysql://x" } } }), "mysql"),
        (json!({ "core": { "embedded": { "database": "sqlite:x", "settings": { "odd": 1 } } } }), "odd"),
        (json!({ "session": { "odd": 1 } }), "Session.init.odd"),
        (json!({ "session": { "verifiedTokensKept": -1 } }), "verifiedTokensKept"),
        (json!({ "overrides": ["odd"] }), "odd"),
        (json!({ "disabled": ["createNewSession"] }), "createNewSession"),
    ] {
        let failure = refused(&settings(&more));
        assert_eq!(failure.code, "SETTINGS");
        assert!(failure.message.contains(words), "{words}: {}", failure.message);
    }
    let nowhere = json!({ "core": { "embedded": { "database": "sqlite:/no/such/folder/x.db" } } });
    let bridge = Bridge::new(&settings(&nowhere).to_string(), Arc::new(|_| {})).unwrap();
    let host = Host { bridge, told: Mutex::new(mpsc::channel().1) };
    let Step::Wait(id) = host.bridge.start("open", "{}", None, None, None) else { panic!("it was opened on this thread") };
    let since = std::time::Instant::now();
    let failure = loop {
        match host.bridge.step(id) {
            Step::Wait(_) if since.elapsed() < Duration::from_secs(30) => std::thread::yield_now(),
            Step::Failed(failure, _) => break failure,
            _ => panic!("it was opened"),
        }
    };
    assert_eq!(failure.code, "CORE");
}

#[test]
fn a_call_that_is_forgotten_while_it_asks_ends() {
    let host = Host::new(&json!({ "overrides": ["createNewSession"] }));
    let mut step = host.bridge.start("createNewSession", &new("anna").to_string(), None, None, None);
    let id = loop {
        match step {
            Step::Wait(id) => {
                host.wait(id);
                step = host.bridge.step(id);
            }
            Step::Ask(ask) => break ask.id,
            _ => panic!("it was not asked"),
        }
    };
    host.bridge.forget(id);
    assert_eq!(host.bridge.under_way(), 0);
    let Step::Failed(failure, _) = host.bridge.resume(id, Ok((Value::Null, None))) else { panic!("it goes on") };
    assert_eq!(failure.code, "PANIC");
}

#[test]
fn a_host_that_goes_while_it_is_asked_leaves_nothing_behind() {
    // The host's thread carries this one, ...
    let here = Host::new(&json!({}));
    let token = here.create().session.access_token();
    here.verify(&token, Checks::default(), never);
    let bearer = format!("Bearer {token}");
    let request = Request { method: "GET", url: "/me", headers: [None, Some(&bearer), None, None, None, None] };
    let step = here.bridge.verify(&request, Checks { choose: true, ..Checks::default() }, None);
    assert!(matches!(step, Step::Ask(_)), "nothing has to be waited for");
    // ... and a thread of ours that one.
    let away = Host::new(&json!({ "overrides": ["createNewSession"] }));
    let mut other = away.bridge.start("createNewSession", &new("anna").to_string(), None, None, None);
    while let Step::Wait(id) = other {
        away.wait(id);
        other = away.bridge.step(id);
    }
    for (host, step) in [(here, step), (away, other)] {
        let Step::Ask(ask) = step else { panic!("it was not asked") };
        let bridge = Arc::downgrade(&host.bridge);
        host.bridge.forget_all();
        assert_eq!(host.bridge.under_way(), 0);
        drop((ask, host));
        // What was carried is let go by threads of ours.
        let is_gone = (0..30_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            bridge.strong_count() == 0
        });
        assert!(is_gone, "the bridge is held by its own calls");
    }
}

#[test]
fn what_is_ended_is_gone_and_its_database_free_for_other_settings() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("x.db").display());
    for validity in [77, 99] {
        let core = json!({ "embedded": { "database": database, "settings": { "access_token_validity": validity } } });
        let host = Host::new(&json!({ "core": core }));
        assert!(!host.create().session.handle().is_empty());
        drop(Arc::into_inner(host.bridge).expect("no call holds it"));
    }
}

#[test]
fn without_a_token_nobody_is_logged_in() {
    let host = Host::new(&json!({}));
    let required = host.go("getSession", json!({ "accessToken": null }), None, None);
    assert_eq!((required.failure().code, &required.failure().data["clearTokens"]), ("UNAUTHORISED", &json!(false)));
    let optional = host.go("getSession", json!({ "sessionRequired": false }), None, None);
    assert!(optional.outcome.unwrap().session.is_none());
}

#[test]
fn tokens_of_ones_own_are_issued_without_sessions() {
    let host = Host::new(&json!({ "session": null }));
    assert_eq!(host.go("createJWT", json!({ "payload": {} }), None, None).value()["status"], "OK");
}

#[test]
fn two_engines_of_a_process_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("x.db").display());
    let more = json!({ "core": { "embedded": { "database": database } } });
    let (one, two) = (Host::new(&more), Host::new(&more));
    let handle = one.create().session.handle().to_owned();
    let found = two.go("original.getSessionInformation", json!({ "sessionHandle": handle }), None, None);
    assert_eq!(found.value()["userId"], "anna");
    let spelled = format!("sqlite:{}", folder.path().join(".").join("x.db").display());
    let also = Host::new(&json!({ "core": { "embedded": { "database": spelled } } }));
    assert_eq!(
        also.go("original.getSessionInformation", json!({ "sessionHandle": handle }), None, None).value()["userId"],
        "anna"
    );
    let other = json!({ "core": { "embedded": { "database": database, "settings": { "access_token_validity": 99 } } } });
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let notify = Arc::new(move |id| {
        let _ = tell.lock().unwrap().send(id);
    });
    let bridge = Bridge::new(&settings(&other).to_string(), notify).unwrap();
    let third = Host { bridge, told: Mutex::new(told) };
    let end = third.go("open", json!({}), None, None);
    assert!(end.failure().message.contains("other settings"), "{}", end.failure().message);
}

#[test]
fn texts_that_are_no_json_or_too_large_are_refused() {
    let host = Host::new(&json!({}));
    let refused = |input: &str| match host.bridge.start("createNewSession", input, None, None, None) {
        Step::Failed(failure, _) => failure.code,
        _ => panic!("it was taken"),
    };
    assert_eq!(refused("{"), "BAD_INPUT_ERROR");
    assert_eq!(refused(&"x".repeat(supertokens_bridge::LARGEST_TEXT + 1)), "TOO_LARGE");
    assert_eq!(host.go("no such", json!({}), None, None).failure().code, "SETTINGS");
    assert_eq!(host.go("session.merge", json!({}), None, None).failure().code, "SETTINGS");
}
