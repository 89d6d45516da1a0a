//! Whom the dashboard's search finds (core-users.md 5.1): indexes of our own give whatever begins with a text, or does so behind an `@`, and
//! nobody else is looked at. Which tables say who is in which tenant depends on the migration mode; the recipes' own are in all of them.

use supertokens_domain::ids::{AppId, TenantId};

use crate::machinery::{Result, Row, Tx, args, statements};
use crate::users::{JoinOrder, UserPlace};

/// What stands behind every text that begins with another: as many of the last character as no column holds.
const LAST: char = '\u{10ffff}';
const LONGER_THAN_ANY: usize = 512;

/// The login methods of a recipe of which something begins with one of the list `$3`; `$4` stands behind whatever begins so. The list
/// comes first, so that SQLite looks up each text and does not go through the table with the list.
macro_rules! beginning {
    ($table:literal, $what:literal) => {
        concat!(
            "SELECT u.user_id FROM {each $3} e CROSS JOIN {",
            $table,
            "} u WHERE u.app_id = $1 AND ",
            $what,
            " {bytes} >= e.it AND ",
            $what,
            " {bytes} <= e.it || CAST($4 AS TEXT)"
        )
    };
}

/// Those of which the address begins so, from its beginning or behind any `@`. No index knows what is behind a second one, but which
/// addresses have it; `$7` is the list as patterns.
macro_rules! emails_of {
    ($table:literal) => {
        concat!(
            beginning!($table, "LOWER(u.email)"),
            " UNION ALL ",
            beginning!($table, "{behind_at u.email}"),
            " UNION ALL SELECT u.user_id FROM {",
            $table,
            "} u WHERE u.app_id = $1 AND u.email LIKE '%@%@%' AND EXISTS (SELECT 1 FROM {each $7} e
                 WHERE LOWER(u.email) LIKE '%@' || e.it || '%' ESCAPE '!')"
        )
    };
}
macro_rules! emails {
    () => {
        concat!(
            emails_of!("emailpassword_users"),
            " UNION ALL ",
            emails_of!("thirdparty_users"),
            " UNION ALL ",
            emails_of!("passwordless_users"),
            " UNION ALL ",
            emails_of!("webauthn_users")
        )
    };
}

/// The users of those who are in the tenant. `$5` is 1 or -1: the oldest first, or the newest; `$6` how many at most.
macro_rules! found {
    ($begins:expr, $table:literal, $in_tenant:literal, $more:literal) => {
        concat!(
            "SELECT CAST(a.primary_or_recipe_user_id AS TEXT) AS id, MIN(a.primary_or_recipe_user_time_joined) FROM (",
            $begins,
            ") m CROSS JOIN {",
            $table,
            "} a WHERE a.app_id = $1 AND a.user_id = m.user_id AND ",
            $in_tenant,
            $more,
            " GROUP BY a.primary_or_recipe_user_id
             ORDER BY MIN(a.primary_or_recipe_user_time_joined) * CAST($5 AS BIGINT), id DESC LIMIT $6"
        )
    };
}
macro_rules! found_old {
    ($begins:expr, $more:literal) => {
        found!($begins, "all_auth_recipe_users", "a.tenant_id = $2", $more)
    };
}
macro_rules! found_new {
    ($begins:expr, $more:literal) => {
        found!(
            $begins,
            "app_id_to_user_id",
            "EXISTS (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = a.app_id AND t.recipe_user_id = a.user_id AND t.tenant_id = $2)",
            $more
        )
    };
}

/// What else a login method that was found by its address must have, unless there is nothing else.
macro_rules! found_by_email {
    ($found:ident) => {
        $found!(
            emails!(),
            " AND (CAST($8 AS BOOLEAN) OR EXISTS (SELECT 1 FROM {passwordless_users} p CROSS JOIN {each $9} e
                 WHERE p.app_id = $1 AND p.user_id = a.user_id AND LOWER(p.phone_number) LIKE e.it || '%' ESCAPE '!'))
             AND (CAST($10 AS BOOLEAN) OR EXISTS (SELECT 1 FROM {thirdparty_users} p CROSS JOIN {each $11} e
                 WHERE p.app_id = $1 AND p.user_id = a.user_id AND LOWER(p.third_party_id) LIKE e.it || '%' ESCAPE '!'))"
        )
    };
}

statements! { "app_id_to_user_id", S {
    EmailsOld = found_by_email!(found_old),
    EmailsNew = found_by_email!(found_new),
    PhonesOld = found_old!(beginning!("passwordless_users", "LOWER(u.phone_number)"), ""),
    PhonesNew = found_new!(beginning!("passwordless_users", "LOWER(u.phone_number)"), ""),
    ProvidersOld = found_old!(beginning!("thirdparty_users", "LOWER(u.third_party_id)"), ""),
    ProvidersNew = found_new!(beginning!("thirdparty_users", "LOWER(u.third_party_id)"), ""),
} }

impl Tx<'_> {
    /// The users with a login method in this tenant that has something of each list which is not empty: e-mail addresses (from their
    /// beginning or from behind an `@`), phone numbers, ids of providers. Every text is the beginning of it, in lower case.
    pub async fn search_users(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        order: JoinOrder,
        [emails, phones, providers]: [&[String]; 3],
        limit: i64,
    ) -> Result<Vec<UserPlace>> {
        let (old, last) = (self.reads_old_accounts(), LAST.to_string().repeat(LONGER_THAN_ANY));
        let sign: i64 = match order {
            JoinOrder::Ascending => 1,
            JoinOrder::Descending => -1,
        };
        let read = |row: &Row<'_>| Ok(UserPlace { primary_user_id: row.text(0)?, time_joined: row.int(1)? });
        let [sought_emails, sought_phones, sought_providers] = [emails, phones, providers].map(storable);
        let ways = [(emails, &sought_emails), (phones, &sought_phones), (providers, &sought_providers)];
        let has_no_match = ways.iter().any(|(asked, sought)| !asked.is_empty() && sought.is_empty());
        // Nobody has a number and a provider in one login method.
        if has_no_match || (!phones.is_empty() && !providers.is_empty()) {
            return Ok(Vec::new());
        }
        let one_way = |sought| args![app, tenant, sought, &last, sign, limit];
        let (statement, params) = match (emails.is_empty(), phones.is_empty(), old) {
            (false, ..) => {
                let [by_email, by_phone, by_provider] = [&sought_emails, &sought_phones, &sought_providers]
                    .map(|list| list.iter().map(|it| literal(it)).collect::<Vec<_>>());
                let (has_no_phone, has_no_provider) = (by_phone.is_empty(), by_provider.is_empty());
                let of_email = args![
                    app,
                    tenant,
                    sought_emails.as_slice(),
                    &last,
                    sign,
                    limit,
                    by_email.as_slice(),
                    has_no_phone,
                    by_phone.as_slice(),
                    has_no_provider,
                    by_provider.as_slice()
                ];
                let statement = if old { S::EmailsOld } else { S::EmailsNew };
                return self.all(statement, &of_email, read).await;
            }
            (true, false, true) => (S::PhonesOld, one_way(sought_phones.as_slice())),
            (true, false, false) => (S::PhonesNew, one_way(sought_phones.as_slice())),
            (true, true, true) => (S::ProvidersOld, one_way(sought_providers.as_slice())),
            (true, true, false) => (S::ProvidersNew, one_way(sought_providers.as_slice())),
        };
        self.all(statement, &params, read).await
    }
}

/// Those that a column can hold.
fn storable(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| !text.contains('\0')).cloned().collect()
}

/// A text that means itself in a pattern.
fn literal(text: &str) -> String {
    text.chars().flat_map(|c| ['!'].into_iter().filter(move |_| matches!(c, '!' | '%' | '_')).chain([c])).collect()
}
