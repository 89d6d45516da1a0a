//! The rows of core-server.md 9.4: the PostgreSQL keys, in its order.

use super::key::Kind::{Int, Long, NullableInt, OneOf, Text};
use super::key::Preset::{self, Unset};
use super::key::Scope::Tenant;
use super::key::{Key, Kind, Owner, row};

/// The words `migration_mode` may be (core-server.md 11).
pub(super) const MODES: &[&str] = &["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"];

pub(super) const KEYS: &[Key] = &[
    db("postgresql_config_version", Int, Preset::Int(0), "Format of the PostgreSQL part of the configuration file.")
        .no_variable()
        .hidden(),
    db("postgresql_connection_uri", Text, Unset, "Address of the database in one text; its parts come before the other keys.")
        .protected()
        .secret()
        .allowed("postgresql://[user[:password]@]host[:port][/database][?attributes]"),
    db("postgresql_host", Text, Preset::Text("localhost"), "Host of the database.").protected(),
    db("postgresql_port", Int, Preset::Int(5432), "Port of the database.").protected().allowed("1 to 65535"),
    db("postgresql_database_name", Text, Preset::Text("supertokens"), "Name of the database.").protected(),
    db("postgresql_table_schema", Text, Preset::Text("public"), "Schema that holds the tables.").protected(),
    db("postgresql_user", Text, Unset, "User of the database.").protected(),
    db("postgresql_password", Text, Unset, "Password of that user.").protected().secret(),
    db("postgresql_connection_pool_size", Int, Preset::Int(10), "Most connections to the database.")
        .protected()
        .editable()
        .allowed("1 or more"),
    db(
        "postgresql_connection_attributes",
        Text,
        Preset::Text("allowPublicKeyRetrieval=true"),
        "Further attributes of the connection.",
    )
    .protected()
    .secret(),
    db("postgresql_connection_scheme", Text, Preset::Text("postgresql"), "Scheme of the connection.").protected(),
    db(
        "postgresql_idle_connection_timeout",
        Long,
        Preset::Int(60_000),
        "Milliseconds after which an unused connection is closed.",
    )
    .protected()
    .editable(),
    db("postgresql_minimum_idle_connections", NullableInt, Unset, "Connections that stay open without use.")
        .protected()
        .editable()
        .allowed("0 to postgresql_connection_pool_size"),
    db("migration_mode", OneOf(MODES), Preset::Text("LEGACY"), "Which user tables are written and read.")
        .variable("SUPERTOKENS_MIGRATION_MODE")
        .allowed("LEGACY, DUAL_WRITE_READ_OLD, DUAL_WRITE_READ_NEW or MIGRATED"),
    db("postgresql_table_names_prefix", Text, Preset::Text(""), "Text in front of all table names.").protected(),
    table("postgresql_key_value_table_name"),
    table("postgresql_session_info_table_name"),
    table("postgresql_emailpassword_users_table_name"),
    table("postgresql_emailpassword_pswd_reset_tokens_table_name"),
    table("postgresql_emailverification_tokens_table_name"),
    table("postgresql_emailverification_verified_emails_table_name"),
    table("postgresql_thirdparty_users_table_name"),
];

const fn db(name: &'static str, kind: Kind, preset: Preset, description: &'static str) -> Key {
    row(name, kind, preset, Tenant, description).owner(Owner::Database)
}

const fn table(name: &'static str) -> Key {
    db(name, Text, Unset, "Another name for one table.").hidden()
}
