//! Which address has the client asked for, without the stage? Events of HTTP APIs have it in their path, those of REST APIs have not, and
//! lambda_http puts it before both (sdk-session.md 9.4).

use http::{Extensions, Uri};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;

/// The address, if the event has one that is not the request's.
pub(crate) fn without_stage(uri: &Uri, extensions: &Extensions) -> Option<Uri> {
    let raw = extensions.raw_http_path();
    let (stage, outside) = match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => (context.stage.as_deref()?, context.path.as_deref()),
        RequestContext::ApiGatewayV2(context) => (context.stage.as_deref()?, None),
        _ => return None,
    };
    let behind = |path: &str| -> Option<usize> {
        let rest = path.strip_prefix('/')?.strip_prefix(stage)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(path.len() - rest.len())
    };
    // A path of a REST API that begins with the stage's name may be the application's own: what was asked for tells.
    let is_off = outside.is_some_and(|outside| behind(outside).and_then(|at| outside.get(at..)) == Some(raw));
    let path = if is_off { raw } else { behind(raw).and_then(|at| raw.get(at..)).unwrap_or(raw) };
    let path = if path.is_empty() { "/" } else { path };
    if path == uri.path() {
        return None;
    }
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use lambda_http::request::from_str;
    use serde_json::{Value, json};

    use super::without_stage;

    fn path(event: &Value) -> String {
        let request = from_str(&event.to_string()).unwrap();
        without_stage(request.uri(), request.extensions()).unwrap_or_else(|| request.uri().clone()).path().to_owned()
    }

    fn rest(stage: &str, asked: &str, path: &str) -> Value {
        json!({
            "path": path,
            "httpMethod": "GET",
            "headers": { "host": "api.example.com" },
            "requestContext": { "stage": stage, "path": asked, "httpMethod": "GET" },
        })
    }

    fn http(stage: &str, path: &str) -> Value {
        json!({
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "a=1",
            "headers": { "host": "api.example.com" },
            "requestContext": { "stage": stage, "http": { "method": "GET", "path": path } },
        })
    }

    #[test]
    fn a_rest_api_has_taken_the_stage_off() {
        assert_eq!(path(&rest("prod", "/prod/auth/signout", "/auth/signout")), "/auth/signout");
        assert_eq!(path(&rest("prod", "/prod/prod/auth", "/prod/auth")), "/prod/auth", "the application's own path");
        assert_eq!(path(&rest("prod", "/prod", "/")), "/");
    }

    #[test]
    fn a_domain_that_is_mapped_to_a_stage_shows_none() {
        assert_eq!(path(&rest("prod", "/auth/signout", "/auth/signout")), "/auth/signout");
        assert_eq!(path(&http("$default", "/auth/signout")), "/auth/signout");
    }

    #[test]
    fn an_http_api_leaves_the_stage_there() {
        assert_eq!(path(&http("prod", "/prod/auth/signout")), "/auth/signout");
        assert_eq!(path(&http("prod", "/production/auth")), "/production/auth");
        assert_eq!(path(&http("prod", "/prod")), "/");
    }
}
