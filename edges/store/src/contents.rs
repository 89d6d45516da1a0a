//! The table of contents: every file with statements, and every migration. It stands on top: it names the recipes and the machinery, and
//! none of them names it.

use crate::machinery::contents::{Contents, Migration};
use crate::machinery::statement::{Group, Q};
use crate::machinery::{DatabaseOptions, Db, Result, lock, ready};
use crate::{
    accounts, activity, bulk_import, dashboard, email_verification, emailpassword, key_value, keys, passwordless, session,
    tenancy, totp, user_id_mapping, user_metadata, user_removal, user_roles, user_search, user_transfer, users, webauthn,
};

/// Numbers the groups by their places.
macro_rules! groups {
    (@ $number:expr;) => {};
    (@ $number:expr; $first:ty $(, $other:ty)*) => {
        impl From<$first> for Q {
            fn from(which: $first) -> Self {
                Self { group: $number, number: which as usize }
            }
        }
        groups!(@ $number + 1; $($other),*);
    };
    ($($group:ty,)+) => {
        const GROUPS: &[Group] = &[$(<$group>::GROUP),+];
        groups!(@ 0; $($group),+);
    };
}

/// Each is a file of `migrations/`. Its name and its text stay as they are once it has been released.
macro_rules! migrations {
    ($($file:literal,)+) => {
        const MIGRATIONS: &[Migration] =
            &[$(Migration::of($file, include_str!(concat!("../migrations/", $file, ".sql")))),+];
    };
}

groups! {
    lock::S,
    ready::S,
    accounts::backfill::S,
    accounts::compare::S,
    accounts::load::S,
    accounts::write::S,
    activity::S,
    bulk_import::S,
    dashboard::S,
    email_verification::S,
    key_value::S,
    keys::S,
    passwordless::S,
    session::S,
    tenancy::S,
    totp::S,
    user_id_mapping::S,
    user_metadata::S,
    user_roles::S,
    user_removal::S,
    user_search::S,
    user_transfer::S,
    users::S,
    emailpassword::S,
    webauthn::S,
}

migrations! {
    "0001_tenancy",
    "0002_users",
    "0003_session",
    "0004_activity",
    "0005_user_metadata",
    "0006_user_roles",
    "0007_email_verification",
    "0008_accounts",
    "0009_passwordless",
    "0010_user_search",
    "0011_totp",
    "0012_dashboard",
    "0013_webauthn",
    "0014_bulk_import",
    "0015_imports",
}

static CONTENTS: Contents = Contents {
    groups: GROUPS,
    migrations: MIGRATIONS,
    tries_writing: || session::S::TryWriting.into(),
    landmark: "session_info",
    shared_columns: &[
        "app_id",
        "tenant_id",
        "recipe_id",
        "account_info_type",
        "third_party_id",
        "connection_uri_domain",
        "rp_id",
    ],
};

impl Db {
    /// Opens a database: makes the SQLite file if there is none and takes it for this process, or connects to
    /// PostgreSQL. Tables are made by `migrate`.
    pub async fn open(options: DatabaseOptions) -> Result<Self> {
        Self::open_with(options, &CONTENTS).await
    }

    /// Opens a database to look at it. A SQLite file is only read, and not made if it is not there; nothing is put beside it but what
    /// SQLite needs to read the log that a killed core left. A core that is at work on it is an error, and none can start until
    /// this is dropped.
    pub async fn open_to_look(options: DatabaseOptions) -> Result<Self> {
        Self::open_to_look_with(options, &CONTENTS).await
    }
}

/// What the machinery makes of these contents.
#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus};

    use super::*;
    use crate::machinery::fit::{fit, of_constraints};
    use crate::machinery::migrations::migrate_sqlite;
    use crate::machinery::rights::needed;
    use crate::machinery::sql::{DIRECTIVES, Sql};
    use crate::machinery::sqlite::configure;
    use crate::machinery::{Dialect, TableNames, due};

    #[test]
    fn only_tables_and_directives_stand_in_braces() {
        let tables = CONTENTS.tables();
        assert!(tables.contains(&CONTENTS.landmark) && tables.contains(&"st_rs_migrations"), "{tables:?}");
        for text in CONTENTS.statements() {
            for inside in text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()) {
                let word = inside.split_whitespace().next().unwrap_or_default();
                assert!(tables.contains(&word) || DIRECTIVES.contains(&word), "{{{inside}}} in {text}");
                // It is for columns: a parameter there would keep its dollar sign on SQLite.
                assert!(word != "id" || !inside.contains('$'), "{{{inside}}} in {text}");
            }
            // In quotes too it would be a parameter's on SQLite.
            let of_no_parameter = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_digit());
            assert!(!text.split('$').skip(1).any(of_no_parameter) && !text.contains("'$"), "{text}");
        }
        for group in CONTENTS.groups {
            assert!(tables.contains(&group.table), "{} is made by no migration", group.table);
        }
    }

    #[test]
    fn a_statement_is_found_where_its_file_stands_in_the_table() {
        let sql = Sql::new(Dialect::Sqlite, TableNames::default(), &CONTENTS);
        assert_eq!(sql.text(lock::S::TryLock.into()), "SELECT ?1 IS NOT NULL");
        assert_eq!(sql.text(ready::S::Ping.into()), "SELECT 1 = 1");
        assert!(sql.text((CONTENTS.tries_writing)()).starts_with("DELETE FROM session_info"));
        assert_eq!(sql.table_of(users::S::Count.into()), "app_id_to_user_id");
    }

    #[test]
    fn the_numbers_of_migrations_rise() {
        assert!(MIGRATIONS.is_sorted_by(|one, next| one.number < next.number) && MIGRATIONS[0].number == 1);
        assert_eq!(MIGRATIONS[2].name, "session");
    }

    #[test]
    fn constraints_are_named_after_the_table_without_schema_and_indexes_have_fixed_names() {
        let names = TableNames { schema: "auth".into(), prefix: "st".into(), ..TableNames::default() };
        let sql = Sql::new(Dialect::Postgres, names, &CONTENTS);
        let all: String = due::due(&sql, &[].into()).into_iter().map(|migration| migration.sql).collect();
        assert!(all.contains("CREATE TABLE IF NOT EXISTS auth.st_session_info ("));
        assert!(all.contains("CONSTRAINT st_session_info_pkey PRIMARY KEY"));
        assert!(all.contains("CONSTRAINT st_session_info_tenant_id_fkey"));
        assert!(all.contains("CREATE INDEX IF NOT EXISTS session_expiry_index ON auth.st_session_info"));
        assert!(!all.contains('{'), "a directive was left in a migration");
    }

    #[test]
    fn rights_are_what_the_statements_need() {
        let needed = needed(&CONTENTS);
        let of = |table: &str| needed[table].iter().copied().collect::<Vec<_>>().join(" ");
        assert_eq!(of("session_info"), "DELETE INSERT SELECT UPDATE");
        assert_eq!(of("userid_mapping"), "DELETE INSERT SELECT UPDATE");
        assert_eq!(of("all_auth_recipe_users"), "DELETE INSERT SELECT UPDATE");
        assert_eq!(of("primary_user_tenants"), "DELETE INSERT SELECT");
        assert_eq!(of("activity_log"), "DELETE INSERT SELECT");
        assert_eq!(of("roles"), "DELETE INSERT SELECT UPDATE");
        assert_eq!(of("user_roles"), "DELETE INSERT SELECT");
    }

    fn prefixed(length: usize) -> TableNames {
        TableNames { prefix: "p".repeat(length), ..TableNames::default() }
    }

    fn renamed(table: &str, name: &str) -> TableNames {
        TableNames { renamed: [(table.to_owned(), name.to_owned())].into(), ..TableNames::default() }
    }

    #[test]
    fn a_prefix_that_is_too_long_is_refused_with_the_longest_that_fits() {
        assert!(of_constraints(&prefixed(1), &CONTENTS).count() > 20);
        assert_eq!(fit(&TableNames::default(), &CONTENTS), Ok(()));
        let longest = (1..63).rev().find(|length| fit(&prefixed(*length), &CONTENTS).is_ok()).unwrap_or_default();
        assert!((20..30).contains(&longest), "{longest}");
        let said = fit(&prefixed(30), &CONTENTS).unwrap_err();
        assert!(
            said.contains("'postgresql_table_names_prefix'") && said.contains(&format!("at most {longest} of its 30")),
            "{said}"
        );
    }

    #[test]
    fn only_what_is_one_name_to_postgresql_is_refused() {
        for (name, fits) in [
            ("tenants", false),
            // A key has an index of the same name, a foreign key has none; and that of another table is another.
            ("tenants_pkey", false),
            ("userid_mapping_external_user_id_key", false),
            ("tenants_app_id_fkey", true),
            ("SESSION_EXPIRY_INDEX", false),
            ("sessions", true),
        ] {
            assert_eq!(fit(&renamed("session_info", name), &CONTENTS).is_ok(), fits, "{name}");
        }
        let all = TableNames::default();
        let keys = of_constraints(&all, &CONTENTS).filter(|(_, _, is_key)| *is_key).count();
        assert!((10..of_constraints(&all, &CONTENTS).count()).contains(&keys), "{keys}");
    }

    #[test]
    fn names_of_their_own_are_measured_too() {
        let long = |length| fit(&renamed("session_info", &"s".repeat(length)), &CONTENTS);
        assert!(long(40).is_ok());
        assert!(long(64).unwrap_err().contains("63 bytes"));
        assert!(long(62).unwrap_err().contains("told apart"));
        assert!(fit(&TableNames { schema: "s".repeat(64), ..TableNames::default() }, &CONTENTS).is_err());
    }

    #[test]
    fn no_statement_is_compiled_anew_because_its_parameters_change() {
        let sql = Sql::new(Dialect::Sqlite, TableNames::default(), &CONTENTS);
        let mut connection = Connection::open_in_memory().unwrap();
        configure(&connection, &sql).unwrap();
        migrate_sqlite(&mut connection, &sql, 0).unwrap();
        for text in sql.all_texts() {
            for round in 0..3 {
                let mut statement = connection.prepare_cached(text).unwrap();
                let values = (0..statement.parameter_count()).map(|parameter| format!(r#"["{parameter} {round}"]"#));
                // Some of them do not like these values; that is told while they run, and so after they were compiled.
                let mut rows = statement.query(rusqlite::params_from_iter(values)).unwrap();
                while let Ok(Some(_)) = rows.next() {}
                drop(rows);
                assert_eq!((statement.get_status(StatementStatus::RePrepare), text), (0, text));
            }
        }
    }
}
