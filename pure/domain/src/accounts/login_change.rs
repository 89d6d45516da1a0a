//! A new e-mail address or phone number for a recipe user, whichever recipe it is of (core-users.md 3.5, core-linking.md 2.5).

use super::conflict::first;
use super::group::Group;
use super::info::{AccountInfo, InfoKind};
use super::method::Login;

/// May a login method change to this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginChange {
    /// There is no login method of this id and recipe.
    Unknown,
    /// It is this: nothing to write.
    Same,
    /// Another group owns the new address or number: `EMAIL_CHANGE_NOT_ALLOWED_ERROR`, `PHONE_NUMBER_CHANGE_NOT_ALLOWED_ERROR`.
    NotAllowed(InfoKind),
    /// It may, if the recipe's own key allows it; the user is then this.
    Becomes(Group),
}

/// `others` are the groups that may own what is new, oldest first; more do no harm. What counts are all tenants of the group, not of the
/// login method only. A user that stands alone asks nobody.
pub fn change_login<'a>(
    group: &Group,
    recipe_user_id: &str,
    login: Login,
    others: impl IntoIterator<Item = &'a Group>,
) -> LoginChange {
    let method = group.method(recipe_user_id).filter(|method| method.recipe() == login.recipe());
    let Some(method) = method else { return LoginChange::Unknown };
    if method.login == login {
        return LoginChange::Same;
    }
    if group.is_primary
        && let Some(conflict) = first(&group.id, &group.tenants(), gained(&method.login, &login), others)
    {
        return LoginChange::NotAllowed(conflict.kind);
    }
    let is_verified = match (login.email(), method.login.email()) {
        (None, _) => true,
        (new, old) => new == old && method.is_verified,
    };
    let mut changed = method.clone();
    (changed.login, changed.is_verified) = (login, is_verified);
    LoginChange::Becomes(group.with(changed))
}

/// What the new login has and the old one has not: which is what must be asked for and locked.
pub fn gained(old: &Login, new: &Login) -> Vec<AccountInfo> {
    let had = old.infos();
    new.infos().into_iter().filter(|info| !had.contains(info)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::LoginMethod;
    use crate::ids::TenantId;

    fn password(email: &str) -> Login {
        Login::EmailPassword { email: email.into() }
    }

    fn contact(email: Option<&str>, phone: Option<&str>) -> Login {
        Login::Passwordless { email: email.map(Into::into), phone: phone.map(Into::into) }
    }

    fn method(id: &str, login: Login, tenant: &str) -> LoginMethod {
        LoginMethod::new(id, login, TenantId::normalise(tenant), 1)
    }

    fn primary(methods: Vec<LoginMethod>) -> Group {
        Group { is_primary: true, ..Group::alone(methods[0].clone()) }.with_methods(methods)
    }

    /// Who else has the new address decides, and whether one is in a group oneself (the table of core-users.md 3.5, but for the rows that
    /// a recipe's own key decides).
    #[test]
    fn who_may_take_which_address() {
        let rival = |tenant| primary(vec![method("r", contact(Some("new@x"), None), tenant)]);
        let stranger = Group::alone(method("s", contact(Some("new@x"), None), "t1"));
        let alone = Group::alone(method("a", password("a@x"), "t1"));
        let linked = primary(vec![method("a", password("a@x"), "t1"), method("b", contact(Some("b@x"), None), "t2")]);
        let tried = |group: &Group, email, others: &[Group]| change_login(group, "a", password(email), others);
        let rivals = [rival("t1")];
        assert_eq!(tried(&alone, "a@x", &rivals), LoginChange::Same);
        assert!(matches!(tried(&alone, "new@x", &rivals), LoginChange::Becomes(_)));
        assert_eq!(tried(&linked, "a@x", &rivals), LoginChange::Same);
        assert_eq!(tried(&linked, "new@x", &rivals), LoginChange::NotAllowed(InfoKind::Email));
        // Where another login method of the group is, its addresses are reserved too.
        assert_eq!(tried(&linked, "new@x", &[rival("t2")]), LoginChange::NotAllowed(InfoKind::Email));
        assert!(matches!(tried(&linked, "new@x", &[rival("t3"), stranger]), LoginChange::Becomes(_)));
        assert!(matches!(tried(&linked, "b@x", &[]), LoginChange::Becomes(_)), "of the same group");
        assert_eq!(change_login(&linked, "b", password("new@x"), []), LoginChange::Unknown);
        assert_eq!(change_login(&linked, "c", password("new@x"), []), LoginChange::Unknown);
    }

    #[test]
    fn each_contact_is_asked_for_and_clearing_asks_nobody() {
        let rival = primary(vec![method("r", contact(Some("new@x"), Some("+9")), "t1")]);
        let linked = primary(vec![method("a", contact(Some("a@x"), Some("+1")), "t1")]);
        let tried = |email, phone| change_login(&linked, "a", contact(email, phone), [&rival]);
        assert_eq!(tried(Some("new@x"), Some("+9")), LoginChange::NotAllowed(InfoKind::Email));
        assert_eq!(tried(Some("a@x"), Some("+9")), LoginChange::NotAllowed(InfoKind::Phone));
        let LoginChange::Becomes(cleared) = tried(None, Some("+1")) else { panic!() };
        assert_eq!(cleared.infos().into_iter().collect::<Vec<_>>(), [AccountInfo::phone("+1")]);
        assert!(cleared.methods[0].is_verified, "there is only a number left");
    }
}
