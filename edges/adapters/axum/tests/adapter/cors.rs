//! Which pages may talk to the API.

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use supertokens::AppInfo;
use supertokens::session::NewSession;
use supertokens_axum::{Auth, Result, Session, SuperTokensLayer, cors_layer, cors_layer_for};

use crate::world::{Answer, WEBSITE, World, app_info, ask, request};

async fn login(auth: Auth) -> Result<()> {
    auth.create_new_session(NewSession::of("anna")).await?;
    Ok(())
}

fn app(world: &World) -> Router {
    Router::new()
        .route("/me", get(|_: Session| async {}))
        .route("/login", post(login))
        .layer(SuperTokensLayer::new(world.engine.clone()))
        .layer(cors_layer(&world.engine))
}

async fn preflight(app: &Router, path: &str, origin: &str) -> Answer {
    let asks = request("OPTIONS", path).header("origin", origin).header("access-control-request-method", "PATCH");
    ask(app, asks.header("access-control-request-headers", "rid,content-type")).await
}

#[tokio::test]
async fn preflights_are_answered_on_every_path() {
    let world = World::new().await;
    for path in ["/auth/session/refresh", "/auth/signout", "/me", "/login", "/nowhere"] {
        let answer = preflight(&app(&world), path, WEBSITE).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(WEBSITE), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS"), "{path}");
        let allowed = answer.header("access-control-allow-headers").unwrap();
        assert_eq!(allowed, "content-type,rid,fdi-version,anti-csrf,authorization,st-auth-mode", "{path}");
    }
}

#[tokio::test]
async fn other_pages_are_not_allowed() {
    let world = World::new().await;
    for origin in ["https://evil.example", "http://www.example.com", "https://www.example.com.evil.example", "null"] {
        for path in ["/me", "/auth/jwt/jwks.json"] {
            let answer = preflight(&app(&world), path, origin).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin} {path}");
        }
        let answer = ask(&app(&world), request("GET", "/me").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn public_documents_can_be_read_by_every_page() {
    let world = World::new().await;
    for path in ["/auth/jwt/jwks.json", "/auth/.well-known/openid-configuration"] {
        let page = ask(&app(&world), request("GET", path).header("origin", "https://another.example")).await;
        assert_eq!(
            (page.status, page.header("access-control-allow-origin")),
            (StatusCode::OK, Some("https://another.example")),
            "{path}"
        );
        let server = ask(&app(&world), request("GET", path)).await;
        assert_eq!(server.header("access-control-allow-origin"), Some("*"), "{path}");
    }
}

#[tokio::test]
async fn refusals_and_the_sdks_own_answers_can_be_read_by_the_website() {
    let world = World::new().await;
    for (method, path) in [("GET", "/me"), ("POST", "/auth/session/refresh")] {
        let answer = ask(&app(&world), request(method, path).header("origin", WEBSITE)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("access-control-allow-origin"), Some(WEBSITE), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{path}");
    }
}

#[tokio::test]
async fn the_tokens_names_stay_exposed() {
    let world = World::new().await;
    let asked = request("POST", "/login").header("origin", WEBSITE).header("st-auth-mode", "header");
    let answer = ask(&app(&world), asked).await;
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("front-token, st-access-token, st-refresh-token"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_website_that_depends_on_the_request_is_asked_for() {
    let info = AppInfo::new("Shop").api_domain("https://api.example.com").origin_of(|request, _| {
        let shop = request.and_then(|request| request.header("x-shop").map(std::borrow::Cow::into_owned)).unwrap_or_default();
        format!("https://{shop}.example.com")
    });
    let world = World::with(info, |builder| builder).await;
    let app = app(&world);
    let asked = |origin: &str| request("GET", "/me").header("x-shop", "toys").header("origin", origin);
    let own = ask(&app, asked("https://toys.example.com")).await;
    assert_eq!(own.header("access-control-allow-origin"), Some("https://toys.example.com"));
    let other = ask(&app, asked("https://books.example.com")).await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn several_websites_are_a_question_for_the_application() {
    let world = World::new().await;
    let cors = cors_layer_for(&world.engine, |origin, _| {
        ["https://a.example.com", "https://b.example.com"].contains(&origin.to_str().unwrap())
    });
    let app = Router::new().route("/", get(|| async {})).layer(SuperTokensLayer::new(world.engine.clone())).layer(cors);
    for (origin, allowed) in [("https://a.example.com", true), ("https://b.example.com", true), ("https://c.example.com", false)]
    {
        let answer = ask(&app, request("GET", "/").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed.then_some(origin));
        assert!(answer.header("vary").unwrap().contains("origin"), "{answer:?}");
    }
}

#[tokio::test]
async fn an_unusable_website_allows_nobody() {
    let world = World::with(app_info().website_domain("::"), |builder| builder).await;
    let answer = preflight(&app(&world), "/me", WEBSITE).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
