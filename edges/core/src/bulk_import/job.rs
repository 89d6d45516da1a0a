//! The job that imports those who wait (core-linking.md 3.6, 3.7). Some at a time come in and leave the queue in one transaction, so that who
//! is killed between has done nothing; any number of cores share a queue, row by row.
//!
//! Passwords are hashed before: such rows are lent for a while, and come in by a second transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use supertokens_domain::bulk_import::{Admission, Context, Ids, named_roles, named_tenants, read};
use supertokens_domain::emailpassword::cost::Caps;
use supertokens_domain::ids::{AppId, AppIdentifier};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::secret::Secret;
use supertokens_domain::time::{MINUTE, Millis};
use supertokens_store::{Dialect, StoreError, TakenRow, Tx};
use tokio::task::JoinSet;

use super::entry::{Places, let_in};
use super::{TRIES, is_of_a_row};
use crate::Core;
use crate::caller::Caller;
use crate::error::{Error, chain};
use crate::tenants::Entry;

/// So many users come in at a time: SQLite has one writer, and others wait meanwhile; PostgreSQL holds a lock for each thing that primary
/// users own.
const AT_ONCE: usize = 100;
/// So many are lent at a time, to be hashed.
const LENT_AT_ONCE: usize = 32;
/// How long a row is lent, in ms. Whoever has not brought it in by then has died, or is too slow: others take it.
const LENT_FOR: Millis = 2 * MINUTE;
/// A core takes no more of its connections than this for one app.
const MOST_WORKERS: usize = 4;
/// Of passwords that wait for a thread, as others log in.
const HASHING_PAUSE: Duration = Duration::from_millis(200);
/// After so many users PostgreSQL looks at how large the tables have become.
const SIZE_UP_EVERY: usize = 2_000;
/// What is said of a user that the database would not take, for a reason that the log has.
const NOT_STORED: &str = "E001: the user could not be stored; the log of the core says why";

/// What is common to those who work on the queue of an app.
struct Work {
    core: Core,
    app: AppId,
    entry: Arc<Entry>,
    /// Behind which row the next ones are.
    place: Mutex<(Millis, String)>,
    /// What was lent before this has been left.
    left_before: Millis,
    done: Mutex<usize>,
}

/// Which rows are taken.
enum Which {
    /// Some that were left.
    Left,
    /// The next ones.
    Next,
    /// These.
    These(Vec<String>),
    /// These, which were lent at this time.
    Lent(Vec<String>, Millis),
}

/// What came of a transaction.
struct Round {
    /// So many rows were taken.
    taken: usize,
    /// The last of them, in the order in which they wait.
    last: Option<(Millis, String)>,
    /// Those that were lent, to be hashed.
    lent: Vec<TakenRow>,
    /// When they were, which tells them from such as others have taken since.
    lent_at: Millis,
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Imports all who wait, and says how many rows there were. One run at a time in this process.
    pub(crate) async fn import_waiting_users(&self) -> Result<u64, Error> {
        let _turn = self.0.importing.lock().await;
        let mut done = 0;
        for app in self.0.db.read_long(async |tx| tx.apps_with_waiting_users().await).await? {
            let at = AppIdentifier { app: app.clone(), ..AppIdentifier::default() };
            // Which another process has just made.
            let Some(entry) = self.0.tenants.find(&at.public(), self.0.clock.now()).await? else { continue };
            done += self.import_of(app, entry).await?;
        }
        Ok(done)
    }

    async fn import_of(&self, app: AppId, entry: Arc<Entry>) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let is_shared = self.0.db.dialect() == Dialect::Postgres;
        let parallelism = parallelism(&entry);
        // Where nobody else can be at work, what is lent was lent by one who is dead.
        let left_before = if is_shared { now.saturating_sub(LENT_FOR) } else { Millis::MAX };
        let place = Mutex::new((Millis::MIN, String::new()));
        let work = Arc::new(Work { core: self.clone(), app, entry, place, left_before, done: Mutex::new(0) });
        while work.round(Which::Left, AT_ONCE).await? > 0 {}
        let workers = if is_shared { parallelism.min(MOST_WORKERS) } else { 1 };
        let mut all = JoinSet::new();
        for _ in 0..workers {
            all.spawn(Arc::clone(&work).until_nobody_waits());
        }
        while let Some(ended) = all.join_next().await {
            ended.map_err(Error::fault)??;
        }
        let done = *unpoisoned(&work.done);
        Ok(u64::try_from(done).unwrap_or(u64::MAX))
    }
}

fn parallelism(entry: &Entry) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let set = entry.config.bulk_migration_parallelism.and_then(|set| usize::try_from(set).ok());
    set.unwrap_or_else(processors).max(1)
}

impl Work {
    async fn until_nobody_waits(self: Arc<Self>) -> Result<(), Error> {
        let batch = usize::try_from(self.entry.config.bulk_migration_batch_size).unwrap_or(usize::MAX).max(1);
        let rest = self.entry.config.bulk_migration_sleep_between_rounds_in_batch_ms;
        let rest = Duration::from_millis(rest.and_then(|rest| u64::try_from(rest).ok()).unwrap_or_default());
        let at_once = AT_ONCE.min((batch / parallelism(&self.entry)).max(1));
        let (mut since_rest, mut since_size) = (0, SIZE_UP_EVERY);
        loop {
            if since_size >= SIZE_UP_EVERY {
                since_size = 0;
                if let Err(error) = self.core.0.db.size_up_tables_of_users().await {
                    tracing::debug!(error = %chain(&error), "the tables of users are not sized up");
                }
            }
            match self.round(Which::Next, at_once).await? {
                0 => return Ok(()),
                taken => (since_rest, since_size) = (since_rest + taken, since_size + taken),
            }
            if since_rest >= batch {
                since_rest = 0;
                tokio::time::sleep(rest).await;
            }
        }
    }

    /// Takes rows and lets users in, and says how many rows those were. What the database does not take is found out row by row.
    async fn round(self: &Arc<Self>, which: Which, at_once: usize) -> Result<usize, Error> {
        let noted = Arc::new(Mutex::new(Vec::new()));
        let which = Arc::new(which);
        let mut tries = 0;
        let round = loop {
            match self.attempt(&which, at_once, &HashMap::new(), &noted).await {
                Ok(round) => break round,
                // Somebody else has come in meanwhile, and can be seen now.
                Err(StoreError::Duplicate(_) | StoreError::MissingParent(_)) if tries < TRIES => tries += 1,
                Err(error) if is_of_a_row(&error) => {
                    let rows = unpoisoned(&noted).clone();
                    self.one_by_one(&rows, &HashMap::new(), &error).await?;
                    break Round { taken: rows.len(), last: None, lent: Vec::new(), lent_at: 0 };
                }
                Err(error) => return Err(error.into()),
            }
        };
        if !round.lent.is_empty() {
            self.hash_and_let_in(round.lent, round.lent_at).await?;
        }
        *unpoisoned(&self.done) += round.taken;
        if let Some(last) = round.last {
            let mut place = unpoisoned(&self.place);
            *place = last.max(place.clone());
        }
        Ok(round.taken)
    }

    /// One of them is to blame. Each is tried by itself, and that one is refused.
    async fn one_by_one(
        self: &Arc<Self>,
        rows: &[String],
        hashed: &HashMap<String, JsonObject>,
        error: &StoreError,
    ) -> Result<(), Error> {
        tracing::warn!(error = %chain(error), rows = rows.len(), "users that wait cannot be imported together; trying them one by one");
        for id in rows {
            let one = Arc::new(Which::These(vec![id.clone()]));
            match self.attempt(&one, 1, hashed, &Arc::default()).await {
                Ok(round) if round.lent.is_empty() => {}
                Ok(round) => Box::pin(self.hash_and_let_in(round.lent, round.lent_at)).await?,
                Err(error) if is_of_a_row(&error) => {
                    tracing::error!(error = %chain(&error), row = id, "a user that waits cannot be imported");
                    let (app, id, now) = (self.app.clone(), id.clone(), self.core.0.clock.now());
                    let refusing = self.core.0.db.tx(async move |tx| {
                        let rows = tx.take_these_users(&app, std::slice::from_ref(&id)).await?;
                        for row in rows {
                            tx.refuse_waiting_user(&app, &id, NOT_STORED, &without_password(&row.raw), now).await?;
                        }
                        Ok(())
                    });
                    refusing.await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn attempt(
        self: &Arc<Self>,
        which: &Arc<Which>,
        at_once: usize,
        hashed: &HashMap<String, JsonObject>,
        noted: &Arc<Mutex<Vec<String>>>,
    ) -> Result<Round, StoreError> {
        let (work, which, noted, hashed) = (Arc::clone(self), Arc::clone(which), Arc::clone(noted), hashed.clone());
        let limit = i64::try_from(at_once).unwrap_or(i64::MAX);
        let attempt = async move |tx: &mut Tx<'_>| {
            let app = &work.app;
            let rows = match &*which {
                Which::Left => tx.take_left_users(app, work.left_before, limit).await?,
                Which::Next => {
                    let after = unpoisoned(&work.place).clone();
                    tx.take_waiting_users(app, &after, limit).await?
                }
                Which::These(ids) => tx.take_these_users(app, ids).await?,
                Which::Lent(ids, at) => tx.take_lent_users(app, ids, *at).await?,
            };
            *unpoisoned(&noted) = rows.iter().map(|row| row.id.clone()).collect();
            work.handle(tx, rows, &hashed).await
        };
        self.core.0.db.tx(attempt).await
    }

    /// Inside of a transaction: lends those that must be hashed, lets the others in, or refuses them.
    async fn handle(
        &self,
        tx: &mut Tx<'_>,
        mut rows: Vec<TakenRow>,
        hashed: &HashMap<String, JsonObject>,
    ) -> Result<Round, StoreError> {
        let now = self.core.0.clock.now();
        let mut objects = Vec::with_capacity(rows.len());
        for row in &rows {
            objects.push(match hashed.get(&row.id) {
                Some(object) => Some(object.clone()),
                None => JsonObject::parse(row.raw.expose()).ok(),
            });
        }
        let mut lent: Vec<TakenRow> = Vec::new();
        let mut end = rows.len();
        for (at, (row, object)) in rows.iter().zip(&objects).enumerate() {
            if object.as_ref().is_some_and(must_be_hashed) {
                if lent.len() == LENT_AT_ONCE {
                    // The rest is for another time.
                    end = at;
                    break;
                }
                lent.push(row.clone());
            }
        }
        rows.truncate(end);
        objects.truncate(end);
        let round =
            Round { taken: rows.len(), last: rows.iter().map(|row| (row.created_at, row.id.clone())).max(), lent, lent_at: now };
        let waiting: Vec<(&TakenRow, Option<&JsonObject>)> = rows
            .iter()
            .zip(&objects)
            .filter(|(row, _)| round.lent.iter().all(|lent| lent.id != row.id))
            .map(|(row, object)| (row, object.as_ref()))
            .collect();
        self.let_rows_in(tx, &waiting, now).await?;
        if !round.lent.is_empty() {
            let ids: Vec<String> = round.lent.iter().map(|row| row.id.clone()).collect();
            tx.lend_waiting_users(&self.app, &ids, now).await?;
        }
        Ok(round)
    }

    async fn let_rows_in(
        &self,
        tx: &mut Tx<'_>,
        rows: &[(&TakenRow, Option<&JsonObject>)],
        now: Millis,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let objects = || rows.iter().filter_map(|(_, object)| *object);
        let roles: BTreeSet<String> = objects().flat_map(named_roles).map(str::to_owned).collect();
        let tenants = objects().flat_map(named_tenants).collect();
        let places = Places::hold(tx, &self.app, roles, tenants).await?;
        let config = &self.entry.config;
        let tenants = places.tenants.iter().map(|tenant| (tenant.clone(), String::new())).collect();
        let context = Context {
            roles: &places.roles,
            tenants: &tenants,
            has_signer_key: config.firebase_password_hashing_signer_key.is_some(),
            caps: Caps::of(config),
            now,
        };
        let (mut users, mut ids, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (row, object) in rows {
            let read = match object {
                Some(object) => read(object, &context, &mut BTreeSet::new(), &mut Ids::Kept),
                None => Err(vec!["Invalid Json Input".to_owned()]),
            };
            match read {
                Ok(user) => {
                    users.push(user);
                    ids.push((row.id.clone(), *row));
                }
                Err(errors) => refused.push((*row, format!("[{}]", errors.join(", ")))),
            }
        }
        let admissions = let_in(tx, &self.app, &users, places, now).await?;
        let mut done = Vec::new();
        for ((id, row), admission) in ids.into_iter().zip(admissions) {
            match admission {
                Admission::Admitted(_) | Admission::Already => done.push(id),
                Admission::Refused(why) => refused.push((row, why)),
            }
        }
        for (row, why) in refused {
            let object = rows.iter().find(|(other, _)| other.id == row.id).and_then(|(_, object)| *object);
            let raw = object.map_or_else(|| row.raw.clone(), |object| Secret::new(stripped(object.clone()).to_text()));
            tx.refuse_waiting_user(&self.app, &row.id, &why, &raw, now).await?;
        }
        if !done.is_empty() {
            tx.end_waiting(&self.app, &done).await?;
        }
        Ok(())
    }

    /// Hashes the passwords of rows that were lent, and lets their users in, but for those that others have taken meanwhile.
    async fn hash_and_let_in(self: &Arc<Self>, lent: Vec<TakenRow>, at: Millis) -> Result<(), Error> {
        let ids: Vec<String> = lent.iter().map(|row| row.id.clone()).collect();
        let mut objects: HashMap<String, JsonObject> = HashMap::new();
        let mut hashing = JoinSet::new();
        let most = parallelism(&self.entry);
        let mut hashes: HashMap<(String, usize), Secret<String>> = HashMap::new();
        for row in lent {
            let Ok(object) = JsonObject::parse(row.raw.expose()) else { continue };
            for (method, password) in plain_passwords(&object) {
                while hashing.len() >= most {
                    take_hash(&mut hashing, &mut hashes).await?;
                }
                hashing.spawn(Arc::clone(self).hash((row.id.clone(), method), password));
            }
            objects.insert(row.id, object);
        }
        while !hashing.is_empty() {
            take_hash(&mut hashing, &mut hashes).await?;
        }
        let hashed: HashMap<String, JsonObject> = objects
            .into_iter()
            .map(|(id, object)| (id.clone(), with_hashes(object, |at| hashes.get(&(id.clone(), at)))))
            .collect();
        let (which, noted) = (Arc::new(Which::Lent(ids, at)), Arc::new(Mutex::new(Vec::new())));
        let mut tries = 0;
        loop {
            match self.attempt(&which, LENT_AT_ONCE, &hashed, &noted).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Duplicate(_) | StoreError::MissingParent(_)) if tries < TRIES => tries += 1,
                Err(error) if is_of_a_row(&error) => {
                    let rows = unpoisoned(&noted).clone();
                    return self.one_by_one(&rows, &hashed, &error).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn hash(
        self: Arc<Self>,
        of: (String, usize),
        password: Secret<String>,
    ) -> Result<((String, usize), Secret<String>), Error> {
        let caller = Caller::default();
        loop {
            let mut salt = [0; supertokens_domain::emailpassword::password_hash::SALT];
            self.core.0.dice.fill(&mut salt);
            match self.core.0.hashing.make(&caller, &self.entry.config, password.clone(), salt).await {
                Ok(hash) => return Ok((of, hash)),
                // People who log in come first.
                Err(Error::Busy(_)) => tokio::time::sleep(HASHING_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }
}

type Hashed = Result<((String, usize), Secret<String>), Error>;

async fn take_hash(hashing: &mut JoinSet<Hashed>, hashes: &mut HashMap<(String, usize), Secret<String>>) -> Result<(), Error> {
    if let Some(ended) = hashing.join_next().await {
        let (of, hash) = ended.map_err(Error::fault)??;
        hashes.insert(of, hash);
    }
    Ok(())
}

fn methods(object: &JsonObject) -> impl Iterator<Item = (usize, &JsonObject)> {
    let methods = object.get("loginMethods").and_then(Json::as_array).unwrap_or_default();
    methods.iter().enumerate().filter_map(|(at, method)| Some((at, method.as_object()?)))
}

/// A hash that is there counts.
fn plain_passwords(object: &JsonObject) -> Vec<(usize, Secret<String>)> {
    let plain = |(at, method): (usize, &JsonObject)| {
        let has_hash = method.contains("passwordHash") && method.contains("hashingAlgorithm");
        let plain = method.get("plainTextPassword")?.as_str().filter(|_| !has_hash)?;
        Some((at, Secret::new(plain.to_owned())))
    };
    methods(object).filter_map(plain).collect()
}

fn must_be_hashed(object: &JsonObject) -> bool {
    !plain_passwords(object).is_empty()
}

/// The same with hashes in the place of passwords.
fn with_hashes<'a>(object: JsonObject, hash: impl Fn(usize) -> Option<&'a Secret<String>>) -> JsonObject {
    change_methods(object, |at, mut method| {
        if let Some(hash) = hash(at) {
            let algorithm = if hash.expose().starts_with("$argon2") { "ARGON2" } else { "BCRYPT" };
            method.remove("plainTextPassword");
            method = method.with("passwordHash", hash.expose().as_str()).with("hashingAlgorithm", algorithm);
        }
        method
    })
}

/// What is kept of somebody who was refused: no password.
fn stripped(object: JsonObject) -> JsonObject {
    change_methods(object, |_, mut method| {
        method.remove("plainTextPassword");
        method
    })
}

fn without_password(raw: &Secret<String>) -> Secret<String> {
    JsonObject::parse(raw.expose()).map_or_else(|_| raw.clone(), |object| Secret::new(stripped(object).to_text()))
}

fn change_methods(object: JsonObject, change: impl Fn(usize, JsonObject) -> JsonObject) -> JsonObject {
    let method = |(at, item): (usize, Json)| match item {
        Json::Object(method) => Json::Object(change(at, method)),
        other => other,
    };
    let member = |(name, value): (String, Json)| match value {
        Json::Array(items) if name == "loginMethods" => (name, Json::Array(items.into_iter().enumerate().map(method).collect())),
        value => (name, value),
    };
    object.into_iter().map(member).collect()
}
