//! Apps and tenants: what the core is asked, and what it answers (core-multitenancy.md 2, 4, 5).
//!
//! The six PUTs are read in two steps: names here, settings by `tenancy::Settings` when the use case comes to them, because
//! upstream answers other questions between (core-multitenancy.md 2.3).

use supertokens_domain::accounts::InfoKind;
use supertokens_domain::ids::{AppId, ConnectionUriDomain, TenantId};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::tenancy::names::{parse_app_id, parse_connection_uri_domain, parse_tenant_id};
use supertokens_domain::tenancy::provider::ProviderChecks;
use supertokens_domain::tenancy::{NameError, Provider, TenantShape};
use supertokens_domain::users::email::trimmed;

use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, ok, status};
use crate::version::{Rules, TenancyGeneration};

/// What a PUT asks for, besides whom it is about.
pub struct Change {
    /// The generation of the endpoint and version.
    pub shape: TenantShape,
    /// The body, for its settings.
    pub body: Fields,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl Change {
    /// The members of `coreConfig`.
    ///
    /// # Errors
    /// It is there and not an object; a null is no object.
    pub fn core_config(&self) -> Result<Option<JsonObject>, BadInput> {
        self.body.optional_json_object("coreConfig")
    }
}

/// The generation that an endpoint without `/v2` belongs to.
fn v1(rules: &Rules) -> TenantShape {
    match rules.tenancy {
        TenancyGeneration::UpTo4 => TenantShape::V1UpTo4,
        TenancyGeneration::From5_0 | TenancyGeneration::From5_1 => TenantShape::V1From5,
    }
}

fn v2(_: &Rules) -> TenantShape {
    TenantShape::V2
}

fn named<T>(body: &Fields, field: &str, parse: fn(&str) -> Result<T, NameError>) -> Result<Option<T>, BadInput> {
    body.optional_string(field)?.map(|text| parse(&text).map_err(|error| BadInput::rule(error.to_string()))).transpose()
}

fn required<T>(input: &Input<'_>, field: &str, parse: fn(&str) -> Result<T, NameError>) -> Result<T, BadInput> {
    named(&input.body()?, field, parse)?.ok_or_else(|| BadInput::Field(field.to_owned()))
}

macro_rules! puts {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $shape:ident, $field:literal: $id:ty = $parse:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            /// Whom it is about; absent means the default one.
            pub id: Option<$id>,
            /// What is to be changed.
            pub change: Change,
        }

        impl Operation for $name {
            const METHOD: &'static str = "PUT";
            const PATH: &'static str = $path;
            type Answer = Saved;

            fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
                let body = input.body()?;
                Ok(Self { id: named(&body, $field, $parse)?, change: Change { shape: $shape(rules), body } })
            }
        }
    )+};
}

puts! {
    /// PUT /recipe/multitenancy/connectionuridomain
    PutDomain = "/recipe/multitenancy/connectionuridomain", v1, "connectionUriDomain": ConnectionUriDomain = parse_connection_uri_domain;
    /// PUT /recipe/multitenancy/connectionuridomain/v2
    PutDomainV2 = "/recipe/multitenancy/connectionuridomain/v2", v2, "connectionUriDomain": ConnectionUriDomain = parse_connection_uri_domain;
    /// PUT /recipe/multitenancy/app
    PutApp = "/recipe/multitenancy/app", v1, "appId": AppId = parse_app_id;
    /// PUT /recipe/multitenancy/app/v2
    PutAppV2 = "/recipe/multitenancy/app/v2", v2, "appId": AppId = parse_app_id;
    /// PUT /recipe/multitenancy/tenant
    PutTenant = "/recipe/multitenancy/tenant", v1, "tenantId": TenantId = parse_tenant_id;
    /// PUT /recipe/multitenancy/tenant/v2
    PutTenantV2 = "/recipe/multitenancy/tenant/v2", v2, "tenantId": TenantId = parse_tenant_id;
}

macro_rules! gets {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $shape:ident, $answer:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            /// How tenants are shown.
            pub shape: TenantShape,
        }

        impl Operation for $name {
            const METHOD: &'static str = "GET";
            const PATH: &'static str = $path;
            type Answer = $answer;

            fn read(_: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
                Ok(Self { shape: $shape(rules) })
            }
        }
    )+};
}

gets! {
    /// GET /recipe/multitenancy/connectionuridomain/list
    ListDomains = "/recipe/multitenancy/connectionuridomain/list", v1, DomainList;
    /// GET /recipe/multitenancy/connectionuridomain/list/v2
    ListDomainsV2 = "/recipe/multitenancy/connectionuridomain/list/v2", v2, DomainList;
    /// GET /recipe/multitenancy/app/list
    ListApps = "/recipe/multitenancy/app/list", v1, AppList;
    /// GET /recipe/multitenancy/app/list/v2
    ListAppsV2 = "/recipe/multitenancy/app/list/v2", v2, AppList;
    /// GET /recipe/multitenancy/tenant/list
    ListTenants = "/recipe/multitenancy/tenant/list", v1, TenantList;
    /// GET /recipe/multitenancy/tenant/list/v2
    ListTenantsV2 = "/recipe/multitenancy/tenant/list/v2", v2, TenantList;
    /// GET /recipe/multitenancy/tenant
    GetTenant = "/recipe/multitenancy/tenant", v1, OneTenant;
    /// GET /recipe/multitenancy/tenant/v2
    GetTenantV2 = "/recipe/multitenancy/tenant/v2", v2, OneTenant;
}

macro_rules! removes {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $field:literal: $id:ty = $parse:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            /// Which one.
            pub id: $id,
        }

        impl Operation for $name {
            const METHOD: &'static str = "POST";
            const PATH: &'static str = $path;
            type Answer = Removed;

            fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
                Ok(Self { id: required(input, $field, $parse)? })
            }
        }
    )+};
}

removes! {
    /// POST /recipe/multitenancy/connectionuridomain/remove
    RemoveDomain = "/recipe/multitenancy/connectionuridomain/remove", "connectionUriDomain": ConnectionUriDomain = parse_connection_uri_domain;
    /// POST /recipe/multitenancy/app/remove
    RemoveApp = "/recipe/multitenancy/app/remove", "appId": AppId = parse_app_id;
    /// POST /recipe/multitenancy/tenant/remove
    RemoveTenant = "/recipe/multitenancy/tenant/remove", "tenantId": TenantId = parse_tenant_id;
}

/// PUT /recipe/multitenancy/config/thirdparty
#[derive(Debug)]
pub struct PutProvider {
    /// The whole provider.
    pub provider: Provider,
    /// How much of it is looked at.
    pub checks: ProviderChecks,
}

impl Operation for PutProvider {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/multitenancy/config/thirdparty";
    type Answer = Saved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let config = body.json_object("config")?;
        let skip = body.optional_boolean("skipValidation")?.unwrap_or(false);
        let provider = Provider::parse(&config).map_err(|error| BadInput::rule(error.to_string()))?;
        Ok(Self { provider, checks: if skip { ProviderChecks::Skip } else { ProviderChecks::All } })
    }
}

/// POST /recipe/multitenancy/config/thirdparty/remove
#[derive(Debug)]
pub struct RemoveProvider {
    /// Which one.
    pub third_party_id: String,
}

impl Operation for RemoveProvider {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/multitenancy/config/thirdparty/remove";
    type Answer = ProviderRemoved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { third_party_id: trimmed(&input.body()?.string("thirdPartyId")?).to_owned() })
    }
}

fn user_id(input: &Input<'_>, rules: &Rules) -> Result<String, BadInput> {
    let field = if rules.recipe_user_id { "recipeUserId" } else { "userId" };
    input.body()?.trimmed(field).map_err(|bad| match bad {
        // Quirk: the sentence says `userId` in every version.
        BadInput::Empty(_) => BadInput::Empty("userId".to_owned()),
        bad => bad,
    })
}

/// POST /recipe/multitenancy/tenant/user
#[derive(Debug)]
pub struct AddUserToTenant {
    /// Internal or external.
    pub user_id: String,
}

impl Operation for AddUserToTenant {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/multitenancy/tenant/user";
    type Answer = UserJoined;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: user_id(input, rules)? })
    }
}

/// POST /recipe/multitenancy/tenant/user/remove
#[derive(Debug)]
pub struct RemoveUserFromTenant {
    /// Internal or external.
    pub user_id: String,
}

impl Operation for RemoveUserFromTenant {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/multitenancy/tenant/user/remove";
    type Answer = UserLeft;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: user_id(input, rules)? })
    }
}

/// GET /recipe/dashboard/tenant/core-config
#[derive(Debug)]
pub struct ListCoreConfig;

impl Operation for ListCoreConfig {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/dashboard/tenant/core-config";
    type Answer = CoreConfigList;

    fn read(_: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self)
    }
}

/// It is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// It was not there before.
    pub created_new: bool,
}

impl Answer for Saved {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("createdNew", self.created_new))
    }
}

/// It is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// It was there before.
    pub did_exist: bool,
}

impl Answer for Removed {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("didExist", self.did_exist))
    }
}

/// The provider is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderRemoved {
    /// It was there before.
    pub did_config_exist: bool,
}

impl Answer for ProviderRemoved {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("didConfigExist", self.did_config_exist))
    }
}

/// What comes of adding a user to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserJoined {
    /// It is there.
    Ok {
        /// It was there before.
        already: bool,
    },
    /// Nobody has this id.
    UnknownUser,
    /// Somebody there logs in by the same recipe and with this, too.
    Taken(InfoKind),
    /// Another primary user of the tenant has what the user's group has.
    NotAllowed {
        /// Upstream's sentence.
        reason: String,
    },
}

impl Answer for UserJoined {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { already } => status("OK").with("wasAlreadyAssociated", already),
            Self::UnknownUser => status("UNKNOWN_USER_ID_ERROR"),
            Self::Taken(InfoKind::Email) => status("EMAIL_ALREADY_EXISTS_ERROR"),
            Self::Taken(InfoKind::Phone) => status("PHONE_NUMBER_ALREADY_EXISTS_ERROR"),
            Self::Taken(InfoKind::ThirdParty) => status("THIRD_PARTY_USER_ALREADY_EXISTS_ERROR"),
            Self::NotAllowed { reason } => status("ASSOCIATION_NOT_ALLOWED_ERROR").with("reason", reason),
        })
    }
}

/// What comes of taking a user out of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserLeft {
    /// Nothing of it is there.
    Ok {
        /// Something was there before.
        was_associated: bool,
    },
    /// Nobody has this id.
    UnknownUser,
}

impl Answer for UserLeft {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { was_associated } => status("OK").with("wasAssociated", was_associated),
            Self::UnknownUser => status("UNKNOWN_USER_ID_ERROR"),
        })
    }
}

/// One tenant, as it is shown.
#[derive(Clone, PartialEq)]
pub enum OneTenant {
    /// Here it is.
    Found(JsonObject),
    /// There is none.
    NotFound,
}

impl Answer for OneTenant {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Found(tenant) => ok(tenant),
            Self::NotFound => Body::Json(status("TENANT_NOT_FOUND_ERROR")),
        }
    }
}

/// The tenants of an app, as they are shown.
#[derive(Clone, PartialEq)]
pub struct TenantList(pub Vec<JsonObject>);

impl Answer for TenantList {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("tenants", self.0))
    }
}

/// The apps of a domain with their tenants.
#[derive(Clone, PartialEq)]
pub struct AppList(pub Vec<(AppId, TenantList)>);

impl AppList {
    fn into_json(self) -> Vec<Json> {
        let app =
            |(app, tenants): (AppId, TenantList)| JsonObject::new().with("appId", app.as_str()).with("tenants", tenants.0).into();
        self.0.into_iter().map(app).collect()
    }
}

impl Answer for AppList {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("apps", self.into_json()))
    }
}

/// The domains with their apps.
#[derive(Clone, PartialEq)]
pub struct DomainList(pub Vec<(ConnectionUriDomain, AppList)>);

impl Answer for DomainList {
    fn write(self, _: &Rules) -> Body {
        let domain = |(domain, apps): (ConnectionUriDomain, AppList)| {
            Json::from(JsonObject::new().with("connectionUriDomain", domain.as_str()).with("apps", apps.into_json()))
        };
        Body::Json(status("OK").with("connectionUriDomains", self.0.into_iter().map(domain).collect::<Vec<_>>()))
    }
}

/// A tenant's settings, one entry each.
#[derive(Clone, PartialEq)]
pub struct CoreConfigList(pub Vec<JsonObject>);

impl Answer for CoreConfigList {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("config", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Charset;
    use crate::version::{LATEST, SUPPORTED};

    fn read<O: Operation>(body: &str, version: &str) -> Result<O, String> {
        let rules = crate::version::served_version(version).unwrap().rules();
        O::read(&Input::new("", body.as_bytes(), Charset::Utf8), &rules).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_checked_when_they_are_read() {
        assert_eq!(read::<PutAppV2>(r#"{"appId":" A1 "}"#, "5.4").unwrap().id, Some(AppId::normalise("a1")));
        assert_eq!(read::<PutAppV2>("{}", "5.4").unwrap().id, None);
        let cases = [
            (read::<PutAppV2>(r#"{"appId":"appid-x"}"#, "5.4").err(), "appId must not start with 'appid-'"),
            (read::<PutAppV2>(r#"{"appId":null}"#, "5.4").err(), "Field name 'appId' is invalid in JSON input"),
            (read::<PutApp>("", "3.0").err(), "Invalid Json Input"),
            (read::<PutTenant>(r#"{"tenantId":"hello"}"#, "3.0").err(), "Cannot use 'hello' as a tenantId"),
            (read::<PutDomainV2>(r#"{"connectionUriDomain":"http://x"}"#, "5.4").err(), "connectionUriDomain is invalid"),
            (read::<RemoveApp>("{}", "5.4").err(), "Field name 'appId' is invalid in JSON input"),
            (read::<RemoveTenant>(r#"{"tenantId":" "}"#, "5.4").err(), "tenantId should not be an empty String"),
            (read::<PutProvider>("{}", "5.4").err(), "Field name 'config' is invalid in JSON input"),
            (read::<PutProvider>(r#"{"config":{}}"#, "5.4").err(), "Field name 'thirdPartyId' is invalid in JSON input"),
            (read::<AddUserToTenant>(r#"{"userId":"u"}"#, "4.0").err(), "Field name 'recipeUserId' is invalid in JSON input"),
            (read::<AddUserToTenant>(r#"{"recipeUserId":" "}"#, "4.0").err(), "Field name 'userId' cannot be an empty String"),
        ];
        for (error, expected) in cases {
            assert_eq!(error.as_deref(), Some(expected));
        }
        assert_eq!(read::<RemoveUserFromTenant>(r#"{"userId":" u "}"#, "3.1").unwrap().user_id, "u");
    }

    #[test]
    fn only_the_paths_without_v2_depend_on_the_version() {
        for version in SUPPORTED {
            let text = version.to_string();
            let old = version < crate::version::served_version("5.0").unwrap();
            let expected = if old { TenantShape::V1UpTo4 } else { TenantShape::V1From5 };
            assert_eq!(read::<PutTenant>("{}", &text).unwrap().change.shape, expected, "{text}");
            assert_eq!(read::<ListApps>("", &text).unwrap().shape, expected, "{text}");
            assert_eq!(read::<PutTenantV2>("{}", &text).unwrap().change.shape, TenantShape::V2);
            assert_eq!(read::<GetTenantV2>("", &text).unwrap().shape, TenantShape::V2);
        }
    }

    #[test]
    fn a_null_configuration_is_no_configuration() {
        let change = |body: &str| read::<PutAppV2>(body, "5.4").unwrap().change.core_config().map_err(|error| error.to_string());
        assert_eq!(change("{}"), Ok(None));
        assert_eq!(change(r#"{"coreConfig":{"a":1}}"#).unwrap().unwrap().to_text(), r#"{"a":1}"#);
        for body in [r#"{"coreConfig":null}"#, r#"{"coreConfig":[]}"#, r#"{"coreConfig":"x"}"#] {
            assert_eq!(change(body).unwrap_err(), "Field name 'coreConfig' is invalid in JSON input");
        }
    }

    #[test]
    fn answers_look_as_the_specification_has_them() {
        let text = |body: Body| match body {
            Body::Json(json) => json.to_text(),
            other => format!("{other:?}"),
        };
        let rules = LATEST.rules();
        let tenants = TenantList(vec![JsonObject::new().with("tenantId", "public")]);
        let apps = AppList(vec![(AppId::default(), tenants.clone())]);
        assert_eq!(text(Saved { created_new: true }.write(&rules)), r#"{"status":"OK","createdNew":true}"#);
        assert_eq!(text(Removed { did_exist: false }.write(&rules)), r#"{"status":"OK","didExist":false}"#);
        assert_eq!(text(tenants.clone().write(&rules)), r#"{"status":"OK","tenants":[{"tenantId":"public"}]}"#);
        assert_eq!(
            text(apps.clone().write(&rules)),
            r#"{"status":"OK","apps":[{"appId":"public","tenants":[{"tenantId":"public"}]}]}"#
        );
        assert_eq!(
            text(DomainList(vec![(ConnectionUriDomain::default(), apps)]).write(&rules)),
            r#"{"status":"OK","connectionUriDomains":[{"connectionUriDomain":"","apps":[{"appId":"public","tenants":[{"tenantId":"public"}]}]}]}"#
        );
        assert_eq!(text(OneTenant::NotFound.write(&rules)), r#"{"status":"TENANT_NOT_FOUND_ERROR"}"#);
    }
}
