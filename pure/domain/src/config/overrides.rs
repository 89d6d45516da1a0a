//! What may a `coreConfig` hold, how is a new one laid over the stored one, and what may whom be shown
//! (core-multitenancy.md 2.2 to 2.4, core-server.md 9.6)?

use super::key::{Key, Owner, Scope, Value};
use super::reading::{convert, find};
use super::table::{key, keys};
use crate::json::JsonObject;

/// Which protected settings a change would touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected {
    /// Settings of the core.
    Core,
    /// Settings of the database.
    Database,
}

impl Protected {
    /// The sentence of the 403.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Core => "Not allowed to modify protected configs.",
            Self::Database => "Not allowed to modify DB related configs.",
        }
    }
}

/// Are all names known, and may all of them be set for an app or tenant? The error is the reason behind
/// `Invalid core config: `. Values are not looked at.
pub fn check_overrides(overrides: &JsonObject) -> Result<(), String> {
    // Ours are not known to the Java core, so their names are as wrong here as any other.
    let known = |name: &str| key(name).filter(|key| key.owner != Owner::Ours);
    if let Some((name, _)) = overrides.iter().find(|(name, _)| known(name).is_none()) {
        return Err(format!("Invalid config key: {name}"));
    }
    match overrides.iter().find(|(name, _)| known(name).is_some_and(|key| key.scope == Scope::Base)) {
        Some((name, _)) => Err(format!("{name} can only be set via the core's base config setting")),
        None => Ok(()),
    }
}

/// The protected settings among the overrides, those of the database first.
pub fn touched_protected(overrides: &JsonObject) -> Option<Protected> {
    let touched = |database: bool| {
        overrides.iter().filter_map(|(name, _)| key(name)).any(|key| key.protected && (key.owner == Owner::Database) == database)
    };
    if touched(true) {
        Some(Protected::Database)
    } else if touched(false) {
        Some(Protected::Core)
    } else {
        None
    }
}

/// The protected settings that count for whoever has these overrides: a null sets nothing.
pub fn set_protected(overrides: &JsonObject) -> Option<Protected> {
    let set = overrides.iter().filter(|(_, value)| !value.is_null());
    touched_protected(&set.map(|(name, value)| (name.to_owned(), value.clone())).collect())
}

/// The first setting by which a tenant would differ from its app although it must not. `app` and `tenant` are their levels, most
/// special first and with the base configuration last; the error is the reason behind `Invalid core config: `.
/// A value of the wrong type is no difference: [`CoreConfig::effective`](super::CoreConfig::effective) reports it.
pub fn app_scope_conflict(app: &[&JsonObject], tenant: &[&JsonObject]) -> Option<String> {
    conflict_among(app, tenant, |_| true)
}

/// The same for those settings only that are named in `changed`.
pub fn app_scope_conflict_in(changed: &JsonObject, app: &[&JsonObject], tenant: &[&JsonObject]) -> Option<String> {
    conflict_among(app, tenant, |key| changed.iter().any(|(name, _)| key.answers_to(name)))
}

/// Are there settings among these on which the tenants of an app must agree?
pub fn names_app_settings(overrides: &JsonObject) -> bool {
    overrides.iter().any(|(name, _)| key(name).is_some_and(|key| key.scope == Scope::App))
}

fn conflict_among(app: &[&JsonObject], tenant: &[&JsonObject], concerned: impl Fn(&Key) -> bool) -> Option<String> {
    let differs = |name: &str| format!("You cannot set different values for {name} for the same appId");
    keys().filter(|key| key.scope == Scope::App && concerned(key)).find_map(|key| {
        let of = |levels: &[&JsonObject]| match find(key, levels) {
            None => Some(key.default_value(0)),
            Some(json) => convert(key, json).ok(),
        };
        let (app, tenant): (Option<Value>, Option<Value>) = (of(app), of(tenant));
        (app.is_some() && tenant.is_some() && app != tenant).then(|| differs(key.name))
    })
}

/// The stored overrides after a change: given members replace stored ones, a null takes one away.
pub fn merge_overrides(old: &JsonObject, given: &JsonObject) -> JsonObject {
    let mut merged = old.clone();
    for (name, value) in given.iter() {
        if value.is_null() && merged.contains(name) {
            merged.remove(name);
        } else {
            // Quirk: a null for what was not set is stored, and returned, as a null that means nothing.
            merged.insert(name, value.clone());
        }
    }
    merged
}

/// The overrides as a caller sees them who is not the owner of a shared installation.
pub fn hide_protected(overrides: &JsonObject) -> JsonObject {
    overrides
        .iter()
        .filter(|(name, _)| !key(name).is_some_and(|key| key.protected))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

/// The first override that would give a tenant its own database or its own connections. We keep all tenants in one database and
/// refuse these, with the sentence of [`own_database_refusal`].
pub fn names_own_database(overrides: &JsonObject) -> Option<&'static str> {
    overrides
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(name, _)| key(name))
        .find(|key| key.owner == Owner::Database)
        .map(|key| key.name)
}

/// The reason behind `Invalid core config: ` for a key that [`names_own_database`] found.
pub fn own_database_refusal(key: &str) -> String {
    format!("{key} cannot be set for an app or a tenant: all of them share the database of the base config")
}
