//! Accounts are written as the rules say, in every migration mode: the same random changes are decided from what the database has and
//! from everything there is, and both must come to the same answers and the same users.

use std::collections::BTreeSet;
use std::error::Error;

use supertokens_domain::accounts::{
    AccountInfo, Changes, Group, InfoKind, Join, Link, Login, LoginChange, LoginMethod, MakePrimary, ThirdParty, Unlink,
    change_login, delete, gained, join, leave, link, make_primary, taken, unlink,
};
use supertokens_domain::ids::{AppId, TenantId, TenantIdentifier};
use supertokens_store::{DatabaseOptions, Db, StoreError, TenantRecord, Tx, taken_login};

use crate::world::{ALL, Kind, Outcome, World, tests};

tests! {
    accounts_are_written_as_the_rules_say on ALL,
}

const MODES: [&str; 4] = ["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"];

/// A small generator, so that a failure can be seen again (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

#[derive(Debug, Clone)]
enum Change {
    SignUp(LoginMethod),
    Primary(String),
    Link(String, String),
    Unlink(String),
    Login(String, Login),
    Join(String, TenantId),
    Leave(String, TenantId),
    Delete(String, bool),
}

/// What is written beside who belongs to whom.
#[derive(Debug, Clone)]
enum Step {
    Insert(LoginMethod),
    ChangeLogin(LoginMethod, LoginMethod, Group),
    Join(LoginMethod, TenantId, Group),
    Leave(String, TenantId),
    Delete(Vec<LoginMethod>, Vec<String>),
}

struct Plan {
    before: Vec<Group>,
    after: Vec<Group>,
    steps: Vec<Step>,
}

fn tenant(number: usize) -> TenantId {
    TenantId::normalise(["", "t1"][number])
}

fn a_login(dice: &mut Dice) -> Login {
    let email = format!("{}@x", ["a", "b", "c"][dice.roll(3)]);
    match dice.roll(4) {
        0 => Login::EmailPassword { email },
        1 => Login::Webauthn { email, credential_ids: BTreeSet::new() },
        2 => Login::ThirdParty { third_party: ThirdParty { id: "google".into(), user_id: format!("g{}", dice.roll(4)) }, email },
        _ if dice.roll(2) == 0 => Login::Passwordless { email: Some(email), phone: None },
        _ => Login::Passwordless { email: None, phone: Some(format!("+{}", dice.roll(3))) },
    }
}

fn another_login(dice: &mut Dice, old: &Login) -> Login {
    let email = format!("{}@x", ["a", "b", "c", "d"][dice.roll(4)]);
    match old {
        Login::EmailPassword { .. } => Login::EmailPassword { email },
        Login::Webauthn { credential_ids, .. } => Login::Webauthn { email, credential_ids: credential_ids.clone() },
        Login::ThirdParty { third_party, .. } => Login::ThirdParty { third_party: third_party.clone(), email },
        Login::Passwordless { email: old, phone } if phone.is_some() && dice.roll(2) == 0 => {
            Login::Passwordless { email: old.clone(), phone: Some(format!("+{}", dice.roll(4))) }
        }
        Login::Passwordless { phone, .. } => Login::Passwordless { email: Some(email), phone: phone.clone() },
    }
}

fn a_change(dice: &mut Dice, number: usize, all: &[Group]) -> Change {
    let ids: Vec<&LoginMethod> = all.iter().flat_map(|group| &group.methods).collect();
    if ids.len() < 4 || (ids.len() < 14 && dice.roll(3) == 0) {
        let id = format!("{number:08}-0000-4000-8000-00000000000{}", dice.roll(10));
        let joined = 1000 + i64::try_from(dice.roll(50)).unwrap();
        return Change::SignUp(LoginMethod::new(id, a_login(dice), tenant(dice.roll(2)), joined));
    }
    let method = ids[dice.roll(ids.len())];
    let id = method.recipe_user_id.clone();
    match dice.roll(9) {
        0 | 1 => Change::Primary(id),
        2 | 3 => Change::Link(id, ids[dice.roll(ids.len())].recipe_user_id.clone()),
        4 => Change::Unlink(id),
        5 => Change::Login(id, another_login(dice, &method.login)),
        6 => Change::Join(id, tenant(dice.roll(2))),
        7 => Change::Leave(id, tenant(dice.roll(2))),
        _ => Change::Delete(id, dice.roll(4) == 0),
    }
}

fn of<'a>(all: &'a [Group], id: &str) -> &'a Group {
    all.iter().find(|group| group.method(id).is_some()).unwrap()
}

/// Which users and which infos a change has to look at.
fn concerns(change: &Change, all: &[Group]) -> (Vec<String>, Vec<AccountInfo>) {
    let with_group = |id: &String| vec![id.clone(), of(all, id).id.clone()];
    let infos = |id: &String| of(all, id).infos().into_iter().collect::<Vec<_>>();
    match change {
        Change::SignUp(_) => (Vec::new(), Vec::new()),
        Change::Primary(id) | Change::Join(id, _) => (with_group(id), infos(id)),
        Change::Link(a, b) => ([with_group(a), with_group(b)].concat(), [infos(a), infos(b)].concat()),
        Change::Unlink(id) | Change::Leave(id, _) | Change::Delete(id, _) => (with_group(id), Vec::new()),
        Change::Login(id, login) => (with_group(id), gained(&of(all, id).method(id).unwrap().login, login)),
    }
}

/// The answer, and what has to be written for it. `all` is everything, or what the database found of it.
fn decide(change: &Change, all: &[Group]) -> (String, Option<Plan>) {
    let plan = |before: &[&Group], after: Vec<Group>, steps| {
        Some(Plan { before: before.iter().map(|group| (*group).clone()).collect(), after, steps })
    };
    let said = |answer: &str| (answer.to_owned(), None);
    match change {
        Change::SignUp(method) => {
            ("new".to_owned(), plan(&[], vec![Group::alone(method.clone())], vec![Step::Insert(method.clone())]))
        }
        Change::Primary(id) => match make_primary(of(all, id), id, all) {
            MakePrimary::Becomes(group) => ("primary".to_owned(), plan(&[of(all, id)], vec![group], Vec::new())),
            other => said(&format!("{other:?}")),
        },
        Change::Link(id, primary) => match link(of(all, id), of(all, primary), all) {
            Link::Becomes(group) => ("linked".to_owned(), plan(&[of(all, id), of(all, primary)], vec![group], Vec::new())),
            other => said(&format!("{other:?}")),
        },
        Change::Unlink(id) => match unlink(of(all, id), id) {
            Unlink::Leaves { alone, rest, .. } => {
                let group = of(all, id);
                let ghost = (rest.is_none() && group.is_ghost()).then(|| Step::Delete(Vec::new(), vec![group.id.clone()]));
                ("alone".to_owned(), plan(&[group], [Some(alone), rest].into_iter().flatten().collect(), Vec::from_iter(ghost)))
            }
            Unlink::LoginDeleted { rest } => {
                let method = of(all, id).method(id).unwrap().clone();
                ("deleted".to_owned(), plan(&[of(all, id)], vec![rest], vec![Step::Delete(vec![method], Vec::new())]))
            }
            other => said(&format!("{other:?}")),
        },
        Change::Login(id, login) => match change_login(of(all, id), id, login.clone(), all) {
            LoginChange::Becomes(group) => {
                let (old, new) = (of(all, id).method(id).unwrap().clone(), group.method(id).unwrap().clone());
                let step = Step::ChangeLogin(old, new, group.clone());
                ("changed".to_owned(), plan(&[of(all, id)], vec![group], vec![step]))
            }
            other => said(&format!("{other:?}")),
        },
        Change::Join(id, tenant) => match join(of(all, id), id, tenant, all) {
            Join::Becomes(group) => {
                let step = Step::Join(group.method(id).unwrap().clone(), tenant.clone(), group.clone());
                ("joined".to_owned(), plan(&[of(all, id)], vec![group], vec![step]))
            }
            other => said(&format!("{other:?}")),
        },
        Change::Leave(id, tenant) => match leave(of(all, id), id, tenant) {
            Some(group) => ("left".to_owned(), plan(&[of(all, id)], vec![group], vec![Step::Leave(id.clone(), tenant.clone())])),
            None => said("not there"),
        },
        Change::Delete(id, all_linked) => {
            let deletion = delete(of(all, id), id, *all_linked).unwrap();
            let users = deletion.users.into_iter().map(|user| user.id).collect();
            let step = Step::Delete(deletion.methods, users);
            ("gone".to_owned(), plan(&[of(all, id)], deletion.rest.into_iter().collect(), vec![step]))
        }
    }
}

/// The rule of a recipe's key, which a database holds by itself.
fn key_taken(plan: &Plan, all: &[Group]) -> Option<InfoKind> {
    let methods = || all.iter().flat_map(|group| &group.methods);
    plan.steps.iter().find_map(|step| match step {
        Step::Insert(method) | Step::ChangeLogin(_, method, _) => taken(method, methods()),
        Step::Join(method, tenant, _) => {
            let mut only_there = method.clone();
            only_there.tenants = BTreeSet::from([tenant.clone()]);
            taken(&only_there, methods())
        }
        Step::Leave(..) | Step::Delete(..) => None,
    })
}

async fn write(tx: &mut Tx<'_>, app: &AppId, plan: &Plan) -> Result<(), StoreError> {
    for step in &plan.steps {
        match step {
            Step::Insert(method) => tx.insert_user(app, method, Some("kept")).await?,
            Step::ChangeLogin(old, new, group) => tx.change_login(app, old, new, group).await?,
            Step::Join(method, tenant, group) => tx.insert_in_tenant(app, method, tenant, group).await?,
            Step::Leave(id, tenant) => tx.delete_from_tenant(app, id, tenant).await?,
            Step::Delete(methods, _) => tx.delete_logins(app, methods).await?,
        }
    }
    tx.change_groups(app, &Changes::between(&plan.before, &plan.after), &plan.after).await?;
    for step in &plan.steps {
        if let Step::Delete(_, users) = step {
            tx.delete_users(app, users).await?;
        }
    }
    Ok(())
}

fn kind_said(kind: InfoKind) -> String {
    format!("{kind:?} taken")
}

/// Through the database.
async fn carry_out(db: &Db, app: &AppId, change: &Change, all: &[Group]) -> Result<String, StoreError> {
    let (ids, gains) = concerns(change, all);
    let (app, of_change) = (app.clone(), change.clone());
    let done = db.tx(async move |tx| {
        let found = if ids.is_empty() { Vec::new() } else { tx.users_locked(&app, &ids, &gains).await? };
        let (answer, plan) = decide(&of_change, &found);
        if let Some(plan) = &plan {
            write(tx, &app, plan).await?;
        }
        Ok(answer)
    });
    let login = match change {
        Change::SignUp(method) => method.login.clone(),
        Change::Login(id, login) => match (login, &of(all, id).method(id).unwrap().login) {
            // Only one of the two changes here.
            (Login::Passwordless { email, phone }, Login::Passwordless { email: old, .. }) if email == old => {
                Login::Passwordless { email: None, phone: phone.clone() }
            }
            _ => login.clone(),
        },
        Change::Join(id, _) => of(all, id).method(id).unwrap().login.clone(),
        _ => Login::EmailPassword { email: String::new() },
    };
    match done.await {
        Err(error) => match taken_login(&error, &login) {
            Some(kind) => Ok(kind_said(kind)),
            None => Err(error),
        },
        Ok(answer) => Ok(answer),
    }
}

async fn accounts_are_written_as_the_rules_say(w: &World) -> Outcome {
    w.with_base().await?;
    let modes: &[&str] = if w.kind == Kind::Postgres { &MODES } else { &MODES[3..] };
    for (number, mode) in modes.iter().enumerate() {
        let db = match &w.options {
            DatabaseOptions::Postgres(options) => {
                let mut options = options.clone();
                options.migration_mode = (*mode).to_owned();
                Db::open(DatabaseOptions::Postgres(options)).await?
            }
            DatabaseOptions::Sqlite(_) => w.db.clone(),
        };
        for seed in 0..3_u64 {
            let app = AppId::normalise(&format!("a{number}x{seed}"));
            for which in 0..2 {
                let id = TenantIdentifier { app: app.clone(), tenant: tenant(which), ..TenantIdentifier::default() };
                let record = TenantRecord { id, ..TenantRecord::base() };
                db.tx(async move |tx| tx.save_tenant(&record, 1).await).await?;
            }
            let users = random_changes(&db, &app, seed, mode).await?;
            if w.kind != Kind::Memory {
                rows_are_those_of_the_mode(w, &app, mode, &users).await;
            }
        }
    }
    Ok(())
}

async fn random_changes(db: &Db, app: &AppId, seed: u64, mode: &str) -> Result<Vec<Group>, Box<dyn Error + Send + Sync>> {
    let (mut dice, mut all, mut answers) = (Dice(seed), Vec::<Group>::new(), BTreeSet::new());
    for number in 0..130 {
        let change = a_change(&mut dice, number, &all);
        let (mut expected, plan) = decide(&change, &all);
        let taken = plan.as_ref().and_then(|plan| key_taken(plan, &all));
        if let Some(kind) = taken {
            expected = kind_said(kind);
        }
        let answer = carry_out(db, app, &change, &all).await?;
        assert_eq!(answer, expected, "{mode}, seed {seed}, {number}: {change:?} with {all:#?}");
        answers.insert(answer);
        if let Some(plan) = plan.filter(|_| taken.is_none()) {
            all.retain(|group| !plan.before.iter().any(|old| old.id == group.id));
            all.extend(plan.after);
        }
        let ids: Vec<String> = all.iter().flat_map(|group| &group.methods).map(|method| method.recipe_user_id.clone()).collect();
        let app = app.clone();
        let mut stored = db.read(async move |tx| tx.users_by_internal_ids(&app, &ids).await).await?;
        stored.sort_by(|a, b| a.id.cmp(&b.id));
        all.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(stored, all, "{mode}, seed {seed}, {number}: {change:?}");
    }
    for wanted in ["new", "primary", "linked", "alone", "changed", "joined", "left", "gone", "Email taken"] {
        assert!(answers.contains(wanted), "{wanted} never came, seed {seed}: {answers:?}");
    }
    Ok(all)
}

/// How many rows each table has, which is none in the tables that the mode does not write.
async fn rows_are_those_of_the_mode(w: &World, app: &AppId, mode: &str, users: &[Group]) {
    let methods = || users.iter().flat_map(|group| &group.methods);
    let places: usize = methods().map(|method| method.tenants.len()).sum();
    let infos: usize = methods().map(|method| method.login.info_rows().len()).sum();
    let tenant_infos: usize = methods().map(|method| method.tenants.len() * method.login.info_rows().len()).sum();
    let owned: usize = users.iter().map(|group| group.reservations().len()).sum();
    let (old, new) = (mode != "MIGRATED", mode != "LEGACY");
    for (table, expected) in [
        ("all_auth_recipe_users", if old { places } else { 0 }),
        ("recipe_user_account_infos", if new { infos } else { 0 }),
        ("recipe_user_tenants", if new { tenant_infos } else { 0 }),
        ("primary_user_tenants", if new { owned } else { 0 }),
    ] {
        let found = w.number(&format!("SELECT COUNT(*) FROM {table} WHERE app_id = '{app}'")).await;
        assert_eq!(usize::try_from(found).unwrap(), expected, "{mode}: {table}");
    }
    let linked = "recipe_user_account_infos WHERE primary_user_id IS NOT NULL";
    let linked = w.number(&format!("SELECT COUNT(*) FROM {linked} AND app_id = '{app}'")).await;
    let in_groups: usize = users
        .iter()
        .filter(|group| group.is_primary)
        .flat_map(|group| &group.methods)
        .map(|method| method.login.info_rows().len())
        .sum();
    assert_eq!(usize::try_from(linked).unwrap(), if new { in_groups } else { 0 }, "{mode}");
    // In LEGACY nobody's time stands among the users' ids.
    let times = w.number(&format!("SELECT COUNT(*) FROM app_id_to_user_id WHERE app_id = '{app}' AND time_joined > 0")).await;
    assert_eq!(times > 0, new, "{mode}");
}
