//! Which of the SDK's endpoints is a request for, if any, and of which tenant? Whatever matches none goes on to the application
//! (sdk-session.md 3.2, 6.1).
//!
//! Paths are compared as letters: capitals matter, percent-encodings are not decoded, a base path is no pattern.

use crate::address::{AddressError, BasePath};
use crate::app_info::AppInfo;

/// An endpoint of a recipe. A list of them is ordered as the recipes were listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// The id of the recipe that it belongs to.
    pub recipe: &'a str,
    /// Its HTTP method; the case of letters does not matter.
    pub method: &'a str,
    /// Its path below the base path, with a slash in front: `/session/refresh`.
    pub path: &'a str,
    /// A disabled endpoint does not exist: the application may have its own at the same place.
    pub enabled: bool,
}

/// The parts of a request that decide where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The HTTP method, in whatever case.
    pub method: &'a str,
    /// The path, from [`normalise_request_path`].
    pub path: &'a BasePath,
    /// The header `rid`.
    pub rid: Option<&'a str>,
}

/// An endpoint that a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched<'a> {
    /// Its place in the list.
    pub endpoint: usize,
    /// The tenant that stands in the path; `public` if none does.
    pub tenant: &'a str,
    /// Whether the path is the endpoint's own, without a tenant in it.
    pub exact: bool,
}

/// Two recipes that a `rid` stands for both have the endpoint. Only recipes that contradict each other can cause it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "two recipes of one rid have an endpoint for this request: rename the path of one of them, or list only one of the recipes"
)]
pub struct AmbiguousEndpoint;

/// The tenant of a path that names none.
const DEFAULT_TENANT: &str = "public";

/// What browsers send as `rid` on ordinary requests; it names no recipe.
const RID_OF_ORDINARY_REQUESTS: &str = "anti-csrf";

/// The path of a request as [`find`] compares it. `url` is whatever the framework has, a whole address or a path with query; `gateway`
/// is the prefix that was taken off on the way. Fails only on a whole address that is none.
pub fn normalise_request_path(url: &str, gateway: &BasePath) -> Result<BasePath, AddressError> {
    let path = BasePath::parse(url)?;
    Ok(if gateway.is_empty() { path } else { gateway.append(&path) })
}

/// The endpoint that a request is for. A path without tenant goes before one with, then the order of the list decides; a known `rid`
/// narrows the choice to its recipes, an unknown one does nothing.
pub fn find<'a>(
    base: &BasePath,
    endpoints: &[Endpoint<'_>],
    target: Target<'a>,
) -> Result<Option<Matched<'a>>, AmbiguousEndpoint> {
    let Some(below) = target.path.as_str().strip_prefix(base.as_str()) else { return Ok(None) };
    if let Some(rid) = target.rid.filter(|rid| *rid != RID_OF_ORDINARY_REQUESTS)
        && let Some(matched) = find_of_rid(rid, endpoints, target.method, below)?
    {
        return Ok(Some(matched));
    }
    let mut with_tenant = None;
    for matched in matches(endpoints, target.method, below) {
        if matched.exact {
            return Ok(Some(matched));
        }
        with_tenant = with_tenant.or(Some(matched));
    }
    Ok(with_tenant)
}

/// Is it a request to refresh a session, whoever defined the route?
///
/// Frameworks choose a route by the path as it was sent. If dots and backslashes were resolved here, a request for any other route
/// (`/data/../auth/session/refresh`) would pass for one to refresh, and run that route's handler without its checks. So the path is
/// compared as it was sent, but for the query and one slash at its end (sdk-session.md 6.1).
// Quirk: the gateway's prefix is not added to the request's path, so behind a gateway it is only recognised if the application sees the
// whole path.
pub fn is_refresh_request(app: &AppInfo, method: &str, url: &str) -> bool {
    let path = path_as_sent(url);
    method.eq_ignore_ascii_case("POST") && path.strip_suffix('/').unwrap_or(path) == app.refresh_path()
}

/// The path of a whole address, or of one from the path on.
fn path_as_sent(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
        }
        _ => url,
    }
}

fn find_of_rid<'a>(
    rid: &str,
    endpoints: &[Endpoint<'_>],
    method: &str,
    below: &'a str,
) -> Result<Option<Matched<'a>>, AmbiguousEndpoint> {
    let recipe_of = |matched: &Matched<'_>| endpoints.get(matched.endpoint).map(|endpoint| endpoint.recipe);
    let mut best: Option<Matched<'a>> = None;
    for matched in matches(endpoints, method, below) {
        if !recipe_of(&matched).is_some_and(|recipe| stands_for(rid, recipe)) {
            continue;
        }
        match best {
            None => best = Some(matched),
            Some(before) if matched.exact && !before.exact => best = Some(matched),
            Some(before) if recipe_of(&before) == recipe_of(&matched) => {}
            Some(_) => return Err(AmbiguousEndpoint),
        }
    }
    Ok(best)
}

/// Old browsers' SDKs name two recipes at once.
fn stands_for(rid: &str, recipe: &str) -> bool {
    rid == recipe
        || match rid {
            "thirdpartyemailpassword" => matches!(recipe, "thirdparty" | "emailpassword"),
            "thirdpartypasswordless" => matches!(recipe, "thirdparty" | "passwordless"),
            _ => false,
        }
}

/// All endpoints that fit, in the order of the list. `below` is the path without the base path.
fn matches<'a>(endpoints: &[Endpoint<'_>], method: &str, below: &'a str) -> impl Iterator<Item = Matched<'a>> {
    let tenant = tenant_of(below);
    endpoints
        .iter()
        .enumerate()
        .filter(move |(_, endpoint)| endpoint.enabled && endpoint.method.eq_ignore_ascii_case(method))
        .filter_map(move |(index, endpoint)| match tenant {
            _ if endpoint.path == below => Some(Matched { endpoint: index, tenant: DEFAULT_TENANT, exact: true }),
            Some((tenant, rest)) if endpoint.path == rest => Some(Matched { endpoint: index, tenant, exact: false }),
            _ => None,
        })
}

/// `/t1/session/refresh` is `t1` and `/session/refresh`. A tenant has letters, digits and hyphens only.
fn tenant_of(below: &str) -> Option<(&str, &str)> {
    let text = below.strip_prefix('/')?;
    let (tenant, rest) = text.split_at(text.find('/')?);
    let plain = !tenant.is_empty() && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then_some((tenant, rest))
}

#[cfg(test)]
mod tests;
