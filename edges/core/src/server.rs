//! The server itself: greeting, versions, statistics, licence (core-server.md 7).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use supertokens_domain::ids::{AppId, AppIdentifier, TenantId};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::time::Millis;
use supertokens_wire::cdi::server::{
    DeleteLicense, GetApiVersions, GetBackfillProgress, GetConfig, GetFeatureFlags, GetLicense, GetMigrationMode,
    GetRequestStats, GetSearchTags, GetTelemetry, HelloDelete, HelloGet, HelloPost, HelloPut, PutLicense,
};
use supertokens_wire::operation::{Body, ok, status};
use supertokens_wire::version::{LATEST, SUPPORTED};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Door, Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<HelloGet>(),
    Route::of::<HelloPost>(),
    Route::of::<HelloPut>(),
    Route::of::<HelloDelete>(),
    Route::of::<GetApiVersions>(),
    Route::of::<GetConfig>(),
    Route::of::<GetTelemetry>(),
    Route::of::<GetRequestStats>(),
    Route::of::<GetFeatureFlags>(),
    Route::of::<GetLicense>(),
    Route::of::<PutLicense>(),
    Route::of::<DeleteLicense>(),
    Route::of::<GetSearchTags>(),
    Route::of::<GetMigrationMode>(),
    Route::of::<GetBackfillProgress>(),
];

const GREETING_BURST: u32 = 5;
const GREETING_EVERY: Millis = 200;

/// How often greetings may look at the database: five at once for an app, then one every 200 ms. The others answer without looking.
#[derive(Debug, Default)]
pub(crate) struct Greetings(Mutex<HashMap<AppIdentifier, (u32, Millis)>>);

impl Greetings {
    fn may_look(&self, app: &AppIdentifier, now: Millis) -> bool {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = apps.entry(app.clone()).or_insert((GREETING_BURST, now));
        // A clock that was set back must not stop the refilling until it has caught up.
        *since = (*since).min(now);
        let refill = now.saturating_sub(*since) / GREETING_EVERY;
        if refill > 0 {
            *left = GREETING_BURST.min(left.saturating_add(u32::try_from(refill).unwrap_or(u32::MAX)));
            *since = now;
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    pub(crate) fn forget(&self, app: &AppId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|of, _| of.app != *app);
    }
}

async fn hello(cx: &Cx<'_>) -> Result<Body, Error> {
    if !cx.core.greetings.may_look(&cx.app(), cx.now) {
        return Ok(Body::Text(if cx.core.test_mode { "RateLimitedHello" } else { "Hello" }));
    }
    let app = cx.at().app.clone();
    cx.db().read(async move |tx| tx.key_value(&app, &TenantId::default(), "Test").await).await?;
    Ok(Body::Text("Hello"))
}

/// The verbs by which load balancers and health checks look, beside GET. Upstream answers 405, and a stock check takes a healthy
/// core for an ill one.
pub(crate) const LOOKS: [&str; 2] = ["HEAD", "OPTIONS"];

/// Answers every path that is no operation: a greeting at the root of an app or tenant, otherwise 404.
pub(crate) async fn at_the_root(cx: &Cx<'_>, path: &str, method: &str) -> Result<Body, Error> {
    let greets = path.is_empty() && LOOKS.contains(&method);
    if !greets && !["GET", "POST", "PUT", "DELETE"].contains(&method) {
        return Err(Error::refused(StatusCode::METHOD_NOT_ALLOWED, "Method not supported"));
    }
    cx.config()?;
    if cx.place.tenant.is_none() || !path.is_empty() {
        return Err(Error::not_found());
    }
    hello(cx).await
}

macro_rules! greetings {
    ($($name:ident),+) => {$(
        impl UseCase for $name {
            const SCOPE: Scope = Scope::App;
            const DOOR: Door = Door::OPEN;

            async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
                hello(cx).await
            }
        }
    )+};
}

greetings!(HelloGet, HelloPost, HelloPut, HelloDelete);

impl UseCase for GetApiVersions {
    const SCOPE: Scope = Scope::AppFromPublicTenant;
    const DOOR: Door = Door { key: true, version: false };

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let max = cx.place.app.as_ref().and_then(|entry| entry.max_version).unwrap_or(LATEST);
        let versions: Vec<String> = SUPPORTED.into_iter().filter(|v| *v <= max).map(|v| v.to_string()).collect();
        let said = [("websiteDomain", self.website_domain), ("apiDomain", self.api_domain)];
        for (name, value) in said {
            let Some(value) = value else { continue };
            if let Err(error) = store_if_new(cx, name, value).await {
                tracing::warn!(error = %error.causes(), name, "what the SDK says of itself could not be stored");
            }
        }
        Ok(Body::Json(JsonObject::new().with("versions", versions)))
    }
}

impl UseCase for GetConfig {
    const SCOPE: Scope = Scope::Tenant;
    const DOOR: Door = Door { key: false, version: true };

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        if !cx.at().is_base() {
            return Err(Error::forbidden("you can call this only from the base connection uri domain, public app and tenant"));
        }
        if self.pid != cx.core.process_id {
            return Ok(Body::Json(status("NOT_ALLOWED")));
        }
        let path = cx.core.config_path.as_ref().map_or_else(String::new, |path| path.display().to_string());
        Ok(Body::Json(status("OK").with("path", path)))
    }
}

impl UseCase for GetTelemetry {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        const NAME: &str = "TELEMETRY_ID";
        if cx.config()?.disable_telemetry || cx.db().is_in_memory() {
            return Ok(Body::Json(JsonObject::new().with("exists", false)));
        }
        let id = match stored(cx, NAME).await? {
            Some(id) => id,
            None => {
                let (app, now, fresh) = (cx.at().app.clone(), cx.now, cx.uuid());
                let id = cx.db().tx(async move |tx| tx.key_value_or_insert(&app, &TenantId::default(), NAME, &fresh, now).await);
                cx.unless_removed(id.await.map_err(Error::from))?
            }
        };
        Ok(Body::Json(JsonObject::new().with("exists", true).with("telemetryId", id)))
    }
}

impl UseCase for GetRequestStats {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let day = cx.core.stats.day(&cx.app(), cx.now);
        let averages = day.averages.into_iter().map(|average| Json::Number(format!("{average:?}").into())).collect();
        Ok(ok(JsonObject::new()
            .with("atMinute", day.at_minute)
            .with("averageRequestsPerSecond", Json::Array(averages))
            .with("peakRequestsPerSecond", day.peaks)))
    }
}

impl UseCase for GetFeatureFlags {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, _: &Cx<'_>) -> Result<Body, Error> {
        const FEATURES: [&str; 8] =
            ["account_linking", "multi_tenancy", "test", "dashboard_login", "mfa", "security", "oauth", "saml"];
        Ok(ok(JsonObject::new().with("features", FEATURES.to_vec()).with("usageStats", JsonObject::new())))
    }
}

const LICENSE: &str = "LICENSE_KEY";
const NO_LICENSE: &str = "NOT_PRESENT";

impl UseCase for GetLicense {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        Ok(match stored(cx, LICENSE).await?.filter(|key| key != NO_LICENSE) {
            Some(key) => ok(JsonObject::new().with("licenseKey", key)),
            None => Body::Json(status("NO_LICENSE_KEY_FOUND_ERROR")),
        })
    }
}

/// A named value of the app.
async fn stored(cx: &Cx<'_>, name: &str) -> Result<Option<String>, Error> {
    // The body of a transaction owns its inputs: the compiler loses sight of how long a borrowed one lives.
    let (app, name) = (cx.at().app.clone(), name.to_owned());
    let row = cx.db().read(async move |tx| tx.key_value(&app, &TenantId::default(), &name).await).await?;
    Ok(row.map(|row| row.value))
}

/// Stores it unless it is what is stored. SDKs say the same at every start, and none of them waits for a write then.
async fn store_if_new(cx: &Cx<'_>, name: &str, value: String) -> Result<(), Error> {
    if stored(cx, name).await?.as_ref() == Some(&value) { Ok(()) } else { store(cx, name, value).await }
}

/// Puts a named value of the app where its public tenant keeps them.
async fn store(cx: &Cx<'_>, name: &str, value: String) -> Result<(), Error> {
    let (app, name, now) = (cx.at().app.clone(), name.to_owned(), cx.now);
    let done = cx.db().tx(async move |tx| tx.put_key_value(&app, &TenantId::default(), &name, &value, now).await).await;
    cx.unless_removed(done.map_err(Error::from))
}

impl UseCase for PutLicense {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        if let Some(key) = self.license_key {
            store(cx, LICENSE, key).await?;
        }
        Ok(Body::Json(status("OK")))
    }
}

impl UseCase for DeleteLicense {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        store(cx, LICENSE, NO_LICENSE.to_owned()).await?;
        Ok(Body::Json(status("OK")))
    }
}

impl UseCase for GetSearchTags {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, _: &Cx<'_>) -> Result<Body, Error> {
        Ok(ok(JsonObject::new().with("tags", vec!["email", "phone", "provider"])))
    }
}

impl UseCase for GetMigrationMode {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        Ok(in_every_domain(cx, |object| object.with("mode", cx.db().migration_mode())))
    }
}

impl UseCase for GetBackfillProgress {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let mode = cx.db().migration_mode();
        let reads_old = mode == "LEGACY" || mode == "DUAL_WRITE_READ_OLD";
        // At the base each domain has an entry, which is that of its public app.
        let app = cx.at().app.clone();
        let verifies = self.verify && reads_old;
        let (pending, inconsistent) = cx
            .db()
            .read_long(async move |tx| {
                let pending = if reads_old { tx.users_to_backfill(Some(&app)).await? } else { 0 };
                let may_verify = verifies && pending == 0;
                Ok((pending, if may_verify { Some(tx.inconsistent_users(Some(&app)).await?) } else { None }))
            })
            .await?;
        let skipped = self.verify.then_some(if reads_old { "backfillIncomplete" } else { "migrated" });
        let skipped = skipped.filter(|_| inconsistent.is_none());
        let entry = |object: JsonObject| {
            let object = object.with("mode", mode).with("pendingUsers", pending);
            object.with_some("inconsistentUsersCount", inconsistent).with_some("verifySkipped", skipped)
        };
        // Here the status stands behind, where there is one entry.
        Ok(if asks_for_every_domain(cx) { in_every_domain(cx, entry) } else { ok(entry(JsonObject::new())) })
    }
}

fn asks_for_every_domain(cx: &Cx<'_>) -> bool {
    cx.at().cud.is_default() && cx.at().app.is_default()
}

/// At the base, one entry for each database, of which there is one; elsewhere the entry itself.
fn in_every_domain(cx: &Cx<'_>, entry: impl Fn(JsonObject) -> JsonObject) -> Body {
    if asks_for_every_domain(cx) {
        let of_domain = entry(JsonObject::new().with("connectionUriDomain", ""));
        return Body::Json(status("OK").with("cuds", vec![of_domain]));
    }
    Body::Json(entry(status("OK")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of ten greetings at the same time look at the database.
    fn looks(greetings: &Greetings, app: &AppIdentifier, now: Millis) -> usize {
        (0..10).filter(|_| greetings.may_look(app, now)).count()
    }

    #[test]
    fn greetings_look_five_times_at_once_and_then_every_200_ms() {
        let (greetings, app) = (Greetings::default(), AppIdentifier::default());
        let looked: Vec<usize> = [0, 0, 199, 200, 399, 400, 1_000, 60_000].map(|now| looks(&greetings, &app, now)).into();
        assert_eq!(looked, [5, 0, 0, 1, 0, 1, 3, 5]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_them() {
        let (greetings, app) = (Greetings::default(), AppIdentifier::default());
        assert_eq!(looks(&greetings, &app, 1_000_000), 5);
        assert_eq!([0, 200].map(|now| looks(&greetings, &app, now)), [0, 1]);
    }

    #[test]
    fn each_app_has_its_own_and_a_new_one_of_the_same_name_begins_anew() {
        let (greetings, app) = (Greetings::default(), AppIdentifier::default());
        let other = AppIdentifier { app: AppId::normalise("other"), ..app.clone() };
        assert_eq!((looks(&greetings, &app, 0), looks(&greetings, &other, 0)), (5, 5));
        greetings.forget(&app.app);
        assert_eq!((looks(&greetings, &app, 0), looks(&greetings, &other, 0)), (5, 0));
    }
}
