//! What answers call a user: the login methods that share a primary id.

use std::collections::BTreeSet;

use super::info::AccountInfo;
use super::method::{LoginMethod, ThirdParty};
use crate::ids::TenantId;
use crate::time::Millis;

/// A user. It has at least one login method: what has none is not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The internal id: that of a login method, which may have gone since.
    pub id: String,
    /// What answers show instead, if there is a mapping.
    pub external_id: Option<String>,
    /// Whether others may be linked to it, or are.
    pub is_primary: bool,
    /// Oldest first; of equal age, by id.
    pub methods: Vec<LoginMethod>,
}

/// A row of `primary_user_tenants`: in this tenant the info is this group's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reservation {
    /// Where.
    pub tenant: TenantId,
    /// What.
    pub info: AccountInfo,
    /// Whose: the internal id of the group.
    pub group_id: String,
}

impl Group {
    /// A user that is not linked.
    pub fn alone(method: LoginMethod) -> Self {
        let (id, external_id) = (method.recipe_user_id.clone(), method.external_id.clone());
        Self { id, external_id, is_primary: false, methods: vec![method] }
    }

    /// The same user with these login methods, in their order.
    #[must_use]
    pub fn with_methods(mut self, mut methods: Vec<LoginMethod>) -> Self {
        methods.sort_by(|a, b| (a.time_joined, &a.recipe_user_id).cmp(&(b.time_joined, &b.recipe_user_id)));
        self.methods = methods;
        self
    }

    /// The same user with this login method in place of the one of its id.
    #[must_use]
    pub fn with(&self, method: LoginMethod) -> Self {
        let others = self.methods.iter().filter(|other| other.recipe_user_id != method.recipe_user_id).cloned();
        let methods = others.chain(std::iter::once(method.clone())).collect();
        self.clone().with_methods(methods)
    }

    /// What is left without a login method, if anything is.
    pub fn without(&self, recipe_user_id: &str) -> Option<Self> {
        let rest: Vec<_> = self.methods.iter().filter(|method| method.recipe_user_id != recipe_user_id).cloned().collect();
        (!rest.is_empty()).then(|| Self { methods: rest, ..self.clone() })
    }

    /// The id that answers show.
    pub fn shown_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.id)
    }

    /// The login method with this internal id.
    pub fn method(&self, recipe_user_id: &str) -> Option<&LoginMethod> {
        self.methods.iter().find(|method| method.recipe_user_id == recipe_user_id)
    }

    /// One login method as a user of its own, which is how the older questions about one recipe show it.
    pub fn only(&self, recipe_user_id: &str) -> Option<Self> {
        let method = self.method(recipe_user_id)?.clone();
        Some(Self { is_primary: self.is_primary, ..Self::alone(method) })
    }

    /// Has the login method gone that the group has its id from?
    pub fn is_ghost(&self) -> bool {
        self.method(&self.id).is_none()
    }

    /// When the oldest login method joined, in ms.
    pub fn time_joined(&self) -> Millis {
        self.methods.iter().map(|method| method.time_joined).min().unwrap_or_default()
    }

    /// Every tenant that some login method is in.
    pub fn tenants(&self) -> BTreeSet<&TenantId> {
        self.methods.iter().flat_map(|method| &method.tenants).collect()
    }

    /// Every e-mail address.
    pub fn emails(&self) -> BTreeSet<&str> {
        self.methods.iter().filter_map(|method| method.login.email()).collect()
    }

    /// Every phone number.
    pub fn phones(&self) -> BTreeSet<&str> {
        self.methods.iter().filter_map(|method| method.login.phone()).collect()
    }

    /// Every account at a provider.
    pub fn third_parties(&self) -> BTreeSet<&ThirdParty> {
        self.methods.iter().filter_map(|method| method.login.third_party()).collect()
    }

    /// Every passkey.
    pub fn credential_ids(&self) -> BTreeSet<&str> {
        self.methods.iter().filter_map(|method| method.login.credential_ids()).flatten().map(String::as_str).collect()
    }

    /// Everything that identifies the person.
    pub fn infos(&self) -> BTreeSet<AccountInfo> {
        self.methods.iter().flat_map(|method| method.login.infos()).collect()
    }

    /// What is this group's and nobody else's: each of its infos in each of its tenants, also where the login method with that info is
    /// not in that tenant. Users that stand alone own nothing.
    pub fn reservations(&self) -> BTreeSet<Reservation> {
        if !self.is_primary {
            return BTreeSet::new();
        }
        let infos = self.infos();
        let owned = |tenant: &TenantId, info: &AccountInfo| Reservation {
            tenant: tenant.clone(),
            info: info.clone(),
            group_id: self.id.clone(),
        };
        self.tenants().into_iter().flat_map(|tenant| infos.iter().map(move |info| owned(tenant, info))).collect()
    }
}
