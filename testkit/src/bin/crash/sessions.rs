//! Callers who create, refresh and revoke sessions, and what must be left of those.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde_json::Value;
use supertokens_domain::session::hash::hash2;
use supertokens_testkit::program::Caller;

use crate::{Dice, Kill, rows, status};

/// A session whose creation was answered.
pub(crate) struct Session {
    pub(crate) handle: String,
    /// The refresh token of the last answer.
    refresh: String,
    pub(crate) state: State,
}

/// What is known of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Lives,
    Revoked,
    /// A refresh was on its way.
    PerhapsRefreshed,
    /// A revocation was on its way.
    PerhapsRevoked,
    /// Cannot be known any more: its new token was never seen.
    Forgotten,
}

/// Stored hashes of the current and the previous refresh token.
pub(crate) type Hashes = (String, Option<String>);

/// All sessions, read past the program.
pub(crate) async fn stored(url: &str) -> anyhow::Result<HashMap<String, Hashes>> {
    let sql = "SELECT session_handle, refresh_token_hash_2, prev_refresh_token_hash_2 FROM session_info";
    let mut sessions = HashMap::new();
    for row in rows(url, sql).await? {
        let [handle, current, previous] = <[Option<String>; 3]>::try_from(row).ok().context("three columns")?;
        sessions.insert(handle.context("no handle")?, (current.context("no hash")?, previous));
    }
    Ok(sessions)
}

/// Does what is stored agree with what was answered?
pub(crate) fn in_database(session: &mut Session, row: Option<&Hashes>) -> Result<(), &'static str> {
    let hash = hash2(&session.refresh);
    let is_current = row.is_some_and(|(current, _)| *current == hash);
    let is_previous = row.is_some_and(|(_, previous)| previous.as_ref() == Some(&hash));
    let (state, verdict) = match (session.state, row.is_some()) {
        (State::Lives | State::PerhapsRefreshed, false) => (State::Forgotten, Err("an answered creation is lost")),
        (State::Lives, true) if !is_current => (State::Forgotten, Err("an answered refresh is undone")),
        (State::Revoked, true) => (State::Forgotten, Err("an answered revocation is undone")),
        (State::PerhapsRefreshed, true) if is_current => (State::Lives, Ok(())),
        (State::PerhapsRefreshed, true) if is_previous => (State::Forgotten, Ok(())),
        (State::PerhapsRefreshed, true) => (State::Forgotten, Err("an answered refresh is undone")),
        (State::PerhapsRevoked, false) => (State::Revoked, Ok(())),
        (State::PerhapsRevoked, true) if is_current => (State::Lives, Ok(())),
        (State::PerhapsRevoked, true) => (State::Forgotten, Err("an answered refresh is undone")),
        (state, _) => (state, Ok(())),
    };
    session.state = state;
    verdict
}

/// Does the program say the same? A live session is refreshed once, so its token proves to be the current one.
pub(crate) async fn over_http(session: &mut Session, caller: &mut Caller) -> anyhow::Result<()> {
    if session.state == State::Forgotten {
        return Ok(());
    }
    let found = caller.json("GET", &format!("/recipe/session?sessionHandle={}", session.handle), "").await?;
    let lives = session.state == State::Lives;
    ensure!(status(&found) == if lives { "OK" } else { "UNAUTHORISED" }, "GET says {}", status(&found));
    if lives {
        session.refresh = refresh(session, caller).await?;
    }
    Ok(())
}

/// One caller: its sessions when the program was gone, and whether a creation was on its way then.
pub(crate) async fn call(
    port: u16,
    number: u64,
    mut sessions: Vec<Session>,
    mut dice: Dice,
    kill: Arc<Kill>,
) -> anyhow::Result<(Vec<Session>, bool)> {
    let mut caller = match Caller::connect(port).await {
        Ok(caller) => caller,
        Err(_) if kill.is_over() => return Ok((sessions, false)),
        Err(error) => return Err(error),
    };
    loop {
        let at = dice.below(sessions.len().max(1));
        let session = sessions.get_mut(at).filter(|session| session.state == State::Lives);
        let outcome = match (session, dice.below(100)) {
            (Some(session), 0..45) => {
                session.state = State::PerhapsRefreshed;
                refresh(session, &mut caller).await.map(|token| {
                    session.refresh = token;
                    session.state = State::Lives;
                    false
                })
            }
            (Some(session), 45..65) => {
                session.state = State::PerhapsRevoked;
                revoke(session, &mut caller).await.map(|()| {
                    session.state = State::Revoked;
                    false
                })
            }
            _ => create(number, &mut caller).await.map(|session| {
                sessions.push(session);
                true
            }),
        };
        // A failed creation leaves no session in doubt; any other failure does.
        match outcome {
            Ok(_) => kill.answered()?,
            Err(_) if kill.is_over() => {
                let in_doubt = sessions.iter().any(|s| matches!(s.state, State::PerhapsRefreshed | State::PerhapsRevoked));
                return Ok((sessions, !in_doubt));
            }
            Err(error) => return Err(error.context("before the kill")),
        }
    }
}

async fn create(number: u64, caller: &mut Caller) -> anyhow::Result<Session> {
    let body = format!(
        r#"{{"userId":"user{number}","userDataInJWT":{{}},"userDataInDatabase":{{"n":{number}}},"enableAntiCsrf":false,"useDynamicSigningKey":true}}"#
    );
    let answer = caller.json("POST", "/recipe/session", &body).await?;
    ensure!(status(&answer) == "OK", "create was answered with {}", status(&answer));
    let handle = answer.pointer("/session/handle").and_then(Value::as_str).context("no handle")?.to_owned();
    Ok(Session { handle, refresh: token_of(&answer)?, state: State::Lives })
}

/// The new token.
async fn refresh(session: &Session, caller: &mut Caller) -> anyhow::Result<String> {
    let body = format!(r#"{{"refreshToken":"{}","enableAntiCsrf":false,"useDynamicSigningKey":true}}"#, session.refresh);
    let answer = caller.json("POST", "/recipe/session/refresh", &body).await?;
    ensure!(status(&answer) == "OK", "refresh was answered with {}", status(&answer));
    token_of(&answer)
}

async fn revoke(session: &Session, caller: &mut Caller) -> anyhow::Result<()> {
    let body = format!(r#"{{"sessionHandles":["{}"]}}"#, session.handle);
    let answer = caller.json("POST", "/recipe/session/remove", &body).await?;
    let removed = answer.pointer("/sessionHandlesRevoked/0").and_then(Value::as_str);
    ensure!(removed == Some(&session.handle), "remove was answered with {}", status(&answer));
    Ok(())
}

fn token_of(answer: &Value) -> anyhow::Result<String> {
    Ok(answer.pointer("/refreshToken/token").and_then(Value::as_str).context("no refresh token")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Hashes, Session, State, hash2, in_database};

    fn seen(state: State, row: Option<Hashes>) -> (Result<(), &'static str>, bool) {
        let mut session = Session { handle: "h".into(), refresh: "t".into(), state };
        let verdict = in_database(&mut session, row.as_ref());
        (verdict, session.state == State::Lives)
    }

    #[test]
    fn what_was_answered_must_be_there_and_what_was_not_may_be_either() {
        let current = || Some((hash2("t"), None));
        let undone = || Some((hash2("older"), None));
        let gone_on = || Some((hash2("newer"), Some(hash2("t"))));
        assert_eq!(seen(State::Lives, current()), (Ok(()), true));
        assert_eq!(seen(State::Lives, None).0, Err("an answered creation is lost"));
        assert_eq!(seen(State::Lives, undone()).0, Err("an answered refresh is undone"));
        assert_eq!(seen(State::Revoked, current()).0, Err("an answered revocation is undone"));
        assert_eq!(seen(State::Revoked, None), (Ok(()), false));
        assert_eq!(seen(State::PerhapsRefreshed, current()), (Ok(()), true));
        assert_eq!(seen(State::PerhapsRefreshed, gone_on()), (Ok(()), false));
        assert_eq!(seen(State::PerhapsRefreshed, undone()).0, Err("an answered refresh is undone"));
        assert_eq!(seen(State::PerhapsRevoked, None), (Ok(()), false));
        assert_eq!(seen(State::PerhapsRevoked, current()), (Ok(()), true));
    }
}
