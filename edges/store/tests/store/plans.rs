//! No statement reads a table that grows with users from one end to the other: the planners' own words on every statement, with many
//! users in one tenant.
//!
//! What an index gives for an app or a tenant alone is all of it, and counts as reading it whole. On PostgreSQL it is the generic plan
//! that is asked for, which knows no values, over real statistics, and with every step but an index made dear: what it reads whole
//! then, no index can help with, however many there are. (Of ten thousand rows it rightly reads some whole that it would not of more.)

use std::collections::BTreeSet;

use crate::world::{Kind, OPEN, Outcome, World, connect, tests};

tests! {
    no_statement_reads_all_users on OPEN,
}

/// What must read them all, by a piece of its text, and why.
const MUST: &[(&str, &str)] = &[
    ("SELECT COUNT(DISTINCT", "users are counted: for whoever asks how many there are, and for the metrics"),
    ("WHERE time_joined = 0", "what a migration has left to do is counted"),
    ("COUNT(*) FROM {app_id_to_user_id}", "the doctor counts whom some tables lack"),
    ("AS differing", "tables of users are compared: at the start of a migration, for who asks how far it is, by the doctor"),
    ("DELETE FROM {recipe_user_account_infos}AS n", "what is of nobody any more, at the start of a migration"),
    ("DELETE FROM {recipe_user_tenants}AS n", "the same"),
    ("DELETE FROM {primary_user_tenants}AS n", "the same"),
    ("SELECT (SELECT COUNT(*) FROM", "the metrics count who logs in how"),
    ("password_hash LIKE", "the doctor counts hashes that need a key"),
    ("password_hash NOT LIKE", "the doctor counts hashes that nobody can check"),
    ("activity_log WHERE id IN", "a job, over what no partition holds; PostgreSQL has no key there, for the Java core's sake"),
    ("created_at + 0 < ", "a job, over those who wait for a code"),
    ("DELETE FROM {webauthn_account_recovery_tokens}WHERE tenant_id", "they go with a tenant"),
    ("DELETE FROM {tenants}", "a tenant goes with all that it has"),
    ("DELETE FROM {apps}", "an app goes with all that it has"),
];

/// By the ends of their names, indexes that have a few odd rows only, and may be read from end to end.
const OF_FEW: [&str; 1] = ["_more_ats_index"];

/// The tables that grow with users.
const GROW: [&str; 28] = [
    "app_id_to_user_id",
    "all_auth_recipe_users",
    "userid_mapping",
    "emailpassword_users",
    "emailpassword_user_to_tenant",
    "emailpassword_pswd_reset_tokens",
    "thirdparty_users",
    "thirdparty_user_to_tenant",
    "passwordless_users",
    "passwordless_user_to_tenant",
    "passwordless_devices",
    "passwordless_codes",
    "webauthn_users",
    "webauthn_user_to_tenant",
    "webauthn_generated_options",
    "st_rs_webauthn_algorithms",
    "webauthn_credentials",
    "webauthn_account_recovery_tokens",
    "recipe_user_account_infos",
    "recipe_user_tenants",
    "primary_user_tenants",
    "user_metadata",
    "user_roles",
    "user_last_active",
    "session_info",
    "emailverification_verified_emails",
    "emailverification_tokens",
    "activity_log",
];

/// Rows of a table for users number $n from 1 to 10,000: their columns, what they are, and for every which user.
const ROWS: &[(&str, &str, i64)] = &[
    (
        "app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,
             primary_or_recipe_user_time_joined)",
        "'public', id, recipe, id, n % 5 = 0, n, n",
        1,
    ),
    (
        "all_auth_recipe_users (app_id, tenant_id, user_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id,
             time_joined, primary_or_recipe_user_time_joined)",
        "'public', 'public', id, id, n % 5 = 0, recipe, n, n",
        1,
    ),
    ("userid_mapping (app_id, supertokens_user_id, external_user_id)", "'public', id, 'x' || n", 4),
    ("emailpassword_users (app_id, user_id, email, password_hash, time_joined)", "'public', id, email, 'h', n", 1),
    ("emailpassword_user_to_tenant (app_id, tenant_id, user_id, email)", "'public', 'public', id, email", 1),
    ("emailpassword_pswd_reset_tokens (app_id, user_id, token, token_expiry)", "'public', id, 't' || n, n", 2),
    (
        "thirdparty_users (app_id, third_party_id, third_party_user_id, user_id, email, time_joined)",
        "'public', 'google', 'g' || n, id, email, n",
        1,
    ),
    (
        "thirdparty_user_to_tenant (app_id, tenant_id, user_id, third_party_id, third_party_user_id)",
        "'public', 'public', id, 'google', 'g' || n",
        1,
    ),
    ("passwordless_users (app_id, user_id, email, phone_number, time_joined)", "'public', id, email, '+' || n, n", 1),
    (
        "passwordless_user_to_tenant (app_id, tenant_id, user_id, email, phone_number)",
        "'public', 'public', id, email, '+' || n",
        1,
    ),
    (
        "passwordless_devices (app_id, tenant_id, device_id_hash, email, phone_number, link_code_salt, failed_attempts)",
        "'public', 'public', 'd' || n, email, '+' || n, 's', 0",
        1,
    ),
    (
        "passwordless_codes (app_id, tenant_id, code_id, device_id_hash, link_code_hash, created_at)",
        "'public', 'public', id, 'd' || n, 'l' || n, n",
        1,
    ),
    ("webauthn_users (app_id, user_id, email, rp_id, time_joined)", "'public', id, email, 'x.io', n", 1),
    ("webauthn_user_to_tenant (app_id, tenant_id, user_id, email)", "'public', 'public', id, email", 1),
    (
        "webauthn_generated_options (app_id, tenant_id, id, challenge, rp_id, rp_name, origin, expires_at, created_at)",
        "'public', 'public', id, 'c', 'x.io', 'x', 'https://x.io', n, n",
        1,
    ),
    ("st_rs_webauthn_algorithms (app_id, tenant_id, options_id, algorithms)", "'public', 'public', id, '-7'", 1),
    (
        "webauthn_credentials (app_id, rp_id, id, user_id, counter, public_key, transports, created_at, updated_at)",
        "'public', 'x.io', 'k' || n, id, 0, '', '[]', n, n",
        1,
    ),
    (
        "webauthn_account_recovery_tokens (app_id, tenant_id, user_id, email, token, expires_at)",
        "'public', 'public', id, email, 't' || n, n",
        2,
    ),
    (
        "recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id,
             third_party_user_id, primary_user_id)",
        "'public', id, recipe, 'email', email, '', '', CASE WHEN n % 5 = 0 THEN id END",
        1,
    ),
    (
        "recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id,
             third_party_user_id)",
        "'public', id, 'public', recipe, 'email', email, '', ''",
        1,
    ),
    (
        "primary_user_tenants (app_id, tenant_id, account_info_type, account_info_value, primary_user_id)",
        "'public', 'public', 'email', email, id",
        5,
    ),
    ("user_metadata (app_id, user_id, user_metadata)", "'public', id, '{}'", 1),
    ("user_roles (app_id, tenant_id, user_id, role)", "'public', 'public', id, 'r' || n % 10", 1),
    ("user_last_active (app_id, user_id, last_active_time)", "'public', id, n", 1),
    (
        "session_info (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, expires_at, created_at_time, use_static_key)",
        "'public', 'public', 's' || n, id, 'h', n, n, n < 0",
        1,
    ),
    ("emailverification_verified_emails (app_id, user_id, email)", "'public', id, email", 1),
    (
        "emailverification_tokens (app_id, tenant_id, user_id, email, token, token_expiry)",
        "'public', 'public', id, email, 't' || n, n",
        2,
    ),
    ("activity_log (app_id, tenant_id, event_type, created_at)", "'public', 'public', 'x', n", 1),
];

async fn fill(w: &World) -> Outcome {
    w.with_base().await?;
    for (table, values, every) in ROWS {
        w.raw(&format!(
            "INSERT INTO {table} WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
             SELECT {values} FROM (SELECT n, 'u' || n || '@x.io' AS email,
                 CASE n % 3 WHEN 0 THEN 'emailpassword' WHEN 1 THEN 'thirdparty' ELSE 'passwordless' END AS recipe,
                 '00000000-0000-4000-8000-' || SUBSTR(CAST(1000000000000 + n AS TEXT), 2) AS id FROM numbers) AS rows
             WHERE n % {every} = 0"
        ))
        .await?;
    }
    // SQLite is told how many rows there are, and never counts them.
    if w.kind == Kind::Postgres { w.raw("ANALYZE").await } else { Ok(()) }
}

async fn no_statement_reads_all_users(w: &World) -> Outcome {
    fill(w).await?;
    let tables: BTreeSet<&str> = ROWS.iter().filter_map(|(table, ..)| table.split(' ').next()).collect();
    assert_eq!(tables, GROW.into(), "each has rows");
    let (mut found, mut excused) = (Vec::new(), BTreeSet::new());
    for text in w.db.texts() {
        let plan = if w.kind == Kind::Postgres { on_postgres(w, text).await? } else { on_sqlite(w, text)? };
        if plan.is_empty() {
            continue;
        }
        let said = |piece: &str| piece.replace('{', if w.kind == Kind::Postgres { "public." } else { "" }).replace('}', " ");
        match MUST.iter().find(|(piece, _)| text.contains(said(piece).trim_end())) {
            Some((piece, _)) => _ = excused.insert(*piece),
            None => found.push(format!("{text}\n    {}", plan.join("\n    "))),
        }
    }
    let idle: Vec<&str> = MUST.iter().map(|(piece, _)| *piece).filter(|piece| !excused.contains(piece)).collect();
    // What PostgreSQL deletes along with something is not in its plans, and SQLite has a key where PostgreSQL has none.
    assert!(
        !idle.iter().any(|piece| !piece.starts_with("DELETE") && !piece.starts_with("activity_log")),
        "no excuse is needed for {idle:?}"
    );
    assert!(found.is_empty(), "{} statements:\n{}", found.len(), found.join("\n"));
    Ok(())
}

/// Is it the app or the tenant alone that an index looks for?
fn is_all(condition: &str) -> bool {
    let words = condition.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let columns = words.filter(|word| word.contains('_') || ["email", "token", "role", "user", "expr", "id"].contains(word));
    columns.filter(|word| !word.starts_with('_')).all(|column| ["app_id", "tenant_id"].contains(&column))
}

/// The steps of a plan that read such a table whole.
fn on_sqlite(w: &World, text: &str) -> Result<Vec<String>, rusqlite::Error> {
    let text = &text.replace('\n', " ");
    let connection = rusqlite::Connection::open(w.path())?;
    // As the store has it: no plan depends on values.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
    let nothing = rusqlite::params_from_iter(vec![rusqlite::types::Null; statement.parameter_count()]);
    let steps = statement.query_map(nothing, |row| row.get::<_, String>(3));
    let steps = steps?.collect::<Result<Vec<_>, _>>()?;
    // SQLite's older tables of accounts have no rows.
    let is_old = |table: &str| table == "all_auth_recipe_users" || table.ends_with("_user_to_tenant");
    let is_called = |table: &str, name: &str| table == name || text.contains(&format!("{table} {name} "));
    let grows = |name: &str| GROW.iter().any(|table| !is_old(table) && is_called(table, name));
    let reads_all = |step: &String| {
        let mut words = step.split(' ');
        let (how, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let condition = step.rsplit_once(" (").map_or("", |(_, condition)| condition);
        let is_of_few = OF_FEW.iter().any(|end| step.contains(end));
        grows(name) && !is_of_few && (how == "SCAN" || (how == "SEARCH" && is_all(condition)))
    };
    Ok(steps.into_iter().filter(reads_all).collect())
}

async fn on_postgres(w: &World, text: &str) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let words = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    if !words.iter().any(|word| text.trim_start().starts_with(word)) {
        return Ok(Vec::new());
    }
    let client = connect(&w.postgres()).await?;
    let dear = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";
    client.batch_execute(&format!("SET plan_cache_mode = force_generic_plan; {dear}")).await?;
    let parameters = client.prepare(text).await?.params().len();
    client.batch_execute(&format!("PREPARE asked AS {text}")).await?;
    let nulls = vec!["NULL"; parameters].join(", ");
    let given = if parameters == 0 { String::new() } else { format!("({nulls})") };
    let rows = client.simple_query(&format!("EXPLAIN (COSTS OFF) EXECUTE asked{given}")).await?;
    let lines: Vec<String> = rows
        .iter()
        .filter_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let of_table = |line: &str| GROW.iter().any(|table| line.contains(&format!(" on {table}")));
        let is_of_few = OF_FEW.iter().any(|end| line.contains(end));
        let is_whole = line.contains("Seq Scan on ") && of_table(line);
        let is_index = (line.contains("Index Scan") || line.contains("Index Only Scan"))
            && (of_table(line) || line.contains("Bitmap Index"));
        let condition = lines.get(number + 1).filter(|next| next.contains("Index Cond:"));
        if is_whole
            || (is_index && !is_of_few && condition.is_none_or(|condition| is_all(condition.replace("Index Cond", "").as_str())))
        {
            found.push(format!("{} {}", line.trim(), condition.map_or("", |condition| condition.trim())));
        }
    }
    Ok(found)
}
