//! Making a user primary, linking another to it, and unlinking (core-linking.md 2.2). What is loaded goes in, under the locks; what is
//! answered and how the users stand afterwards comes out. [`Changes`](super::Changes) says what must be written for that.
//!
//! Everywhere `others` are the groups that may own an info of those who are asked about, oldest first; more do no harm.

use super::conflict::{Conflict, first};
use super::deletion::DeletedUser;
use super::group::Group;

/// May a user become primary?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MakePrimary {
    /// It is.
    Already,
    /// `RECIPE_USER_ID_ALREADY_LINKED_WITH_PRIMARY_USER_ID_ERROR`: it belongs to another, the group that was given.
    Linked,
    /// `ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR`
    Conflict(Conflict),
    /// It may, and is then this.
    Becomes(Group),
}

/// May a user be linked to another?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// `INPUT_USER_IS_NOT_A_PRIMARY_USER`
    NotPrimary,
    /// They are one.
    Already,
    /// `RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR`: it is primary itself or belongs to another, which is its
    /// group.
    LinkedElsewhere,
    /// `ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR`
    Conflict(Conflict),
    /// It may, and they are then this.
    Becomes(Group),
}

/// What does unlinking come to?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlink {
    /// The login method went before, although its id is still that of a group.
    Unknown,
    /// It stands alone, and is not primary.
    NotLinked,
    /// It stands alone from now on. Without a rest the group ends.
    Leaves {
        /// The login method as a user of its own.
        alone: Group,
        /// What stays in the group.
        rest: Option<Group>,
        /// Who goes because nobody is left: the ghost that the group had its id from, with all that is kept under that.
        gone: Option<DeletedUser>,
    },
    /// The group has its id from this login method: two users cannot have one id, so the login method is deleted.
    LoginDeleted {
        /// The group without it.
        rest: Group,
    },
}

/// `group` is the user of this id, of which it is one login method or the group's id.
pub fn make_primary<'a>(group: &Group, recipe_user_id: &str, others: impl IntoIterator<Item = &'a Group>) -> MakePrimary {
    if group.is_primary {
        return if group.id == recipe_user_id { MakePrimary::Already } else { MakePrimary::Linked };
    }
    let infos = group.methods.iter().flat_map(|method| method.login.infos());
    match first(&group.id, &group.tenants(), infos, others) {
        Some(conflict) => MakePrimary::Conflict(conflict),
        None => MakePrimary::Becomes(Group { is_primary: true, ..group.clone() }),
    }
}

/// `recipe_user` is the user to be linked, `primary` the user that any of its ids named.
pub fn link<'a>(recipe_user: &Group, primary: &Group, others: impl IntoIterator<Item = &'a Group>) -> Link {
    match () {
        () if !primary.is_primary => return Link::NotPrimary,
        () if recipe_user.id == primary.id => return Link::Already,
        () if recipe_user.is_primary => return Link::LinkedElsewhere,
        () => {}
    }
    let methods = || primary.methods.iter().chain(&recipe_user.methods);
    let tenants = methods().flat_map(|method| &method.tenants).collect();
    match first(&primary.id, &tenants, methods().flat_map(|method| method.login.infos()), others) {
        Some(conflict) => Link::Conflict(conflict),
        None => Link::Becomes(primary.clone().with_methods(methods().cloned().collect())),
    }
}

/// `group` is the user of this id.
pub fn unlink(group: &Group, recipe_user_id: &str) -> Unlink {
    let Some(method) = group.method(recipe_user_id) else { return Unlink::Unknown };
    if !group.is_primary {
        return Unlink::NotLinked;
    }
    match group.without(recipe_user_id) {
        Some(rest) if group.id == recipe_user_id => Unlink::LoginDeleted { rest },
        rest => {
            let ends = rest.is_none() && group.is_ghost();
            let gone = ends.then(|| DeletedUser { id: group.id.clone(), external_id: group.external_id.clone() });
            Unlink::Leaves { alone: Group::alone(method.clone()), rest, gone }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{InfoKind, Login, LoginMethod};
    use crate::ids::TenantId;

    fn method(id: &str, tenant: &str, email: Option<&str>, phone: Option<&str>) -> LoginMethod {
        let login = Login::Passwordless { email: email.map(Into::into), phone: phone.map(Into::into) };
        LoginMethod::new(id, login, TenantId::normalise(tenant), i64::from(id.as_bytes()[0]))
    }

    fn primary(methods: Vec<LoginMethod>) -> Group {
        let id = methods[0].recipe_user_id.clone();
        Group { id, external_id: None, is_primary: true, methods: Vec::new() }.with_methods(methods)
    }

    fn named(conflict: Conflict) -> (String, InfoKind) {
        (conflict.shown_id, conflict.kind)
    }

    #[test]
    fn the_first_conflict_is_that_of_the_oldest_login_method_and_of_its_address() {
        let young = primary(vec![method("b", "t1", None, Some("+1")), method("c", "t1", Some("c@x"), None)]);
        let mut rivals = vec![
            primary(vec![method("p", "t1", Some("r@x"), None)]),
            primary(vec![method("q", "t1", Some("c@x"), Some("+1"))]),
            primary(vec![method("r", "t2", Some("c@x"), Some("+1"))]),
        ];
        rivals[1].external_id = Some("shown".into());
        let newcomer = Group::alone(method("a", "t2", Some("r@x"), None));
        // With the newcomer, its tenant comes in too; the login methods of the primary user are looked at first.
        let Link::Conflict(conflict) = link(&newcomer, &young, &rivals) else { panic!() };
        assert_eq!(named(conflict), ("shown".to_owned(), InfoKind::Phone));
        let Link::Conflict(conflict) = link(&newcomer, &young, &rivals[..1]) else { panic!() };
        assert_eq!(named(conflict), ("p".to_owned(), InfoKind::Email));
        let Link::Conflict(conflict) = link(&newcomer, &young, &rivals[2..]) else { panic!() };
        assert_eq!(named(conflict), ("r".to_owned(), InfoKind::Phone));
        let both = Group::alone(method("a", "t1", Some("c@x"), Some("+1")));
        let MakePrimary::Conflict(conflict) = make_primary(&both, "a", &rivals) else { panic!() };
        assert_eq!(named(conflict), ("shown".to_owned(), InfoKind::Email));
    }

    #[test]
    fn users_that_stand_alone_own_nothing() {
        let alone = Group::alone(method("a", "t1", Some("a@x"), None));
        let other = Group::alone(method("b", "t1", Some("a@x"), None));
        assert!(matches!(make_primary(&alone, "a", [&other]), MakePrimary::Becomes(_)));
        let nowhere = alone.clone().with_methods(vec![LoginMethod { tenants: [].into(), ..alone.methods[0].clone() }]);
        let rival = primary(vec![method("b", "t1", Some("a@x"), None)]);
        assert!(matches!(make_primary(&nowhere, "a", [&rival]), MakePrimary::Becomes(_)), "who is nowhere meets nobody");
    }

    #[test]
    fn the_last_member_of_a_ghost_ends_its_group() {
        let pair = primary(vec![method("b", "t1", Some("b@x"), None), method("a", "t1", Some("a@x"), None)]);
        let Unlink::LoginDeleted { rest } = unlink(&pair, "b") else { panic!() };
        assert!(rest.is_ghost() && rest.is_primary);
        assert_eq!(unlink(&rest, "b"), Unlink::Unknown);
        assert_eq!(make_primary(&rest, "b", []), MakePrimary::Already);
        assert_eq!(make_primary(&rest, "a", []), MakePrimary::Linked);
        let Unlink::Leaves { alone, rest: None, gone } = unlink(&rest, "a") else { panic!() };
        assert_eq!((alone.id.as_str(), alone.is_primary), ("a", false));
        assert_eq!(gone.map(|user| user.id), Some("b".to_owned()));
        let only = primary(vec![method("a", "t1", Some("a@x"), None)]);
        assert!(matches!(unlink(&only, "a"), Unlink::Leaves { rest: None, gone: None, .. }), "who is there stays");
    }
}
