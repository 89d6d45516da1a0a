//! What becomes of a tenant when its settings are changed, and why may it not become so? (core-multitenancy.md 2.2 to 2.4)
//!
//! In two steps: what can be said of a change alone comes before anything is read or locked, the rest once the stored tenant and
//! its neighbours are known. Within each step the first refusal is the one that upstream would give.

use super::permission::{Level, may_write};
use super::provider::{ProviderChecks, check_providers};
use super::{Denied, FactorError, ProviderError, Settings, Tenant, TenantShape};
use crate::config::{
    AddressRules, Checks, CoreConfig, NoRule, app_scope_conflict, app_scope_conflict_in, check_overrides, merge_overrides,
    names_app_settings, names_own_database, own_database_refusal, rule_refused, touched_protected,
};
use crate::ids::{ConnectionUriDomain, TenantIdentifier};
use crate::json::{Json, JsonObject};

/// Why a change is refused. Displays as upstream's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// The caller may not.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// What one may log in with.
    #[error("{0}")]
    Factors(#[from] FactorError),
    /// Providers that are stored, or would be.
    #[error("{0}")]
    Providers(#[from] ProviderError),
    /// The base tenant's configuration is the program's.
    #[error("Cannot modify base config")]
    BaseConfig,
    /// The configuration does not hold.
    #[error("Invalid core config: {0}")]
    Config(String),
}

/// A change of a domain, an app or a tenant. `Debug` shows whom it is about only: the rest may hold secrets.
pub struct TenantChange {
    /// What is changed.
    pub level: Level,
    /// The tenant that was asked.
    pub source: TenantIdentifier,
    /// The tenant that it is about.
    pub target: TenantIdentifier,
    /// Which generation of the endpoints is talking.
    pub shape: TenantShape,
    /// The members of `coreConfig`, if there is one.
    pub given: Option<JsonObject>,
    /// The rest of the body.
    pub settings: Settings,
    /// The caller is not the owner of a shared installation.
    pub protected_caller: bool,
}

impl std::fmt::Debug for TenantChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantChange").field("source", &self.source).field("target", &self.target).finish_non_exhaustive()
    }
}

/// The configuration around a tenant.
pub struct Around<'a> {
    /// The overrides that it inherits, nearest first, without the base configuration.
    pub inherited: &'a [JsonObject],
    /// The overrides of those that inherit from it.
    pub heirs: &'a [JsonObject],
    /// The base configuration.
    pub base: &'a JsonObject,
    /// Which ranges are checked.
    pub checks: Checks,
    /// The rules about addresses that are in use.
    pub rules: &'a AddressRules,
}

impl TenantChange {
    /// What can be said without the stored tenant. In time that grows with what was sent, and no faster.
    ///
    /// # Errors
    /// The caller may not, or the configuration names what cannot be set.
    pub fn check_alone(&self) -> Result<(), ChangeRefused> {
        may_write(self.level, &self.source, &self.target)?;
        let Some(given) = &self.given else { return Ok(()) };
        if self.target.is_base() && !given.is_empty() {
            return Err(ChangeRefused::BaseConfig);
        }
        check_overrides(given).map_err(ChangeRefused::Config)
    }

    /// Do those that inherit from the tenant matter? Only if the change is about settings on which they must agree with it.
    pub fn concerns_heirs(&self) -> bool {
        self.target.tenant.is_default() && self.given.as_ref().is_some_and(names_app_settings)
    }

    /// The tenant as it will be.
    ///
    /// # Errors
    /// Why it may not be so. To be called after [`check_alone`](Self::check_alone), which keeps out what would take long here.
    pub fn apply(&self, stored: Option<Tenant>, around: &Around<'_>) -> Result<Tenant, ChangeRefused> {
        let mut tenant = stored.unwrap_or_else(|| Tenant::new(self.target.clone(), self.shape));
        let before = tenant.core_config.clone();
        if let Some(given) = &self.given {
            tenant.core_config = merge_overrides(&before, given);
        }
        self.settings.clone().apply(&mut tenant)?;
        self.check_config(&before, &tenant.core_config, around)?;
        check_providers(&tenant.providers, ProviderChecks::All)?;
        Ok(tenant)
    }

    fn check_config(&self, before: &JsonObject, after: &JsonObject, around: &Around<'_>) -> Result<(), ChangeRefused> {
        let invalid = ChangeRefused::Config;
        if self.target.is_base() && !after.is_empty() {
            return Err(ChangeRefused::BaseConfig);
        }
        check_overrides(after).map_err(invalid)?;
        let changed = difference(before, after);
        if let Some(protected) = touched_protected(&changed).filter(|_| self.protected_caller) {
            return Err(Denied::from(protected).into());
        }
        if let Some(key) = names_own_database(after) {
            return Err(invalid(own_database_refusal(key)));
        }
        if !self.target.cud.is_default() {
            let (new, default) = (&self.target.cud, ConnectionUriDomain::default());
            let sentence = format!("ConnectionUriDomain: {default} cannot be mapped to the same user pool as {new}");
            return Err(invalid(sentence));
        }
        check_new_rules(&changed, after, around.rules).map_err(invalid)?;
        let above: Vec<&JsonObject> = around.inherited.iter().collect();
        check_levels(after, &above, !self.target.tenant.is_default(), around)?;
        let above_heirs = |own| -> Vec<&JsonObject> { [own].into_iter().chain(above.iter().copied()).collect() };
        let (was_above, is_above) = (above_heirs(before), above_heirs(after));
        // What an heir inherits holds, as it was just looked at, and what it has of its own has not changed. So it can only disagree.
        around.heirs.iter().try_for_each(|heir| match disagreement(heir, &is_above, &changed, around.base) {
            // One that did not hold before is nobody's fault now, and must not stand in the way of a repair.
            Some(reason) if check_levels(heir, &was_above, true, around).is_ok() => Err(invalid(reason)),
            _ => Ok(()),
        })
    }
}

/// Are the rules about addresses that are new here small enough? Others go on as they are, and what is no rule is said in its turn.
fn check_new_rules(changed: &JsonObject, after: &JsonObject, rules: &AddressRules) -> Result<(), String> {
    for name in ["ip_allow_regex", "ip_deny_regex"].into_iter().filter(|name| changed.contains(name)) {
        if let Some(Err(NoRule::TooLarge)) = after.get(name).and_then(Json::as_str).and_then(|text| rules.new_rule(text)) {
            return Err(rule_refused(name, NoRule::TooLarge));
        }
    }
    Ok(())
}

/// The first of these settings in which a tenant would differ from its app although it must not.
fn disagreement(heir: &JsonObject, above: &[&JsonObject], changed: &JsonObject, base: &JsonObject) -> Option<String> {
    let mut levels = vec![heir];
    levels.extend(above);
    levels.push(base);
    app_scope_conflict_in(changed, levels.get(1..).unwrap_or_default(), &levels)
}

/// Do the settings hold, and does a tenant agree with its app where it must? `above` is what is inherited, nearest first.
fn check_levels(own: &JsonObject, above: &[&JsonObject], of_app: bool, around: &Around<'_>) -> Result<(), ChangeRefused> {
    let mut levels = vec![own];
    levels.extend(above);
    CoreConfig::effective_sharing(around.base, &levels, around.checks, around.rules)
        .map_err(|problems| ChangeRefused::Config(problems.first().map(ToString::to_string).unwrap_or_default()))?;
    levels.push(around.base);
    match app_scope_conflict(levels.get(1..).unwrap_or_default(), &levels).filter(|_| of_app) {
        Some(reason) => Err(ChangeRefused::Config(reason)),
        None => Ok(()),
    }
}

/// What differs between two configurations, removed members included.
fn difference(before: &JsonObject, after: &JsonObject) -> JsonObject {
    let same = |name: &str| match (before.get(name), after.get(name)) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let all = before.iter().chain(after.iter());
    all.filter(|(name, _)| !same(name)).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
