//! One call: polled once on the host's thread, where that needs no IO, and then carried by the runtime. Its questions to the host wait
//! here until they are fetched.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt as _;
use serde_json::Value;
use supertokens::adapter::poll_without_io;
use supertokens::session::Session;
use supertokens::{BoxFuture, Scope};
use tokio::sync::oneshot;

use crate::changes::{Changes, drain};
use crate::failure::{self, Failure};
use crate::{Answer, Done, Held, Notify, runtime};

/// What a host does next.
pub enum Step {
    /// The session of a request was checked and is as the request brought it. It need not be kept: `resumeSession` finds it again.
    Checked(Session),
    /// It is done; these are to change on the response.
    Done(Done, Changes),
    /// It has failed; these are to change on the response all the same.
    Failed(Failure, Changes),
    /// The host is asked something.
    Ask(Ask),
    /// The number will be told.
    Wait(u64),
}

/// A question to the host: run this function of yours.
pub struct Ask {
    /// Which call asks.
    pub id: u64,
    /// Which function.
    pub name: &'static str,
    /// What it is given.
    pub input: Value,
    /// The session it is about.
    pub session: Option<Held>,
    /// What is to change on the response before the function runs.
    pub changes: Changes,
}

type Outcome = Result<Done, Failure>;
type Running = BoxFuture<'static, Outcome>;

/// A call.
pub(crate) struct Cell {
    id: u64,
    /// The answers that the host has given beforehand.
    choices: Value,
    scope: OnceLock<Scope>,
    notify: Notify,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    questions: VecDeque<Question>,
    answering: Option<oneshot::Sender<Answer>>,
    /// While the host's thread carries it.
    running: Option<Running>,
    /// Once the runtime carries it, numbers are told.
    is_away: bool,
    outcome: Option<Outcome>,
}

struct Question {
    name: &'static str,
    input: Value,
    session: Option<Held>,
    tell: oneshot::Sender<Answer>,
}

tokio::task_local! { static CALL: Arc<Cell>; }

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these, and none is held across an await.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The call that is running.
pub(crate) fn current() -> Option<Arc<Cell>> {
    CALL.try_with(Arc::clone).ok()
}

impl Cell {
    pub(crate) fn new(id: u64, choices: Value, notify: Notify) -> Self {
        Self { id, choices, scope: OnceLock::new(), notify, inside: Mutex::default() }
    }

    pub(crate) fn choices(&self) -> &Value {
        &self.choices
    }

    /// Names the scope whose changes are the call's.
    pub(crate) fn serves(&self, scope: &Scope) {
        self.scope.get_or_init(|| scope.clone());
    }

    pub(crate) fn scope(&self) -> Option<Scope> {
        self.scope.get().cloned()
    }

    /// Puts a question, and gives where its answer will come.
    pub(crate) fn put(&self, name: &'static str, input: Value, session: Option<Held>) -> oneshot::Receiver<Answer> {
        let (tell, told) = oneshot::channel();
        let is_away = {
            let mut inside = lock(&self.inside);
            inside.questions.push_back(Question { name, input, session, tell });
            inside.is_away
        };
        if is_away {
            (self.notify)(self.id);
        }
        told
    }

    fn changes(&self) -> Changes {
        self.scope.get().map(drain).unwrap_or_default()
    }

    fn question(&self) -> Option<Ask> {
        let question = {
            let mut inside = lock(&self.inside);
            // One at a time: a call is one row.
            if inside.answering.is_some() {
                return None;
            }
            let Question { name, input, session, tell } = inside.questions.pop_front()?;
            inside.answering = Some(tell);
            (name, input, session)
        };
        let (name, input, session) = question;
        Some(Ask { id: self.id, name, input, session, changes: self.changes() })
    }

    /// Its questions get no answer, and if the host's thread carried it, nobody does any more.
    fn give_up(&self) {
        let (questions, answering, running) = {
            let mut inside = lock(&self.inside);
            (std::mem::take(&mut inside.questions), inside.answering.take(), inside.running.take())
        };
        drop((questions, answering));
        // It holds this cell, which holds it; and perhaps the last of an engine.
        runtime::let_go(running);
    }

    fn end(&self, outcome: Outcome) -> Step {
        let changes = self.changes();
        match outcome {
            Ok(Done { value: Value::Null, session: Some(held) })
                if changes.is_empty() && held.scope.is_some() && held.session.is_as_sent() =>
            {
                Step::Checked(held.session)
            }
            Ok(done) => Step::Done(done, changes),
            Err(failure) => Step::Failed(failure, changes),
        }
    }
}

/// The calls that have not ended.
#[derive(Default)]
pub(crate) struct Calls(Mutex<HashMap<u64, Arc<Cell>>>);

/// A call among the others.
pub(crate) struct Row<'a> {
    pub(crate) calls: &'a Calls,
    pub(crate) cell: &'a Arc<Cell>,
}

impl Row<'_> {
    /// Begins it, here if it may be polled here.
    pub(crate) fn begin(self, here: bool, call: impl Future<Output = Outcome> + Send + 'static) -> Step {
        let call = AssertUnwindSafe(CALL.scope(Arc::clone(self.cell), call)).catch_unwind();
        let running: Running = Box::pin(async move { call.await.unwrap_or_else(|_| Err(failure::panicked())) });
        self.go_on(running, here)
    }

    fn go_on(self, mut running: Running, here: bool) -> Step {
        let handle = match runtime::handle() {
            Ok(handle) => handle,
            Err(failure) => return self.cell.end(Err(failure)),
        };
        let cell = self.cell;
        if here {
            let polled = {
                let _inside = handle.enter();
                poll_without_io(running.as_mut(), &mut Context::from_waker(Waker::noop()))
            };
            if let Poll::Ready(outcome) = polled {
                self.calls.forget(cell.id);
                return cell.end(outcome);
            }
            lock(&self.calls.0).insert(cell.id, Arc::clone(cell));
            if let Some(ask) = cell.question() {
                lock(&cell.inside).running = Some(running);
                return Step::Ask(ask);
            }
        } else {
            lock(&self.calls.0).insert(cell.id, Arc::clone(cell));
        }
        lock(&cell.inside).is_away = true;
        let of_call = Arc::clone(cell);
        handle.spawn(async move {
            let outcome = running.await;
            lock(&of_call.inside).outcome = Some(outcome);
            (of_call.notify)(of_call.id);
        });
        Step::Wait(cell.id)
    }
}

impl Calls {
    fn find(&self, id: u64) -> Option<Arc<Cell>> {
        lock(&self.0).get(&id).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn step(&self, id: u64) -> Step {
        let Some(cell) = self.find(id) else { return Step::Failed(failure::no_such_call(), Changes::new()) };
        if let Some(ask) = cell.question() {
            return Step::Ask(ask);
        }
        let outcome = lock(&cell.inside).outcome.take();
        match outcome {
            Some(outcome) => {
                self.forget(id);
                cell.end(outcome)
            }
            None => Step::Wait(id),
        }
    }

    pub(crate) fn resume(&self, id: u64, answer: Answer) -> Step {
        let Some(cell) = self.find(id) else { return Step::Failed(failure::no_such_call(), Changes::new()) };
        let (tell, running) = {
            let mut inside = lock(&cell.inside);
            (inside.answering.take(), inside.running.take())
        };
        if let Some(tell) = tell {
            // Whoever asked may have given up.
            let _ = tell.send(answer);
        }
        match running {
            Some(running) => Row { calls: self, cell: &cell }.go_on(running, true),
            None => self.step(id),
        }
    }

    pub(crate) fn forget(&self, id: u64) {
        let cell = lock(&self.0).remove(&id);
        if let Some(cell) = cell {
            cell.give_up();
        }
    }

    pub(crate) fn forget_all(&self) {
        let cells: Vec<_> = lock(&self.0).drain().map(|(_, cell)| cell).collect();
        for cell in cells {
            cell.give_up();
        }
    }
}
