//! The guard of a resource or a scope: lets requests through whose session is good, and gives that session to the handler.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{HttpMessage as _, HttpResponse};
use supertokens::adapter::CheckedSession;
use supertokens::session::VerifyOptions;

use crate::Error;
use crate::extract::scope;

/// Lets requests through to these routes only if their session satisfies the options.
///
/// `OPTIONS` and `TRACE` pass without a session, because preflights carry no cookies: a handler of all verbs takes a
/// [`Session`](crate::Session) too.
///
/// ```
/// use actix_web::{App, web};
/// use supertokens::session::VerifyOptions;
/// use supertokens_actix::{Session, verify_session};
///
/// async fn pay(session: Session) -> String {
///     format!("{} pays", session.user_id())
/// }
///
/// let strict = verify_session(VerifyOptions::new().check_database());
/// App::new().service(web::resource("/pay").wrap(strict).route(web::post().to(pay)));
/// ```
pub fn verify_session(options: VerifyOptions) -> VerifySession {
    VerifySession(Rc::new(options))
}

/// The middleware that [`verify_session`] makes.
#[derive(Debug, Clone)]
pub struct VerifySession(Rc<VerifyOptions>);

impl<S, B> Transform<S, ServiceRequest> for VerifySession
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type InitError = ();
    type Transform = VerifySessionService<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(VerifySessionService { inner: Rc::new(inner), options: Rc::clone(&self.0) }))
    }
}

/// Routes with [`VerifySession`] around them.
#[derive(Debug)]
pub struct VerifySessionService<S> {
    inner: Rc<S>,
    options: Rc<VerifyOptions>,
}

impl<S, B> Service<ServiceRequest> for VerifySessionService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, options) = (Rc::clone(&self.inner), Rc::clone(&self.options));
        Box::pin(async move {
            let verified = match scope(request.request()) {
                Ok(scope) => CheckedSession::of_guard(&scope, request.method().as_str(), &options).await,
                Err(missing) => Err(missing),
            };
            match verified {
                Ok(checked) => {
                    if let Some(session) = checked.session() {
                        request.extensions_mut().insert(session.clone());
                    }
                    request.extensions_mut().insert(checked);
                    Ok(inner.call(request).await?.map_into_left_body())
                }
                Err(error) => {
                    let refusal = HttpResponse::from_error(Error::from(error));
                    Ok(request.into_response(refusal).map_into_right_body())
                }
            }
        })
    }
}
