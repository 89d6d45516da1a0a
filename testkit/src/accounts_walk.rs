//! Is anything about users half done? One question to a database that walks every table of accounts and gives back what cannot be: an
//! account in one table and not in another, a group without members, what stands in tables that the migration mode does not write.
//!
//! The rules are those of the pure room (`domain/accounts`), said once more in the database's own words, so that a fault in the one is
//! not repeated by the other. No core may be in the middle of a change meanwhile.

use std::fmt::Write as _;

/// Which tables have accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// `all_auth_recipe_users` and what hangs on it.
    pub old: bool,
    /// `recipe_user_account_infos`, `recipe_user_tenants`, `primary_user_tenants`, and the times in `app_id_to_user_id`.
    pub new: bool,
}

impl Written {
    /// In a migration mode; SQLite's is `MIGRATED`.
    pub fn in_mode(mode: &str) -> Self {
        Self { old: mode != "MIGRATED", new: mode != "LEGACY" }
    }
}

/// Every login method with what it logs in by; the rows of infos that each must have; the tenants of each as both halves have them.
const TABLES: &str = "
    logins AS (
        SELECT app_id, user_id, 'emailpassword' AS recipe, email, NULL AS phone, NULL AS provider, NULL AS account, time_joined
            FROM emailpassword_users
        UNION ALL SELECT app_id, user_id, 'passwordless', email, phone_number, NULL, NULL, time_joined FROM passwordless_users
        UNION ALL SELECT app_id, user_id, 'thirdparty', email, NULL, third_party_id, third_party_user_id, time_joined
            FROM thirdparty_users
        UNION ALL SELECT app_id, user_id, 'webauthn', email, NULL, NULL, NULL, time_joined FROM webauthn_users),
    infos AS (
        SELECT app_id, user_id, recipe, 'email' AS kind, email AS value, COALESCE(provider, '') AS provider,
            COALESCE(account, '') AS account FROM logins WHERE email IS NOT NULL
        UNION ALL SELECT app_id, user_id, recipe, 'phone', phone, '', '' FROM logins WHERE phone IS NOT NULL
        UNION ALL SELECT app_id, user_id, recipe, 'tparty', provider || '::' || account, '', '' FROM logins WHERE provider IS NOT NULL),
    keys AS (
        SELECT app_id, tenant_id, user_id, 'emailpassword' AS recipe, email, NULL AS phone, NULL AS provider, NULL AS account
            FROM emailpassword_user_to_tenant
        UNION ALL SELECT app_id, tenant_id, user_id, 'passwordless', email, phone_number, NULL, NULL FROM passwordless_user_to_tenant
        UNION ALL SELECT app_id, tenant_id, user_id, 'thirdparty', NULL, NULL, third_party_id, third_party_user_id
            FROM thirdparty_user_to_tenant
        UNION ALL SELECT app_id, tenant_id, user_id, 'webauthn', email, NULL, NULL, NULL FROM webauthn_user_to_tenant),
    places AS (
        SELECT app_id, tenant_id, user_id FROM all_auth_recipe_users
        UNION SELECT app_id, tenant_id, recipe_user_id FROM recipe_user_tenants),
    owned AS (
        SELECT DISTINCT a.app_id, p.tenant_id, i.kind, i.value, a.primary_or_recipe_user_id AS group_id
            FROM app_id_to_user_id a
            JOIN places p ON p.app_id = a.app_id AND p.user_id = a.user_id
            JOIN app_id_to_user_id b ON b.app_id = a.app_id AND b.primary_or_recipe_user_id = a.primary_or_recipe_user_id
            JOIN infos i ON i.app_id = b.app_id AND i.user_id = b.user_id
            WHERE a.is_linked_or_is_a_primary_user)";

/// What cannot be in any mode: a sentence, and the question whose rows are those of whom it is true.
const ALWAYS: &[(&str, &str)] = &[
    (
        "a login method without a user",
        "SELECT l.user_id FROM logins l LEFT JOIN app_id_to_user_id a
             ON a.app_id = l.app_id AND a.user_id = l.user_id AND a.recipe_id = l.recipe WHERE a.user_id IS NULL",
    ),
    ("a user with two login methods", "SELECT user_id FROM logins GROUP BY app_id, user_id HAVING COUNT(*) > 1"),
    (
        "a user without a login method that lends nobody its id",
        "SELECT a.user_id FROM app_id_to_user_id a LEFT JOIN logins l ON l.app_id = a.app_id AND l.user_id = a.user_id
             WHERE l.user_id IS NULL AND NOT (a.is_linked_or_is_a_primary_user AND EXISTS (
                 SELECT 1 FROM app_id_to_user_id b WHERE b.app_id = a.app_id AND b.primary_or_recipe_user_id = a.user_id
                     AND b.user_id <> a.user_id))",
    ),
    (
        "a user whose group is none",
        "SELECT a.user_id FROM app_id_to_user_id a
             LEFT JOIN app_id_to_user_id g ON g.app_id = a.app_id AND g.user_id = a.primary_or_recipe_user_id
             WHERE g.user_id IS NULL OR g.primary_or_recipe_user_id <> g.user_id
                 OR g.is_linked_or_is_a_primary_user <> a.is_linked_or_is_a_primary_user
                 OR (NOT a.is_linked_or_is_a_primary_user AND a.user_id <> a.primary_or_recipe_user_id)",
    ),
    (
        "an info that two users own in a tenant",
        "SELECT value FROM owned GROUP BY app_id, tenant_id, kind, value HAVING COUNT(*) > 1",
    ),
    (
        "an id of the application's own without its user",
        "SELECT m.supertokens_user_id FROM userid_mapping m LEFT JOIN app_id_to_user_id a
             ON a.app_id = m.app_id AND a.user_id = m.supertokens_user_id WHERE a.user_id IS NULL",
    ),
    (
        "a token for the password of nobody",
        "SELECT t.user_id FROM emailpassword_pswd_reset_tokens t LEFT JOIN app_id_to_user_id a
             ON a.app_id = t.app_id AND a.user_id = t.user_id WHERE a.user_id IS NULL",
    ),
    (
        "a device without a code",
        "SELECT d.device_id_hash FROM passwordless_devices d LEFT JOIN passwordless_codes c
             ON c.app_id = d.app_id AND c.tenant_id = d.tenant_id AND c.device_id_hash = d.device_id_hash
             WHERE c.device_id_hash IS NULL",
    ),
    (
        "a code without a device",
        "SELECT c.code_id FROM passwordless_codes c LEFT JOIN passwordless_devices d
             ON d.app_id = c.app_id AND d.tenant_id = c.tenant_id AND d.device_id_hash = c.device_id_hash
             WHERE d.device_id_hash IS NULL",
    ),
    (
        "a role that is none",
        "SELECT u.user_id FROM user_roles u LEFT JOIN roles r ON r.app_id = u.app_id AND r.role = u.role WHERE r.role IS NULL",
    ),
];

/// What cannot be where the older tables are written.
const OLD: &[(&str, &str)] = &[
    (
        "a place in a tenant that says other things than the user's row",
        "SELECT o.user_id FROM all_auth_recipe_users o LEFT JOIN app_id_to_user_id a
             ON a.app_id = o.app_id AND a.user_id = o.user_id AND a.recipe_id = o.recipe_id
                 AND a.primary_or_recipe_user_id = o.primary_or_recipe_user_id
                 AND a.is_linked_or_is_a_primary_user = o.is_linked_or_is_a_primary_user
             WHERE a.user_id IS NULL",
    ),
    (
        "a place in a tenant without its login method, or with another time",
        "SELECT o.user_id FROM all_auth_recipe_users o LEFT JOIN logins l ON l.app_id = o.app_id AND l.user_id = o.user_id
             AND l.time_joined = o.time_joined WHERE l.user_id IS NULL",
    ),
    (
        "a place in a tenant whose group joined at another time",
        "SELECT o.user_id FROM all_auth_recipe_users o WHERE o.primary_or_recipe_user_time_joined <> (
             SELECT MIN(l.time_joined) FROM logins l JOIN app_id_to_user_id a ON a.app_id = l.app_id AND a.user_id = l.user_id
             WHERE l.app_id = o.app_id AND a.primary_or_recipe_user_id = o.primary_or_recipe_user_id)",
    ),
    (
        "a key of a recipe without its place in the tenant",
        "SELECT k.user_id FROM keys k LEFT JOIN all_auth_recipe_users o ON o.app_id = k.app_id AND o.tenant_id = k.tenant_id
             AND o.user_id = k.user_id AND o.recipe_id = k.recipe WHERE o.user_id IS NULL",
    ),
    (
        "a place in a tenant without its recipe's key, or with another one",
        "SELECT o.user_id FROM all_auth_recipe_users o JOIN logins l ON l.app_id = o.app_id AND l.user_id = o.user_id
             LEFT JOIN keys k ON k.app_id = o.app_id AND k.tenant_id = o.tenant_id AND k.user_id = o.user_id AND k.recipe = l.recipe
                 AND (k.recipe = 'thirdparty' OR COALESCE(k.email, '') = COALESCE(l.email, ''))
                 AND COALESCE(k.phone, '') = COALESCE(l.phone, '') AND COALESCE(k.provider, '') = COALESCE(l.provider, '')
                 AND COALESCE(k.account, '') = COALESCE(l.account, '')
             WHERE k.user_id IS NULL",
    ),
];

/// What cannot be where the newer tables are written.
const NEW: &[(&str, &str)] = &[
    (
        "a login method's info that is not among the infos as it is",
        "SELECT i.user_id FROM infos i JOIN app_id_to_user_id a ON a.app_id = i.app_id AND a.user_id = i.user_id
             LEFT JOIN recipe_user_account_infos n ON n.app_id = i.app_id AND n.recipe_user_id = i.user_id AND n.recipe_id = i.recipe
                 AND n.account_info_type = i.kind AND n.account_info_value = i.value AND n.third_party_id = i.provider
                 AND n.third_party_user_id = i.account AND COALESCE(n.primary_user_id, '') =
                     CASE WHEN a.is_linked_or_is_a_primary_user THEN a.primary_or_recipe_user_id ELSE '' END
             WHERE n.recipe_user_id IS NULL",
    ),
    (
        "an info of no login method",
        "SELECT n.recipe_user_id FROM recipe_user_account_infos n LEFT JOIN infos i ON i.app_id = n.app_id
             AND i.user_id = n.recipe_user_id AND i.recipe = n.recipe_id AND i.kind = n.account_info_type
             AND i.value = n.account_info_value WHERE i.user_id IS NULL",
    ),
    (
        "an info in a tenant that is none of its login method",
        "SELECT n.recipe_user_id FROM recipe_user_tenants n LEFT JOIN infos i ON i.app_id = n.app_id
             AND i.user_id = n.recipe_user_id AND i.recipe = n.recipe_id AND i.kind = n.account_info_type
             AND i.value = n.account_info_value AND i.provider = n.third_party_id AND i.account = n.third_party_user_id
             WHERE i.user_id IS NULL",
    ),
    (
        "a login method that is in a tenant with some of its infos only",
        "SELECT i.user_id FROM infos i JOIN places p ON p.app_id = i.app_id AND p.user_id = i.user_id
             LEFT JOIN recipe_user_tenants n ON n.app_id = i.app_id AND n.tenant_id = p.tenant_id AND n.recipe_user_id = i.user_id
                 AND n.account_info_type = i.kind AND n.account_info_value = i.value
             WHERE n.recipe_user_id IS NULL",
    ),
    (
        "what a primary user has and does not own",
        "SELECT w.value FROM owned w LEFT JOIN primary_user_tenants n ON n.app_id = w.app_id AND n.tenant_id = w.tenant_id
             AND n.account_info_type = w.kind AND n.account_info_value = w.value AND n.primary_user_id = w.group_id
             WHERE n.primary_user_id IS NULL",
    ),
    (
        "what somebody owns and does not have",
        "SELECT n.account_info_value FROM primary_user_tenants n LEFT JOIN owned w ON w.app_id = n.app_id
             AND w.tenant_id = n.tenant_id AND w.kind = n.account_info_type AND w.value = n.account_info_value
             AND w.group_id = n.primary_user_id WHERE w.group_id IS NULL",
    ),
    (
        "a login method that joined at another time than its user's row says",
        "SELECT a.user_id FROM app_id_to_user_id a JOIN logins l ON l.app_id = a.app_id AND l.user_id = a.user_id
             WHERE a.time_joined <> l.time_joined",
    ),
    (
        "a user whose group joined at another time",
        "SELECT a.user_id FROM app_id_to_user_id a WHERE a.primary_or_recipe_user_time_joined <> (
             SELECT MIN(l.time_joined) FROM logins l JOIN app_id_to_user_id b ON b.app_id = l.app_id AND b.user_id = l.user_id
             WHERE l.app_id = a.app_id AND b.primary_or_recipe_user_id = a.primary_or_recipe_user_id)",
    ),
];

/// What cannot be where both are.
const BOTH: &[(&str, &str)] = &[
    (
        "a place in a tenant that the newer tables do not know",
        "SELECT o.user_id FROM all_auth_recipe_users o LEFT JOIN recipe_user_tenants n ON n.app_id = o.app_id
         AND n.tenant_id = o.tenant_id AND n.recipe_user_id = o.user_id WHERE n.recipe_user_id IS NULL",
    ),
    (
        "a place in a tenant that the older tables do not know",
        "SELECT n.recipe_user_id FROM recipe_user_tenants n LEFT JOIN all_auth_recipe_users o ON o.app_id = n.app_id
         AND o.tenant_id = n.tenant_id AND o.user_id = n.recipe_user_id WHERE o.user_id IS NULL",
    ),
];

/// The tables of each half.
const OLD_TABLES: [&str; 5] = [
    "all_auth_recipe_users",
    "emailpassword_user_to_tenant",
    "passwordless_user_to_tenant",
    "thirdparty_user_to_tenant",
    "webauthn_user_to_tenant",
];
const NEW_TABLES: [&str; 3] = ["recipe_user_account_infos", "recipe_user_tenants", "primary_user_tenants"];

/// The question, for both databases: each row is a sentence about what cannot be, and of whom it is true.
pub fn question(written: Written) -> String {
    let mut checks: Vec<(String, String)> = Vec::new();
    let lists = [(ALWAYS, true), (OLD, written.old), (NEW, written.new), (BOTH, written.old && written.new)];
    for (sentence, sql) in lists.iter().filter(|(_, is_so)| *is_so).flat_map(|(list, _)| *list) {
        checks.push(((*sentence).to_owned(), (*sql).to_owned()));
    }
    for (tables, is_written) in [(&OLD_TABLES[..], written.old), (&NEW_TABLES[..], written.new)] {
        for table in tables.iter().filter(|_| !is_written) {
            checks.push((format!("a row of {table} in a mode that does not write it"), format!("SELECT app_id FROM {table}")));
        }
    }
    if !written.new {
        let sql = "SELECT user_id FROM app_id_to_user_id WHERE time_joined <> 0";
        checks.push(("a time that the mode does not write".to_owned(), sql.to_owned()));
    }
    let mut question = format!("WITH {TABLES}\n");
    for (number, (sentence, sql)) in checks.iter().enumerate() {
        let union = if number == 0 { "" } else { "UNION ALL " };
        let (whom, of) = sql.split_once(" FROM ").expect("a question");
        let (whom, sentence) = (whom.trim_start_matches("SELECT "), sentence.replace('\'', "''"));
        writeln!(question, "{union}SELECT '{sentence}', CAST({whom} AS TEXT) FROM {of}").expect("a string takes everything");
    }
    question
}

/// The rows of the question as lines.
pub fn lines(rows: Vec<Vec<Option<String>>>) -> Vec<String> {
    rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(": ")).collect()
}
