//! Names of things, parsed once and then trusted: connection URI domains, apps, tenants, session handles
//! (core-multitenancy.md 1, core-session.md 2.2).

use std::fmt;
use std::sync::Arc;

/// The literal that means the default app and the default tenant.
pub const PUBLIC: &str = "public";

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, default $default:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Trims and lower-cases; empty means the default. Checks nothing else: see `tenancy` for names that may be created.
            pub fn normalise(text: &str) -> Self {
                let text = text.trim().to_lowercase();
                if text.is_empty() { Self::default() } else { Self(text.into()) }
            }

            /// The name as it stands in tables and answers.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Is this the default one?
            pub fn is_default(&self) -> bool {
                &*self.0 == $default
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// A host name that selects a group of apps; the default is the empty string.
    ConnectionUriDomain, default "");
name!(
    /// An app; the default is `public`.
    AppId, default PUBLIC);
name!(
    /// A tenant of an app; the default is `public`.
    TenantId, default PUBLIC);

/// An app of a connection URI domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AppIdentifier {
    /// The connection URI domain.
    pub cud: ConnectionUriDomain,
    /// The app.
    pub app: AppId,
}

/// A tenant of an app of a connection URI domain: the full address of everything that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TenantIdentifier {
    /// The connection URI domain.
    pub cud: ConnectionUriDomain,
    /// The app.
    pub app: AppId,
    /// The tenant.
    pub tenant: TenantId,
}

impl AppIdentifier {
    /// One tenant of this app.
    pub fn tenant(&self, tenant: TenantId) -> TenantIdentifier {
        TenantIdentifier { cud: self.cud.clone(), app: self.app.clone(), tenant }
    }

    /// The app's public tenant, which carries the app's configuration.
    pub fn public(&self) -> TenantIdentifier {
        self.tenant(TenantId::default())
    }
}

impl TenantIdentifier {
    /// The app this tenant belongs to.
    pub fn app_identifier(&self) -> AppIdentifier {
        AppIdentifier { cud: self.cud.clone(), app: self.app.clone() }
    }

    /// The default tenant of the default app of the default domain.
    pub fn is_base(&self) -> bool {
        self.cud.is_default() && self.app.is_default() && self.tenant.is_default()
    }
}

/// `(<domain>, <app>, <tenant>)`, as error texts have it.
impl fmt::Display for TenantIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {}, {})", self.cud, self.app, self.tenant)
    }
}

/// `(<domain>, <app>)`, as error texts have it.
impl fmt::Display for AppIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.cud, self.app)
    }
}

/// The public name of a session. Not a secret, and not enough to act as the session's user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionHandle(String);

impl SessionHandle {
    /// A new handle: a random UUID, with `_<tenant>` behind it unless the tenant is public.
    pub fn new(uuid: &str, tenant: &TenantId) -> Self {
        Self(if tenant.is_default() { uuid.to_owned() } else { format!("{uuid}_{tenant}") })
    }

    /// A handle that somebody presents. Any text is one; most of them name no session.
    pub fn presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole text, which is the database key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tenant that the handle names: the second piece between underscores (core-session.md 2.2). A handle made of
    /// underscores alone names no session; upstream fails on it, we say public and find nothing.
    pub fn tenant(&self) -> TenantId {
        self.0.trim_end_matches('_').split('_').nth(1).map_or_else(TenantId::default, TenantId::normalise)
    }
}

impl fmt::Display for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn the_tenant_of_a_handle_is_that_of_the_vectors() {
        let vectors = Json::parse(include_str!("../../../testkit/vectors/session_handles.json")).unwrap();
        let cases = vectors.as_object().unwrap().get("cases").unwrap().as_array().unwrap();
        assert!(cases.len() >= 10);
        for case in cases {
            let case = case.as_object().unwrap();
            let handle = SessionHandle::presented(case.get("handle").unwrap().as_str().unwrap());
            let expected = case.get("tenantId").unwrap().as_str().unwrap();
            // The one case in which the Java server crashes.
            let expected = if expected.starts_with("<HTTP 500") { "public" } else { expected };
            assert_eq!(handle.tenant().as_str(), expected, "{handle}");
        }
    }

    #[test]
    fn a_new_handle_names_its_tenant() {
        let t1 = TenantId::normalise(" T1 ");
        assert_eq!(SessionHandle::new("u", &t1).as_str(), "u_t1");
        assert_eq!(SessionHandle::new("u", &t1).tenant(), t1);
        assert_eq!(SessionHandle::new("u", &TenantId::default()).as_str(), "u");
    }

    #[test]
    fn identifiers_print_as_error_texts_have_them() {
        let base = TenantIdentifier::default();
        assert_eq!(base.to_string(), "(, public, public)");
        assert_eq!(base.app_identifier().to_string(), "(, public)");
        assert!(base.is_base());
    }
}
