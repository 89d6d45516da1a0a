//! The hoop around all routes (sdk-session.md 9.1, 9.4).

use bytes::Bytes;
use http::header::SET_COOKIE;
use salvo::http::ResBody;
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};
use supertokens::adapter::Pending;
use supertokens::{RequestView, Scope, SuperTokens};

/// Makes a Salvo application know sessions. It is a hoop of the [`Service`](salvo::Service), after the one of [`cors`](crate::cors()) and
/// before all that want a session. On a router it would not hear of requests that have no route, and so not of those for the SDK's own
/// endpoints.
#[derive(Debug, Clone)]
pub struct SuperTokensHoop {
    engine: SuperTokens,
}

impl SuperTokensHoop {
    /// The hoop of this SDK.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self { engine: supertokens }
    }
}

#[async_trait]
impl Handler for SuperTokensHoop {
    async fn handle(&self, request: &mut Request, depot: &mut Depot, response: &mut Response, ctrl: &mut FlowCtrl) {
        // It may stand around a part and around the whole: the outermost one does the work.
        if depot.get_typed::<Scope>().is_ok_and(|scope| scope.supertokens().is(&self.engine)) {
            return;
        }
        let scope = Scope::new(self.engine.clone(), view(request));
        if let Some(answer) = scope.answering() {
            write(answer.await, response);
            return ctrl.skip_rest();
        }
        depot.insert_typed(scope.clone());
        // What stands outside has written its headers already; they stay where an error takes the handler's away.
        let outside = response.headers().clone();
        ctrl.call_next(request, depot, response).await;
        match depot.remove_typed::<Pending>().ok().and_then(|pending| pending.take()) {
            Some(error) => {
                response.set_headers(outside);
                write(scope.error_response(error).await, response);
            }
            None => scope.finish(response.headers_mut()),
        }
    }
}

/// The request as the SDK sees it. Salvo's routers leave its address as it came.
pub(crate) fn view(request: &Request) -> RequestView {
    RequestView::new(request.method().clone(), request.uri().clone(), request.headers().clone())
}

fn write(answer: http::Response<Bytes>, response: &mut Response) {
    let (parts, body) = answer.into_parts();
    response.status_code(parts.status);
    for (name, value) in &parts.headers {
        if *name == SET_COOKIE {
            response.headers_mut().append(name, value.clone());
        } else {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response.replace_body(ResBody::Once(body));
}
