//! Periodic work as a list; the caller owns the timer (core-session.md 7, core-server.md 10.3). Every process may run every chore: all
//! of them may run twice, or at the same time in two places.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use supertokens_domain::config::CoreConfig;
use supertokens_domain::ids::{AppId, TenantIdentifier};
use supertokens_domain::time::{DAY, Millis, SECOND};
use supertokens_store::{StoreError, Tx};

use crate::Core;
use crate::cx::key_settings;
use crate::error::{Error, chain};
use crate::runs::LastRun;

/// Something to be done now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Sees tenants and settings that other processes changed, and keys that somebody deleted.
    SyncTenants,
    /// Deletes sessions whose time is over.
    DeleteExpiredSessions,
    /// Deletes devices of which every code is over.
    DeleteOldDevices,
    /// Deletes tokens for addresses that nobody brought in time.
    DeleteExpiredVerificationTokens,
    /// Deletes options of ceremonies with passkeys, and tokens for a new one, whose time is over.
    DeleteExpiredPasskeyData,
    /// Deletes TOTP codes that were tried, when they count for nothing any more.
    DeleteExpiredTotpCodes,
    /// Deletes sessions of the dashboard whose time is over.
    DeleteExpiredDashboardSessions,
    /// Deletes rotating keys of which no token can be valid any more.
    DeleteExpiredSigningKeys,
    /// Deletes tokens for a new password whose time is over.
    DeleteExpiredPasswordResetTokens,
    /// Makes room for the coming month's activity, and drops what is older than 31 days.
    ActivityPartitions,
    /// Writes users that only the older tables have into the newer ones, where the migration mode wants it.
    BackfillUsers,
    /// Imports users that wait for it.
    ImportUsers,
    /// Counts login methods by recipe, for whoever shows numbers.
    CountUsers,
}

impl Chore {
    /// Every chore.
    pub const ALL: [Self; 13] = [
        Self::SyncTenants,
        Self::DeleteExpiredSessions,
        Self::DeleteOldDevices,
        Self::DeleteExpiredVerificationTokens,
        Self::DeleteExpiredPasswordResetTokens,
        Self::DeleteExpiredTotpCodes,
        Self::DeleteExpiredDashboardSessions,
        Self::DeleteExpiredPasskeyData,
        Self::DeleteExpiredSigningKeys,
        Self::ActivityPartitions,
        Self::BackfillUsers,
        Self::ImportUsers,
        Self::CountUsers,
    ];

    /// For logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::SyncTenants => "sync tenants",
            Self::DeleteExpiredSessions => "delete expired sessions",
            Self::DeleteOldDevices => "delete old devices",
            Self::DeleteExpiredVerificationTokens => "delete expired verification tokens",
            Self::DeleteExpiredSigningKeys => "delete expired signing keys",
            Self::DeleteExpiredPasswordResetTokens => "delete expired password reset tokens",
            Self::DeleteExpiredTotpCodes => "delete expired totp codes",
            Self::DeleteExpiredDashboardSessions => "delete expired dashboard sessions",
            Self::DeleteExpiredPasskeyData => "delete expired passkey data",
            Self::ActivityPartitions => "activity partitions",
            Self::BackfillUsers => "backfill users",
            Self::ImportUsers => "import users",
            Self::CountUsers => "count users",
        }
    }

    /// From the start to the first run: one interval, but for what is waited for.
    pub fn first_after(self) -> Duration {
        match self {
            Self::BackfillUsers | Self::ImportUsers | Self::CountUsers => Duration::from_secs(10),
            other => other.every(),
        }
    }

    /// From the end of one run to the begin of the next.
    pub fn every(self) -> Duration {
        let hours = |n: u64| Duration::from_secs(n * 3_600);
        match self {
            Self::SyncTenants => Duration::from_secs(60),
            Self::BackfillUsers | Self::ImportUsers => Duration::from_secs(300),
            Self::CountUsers => Duration::from_secs(900),
            Self::DeleteOldDevices
            | Self::DeleteExpiredPasswordResetTokens
            | Self::DeleteExpiredTotpCodes
            | Self::DeleteExpiredPasskeyData => hours(1),
            Self::DeleteExpiredSessions | Self::DeleteExpiredVerificationTokens | Self::DeleteExpiredDashboardSessions => {
                hours(12)
            }
            Self::DeleteExpiredSigningKeys | Self::ActivityPartitions => hours(24),
        }
    }
}

/// After so many rows others get their turn: SQLite has one writer.
const AT_ONCE: u32 = 2_000;
/// Of devices, which are locked while they are looked at.
const DEVICES_AT_ONCE: u32 = 1_000;
/// How long activity is kept, in ms.
const KEEP_ACTIVITY: Millis = 31 * DAY;

impl Core {
    /// Does a chore once, and notes when it was, how long it took and how much it was. Returns how many rows or tenants it concerned.
    ///
    /// # Errors
    /// The database. The next run tries again.
    pub async fn run_chore(&self, chore: Chore) -> Result<u64, Error> {
        let began = Instant::now();
        let outcome = self.work_at(chore).await;
        let run = outcome.as_ref().ok().map(|rows| LastRun { at: self.0.clock.now(), took: began.elapsed(), rows: *rows });
        self.0.runs.note(chore.name(), run);
        outcome
    }

    async fn work_at(&self, chore: Chore) -> Result<u64, Error> {
        let now = self.0.clock.now();
        match chore {
            Chore::SyncTenants => self.sync_tenants().await,
            Chore::DeleteExpiredSessions => self.sweep(async move |tx| tx.delete_expired_sessions(now, AT_ONCE).await).await,
            Chore::DeleteExpiredVerificationTokens => {
                self.sweep(async move |tx| tx.delete_expired_verification_tokens(now, AT_ONCE).await).await
            }
            Chore::DeleteOldDevices => self.delete_old_devices(now).await,
            Chore::DeleteExpiredSigningKeys => self.delete_expired_keys(now).await,
            Chore::DeleteExpiredPasswordResetTokens => {
                self.sweep(async move |tx| tx.delete_expired_reset_tokens(now, AT_ONCE).await).await
            }
            Chore::DeleteExpiredDashboardSessions => {
                self.sweep(async move |tx| tx.delete_expired_dashboard_sessions(now, AT_ONCE).await).await
            }
            Chore::DeleteExpiredTotpCodes => self.delete_expired_totp_codes(now).await,
            Chore::DeleteExpiredPasskeyData => self.delete_expired_passkey_data(now).await,
            Chore::ActivityPartitions => {
                self.0.db.ensure_activity_partitions(now).await?;
                Ok(self.0.db.drop_old_activity(now - KEEP_ACTIVITY).await?)
            }
            Chore::BackfillUsers => self.backfill_users().await,
            Chore::ImportUsers => self.import_waiting_users().await,
            Chore::CountUsers => {
                let counted = self.0.db.read_long(async |tx| tx.count_logins().await).await?;
                self.0.tally.count_users(counted);
                Ok(counted.iter().map(|(_, count)| count).sum())
            }
        }
    }

    async fn sync_tenants(&self) -> Result<u64, Error> {
        let inner = &self.0;
        let reloaded = inner.tenants.reload().await?;
        let kept = inner.keys.kept();
        // An app that was removed and made again elsewhere looks like the old one, but its keys are others. This comes first, as
        // what tells them apart is kept with the keys.
        let (born, names) = inner.db.read_long(async |tx| Ok((tx.apps().await?, tx.key_names().await?))).await?;
        let mut concerned: HashSet<AppId> = inner.keys.forget_reborn(&born.into_iter().collect()).into_iter().collect();
        concerned.extend(reloaded.gone.into_iter().map(|app| app.app));
        for app in &concerned {
            inner.forget_app(app);
        }
        for app in reloaded.changed {
            inner.keys.forget(&app.app);
            concerned.insert(app.app);
        }
        let mut stored: HashMap<AppId, HashSet<String>> = HashMap::new();
        for (app, name) in names {
            stored.entry(app).or_default().insert(name);
        }
        concerned.extend(inner.keys.give_up_deleted(kept, &stored));
        Ok(u64::try_from(concerned.len()).unwrap_or(u64::MAX))
    }

    /// Deletes until there is less than one statement takes, and says how much there was.
    async fn sweep<F>(&self, delete: F) -> Result<u64, Error>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<u64, StoreError> + Copy + Send + Sync + 'static,
    {
        let mut deleted = 0;
        loop {
            let these = self.0.db.single(delete).await?;
            deleted += these;
            if these < u64::from(AT_ONCE) {
                return Ok(deleted);
            }
        }
    }

    async fn delete_old_devices(&self, now: Millis) -> Result<u64, Error> {
        let delete = async move |tx: &mut Tx<'_>, at: &TenantIdentifier, config: &CoreConfig| {
            let limit = now.saturating_sub(config.passwordless_code_lifetime);
            tx.delete_old_devices(&at.app, &at.tenant, limit, DEVICES_AT_ONCE).await
        };
        self.sweep_tenants(DEVICES_AT_ONCE, delete).await
    }

    /// A pause that is running is not cut short by it.
    async fn delete_expired_totp_codes(&self, now: Millis) -> Result<u64, Error> {
        let delete = async move |tx: &mut Tx<'_>, at: &TenantIdentifier, config: &CoreConfig| {
            let limit = now.saturating_sub(config.totp_rate_limit_cooldown_sec.saturating_mul(SECOND));
            tx.delete_expired_totp_codes(&at.app, &at.tenant, limit, AT_ONCE).await
        };
        self.sweep_tenants(AT_ONCE, delete).await
    }

    async fn delete_expired_passkey_data(&self, now: Millis) -> Result<u64, Error> {
        let tokens = self.sweep(async move |tx| tx.delete_expired_recovery_tokens(now, AT_ONCE).await).await?;
        let delete = async move |tx: &mut Tx<'_>, at: &TenantIdentifier, _: &CoreConfig| {
            tx.delete_expired_webauthn_options(&at.app, &at.tenant, now, AT_ONCE).await
        };
        Ok(tokens + self.sweep_tenants(AT_ONCE, delete).await?)
    }

    /// By each tenant's own settings: until there is less than one transaction takes.
    async fn sweep_tenants<F>(&self, most: u32, delete: F) -> Result<u64, Error>
    where
        F: AsyncFn(&mut Tx<'_>, &TenantIdentifier, &CoreConfig) -> Result<u64, StoreError> + Clone + Send + Sync + 'static,
    {
        let mut deleted = 0;
        for entry in self.0.tenants.all() {
            loop {
                let (entry, delete) = (Arc::clone(&entry), delete.clone());
                let these = self.0.db.tx(async move |tx| delete(tx, &entry.record.id, &entry.config).await).await?;
                deleted += these;
                if these < u64::from(most) {
                    break;
                }
            }
        }
        Ok(deleted)
    }

    async fn delete_expired_keys(&self, now: Millis) -> Result<u64, Error> {
        let mut deleted = 0;
        for entry in self.0.tenants.all().into_iter().filter(|entry| entry.record.id.tenant.is_default()) {
            let app = entry.record.id.app.clone();
            let limit = key_settings(&entry.config, self.0.test_mode).policy.delete_before(now);
            deleted += self.0.db.tx(async move |tx| tx.delete_dynamic_keys_before(&app, limit).await).await?;
        }
        Ok(deleted)
    }
}

/// Does a chore over and over, each time after its interval, until the core or the future is dropped. One that fails, or panics, is
/// done again at its next time. Between two times it keeps nothing open: a core that nobody else holds is closed.
pub fn keep_doing(core: &Core, chore: Chore) -> impl Future<Output = ()> + Send + use<> {
    let core = Arc::downgrade(&core.0);
    async move {
        let mut pause = chore.first_after();
        loop {
            tokio::time::sleep(pause).await;
            pause = chore.every();
            let Some(core) = core.upgrade().map(Core) else { return };
            do_once(core, chore).await;
        }
    }
}

async fn do_once(core: Core, chore: Chore) {
    let began = Instant::now();
    let outcome = tokio::spawn(async move { core.run_chore(chore).await }).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(Ok(0)) => tracing::debug!(chore = chore.name(), took_ms, count = 0, "done"),
        Ok(Ok(count)) => tracing::info!(chore = chore.name(), took_ms, count, "done"),
        Ok(Err(error)) => tracing::error!(chore = chore.name(), error = chain(&error), "a chore failed"),
        Err(_) => tracing::error!(chore = chore.name(), "a chore panicked"),
    }
}
