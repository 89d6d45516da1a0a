//! The layer around all routes and the guard around some (sdk-session.md 9.4). Both are the SDK's own; this file tells them how axum
//! keeps the address that the client asked for.

use axum::extract::OriginalUri;
use supertokens::SuperTokens;
use supertokens::session::VerifyOptions;
use supertokens::tower::{SuperTokensService, VerifySessionLayer};
use tower_layer::Layer;

/// Makes an axum application know sessions. Add it after the routes and after every layer that wants a session, and before the CORS
/// layer: what is added last stands outermost.
///
/// It belongs on the outermost router. On a nested one its routes know sessions too, but axum gives requests that have no route there,
/// such as those for the SDK's own endpoints, to the outer router, unless the nested one has a fallback. Where it stands on both, the
/// outer one counts.
#[derive(Debug, Clone)]
pub struct SuperTokensLayer(supertokens::tower::SuperTokensLayer);

impl SuperTokensLayer {
    /// The layer of this SDK.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self(
            supertokens::tower::SuperTokensLayer::new(supertokens)
                .original_uri(|extensions| extensions.get::<OriginalUri>().map(|uri| &uri.0)),
        )
    }

    /// Calls of gRPC are refused in its own way; see [`supertokens::tower::SuperTokensLayer::grpc`]. For routers with tonic's services among
    /// their routes.
    #[must_use]
    pub fn grpc(self) -> Self {
        Self(self.0.grpc())
    }
}

impl<S> Layer<S> for SuperTokensLayer {
    type Service = SuperTokensService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}

/// Lets requests through to these routes only if their session satisfies the options.
///
/// `OPTIONS` and `TRACE` pass without a session, because preflights carry no cookies: around `any(handler)`, or a service that forwards
/// whatever comes, let the handler take a [`Session`](crate::Session) too.
///
/// ```
/// use axum::{Router, routing::post};
/// use supertokens::session::VerifyOptions;
/// use supertokens_axum::{Session, verify_session};
///
/// async fn pay(session: Session) -> String {
///     format!("{} pays", session.user_id())
/// }
///
/// let paying: Router = Router::new().route("/pay", post(pay)).route_layer(verify_session(VerifyOptions::new().check_database()));
/// ```
pub fn verify_session(options: VerifyOptions) -> VerifySessionLayer {
    VerifySessionLayer::new(options)
}
