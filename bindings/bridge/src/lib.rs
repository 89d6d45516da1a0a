//! The SDK for hosts that are not Rust. A call is a row of steps: it is done, it has failed, the host is asked to run one of its own
//! functions, or it is to wait for a number. Nothing here ever calls into the host, so its functions run on its own threads, in its own
//! contexts, and may call back as they like.
//!
//! A host begins a call ([`Bridge::verify`], [`Bridge::start`]), answers questions ([`Bridge::resume`]), and fetches the next step
//! when it is told a number ([`Bridge::step`]).

#[cfg(panic = "abort")]
compile_error!("a panic inside the SDK must not end the host: build with panic = \"unwind\"");

mod ask;
mod call;
mod changes;
mod convert;
mod failure;
mod functions;
mod log;
mod originals;
mod overrides;
mod request;
mod runtime;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use serde_json::Value;
pub use supertokens::session::Session;
use supertokens::{Scope, SuperTokens};
use tokio::sync::OnceCell;

pub use call::{Ask, Step};
use call::{Cell, Row};
pub use changes::Changes;
pub use failure::{Failure, code};
pub use log::{Line, take_lines};
pub use request::{Checks, HEADERS, Request};
use settings::Settings;

/// What a call gives in the end.
#[derive(Default)]
pub struct Done {
    /// JSON, null for none.
    pub value: Value,
    /// A session that was made, changed or looked for.
    pub session: Option<Held>,
}

/// A session and the request that it belongs to. Whoever drops the request's scope gives up what was to change on its response.
#[derive(Clone, Debug)]
pub struct Held {
    /// The session.
    pub session: Session,
    /// Where changes of its tokens go.
    pub scope: Option<Scope>,
}

/// What the host answers to a question: JSON and, where a session was asked for, one; or why not.
pub type Answer = Result<(Value, Option<Held>), Failure>;

/// Tells the host the number of a call that has a step for it, or 0 for lines of the log. Called on any thread, never under a lock.
pub type Notify = Arc<dyn Fn(u64) + Send + Sync>;

/// Texts that a host may hand in, in bytes.
pub const LARGEST_TEXT: usize = 16 * 1024 * 1024;

/// The SDK of one application, opened at the first call that needs it.
pub struct Bridge {
    settings: Settings,
    engine: OnceCell<SuperTokens>,
    calls: call::Calls,
    next: AtomicU64,
    notify: Notify,
}

impl Bridge {
    /// Checks the settings, a JSON text. Nothing is opened and no thread is started yet, so that a process may still fork.
    ///
    /// # Errors
    /// `SETTINGS`, with the engine's text, which names the setting and what to do.
    pub fn new(settings: &str, notify: Notify) -> Result<Arc<Self>, Failure> {
        let settings = Settings::read(settings)?;
        settings.builder()?.check().map_err(|error| failure::of_settings(&error))?;
        log::listen(settings.shows_everything(), &notify);
        let (engine, calls) = (OnceCell::new(), call::Calls::default());
        Ok(Arc::new(Self { settings, engine, calls, next: AtomicU64::new(1), notify }))
    }

    /// The SDK. Several calls at once open it once; where it cannot be opened, the next call tries again.
    async fn engine(&self) -> Result<&SuperTokens, Failure> {
        let open = || async {
            let builder = self.settings.builder()?;
            builder.build().await.map_err(|error| failure::of_opening(&error))
        };
        self.engine.get_or_try_init(open).await
    }

    /// A check of a request's session. Where nothing has to be waited for, it ends within this call, and does no IO on this thread.
    pub fn verify(self: &Arc<Self>, request: &Request<'_>, checks: Checks, choices: Option<&str>) -> Step {
        self.verify_telling(&self.notify, request, checks, choices)
    }

    /// The same, for a host of several event loops: this one is told.
    pub fn verify_telling(
        self: &Arc<Self>,
        notify: &Notify,
        request: &Request<'_>,
        checks: Checks,
        choices: Option<&str>,
    ) -> Step {
        let bridge = Arc::clone(self);
        self.begin(notify, Some(request), choices, move |view| async move {
            let Some(view) = view else { return Err(failure::needs_a_request()) };
            let mut done = functions::verify(bridge.engine().await?.clone(), view, checks).await?;
            // Its override may give the session of another token than the request's, which must be kept.
            if done.session.is_some() && bridge.settings.overrides("getSession") {
                done.value = Value::Bool(true);
            }
            Ok(done)
        })
    }

    /// Any other function: its name, its input as JSON text, the request that caused it, and the session it is about.
    pub fn start(
        self: &Arc<Self>,
        name: &str,
        input: &str,
        request: Option<&Request<'_>>,
        choices: Option<&str>,
        held: Option<Held>,
    ) -> Step {
        self.start_telling(&self.notify, name, input, request, choices, held)
    }

    /// The same, for a host of several event loops: this one is told.
    pub fn start_telling(
        self: &Arc<Self>,
        notify: &Notify,
        name: &str,
        input: &str,
        request: Option<&Request<'_>>,
        choices: Option<&str>,
        held: Option<Held>,
    ) -> Step {
        let input = match failure::parsed(input) {
            Ok(input) => input,
            Err(failure) => return Step::Failed(failure, Changes::new()),
        };
        let (bridge, name) = (Arc::clone(self), name.to_owned());
        self.begin(notify, request, choices, move |view| async move {
            functions::run(bridge.engine().await?, &name, input, view, held).await
        })
    }

    fn begin<Running>(
        self: &Arc<Self>,
        notify: &Notify,
        request: Option<&Request<'_>>,
        choices: Option<&str>,
        call: impl FnOnce(Option<supertokens::RequestView>) -> Running,
    ) -> Step
    where
        Running: Future<Output = Result<Done, Failure>> + Send + 'static,
    {
        let prepared =
            request.map(Request::view).transpose().and_then(|view| Ok((view, choices.map(failure::parsed).transpose()?)));
        let (view, choices) = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => return Step::Failed(failure, Changes::new()),
        };
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let cell = Arc::new(Cell::new(id, choices.unwrap_or_default(), Arc::clone(notify)));
        // Until it is open, any call opens it, and that is IO.
        let begins_here = self.engine.initialized();
        Row { calls: &self.calls, cell: &cell }.begin(begins_here, call(view))
    }

    /// The next step of a call whose number was told.
    pub fn step(&self, id: u64) -> Step {
        self.calls.step(id)
    }

    /// Answers the question of a call.
    pub fn resume(&self, id: u64, answer: Answer) -> Step {
        self.calls.resume(id, answer)
    }

    /// Nobody waits any more: what is under way goes on to its end, and what waits for an answer of the host ends.
    pub fn forget(&self, id: u64) {
        self.calls.forget(id);
    }

    /// As [`forget`](Self::forget), of all calls: the host's thread is ending, or is done with this SDK. The core goes with the last who
    /// holds this.
    pub fn forget_all(&self) {
        self.calls.forget_all();
    }

    /// For a host's thread that must not wait, as it would where the last who holds this drops it.
    pub fn let_go(self: Arc<Self>) {
        self.forget_all();
        // What was never opened has nothing to wait for.
        if self.engine.initialized() {
            runtime::let_go(Some(self));
        }
    }

    /// How many calls are under way. For tests and figures.
    pub fn under_way(&self) -> usize {
        self.calls.len()
    }
}

/// An answer of a host, as it crosses: the JSON text of what its function gave and the session, or the JSON text of what it threw:
/// `{code, message, data}`, the code one of the table, or `HOST` with the number under which the host keeps its own error.
///
/// # Errors
/// As [`Answer`]: what was thrown is the answer.
pub fn answer(value: Option<&str>, session: Option<Held>, thrown: Option<&str>) -> Answer {
    let Some(thrown) = thrown else { return Ok((value.map(failure::parsed).transpose()?.unwrap_or_default(), session)) };
    let thrown = failure::parsed(thrown)?;
    let text = |name: &str| thrown.get(name).and_then(Value::as_str).unwrap_or_default();
    Err(match code(text("code")) {
        Some(code) => {
            Failure { code, message: text("message").to_owned(), data: thrown.get("data").cloned().unwrap_or_default() }
        }
        None => Failure::of_host(text("message")),
    })
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge").field("under_way", &self.under_way()).finish_non_exhaustive()
    }
}
