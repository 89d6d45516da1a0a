//! Who may come in, next to those who are there and those who came in just before (core-linking.md 3.4, 3.5). One who may not keeps nobody
//! else out.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::user::{ImportedMethod, ImportedUser};
use crate::accounts::{AccountInfo, AuthRecipe, Group, InfoKind, LoginMethod};
use crate::ids::{AppId, TenantId, TenantIdentifier};

/// The users that an imported one becomes: one, if a login method is the primary one; else as many as there are login methods.
pub fn groups_of(user: &ImportedUser) -> Vec<Group> {
    let method = |imported: &ImportedMethod| LoginMethod {
        recipe_user_id: imported.id.clone(),
        external_id: user.external_id.clone().filter(|_| imported.id == user.id),
        login: imported.login.clone(),
        tenants: imported.tenants.iter().cloned().collect(),
        time_joined: imported.time_joined,
        is_verified: imported.is_verified || imported.login.email().is_none(),
    };
    let methods: Vec<LoginMethod> = user.methods.iter().map(method).collect();
    if user.methods.iter().any(|method| method.is_primary) {
        let group = Group { id: user.id.clone(), external_id: user.external_id.clone(), is_primary: true, methods: Vec::new() };
        vec![group.with_methods(methods)]
    } else {
        methods.into_iter().map(Group::alone).collect()
    }
}

/// By what users log in, and what primary users own.
#[derive(Debug, Default)]
pub struct Occupied {
    logins: HashSet<(TenantId, AuthRecipe, AccountInfo)>,
    owned: HashSet<(TenantId, AccountInfo)>,
}

/// By what a recipe keeps its users apart.
fn keys(method: &LoginMethod) -> impl Iterator<Item = AccountInfo> {
    let recipe = method.recipe();
    let is_key = move |info: &AccountInfo| recipe != AuthRecipe::ThirdParty || info.kind == InfoKind::ThirdParty;
    method.login.infos().into_iter().filter(is_key)
}

impl Occupied {
    /// What these have.
    pub fn by<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Self {
        let mut occupied = Self::default();
        groups.into_iter().for_each(|group| occupied.add(group));
        occupied
    }

    fn add(&mut self, group: &Group) {
        for method in &group.methods {
            for key in keys(method) {
                self.logins.extend(method.tenants.iter().map(|tenant| (tenant.clone(), method.recipe(), key.clone())));
            }
        }
        self.owned.extend(group.reservations().into_iter().map(|owned| (owned.tenant, owned.info)));
    }

    fn is_owned(&self, group: &Group) -> bool {
        group.reservations().into_iter().any(|owned| self.owned.contains(&(owned.tenant, owned.info)))
    }

    fn taken(&self, method: &LoginMethod) -> Option<AccountInfo> {
        let is_taken = |key: &AccountInfo| {
            method.tenants.iter().any(|tenant| self.logins.contains(&(tenant.clone(), method.recipe(), key.clone())))
        };
        keys(method).find(is_taken)
    }
}

/// What else was looked up.
#[derive(Debug, Default)]
pub struct Seen {
    /// The app.
    pub app: AppId,
    /// Internal ids that are somebody's, of those that imported users have or are to be known under.
    pub internal: BTreeSet<String>,
    /// External ids that are somebody's, with the internal ones.
    pub mapped: BTreeMap<String, String>,
    /// Roles that are there, of those that are named.
    pub roles: BTreeSet<String>,
    /// Tenants that are there, of those that are named.
    pub tenants: BTreeSet<TenantId>,
}

/// Whether a user comes in.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// As these.
    Admitted(Vec<Group>),
    /// It has come in before: whoever brought it did not live to say so.
    Already,
    /// Not, and why: upstream's code and sentence.
    Refused(String),
}

impl Seen {
    /// Decides, and if the user comes in, counts it among those who are there.
    pub fn admit(&mut self, user: &ImportedUser, occupied: &mut Occupied) -> Admission {
        if user.methods.iter().any(|method| self.internal.contains(&method.id)) {
            return Admission::Already;
        }
        let groups = groups_of(user);
        if let Some(why) = self.why_not(user, &groups, occupied) {
            return Admission::Refused(why);
        }
        groups.iter().for_each(|group| occupied.add(group));
        self.internal.extend(user.methods.iter().map(|method| method.id.clone()));
        if let Some(external) = &user.external_id {
            self.mapped.insert(external.clone(), user.id.clone());
        }
        Admission::Admitted(groups)
    }

    fn why_not(&self, user: &ImportedUser, groups: &[Group], occupied: &Occupied) -> Option<String> {
        if groups.iter().any(|group| occupied.is_owned(group)) {
            return Some("E027: there is a conflicting account info".to_owned());
        }
        let methods: Vec<&LoginMethod> = groups.iter().flat_map(|group| &group.methods).collect();
        methods
            .iter()
            .enumerate()
            .find_map(|(at, method)| self.keeps_out(method, methods.get(..at).unwrap_or_default(), occupied))
            .or_else(|| self.keeps_from_id(user))
            .or_else(|| self.keeps_from_roles(user))
    }

    /// `before` are other login methods of the same user.
    fn keeps_out(&self, method: &LoginMethod, before: &[&LoginMethod], occupied: &Occupied) -> Option<String> {
        if let Some(tenant) = method.tenants.iter().find(|tenant| !self.tenants.contains(tenant)) {
            let code = match method.recipe() {
                AuthRecipe::EmailPassword => "E002",
                AuthRecipe::ThirdParty => "E004",
                AuthRecipe::Passwordless | AuthRecipe::Webauthn => "E008",
            };
            return Some(format!("{code}: {}", self.no_tenant(tenant)));
        }
        let clash =
            before.iter().filter(|other| !other.tenants.is_disjoint(&method.tenants)).find_map(|other| method.clash(other));
        let kind = occupied.taken(method).map(|info| info.kind).or(clash)?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (email, phone) = (text(method.login.email()), text(method.login.phone()));
        Some(match (method.recipe(), kind) {
            (AuthRecipe::ThirdParty, _) => {
                let (id, user_id) =
                    method.login.third_party().map(|it| (it.id.as_str(), it.user_id.as_str())).unwrap_or_default();
                format!(
                    "E005: A user with thirdPartyId {id} and thirdPartyUserId {user_id} already exists in thirdparty loginMethod."
                )
            }
            (AuthRecipe::Passwordless, InfoKind::Phone) => {
                format!("E007: A user with phoneNumber {phone} already exists in passwordless loginMethod.")
            }
            (AuthRecipe::Passwordless, _) => {
                format!("E006: A user with email {email} already exists in passwordless loginMethod.")
            }
            _ => format!("E003: A user with email {email} already exists in emailpassword loginMethod."),
        })
    }

    fn no_tenant(&self, tenant: &TenantId) -> String {
        let at = TenantIdentifier { app: self.app.clone(), tenant: tenant.clone(), ..TenantIdentifier::default() };
        format!("Tenant with the following connectionURIDomain, appId and tenantId combination not found: {at}")
    }

    fn keeps_from_id(&self, user: &ImportedUser) -> Option<String> {
        let external = user.external_id.as_ref()?;
        if self.mapped.contains_key(external) {
            return Some(format!("E031: A user with externalId {external} already exists"));
        }
        let is_internal = self.internal.contains(external) || user.methods.iter().any(|method| method.id == *external);
        is_internal.then(|| "E030: Cannot create a userId mapping where the externalId is also a SuperTokens userID".to_owned())
    }

    fn keeps_from_roles(&self, user: &ImportedUser) -> Option<String> {
        let mut roles = user.roles.iter().flatten();
        roles.find_map(|role| match role.tenants.iter().find(|tenant| !self.tenants.contains(tenant)) {
            _ if !self.roles.contains(&role.role) => {
                Some("E034: Role does not exist! You need to pre-create the role before assigning it to the user.".to_owned())
            }
            Some(tenant) => Some(format!("E033: {}", self.no_tenant(tenant))),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Login, ThirdParty};
    use crate::bulk_import::{ImportedPassword, ImportedRole};

    fn method(id: &str, login: Login, tenants: &[&str], is_primary: bool) -> ImportedMethod {
        let tenants = tenants.iter().map(|tenant| TenantId::normalise(tenant)).collect();
        let password = ImportedPassword::default();
        ImportedMethod { id: id.into(), tenants, is_verified: false, is_primary, time_joined: 1, login, password }
    }

    fn user(methods: Vec<ImportedMethod>) -> ImportedUser {
        let id = methods[0].id.clone();
        ImportedUser { id, external_id: None, metadata: None, roles: None, devices: None, methods }
    }

    fn password(email: &str) -> Login {
        Login::EmailPassword { email: email.into() }
    }

    fn contact(email: Option<&str>, phone: Option<&str>) -> Login {
        Login::Passwordless { email: email.map(Into::into), phone: phone.map(Into::into) }
    }

    fn google(account: &str, email: &str) -> Login {
        Login::ThirdParty { third_party: ThirdParty { id: "google".into(), user_id: account.into() }, email: email.into() }
    }

    fn seen() -> Seen {
        let tenants = ["public", "t1"].into_iter().map(TenantId::normalise).collect();
        Seen { roles: ["r".to_owned()].into(), tenants, ..Seen::default() }
    }

    fn alone(id: &str, login: Login, tenants: &[&str]) -> ImportedUser {
        user(vec![method(id, login, tenants, false)])
    }

    fn primary(id: &str, login: Login, tenants: &[&str]) -> ImportedUser {
        user(vec![method(id, login, tenants, true)])
    }

    /// One after the other, to the same app. What is said of each: a code, or nothing.
    fn codes(users: &[ImportedUser]) -> Vec<String> {
        let (mut seen, mut occupied) = (seen(), Occupied::default());
        let code = |user| match seen.admit(user, &mut occupied) {
            Admission::Admitted(_) => String::new(),
            Admission::Already => "already".to_owned(),
            Admission::Refused(why) => why.split(':').next().unwrap().to_owned(),
        };
        users.iter().map(code).collect()
    }

    #[test]
    fn what_one_has_another_has_not() {
        let mapped = |external: &str, user: ImportedUser| ImportedUser { external_id: Some(external.into()), ..user };
        let with_role = |role: &str, tenant: &str, user: ImportedUser| {
            let role = ImportedRole { role: role.into(), tenants: vec![TenantId::normalise(tenant)] };
            ImportedUser { roles: Some(vec![role]), ..user }
        };
        let p = &["public"][..];
        for (first, second, expected) in [
            (alone("a", password("x"), p), alone("b", password("x"), p), "E003"),
            (alone("a", password("x"), p), alone("b", password("x"), &["t1"]), ""),
            (alone("a", password("x"), p), alone("b", password("y"), p), ""),
            (alone("a", password("x"), p), alone("b", contact(Some("x"), None), p), ""),
            (alone("a", google("1", "x"), p), alone("b", google("1", "y"), p), "E005"),
            (alone("a", google("1", "x"), p), alone("b", google("2", "x"), p), ""),
            (alone("a", contact(Some("x"), Some("1")), p), alone("b", contact(Some("x"), None), p), "E006"),
            (alone("a", contact(Some("x"), Some("1")), p), alone("b", contact(Some("y"), Some("1")), p), "E007"),
            (primary("a", password("x"), p), primary("b", google("1", "x"), p), "E027"),
            (primary("a", password("x"), p), primary("b", google("1", "x"), &["t1"]), ""),
            (primary("a", password("x"), p), alone("b", google("1", "x"), p), ""),
            (primary("a", password("x"), p), alone("b", password("x"), p), "E003"),
            (alone("a", password("x"), p), primary("b", google("1", "x"), p), ""),
            (alone("a", password("x"), p), alone("a", password("y"), p), "already"),
            (mapped("e", alone("a", password("x"), p)), mapped("e", alone("b", password("y"), p)), "E031"),
            (mapped("e", alone("a", password("x"), p)), mapped("a", alone("b", password("y"), p)), "E030"),
            (alone("a", password("x"), p), mapped("b", alone("b", password("y"), p)), "E030"),
            (alone("a", password("x"), p), with_role("r", "t1", alone("b", password("y"), p)), ""),
            (alone("a", password("x"), p), with_role("s", "t1", alone("b", password("y"), p)), "E034"),
            (alone("a", password("x"), p), with_role("r", "t9", alone("b", password("y"), p)), "E033"),
            (alone("a", password("x"), p), alone("b", password("y"), &["t9"]), "E002"),
            (alone("a", password("x"), p), alone("b", google("1", "y"), &["t9"]), "E004"),
            (alone("a", password("x"), p), alone("b", contact(None, Some("1")), &["t9"]), "E008"),
        ] {
            let said = codes(&[first.clone(), second.clone()]);
            assert_eq!(said, ["".to_owned(), expected.to_owned()], "{first:?} {second:?}");
        }
    }

    #[test]
    fn one_who_is_refused_keeps_nobody_else_out() {
        let both = user(vec![method("b", password("y"), &["public"], false), method("c", password("x"), &["public"], false)]);
        let users = [alone("a", password("x"), &["public"]), both, alone("d", password("y"), &["public"])];
        assert_eq!(codes(&users), ["", "E003", ""]);
    }

    #[test]
    fn two_login_methods_of_one_user_may_not_clash_either() {
        let twice = user(vec![method("a", password("x"), &["public", "t1"], true), method("b", password("x"), &["t1"], false)]);
        assert_eq!(codes(&[twice]), ["E003"]);
        let of_two_recipes =
            user(vec![method("a", password("x"), &["public"], true), method("b", google("1", "x"), &["t1"], false)]);
        let (mut seen, mut occupied) = (seen(), Occupied::default());
        let Admission::Admitted(groups) = seen.admit(&of_two_recipes, &mut occupied) else { panic!() };
        assert_eq!((groups.len(), groups[0].methods.len(), groups[0].is_primary), (1, 2, true));
        // Also where only the other login method is.
        assert!(matches!(seen.admit(&primary("c", contact(Some("x"), None), &["t1"]), &mut occupied), Admission::Refused(_)));
    }

    #[test]
    fn without_a_primary_one_each_is_a_user() {
        let three = user(vec![
            method("a", password("x"), &["public"], false),
            method("b", google("1", "x"), &["public"], false),
            method("c", contact(None, Some("1")), &["public"], false),
        ]);
        let groups = groups_of(&ImportedUser { external_id: Some("e".into()), ..three });
        let shown: Vec<(&str, bool)> = groups.iter().map(|group| (group.shown_id(), group.is_primary)).collect();
        assert_eq!(shown, [("e", false), ("b", false), ("c", false)]);
        assert!(groups[2].methods[0].is_verified, "there is only a number");
    }
}
