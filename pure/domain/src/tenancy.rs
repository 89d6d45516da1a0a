//! What is a tenant, which names may it have, and what does it look like to a caller? (core-multitenancy.md 1 and 3.6)
//!
//! An app is the row of its public tenant, a connection URI domain the row of its public app's public tenant. Factors are in
//! `factors`, provider configuration in `provider`, who may change what in `permission`, a whole change in `change`. The meaning
//! of `coreConfig` is not known here: see `crate::config`.

pub mod change;
pub mod factors;
pub mod names;
pub mod permission;
pub mod provider;

use std::fmt;

pub use change::{Around, ChangeRefused, TenantChange};
pub use factors::{EnabledView, FactorError, PerRecipe, Recipe, Settings};
pub use names::NameError;
pub use permission::Denied;
pub use provider::{Provider, ProviderError};

use crate::ids::TenantIdentifier;
use crate::json::{Json, JsonObject};

/// Everything that is configured for a tenant. `Debug` shows the name only: the rest may hold secrets.
#[derive(Clone, PartialEq)]
pub struct Tenant {
    /// Its full address.
    pub id: TenantIdentifier,
    /// Which of the three old recipes are switched on; what that means depends on the caller, see [`EnabledView`].
    pub recipes: PerRecipe<bool>,
    /// What one may log in with: anything (`None`), or one of these; an empty list means nothing.
    pub first_factors: Option<Vec<String>>,
    /// What is asked for after the first factor. Never an empty list.
    pub required_secondary_factors: Option<Vec<String>>,
    /// Third-party providers in the order in which they were added.
    pub providers: Vec<Provider>,
    /// The tenant's own configuration, without what it inherits.
    pub core_config: JsonObject,
}

/// Which generation of the tenant endpoints is talking: how a new tenant starts, which settings it takes, how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenantShape {
    /// Paths without `/v2`, called with CDI 4.0 or older.
    V1UpTo4,
    /// Paths without `/v2`, called with CDI 5.0 or newer.
    V1From5,
    /// Paths with `/v2`, whatever the CDI version.
    V2,
}

impl Tenant {
    /// A tenant as it is before the first settings are applied (core-multitenancy.md 3.1).
    pub fn new(id: TenantIdentifier, shape: TenantShape) -> Self {
        let public = id.tenant.is_default();
        let on = public || shape == TenantShape::V2;
        let first_factors = match shape {
            _ if public => None,
            TenantShape::V1From5 => None,
            TenantShape::V1UpTo4 | TenantShape::V2 => Some(Vec::new()),
        };
        Self {
            id,
            recipes: PerRecipe::all(on),
            first_factors,
            required_secondary_factors: None,
            providers: Vec::new(),
            core_config: JsonObject::new(),
        }
    }

    /// The tenant as it is shown (core-multitenancy.md 3.6). `core_config` is what the caller may see of the tenant's own
    /// configuration.
    pub fn to_json(&self, shape: TenantShape, core_config: &JsonObject) -> JsonObject {
        let json = JsonObject::new().with("tenantId", self.id.tenant.as_str());
        let providers: Vec<Json> = self.providers.iter().map(|provider| provider.to_json().into()).collect();
        let json = match shape {
            TenantShape::V2 => json.with("thirdParty", JsonObject::new().with("providers", providers)),
            TenantShape::V1UpTo4 => self.with_recipes(json, EnabledView::UpTo4, providers),
            TenantShape::V1From5 => self.with_recipes(json, EnabledView::V5, providers),
        };
        let json = match shape {
            TenantShape::V1UpTo4 => json,
            TenantShape::V1From5 => json
                .with_some("firstFactors", self.first_factors.clone().filter(|factors| !factors.is_empty()))
                .with_some("requiredSecondaryFactors", self.required_secondary_factors.clone()),
            TenantShape::V2 => json
                .with_some("firstFactors", self.first_factors_or_derived())
                .with_some("requiredSecondaryFactors", self.required_secondary_factors.clone()),
        };
        json.with("coreConfig", core_config.clone())
    }

    fn with_recipes(&self, json: JsonObject, view: EnabledView, providers: Vec<Json>) -> JsonObject {
        let enabled = |recipe| JsonObject::new().with("enabled", self.is_enabled(recipe, view));
        json.with("emailPassword", enabled(Recipe::EmailPassword))
            .with("thirdParty", enabled(Recipe::ThirdParty).with("providers", providers))
            .with("passwordless", enabled(Recipe::Passwordless))
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AppId, ConnectionUriDomain, TenantId};

    pub(crate) fn tenant_id(text: &str) -> TenantIdentifier {
        let mut parts = text.split('/');
        let mut next = || parts.next().unwrap_or_default();
        TenantIdentifier {
            cud: ConnectionUriDomain::normalise(next()),
            app: AppId::normalise(next()),
            tenant: TenantId::normalise(next()),
        }
    }

    #[test]
    fn a_new_tenant_starts_as_its_generation_has_it() {
        for shape in [TenantShape::V1UpTo4, TenantShape::V1From5, TenantShape::V2] {
            for id in ["", "c1.example", "/a1"] {
                let app = Tenant::new(tenant_id(id), shape);
                assert_eq!((app.recipes, app.first_factors), (PerRecipe::all(true), None), "{shape:?} {id}");
            }
        }
        let start = |shape| {
            let tenant = Tenant::new(tenant_id("/a1/t1"), shape);
            assert_eq!(tenant.required_secondary_factors, None);
            assert!(tenant.providers.is_empty() && tenant.core_config.is_empty());
            (tenant.recipes, tenant.first_factors)
        };
        assert_eq!(start(TenantShape::V1UpTo4), (PerRecipe::all(false), Some(vec![])));
        assert_eq!(start(TenantShape::V1From5), (PerRecipe::all(false), None));
        assert_eq!(start(TenantShape::V2), (PerRecipe::all(true), Some(vec![])));
    }

    #[test]
    fn the_three_shapes_show_what_they_should() {
        let mut tenant = Tenant::new(tenant_id("//t1"), TenantShape::V2);
        tenant.first_factors = Some(vec!["otp-email".into()]);
        tenant.required_secondary_factors = Some(vec!["totp".into()]);
        let config = JsonObject::parse(r#"{"access_token_validity":"2"}"#).unwrap();
        let shown = |tenant: &Tenant, shape| tenant.to_json(shape, &config).to_text();
        assert_eq!(
            shown(&tenant, TenantShape::V1UpTo4),
            r#"{"tenantId":"t1","emailPassword":{"enabled":false},"thirdParty":{"enabled":false,"providers":[]},"passwordless":{"enabled":true},"coreConfig":{"access_token_validity":"2"}}"#
        );
        assert_eq!(
            shown(&tenant, TenantShape::V1From5),
            r#"{"tenantId":"t1","emailPassword":{"enabled":true},"thirdParty":{"enabled":true,"providers":[]},"passwordless":{"enabled":true},"firstFactors":["otp-email"],"requiredSecondaryFactors":["totp"],"coreConfig":{"access_token_validity":"2"}}"#
        );
        assert_eq!(
            shown(&tenant, TenantShape::V2),
            r#"{"tenantId":"t1","thirdParty":{"providers":[]},"firstFactors":["otp-email"],"requiredSecondaryFactors":["totp"],"coreConfig":{"access_token_validity":"2"}}"#
        );
    }

    #[test]
    fn first_factors_appear_as_each_shape_has_them() {
        /// Recipes and first factors as stored; first factors as the two shapes show them.
        type Case<'a> = (PerRecipe<bool>, Option<&'a [&'a str]>, Option<&'a str>, Option<&'a str>);
        let cases: [Case<'_>; 6] = [
            (PerRecipe::all(true), None, None, None),
            (PerRecipe::all(true), Some(&[]), None, Some("[]")),
            (PerRecipe::all(false), Some(&[]), None, Some("[]")),
            (PerRecipe::all(false), None, None, Some("[]")),
            (
                PerRecipe { third_party: false, ..PerRecipe::all(true) },
                None,
                None,
                Some(r#"["emailpassword","otp-email","otp-phone","link-email","link-phone"]"#),
            ),
            (PerRecipe::all(false), Some(&["custom"]), Some(r#"["custom"]"#), Some(r#"["custom"]"#)),
        ];
        for (recipes, stored, from5, v2) in cases {
            let mut tenant = Tenant::new(tenant_id(""), TenantShape::V2);
            tenant.recipes = recipes;
            tenant.first_factors = stored.map(|factors| factors.iter().map(ToString::to_string).collect());
            let shown = |shape| tenant.to_json(shape, &JsonObject::new()).get("firstFactors").map(Json::to_text);
            assert_eq!(shown(TenantShape::V1UpTo4), None);
            assert_eq!(shown(TenantShape::V1From5).as_deref(), from5, "{recipes:?} {stored:?}");
            assert_eq!(shown(TenantShape::V2).as_deref(), v2, "{recipes:?} {stored:?}");
        }
    }

    #[test]
    fn nothing_secret_is_in_debug_output() {
        let mut tenant = Tenant::new(tenant_id("/a1"), TenantShape::V2);
        tenant.core_config = JsonObject::new().with("api_keys", "hunter2hunter2hunter2");
        assert!(!format!("{tenant:?}").contains("hunter2"));
    }
}
