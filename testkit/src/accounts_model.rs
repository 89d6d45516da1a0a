//! What users, links and tenants of one app come to, without a core: the rules of the pure room over a list of users, asked in the
//! language of `linking_decisions.json`. It answers the sequences of that file, makes new ones, and says what a core must have answered.
//!
//! Users are numbered in the order in which they were made; a number stays when its login method is deleted.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use supertokens_domain::accounts::{
    Changes, Conflict, Group, InfoKind, Join, Link, Login, LoginChange, LoginMethod, MakePrimary, Reservation, ThirdParty,
    Unlink, change_login, delete, join, leave, link, make_primary, taken, unlink,
};
use supertokens_domain::ids::TenantId;

/// All users of an app.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    groups: Vec<Group>,
    made: usize,
    /// What `primary_user_tenants` holds, kept up to date by nothing but the changes that the rules name.
    reservations: BTreeSet<Reservation>,
}

impl Accounts {
    /// What a core answers to a step, without the objects of users: `user`, `primaryUser` are numbers, `conflict` is the number and the
    /// kind of info of whoever is in the way.
    ///
    /// # Panics
    /// If the step is none.
    pub fn answer(&mut self, step: &Value) -> Value {
        let user = |name: &str| step[name].as_u64().expect("a number").to_string();
        let tenant = || TenantId::normalise(step["tenant"].as_str().expect("a tenant"));
        match step["op"].as_str().expect("an operation") {
            "create" => self.create(login(step), &tenant()),
            "makePrimary" => self.make_primary(&user("user")),
            "link" => self.link(&user("recipeUser"), &user("primaryUser")),
            "unlink" => self.unlink(&user("user")),
            "associate" => self.join(&user("user"), &tenant()),
            "disassociate" => self.leave(&user("user"), &tenant()),
            "update" => self.update(&user("user"), &step["field"], step["value"].as_str().expect("a value")),
            "delete" => self.delete(&user("user"), step["removeAllLinkedAccounts"] == true),
            other => panic!("no operation: {other}"),
        }
    }

    /// How the users stand, as `end` has it.
    pub fn state(&self) -> Value {
        let user = |number: usize| {
            let id = number.to_string();
            let found = self.group_of(&id).filter(|group| group.method(&id).is_some());
            let tenants = found.and_then(|group| group.method(&id)).map(|method| &method.tenants);
            json!({
                "exists": found.is_some(),
                "group": found.filter(|group| group.is_primary).map(|group| number_of(&group.id)),
                "tenants": tenants.into_iter().flatten().map(TenantId::as_str).collect::<Vec<_>>(),
            })
        };
        let owned = |it: &Reservation| json!([it.tenant.as_str(), it.info.kind.as_str(), it.info.value, number_of(&it.group_id)]);
        let reservations: Vec<Value> = self.reservations.iter().map(owned).collect();
        json!({ "users": (0..self.made).map(user).collect::<Vec<_>>(), "reservations": reservations })
    }

    /// How many users were made.
    pub fn made(&self) -> usize {
        self.made
    }

    /// The users as they stand, each with its login methods.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Does everything hold that must always hold?
    ///
    /// # Panics
    /// If not.
    pub fn check(&self) {
        let owned: Vec<Reservation> = self.groups.iter().flat_map(Group::reservations).collect();
        let places: BTreeSet<_> = owned.iter().map(|it| (&it.tenant, &it.info)).collect();
        assert_eq!(places.len(), owned.len(), "an info is one group's in a tenant");
        assert_eq!(owned.into_iter().collect::<BTreeSet<_>>(), self.reservations, "the changes lead to where the users are");
        for method in self.methods() {
            assert_eq!(taken(method, self.methods()), None, "{method:?}");
        }
        for group in &self.groups {
            assert!(
                !group.methods.is_empty() && (group.is_primary || group.methods.len() == 1 && !group.is_ghost()),
                "{group:?}"
            );
        }
    }

    fn methods(&self) -> impl Iterator<Item = &LoginMethod> {
        self.groups.iter().flat_map(|group| &group.methods)
    }

    /// The user of this id, if it has a row: that of a login method, or of a group whose login method has gone.
    fn group_of(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id || group.method(id).is_some())
    }

    /// Puts users in the place of others.
    fn replace(&mut self, before: &[&Group], after: Vec<Group>) {
        let changes = Changes::between(before.iter().copied(), &after);
        for released in &changes.released {
            assert!(self.reservations.remove(released), "{released:?}");
        }
        for reserved in changes.reserved {
            assert!(self.reservations.insert(reserved));
        }
        let ids: Vec<&str> = before.iter().map(|group| group.id.as_str()).collect();
        self.groups.retain(|group| !ids.contains(&group.id.as_str()));
        self.groups.extend(after);
        self.groups.sort_by_key(Group::time_joined);
    }

    fn create(&mut self, login: Login, tenant: &TenantId) -> Value {
        let id = self.made.to_string();
        let method = LoginMethod::new(id, login, tenant.clone(), i64::try_from(self.made).expect("few users"));
        let holder = self.methods().find(|other| taken(&method, [*other]).is_some()).cloned();
        let Some(holder) = holder else {
            self.groups.push(Group::alone(method));
            self.made += 1;
            return json!({ "status": "OK", "user": self.made - 1, "createdNewUser": true });
        };
        let signed_in = json!({ "status": "OK", "user": number_of(&holder.recipe_user_id), "createdNewUser": false });
        match method.login {
            Login::Passwordless { .. } => signed_in,
            Login::ThirdParty { .. } => {
                let group = self.group_of(&holder.recipe_user_id).cloned().expect("the holder's user");
                match change_login(&group, &holder.recipe_user_id, method.login, &self.groups) {
                    LoginChange::Unknown | LoginChange::NotAllowed(_) => return status("EMAIL_CHANGE_NOT_ALLOWED_ERROR"),
                    LoginChange::Same => {}
                    LoginChange::Becomes(changed) => self.replace(&[&group], vec![changed]),
                }
                signed_in
            }
            Login::EmailPassword { .. } | Login::Webauthn { .. } => status("EMAIL_ALREADY_EXISTS_ERROR"),
        }
    }

    fn make_primary(&mut self, id: &str) -> Value {
        let Some(group) = self.group_of(id).cloned() else { return unknown() };
        match make_primary(&group, id, &self.groups) {
            MakePrimary::Already => json!({ "status": "OK", "wasAlreadyAPrimaryUser": true }),
            MakePrimary::Linked => json!({
                "status": "RECIPE_USER_ID_ALREADY_LINKED_WITH_PRIMARY_USER_ID_ERROR", "primaryUser": number_of(&group.id),
            }),
            MakePrimary::Conflict(conflict) => associated(&conflict),
            MakePrimary::Becomes(primary) => {
                self.replace(&[&group], vec![primary]);
                json!({ "status": "OK", "wasAlreadyAPrimaryUser": false })
            }
        }
    }

    fn link(&mut self, recipe_user_id: &str, primary_id: &str) -> Value {
        let found = (self.group_of(recipe_user_id).cloned(), self.group_of(primary_id).cloned());
        let (Some(recipe_user), Some(primary)) = found else { return unknown() };
        // A login method that has gone is no recipe user, although its id still finds the group.
        if recipe_user.method(recipe_user_id).is_none() {
            return unknown();
        }
        match link(&recipe_user, &primary, &self.groups) {
            Link::NotPrimary => status("INPUT_USER_IS_NOT_A_PRIMARY_USER"),
            Link::Already => json!({ "status": "OK", "accountsAlreadyLinked": true }),
            Link::LinkedElsewhere => json!({
                "status": "RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR",
                "primaryUser": number_of(&recipe_user.id),
            }),
            Link::Conflict(conflict) => associated(&conflict),
            Link::Becomes(both) => {
                self.replace(&[&recipe_user, &primary], vec![both]);
                json!({ "status": "OK", "accountsAlreadyLinked": false })
            }
        }
    }

    fn unlink(&mut self, id: &str) -> Value {
        let Some(group) = self.group_of(id).cloned() else { return unknown() };
        let answer =
            |deleted: bool, linked: bool| json!({ "status": "OK", "wasRecipeUserDeleted": deleted, "wasLinked": linked });
        match unlink(&group, id) {
            Unlink::Unknown => unknown(),
            Unlink::NotLinked => answer(false, false),
            Unlink::Leaves { alone, rest, .. } => {
                self.replace(&[&group], rest.into_iter().chain([alone]).collect());
                answer(false, true)
            }
            Unlink::LoginDeleted { rest } => {
                self.replace(&[&group], vec![rest]);
                answer(true, true)
            }
        }
    }

    fn join(&mut self, id: &str, tenant: &TenantId) -> Value {
        let Some(group) = self.group_of(id).cloned() else { return status("UNKNOWN_USER_ID_ERROR") };
        match join(&group, id, tenant, &self.groups) {
            Join::Unknown => status("UNKNOWN_USER_ID_ERROR"),
            Join::Conflict(conflict) => with_conflict("ASSOCIATION_NOT_ALLOWED_ERROR", &conflict),
            Join::Already => json!({ "status": "OK", "wasAlreadyAssociated": true }),
            Join::Becomes(joined) => match self.taken(&joined, id) {
                Some(kind) => exists(kind),
                None => {
                    self.replace(&[&group], vec![joined]);
                    json!({ "status": "OK", "wasAlreadyAssociated": false })
                }
            },
        }
    }

    fn leave(&mut self, id: &str, tenant: &TenantId) -> Value {
        let Some(group) = self.group_of(id).cloned() else { return status("UNKNOWN_USER_ID_ERROR") };
        let left = leave(&group, id, tenant);
        let was_there = left.is_some();
        if let Some(left) = left {
            self.replace(&[&group], vec![left]);
        }
        json!({ "status": "OK", "wasAssociated": was_there })
    }

    fn update(&mut self, id: &str, field: &Value, value: &str) -> Value {
        let method = self.group_of(id).and_then(|group| group.method(id));
        let login = match (method.map(|method| method.login.clone()), field.as_str()) {
            (Some(Login::EmailPassword { .. }), Some("email")) => Login::EmailPassword { email: value.to_owned() },
            (Some(Login::Passwordless { phone, .. }), Some("email")) => {
                Login::Passwordless { email: Some(value.to_owned()), phone }
            }
            (Some(Login::Passwordless { email, .. }), Some("phone")) => {
                Login::Passwordless { email, phone: Some(value.to_owned()) }
            }
            _ => return status("UNKNOWN_USER_ID_ERROR"),
        };
        let Some(group) = self.group_of(id).cloned() else { return status("UNKNOWN_USER_ID_ERROR") };
        match change_login(&group, id, login, &self.groups) {
            LoginChange::Unknown => status("UNKNOWN_USER_ID_ERROR"),
            LoginChange::Same => status("OK"),
            LoginChange::NotAllowed(InfoKind::Phone) => status("PHONE_NUMBER_CHANGE_NOT_ALLOWED_ERROR"),
            LoginChange::NotAllowed(_) => status("EMAIL_CHANGE_NOT_ALLOWED_ERROR"),
            LoginChange::Becomes(changed) => match self.taken(&changed, id) {
                Some(kind) => exists(kind),
                None => {
                    self.replace(&[&group], vec![changed]);
                    status("OK")
                }
            },
        }
    }

    /// Whether another user's login method has what this one of a changed user has.
    fn taken(&self, group: &Group, id: &str) -> Option<InfoKind> {
        group.method(id).and_then(|method| taken(method, self.methods()))
    }

    fn delete(&mut self, id: &str, with_all_linked: bool) -> Value {
        let Some(group) = self.group_of(id).cloned() else { return status("OK") };
        if let Some(deletion) = delete(&group, id, with_all_linked) {
            self.replace(&[&group], deletion.rest.into_iter().collect());
        }
        status("OK")
    }
}

/// By what a step's user logs in.
fn login(step: &Value) -> Login {
    let text = |name: &str| step[name].as_str().map(str::to_owned);
    match step["recipe"].as_str().expect("a recipe") {
        "emailpassword" => Login::EmailPassword { email: text("email").expect("an address") },
        "passwordless" => Login::Passwordless { email: text("email"), phone: text("phone") },
        "thirdparty" => {
            let half = |at: usize| step["thirdParty"][at].as_str().expect("an id").to_owned();
            Login::ThirdParty {
                third_party: ThirdParty { id: half(0), user_id: half(1) },
                email: text("email").expect("an address"),
            }
        }
        other => panic!("no recipe: {other}"),
    }
}

fn number_of(id: &str) -> usize {
    id.parse().expect("a number")
}

fn status(status: &str) -> Value {
    json!({ "status": status })
}

fn unknown() -> Value {
    json!({ "http": 400, "text": "Unknown user ID provided" })
}

fn with_conflict(status: &str, conflict: &Conflict) -> Value {
    json!({ "status": status, "conflict": [number_of(&conflict.group_id), conflict.kind.as_str()] })
}

fn associated(conflict: &Conflict) -> Value {
    with_conflict("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR", conflict)
}

fn exists(kind: InfoKind) -> Value {
    status(match kind {
        InfoKind::Email => "EMAIL_ALREADY_EXISTS_ERROR",
        InfoKind::Phone => "PHONE_NUMBER_ALREADY_EXISTS_ERROR",
        InfoKind::ThirdParty => "THIRD_PARTY_USER_ALREADY_EXISTS_ERROR",
    })
}

/// Steps that a seed makes, and no other: many users with few addresses, so that they get in each other's way.
#[derive(Debug)]
pub struct Steps {
    random: u64,
    users: usize,
}

impl Steps {
    /// Steps over at most so many users.
    pub fn new(seed: u64, users: usize) -> Self {
        Self { random: seed, users }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).expect("31 bits") % bound.max(1)
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = self.below(of.len());
        of.get(at).copied().unwrap_or_default()
    }

    /// The next one, where so many users were made.
    pub fn next(&mut self, made: usize) -> Value {
        const EMAILS: [&str; 3] = ["a@x.io", "b@x.io", "c@x.io"];
        const PHONES: [&str; 2] = ["+10000000001", "+10000000002"];
        let tenant = self.one_of(&["public", "t1", "t2"]);
        let chance = self.below(100);
        if made < 4 || (chance < 20 && made < self.users) {
            return match self.below(4) {
                0 => json!({ "op": "create", "recipe": "emailpassword", "tenant": tenant, "email": self.one_of(&EMAILS) }),
                1 => json!({
                    "op": "create", "recipe": "thirdparty", "tenant": tenant, "email": self.one_of(&EMAILS),
                    "thirdParty": ["google", self.one_of(&["g1", "g2"])],
                }),
                2 => json!({ "op": "create", "recipe": "passwordless", "tenant": tenant, "email": self.one_of(&EMAILS) }),
                _ => json!({ "op": "create", "recipe": "passwordless", "tenant": tenant, "phone": self.one_of(&PHONES) }),
            };
        }
        let user = self.below(made);
        match chance {
            ..40 => json!({ "op": "makePrimary", "user": user }),
            40..62 => json!({ "op": "link", "recipeUser": user, "primaryUser": self.below(made) }),
            62..69 => json!({ "op": "unlink", "user": user }),
            69..81 => json!({ "op": "associate", "user": user, "tenant": tenant }),
            81..89 => json!({ "op": "disassociate", "user": user, "tenant": tenant }),
            89..95 => json!({ "op": "update", "user": user, "field": "email", "value": self.one_of(&EMAILS) }),
            95..97 => json!({ "op": "update", "user": user, "field": "phone", "value": self.one_of(&PHONES) }),
            _ => json!({ "op": "delete", "user": user, "removeAllLinkedAccounts": self.below(2) == 0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does an answer say what is expected? Of several users in the way any may be named, and of two keys that clash either.
    fn agrees(answer: &Value, expected: &Value) -> bool {
        if let Some(statuses) = expected["statusAnyOf"].as_array() {
            return statuses.contains(&answer["status"]);
        }
        let Some(any_of) = expected["anyOf"].as_array() else { return answer == expected };
        let named = |it: &Value| it[0] == answer["conflict"][0] && it[1].as_array().unwrap().contains(&answer["conflict"][1]);
        answer["status"] == expected["status"] && any_of.iter().any(named)
    }

    #[test]
    fn sequences_are_answered_as_the_vectors_have_it() {
        let file: Value = serde_json::from_str(include_str!("../vectors/linking_decisions.json")).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert!(cases.len() >= 150);
        for (number, case) in cases.iter().enumerate() {
            let mut accounts = Accounts::default();
            for step in case["steps"].as_array().unwrap() {
                let answer = accounts.answer(step);
                assert!(agrees(&answer, &step["expect"]), "case {number}, {step}: {answer}");
                accounts.check();
            }
            assert_eq!(accounts.state(), case["end"], "case {number}");
        }
    }

    #[test]
    fn whatever_happens_nothing_belongs_to_two() {
        let mut seen = BTreeSet::new();
        for seed in 0..300 {
            let (mut accounts, mut steps) = (Accounts::default(), Steps::new(seed, 9));
            for _ in 0..60 {
                let step = steps.next(accounts.made());
                let answer = accounts.answer(&step);
                seen.insert((step["op"].to_string(), answer["status"].to_string()));
                accounts.check();
            }
        }
        assert!(seen.len() >= 24, "every answer comes up: {seen:#?}");
    }

    #[test]
    fn a_seed_makes_the_same_steps_again() {
        let steps = |seed| {
            let mut steps = Steps::new(seed, 9);
            (0..50).map(|made| steps.next(made / 4).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(steps(7), steps(7));
        assert_ne!(steps(7), steps(8));
    }
}
