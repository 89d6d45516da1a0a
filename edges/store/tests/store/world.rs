//! Databases for tests: each has its own, and PostgreSQL's is dropped afterwards.

use std::error::Error;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use supertokens_domain::ids::{AppId, SessionHandle, TenantId};
use supertokens_store::{DatabaseOptions, Db, NewSession, PostgresOptions, TenantRecord};

pub(crate) type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// How many migrations a new database takes.
pub(crate) async fn steps() -> Result<usize, Box<dyn Error + Send + Sync>> {
    Ok(Db::open(DatabaseOptions::memory()).await?.plan().await?.len())
}

/// A test, and the databases it is for.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) on: &'static [Kind],
    pub(crate) run: for<'w> fn(&'w World) -> Pin<Box<dyn Future<Output = Outcome> + 'w>>,
}

/// Lists tests, each on the databases named.
macro_rules! tests {
    ($($test:ident on $kinds:expr),+ $(,)?) => {
        pub(crate) const TESTS: &[$crate::world::Test] = &[$($crate::world::Test {
            name: stringify!($test),
            on: $kinds,
            run: |world| Box::pin($test(world)),
        }),+];
    };
}
pub(crate) use tests;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    File,
    Postgres,
    /// A file on a disk of its own, of 1 MiB.
    SmallDisk,
}

pub(crate) const ALL: &[Kind] = &[Kind::Memory, Kind::File, Kind::Postgres];
/// Those that a test can look into past the store.
pub(crate) const OPEN: &[Kind] = &[Kind::File, Kind::Postgres];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "sqlite_memory",
            Self::File => "sqlite_file",
            Self::Postgres => "postgres",
            Self::SmallDisk => "sqlite_small_disk",
        }
    }
}

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) kind: Kind,
    pub(crate) options: DatabaseOptions,
    folder: tempfile::TempDir,
    database: Option<String>,
}

pub(crate) fn postgres_url() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

fn server() -> Result<PostgresOptions, Box<dyn Error + Send + Sync>> {
    let mut options = PostgresOptions::default();
    options.apply_url(&postgres_url().ok_or("TEST_POSTGRES_URL is not set")?)?;
    Ok(options)
}

/// A connection past the store.
pub(crate) async fn connect(options: &PostgresOptions) -> Result<tokio_postgres::Client, Box<dyn Error + Send + Sync>> {
    let mut config = tokio_postgres::Config::new();
    config.host(&options.host).port(options.port).dbname(&options.dbname);
    config.user(options.user.as_deref().unwrap_or("postgres"));
    if let Some(password) = &options.password {
        config.password(password.expose());
    }
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn mount(folder: &Path, options: &str) -> Outcome {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output()?;
    if mounted.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&mounted.stderr).into()) }
}

fn unmount(folder: &Path) {
    // Lazily: what is still open there is closed a moment later.
    let _ = Command::new("umount").arg("-l").arg(folder).output();
}

/// May this process mount a file system?
pub(crate) fn may_mount() -> bool {
    static MAY: LazyLock<bool> = LazyLock::new(|| {
        let Ok(folder) = tempfile::tempdir() else { return false };
        let may = mount(folder.path(), "size=1m").is_ok();
        unmount(folder.path());
        may
    });
    *MAY
}

impl Drop for World {
    fn drop(&mut self) {
        if self.kind == Kind::SmallDisk {
            unmount(self.folder.path());
        }
    }
}

impl World {
    /// An empty database, opened and migrated.
    pub(crate) async fn open(kind: Kind) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let folder = tempfile::tempdir()?;
        let (options, database) = match kind {
            Kind::Memory => (DatabaseOptions::memory(), None),
            Kind::File => (DatabaseOptions::file(folder.path().join("store.db")), None),
            Kind::SmallDisk => {
                mount(folder.path(), "size=1m")?;
                (DatabaseOptions::file(folder.path().join("store.db")), None)
            }
            Kind::Postgres => {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let name = format!("store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
                let mut options = server()?;
                connect(&options).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
                options.dbname = name.clone();
                (DatabaseOptions::Postgres(Box::new(options)), Some(name))
            }
        };
        let db = Db::open(options.clone()).await?;
        db.migrate().await?;
        Ok(Self { db, kind, options, folder, database })
    }

    pub(crate) async fn close(self) -> Outcome {
        let name = self.database.clone();
        drop(self);
        if let Some(name) = name {
            connect(&server()?).await?.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }

    pub(crate) fn postgres(&self) -> PostgresOptions {
        match &self.options {
            DatabaseOptions::Postgres(options) => (**options).clone(),
            DatabaseOptions::Sqlite(_) => panic!("not PostgreSQL"),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// Makes the small disk larger.
    pub(crate) fn more_room(&self) -> Outcome {
        mount(self.folder.path(), "remount,size=8m")
    }

    /// Runs statements past the store.
    pub(crate) async fn raw(&self, text: &str) -> Outcome {
        match self.kind {
            Kind::Memory => return Err("nobody sees into another's memory".into()),
            Kind::File | Kind::SmallDisk => {
                let connection = rusqlite::Connection::open(self.path())?;
                connection.busy_timeout(std::time::Duration::from_secs(5))?;
                connection.execute_batch(text)?;
            }
            Kind::Postgres => connect(&self.postgres()).await?.batch_execute(text).await?,
        }
        Ok(())
    }

    /// A number, asked past the store.
    pub(crate) async fn number(&self, text: &str) -> i64 {
        match self.kind {
            Kind::Memory => panic!("nobody sees into another's memory"),
            Kind::File | Kind::SmallDisk => {
                rusqlite::Connection::open(self.path()).unwrap().query_row(text, [], |row| row.get(0)).unwrap()
            }
            Kind::Postgres => connect(&self.postgres()).await.unwrap().query_one(text, &[]).await.unwrap().get(0),
        }
    }

    /// The base tenant, on which everything else hangs.
    pub(crate) async fn with_base(&self) -> Result<AppId, Box<dyn Error + Send + Sync>> {
        self.db.tx(async |tx| tx.save_tenant(&TenantRecord::base(), 1).await).await?;
        Ok(AppId::default())
    }
}

pub(crate) fn public() -> TenantId {
    TenantId::default()
}

pub(crate) fn handle(text: &str) -> SessionHandle {
    SessionHandle::presented(text)
}

/// A session of `user` that began at 1000 and ends at 5000.
pub(crate) fn a_session(handle: &str, user: &str) -> NewSession {
    NewSession {
        session_handle: SessionHandle::presented(handle),
        user_id: user.into(),
        refresh_token_hash_2: "hash-0".into(),
        session_data: r#"{"in":"db"}"#.into(),
        expires_at: 5000,
        created_at_time: 1000,
        jwt_user_payload: r#"{"in":"jwt"}"#.into(),
        use_static_key: false,
    }
}
