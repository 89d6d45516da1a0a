//! Users: what is asked about them, over HTTP; the lines of the table for them. Their databases alone are in `users/store.rs` and
//! `users/driver.rs`.
//!
//! Everybody is of the testkit's crowd, ten thousand of them, linked and mapped in part. No two workers take the same one, so that none
//! waits for another's lock or loses a code to another.

mod driver;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use supertokens_store::{DatabaseOptions, Db};
use supertokens_testkit::crowd::{self, Member, PASSWORD};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::{Kind, TestDatabase};

use self::driver::UserDriverWorker;
use self::store::UserStoreWorker;
use crate::bare::{self, BareWorker};
use crate::limits::hashes_a_second;
use crate::load::{Figures, Named, Worker, is_ok, measure};
use crate::table::{self, Line, Machine};
use crate::{Bench, CALLERS, WARM_UP};

/// So many users are there at the beginning; those that sign up come to them.
pub(crate) const COUNT: u64 = 10_000;
/// So many are on a page.
const PAGE: usize = 100;
/// What hashes is measured so many times as long as the rest: it happens a few times a second.
const LONGER: u32 = 3;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserOperation {
    SignUp,
    SignIn,
    ById,
    Page,
    Search,
    Roles,
    MetadataRead,
    MetadataMerge,
    Passwordless,
}

impl UserOperation {
    /// In this order.
    pub(crate) const ALL: [Self; 9] = [
        Self::SignUp,
        Self::SignIn,
        Self::ById,
        Self::Page,
        Self::Search,
        Self::Roles,
        Self::MetadataRead,
        Self::MetadataMerge,
        Self::Passwordless,
    ];

    /// Does it hash a password?
    fn hashes(self) -> bool {
        matches!(self, Self::SignUp | Self::SignIn)
    }
}

impl Named for UserOperation {
    fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::SignIn => "sign-in",
            Self::ById => "user by id",
            Self::Page => "page of 100 users",
            Self::Search => "search by e-mail",
            Self::Roles => "roles of a user",
            Self::MetadataRead => "metadata read",
            Self::MetadataMerge => "metadata merge",
            Self::Passwordless => "code created and consumed",
        }
    }
}

/// Whose turn it is with a worker.
#[derive(Debug, Clone, Copy)]
struct Turn {
    worker: usize,
    workers: usize,
    count: usize,
}

impl Turn {
    fn new(worker: usize, workers: usize) -> Self {
        Self { worker, workers, count: 0 }
    }

    /// The next one of those whose numbers leave this rest.
    fn member(&mut self, every: usize, rest: u64) -> Member {
        self.count += 1;
        let each = usize::try_from(COUNT).unwrap_or_default() / every / self.workers;
        let at = self.worker + self.workers * (self.count % each.max(1));
        Member((at * every) as u64 + rest)
    }

    fn by_password(&mut self) -> Member {
        self.member(3, 0)
    }

    fn by_code(&mut self) -> Member {
        self.member(3, 2)
    }

    fn anybody(&mut self) -> Member {
        self.member(1, 0)
    }

    fn with_role(&mut self) -> Member {
        self.member(2, 0)
    }

    /// One whom nobody is linked to: metadata is of those, and a place in the list is theirs.
    fn alone(&mut self) -> Member {
        self.member(10, 5)
    }

    /// Somebody with a whole page behind them.
    fn before_a_page(&mut self) -> Member {
        let member = self.alone();
        Member(member.0 * 9 / 100 * 10 + 5)
    }

    /// Somebody new, who has a password. The numbers are far behind the crowd's.
    fn newcomer(&mut self) -> Member {
        self.count += 1;
        Member(((self.workers * 1_000 + self.worker) * 1_000_000 + self.count) as u64 * 3)
    }
}

/// What a question and its answer were: the verb, and the bytes of both bodies.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    method: &'static str,
    asked: usize,
    answered: usize,
}

/// The questions of each operation, by its name.
type Talk = BTreeMap<&'static str, Vec<Exchange>>;

/// One keep-alive connection to the program.
pub(crate) struct UserWorker {
    caller: Caller,
    turn: Turn,
    talk: Talk,
    learns: Option<&'static str>,
}

impl UserWorker {
    pub(crate) async fn connect(port: u16, worker: usize, workers: usize) -> anyhow::Result<Self> {
        let (caller, turn) = (Caller::connect(port).await?, Turn::new(worker, workers));
        Ok(Self { caller, turn, talk: Talk::new(), learns: None })
    }

    /// Asks what must be answered with OK.
    async fn ask(&mut self, method: &'static str, path: &str, body: &str) -> anyhow::Result<&[u8]> {
        let (status, answer) = self.caller.ask(method, path, body).await?;
        ensure!(status == 200 && is_ok(answer), "{method} {path} {body}: {status} {}", String::from_utf8_lossy(answer));
        if let Some(operation) = self.learns {
            let exchange = Exchange { method, asked: body.len(), answered: answer.len() };
            self.talk.entry(operation).or_default().push(exchange);
        }
        Ok(answer)
    }

    async fn password(&mut self, path: &str, member: Member) -> anyhow::Result<()> {
        let body = format!(r#"{{"email":"{}","password":"{PASSWORD}"}}"#, member.email());
        self.ask("POST", path, &body).await.map(|_| ())
    }

    /// Asks for a code, and shows the link.
    async fn code(&mut self, member: Member) -> anyhow::Result<()> {
        let body = format!(r#"{{"email":"{}"}}"#, member.email());
        let answer = std::str::from_utf8(self.ask("POST", "/recipe/signinup/code", &body).await?)?;
        let text = |name: &str| {
            let behind = answer.split_once(name).and_then(|(_, behind)| behind.split_once('"'));
            behind.map(|(text, _)| text).with_context(|| format!("no {name} in {answer}"))
        };
        let (session, link) = (text(r#""preAuthSessionId":""#)?, text(r#""linkCode":""#)?);
        let body = format!(r#"{{"preAuthSessionId":"{session}","linkCode":"{link}"}}"#);
        self.ask("POST", "/recipe/signinup/code/consume", &body).await.map(|_| ())
    }

    async fn once(&mut self, operation: UserOperation) -> anyhow::Result<()> {
        match operation {
            UserOperation::SignUp => {
                let member = self.turn.newcomer();
                self.password("/recipe/signup", member).await
            }
            UserOperation::SignIn => {
                let member = self.turn.by_password();
                self.password("/recipe/signin", member).await
            }
            UserOperation::ById => {
                let path = format!("/user/id?userId={}", self.turn.anybody().id());
                self.ask("GET", &path, "").await.map(|_| ())
            }
            UserOperation::Page => {
                let from = self.turn.before_a_page();
                let token = URL_SAFE.encode(format!("{};{}", from.id(), from.joined())).replace('=', "%3D");
                let path = format!("/users?limit={PAGE}&timeJoinedOrder=ASC&paginationToken={token}");
                let answer = self.ask("GET", &path, "").await?;
                ensure!(answer.len() > PAGE * 200, "the page is not full");
                Ok(())
            }
            UserOperation::Search => {
                let path = format!("/users?email={}", self.turn.anybody().email());
                let answer = self.ask("GET", &path, "").await?;
                ensure!(answer.len() > 200, "nobody was found");
                Ok(())
            }
            UserOperation::Roles => {
                let path = format!("/recipe/user/roles?userId={}", self.turn.with_role().shown_id());
                let answer = self.ask("GET", &path, "").await?;
                ensure!(answer.windows(crowd::ROLE.len()).any(|part| part == crowd::ROLE.as_bytes()), "a user has no role");
                Ok(())
            }
            UserOperation::MetadataRead => {
                let path = format!("/recipe/user/metadata?userId={}", self.turn.alone().shown_id());
                self.ask("GET", &path, "").await.map(|_| ())
            }
            UserOperation::MetadataMerge => {
                let (id, count) = (self.turn.alone().shown_id(), self.turn.count);
                let body = format!(r#"{{"userId":"{id}","metadataUpdate":{{"visits":{count}}}}}"#);
                self.ask("PUT", "/recipe/user/metadata", &body).await.map(|_| ())
            }
            UserOperation::Passwordless => {
                let member = self.turn.by_code();
                self.code(member).await
            }
        }
    }
}

impl Worker for UserWorker {
    type Operation = UserOperation;

    async fn step(&mut self, operation: UserOperation) -> anyhow::Result<bool> {
        self.learns = Some(operation.name()).filter(|name| !self.talk.contains_key(name));
        self.once(operation).await?;
        Ok(true)
    }
}

/// One connection to the bare server, with as many questions, each as long and answered as long.
struct BareUserWorker {
    bare: BareWorker,
    talk: Arc<Talk>,
}

impl Worker for BareUserWorker {
    type Operation = UserOperation;

    async fn step(&mut self, operation: UserOperation) -> anyhow::Result<bool> {
        for exchange in self.talk.get(operation.name()).into_iter().flatten() {
            self.bare.exchange(exchange.method, exchange.asked, exchange.answered).await?;
        }
        Ok(true)
    }
}

/// A database with the crowd in it, whose passwords cost what the program's own cost.
pub(crate) async fn crowded(bench: &Bench, kind: Kind) -> anyhow::Result<TestDatabase> {
    let database = TestDatabase::make(kind).await?;
    crowd::load(&database.url(), COUNT, "LEGACY").await?;
    let mut program = Program::start(&bench.binary, &database.url(), bench.folder.path())?;
    let body = format!(r#"{{"email":"first@bench.example","password":"{PASSWORD}"}}"#);
    Caller::connect(program.port()).await?.json("POST", "/recipe/signup", &body).await?;
    program.kill()?;
    program.wait()?;
    let one = "(SELECT o.password_hash FROM emailpassword_users o WHERE o.email = 'first@bench.example')";
    database.rows(&format!("UPDATE emailpassword_users SET password_hash = {one}")).await?;
    Ok(database)
}

/// The figures of each operation that was asked for.
type Reached = BTreeMap<&'static str, Figures>;

impl Bench {
    /// The lines of users of one database.
    pub(crate) async fn users(&self, kind: Kind, name: &'static str, machine: &Machine) -> anyhow::Result<()> {
        let (served, alone) = (crowded(self, kind).await?, crowded(self, kind).await?);
        let store = Arc::new(Db::open(DatabaseOptions::parse(&alone.url())?).await?);
        let program = Program::start(&self.binary, &served.url(), self.folder.path())?;
        let bare = bare::start(self.folder.path())?;
        for callers in CALLERS {
            if !self.wants_callers(callers) {
                continue;
            }
            let mut workers = Vec::new();
            for worker in 0..callers {
                workers.push(UserWorker::connect(program.port(), worker, callers).await?);
            }
            let (reached, workers) = self.each(workers, Some(&program)).await?;
            let hashes = if reached.keys().any(|name| UserOperation::ALL.iter().any(|one| one.hashes() && one.name() == *name)) {
                Some(hashes_a_second(machine.cores_for(callers), self.span * LONGER)?)
            } else {
                None
            };
            let talk = Arc::new(workers.into_iter().next().map(|worker| worker.talk).unwrap_or_default());
            let mut workers = Vec::new();
            for _ in 0..callers {
                workers.push(BareUserWorker { bare: BareWorker::connect(bare.port()).await?, talk: Arc::clone(&talk) });
            }
            let (bare, _) = self.each(workers, None).await?;
            let statements = self.statements_of_users(kind, &alone, &store, callers).await?;
            for operation in UserOperation::ALL {
                let of = |figures: &Reached| figures.get(operation.name()).copied();
                let (Some(reached), Some(bare), Some(statements)) = (of(&reached), of(&bare), of(&statements)) else { continue };
                let cryptography = hashes.filter(|_| operation.hashes());
                let operation = operation.name();
                table::print_line(&Line { database: name, operation, callers, reached, bare, statements, cryptography });
            }
        }
        drop((program, bare, store));
        served.remove().await?;
        alone.remove().await
    }

    /// The database without the program.
    async fn statements_of_users(
        &self,
        kind: Kind,
        alone: &TestDatabase,
        store: &Arc<Db>,
        callers: usize,
    ) -> anyhow::Result<Reached> {
        if kind != Kind::Postgres {
            let worker = |worker| UserStoreWorker::new(Arc::clone(store), Turn::new(worker, callers));
            return Ok(self.each((0..callers).map(worker).collect(), None).await?.0);
        }
        let mut workers = Vec::new();
        for worker in 0..callers {
            workers.push(UserDriverWorker::connect(&alone.url(), store, Turn::new(worker, callers)).await?);
        }
        Ok(self.each(workers, None).await?.0)
    }

    /// Every operation in turn with the same workers.
    async fn each<W>(&self, mut workers: Vec<W>, program: Option<&Program>) -> anyhow::Result<(Reached, Vec<W>)>
    where
        W: Worker<Operation = UserOperation>,
    {
        let mut all = Reached::new();
        for operation in UserOperation::ALL.into_iter().filter(|operation| self.wants_operation(operation.name())) {
            let is_long = operation.hashes() && program.is_some();
            let span = if is_long { self.span * LONGER } else { self.span };
            if !is_long {
                workers = measure(workers, operation, WARM_UP).await?.1;
            }
            let before = program.map(Program::cpu_time).transpose()?;
            let (mut reached, back) = measure(workers, operation, span).await?;
            if let (Some(program), Some(before)) = (program, before) {
                reached.cpu = (program.cpu_time()? - before).as_secs_f64() * 1e6 / reached.count;
            }
            workers = back;
            all.insert(operation.name(), reached);
        }
        Ok((all, workers))
    }
}
