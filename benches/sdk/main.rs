//! `cargo bench -p supertokens-benches --bench sdk -- [WORD…]`: what does checking a session cost, in Rust and in the other languages'
//! own SDKs, and what does the layer add to a route? And what does an embedded core save?
//!
//! Candidates take turns in short slices, several rounds, and the median counts, so that other work on the machine hits all alike. The
//! figures that matter are ratios within one run. Build the core first: `cargo build --release`. Peers whose packages are not installed
//! are named as missing; `compat/run` installs those of Node and Python. Words choose parts: `checking`, `layer`, `embedded`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench speaks to its user"
)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::routing::get;
use axum::{Router, http::Request};
use supertokens::session::{NewSession, Session as Issued, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_axum::{Session, SuperTokensLayer};
use supertokens_domain::session::signing_key::VerifyingKey;
use supertokens_testkit::program::Program;
use tokio::runtime::Runtime;
use tower_service::Service as _;

/// The one that the program has: an embedded core and the program's shall not differ by theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SLICE: Duration = Duration::from_millis(400);
const ROUNDS: usize = 7;

/// Somebody who can be measured for a slice of time: gives operations a second.
trait Candidate {
    fn name(&self) -> String;
    fn slice(&mut self, length: Duration) -> f64;
}

struct Here<F> {
    name: &'static str,
    once: F,
}

impl<F: FnMut()> Candidate for Here<F> {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn slice(&mut self, length: Duration) -> f64 {
        let (begin, mut times) = (Instant::now(), 0_u32);
        while begin.elapsed() < length {
            for _ in 0..8 {
                (self.once)();
            }
            times += 8;
        }
        f64::from(times) / begin.elapsed().as_secs_f64()
    }
}

/// An SDK of another language, in a process of its own that answers a length with a speed.
struct Peer {
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(name: &str, mut command: Command) -> Option<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = child else {
            println!("(missing: {name})");
            return None;
        };
        let (input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut line = String::new();
        while output.read_line(&mut line).unwrap_or(0) > 0 {
            if line.trim_end().ends_with("ready") {
                return Some(Self { name: name.to_owned(), child, input, output });
            }
            line.clear();
        }
        println!("(missing: {name}: it does not start; are its packages installed?)");
        None
    }
}

impl Candidate for Peer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn slice(&mut self, length: Duration) -> f64 {
        writeln!(self.input, "{}", length.as_millis()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().parse().unwrap_or_else(|_| panic!("{} ended", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The median speed of each, after one round that does not count.
fn measure(candidates: &mut [Box<dyn Candidate + '_>]) -> Vec<f64> {
    let mut speeds = vec![Vec::new(); candidates.len()];
    for round in 0..=ROUNDS {
        for (candidate, speeds) in candidates.iter_mut().zip(&mut speeds) {
            let speed = candidate.slice(SLICE);
            if round > 0 {
                speeds.push(speed);
            }
        }
    }
    let median = |mut speeds: Vec<f64>| {
        speeds.sort_by(f64::total_cmp);
        speeds.get(speeds.len() / 2).copied().unwrap_or_default()
    };
    speeds.into_iter().map(median).collect()
}

fn app() -> AppInfo {
    AppInfo::new("bench").api_domain("http://localhost:3001").website_domain("http://localhost:3000")
}

async fn sdk(core: Core, kept: usize) -> SuperTokens {
    SuperTokens::builder(app()).core(core).recipe(SessionRecipe::new().verified_tokens_kept(kept)).build().await.unwrap()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("core.db").display());
    let program = Program::start(&supertokens_benches::program(), &database, folder.path()).unwrap();
    let address = format!("http://127.0.0.1:{}", program.port());
    let words: Vec<String> = supertokens_benches::words().collect();
    let wants = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    if wants("checking") {
        checking(&runtime, &address, folder.path());
    }
    if wants("layer") {
        layer(&runtime, &address);
    }
    if wants("embedded") {
        embedded(folder.path(), &address);
    }
}

/// One token, one thread, no request: every SDK's own function for that.
fn checking(runtime: &Runtime, core: &str, folder: &Path) {
    let plain = runtime.block_on(sdk(Core::remote(core), 0));
    let keeping = runtime.block_on(sdk(Core::remote(core), 1_000));
    let token = runtime.block_on(async {
        let session = plain.create_new_session(NewSession::of("bench").claim("role", "admin").claim("email", "anna@example.com"));
        session.await.unwrap().access_token()
    });
    let token_file = folder.join("token");
    std::fs::write(&token_file, &token).unwrap();
    let key = runtime.block_on(key_of(core));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).unwrap();
    let options = VerifyOptions::new().anti_csrf_check(false);
    let check = |engine: &SuperTokens| {
        let found = runtime.block_on(engine.get_session(token.as_str(), None, &options)).unwrap();
        black_box(found.unwrap());
    };
    let mut candidates: Vec<Box<dyn Candidate + '_>> = vec![
        Box::new(Here {
            name: "bare RSA-2048 verification (aws-lc-rs)",
            once: || assert!(key.verifies(black_box(signed), &signature)),
        }),
        Box::new(Here { name: "Rust, without the cache", once: || check(&plain) }),
        Box::new(Here { name: "Rust, with the cache", once: || check(&keeping) }),
    ];
    for peer in peers(core, &token_file) {
        candidates.push(Box::new(peer));
    }
    let speeds = measure(&mut candidates);
    let bare = speeds[0];
    println!("\n## Checking a session, one thread, the same token\n");
    println!("| | checks per second | µs each | of the bare RSA rate |\n|---|--:|--:|--:|");
    for (candidate, speed) in candidates.iter().zip(&speeds) {
        println!("| {} | {speed:.0} | {:.2} | {:.0} % |", candidate.name(), 1e6 / speed, 100.0 * speed / bare);
    }
    let fastest = speeds.iter().skip(3).copied().fold(0.0, f64::max);
    if fastest > 0.0 {
        println!(
            "\nWithout the cache {:.1} times the fastest of the others, with it {:.1} times.",
            speeds[1] / fastest,
            speeds[2] / fastest
        );
    }
}

fn peers(core: &str, token: &Path) -> Vec<Peer> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let installed = supertokens_benches::root().join("compat/sdk");
    let mut node = Command::new("node");
    node.arg(here.join("node.mjs")).arg(installed.join("node/24.0.3/package.json")).arg(core).arg(token);
    let mut python = Command::new(installed.join("python/0.31.4/.venv/bin/python"));
    python.arg(here.join("python.py")).arg(core).arg(token).env("SUPERTOKENS_TLDEXTRACT_DISABLE_HTTP", "true");
    let mut go = Command::new("go");
    go.args(["run", ".", core]).arg(token).current_dir(here.join("go"));
    let all = [("supertokens-node 24.0.3", node), ("supertokens-python 0.31.4", python), ("supertokens-golang 0.25.2", go)];
    all.into_iter().filter_map(|(name, command)| Peer::start(name, command)).collect()
}

/// The key that signs new sessions: the first of the set.
async fn key_of(core: &str) -> VerifyingKey {
    let supertokens = sdk(Core::remote(core), 0).await;
    let set = supertokens.call(supertokens::jwt::GetJwks { context: supertokens::UserContext::new() }).await.unwrap();
    let text = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let key = set.keys.iter().find(|key| text(key, "kid").starts_with("d-")).expect("a rotating key");
    VerifyingKey::from_jwk(&text(key, "kid"), &text(key, "n"), &text(key, "e")).unwrap()
}

/// The same route with nothing, with the layer, and with the layer and a session that is known already.
fn layer(runtime: &Runtime, core: &str) {
    let supertokens = runtime.block_on(sdk(Core::remote(core), 1_000));
    let session = runtime.block_on(supertokens.create_new_session(NewSession::of("bench"))).unwrap();
    let cookie = format!("sAccessToken={}", session.access_token());
    async fn hello() -> &'static str {
        "hello"
    }
    async fn me(session: Session) -> String {
        session.user_id().to_owned()
    }
    let routes = || Router::new().route("/hello", get(hello)).route("/me", get(me));
    let ask = |router: &mut Router, path: &str| {
        let request = Request::get(path).header("cookie", &cookie).header("host", "localhost").header("accept", "*/*");
        let response = runtime.block_on(router.call(request.body(Body::empty()).unwrap())).unwrap();
        assert!(response.status().is_success());
        black_box(response);
    };
    let mut bare: Router = routes();
    let mut layered: Router = routes().layer(SuperTokensLayer::new(supertokens.clone()));
    let mut verified: Router = routes().layer(SuperTokensLayer::new(supertokens));
    let mut candidates: Vec<Box<dyn Candidate + '_>> = vec![
        Box::new(Here { name: "the route alone", once: || ask(&mut bare, "/hello") }),
        Box::new(Here { name: "with the layer, no session asked for", once: || ask(&mut layered, "/hello") }),
        Box::new(Here { name: "with the layer and a session", once: || ask(&mut verified, "/me") }),
    ];
    let speeds = measure(&mut candidates);
    println!("\n## A request through axum, in process, the token known already\n");
    println!("| | µs each | more than the route alone |\n|---|--:|--:|");
    for (candidate, speed) in candidates.iter().zip(&speeds) {
        println!("| {} | {:.2} | {:.2} µs |", candidate.name(), 1e6 / speed, 1e6 / speed - 1e6 / speeds[0]);
    }
}

/// What a caller of the crowd does over and over.
#[derive(Clone, Copy, PartialEq)]
enum Task {
    Create,
    /// Always with the newest token of a session of its own, as a browser does.
    Refresh,
    CreateAndRefresh,
}

/// Sixteen callers, none waiting for another, until the slice is over.
struct Crowd<'r> {
    name: &'static str,
    runtime: &'r Runtime,
    engine: SuperTokens,
    task: Task,
}

impl Crowd<'_> {
    const CALLERS: usize = 16;
}

/// Does its task until `length` is over, and counts how often it came to the end in time.
async fn caller(engine: SuperTokens, task: Task, length: Duration) -> u32 {
    let create = || async { engine.create_new_session(NewSession::of("bench")).await.unwrap() };
    let refresh = |session: Issued| {
        let token = session.all_session_tokens_dangerously().refresh_token.unwrap();
        async { engine.refresh_session(token, true, None).await.unwrap() }
    };
    let mut own = create().await;
    let (begin, mut times) = (Instant::now(), 0);
    loop {
        own = match task {
            Task::Create => create().await,
            Task::Refresh => refresh(own).await,
            Task::CreateAndRefresh => refresh(create().await).await,
        };
        if begin.elapsed() >= length {
            return times;
        }
        times += 1;
    }
}

impl Candidate for Crowd<'_> {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn slice(&mut self, length: Duration) -> f64 {
        let callers = (0..Self::CALLERS).map(|_| self.runtime.spawn(caller(self.engine.clone(), self.task, length)));
        let callers: Vec<_> = callers.collect();
        let times = self.runtime.block_on(async {
            let mut all = 0;
            for caller in callers {
                all += caller.await.unwrap();
            }
            all
        });
        f64::from(times) / length.as_secs_f64()
    }
}

/// Creating and refreshing through the SDK: with the core in this process, and with the program over loopback; both on SQLite files.
fn embedded(folder: &Path, core: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let own = runtime.block_on(sdk(Core::embedded(format!("sqlite:{}", folder.join("embedded.db").display())), 0));
    let remote = runtime.block_on(sdk(Core::remote(core), 0));
    println!("\n## Through the SDK, {} callers, SQLite on a file\n", Crowd::CALLERS);
    println!("| | embedded, per second | over loopback HTTP, per second | embedded is |\n|---|--:|--:|--:|");
    for (name, task) in [("create", Task::Create), ("refresh", Task::Refresh), ("create and refresh", Task::CreateAndRefresh)] {
        let crowd = |name, engine: &SuperTokens| Crowd { name, runtime: &runtime, engine: engine.clone(), task };
        let mut candidates: Vec<Box<dyn Candidate + '_>> =
            vec![Box::new(crowd("embedded", &own)), Box::new(crowd("remote", &remote))];
        let speeds = measure(&mut candidates);
        println!("| {name} | {:.0} | {:.0} | {:.2} times |", speeds[0], speeds[1], speeds[0] / speeds[1]);
    }
}
