//! From rows of the database to users: one row for each recipe user and tenant (core-users.md 10).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::group::Group;
use super::method::{AuthRecipe, Login, LoginMethod, ThirdParty};
use crate::ids::TenantId;
use crate::time::Millis;

/// A row: a recipe user with its passkeys, and one of its tenants if it has any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountRow {
    /// `app_id_to_user_id.user_id`.
    pub recipe_user_id: String,
    /// `app_id_to_user_id.primary_or_recipe_user_id`.
    pub group_id: String,
    /// `app_id_to_user_id.is_linked_or_is_a_primary_user`.
    pub is_primary: bool,
    /// `app_id_to_user_id.recipe_id`.
    pub recipe_id: String,
    /// From the recipe's table; none where that has no row: a ghost.
    pub time_joined: Option<Millis>,
    /// From the recipe's table.
    pub email: Option<String>,
    /// `passwordless_users.phone_number`.
    pub phone: Option<String>,
    /// `thirdparty_users.third_party_id`.
    pub third_party_id: Option<String>,
    /// `thirdparty_users.third_party_user_id`.
    pub third_party_user_id: Option<String>,
    /// `userid_mapping.external_user_id` of the recipe user.
    pub external_id: Option<String>,
    /// `userid_mapping.external_user_id` of the group's id.
    pub group_external_id: Option<String>,
    /// One of the recipe user's tenants.
    pub tenant: Option<TenantId>,
    /// Whether `emailverification_verified_emails` has the address under the id that is shown.
    pub is_verified: bool,
    /// The recipe user's passkeys.
    pub credential_ids: Vec<String>,
}

/// The users of these rows, oldest first; of equal age, by id. A row may come several times. What has no row in its recipe's table, or
/// is of a recipe that is not known, is no login method; a group without any is left out.
pub fn groups(rows: impl IntoIterator<Item = AccountRow>) -> Vec<Group> {
    let mut found: BTreeMap<String, (Group, BTreeMap<String, LoginMethod>)> = BTreeMap::new();
    for mut row in rows {
        let (group, methods) = found.entry(row.group_id.clone()).or_insert_with(|| {
            let group = Group {
                id: row.group_id.clone(),
                external_id: row.group_external_id.clone(),
                is_primary: false,
                methods: Vec::new(),
            };
            (group, BTreeMap::new())
        });
        group.is_primary |= row.is_primary;
        let (tenant, passkeys) = (row.tenant.take(), std::mem::take(&mut row.credential_ids));
        let id = row.recipe_user_id.clone();
        let method = match methods.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => match method(row) {
                Some(method) => free.insert(method),
                None => continue,
            },
        };
        method.tenants.extend(tenant);
        if let Login::Webauthn { credential_ids, .. } = &mut method.login {
            credential_ids.extend(passkeys);
        }
    }
    let with_methods = |(group, methods): (Group, BTreeMap<String, LoginMethod>)| {
        (!methods.is_empty()).then(|| group.with_methods(methods.into_values().collect()))
    };
    let mut groups: Vec<Group> = found.into_values().filter_map(with_methods).collect();
    groups.sort_by_key(Group::time_joined);
    groups
}

/// The login method of a row, without its tenants and passkeys.
fn method(row: AccountRow) -> Option<LoginMethod> {
    let time_joined = row.time_joined?;
    let login = match AuthRecipe::of(&row.recipe_id)? {
        AuthRecipe::EmailPassword => Login::EmailPassword { email: row.email? },
        AuthRecipe::Passwordless => Login::Passwordless { email: row.email, phone: row.phone },
        AuthRecipe::ThirdParty => Login::ThirdParty {
            third_party: ThirdParty { id: row.third_party_id?, user_id: row.third_party_user_id? },
            email: row.email?,
        },
        AuthRecipe::Webauthn => Login::Webauthn { email: row.email?, credential_ids: BTreeSet::new() },
    };
    let is_verified = row.is_verified || login.email().is_none();
    Some(LoginMethod {
        recipe_user_id: row.recipe_user_id,
        external_id: row.external_id,
        login,
        tenants: BTreeSet::new(),
        time_joined,
        is_verified,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::AccountInfo;

    fn password(id: &str, group_id: &str, time_joined: Millis) -> AccountRow {
        AccountRow {
            recipe_user_id: id.into(),
            group_id: group_id.into(),
            is_primary: id != group_id,
            recipe_id: "emailpassword".into(),
            time_joined: Some(time_joined),
            email: Some(format!("{id}@x")),
            ..AccountRow::default()
        }
    }

    fn in_tenant(row: &AccountRow, tenant: &str) -> AccountRow {
        AccountRow { tenant: Some(TenantId::normalise(tenant)), ..row.clone() }
    }

    #[test]
    fn rows_become_users() {
        let (a, b, c) = (password("a", "a", 5), password("b", "a", 3), password("c", "c", 4));
        let rows = [in_tenant(&a, "t2"), in_tenant(&c, ""), in_tenant(&b, "t1"), in_tenant(&a, "t1"), in_tenant(&a, "t1")];
        let users = groups(rows);
        let [linked, alone] = users.as_slice() else { panic!("{users:?}") };
        assert_eq!((linked.id.as_str(), linked.is_primary, linked.time_joined()), ("a", true, 3));
        assert_eq!(linked.methods.iter().map(|method| method.recipe_user_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(linked.tenants().into_iter().map(TenantId::as_str).collect::<Vec<_>>(), ["t1", "t2"]);
        assert_eq!(linked.reservations().len(), 4, "each address in each tenant");
        assert_eq!((alone.id.as_str(), alone.is_primary), ("c", false));
        assert!(alone.reservations().is_empty());
        let only = linked.only("b").unwrap();
        assert_eq!((only.id.as_str(), only.is_primary, only.methods.len()), ("b", true, 1));
    }

    #[test]
    fn who_is_in_no_tenant_is_still_there() {
        let users = groups([password("a", "a", 5)]);
        assert!(users[0].tenants().is_empty() && users[0].methods.len() == 1);
    }

    #[test]
    fn a_ghost_lends_its_id() {
        let ghost = AccountRow {
            time_joined: None,
            email: None,
            is_primary: true,
            group_external_id: Some("shown".into()),
            ..password("a", "a", 0)
        };
        let member = AccountRow { group_external_id: Some("shown".into()), ..password("b", "a", 3) };
        for rows in [[ghost.clone(), member.clone()], [member, ghost.clone()]] {
            let users = groups(rows);
            assert_eq!((users[0].id.as_str(), users[0].shown_id(), users[0].methods.len()), ("a", "shown", 1));
            assert!(users[0].is_ghost() && users[0].only("a").is_none());
        }
        assert!(groups([ghost]).is_empty(), "nobody can log in");
    }

    #[test]
    fn what_is_not_whole_or_not_known_is_no_login_method() {
        let whole = password("a", "a", 5);
        for row in [
            AccountRow { recipe_id: "smoke signals".into(), ..whole.clone() },
            AccountRow { email: None, ..whole.clone() },
            AccountRow { recipe_id: "thirdparty".into(), ..whole },
        ] {
            assert!(groups([row]).is_empty());
        }
    }

    #[test]
    fn passkeys_come_one_to_a_row() {
        let passkey = AccountRow { recipe_id: "webauthn".into(), ..password("a", "a", 5) };
        let with = |id: &str, tenant| AccountRow { credential_ids: vec![id.into()], ..in_tenant(&passkey, tenant) };
        let users = groups([with("k2", "t1"), with("k1", "t1"), with("k1", "t2"), with("k2", "t2")]);
        assert_eq!(users[0].credential_ids().into_iter().collect::<Vec<_>>(), ["k1", "k2"]);
        assert_eq!(users[0].infos().into_iter().collect::<Vec<_>>(), [AccountInfo::email("a@x")]);
        assert!(groups([passkey])[0].credential_ids().is_empty());
    }

    #[test]
    fn a_phone_number_needs_no_verification() {
        let phone =
            AccountRow { recipe_id: "passwordless".into(), email: None, phone: Some("+1".into()), ..password("a", "a", 5) };
        assert!(groups([phone.clone()])[0].methods[0].is_verified);
        assert!(!groups([AccountRow { email: Some("a@x".into()), ..phone }])[0].methods[0].is_verified);
    }
}
