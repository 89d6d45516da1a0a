//! Apps, tenants and keys that are there without having been asked for: what another process, or the Java core, left behind.

use serde_json::Value;
use supertokens_domain::ids::{AppId, AppIdentifier, TenantId, TenantIdentifier};
use supertokens_domain::time::Millis;
use supertokens_store::TenantRecord;

use crate::target::Kind;
use crate::{Target, World};

/// Whether the database is gone with its core, so that nothing can be said about what a second core finds in it.
pub fn is_forgetful(w: &World) -> bool {
    w.target() == Target::SqliteMemory
}

/// The migration modes that a core on this database can be in.
pub fn migration_modes(w: &World) -> &'static [&'static str] {
    match w.target().kind() {
        Kind::Postgres => &["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"],
        Kind::Memory | Kind::File => &["MIGRATED"],
    }
}

/// Stores a tenant with overrides of the configuration. An app begins with its public tenant.
pub async fn put_tenant(w: &World, app: &str, tenant: &str, overrides: Value) {
    let id = TenantIdentifier { app: AppId::normalise(app), tenant: TenantId::normalise(tenant), ..TenantIdentifier::default() };
    let record = TenantRecord { id, core_config: overrides.to_string(), ..TenantRecord::base() };
    w.core().db().tx(async move |tx| tx.save_tenant(&record, 1).await).await.expect("the tenant is stored");
}

/// Makes an app as another core would, now.
pub async fn make_app(w: &World, app: &str) {
    let id = TenantIdentifier { app: AppId::normalise(app), ..TenantIdentifier::default() };
    let (record, now) = (TenantRecord { id, ..TenantRecord::base() }, w.clock.now());
    w.core().db().tx(async move |tx| tx.save_tenant(&record, now).await).await.expect("the app is stored");
}

/// Removes an app as another core would.
pub async fn remove_app(w: &World, app: &str) {
    let id = AppIdentifier { app: AppId::normalise(app), ..AppIdentifier::default() };
    assert!(w.core().db().tx(async move |tx| tx.delete_app(&id).await).await.expect("the app is removed"));
}

/// Stores a rotating key of an app.
pub async fn put_dynamic_key(w: &World, app: &str, created_at: Millis, value: &str) {
    let (app, value) = (AppId::normalise(app), value.to_owned());
    w.core().db().tx(async move |tx| tx.insert_dynamic_key(&app, created_at, &value).await).await.expect("the key is stored");
}

/// Stores a static key of an app.
pub async fn put_static_key(w: &World, app: &str, kid: &str, value: &str, created_at: Millis) {
    let (app, kid, value) = (AppId::normalise(app), kid.to_owned(), value.to_owned());
    let put = w.core().db().tx(async move |tx| tx.insert_static_key(&app, &kid, &value, "RS256", created_at).await).await;
    put.expect("the key is stored");
}

/// A text as a value of a query.
pub fn in_query(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// How many rows a table or a part of it has.
pub async fn count(w: &World, rows: &str) -> u64 {
    w.value(&format!("select count(*) from {rows}")).await.expect("a count").parse().expect("a number")
}
