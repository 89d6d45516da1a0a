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
#[derive(Clone, Copy)]
struct Counted {
    /// Not written into the newer tables yet.
    pending: i64,
    /// Of whom the newer tables do not have what they must, or not the same tenants as the older ones.
    inconsistent: i64,
    /// In a tenant by the newer tables, and in none by the older ones.
    only_new: i64,
    /// Changed where the older tables were not written.
    ahead: i64,
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
            ahead: tx.users_ahead_of_older_tables().await?,
        })
    });
    Ok(finding(db.migration_mode(), &counted.await?))
}

fn finding(mode: &str, counted: &Counted) -> Finding {
    let Counted { pending, inconsistent, only_new, ahead } = *counted;
    match mode {
        "LEGACY" | "DUAL_WRITE_READ_OLD" if ahead > 0 => Finding::Wrong(format!(
            "{mode}, but {ahead} users were changed and the older tables do not know of it, which only MIGRATED does; set migration_mode \
             back to that"
        )),
        "DUAL_WRITE_READ_NEW" if ahead > 0 => Finding::Wrong(format!(
            "{mode}, but {ahead} users were changed and the older tables do not know of it: there is no way back to a mode that reads \
             those ({PAGE})"
        )),
        "LEGACY" if only_new > 0 => Finding::Note(format!(
            "{mode}: the older tables alone. {only_new} users are in a tenant by the newer ones only: either this mode took them out of it, \
             or they signed up while the mode was MIGRATED and cannot log in now; which it is, you must know ({PAGE})"
        )),
        "LEGACY" => Finding::Ok(format!("{mode}: the older tables alone; how to move is in {PAGE}")),
        "DUAL_WRITE_READ_OLD" if pending > 0 => Finding::Note(format!(
            "{mode}: {pending} users are not in the newer tables yet; a running core writes them every five minutes, and names in its log \
             those whose address another one has"
        )),
        _ if pending > 0 => Finding::Wrong(format!(
            "{mode}, but {pending} users are not in the newer tables and cannot log in; restart the core: it writes them before it serves, \
             and names in its log those whose address another one has ({PAGE})"
        )),
        _ if inconsistent > 0 => Finding::Wrong(format!(
            "{mode}: the newer tables have something else of {inconsistent} users than they must; what to do is in {PAGE}"
        )),
        "DUAL_WRITE_READ_OLD" => Finding::Ok(format!("{mode}: every user is in both; DUAL_WRITE_READ_NEW may follow")),
        _ => Finding::Ok(format!("{mode}: every user is in the newer tables")),
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
        for (mode, [pending, inconsistent, only_new, ahead], expected) in [
            ("LEGACY", [5, 5, 0, 0], "ok LEGACY: the older tables alone"),
            ("LEGACY", [5, 5, 2, 0], "note LEGACY: the older tables alone. 2 users"),
            ("LEGACY", [5, 5, 2, 1], "wrong LEGACY, but 1 users were changed"),
            ("DUAL_WRITE_READ_OLD", [5, 6, 0, 0], "note DUAL_WRITE_READ_OLD: 5 users"),
            ("DUAL_WRITE_READ_OLD", [0, 3, 1, 0], "wrong DUAL_WRITE_READ_OLD: the newer tables have something else of 3 users"),
            ("DUAL_WRITE_READ_OLD", [0, 0, 0, 0], "ok DUAL_WRITE_READ_OLD: every user is in both"),
            ("DUAL_WRITE_READ_OLD", [0, 0, 0, 1], "wrong DUAL_WRITE_READ_OLD, but 1 users were changed"),
            ("DUAL_WRITE_READ_NEW", [4, 4, 0, 0], "wrong DUAL_WRITE_READ_NEW, but 4 users"),
            ("DUAL_WRITE_READ_NEW", [0, 0, 0, 2], "wrong DUAL_WRITE_READ_NEW, but 2 users were changed"),
            ("MIGRATED", [0, 1, 9, 9], "wrong MIGRATED: the newer tables"),
            ("MIGRATED", [0, 0, 9, 9], "ok MIGRATED: every user"),
        ] {
            let counts = Counted { pending, inconsistent, only_new, ahead };
            let said = match finding(mode, &counts) {
                Finding::Ok(text) => format!("ok {text}"),
                Finding::Note(text) => format!("note {text}"),
                Finding::Wrong(text) => format!("wrong {text}"),
            };
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
