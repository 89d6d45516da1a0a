//! What does the dashboard list of a tenant's configuration (core-server.md 9.7)? Ten members each, nulls written.

use super::database::PostgresConfig;
use super::key::{Key, Kind, Owner, Scope, Value};
use super::reading::resolve;
use super::table::keys;
use crate::json::{Json, JsonObject};

/// Whose list it is.
#[derive(Debug, Clone, Copy)]
pub struct DashboardView<'a> {
    /// The PostgreSQL settings; on SQLite there are none, and no keys of the database are listed.
    pub postgres: Option<&'a PostgresConfig>,
    /// The caller is not the owner of a shared installation: protected keys are left out.
    pub protected_caller: bool,
    /// Processors of the machine, the default of one key.
    pub processors: i64,
}

/// The list of a tenant: its levels of overrides go from the most special on, the base configuration is last.
pub fn dashboard_items(levels: &[&JsonObject], view: DashboardView<'_>) -> Vec<JsonObject> {
    let (values, _) = resolve(keys(), levels, view.processors);
    let of_database = view.postgres.map(PostgresConfig::shown).unwrap_or_default();
    keys()
        .filter(|key| listed(key, &view))
        .map(|key| {
            let fixed = of_database.iter().find(|(name, _)| *name == key.name).map(|(_, value)| value.clone());
            let value = match fixed {
                Some(value) => value,
                // Whose secret it is depends on the level that set it, which may be another one's: it is nobody's to read.
                None if key.secret => Json::Null,
                None => json(values.get(key.name)),
            };
            item(key, value, view.processors)
        })
        .collect()
}

fn listed(key: &Key, view: &DashboardView<'_>) -> bool {
    let has_it = match key.owner {
        Owner::Core => true,
        Owner::Database => view.postgres.is_some(),
        Owner::Ours => false,
    };
    has_it && key.scope != Scope::Base && !key.hidden && !(key.protected && view.protected_caller)
}

fn item(key: &Key, value: Json, processors: i64) -> JsonObject {
    let (value_type, possible) = match key.kind {
        Kind::Int | Kind::NullableInt | Kind::Long | Kind::Double => ("number", Json::Null),
        Kind::Bool => ("boolean", Json::Null),
        Kind::Text => ("string", Json::Null),
        Kind::OneOf(words) => ("enum", Json::from(words.to_vec())),
    };
    let of_database = key.owner == Owner::Database;
    JsonObject::new()
        .with("key", key.name)
        .with("valueType", value_type)
        .with("value", value)
        .with("description", key.description)
        .with("isDifferentAcrossTenants", key.scope == Scope::Tenant)
        .with("possibleValues", possible)
        .with("isNullable", key.nullable())
        .with("defaultValue", json(&key.default_value(processors)))
        .with("isPluginProperty", of_database)
        .with("isPluginPropertyEditable", of_database && key.editable)
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(n) => (*n).into(),
        // As Java prints doubles in this range: `168.0`.
        Value::Double(n) => Json::Number(format!("{n:?}").into()),
        Value::Bool(b) => (*b).into(),
        Value::Text(text) => text.clone().into(),
    }
}
