//! Callers who sign up and log in by passwords, codes and providers, link, unlink, join and leave a tenant, get ids of the application's
//! own, change addresses, roles and metadata, and remove users; and what must be left of those.
//!
//! Each caller has users of its own, with addresses that no other takes, so the model of accounts says what is answered and how all of
//! them stand afterwards. What was on its way at the kill has happened whole or not at all; a code that was sent before it is good after it.
#![expect(clippy::indexing_slicing, reason = "lists that are as long as the model has users, and JSON of our own")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use supertokens_domain::accounts::Login;
use supertokens_testkit::accounts_model::Accounts;
use supertokens_testkit::program::Caller;

use crate::{Dice, Kill, rows};

/// At most so many login methods of a caller are there at a time.
const MOST: usize = 8;
/// The roles that there are.
pub(crate) const ROLES: [&str; 3] = ["reader", "writer", "owner"];
/// The tenant that users join and leave, beside the one in which they are made.
pub(crate) const TENANT: &str = "t1";

/// The users of one caller.
pub(crate) struct Family {
    name: String,
    settled: State,
    /// What is if the question that was on its way was answered.
    perhaps: Option<State>,
    /// A code that nobody has used, and the address that it was sent to.
    sent: Option<(String, Value)>,
}

/// How users stand. Numbers are those of the model; ids are in their order.
#[derive(Clone, Default)]
struct State {
    accounts: Accounts,
    ids: Vec<String>,
    roles: Vec<BTreeSet<String>>,
    metadata: Vec<BTreeMap<String, u64>>,
    external: Vec<Option<String>>,
    /// The addresses for which codes wait.
    waiting: BTreeSet<String>,
}

/// A login method's row, and what hangs on it.
struct Row {
    /// The id of the group.
    group: String,
    is_primary: bool,
    /// If the login method is there.
    email: Option<String>,
    external_id: Option<String>,
    is_in_tenant: bool,
}

/// What the database has.
pub(crate) struct Seen {
    users: HashMap<String, Row>,
    /// Ids, by what somebody logs in with.
    by_login: HashMap<String, String>,
    waiting: BTreeSet<String>,
    roles: HashMap<String, BTreeSet<String>>,
    metadata: HashMap<String, BTreeMap<String, u64>>,
}

/// Reads it past the program.
pub(crate) async fn seen(url: &str) -> anyhow::Result<Seen> {
    let mut seen = Seen {
        users: HashMap::new(),
        by_login: HashMap::new(),
        waiting: BTreeSet::new(),
        roles: HashMap::new(),
        metadata: HashMap::new(),
    };
    let sql = format!(
        "SELECT CAST(a.user_id AS TEXT), CAST(a.primary_or_recipe_user_id AS TEXT),
             CASE WHEN a.is_linked_or_is_a_primary_user THEN 'yes' ELSE 'no' END, COALESCE(e.email, p.email, t.email),
             COALESCE('emailpassword ' || e.email, 'passwordless ' || p.email, 'thirdparty ' || t.third_party_user_id),
             m.external_user_id, CASE WHEN EXISTS (SELECT 1 FROM recipe_user_tenants r
                 WHERE r.app_id = a.app_id AND r.recipe_user_id = a.user_id AND r.tenant_id = '{TENANT}') THEN 'yes' ELSE 'no' END
         FROM app_id_to_user_id a LEFT JOIN emailpassword_users e ON e.app_id = a.app_id AND e.user_id = a.user_id
             LEFT JOIN passwordless_users p ON p.app_id = a.app_id AND p.user_id = a.user_id
             LEFT JOIN thirdparty_users t ON t.app_id = a.app_id AND t.user_id = a.user_id
             LEFT JOIN userid_mapping m ON m.app_id = a.app_id AND m.supertokens_user_id = a.user_id"
    );
    let is_yes = |text: Option<String>| text.as_deref() == Some("yes");
    for row in rows(url, &sql).await? {
        let columns = <[Option<String>; 7]>::try_from(row).ok().context("seven columns")?;
        let [id, group, is_primary, email, login, external_id, is_in_tenant] = columns;
        let (id, group) = (id.context("no id")?, group.context("no group")?);
        if let Some(login) = login {
            seen.by_login.insert(login, id.clone());
        }
        let (is_primary, is_in_tenant) = (is_yes(is_primary), is_yes(is_in_tenant));
        seen.users.insert(id, Row { group, is_primary, email, external_id, is_in_tenant });
    }
    let waiting = rows(url, "SELECT email FROM passwordless_devices").await?;
    seen.waiting.extend(waiting.into_iter().flatten().flatten());
    for row in rows(url, "SELECT user_id, role FROM user_roles").await? {
        let [id, role] = <[Option<String>; 2]>::try_from(row).ok().context("two columns")?;
        seen.roles.entry(id.context("no id")?).or_default().insert(role.context("no role")?);
    }
    for row in rows(url, "SELECT user_id, user_metadata FROM user_metadata").await? {
        let [id, text] = <[Option<String>; 2]>::try_from(row).ok().context("two columns")?;
        seen.metadata.insert(id.context("no id")?, serde_json::from_str(&text.context("no metadata")?)?);
    }
    Ok(seen)
}

impl State {
    /// The numbers of the login methods that are there.
    fn there(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = self.methods().map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Each login method's number and address.
    fn methods(&self) -> impl Iterator<Item = (usize, &str)> {
        let methods = self.accounts.groups().iter().flat_map(|group| &group.methods);
        methods.filter_map(|method| Some((method.recipe_user_id.parse().ok()?, method.login.email()?)))
    }

    /// The numbers of all who have a row: login methods, and those that lend a group their id.
    fn rows(&self) -> BTreeSet<usize> {
        let groups = self.accounts.groups().iter().filter_map(|group| group.id.parse().ok());
        groups.chain(self.methods().map(|(number, _)| number)).collect()
    }

    fn id(&self, number: usize) -> &str {
        self.ids.get(number).map_or("", String::as_str)
    }

    /// The id that answers show.
    fn shown_id(&self, number: usize) -> &str {
        self.external.get(number).and_then(Option::as_deref).unwrap_or_else(|| self.id(number))
    }

    /// With what a login method logs in, as `Seen` has it.
    fn login_of(&self, number: usize) -> Option<String> {
        let number = number.to_string();
        let method = self.accounts.groups().iter().find_map(|group| group.method(&number))?;
        Some(match &method.login {
            Login::ThirdParty { third_party, .. } => format!("thirdparty {}", third_party.user_id),
            Login::Passwordless { email, .. } => format!("passwordless {}", email.as_deref()?),
            Login::EmailPassword { email } | Login::Webauthn { email, .. } => format!("emailpassword {email}"),
        })
    }

    /// What the step makes of it, and what has to be answered.
    fn after(&self, step: &Value) -> (Self, Value) {
        let (mut after, before) = (self.clone(), self);
        let number = usize::try_from(step["user"].as_u64().unwrap_or_default()).unwrap_or_default();
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        let mut answer = match text("op").as_str() {
            "giveRole" => json!({ "status": "OK", "didUserAlreadyHaveRole": !after.roles[number].insert(text("role")) }),
            "takeRole" => json!({ "status": "OK", "didUserHaveRole": after.roles[number].remove(&text("role")) }),
            "merge" => {
                after.metadata[number].insert(text("key"), step["value"].as_u64().unwrap_or_default());
                json!({ "status": "OK", "metadata": after.metadata[number] })
            }
            "send" => {
                after.waiting.insert(text("email"));
                json!({ "status": "OK" })
            }
            "map" => after.map(number, text("external")),
            _ => after.accounts.answer(step),
        };
        if step["recipe"] == "emailpassword" {
            // It signs up, and says no more than that.
            answer = json!({ "status": answer["status"] });
        }
        if step["recipe"] == "passwordless" {
            after.waiting.remove(&text("email"));
        }
        after.forget(before, step["op"] == "delete");
        after.roles.resize(after.accounts.made(), BTreeSet::new());
        after.metadata.resize(after.accounts.made(), BTreeMap::new());
        after.external.resize(after.accounts.made(), None);
        (after, answer)
    }

    /// Whoever has no row any more has taken along what was kept; a login method that was deleted the codes on their way, too.
    fn forget(&mut self, before: &Self, is_deletion: bool) {
        if is_deletion {
            let stay: BTreeSet<usize> = self.there().into_iter().collect();
            let emails = before.methods().filter(|(number, _)| !stay.contains(number)).map(|(_, email)| email);
            emails.for_each(|email| _ = self.waiting.remove(email));
        }
        let there = self.rows();
        for gone in before.rows().difference(&there) {
            self.roles[*gone].clear();
            self.metadata[*gone].clear();
            self.external[*gone] = None;
        }
    }

    /// Gives a user an id of the application's own, whatever is kept under the one it has.
    fn map(&mut self, number: usize, external: String) -> Value {
        let (own, is_taken) = (&self.external[number], self.external.contains(&Some(external.clone())));
        if own.is_some() || is_taken {
            let (of_user, of_external) = ("doesSuperTokensUserIdExist", "doesExternalUserIdExist");
            // Of whom it is that has the external id, if anybody.
            let is_users = !is_taken || own.as_ref() == Some(&external);
            return json!({ "status": "USER_ID_MAPPING_ALREADY_EXISTS_ERROR", of_user: is_users, of_external: is_taken });
        }
        self.external[number] = Some(external);
        json!({ "status": "OK" })
    }

    /// In what the database differs, if it does. Somebody who signed up and got no answer is found by the address.
    fn differs(&mut self, seen: &Seen, name: &str) -> Option<String> {
        let emails: HashMap<usize, String> = self.methods().map(|(number, email)| (number, email.to_owned())).collect();
        if self.ids.len() < self.accounts.made() {
            let login = self.login_of(self.ids.len()).unwrap_or_default();
            let Some(id) = seen.by_login.get(&login) else { return Some(format!("nobody has signed up with {login}")) };
            self.ids.push(id.clone());
        }
        let is_theirs = |email: &&String| email.starts_with(&format!("{name}-"));
        let waiting: BTreeSet<String> = seen.waiting.iter().filter(is_theirs).cloned().collect();
        if waiting != self.waiting {
            return Some(format!("codes wait for {waiting:?} in place of {:?}", self.waiting));
        }
        let state = self.accounts.state();
        for (number, id) in self.ids.iter().enumerate() {
            let row = seen.users.get(id);
            let email = row.and_then(|row| row.email.as_ref());
            if email != emails.get(&number) {
                return Some(format!("{id} has the address {email:?} in place of {:?}", emails.get(&number)));
            }
            let (user, is) = (&state["users"][number], row.map(|row| (row.is_primary, row.group.as_str(), row.is_in_tenant)));
            let group = user["group"].as_u64().and_then(|group| usize::try_from(group).ok());
            let is_in_tenant = user["tenants"].as_array().is_some_and(|tenants| tenants.contains(&json!(TENANT)));
            let expected = (group.is_some(), group.map_or(id.as_str(), |group| self.id(group)), is_in_tenant);
            if email.is_some() && is != Some(expected) {
                return Some(format!("{id} is primary, in a group and in the tenant {is:?} in place of {expected:?}"));
            }
            let external = row.and_then(|row| row.external_id.as_ref());
            if self.external.get(number).and_then(Option::as_ref) != external {
                return Some(format!("{id} is shown as {external:?} in place of {:?}", self.external.get(number)));
            }
            let roles = seen.roles.get(id).cloned().unwrap_or_default();
            if self.roles.get(number) != Some(&roles) {
                return Some(format!("{id} has the roles {roles:?} in place of {:?}", self.roles.get(number)));
            }
            let metadata = seen.metadata.get(id).cloned().unwrap_or_default();
            if self.metadata.get(number) != Some(&metadata) {
                return Some(format!("{id} has the metadata {metadata:?} in place of {:?}", self.metadata.get(number)));
            }
        }
        None
    }
}

impl Family {
    /// Nobody yet.
    pub(crate) fn new(name: String) -> Self {
        Self { name, settled: State::default(), perhaps: None, sent: None }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many login methods are there.
    pub(crate) fn size(&self) -> usize {
        self.settled.there().len()
    }

    /// Does the database agree with what was answered? What was in doubt is as it is found.
    pub(crate) fn settle(&mut self, seen: &Seen) -> Result<(), String> {
        if let Some(mut perhaps) = self.perhaps.take()
            && perhaps.differs(seen, &self.name).is_none()
        {
            self.settled = perhaps;
            // It may have been used at the end.
            self.sent = self.sent.take().filter(|(email, _)| self.settled.waiting.contains(email));
            return Ok(());
        }
        self.settled.differs(seen, &self.name).map_or(Ok(()), Err)
    }

    /// Does the program show the same?
    pub(crate) async fn over_http(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let state = self.settled.accounts.state();
        for (number, email) in self.settled.methods() {
            let id = self.settled.id(number);
            let shown = caller.json("GET", &format!("/user/id?userId={id}"), "").await?;
            let group = state["users"][number]["group"].as_u64().and_then(|group| usize::try_from(group).ok());
            let expected = self.settled.shown_id(group.unwrap_or(number));
            ensure!(shown["user"]["id"] == expected, "{id} is shown as {}", shown["user"]["id"]);
            let methods = shown["user"]["loginMethods"].as_array().cloned().unwrap_or_default();
            let own_id = self.settled.shown_id(number);
            let mine = methods.iter().find(|method| method["recipeUserId"] == own_id).context("without its login method")?;
            ensure!(mine["email"] == email, "{id} is shown with {}", mine["email"]);
        }
        Ok(())
    }

    /// What is done next.
    fn step(&self, dice: &mut Dice) -> Value {
        let email = match &self.sent {
            Some((email, _)) => {
                return json!({ "op": "create", "recipe": "passwordless", "tenant": "public", "email": email });
            }
            None => format!("{}-{}@x.io", self.name, dice.below(2 * MOST)),
        };
        let (there, chance) = (self.settled.there(), dice.below(100));
        if there.len() < 3 || (chance < 15 && there.len() < MOST) || chance == 99 {
            let account = format!("{}-g{}", self.name, dice.below(MOST));
            return match dice.below(3) {
                0 => json!({ "op": "create", "recipe": "emailpassword", "tenant": "public", "email": email }),
                1 => json!({
                    "op": "create", "recipe": "thirdparty", "tenant": "public", "email": email, "thirdParty": ["google", account],
                }),
                _ => json!({ "op": "send", "email": email }),
            };
        }
        let user = there[dice.below(there.len())];
        let has_password = self.settled.login_of(user).is_some_and(|login| login.starts_with("emailpassword"));
        match chance {
            ..26 => json!({ "op": "makePrimary", "user": user }),
            26..40 => json!({ "op": "link", "recipeUser": user, "primaryUser": there[dice.below(there.len())] }),
            40..48 => json!({ "op": "unlink", "user": user }),
            48..56 if has_password => json!({ "op": "update", "user": user, "field": "email", "value": email }),
            48..60 => json!({ "op": "associate", "user": user, "tenant": TENANT }),
            60..64 => json!({ "op": "disassociate", "user": user, "tenant": TENANT }),
            64..71 => json!({ "op": "giveRole", "user": user, "role": ROLES[dice.below(ROLES.len())] }),
            71..74 => json!({ "op": "takeRole", "user": user, "role": ROLES[dice.below(ROLES.len())] }),
            74..84 => {
                let key = ["a", "b", "c"][dice.below(3)];
                json!({ "op": "merge", "user": user, "key": key, "value": dice.below(1000) })
            }
            84..92 => json!({ "op": "map", "user": user, "external": format!("{}-x{}", self.name, dice.below(MOST)) }),
            _ => json!({ "op": "delete", "user": user, "removeAllLinkedAccounts": dice.below(2) == 0 }),
        }
    }

    /// The step as a question to the program.
    fn question(&self, step: &Value) -> (&'static str, &'static str, Value) {
        const LINKING: [&str; 3] =
            ["/recipe/accountlinking/user/primary", "/recipe/accountlinking/user/link", "/recipe/accountlinking/user/unlink"];
        let id = |name: &str| self.settled.id(usize::try_from(step[name].as_u64().unwrap_or_default()).unwrap_or_default());
        let user = id("user");
        match step["op"].as_str().unwrap_or_default() {
            "create" => self.log_in(step),
            "send" => ("POST", "/recipe/signinup/code", json!({ "email": step["email"] })),
            "makePrimary" => ("POST", LINKING[0], json!({ "recipeUserId": user })),
            "link" => {
                let both = json!({ "recipeUserId": id("recipeUser"), "primaryUserId": id("primaryUser") });
                ("POST", LINKING[1], both)
            }
            "unlink" => ("POST", LINKING[2], json!({ "recipeUserId": user })),
            "associate" => ("POST", "/t1/recipe/multitenancy/tenant/user", json!({ "recipeUserId": user })),
            "disassociate" => ("POST", "/t1/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": user })),
            "map" => {
                let asked = json!({ "superTokensUserId": user, "externalUserId": step["external"], "force": true });
                ("POST", "/recipe/userid/map", asked)
            }
            "update" => ("PUT", "/recipe/user", json!({ "recipeUserId": user, "email": step["value"] })),
            "giveRole" => ("PUT", "/recipe/user/role", json!({ "userId": user, "role": step["role"] })),
            "takeRole" => ("POST", "/recipe/user/role/remove", json!({ "userId": user, "role": step["role"] })),
            "merge" => {
                let key = step["key"].as_str().unwrap_or_default();
                ("PUT", "/recipe/user/metadata", json!({ "userId": user, "metadataUpdate": { key: step["value"] } }))
            }
            _ => {
                let all = &step["removeAllLinkedAccounts"];
                ("POST", "/user/remove", json!({ "userId": user, "removeAllLinkedAccounts": all }))
            }
        }
    }

    /// The same of a step that makes a user, or lets one in.
    fn log_in(&self, step: &Value) -> (&'static str, &'static str, Value) {
        match (step["recipe"].as_str().unwrap_or_default(), &self.sent) {
            ("thirdparty", _) => {
                let [provider, account] = [0, 1].map(|half| step["thirdParty"][half].clone());
                let email = json!({ "id": step["email"], "isVerified": false });
                let asked = json!({ "thirdPartyId": provider, "thirdPartyUserId": account, "email": email });
                ("POST", "/recipe/signinup", asked)
            }
            ("passwordless", Some((_, code))) => {
                let shown = json!({ "preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"] });
                ("POST", "/recipe/signinup/code/consume", shown)
            }
            _ => ("POST", "/recipe/signup", json!({ "email": step["email"], "password": "a passphrase" })),
        }
    }

    /// Notes what was answered.
    fn is_answered(&mut self, step: &Value, answer: Value, mut after: State) -> anyhow::Result<()> {
        if after.accounts.made() > after.ids.len() {
            after.ids.push(answer["recipeUserId"].as_str().context("no id")?.to_owned());
        }
        self.sent = match step["email"].as_str() {
            Some(email) if step["op"] == "send" => Some((email.to_owned(), answer)),
            _ => None,
        };
        (self.settled, self.perhaps) = (after, None);
        Ok(())
    }
}

/// What is answered beside the objects of users, which stand as the state has them.
const SAID: [&str; 13] = [
    "status",
    "createdNewUser",
    "wasAlreadyAssociated",
    "wasAssociated",
    "doesSuperTokensUserIdExist",
    "doesExternalUserIdExist",
    "wasAlreadyAPrimaryUser",
    "accountsAlreadyLinked",
    "wasRecipeUserDeleted",
    "wasLinked",
    "didUserAlreadyHaveRole",
    "didUserHaveRole",
    "metadata",
];

/// One caller: its users when the program was gone.
pub(crate) async fn call(port: u16, mut family: Family, mut dice: Dice, kill: Arc<Kill>) -> anyhow::Result<Family> {
    let mut caller = match Caller::connect(port).await {
        Ok(caller) => caller,
        Err(_) if kill.is_over() => return Ok(family),
        Err(error) => return Err(error),
    };
    loop {
        let step = family.step(&mut dice);
        let (verb, path, body) = family.question(&step);
        let (after, expected) = family.settled.after(&step);
        family.perhaps = Some(after.clone());
        let answer = match caller.json(verb, path, &body.to_string()).await {
            Ok(answer) => answer,
            Err(_) if kill.is_over() => return Ok(family),
            Err(error) => return Err(error.context("before the kill")),
        };
        for said in SAID.iter().filter(|said| !expected[**said].is_null()) {
            ensure!(answer[*said] == expected[*said], "{step} was answered with {answer} in place of {expected}");
        }
        family.is_answered(&step, answer, after)?;
        kill.answered()?;
    }
}
