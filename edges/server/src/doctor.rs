//! `supertokens doctor`: is everything as the server needs it? One line for each question: `ok`, or what to do. Changes nothing,
//! and does not make a database that is not there.

use std::time::{SystemTime, UNIX_EPOCH};

use supertokens_domain::ids::AppId;
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::signing_key::SigningKey;
use supertokens_domain::time::{MINUTE, Millis, SECOND};
use supertokens_store::{DatabaseOptions, Db, Pooler, StoreError};

use crate::config::{Config, Notice};
use crate::{Place, Settings, Stop, say};

mod sqlite;
mod users;

/// The newest key may be this much younger than this machine's clock says before that is a fault.
const DRIFT: Millis = MINUTE;
/// So far the database's clock may be from ours. Nothing breaks by it, but a machine that keeps time is not that far off.
const SKEW: Millis = 5 * SECOND;

/// What was found about one question.
enum Finding {
    Ok(String),
    /// What is no fault, but worth a thought.
    Note(String),
    /// What to do.
    Wrong(String),
}

pub(crate) async fn run(settings: &Settings) -> Result<(), Stop> {
    let config = match Config::load(settings, &Place::default()) {
        Ok(config) => config,
        Err(Stop(problems)) => {
            report("configuration", &Finding::Wrong(problems));
            return Err(Stop(String::new()));
        }
    };
    let file = config.gathered.file.as_deref().map_or("no file".to_owned(), |path| path.display().to_string());
    let mut all_well = report("configuration", &Finding::Ok(format!("{file}, {} values set", config.gathered.base.len())));
    for notice in &config.gathered.notices {
        let (Notice::Info(text) | Notice::Warning(text)) = notice;
        report("configuration", &Finding::Note(text.clone()));
    }
    for name in config.passed_over() {
        report("configuration", &Finding::Note(format!("the attribute {name} of the database's address is not known here")));
    }
    if config.core.api_keys.is_empty() {
        report("api_keys", &Finding::Note("none are set: everybody who reaches the port may make and end sessions".to_owned()));
    }
    if settings.test_mode {
        all_well &= report("test mode", &Finding::Wrong("is on; turn it off in production".to_owned()));
    }
    all_well &= database(config.database, &config.gathered.base).await;
    if all_well { Ok(()) } else { Err(Stop(String::new())) }
}

/// Prints a line. True if it is a good one.
fn report(question: &str, finding: &Finding) -> bool {
    match finding {
        Finding::Ok(what) => say(&format!("ok     {question}: {what}")),
        Finding::Note(what) => say(&format!("note   {question}: {what}")),
        Finding::Wrong(what) => say(&format!("wrong  {question}: {what}")),
    }
    !matches!(finding, Finding::Wrong(_))
}

async fn database(options: DatabaseOptions, base: &JsonObject) -> bool {
    let place = options.redacted();
    let files = sqlite::files(&options);
    let mut all_well = files.as_ref().is_none_or(sqlite::report_files);
    if files.as_ref().is_some_and(|files| !sqlite::may_be_opened(files)) {
        return all_well;
    }
    let postgres = match &options {
        DatabaseOptions::Postgres(postgres) => Some(postgres.clone()),
        DatabaseOptions::Sqlite(_) => None,
    };
    let db = match Db::open_to_look(options).await {
        Ok(db) => db,
        Err(error) => return report("database", &unopened(&place, &error)) & all_well,
    };
    if let Err(error) = db.ping().await {
        return report("database", &Finding::Wrong(advice(&place, &error)));
    }
    all_well &= report("database", &Finding::Ok(format!("{place} answers")));
    if let (Some(postgres), Some(encrypted)) = (postgres, db.encrypted()) {
        let fine = if encrypted { "encrypted" } else { "not encrypted, and within this machine" };
        let finding =
            postgres.unsafe_way(encrypted).map_or_else(|| Finding::Ok(fine.to_owned()), |what| Finding::Note(what.to_owned()));
        report("encryption", &finding);
    }
    if let Some(pooler) = db.pooler() {
        report("pooler", &between(pooler));
    }
    all_well &= creators(&db).await;
    if !rights(&db).await {
        return false;
    }
    let pending = match db.plan().await {
        Ok(planned) => planned.len(),
        Err(error) => return report("schema", &Finding::Wrong(advice(&place, &error))),
    };
    if pending > 0 {
        // Not wrong: the next start does it, and may. But there is nothing to look at yet.
        return report(
            "schema",
            &Finding::Ok(format!("{pending} steps to run; `supertokens start` or `supertokens migrate` does it")),
        ) && all_well;
    }
    all_well &= report("schema", &Finding::Ok("up to date".to_owned()));
    all_well &= report(
        "writing",
        // Its files have been looked at, and nothing is to be changed.
        &match if files.is_some() { Ok(()) } else { db.writable().await } {
            Ok(()) => Finding::Ok("allowed".to_owned()),
            Err(error) => Finding::Wrong(advice(&place, &error)),
        },
    );
    all_well &= users::report_users(&db, base).await;
    all_well & keys_and_clock(&db).await & report("clock of the database", &clock_of(&db).await)
}

/// What stands between us and PostgreSQL. Nothing of it is wrong.
fn between(pooler: Pooler) -> Finding {
    Finding::Ok(match pooler {
        Pooler::None => "none, or one that keeps a connection for each of ours".to_owned(),
        Pooler::Transaction => "in transaction mode, with prepared statements".to_owned(),
        Pooler::TransactionWithoutNames => format!("in transaction mode, without prepared statements: {}", Pooler::REMEDY),
    })
}

/// What `start` needs, asked for the same role.
async fn rights(db: &Db) -> bool {
    match db.lacking().await {
        Ok(lacking) if lacking.is_empty() => report("rights", &Finding::Ok("all that `supertokens start` needs".to_owned())),
        Ok(lacking) => {
            for lack in lacking {
                report("rights", &Finding::Wrong(format!("this role lacks {}; {}", lack.right, lack.grant)));
            }
            false
        }
        Err(error) => report("rights", &Finding::Wrong(advice(db.place(), &error))),
    }
}

/// Who could put things beside the tables.
async fn creators(db: &Db) -> bool {
    if db.pooler().is_none() {
        return true;
    }
    match db.creators().await {
        Ok(creators) if creators.is_empty() => {
            report("others in the schema", &Finding::Ok("nobody but its owners may make things there".to_owned()))
        }
        Ok(creators) => {
            for creator in creators {
                let what = format!("{} may make tables and functions in {}; {}", creator.role, creator.schema, creator.revoke);
                report("others in the schema", &Finding::Wrong(what));
            }
            false
        }
        Err(error) => report("others in the schema", &Finding::Wrong(advice(db.place(), &error))),
    }
}

/// Compared with this machine's at the moment between asking and having the answer.
async fn clock_of(db: &Db) -> Finding {
    let asked = now();
    match db.clock().await {
        Ok(told) => difference(asked, told, now()),
        Err(error) => Finding::Wrong(advice(db.place(), &error)),
    }
}

fn difference(asked: Millis, told: Option<Millis>, answered: Millis) -> Finding {
    let Some(told) = told else { return Finding::Ok("the same machine's".to_owned()) };
    // What lies between asking and the answer can be the way there and back.
    let off = if told < asked { told - asked } else { (told - answered).max(0) };
    let seconds = off.abs() / SECOND;
    match (off.abs() > SKEW, off > 0) {
        (false, _) => Finding::Ok(format!("not more than {} s from this machine's", SKEW / SECOND)),
        (true, true) => Finding::Wrong(format!("{seconds} s ahead of this machine's; synchronise the clocks of both")),
        (true, false) => Finding::Wrong(format!("{seconds} s behind this machine's; synchronise the clocks of both")),
    }
}

fn unopened(place: &str, error: &StoreError) -> Finding {
    match error {
        StoreError::InUse { path } => Finding::Ok(format!(
            "{path} is in use by a running core; stop that to have more looked at, or ask `supertokens healthcheck`"
        )),
        other => Finding::Wrong(advice(place, other)),
    }
}

/// The error with its causes, and what to do about it.
pub(crate) fn advice(place: &str, error: &StoreError) -> String {
    let what = match error {
        StoreError::Unavailable(_) => "start the database, and look at host, port, user and password",
        StoreError::Driver(_) => "look at the rights of this user on the database or the file",
        StoreError::ReadOnly(_) => "name the server that takes writes, or turn default_transaction_read_only off for this role",
        StoreError::Full(_) => "make room on the disk of the database",
        StoreError::BadOptions(_) => "look at the configuration of the database and the table names",
        StoreError::Unsafe(_) => "look at sslmode, sslrootcert and the server's certificate",
        StoreError::Rights(_) => "give the rights, or let another role migrate",
        _ => "look at the message",
    };
    format!("{}; {what}", Stop::caused(place, error).0)
}

/// The keys of the public app can be read, and none is from the future: then this machine's clock, or another core's, is wrong.
async fn keys_and_clock(db: &Db) -> bool {
    let found =
        db.read(async |tx| Ok((tx.dynamic_keys(&AppId::default()).await?, tx.static_keys(&AppId::default()).await?))).await;
    let (dynamic, fixed) = match found {
        Ok(found) => found,
        Err(error) => return report("keys", &Finding::Wrong(advice(db.place(), &error))),
    };
    let unreadable = dynamic.iter().filter(|row| SigningKey::from_stored("d-", &row.value).is_err()).count()
        + fixed.iter().filter(|row| SigningKey::from_stored("s-", &row.key_string).is_err()).count();
    let keys = match (unreadable, dynamic.len(), fixed.len()) {
        (0, 0, 0) => Finding::Ok("none yet; they are made at the first start".to_owned()),
        (0, dynamic, fixed) => Finding::Ok(format!("{dynamic} rotating and {fixed} static keys of the public app can be read")),
        (bad, _, _) => Finding::Wrong(format!(
            "{bad} keys of the public app cannot be read; restore them from a backup, or delete their rows"
        )),
    };
    let newest = dynamic.iter().map(|row| row.created_at).chain(fixed.iter().map(|row| row.created_at)).max();
    report("keys", &keys) & report("clock", &clock(now(), newest))
}

fn clock(now: Millis, newest_key: Option<Millis>) -> Finding {
    // The day this was written; no machine with a set clock is before it.
    const WRITTEN: Millis = 1_760_000_000_000;
    match newest_key {
        _ if now < WRITTEN => Finding::Wrong("is years behind; set the clock of this machine".to_owned()),
        Some(newest) if newest > now + DRIFT => Finding::Wrong(format!(
            "is {} s behind the machine that made the newest key; synchronise the clocks of all machines",
            (newest - now) / 1000
        )),
        _ => Finding::Ok("not behind any other core".to_owned()),
    }
}

pub(crate) fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_if_keys_are_from_its_future() {
        let now = 1_800_000_000_000;
        for (newest, well) in [(None, true), (Some(now), true), (Some(now + DRIFT), true), (Some(now + DRIFT + 1), false)] {
            assert_eq!(matches!(clock(now, newest), Finding::Ok(_)), well, "{newest:?}");
        }
        assert!(matches!(clock(1000, None), Finding::Wrong(_)));
    }

    #[test]
    fn the_clock_of_the_database_may_differ_by_little_and_by_the_time_it_took_to_ask() {
        let (asked, answered) = (1_800_000_000_000, 1_800_000_060_000);
        let well = |told| matches!(difference(asked, told, answered), Finding::Ok(_));
        assert!(well(None) && well(Some(asked)) && well(Some(asked + 30_000)) && well(Some(answered)));
        assert!(well(Some(asked - SKEW)) && well(Some(answered + SKEW)));
        for (told, words) in [(asked - SKEW - 1, "5 s behind"), (answered + 3_600_000, "3600 s ahead")] {
            let Finding::Wrong(said) = difference(asked, Some(told), answered) else { panic!("{told} is well") };
            assert!(said.starts_with(words), "{said}");
        }
    }
}
