//! The bridge as three classes of Python. Everything that an author of Python sees is in the package `supertokens_rs` beside.
//!
//! A step is a tuple whose first member is its kind:
//!
//! | kind | |
//! |---|---|
//! | 0 | done: value (JSON text), changes, session |
//! | 1 | failed: code, message, data (JSON text), changes |
//! | 2 | the host is asked: number, name, input (JSON text), session, changes |
//! | 3 | wait: number |
//! | 4 | a checked session, as its request brought it: user, recipe user, tenant, handle, payload (JSON text) |
//!
//! What is not there is None. Changes are pairs of a name and a value, or None to remove it.

mod notifier;

use std::sync::Arc;

use pyo3::IntoPyObjectExt as _;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use supertokens_bridge::{Ask, Bridge, Changes, Checks, Done, Failure, Held, Request, Step, Value, answer};

use crate::notifier::Notifier;

create_exception!(supertokens_rs._native, Refused, PyException, "Settings that do not hold.");

/// A session that was made, changed or looked for. One that a check has found and nobody changed is five texts instead.
#[pyclass(frozen)]
struct Session {
    held: Held,
}

#[pymethods]
impl Session {
    /// The four names: user, recipe user, tenant, handle.
    fn names(&self) -> (&str, &str, &str, &str) {
        let session = &self.held.session;
        (session.user_id(), session.recipe_user_id(), session.tenant_id(), session.handle())
    }

    /// The access token as it is now.
    fn access_token(&self) -> String {
        self.held.session.access_token()
    }

    /// The payload as it is now, a JSON text.
    fn payload_text(&self) -> String {
        self.held.session.access_token_payload_text()
    }

    /// All tokens, a JSON text.
    fn tokens(&self) -> String {
        let all = self.held.session.all_session_tokens_dangerously();
        serde_json::json!({
            "accessToken": all.access_token,
            "refreshToken": all.refresh_token,
            "antiCsrfToken": all.anti_csrf_token,
            "frontToken": all.front_token,
            "accessAndFrontTokenUpdated": all.access_and_front_token_updated,
        })
        .to_string()
    }
}

fn some(changes: Changes) -> Option<Changes> {
    (!changes.is_empty()).then_some(changes)
}

fn text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

fn kept(held: Option<Held>) -> Option<Session> {
    held.map(|held| Session { held })
}

fn out(py: Python<'_>, step: Step) -> PyResult<Bound<'_, PyAny>> {
    match step {
        Step::Checked(session) => {
            let payload = session.access_token_payload_text();
            (4, session.user_id(), session.recipe_user_id(), session.tenant_id(), session.handle(), payload).into_bound_py_any(py)
        }
        Step::Done(Done { value, session }, changes) => (0, text(&value), some(changes), kept(session)).into_bound_py_any(py),
        Step::Failed(Failure { code, message, data }, changes) => {
            (1, code, message, text(&data), some(changes)).into_bound_py_any(py)
        }
        Step::Ask(Ask { id, name, input, session, changes }) => {
            (2, id, name, input.to_string(), kept(session), some(changes)).into_bound_py_any(py)
        }
        Step::Wait(id) => (3, id).into_bound_py_any(py),
    }
}

/// The SDK of one application in one process.
#[pyclass(frozen)]
struct Engine {
    bridge: Arc<Bridge>,
}

#[pymethods]
impl Engine {
    /// Checks the settings, a JSON text, and opens nothing.
    #[new]
    fn new(settings: &str) -> PyResult<Self> {
        match Bridge::new(settings, notifier::of_log()) {
            Ok(bridge) => Ok(Self { bridge }),
            Err(failure) => Err(Refused::new_err(failure.message)),
        }
    }

    /// Checks a request's session. `flags`: see `Checks`. It keeps the interpreter, since it is shorter than giving that back and asking
    /// for it again; whatever needs IO is begun on threads of ours, and is a step to wait.
    #[pyo3(signature = (notifier, flags, method, url, cookie, authorization, anti_csrf, rid, mode, fdi, choices))]
    #[allow(clippy::too_many_arguments, reason = "a list of them costs more than the check")]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        notifier: &Notifier,
        flags: u32,
        method: &str,
        url: &str,
        cookie: Option<&str>,
        authorization: Option<&str>,
        anti_csrf: Option<&str>,
        rid: Option<&str>,
        mode: Option<&str>,
        fdi: Option<&str>,
        choices: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let headers = [cookie, authorization, anti_csrf, rid, mode, fdi];
        let request = Request { method, url, headers };
        out(py, self.bridge.verify_telling(notifier.notify(), &request, Checks::of(flags), choices))
    }

    /// Any other function. `request`: verb, address, then the values of the headers.
    #[pyo3(signature = (notifier, name, input, request, choices, session))]
    #[allow(clippy::too_many_arguments, reason = "as the bridge has them")]
    fn start<'py>(
        &self,
        py: Python<'py>,
        notifier: &Notifier,
        name: &str,
        input: &str,
        request: Option<Vec<Option<String>>>,
        choices: Option<&str>,
        session: Option<&Session>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let part = |at: usize| request.as_ref().and_then(|parts| parts.get(at)).and_then(Option::as_deref);
        let view = request.as_ref().map(|_| Request {
            method: part(0).unwrap_or("GET"),
            url: part(1).unwrap_or("/"),
            headers: [2, 3, 4, 5, 6, 7].map(part),
        });
        let held = session.map(|session| session.held.clone());
        out(py, self.bridge.start_telling(notifier.notify(), name, input, view.as_ref(), choices, held))
    }

    /// What a number that was told stands for.
    fn step<'py>(&self, py: Python<'py>, number: u64) -> PyResult<Bound<'py, PyAny>> {
        out(py, self.bridge.step(number))
    }

    /// Answers a question: what the function gave, or the JSON of what it threw.
    #[pyo3(signature = (number, value, session, thrown))]
    fn resume<'py>(
        &self,
        py: Python<'py>,
        number: u64,
        value: Option<&str>,
        session: Option<&Session>,
        thrown: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let session = session.map(|session| session.held.clone());
        out(py, self.bridge.resume(number, answer(value, session, thrown)))
    }

    /// Nobody waits for this call any more.
    fn forget(&self, number: u64) {
        self.bridge.forget(number);
    }

    /// In a process that was forked: its threads are not there, so its end would wait for them. It stays as it is until the process ends.
    fn abandon(&self) {
        std::mem::forget(Arc::clone(&self.bridge));
    }

    /// How many calls are under way, for tests.
    fn under_way(&self) -> usize {
        self.bridge.under_way()
    }
}

#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Engine>()?;
    module.add_class::<Session>()?;
    module.add_class::<Notifier>()?;
    module.add("Refused", module.py().get_type::<Refused>())?;
    module.add_function(wrap_pyfunction!(notifier::log_lines, module)?)
}
