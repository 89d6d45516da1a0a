//! Joining and leaving a tenant: only the one recipe user moves, but its group owns all its infos wherever a member is
//! (core-users.md 6).

use super::conflict::{Conflict, first};
use super::group::Group;
use super::info::{AccountInfo, InfoKind};
use crate::ids::TenantId;

/// May a recipe user join a tenant?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// There is no such login method.
    Unknown,
    /// `ASSOCIATION_NOT_ALLOWED_ERROR`
    Conflict(Conflict),
    /// It is there.
    Already,
    /// It may, if the recipe's own key allows it; the user is then this.
    Becomes(Group),
}

/// `others` are the groups of the tenant that may own an info of the group, oldest first; more do no harm.
pub fn join<'a>(group: &Group, recipe_user_id: &str, tenant: &TenantId, others: impl IntoIterator<Item = &'a Group>) -> Join {
    let Some(method) = group.method(recipe_user_id) else { return Join::Unknown };
    if group.is_primary {
        let by_provider = |info: &AccountInfo| info.kind == InfoKind::ThirdParty;
        let (providers, contacts): (Vec<_>, Vec<_>) = group.infos().into_iter().partition(by_provider);
        let infos = providers.into_iter().chain(contacts);
        if let Some(conflict) = first(&group.id, &[tenant].into(), infos, others) {
            return Join::Conflict(conflict);
        }
    }
    if method.tenants.contains(tenant) {
        return Join::Already;
    }
    let mut joined = method.clone();
    joined.tenants.insert(tenant.clone());
    Join::Becomes(group.with(joined))
}

/// The user without this tenant in this login method; none if it is not there.
pub fn leave(group: &Group, recipe_user_id: &str, tenant: &TenantId) -> Option<Group> {
    let mut left = group.method(recipe_user_id)?.clone();
    left.tenants.remove(tenant).then(|| group.with(left))
}

/// The sentence that goes with `ASSOCIATION_NOT_ALLOWED_ERROR`.
pub fn why_not(conflict: &Conflict) -> String {
    let what = match conflict.kind {
        InfoKind::Email => "email",
        InfoKind::Phone => "phone number",
        InfoKind::ThirdParty => "third party info",
    };
    format!("Another primary user with {what} already exists: {}", conflict.group_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Login, LoginMethod, ThirdParty};

    fn google(id: &str, tenant: &str) -> LoginMethod {
        let third_party = ThirdParty { id: "google".into(), user_id: "g".into() };
        LoginMethod::new(id, Login::ThirdParty { third_party, email: "a@x".into() }, TenantId::normalise(tenant), 1)
    }

    #[test]
    fn an_account_at_a_provider_is_named_before_an_address() {
        let (t1, t2) = (TenantId::normalise("t1"), TenantId::normalise("t2"));
        let primary = |method| Group { is_primary: true, ..Group::alone(method) };
        let (one, other) = (primary(google("a", "t1")), primary(google("b", "t2")));
        let Join::Conflict(conflict) = join(&one, "a", &t2, [&other]) else { panic!() };
        assert_eq!(why_not(&conflict), "Another primary user with third party info already exists: b");
        let email = Group::alone(LoginMethod { login: Login::EmailPassword { email: "a@x".into() }, ..google("b", "t2") });
        let Join::Conflict(conflict) = join(&one, "a", &t2, [&Group { is_primary: true, ..email }]) else { panic!() };
        assert_eq!(why_not(&conflict), "Another primary user with email already exists: b");
        assert!(matches!(join(&one, "a", &t2, [&Group::alone(google("b", "t2"))]), Join::Becomes(_)), "alone, it owns nothing");
        assert_eq!(join(&one, "a", &t1, [&other]), Join::Already);
        assert_eq!(join(&one, "b", &t1, []), Join::Unknown);
    }

    #[test]
    fn who_leaves_the_last_tenant_is_still_somebody() {
        let (t1, t2) = (TenantId::normalise("t1"), TenantId::normalise("t2"));
        let group = Group::alone(google("a", "t1"));
        assert_eq!(leave(&group, "a", &t2), None);
        let left = leave(&group, "a", &t1).unwrap();
        assert!(left.tenants().is_empty());
        let Join::Becomes(back) = join(&left, "a", &t1, []) else { panic!() };
        assert_eq!(back, group);
    }
}
