//! Callers who sign up, link, unlink, change addresses, roles and metadata, and remove users; and what must be left of those.
//!
//! Each caller has users of its own, with addresses that no other takes, so the model of accounts says what is answered and how all of
//! them stand afterwards. What was on its way at the kill has happened whole or not at all.
#![expect(clippy::indexing_slicing, reason = "lists that are as long as the model has users, and JSON of our own")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use supertokens_testkit::accounts_model::Accounts;
use supertokens_testkit::program::Caller;

use crate::{Dice, Kill, rows};

/// At most so many login methods of a caller are there at a time.
const MOST: usize = 8;
/// The roles that there are.
pub(crate) const ROLES: [&str; 3] = ["reader", "writer", "owner"];

/// The users of one caller.
pub(crate) struct Family {
    name: String,
    settled: State,
    /// What is if the question that was on its way was answered.
    perhaps: Option<State>,
}

/// How users stand. Numbers are those of the model; ids are in their order.
#[derive(Clone, Default)]
struct State {
    accounts: Accounts,
    ids: Vec<String>,
    roles: Vec<BTreeSet<String>>,
    metadata: Vec<BTreeMap<String, u64>>,
}

/// What the database has.
pub(crate) struct Seen {
    /// The id of the group, whether it is a primary user, and the address, if the login method is there.
    users: HashMap<String, (String, bool, Option<String>)>,
    by_email: HashMap<String, String>,
    roles: HashMap<String, BTreeSet<String>>,
    metadata: HashMap<String, BTreeMap<String, u64>>,
}

/// Reads it past the program.
pub(crate) async fn seen(url: &str) -> anyhow::Result<Seen> {
    let mut seen = Seen { users: HashMap::new(), by_email: HashMap::new(), roles: HashMap::new(), metadata: HashMap::new() };
    let sql = "SELECT CAST(a.user_id AS TEXT), CAST(a.primary_or_recipe_user_id AS TEXT),
                   CASE WHEN a.is_linked_or_is_a_primary_user THEN 'yes' ELSE 'no' END, e.email
               FROM app_id_to_user_id a LEFT JOIN emailpassword_users e ON e.app_id = a.app_id AND e.user_id = a.user_id";
    for row in rows(url, sql).await? {
        let [id, group, is_primary, email] = <[Option<String>; 4]>::try_from(row).ok().context("four columns")?;
        let (id, group) = (id.context("no id")?, group.context("no group")?);
        if let Some(email) = &email {
            seen.by_email.insert(email.clone(), id.clone());
        }
        seen.users.insert(id, (group, is_primary.as_deref() == Some("yes"), email));
    }
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

    /// What the step makes of it, and what has to be answered.
    fn after(&self, step: &Value) -> (Self, Value) {
        let (mut after, before) = (self.clone(), self.rows());
        let number = usize::try_from(step["user"].as_u64().unwrap_or_default()).unwrap_or_default();
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        let answer = match text("op").as_str() {
            "giveRole" => json!({ "status": "OK", "didUserAlreadyHaveRole": !after.roles[number].insert(text("role")) }),
            "takeRole" => json!({ "status": "OK", "didUserHaveRole": after.roles[number].remove(&text("role")) }),
            "merge" => {
                after.metadata[number].insert(text("key"), step["value"].as_u64().unwrap_or_default());
                json!({ "status": "OK", "metadata": after.metadata[number] })
            }
            _ => after.accounts.answer(step),
        };
        if step["op"] == "delete" {
            for gone in before.difference(&after.rows()) {
                after.roles[*gone].clear();
                after.metadata[*gone].clear();
            }
        }
        after.roles.resize(after.accounts.made(), BTreeSet::new());
        after.metadata.resize(after.accounts.made(), BTreeMap::new());
        (after, answer)
    }

    /// In what the database differs, if it does. Somebody who signed up and got no answer is found by the address.
    fn differs(&mut self, seen: &Seen) -> Option<String> {
        let emails: HashMap<usize, String> = self.methods().map(|(number, email)| (number, email.to_owned())).collect();
        if let (true, Some(email)) = (self.ids.len() < self.accounts.made(), emails.get(&self.ids.len())) {
            let Some(id) = seen.by_email.get(email) else { return Some(format!("nobody has signed up with {email}")) };
            self.ids.push(id.clone());
        }
        let state = self.accounts.state();
        for (number, id) in self.ids.iter().enumerate() {
            let (group, is_primary, email) = seen
                .users
                .get(id)
                .map_or((None, false, None), |(group, is_primary, email)| (Some(group.as_str()), *is_primary, email.as_ref()));
            if email != emails.get(&number) {
                return Some(format!("{id} has the address {email:?} in place of {:?}", emails.get(&number)));
            }
            let expected = state["users"][number]["group"].as_u64().and_then(|group| usize::try_from(group).ok());
            if email.is_some()
                && (is_primary, group) != (expected.is_some(), Some(expected.map_or(id.as_str(), |group| self.id(group))))
            {
                return Some(format!("{id} belongs to {group:?}, primary: {is_primary}, in place of {expected:?}"));
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
        Self { name, settled: State::default(), perhaps: None }
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
            && perhaps.differs(seen).is_none()
        {
            self.settled = perhaps;
            return Ok(());
        }
        self.settled.differs(seen).map_or(Ok(()), Err)
    }

    /// Does the program show the same?
    pub(crate) async fn over_http(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let state = self.settled.accounts.state();
        for (number, email) in self.settled.methods() {
            let id = self.settled.id(number);
            let shown = caller.json("GET", &format!("/user/id?userId={id}"), "").await?;
            let group = state["users"][number]["group"].as_u64().and_then(|group| usize::try_from(group).ok());
            let expected = group.map_or(id, |group| self.settled.id(group));
            ensure!(shown["user"]["id"] == expected, "{id} is shown as {}", shown["user"]["id"]);
            let methods = shown["user"]["loginMethods"].as_array().cloned().unwrap_or_default();
            let mine = methods.iter().find(|method| method["recipeUserId"] == id).context("without its login method")?;
            ensure!(mine["email"] == email, "{id} is shown with {}", mine["email"]);
        }
        Ok(())
    }

    /// What is done next.
    fn step(&self, dice: &mut Dice) -> Value {
        let there = self.settled.there();
        let email = format!("{}-{}@x.io", self.name, dice.below(2 * MOST));
        let chance = dice.below(100);
        if there.len() < 3 || (chance < 15 && there.len() < MOST) {
            return json!({ "op": "create", "recipe": "emailpassword", "tenant": "public", "email": email });
        }
        let user = there[dice.below(there.len())];
        match chance {
            ..30 => json!({ "op": "makePrimary", "user": user }),
            30..48 => json!({ "op": "link", "recipeUser": user, "primaryUser": there[dice.below(there.len())] }),
            48..55 => json!({ "op": "unlink", "user": user }),
            55..65 => json!({ "op": "update", "user": user, "field": "email", "value": email }),
            65..75 => json!({ "op": "giveRole", "user": user, "role": ROLES[dice.below(ROLES.len())] }),
            75..80 => json!({ "op": "takeRole", "user": user, "role": ROLES[dice.below(ROLES.len())] }),
            80..94 => {
                let key = ["a", "b", "c"][dice.below(3)];
                json!({ "op": "merge", "user": user, "key": key, "value": dice.below(1000) })
            }
            _ => json!({ "op": "delete", "user": user, "removeAllLinkedAccounts": dice.below(2) == 0 }),
        }
    }

    /// The step as a question to the program.
    fn question(&self, step: &Value) -> (&'static str, &'static str, Value) {
        let id = |name: &str| self.settled.id(usize::try_from(step[name].as_u64().unwrap_or_default()).unwrap_or_default());
        let user = id("user");
        match step["op"].as_str().unwrap_or_default() {
            "create" => ("POST", "/recipe/signup", json!({ "email": step["email"], "password": "a passphrase" })),
            "makePrimary" => ("POST", "/recipe/accountlinking/user/primary", json!({ "recipeUserId": user })),
            "link" => {
                let both = json!({ "recipeUserId": id("recipeUser"), "primaryUserId": id("primaryUser") });
                ("POST", "/recipe/accountlinking/user/link", both)
            }
            "unlink" => ("POST", "/recipe/accountlinking/user/unlink", json!({ "recipeUserId": user })),
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
}

/// What is answered beside the objects of users, which stand as the state has them.
const SAID: [&str; 8] = [
    "status",
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
        let (mut after, expected) = family.settled.after(&step);
        family.perhaps = Some(after.clone());
        let answer = match caller.json(verb, path, &body.to_string()).await {
            Ok(answer) => answer,
            Err(_) if kill.is_over() => return Ok(family),
            Err(error) => return Err(error.context("before the kill")),
        };
        for said in SAID.iter().filter(|said| !expected[**said].is_null()) {
            ensure!(answer[*said] == expected[*said], "{step} was answered with {answer} in place of {expected}");
        }
        if after.accounts.made() > after.ids.len() {
            after.ids.push(answer["recipeUserId"].as_str().context("no id")?.to_owned());
        }
        (family.settled, family.perhaps) = (after, None);
        kill.answered()?;
    }
}
