//! How requests reach the SDK: addresses, verbs, bodies, and cookies in several lines. Scenarios 146 and 147.

use http::Method;
use serde_json::json;

use crate::fdi::{Mode, Stage, routes};
use crate::scenarios;

/// 146.
async fn the_sdks_paths_are_found_beside_a_nested_router(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let browser = app.browser(Mode::Header);
    browser.log_in("ada").await;
    assert_eq!(browser.get("/nested/session").await.ok()["userId"], "ada");
    app.get("/nested/session").send().await.refuses(401, "unauthorised");
    assert_eq!(browser.refresh().await.ok(), json!({}));
    assert!(app.get("/auth/jwt/jwks.json").send().await.ok()["keys"].is_array());
    // A mount point before the base path makes it another path.
    assert_eq!(app.get("/nested/auth/jwt/jwks.json").send().await.status, 404);
}

/// 146: the base path itself may be where the application mounts its own routes.
async fn the_sdks_paths_may_lie_inside_a_nested_router(stage: &Stage) {
    let app = stage.app(|plan| plan.info(|info| info.api_base_path("/nested/auth")), routes::standard()).await;
    let login = app.post("/login").header("st-auth-mode", "cookie").header("x-user", "ada").send().await;
    let cookie = login.set_cookie("sRefreshToken").expect("a refresh token");
    assert_eq!(cookie.attribute("path"), Some("/nested/auth/session/refresh"));
    let refreshed = app.post("/nested/auth/session/refresh").cookie("sRefreshToken", &cookie.value).send().await;
    assert_eq!(refreshed.ok(), json!({}));
    let session = app.get("/nested/session").bearer(&refreshed.access_token().expect("a token")).send().await;
    assert_eq!(session.ok()["userId"], "ada");
}

/// 147.
async fn several_cookie_lines_are_one_list(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let ours = format!("sAccessToken={}", browser.access_token());
    let seen = app.get("/session").header("cookie", "theme=dark; lang=en").header("cookie", &ours).send().await;
    assert_eq!(seen.ok()["userId"], "ada");
    let twice = app.get("/session").header("cookie", &ours).header("cookie", &ours).send().await;
    twice.refuses(401, "try refresh token");
    twice.touches_no_token();
}

/// 38, 35 and 43 with a framework's own router in between.
async fn what_is_not_the_sdks_is_the_applications(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let ours = [(Method::POST, "/auth/signout"), (Method::POST, "/auth/signout/"), (Method::POST, "/auth/signout?x=1")];
    for (method, path) in ours {
        app.call(method, path).send().await.refuses(401, "unauthorised");
    }
    let not_ours = [
        (Method::POST, "/AUTH/signout"),
        (Method::POST, "/authx/signout"),
        (Method::POST, "//auth/signout"),
        (Method::GET, "/auth/signout"),
        (Method::GET, "/auth/.well-known/jwks.json"),
        (Method::GET, "/elsewhere"),
    ];
    for (method, path) in not_ours {
        let answer = app.call(method.clone(), path).send().await;
        assert_eq!(answer.status, 404, "{method} {path}");
        answer.touches_no_token();
    }
}

/// The SDK never reads a body.
async fn the_applications_bodies_pass_untouched(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for body in [&b"{\"a\":1}"[..], b"", b"\x00\xff not JSON", &[b'x'; 100_000]] {
        let answer = app.post("/echo").body("application/octet-stream", body).send().await;
        assert_eq!((answer.status, &answer.body[..]), (200, body));
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        answer.touches_no_token();
    }
    let refreshed = app.post("/auth/session/refresh").body("application/json", "{ nonsense").send().await;
    refreshed.refuses(401, "unauthorised");
}

scenarios!(Stage:
    the_sdks_paths_are_found_beside_a_nested_router,
    the_sdks_paths_may_lie_inside_a_nested_router,
    several_cookie_lines_are_one_list,
    what_is_not_the_sdks_is_the_applications,
    the_applications_bodies_pass_untouched,
);
