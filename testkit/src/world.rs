//! The world of a scenario: a core on a database of its own, a clock that only the scenario turns, and dice that count.
//!
//! Clones are the same world, so parallel callers are spawned tasks with a clone each. Every request goes the target's
//! way (a call or a socket) and is noted for `coverage`.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};
use supertokens_core::ports::{Clock, Entropy};
use supertokens_core::{Core, CoreOptions, SpareKeys};
use supertokens_domain::json::JsonObject;
use supertokens_store::DatabaseOptions;

use crate::answer::Answer;
use crate::coverage;
use crate::door::Door;
use crate::ports::{CountingDice, TestClock};
use crate::spares::{self, Shape};
use crate::target::{Kind, Target, TestDatabase};

/// A core under test and everything around it.
#[derive(Clone)]
pub struct World {
    /// The clock; all cores of this world look at it.
    pub clock: Arc<TestClock>,
    /// The dice; all cores of this world throw them.
    pub dice: Arc<CountingDice>,
    target: Target,
    database: Arc<TestDatabase>,
    /// The database as the first start made it, if another world may have it after this one.
    as_made: Option<Shape>,
    inside: Arc<Mutex<Inside>>,
}

/// What changes when a core is started again.
struct Inside {
    /// Base configuration, as `config.yaml` would have it.
    config: Value,
    test_mode: bool,
    door: Option<Arc<Door>>,
}

impl World {
    /// A world with an empty database and the default configuration, but for the cost of a password's hash, which is the least.
    pub async fn open(target: Target) -> Self {
        let (database, as_made) = spares::take(target.kind()).await.expect("a database for the world");
        let mut world = Self {
            clock: Arc::default(),
            dice: Arc::default(),
            target,
            database: Arc::new(database),
            as_made,
            inside: Arc::new(Mutex::new(Inside { config: json!({ "bcrypt_log_rounds": 4 }), test_mode: false, door: None })),
        };
        world.start().await.unwrap_or_else(|problem| panic!("the core does not start: {problem}"));
        if world.as_made.is_none() {
            world.as_made = spares::shape(&world.database).await.expect("the database is looked at");
        }
        world
    }

    /// Clears the world away. The last thing that happens in it.
    pub async fn close(self) {
        self.shut().await;
        spares::hand_on(&self.database, self.as_made.as_ref()).await.expect("the world's database is dropped");
    }

    /// On what this scenario runs.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Stops the core and starts it again on the same database: what was only in memory is gone.
    pub async fn restart(&self) {
        self.shut().await;
        self.start().await.unwrap_or_else(|problem| panic!("the core does not start again: {problem}"));
    }

    /// Starts the core again with these keys of the base configuration on top of what it had; `null` takes a key out.
    pub async fn with_config(&self, keys: Value) {
        self.try_config(keys).await.unwrap_or_else(|problem| panic!("the core does not start: {problem}"));
    }

    /// Starts the core again in test mode, in which SDKs' own test suites run it. The default is what production has.
    pub async fn in_test_mode(&self) {
        self.inside().test_mode = true;
        self.restart().await;
    }

    /// As [`with_config`](Self::with_config); gives back the core's words if it refuses to start. There is none running then.
    pub async fn try_config(&self, keys: Value) -> Result<(), String> {
        {
            let mut inside = self.inside();
            let config = inside.config.as_object_mut().expect("the configuration is an object");
            for (key, value) in keys.as_object().expect("an object of keys") {
                if value.is_null() {
                    config.remove(key)
                } else {
                    config.insert(key.clone(), value.clone())
                };
            }
        }
        self.shut().await;
        self.start().await
    }

    /// A second core on the same database, as another process would be one: same clock and dice, own memory. A scenario
    /// that asks for it needs `ASharedDatabase`.
    pub async fn second_core(&self) -> Self {
        assert_eq!(self.target.kind(), Kind::Postgres, "this scenario needs ASharedDatabase");
        let (config, test_mode) = self.settings();
        let inside = Inside { config, test_mode, door: None };
        let second = Self { inside: Arc::new(Mutex::new(inside)), ..self.clone() };
        second.start().await.unwrap_or_else(|problem| panic!("the second core does not start: {problem}"));
        second
    }

    /// Puts another database in the place of this world's own, as this SQL makes it, and starts the core on that.
    pub async fn take_over(&self, sql: &str) {
        self.shut().await;
        self.database.replace(sql).await.unwrap_or_else(|problem| panic!("the other database is not made: {problem:#}"));
        self.start().await.unwrap_or_else(|problem| panic!("the core does not start on the other database: {problem}"));
    }

    /// The core itself.
    pub fn core(&self) -> Arc<Core> {
        Arc::clone(self.door().core())
    }

    /// Where the core listens, if this target has a socket.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.door().address()
    }

    /// Where everything is kept, for a core of another kind.
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// Asks with a version header and a JSON body.
    pub async fn post(&self, cdi: &str, path: &str, body: Value) -> Answer {
        self.ask("POST", cdi, path, Some(body)).await
    }

    /// Asks with a version header and a JSON body.
    pub async fn put(&self, cdi: &str, path: &str, body: Value) -> Answer {
        self.ask("PUT", cdi, path, Some(body)).await
    }

    /// Asks with a version header. The path may have a query.
    pub async fn get(&self, cdi: &str, path: &str) -> Answer {
        self.ask("GET", cdi, path, None).await
    }

    /// Asks with a version header. The path may have a query.
    pub async fn delete(&self, cdi: &str, path: &str) -> Answer {
        self.ask("DELETE", cdi, path, None).await
    }

    /// Asks with exactly these headers and bytes.
    pub async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        coverage::note(method, path);
        let (status, headers, body) = self.door().send(method, path, headers, body.into()).await;
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Answer { status, content_type, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Rows of the world's database, read past the core. One statement, valid on both databases. A boolean prints
    /// differently on the two: select `case when flag then 1 else 0 end`.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        if self.target.kind() == Kind::Memory {
            return self.core().db().rows_in_memory(sql).await.unwrap_or_else(|error| panic!("{error} in: {sql}"));
        }
        self.database.rows(sql).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Changes the world's database behind the core's back. One statement, valid on both databases.
    pub async fn write(&self, sql: &str) {
        self.rows(sql).await;
    }

    /// The one value of a query with one row and one column.
    pub async fn value(&self, sql: &str) -> Option<String> {
        let rows = self.rows(sql).await;
        assert!(rows.len() == 1 && rows[0].len() == 1, "{sql}: {rows:?}");
        rows[0][0].clone()
    }

    /// Database round trips while this happens. Only meaningful while nobody else asks this core anything.
    pub async fn trips<T>(&self, happening: impl Future<Output = T>) -> (u64, T) {
        let core = self.core();
        let before = core.db().trips();
        let outcome = happening.await;
        (core.db().trips() - before, outcome)
    }

    async fn ask(&self, method: &str, cdi: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [("cdi-version", cdi), ("content-type", "application/json; charset=utf-8")];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.raw(method, path, if body.is_empty() { &headers[..1] } else { &headers }, body).await
    }

    async fn start(&self) -> Result<(), String> {
        let (config, test_mode) = self.settings();
        let mut database = DatabaseOptions::parse(&self.database.url()).map_err(|error| error.to_string())?;
        if let (DatabaseOptions::Postgres(options), Some(mode)) = (&mut database, config["migration_mode"].as_str()) {
            options.migration_mode = mode.to_owned();
        }
        let config = config.to_string();
        let core = Core::open(CoreOptions {
            database,
            base: JsonObject::parse(&config).map_err(|error| error.to_string())?,
            test_mode,
            process_id: "world".to_owned(),
            config_path: None,
            own_names_and: None,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&self.dice) as Arc<dyn Entropy>,
            // Two, whatever was used: how many throws a scenario takes does not depend on how fast the machine is.
            spare_keys: Some(SpareKeys { least: 2, most: 2, for_each_used: 1 }),
        });
        let core = core.await.map_err(|error| error.to_string())?;
        let door = Door::open(Arc::new(core), self.target).await;
        self.inside().door = Some(Arc::new(door));
        Ok(())
    }

    /// Stops the core. Whoever still holds it keeps the database open.
    async fn shut(&self) {
        let door = self.inside().door.take();
        if let Some(door) = door {
            door.close().await;
        }
    }

    /// What the core is started with. The lock is held for one statement only.
    fn settings(&self) -> (Value, bool) {
        let inside = self.inside();
        (inside.config.clone(), inside.test_mode)
    }

    fn door(&self) -> Arc<Door> {
        Arc::clone(self.inside().door.as_ref().expect("the core runs"))
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
