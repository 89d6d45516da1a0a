//! The middleware around all routes (sdk-session.md 9.1, 9.4).

use bytes::Bytes;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response};
use supertokens::adapter::Pending;
use supertokens::{RequestView, Scope, SuperTokens};

/// Makes a Poem application know sessions. Add it after the routes and after all middleware that wants a session, and before
/// [`cors`](crate::cors()): what is added last stands outermost.
///
/// It belongs around the outermost `Route`. Around a nested one its routes know sessions too, but Poem gives requests that have no route
/// there to nobody else. Where it stands around both, the outer one counts.
#[derive(Debug, Clone)]
pub struct SuperTokensMiddleware {
    engine: SuperTokens,
}

impl SuperTokensMiddleware {
    /// The middleware of this SDK.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self { engine: supertokens }
    }
}

impl<E: Endpoint> Middleware<E> for SuperTokensMiddleware {
    type Output = SuperTokensEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        SuperTokensEndpoint { inner, engine: self.engine.clone() }
    }
}

/// An application with [`SuperTokensMiddleware`] around it.
#[derive(Debug)]
pub struct SuperTokensEndpoint<E> {
    inner: E,
    engine: SuperTokens,
}

impl<E: Endpoint> Endpoint for SuperTokensEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        if request.extensions().get::<Scope>().is_some_and(|scope| scope.supertokens().is(&self.engine)) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let (method, uri, headers) = (request.method().clone(), request.original_uri().clone(), request.headers().clone());
        let scope = Scope::new(self.engine.clone(), RequestView::new(method, uri, headers));
        if let Some(answer) = scope.answering() {
            return Ok(response(answer.await));
        }
        request.extensions_mut().insert(scope.clone());
        match self.inner.call(request).await.map(IntoResponse::into_response) {
            Ok(response) => Ok(finished(&scope, response).await),
            Err(error) => failed(&scope, error).await,
        }
    }
}

/// The application's response, or the answer to an error of the SDK's that something inside has made a response of.
async fn finished(scope: &Scope, mut found: Response) -> Response {
    if let Some(error) = found.extensions_mut().remove::<Pending>().and_then(|pending| pending.take()) {
        return response(scope.error_response(error).await);
    }
    scope.finish(found.headers_mut());
    found
}

/// The answer to an error of the SDK's. Any other stays Poem's, as it is; only where something has happened to sessions it has to become
/// a response here, because an error carries no headers.
async fn failed(scope: &Scope, error: poem::Error) -> poem::Result<Response> {
    if let Some(error) = error.data::<Pending>().and_then(Pending::take) {
        return Ok(response(scope.error_response(error).await));
    }
    if scope.changes().is_empty() {
        return Err(error);
    }
    Ok(finished(scope, error.into_response()).await)
}

fn response(answer: http::Response<Bytes>) -> Response {
    let (parts, body) = answer.into_parts();
    let mut response = Response::from(body);
    response.set_status(parts.status);
    *response.headers_mut() = parts.headers;
    response
}
