//! The bridge as two classes of Node. Everything that an author of JavaScript sees is in the `.js` files beside.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Either, Error, Function, Result};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Task};
use napi_derive::napi;
use supertokens_bridge::{Ask, Bridge, Changes, Checks, Done, Failure, Held, Notify, Request, Step, Value, answer, take_lines};

/// A session that was made, changed or looked for. One that a check has found and nobody changed is a text instead: an object of ours
/// for each would cost the collector more than the check.
#[napi]
pub struct NativeSession {
    held: Held,
}

#[napi]
impl NativeSession {
    /// The four names: user, recipe user, tenant, handle.
    #[napi(catch_unwind)]
    pub fn names(&self) -> Vec<String> {
        let session = &self.held.session;
        [session.user_id(), session.recipe_user_id(), session.tenant_id(), session.handle()].map(str::to_owned).to_vec()
    }

    /// The access token as it is now.
    #[napi(catch_unwind)]
    pub fn access_token(&self) -> String {
        self.held.session.access_token()
    }

    /// The payload as it is now, a JSON text.
    #[napi(catch_unwind)]
    pub fn payload_text(&self) -> String {
        self.held.session.access_token_payload_text()
    }

    /// All tokens, a JSON text.
    #[napi(catch_unwind)]
    pub fn tokens(&self) -> String {
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

/// A step that is not a checked session.
#[napi(object, object_from_js = false)]
pub struct StepOut {
    /// 0 done, 1 failed, 2 the host is asked, 3 wait.
    pub kind: u32,
    /// The call's number, of those that go on.
    pub id: f64,
    /// What is asked, or the error's code.
    pub name: Option<String>,
    /// JSON: what it gives, what the question is given, or the error's message and data.
    pub value: Option<String>,
    /// What is to change on the response: names and values, null to remove.
    pub changes: Option<Vec<Option<String>>>,
    /// The session that it gives, or that it is about.
    pub session: Option<NativeSession>,
}

/// A checked session is one text: the lengths of its four names, the names, the payload.
type Out = Either<String, StepOut>;

fn checked(session: &supertokens_bridge::Session) -> String {
    let payload = session.access_token_payload_text();
    let names = [session.user_id(), session.recipe_user_id(), session.tenant_id(), session.handle()];
    // JavaScript counts in UTF-16.
    let [user, recipe_user, tenant, handle] = names.map(|name| name.encode_utf16().count());
    format!("{user},{recipe_user},{tenant},{handle};{}{payload}", names.concat())
}

fn flat(changes: Changes) -> Option<Vec<Option<String>>> {
    let flat: Vec<_> = changes.into_iter().flat_map(|(name, value)| [Some(name), value]).collect();
    (!flat.is_empty()).then_some(flat)
}

/// Numbers of calls are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn number(id: u64) -> f64 {
    id as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is no number of a call is found nowhere")]
fn id(number: f64) -> u64 {
    number as u64
}

fn out(step: Step) -> Out {
    let bare = |kind, id| StepOut { kind, id: number(id), name: None, value: None, changes: None, session: None };
    Either::B(match step {
        Step::Checked(session) => return Either::A(checked(&session)),
        Step::Done(Done { value, session }, changes) => StepOut {
            value: (value != Value::Null).then(|| value.to_string()),
            changes: flat(changes),
            session: session.map(|held| NativeSession { held }),
            ..bare(0, 0)
        },
        Step::Failed(Failure { code, message, data }, changes) => StepOut {
            name: Some(code.to_owned()),
            value: Some(serde_json::json!({ "message": message, "data": data }).to_string()),
            changes: flat(changes),
            ..bare(1, 0)
        },
        Step::Ask(Ask { id, name, input, session, changes }) => StepOut {
            name: Some(name.to_owned()),
            value: Some(input.to_string()),
            changes: flat(changes),
            session: session.map(|held| NativeSession { held }),
            ..bare(2, id)
        },
        Step::Wait(id) => bare(3, id),
    })
}

/// The SDK of one application in one environment of Node: the main thread, or a worker thread.
#[napi]
pub struct Engine {
    /// Until it is closed.
    bridge: Option<Arc<Bridge>>,
}

impl Engine {
    fn bridge(&self) -> Result<&Arc<Bridge>> {
        self.bridge.as_ref().ok_or_else(|| Error::from_reason("this SDK was closed"))
    }
}

impl Drop for Engine {
    /// A worker thread may end while its functions are being asked something: nobody will answer.
    fn drop(&mut self) {
        if let Some(bridge) = self.bridge.take() {
            bridge.let_go();
        }
    }
}

/// The end of an SDK, on a thread that may wait for it.
pub struct Closing {
    bridge: Option<Arc<Bridge>>,
}

impl Task for Closing {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> Result<()> {
        drop(self.bridge.take());
        Ok(())
    }

    fn resolve(&mut self, _: Env, (): ()) -> Result<()> {
        Ok(())
    }
}

#[napi]
impl Engine {
    /// `on_step` is told the number of every call that has a step to take, and 0 for lines of the log. It keeps no process alive.
    #[napi(constructor, catch_unwind)]
    pub fn new(settings: String, on_step: Function<'_, f64, ()>) -> Result<Self> {
        let tell = on_step.build_threadsafe_function::<f64>().weak::<true>().callee_handled::<false>().build()?;
        let notify: Notify = Arc::new(move |id| {
            // An environment that is being closed takes nothing any more, and need not.
            let _ = tell.call(number(id), ThreadsafeFunctionCallMode::NonBlocking);
        });
        let bridge = Bridge::new(&settings, notify).map_err(|failure| Error::from_reason(failure.message))?;
        Ok(Self { bridge: Some(bridge) })
    }

    /// Checks a request's session. `flags`: see `Checks`.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "a list of them costs more than the check")]
    pub fn verify(
        &self,
        flags: u32,
        method: String,
        url: String,
        cookie: Option<String>,
        authorization: Option<String>,
        anti_csrf: Option<String>,
        rid: Option<String>,
        mode: Option<String>,
        fdi: Option<String>,
        choices: Option<String>,
    ) -> Result<Out> {
        let headers = [&cookie, &authorization, &anti_csrf, &rid, &mode, &fdi].map(Option::as_deref);
        let request = Request { method: &method, url: &url, headers };
        Ok(out(self.bridge()?.verify(&request, Checks::of(flags), choices.as_deref())))
    }

    /// Any other function. `request`: verb, address, then the values of the headers.
    #[napi(catch_unwind)]
    pub fn start(
        &self,
        name: String,
        input: String,
        request: Option<Vec<Option<String>>>,
        choices: Option<String>,
        session: Option<&NativeSession>,
    ) -> Result<Out> {
        let part = |at: usize| request.as_ref().and_then(|parts| parts.get(at)).and_then(Option::as_deref);
        let view = request.as_ref().map(|_| Request {
            method: part(0).unwrap_or("GET"),
            url: part(1).unwrap_or("/"),
            headers: [2, 3, 4, 5, 6, 7].map(part),
        });
        let held = session.map(|session| session.held.clone());
        Ok(out(self.bridge()?.start(&name, &input, view.as_ref(), choices.as_deref(), held)))
    }

    /// What a number that was told stands for.
    #[napi(catch_unwind)]
    pub fn step(&self, number: f64) -> Result<Out> {
        Ok(out(self.bridge()?.step(id(number))))
    }

    /// Answers a question: what the function gave, or the JSON of what it threw.
    #[napi(catch_unwind)]
    pub fn resume(
        &self,
        number: f64,
        value: Option<String>,
        session: Option<&NativeSession>,
        thrown: Option<String>,
    ) -> Result<Out> {
        let session = session.map(|session| session.held.clone());
        Ok(out(self.bridge()?.resume(id(number), answer(value.as_deref(), session, thrown.as_deref()))))
    }

    /// Nobody waits for this call any more.
    #[napi(catch_unwind)]
    pub fn forget(&self, number: f64) {
        if let Some(bridge) = &self.bridge {
            bridge.forget(id(number));
        }
    }

    /// Lets go of the core; done when that has ended, unless sessions of it are still held. Whatever is called afterwards fails.
    #[napi(catch_unwind)]
    pub fn close(&mut self) -> AsyncTask<Closing> {
        let bridge = self.bridge.take();
        if let Some(bridge) = &bridge {
            bridge.forget_all();
        }
        AsyncTask::new(Closing { bridge })
    }

    /// How many calls are under way, for tests.
    #[napi(catch_unwind)]
    pub fn under_way(&self) -> u32 {
        self.bridge.as_ref().map_or(0, |bridge| u32::try_from(bridge.under_way()).unwrap_or(u32::MAX))
    }
}

/// The lines of the log since the last time: levels and texts in turn.
#[napi(catch_unwind)]
pub fn log_lines() -> Vec<String> {
    take_lines().into_iter().flat_map(|line| [line.level.to_owned(), line.text]).collect()
}
