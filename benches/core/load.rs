//! How fast do concurrent workers go? Used for the program over HTTP and for a database alone, so both are measured alike.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use supertokens_testkit::program::Caller;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Refresh,
    Verify,
    Get,
    Revoke,
}

impl Operation {
    /// In this order: each works on what `Create` has made, and `Revoke` uses it up.
    pub(crate) const ALL: [Self; 5] = [Self::Create, Self::Refresh, Self::Verify, Self::Get, Self::Revoke];
}

impl Named for Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Refresh => "refresh",
            Self::Verify => "verify (database)",
            Self::Get => "get",
            Self::Revoke => "revoke",
        }
    }
}

/// What the table calls an operation.
pub(crate) trait Named: Copy + Send + 'static {
    fn name(self) -> &'static str;
}

/// Does one thing at a time, as fast as it can.
pub(crate) trait Worker: Send + 'static {
    /// What it can do.
    type Operation: Named;

    /// One operation. False: there is nothing left to do it with.
    fn step(&mut self, operation: Self::Operation) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    /// Microseconds.
    pub(crate) p50: u64,
    /// Microseconds.
    pub(crate) p99: u64,
    /// How many were done.
    pub(crate) count: f64,
    /// Microseconds of processor time of the program for each; zero where no program was asked.
    pub(crate) cpu: f64,
}

/// Lets the workers go until the time is over or there is nothing left; gives them back for the next operation.
pub(crate) async fn measure<W: Worker>(
    workers: Vec<W>,
    operation: W::Operation,
    span: Duration,
) -> anyhow::Result<(Figures, Vec<W>)> {
    let began = Instant::now();
    let tasks: Vec<_> = workers.into_iter().map(|worker| tokio::spawn(go(worker, operation, began + span))).collect();
    let (mut all, mut back) = (histogram()?, Vec::new());
    for task in tasks {
        let (worker, times) = task.await??;
        all.add(times)?;
        back.push(worker);
    }
    let seconds = began.elapsed().as_secs_f64();
    ensure!(!all.is_empty(), "{}: nothing was measured", operation.name());
    let count = all.len() as f64;
    let (p50, p99) = (all.value_at_quantile(0.5), all.value_at_quantile(0.99));
    Ok((Figures { per_second: count / seconds, p50, p99, count, cpu: 0.0 }, back))
}

async fn go<W: Worker>(mut worker: W, operation: W::Operation, end: Instant) -> anyhow::Result<(W, Histogram<u64>)> {
    let mut times = histogram()?;
    loop {
        let began = Instant::now();
        if began >= end || !worker.step(operation).await.with_context(|| operation.name())? {
            return Ok((worker, times));
        }
        times.record(u64::try_from(began.elapsed().as_micros())?.max(1))?;
    }
}

/// One microsecond to ten minutes.
fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000, 3)?)
}

/// One keep-alive connection to the program, and the sessions that it has made.
pub(crate) struct HttpWorker {
    caller: Caller,
    number: usize,
    made: Vec<Made>,
    next: usize,
}

struct Made {
    handle: String,
    access: String,
    refresh: String,
}

/// So many users are there; how often one signs in decides how often its activity is noted.
pub(crate) const USERS: usize = 1000;

impl HttpWorker {
    pub(crate) async fn connect(port: u16, number: usize) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::connect(port).await?, number, made: Vec::new(), next: 0 })
    }

    fn turn(&mut self) -> anyhow::Result<usize> {
        ensure!(!self.made.is_empty(), "no session has been made");
        self.next = (self.next + 1) % self.made.len();
        Ok(self.next)
    }

    async fn create(&mut self) -> anyhow::Result<bool> {
        let user = (self.number * 131 + self.made.len()) % USERS;
        let body = format!(
            r#"{{"userId":"user-{user}","userDataInJWT":{{"role":"reader"}},"userDataInDatabase":{{"cart":[1,2,3]}},"enableAntiCsrf":false,"useDynamicSigningKey":true}}"#
        );
        let made = tokens(self.caller.ask("POST", "/recipe/session", &body).await?)?;
        self.made.push(made);
        Ok(true)
    }

    async fn refresh(&mut self) -> anyhow::Result<bool> {
        let at = self.turn()?;
        let session = self.made.get_mut(at).context("a session")?;
        let body = format!(r#"{{"refreshToken":"{}","enableAntiCsrf":false,"useDynamicSigningKey":true}}"#, session.refresh);
        *session = tokens(self.caller.ask("POST", "/recipe/session/refresh", &body).await?)?;
        Ok(true)
    }

    async fn verify(&mut self) -> anyhow::Result<bool> {
        let at = self.turn()?;
        let session = self.made.get(at).context("a session")?;
        let body = format!(
            r#"{{"accessToken":"{}","enableAntiCsrf":false,"doAntiCsrfCheck":false,"checkDatabase":true}}"#,
            session.access
        );
        said_ok(self.caller.ask("POST", "/recipe/session/verify", &body).await?)
    }

    async fn get(&mut self) -> anyhow::Result<bool> {
        let at = self.turn()?;
        let path = format!("/recipe/session?sessionHandle={}", self.made.get(at).context("a session")?.handle);
        said_ok(self.caller.ask("GET", &path, "").await?)
    }

    async fn revoke(&mut self) -> anyhow::Result<bool> {
        let Some(session) = self.made.pop() else { return Ok(false) };
        let body = format!(r#"{{"sessionHandles":["{}"]}}"#, session.handle);
        let (status, answer) = self.caller.ask("POST", "/recipe/session/remove", &body).await?;
        let removed = answer.windows(session.handle.len()).any(|part| part == session.handle.as_bytes());
        ensure!(status == 200 && removed, "a session was not removed");
        Ok(true)
    }
}

impl Worker for HttpWorker {
    type Operation = Operation;

    async fn step(&mut self, operation: Operation) -> anyhow::Result<bool> {
        match operation {
            Operation::Create => self.create().await,
            Operation::Refresh => self.refresh().await,
            Operation::Verify => self.verify().await,
            Operation::Get => self.get().await,
            Operation::Revoke => self.revoke().await,
        }
    }
}

/// What a new session is known by. Looked for rather than parsed, as the cores are needed for the answers.
fn tokens((status, answer): (u16, &[u8])) -> anyhow::Result<Made> {
    ensure!(status == 200, "a session was refused with {status}");
    let answer = std::str::from_utf8(answer)?;
    let text = |of: &str, member: &str| {
        let behind = answer.split_once(of).and_then(|(_, behind)| behind.split_once(member)).map(|(_, behind)| behind);
        let text = behind.and_then(|behind| behind.split_once('"')).map(|(text, _)| text.to_owned());
        text.with_context(|| format!("no {of} with {member}"))
    };
    Ok(Made {
        handle: text(r#""session":{"#, r#""handle":""#)?,
        access: text(r#""accessToken":{"#, r#""token":""#)?,
        refresh: text(r#""refreshToken":{"#, r#""token":""#)?,
    })
}

/// Does an answer say OK?
pub(crate) fn is_ok(answer: &[u8]) -> bool {
    const OK: &[u8] = br#""status":"OK""#;
    answer.windows(OK.len()).any(|part| part == OK)
}

fn said_ok((status, answer): (u16, &[u8])) -> anyhow::Result<bool> {
    ensure!(status == 200 && is_ok(answer), "not OK: {status}");
    Ok(true)
}
