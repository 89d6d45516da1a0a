//! Which tables of users are read and written, who is missing in them, and whether every password can be checked.

use supertokens_domain::ids::AppId;
use supertokens_domain::json::JsonObject;
use supertokens_store::{Db, Dialect, StoreError};

use super::{Finding, advice, report};

const SIGNER_KEY: &str = "firebase_password_hashing_signer_key";
const PAGE: &str = "docs/migration-modes.md";

/// True if all is well. `base` are the settings that count where an app has none of its own.
pub(super) async fn report_users(db: &Db, base: &JsonObject) -> bool {
    let found = async { Ok::<_, StoreError>((mode(db).await?, passwords(db, base).await?)) };
    match found.await {
        Ok((mode, passwords)) => {
            passwords.iter().fold(report("migration mode", &mode), |well, finding| report("passwords", finding) & well)
        }
        Err(error) => report("users", &Finding::Wrong(advice(db.place(), &error))),
    }
}

/// Who is where.
struct Counted {
    /// Without a join time in the newer tables.
    pending: i64,
    /// With one, and not there.
    inconsistent: i64,
    /// Not in the older tables.
    only_new: i64,
}

async fn mode(db: &Db) -> Result<Finding, StoreError> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(Finding::Ok(format!("{}, as on every SQLite database", db.migration_mode())));
    }
    let counted = db.read_long(async |tx| {
        Ok(Counted {
            pending: tx.users_to_backfill(None).await?,
            inconsistent: tx.inconsistent_users(None).await?,
            only_new: tx.users_of_newer_tables_only().await?,
        })
    });
    Ok(finding(db.migration_mode(), (db.reads_older_tables(), db.backfills()), &counted.await?))
}

/// What a mode that reads the older tables, or not, and writes the newer ones, or not, makes of these numbers.
fn finding(mode: &str, (reads_older, writes_newer): (bool, bool), counted: &Counted) -> Finding {
    let Counted { pending, inconsistent, only_new } = *counted;
    match (reads_older, writes_newer) {
        (true, _) if only_new > 0 => Finding::Wrong(format!(
            "{mode}, but {only_new} users are in the newer tables only: if the mode was MIGRATED, set migration_mode back to that, as they \
             cannot log in now; if it never was, they were taken out of a tenant in LEGACY, and {PAGE} says how to go on"
        )),
        (true, false) => Finding::Ok(format!("{mode}: the older tables alone; how to move is in {PAGE}")),
        (true, true) if pending > 0 => Finding::Note(format!(
            "{mode}: {pending} users are not in the newer tables yet; a running core writes them every five minutes"
        )),
        (true, true) if inconsistent > 0 => Finding::Wrong(format!(
            "{mode}: {inconsistent} users have a join time and are not in the newer tables; set their time_joined in \
             app_id_to_user_id to 0, and a running core writes them"
        )),
        (true, true) => Finding::Ok(format!("{mode}: every user is in both; DUAL_WRITE_READ_NEW may follow")),
        (false, _) if pending > 0 || inconsistent > 0 => Finding::Wrong(format!(
            "{mode}, but {} users are not in the newer tables and cannot log in; set migration_mode to DUAL_WRITE_READ_OLD until nobody is \
             missing ({PAGE})",
            pending.max(inconsistent)
        )),
        (false, _) => Finding::Ok(format!("{mode}: every user is in the newer tables")),
    }
}

/// Whether the settings can check every password there is.
async fn passwords(db: &Db, base: &JsonObject) -> Result<Vec<Finding>, StoreError> {
    let looked = db.read_long(async |tx| Ok((tx.hashes_of_firebase().await?, tx.unknown_hashes().await?, tx.tenants().await?)));
    let (of_firebase, unknown, tenants) = looked.await?;
    let has_key =
        |settings: &JsonObject| settings.get(SIGNER_KEY).and_then(|key| key.as_str()).is_some_and(|key| !key.trim().is_empty());
    let of_app = |app: &AppId| {
        let own = tenants.iter().find(|record| record.id.app == *app && record.id.tenant.is_default());
        own.and_then(|record| JsonObject::parse(&record.core_config).ok()).is_some_and(|own| has_key(&own))
    };
    let mut findings: Vec<Finding> = of_firebase
        .iter()
        .filter(|(app, _)| !has_key(base) && !of_app(app))
        .map(|(app, count)| {
            Finding::Wrong(format!(
                "{count} of app {app} are Firebase's and cannot be checked: set {SIGNER_KEY} to base64_signer_key of the password hash \
                 parameters in the Firebase console"
            ))
        })
        .collect();
    if unknown > 0 {
        findings.push(Finding::Note(format!("{unknown} have hashes of no known form; these users must choose new ones")));
    }
    if findings.is_empty() {
        findings.push(Finding::Ok("every hash is of a form that can be checked".to_owned()));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_judged_by_who_is_missing() {
        let counted = |pending, inconsistent, only_new| Counted { pending, inconsistent, only_new };
        for (mode, ways, counts, expected) in [
            ("LEGACY", (true, false), counted(5, 5, 0), "ok LEGACY: the older tables alone"),
            ("LEGACY", (true, false), counted(5, 5, 2), "wrong LEGACY, but 2 users"),
            ("DUAL_WRITE_READ_OLD", (true, true), counted(5, 6, 0), "note DUAL_WRITE_READ_OLD: 5 users"),
            ("DUAL_WRITE_READ_OLD", (true, true), counted(0, 3, 0), "wrong DUAL_WRITE_READ_OLD: 3 users"),
            ("DUAL_WRITE_READ_OLD", (true, true), counted(0, 0, 0), "ok DUAL_WRITE_READ_OLD: every user is in both"),
            ("DUAL_WRITE_READ_NEW", (false, true), counted(4, 4, 0), "wrong DUAL_WRITE_READ_NEW, but 4 users"),
            ("MIGRATED", (false, true), counted(0, 0, 9), "ok MIGRATED: every user"),
        ] {
            let said = match finding(mode, ways, &counts) {
                Finding::Ok(text) => format!("ok {text}"),
                Finding::Note(text) => format!("note {text}"),
                Finding::Wrong(text) => format!("wrong {text}"),
            };
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
