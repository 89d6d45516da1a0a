//! Changes of users that happen truly at once, and whether some order of them tells what was answered and where it ended.
//!
//! A seed makes users, some of them linked and in several tenants, and steps for a few callers, who then all begin together, each with a
//! connection of its own. The users are few and share addresses, so that the steps are in each other's way. Afterwards every table is
//! walked (`accounts_walk`), and the steps are put into every order that keeps each caller's own, until the model of accounts
//! (`accounts_model`) gives all the answers that were given and ends where the database is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};
use supertokens_domain::accounts::{Changes, Group, Login, LoginMethod};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_store::StoreError;

use crate::accounts_model::{Accounts, Steps};
use crate::accounts_walk::{Written, lines, question};
use crate::cdi::place::put_tenant;
use crate::cdi::session::races::at_once;
use crate::{Answer, World};

/// How many callers there are, and how many steps each of them takes.
const CALLERS: usize = 4;
const STEPS: usize = 2;
/// How many steps there are before, one after the other.
const BEFORE: usize = 14;
/// At most so many users are there before.
const USERS: usize = 7;
/// After so many sequences the database is emptied, as the walk asks all of it.
const KEPT: u64 = 25;

/// What came of some sequences.
#[derive(Debug, Default)]
pub struct Report {
    /// Each operation with an answer that it got.
    pub answers: BTreeSet<(String, String)>,
    /// How many steps the core was too busy for.
    pub busy: u64,
}

/// A step that was taken at once with others, and what came of it.
#[derive(Debug)]
struct Taken {
    step: Value,
    answer: Value,
    /// The id of a user who has signed up.
    id: Option<String>,
    /// Which of all it was to be answered.
    place: usize,
}

/// Runs the sequences of these seeds in a world that has no users. `mode` is its migration mode.
///
/// # Panics
/// If no order tells what happened, or anything is half done.
pub async fn run(w: &World, mode: &str, seeds: std::ops::Range<u64>, after_each: impl Fn()) -> Report {
    let mut report = Report::default();
    for tenant in ["t1", "t2"] {
        put_tenant(w, "", tenant, json!({})).await;
    }
    for (number, seed) in (0..).zip(seeds) {
        if number % KEPT == KEPT - 1 {
            empty(w).await;
        }
        sequence(w, mode, seed, &mut report).await;
        after_each();
    }
    report
}

async fn sequence(w: &World, mode: &str, seed: u64, report: &mut Report) {
    let mut steps = Steps::new(seed, USERS);
    let begun = beginning(&mut steps);
    store(w, seed, &begun).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let steps: Vec<Value> = (0..STEPS).map(|_| at_once_with_others(&mut steps, &begun)).collect();
            let (w, answered) = (w.clone(), Arc::clone(&answered));
            async move {
                let mut taken = Vec::new();
                for step in steps {
                    let (answer, id) = take(&w, seed, &step).await;
                    taken.push(Taken { step, answer, id, place: answered.fetch_add(1, Ordering::SeqCst) });
                }
                taken
            }
        })
        .collect();
    let taken = at_once(callers).await;
    for step in taken.iter().flatten() {
        report.busy += u64::from(step.answer["http"] == 503);
        report.answers.insert((step.step["op"].to_string(), step.answer["status"].to_string()));
    }
    let wrong = lines(w.rows(&question(Written::in_mode(mode))).await);
    assert!(wrong.is_empty(), "{mode}, seed {seed}, {taken:#?} leaves {wrong:#?}");
    let ids = (0..begun.made()).map(|number| id(seed, number)).chain(taken.iter().flatten().filter_map(|it| it.id.clone()));
    let ids: Vec<String> = ids.collect();
    let stored = w.core().db().read(async move |tx| tx.users_by_internal_ids(&AppId::default(), &ids).await).await;
    let ended = shape(&stored.expect("the users are read"), &|id| id.to_owned());
    let ids: Vec<String> = (0..begun.made()).map(|number| id(seed, number)).collect();
    let mut places = [0; CALLERS];
    assert!(
        some_order(&begun, &ids, &taken, &mut places, &ended),
        "{mode}, seed {seed}: no order of {taken:#?}\nfrom {:#?}\nleads to {ended:#?}",
        shape(begun.groups(), &|number| id(seed, number.parse().expect("a number"))),
    );
}

/// The users before: made, linked and in several tenants, or in none. Nobody has gone, so that all can be stored as they are.
fn beginning(steps: &mut Steps) -> Accounts {
    let mut accounts = Accounts::default();
    for _ in 0..BEFORE {
        let step = steps.next(accounts.made());
        if ["create", "makePrimary", "link", "associate", "disassociate"].iter().any(|op| step["op"] == *op) {
            accounts.answer(&step);
        }
    }
    accounts
}

fn id(seed: u64, number: usize) -> String {
    format!("{seed:08x}-0000-4000-8000-{number:012x}")
}

/// A value that only this seed's users have.
fn own(seed: u64, value: &str) -> String {
    match value.strip_prefix('+') {
        Some(phone) => format!("+{}", phone.parse::<u64>().expect("digits") + seed * 100),
        None => format!("{seed}-{value}"),
    }
}

/// Stores users as they are in the model.
async fn store(w: &World, seed: u64, accounts: &Accounts) {
    let named = |number: &str| id(seed, number.parse().expect("a number"));
    let login = |login: &Login| match login.clone() {
        Login::EmailPassword { email } => Login::EmailPassword { email: own(seed, &email) },
        Login::Webauthn { email, credential_ids } => Login::Webauthn { email: own(seed, &email), credential_ids },
        Login::ThirdParty { mut third_party, email } => {
            third_party.user_id = own(seed, &third_party.user_id);
            Login::ThirdParty { third_party, email: own(seed, &email) }
        }
        Login::Passwordless { email, phone } => {
            Login::Passwordless { email: email.map(|it| own(seed, &it)), phone: phone.map(|it| own(seed, &it)) }
        }
    };
    let method = |method: &LoginMethod| LoginMethod {
        recipe_user_id: named(&method.recipe_user_id),
        login: login(&method.login),
        ..method.clone()
    };
    let after: Vec<Group> = accounts
        .groups()
        .iter()
        .map(|group| Group { id: named(&group.id), methods: group.methods.iter().map(method).collect(), ..group.clone() })
        .collect();
    let core = w.core();
    let stored = core.db().tx(async move |tx| {
        let app = AppId::default();
        let before: Vec<Group> = after.iter().flat_map(|group| group.methods.iter().cloned()).map(Group::alone).collect();
        for method in before.iter().flat_map(|group| &group.methods) {
            tx.insert_user(&app, method, Some("kept")).await?;
        }
        tx.change_groups(&app, &Changes::between(&before, &after), &after).await?;
        Ok::<_, StoreError>(())
    });
    stored.await.expect("the users are stored");
}

/// A step that can be asked of a core, and is about users from before.
fn at_once_with_others(steps: &mut Steps, begun: &Accounts) -> Value {
    let has_password = |user: &Value| {
        let number = user.as_u64().unwrap_or_default().to_string();
        let mut methods = begun.groups().iter().flat_map(|group| &group.methods);
        methods.any(|method| method.recipe_user_id == number && matches!(method.login, Login::EmailPassword { .. }))
    };
    loop {
        let step = steps.next(begun.made().max(4));
        match step["op"].as_str().unwrap_or_default() {
            "create" if step["email"].is_string() => {
                return json!({ "op": "create", "recipe": "emailpassword", "tenant": step["tenant"], "email": step["email"] });
            }
            "update" if step["field"] == "email" && has_password(&step["user"]) => return step,
            "makePrimary" | "link" | "unlink" | "delete" | "associate" | "disassociate" => return step,
            _ => {}
        }
    }
}

/// The answer, and the id of whoever has signed up.
async fn take(w: &World, seed: u64, step: &Value) -> (Value, Option<String>) {
    let user = |name: &str| id(seed, usize::try_from(step[name].as_u64().unwrap_or_default()).unwrap_or_default());
    let value = |name: &str| own(seed, step[name].as_str().unwrap_or_default());
    let linking = |what: &str| format!("/recipe/accountlinking/user/{what}");
    let at = step["tenant"].as_str().filter(|tenant| *tenant != "public").map(|tenant| format!("/{tenant}")).unwrap_or_default();
    let in_tenant = |what: &str| format!("{at}/recipe/multitenancy/tenant/{what}");
    let said: Answer = match step["op"].as_str().unwrap_or_default() {
        "create" => {
            let path = format!("{at}/recipe/signup");
            w.post("5.4", &path, json!({ "email": value("email"), "password": "a passphrase" })).await
        }
        "makePrimary" => w.post("5.4", &linking("primary"), json!({ "recipeUserId": user("user") })).await,
        "link" => {
            let both = json!({ "recipeUserId": user("recipeUser"), "primaryUserId": user("primaryUser") });
            w.post("5.4", &linking("link"), both).await
        }
        "unlink" => w.post("5.4", &linking("unlink"), json!({ "recipeUserId": user("user") })).await,
        "update" => w.put("5.4", "/recipe/user", json!({ "recipeUserId": user("user"), "email": value("value") })).await,
        "associate" => w.post("5.4", &in_tenant("user"), json!({ "recipeUserId": user("user") })).await,
        "disassociate" => w.post("5.4", &in_tenant("user/remove"), json!({ "recipeUserId": user("user") })).await,
        _ => {
            let body = json!({ "userId": user("user"), "removeAllLinkedAccounts": step["removeAllLinkedAccounts"] });
            w.post("5.4", "/user/remove", body).await
        }
    };
    let answer = if said.status == 200 { said.json() } else { json!({ "http": said.status, "text": said.text.trim() }) };
    let is_new = step["op"] == "create" && answer["status"] == "OK";
    let id = is_new.then(|| answer["recipeUserId"].as_str().expect("an id").to_owned());
    (answer, id)
}

/// What an answer has beside the objects of users.
const SAID: [&str; 9] = [
    "http",
    "text",
    "status",
    "wasAlreadyAPrimaryUser",
    "accountsAlreadyLinked",
    "wasRecipeUserDeleted",
    "wasLinked",
    "wasAlreadyAssociated",
    "wasAssociated",
];

/// Is there an order of what is left that tells the answers and ends so? `ids` are in the order of the model's numbers.
fn some_order(accounts: &Accounts, ids: &[String], taken: &[Vec<Taken>], places: &mut [usize; CALLERS], ended: &[Shape]) -> bool {
    // What was answered first has mostly happened first.
    let nexts = taken.iter().enumerate().filter_map(|(caller, steps)| Some((caller, steps.get(places[caller])?)));
    let mut nexts: Vec<(usize, &Taken)> = nexts.collect();
    nexts.sort_by_key(|(_, next)| next.place);
    let is_over = nexts.is_empty();
    for (caller, next) in nexts {
        let (mut after, mut named) = (accounts.clone(), ids.to_vec());
        // What the core was too busy for has not happened.
        if next.answer["http"] != 503 {
            let told = after.answer(&next.step);
            if SAID.iter().any(|said| told[*said] != next.answer[*said]) {
                continue;
            }
            named.extend(next.id.clone());
        }
        places[caller] += 1;
        let is_told = some_order(&after, &named, taken, places, ended);
        places[caller] -= 1;
        if is_told {
            return true;
        }
    }
    is_over && shape(accounts.groups(), &|number| ids[number.parse::<usize>().expect("a number")].clone()) == ended
}

/// A user as it is compared: its id, whether it is primary, and each login method with how many ways to log in and with its tenants.
type Shape = (String, bool, BTreeSet<(String, String, BTreeSet<TenantId>)>);

fn shape(groups: &[Group], named: &dyn Fn(&str) -> String) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = groups
        .iter()
        .map(|group| {
            let methods = group.methods.iter().map(|method| {
                // The seed stands before the values, and is none of the model's affair.
                let values = method.login.infos().into_iter().map(|info| match info.value.split_once('-') {
                    Some((_, value)) => value.to_owned(),
                    None => info.value,
                });
                let values: Vec<String> = values.filter(|value| value.contains('@')).collect();
                (named(&method.recipe_user_id), values.join(" "), method.tenants.clone())
            });
            (named(&group.id), group.is_primary, methods.collect())
        })
        .collect();
    shapes.sort();
    shapes
}

/// Takes all users away.
pub async fn empty(w: &World) {
    // Rows of users take with them what hangs on them.
    let tables = ["app_id_to_user_id", "recipe_user_account_infos", "recipe_user_tenants", "primary_user_tenants"];
    join_all(tables.map(|table| async move { w.write(&format!("delete from {table}")).await })).await;
}
