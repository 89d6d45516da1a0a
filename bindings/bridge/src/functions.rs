//! The functions that a host may start: those of a request, of a session, and of the SDK.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Value, json};
use supertokens::session::{ClaimValidator, NewSession, Session, TransferMethod, Verdict, VerifyOptions, VerifySession};
use supertokens::{BoxFuture, Error, Function as _, OwnAnswer, Payload, RequestView, Scope, SuperTokens, UserContext};

use crate::ask::ask;
use crate::changes::pairs;
use crate::convert::{Input, information};
use crate::failure::{self, Failure, to_error};
use crate::request::Checks;
use crate::{Done, Held, call, originals};

/// A validator of the host's, by the name that the host knows it under. The host judges: see the override of `ValidateClaims`.
pub(crate) struct HostValidator(String);

impl ClaimValidator for HostValidator {
    fn id(&self) -> &str {
        &self.0
    }

    fn validate<'a>(&'a self, _: &'a Payload, _: i64, _: &'a UserContext) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async { Err(Error::Settings("a validator of the application was judged without it".to_owned())) })
    }
}

/// Validators by the host's names for them.
pub(crate) fn validators(names: Vec<String>) -> Vec<Arc<dyn ClaimValidator>> {
    names.into_iter().map(|name| Arc::new(HostValidator(name)) as Arc<dyn ClaimValidator>).collect()
}

pub(crate) fn names(validators: &[Arc<dyn ClaimValidator>]) -> Vec<&str> {
    validators.iter().map(|validator| validator.id()).collect()
}

fn serve(engine: &SuperTokens, view: RequestView) -> Scope {
    let scope = Scope::new(engine.clone(), view);
    if let Some(cell) = call::current() {
        cell.serves(&scope);
    }
    scope
}

fn options(checks: Checks) -> VerifyOptions {
    let mut options = VerifyOptions::new();
    if checks.optional {
        options = options.session_optional();
    }
    if checks.check_database {
        options = options.check_database();
    }
    if let Some(check) = checks.anti_csrf {
        options = options.anti_csrf_check(check);
    }
    if checks.choose {
        options = options.override_global_claim_validators(|global, session| async move {
            let scope = call::current().and_then(|cell| cell.scope());
            let input = json!({ "validators": names(&global) });
            let chosen = ask("chooseValidators", input, Some(Held { session, scope })).await?;
            chosen.the_texts().map(validators)
        });
    }
    options
}

/// Checks a request's session.
pub(crate) async fn verify(engine: SuperTokens, view: RequestView, checks: Checks) -> Result<Done, Failure> {
    let scope = serve(&engine, view);
    let options = options(checks);
    let session = match checks.only_get {
        true => scope.get_session(&options).await?,
        // The host's own way to override this is outside of the call.
        false => VerifySession { options, scope: scope.clone() }.run(&engine).await?,
    };
    Ok(Done { value: Value::Null, session: session.map(|session| Held { session, scope: Some(scope) }) })
}

/// One that the host keeps.
fn kept(session: Session, scope: Option<Scope>) -> Done {
    Done { value: json!(true), session: Some(Held { session, scope }) }
}

fn of(value: Value) -> Done {
    Done { value, session: None }
}

fn answer(OwnAnswer { status, content_type, body }: OwnAnswer, headers: &HeaderMap) -> Value {
    let headers: Vec<Value> = pairs(headers).map(|(name, value)| json!([name, value])).collect();
    let body = String::from_utf8_lossy(&body);
    json!({ "status": status.as_u16(), "contentType": content_type, "body": body, "headers": headers })
}

/// Any function but a check.
pub(crate) async fn run(
    engine: &SuperTokens,
    name: &str,
    input: Value,
    view: Option<RequestView>,
    held: Option<Held>,
) -> Result<Done, Failure> {
    if let Some(name) = name.strip_prefix("original.") {
        return originals::run(engine, name, &Input(&input), view).await;
    }
    if let Some(name) = name.strip_prefix("session.") {
        let held = held.ok_or_else(|| failure::of_host("this function needs a session"))?;
        return of_a_session(engine, name, &Input(&input), view, held).await;
    }
    match view {
        Some(view) => of_a_request(serve(engine, view), name, &Input(&input)).await,
        None => without_request(engine, name, &Input(&input)).await,
    }
}

async fn of_a_request(scope: Scope, name: &str, input: &Input<'_>) -> Result<Done, Failure> {
    match name {
        "handle" => {
            let answered = scope.handle_or_fail().await?;
            Ok(of(answered.map(|(own, headers)| answer(own, &headers)).unwrap_or_default()))
        }
        "errorResponse" => {
            let code = input.text("code")?;
            let code = failure::code(&code).ok_or_else(|| Failure::new("BAD_INPUT_ERROR", "code must be one of the table"))?;
            let thrown = Failure { code, message: input.text("message")?, data: input.value("data") };
            let own = scope.answer_error(to_error(thrown)).await?;
            Ok(of(answer(own, &HeaderMap::new())))
        }
        "createNewSession" => {
            let session = scope.create_new_session(new_session(input)?).await?;
            Ok(kept(session, Some(scope)))
        }
        "refreshSession" => {
            let session = scope.refresh_session().await?;
            Ok(kept(session, Some(scope)))
        }
        "resumeSession" => {
            let session = scope.resume_session().await?;
            Ok(kept(session, Some(scope)))
        }
        _ => Err(failure::of_host("there is no such function of a request")),
    }
}

fn new_session(input: &Input<'_>) -> Result<NewSession, Failure> {
    let new = NewSession::of(input.text("recipeUserId")?).tenant(input.text("tenantId")?);
    Ok(new.payload(input.object("accessTokenPayload")?).data(input.value("sessionDataInDatabase")))
}

async fn without_request(engine: &SuperTokens, name: &str, input: &Input<'_>) -> Result<Done, Failure> {
    match name {
        "open" => Ok(Done::default()),
        "createNewSession" => {
            let mut new = new_session(input)?;
            if input.flag("disableAntiCsrf", false)? {
                new = new.without_anti_csrf();
            }
            Ok(kept(engine.create_new_session(new).await?, None))
        }
        "getSession" => {
            let checks = Checks {
                optional: !input.flag("sessionRequired", true)?,
                check_database: input.flag("checkDatabase", false)?,
                anti_csrf: input.maybe_flag("antiCsrfCheck")?,
                choose: input.flag("choose", false)?,
                only_get: true,
            };
            let anti_csrf = input.maybe_text("antiCsrfToken")?;
            let token = input.maybe_text("accessToken")?.map(Into::into);
            let found = engine.get_session_of(token, anti_csrf, &options(checks)).await?;
            Ok(found.map(|session| kept(session, None)).unwrap_or_default())
        }
        "createJWT" => {
            let (seconds, is_static) = (input.maybe_seconds("validitySeconds")?, input.maybe_flag("useStaticSigningKey")?);
            let made = engine.create_jwt(input.object("payload")?, seconds, is_static).await?;
            Ok(of(originals::jwt(made)))
        }
        "peek" => Ok(of(engine.peek_access_token(input.text("accessToken")?).await.map(Value::Object).unwrap_or_default())),
        "allCORSHeaders" => Ok(of(json!(engine.all_cors_headers()))),
        _ => Err(failure::of_host("there is no such function")),
    }
}

async fn of_a_session(
    engine: &SuperTokens,
    name: &str,
    input: &Input<'_>,
    view: Option<RequestView>,
    held: Held,
) -> Result<Done, Failure> {
    let Held { session, scope } = held;
    if name == "attach" {
        let method = match input.text("transferMethod")?.as_str() {
            "header" => TransferMethod::Header,
            "cookie" => TransferMethod::Cookie,
            _ => return Err(Failure::new("BAD_INPUT_ERROR", "transferMethod must be header or cookie")),
        };
        let view = view.ok_or_else(failure::needs_a_request)?;
        let new = serve(engine, view);
        session.attach(&new, method)?;
        return Ok(kept(session, Some(new)));
    }
    if let (Some(cell), Some(scope)) = (call::current(), &scope) {
        cell.serves(scope);
    }
    match name {
        "revoke" => session.revoke().await?,
        "information" => {
            let value = information(&session.information().await?);
            return Ok(Done { value, session: None });
        }
        "updateData" => session.update_data_in_database(input.value("data")).await?,
        "merge" => session.merge_into_access_token_payload(input.object("update")?).await?,
        "assertClaims" => session.assert_claims(&validators(input.texts("validators")?)).await?,
        _ => return Err(failure::of_host("there is no such function of a session")),
    }
    Ok(kept(session, scope))
}
