//! Who forgets the layer is told so, once.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use supertokens_axum::Session;
use supertokens_testkit::errors_logged::ErrorsLogged;
use tower_service::Service as _;

#[tokio::test]
async fn a_missing_layer_is_logged_once() {
    let (log, _until_the_end) = ErrorsLogged::listen();
    let mut app = Router::new().route("/", get(|_: Session| async {}));
    for _ in 0..3 {
        let response = app.call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    log.says_once(".layer(SuperTokensLayer::new(supertokens))");
}
