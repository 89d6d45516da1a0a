//! Deleting a user, alone or with all who are linked (core-users.md 5.4).

use std::collections::BTreeSet;

use super::group::Group;
use super::method::LoginMethod;

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// These login methods: their rows in the recipes' tables, in tenants and among account infos, with pending reset tokens, and the
    /// devices that wait for their contacts.
    pub methods: Vec<LoginMethod>,
    /// These users' own rows, by internal id, with their mappings and all that is stored about them elsewhere. The row of a login method
    /// that gave its group the id stays with the group.
    pub users: Vec<DeletedUser>,
    /// What is left of the group.
    pub rest: Option<Group>,
}

/// A user whose own row goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedUser {
    /// The internal id.
    pub id: String,
    /// The id that was shown instead.
    pub external_id: Option<String>,
}

/// `group` is the user of this id. None if nothing goes: the login method of this id went before.
pub fn delete(group: &Group, recipe_user_id: &str, with_all_linked: bool) -> Option<Deletion> {
    let of_method =
        |method: &LoginMethod| DeletedUser { id: method.recipe_user_id.clone(), external_id: method.external_id.clone() };
    let (methods, rest) = if with_all_linked {
        (group.methods.clone(), None)
    } else {
        (vec![group.method(recipe_user_id)?.clone()], group.without(recipe_user_id))
    };
    let goes = |method: &&LoginMethod| rest.is_none() || method.recipe_user_id != group.id;
    let mut users: Vec<DeletedUser> = methods.iter().filter(goes).map(of_method).collect();
    if rest.is_none() && group.is_ghost() {
        users.push(DeletedUser { id: group.id.clone(), external_id: group.external_id.clone() });
    }
    Some(Deletion { methods, users, rest })
}

/// Under which ids other tables have rows of those who go: the internal and the external one. `is_anothers` says of an id whether a user
/// who stays is shown under it or has it; their rows are not touched.
pub fn ids_of(users: &[DeletedUser], is_anothers: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    let ids = users.iter().flat_map(|user| [Some(user.id.as_str()), user.external_id.as_deref()]);
    ids.flatten().filter(|id| !is_anothers(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Login;
    use crate::ids::TenantId;

    fn group(id: &str, methods: &[&str]) -> Group {
        let method = |id: &&str| {
            let login = Login::EmailPassword { email: format!("{id}@x") };
            let mut method = LoginMethod::new(*id, login, TenantId::default(), 1);
            method.external_id = Some(format!("{id}-shown"));
            method
        };
        let external_id = Some(format!("{id}-shown"));
        Group { id: id.into(), external_id, is_primary: true, methods: Vec::new() }
            .with_methods(methods.iter().map(method).collect())
    }

    /// Login methods that go, users whose rows go, and whether something is left.
    fn gone(group: &Group, id: &str, with_all_linked: bool) -> Option<(String, String, bool)> {
        let deletion = delete(group, id, with_all_linked)?;
        let methods: Vec<_> = deletion.methods.iter().map(|method| method.recipe_user_id.as_str()).collect();
        let users: Vec<_> = deletion.users.iter().map(|user| user.id.as_str()).collect();
        Some((methods.concat(), users.concat(), deletion.rest.is_some()))
    }

    #[test]
    fn the_table_of_cases() {
        let row = |methods: &str, users: &str, rest| Some((methods.to_owned(), users.to_owned(), rest));
        for (group, id, all, expected) in [
            (group("p", &["p"]), "p", false, row("p", "p", false)),
            (group("p", &["p"]), "p", true, row("p", "p", false)),
            (group("p", &["p", "r"]), "r", false, row("r", "r", true)),
            (group("p", &["p", "r"]), "p", false, row("p", "", true)),
            (group("p", &["p", "r"]), "r", true, row("pr", "pr", false)),
            (group("p", &["r"]), "r", false, row("r", "rp", false)),
            (group("p", &["r", "s"]), "r", false, row("r", "r", true)),
            (group("p", &["r", "s"]), "p", true, row("rs", "rsp", false)),
            (group("p", &["r", "s"]), "p", false, None),
        ] {
            assert_eq!(gone(&group, id, all), expected, "{id} of {group:?}");
        }
    }

    #[test]
    fn rows_of_both_ids_go_but_for_those_of_somebody_else() {
        let pair = group("p", &["r"]);
        let deletion = delete(&pair, "r", false).unwrap();
        assert_eq!(ids_of(&deletion.users, |_| false).into_iter().collect::<Vec<_>>(), ["p", "p-shown", "r", "r-shown"]);
        assert_eq!(ids_of(&deletion.users, |id| id == "r-shown").into_iter().collect::<Vec<_>>(), ["p", "p-shown", "r"]);
    }
}
