//! What a use case may touch: where it was asked, by which rules, when, and the database, keys and dice behind it.

use std::sync::Arc;

use supertokens_domain::config::CoreConfig;
use supertokens_domain::ids::{AppIdentifier, TenantId, TenantIdentifier};
use supertokens_domain::secret::Secret;
use supertokens_domain::session::key_schedule::KeyPolicy;
use supertokens_domain::session::refresh_token::RefreshKey;
use supertokens_domain::tenancy::Recipe;
use supertokens_domain::time::{MINUTE, Millis, SECOND};
use supertokens_store::Db;
use supertokens_wire::version::Rules;

use crate::Inner;
use crate::caller::Caller;
use crate::error::Error;
use crate::keys::{KeySet, KeySettings};
use crate::ports::{unit, uuid};
use crate::tenants::Entry;

/// How long a new key is shown before it signs, unless the interval is very short.
const OVERLAP: Millis = 60 * SECOND;

/// Where a request was addressed, and what is there.
#[derive(Debug, Clone)]
pub struct Place {
    /// As the host and the path name it.
    pub at: TenantIdentifier,
    /// The app's public tenant, if the app exists.
    pub app: Option<Arc<Entry>>,
    /// The tenant, if it exists.
    pub tenant: Option<Arc<Entry>>,
}

/// One request's view of the world.
pub struct Cx<'a> {
    pub(crate) core: &'a Inner,
    /// Where it was asked.
    pub place: Place,
    /// What the version of the interface means.
    pub rules: Rules,
    /// When it was asked, in ms.
    pub now: Millis,
    /// A secret for operators is configured and was not presented: protected settings are hidden.
    pub protected_caller: bool,
    /// Whoever asked, who may leave before there is an answer.
    pub caller: Caller,
}

impl Cx<'_> {
    /// The database.
    pub fn db(&self) -> &Db {
        &self.core.db
    }

    /// Where it was asked.
    pub fn at(&self) -> &TenantIdentifier {
        &self.place.at
    }

    /// The app it was asked of.
    pub fn app(&self) -> AppIdentifier {
        self.place.at.app_identifier()
    }

    /// The settings of the app.
    ///
    /// # Errors
    /// 400 if there is no such app.
    pub fn config(&self) -> Result<&CoreConfig, Error> {
        self.place.app.as_ref().map(|entry| &entry.config).ok_or_else(|| Error::no_tenant(&self.app().public()))
    }

    /// The tenant it was asked of.
    ///
    /// # Errors
    /// 400 if there is no such tenant.
    pub fn tenant(&self) -> Result<&Arc<Entry>, Error> {
        self.place.tenant.as_ref().ok_or_else(|| Error::no_tenant(self.at()))
    }

    /// Refuses an operation on a whole app that was asked of one of its tenants, where the version wants it.
    ///
    /// # Errors
    /// 403.
    pub fn require_public_tenant(&self) -> Result<(), Error> {
        if self.rules.app_calls_from_public_tenant { self.refuse_other_tenants() } else { Ok(()) }
    }

    /// Refuses everything but the public tenant, at any version.
    ///
    /// # Errors
    /// 403.
    pub fn refuse_other_tenants(&self) -> Result<(), Error> {
        if self.at().tenant.is_default() {
            Ok(())
        } else {
            Err(Error::forbidden("Only public tenantId can call this app specific API"))
        }
    }

    /// Refuses to log anybody in by a recipe that the tenant has switched off, where the version looks at that (core-multitenancy.md 3.2).
    ///
    /// # Errors
    /// 403; 400 if there is no such tenant.
    pub fn require_recipe(&self, recipe: Recipe) -> Result<(), Error> {
        let record = &self.tenant()?.record;
        let (is_on, words) = match recipe {
            Recipe::EmailPassword => (record.email_password_enabled, "Email password login not enabled for tenant"),
            Recipe::ThirdParty => (record.third_party_enabled, "ThirdParty login not enabled for tenant"),
            Recipe::Passwordless => (record.passwordless_enabled, "Passwordless login not enabled for tenant"),
        };
        let is_enabled = self.rules.enabled.enables(recipe, is_on, record.first_factors.as_deref());
        if is_enabled { Ok(()) } else { Err(Error::forbidden(words)) }
    }

    /// Another tenant of the same app, which a handle or a token names.
    ///
    /// # Errors
    /// 400 if there is no such tenant.
    pub async fn tenant_named(&self, tenant: &TenantId) -> Result<(), Error> {
        let at = self.app().tenant(tenant.clone());
        match self.core.tenants.find(&at, self.now).await? {
            Some(_) => Ok(()),
            None => Err(Error::no_tenant(&at)),
        }
    }

    /// A random UUID.
    pub fn uuid(&self) -> String {
        uuid(&*self.core.dice)
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.core.dice.fill(&mut bytes);
        bytes
    }

    /// A random number from 0 to below 1.
    pub fn unit(&self) -> f64 {
        unit(&*self.core.dice)
    }

    /// The hash of a new password, as this app makes it.
    ///
    /// # Errors
    /// 503 if too many wait to be hashed.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, Error> {
        self.core.hashing.make(&self.caller, self.config()?, password, self.random()).await
    }

    /// Does a password belong to this hash? Without one it does not, and that takes as long.
    ///
    /// # Errors
    /// 503 if too many wait to be hashed, 500 where the key of Firebase's hashes is not set.
    pub async fn verifies(&self, password: Secret<String>, stored: Option<Secret<String>>) -> Result<bool, Error> {
        self.core.hashing.verify(&self.caller, self.config()?, password, stored).await
    }

    pub(crate) fn key_settings(&self) -> Result<KeySettings, Error> {
        Ok(key_settings(self.config()?, self.core.test_mode))
    }

    pub(crate) async fn keys(&self) -> Result<(Arc<KeySet>, KeyPolicy), Error> {
        let settings = self.key_settings()?;
        let set = self.unless_removed(self.core.keys.set(&self.at().app, &settings, self.now).await)?;
        Ok((set, settings.policy))
    }

    /// The keys after another look at the database, if there may be one now and it answers.
    pub(crate) async fn newer_keys(&self) -> Result<Option<Arc<KeySet>>, Error> {
        let settings = self.key_settings()?;
        Ok(self.core.keys.reload(&self.at().app, &settings, self.now).await)
    }

    /// The key that seals the app's refresh tokens.
    pub(crate) async fn refresh_key(&self) -> Result<Arc<RefreshKey>, Error> {
        self.unless_removed(self.core.keys.refresh_key(&self.at().app, self.now).await)
    }

    /// An app that another process has removed has no place for keys or values. It is forgotten here too.
    pub(crate) fn unless_removed<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if !outcome.as_ref().is_err_and(Error::is_of_missing_parent) {
            return outcome;
        }
        self.core.tenants.remove_app(&self.app());
        self.core.forget_app(&self.at().app);
        Err(Error::no_tenant(self.at()))
    }
}

/// How long keys of an app live. In test mode intervals may be shorter than the overlap, which then shrinks to a fifth of them
/// (core-server.md 10.1).
pub(crate) fn key_settings(config: &CoreConfig, test_mode: bool) -> KeySettings {
    let interval = config.signing_key_interval_ms();
    let overlap = if test_mode && interval < MINUTE { interval / 5 } else { OVERLAP };
    KeySettings {
        policy: KeyPolicy { interval, access_token_validity: config.access_token_validity_ms(), overlap },
        legacy_is_dynamic: config.access_token_signing_key_dynamic,
    }
}
