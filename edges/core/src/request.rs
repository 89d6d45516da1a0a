//! The door: from a path and headers to a place, a route and a version, in the order in which upstream looks
//! (core-server.md 2 to 6, core-session.md 0.1 and 0.2).

use std::net::IpAddr;

use http::{HeaderMap, StatusCode, Uri, header, request::Parts};
use supertokens_domain::config::CoreConfig;
use supertokens_domain::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::session::hash::equal;
use supertokens_wire::version::{Requested, negotiate};

use crate::error::Error;
use crate::routes::{Methods, TABLE};
use crate::tenants::Entry;

/// Words that cannot be tenants, because paths begin with them.
const RESERVED: [&str; 4] = ["recipe", "config", "users", "hello"];

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) app: AppId,
    pub(crate) tenant: TenantId,
    /// The path of the operation, with nothing in front of it and no slash behind; empty for the root.
    pub(crate) path: String,
}

impl Address {
    /// The operations of the path, if there are any.
    pub(crate) fn methods(&self) -> Option<&'static Methods> {
        TABLE.get(self.path.as_str())
    }
}

/// Decodes a path into its segments: percent-encoding, `;parameters`, doubled slashes, dots. `None`: it is not a path we read.
fn segments(raw: &str) -> Option<Vec<String>> {
    let lower = raw.to_ascii_lowercase();
    if lower.contains("%2f") || lower.contains("%5c") || raw.contains('\\') {
        return None;
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in raw.split('/') {
        let segment = segment.split(';').next().unwrap_or_default();
        let segment = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
        match &*segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            segment => segments.push(segment.to_owned()),
        }
    }
    Some(segments)
}

/// Takes a path apart. Outside the base path there is nothing.
pub(crate) fn address(raw: &str, base_path: &str) -> Option<Address> {
    // Nearly always: a line of the table as it stands.
    if base_path.is_empty() && TABLE.contains_key(raw) {
        return Some(Address { app: AppId::default(), tenant: TenantId::default(), path: raw.to_owned() });
    }
    let (given, base) = (segments(raw)?, segments(base_path)?);
    let in_base =
        base.iter().enumerate().all(|(at, wanted)| given.get(at).is_some_and(|s| s.to_lowercase() == wanted.to_lowercase()));
    let given = given.get(base.len()..).filter(|_| in_base)?;
    let path = given.iter().fold(String::new(), |path, segment| path + "/" + &segment.to_lowercase());
    let path = path.as_str();
    // Quirk: the root of an app or tenant greets only under its name as it is kept; `/PUBLIC/` and `/appid-/` are paths that nobody serves.
    let greets = given.iter().all(|segment| *segment == segment.to_lowercase() && segment != "appid-");
    let plain = |app: AppId, tenant: TenantId, rest: &str| {
        let path = if rest.is_empty() && !greets { path } else { rest };
        Some(Address { app, tenant, path: path.to_owned() })
    };
    if TABLE.contains_key(path) {
        return plain(AppId::default(), TenantId::default(), path);
    }
    let (app, behind_app) = match split_first(path) {
        Some((first, rest)) => match first.strip_prefix("appid-").filter(|id| is_name(id)) {
            Some(id) => (AppId::normalise(id), rest),
            None => (AppId::default(), path),
        },
        None => (AppId::default(), path),
    };
    if behind_app.is_empty() || TABLE.contains_key(behind_app) {
        return plain(app, TenantId::default(), behind_app);
    }
    let Some((first, rest)) = split_first(behind_app) else { return plain(app, TenantId::default(), behind_app) };
    if !first.is_empty() && is_name(first) && !RESERVED.contains(&first) && (rest.is_empty() || TABLE.contains_key(rest)) {
        return plain(app, TenantId::normalise(first), rest);
    }
    plain(if rest.is_empty() { app } else { AppId::default() }, TenantId::default(), behind_app)
}

fn split_first(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    let end = path.find('/').unwrap_or(path.len());
    Some(path.split_at(end))
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The host name of a request, without its port. HTTP/2 has it in the target, HTTP/1.1 in a header.
pub(crate) fn host(uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(host) = uri.host() {
        return host.to_owned();
    }
    let text = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // An IPv6 address stands in brackets; its colons are not the port's.
    let end =
        if text.starts_with('[') { text.find(']').map_or(text.len(), |i| i + 1) } else { text.find(':').unwrap_or(text.len()) };
    text.get(..end).unwrap_or_default().to_owned()
}

/// Refuses a domain that this installation does not look after (core-server.md 2, step 1).
pub(crate) fn check_domain(domain: &ConnectionUriDomain, only: Option<&str>) -> Result<(), Error> {
    match only {
        Some(only) if !domain.is_default() && domain.as_str() != only => Err(Error::bad("Connection URI domain is disallowed")),
        _ => Ok(()),
    }
}

/// Refuses an address that the settings do not let in. Within a process there is no address, and nothing is refused.
pub(crate) fn check_address(peer: Option<IpAddr>, entry: Option<&Entry>) -> Result<(), Error> {
    let (Some(peer), Some(entry)) = (peer, entry) else { return Ok(()) };
    if entry.config.lets_in(peer) { Ok(()) } else { Err(Error::refused(StatusCode::FORBIDDEN, "Forbidden")) }
}

/// What a caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// May not see or change protected settings.
    pub(crate) is_protected: bool,
    pub(crate) has_key: bool,
    /// Nobody is asked for a key.
    pub(crate) keyless: bool,
}

/// Compares the presented key with every configured one, each in constant time.
pub(crate) fn caller(parts: &Parts, app: Option<&CoreConfig>, base: Option<&CoreConfig>) -> Caller {
    let presented = presented_key(&parts.headers);
    let is = |secret: &str| presented.is_some_and(|key| equal(key, secret));
    let secret = base.and_then(|config| config.supertokens_saas_secret.as_ref());
    let has_secret = secret.is_some_and(|secret| is(secret.expose()));
    let keyless = app.is_some_and(|config| config.api_keys.is_empty()) && secret.is_none();
    let has_key = match app {
        None => true,
        Some(config) => {
            let matches = config.api_keys.iter().fold(false, |found, key| is(key.expose()) | found);
            keyless || matches || has_secret
        }
    };
    Caller { is_protected: secret.is_some() && !has_secret, has_key, keyless }
}

/// Refuses what a page of another site makes somebody's browser send to a core that asks for no key. With `own`, only the machine's
/// names, that one, and configured domains are answered to; otherwise a page whose name was made to lead here would be the core's own
/// site. `host.docker.internal` is none of them: where containers do not define it, the network's name server does.
pub(crate) fn check_site(parts: &Parts, own: Option<&str>, domain: &ConnectionUriDomain) -> Result<(), Error> {
    const ORIGIN: &str = "This core has no API key, so it answers nothing that a browser sends from another site. Set api_keys, and \
                          send one of them with each request";
    const HOST: &str = "This core has no API key and listens within this machine only, so it answers to localhost and to the name in \
                        host, but not to the name that was asked. Set api_keys and send one of them with each request (from a \
                        container, by host.docker.internal, that is the way), or set host to an address that others can reach";
    let sites = parts.headers.get_all("sec-fetch-site").iter();
    let from_elsewhere = sites.into_iter().any(|site| ![&b"none"[..], b"same-origin"].contains(&site.as_bytes()));
    if from_elsewhere || parts.headers.get_all(header::ORIGIN).iter().any(|origin| !is_own(origin.as_bytes(), parts)) {
        return Err(Error::forbidden(ORIGIN));
    }
    if let Some(own) = own
        && domain.is_default()
    {
        let asked = host(&parts.uri, &parts.headers);
        if !is_of_this_machine(&asked) && !asked.eq_ignore_ascii_case(own) {
            return Err(Error::forbidden(HOST));
        }
    }
    Ok(())
}

/// Is this origin the place that the request was sent to?
fn is_own(origin: &[u8], parts: &Parts) -> bool {
    let authority = match parts.uri.authority() {
        Some(authority) => authority.as_str().as_bytes(),
        None => parts.headers.get(header::HOST).map(http::HeaderValue::as_bytes).unwrap_or_default(),
    };
    let place = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    place.is_some_and(|place| !place.is_empty() && place.eq_ignore_ascii_case(authority))
}

/// A name that leads nowhere but to the machine itself. No name at all is one, as browsers always send one.
fn is_of_this_machine(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    host.is_empty() || last.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    text("api-key").or_else(|| {
        let value = text("authorization")?;
        let bearer = value.get(..7).filter(|start| start.eq_ignore_ascii_case("bearer "));
        Some(if bearer.is_some() { value.get(7..).unwrap_or_default().trim() } else { value })
    })
}

/// The version that a request speaks, checked against the app's limits.
pub(crate) fn version(headers: &HeaderMap, app: Option<&Entry>) -> Result<Requested, Error> {
    let header = match headers.get("cdi-version") {
        None => None,
        Some(value) => Some(value.to_str().unwrap_or("not text")),
    };
    Ok(negotiate(header, app.and_then(|entry| entry.max_version), app.and_then(|entry| entry.min_version))?)
}

impl Address {
    pub(crate) fn at(&self, cud: ConnectionUriDomain) -> TenantIdentifier {
        TenantIdentifier { cud, app: self.app.clone(), tenant: self.tenant.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_apart(path: &str) -> (String, String, String) {
        let a = address(path, "").unwrap();
        (a.app.to_string(), a.tenant.to_string(), a.path)
    }

    fn names(app: &str, tenant: &str, path: &str) -> (String, String, String) {
        (app.into(), tenant.into(), path.into())
    }

    #[test]
    fn all_four_shapes_reach_the_same_operation() {
        let path = "/recipe/session";
        assert_eq!(taken_apart("/recipe/session"), names("public", "public", path));
        assert_eq!(taken_apart("/recipe/session/"), names("public", "public", path));
        assert_eq!(taken_apart("/RECIPE//Session"), names("public", "public", path));
        assert_eq!(taken_apart("/t1/recipe/session"), names("public", "t1", path));
        assert_eq!(taken_apart("/appid-A/recipe/session"), names("a", "public", path));
        assert_eq!(taken_apart("/appid-a/T1/recipe/session"), names("a", "t1", path));
        assert_eq!(taken_apart("/appid-public/public/recipe/session"), names("public", "public", path));
        assert_eq!(taken_apart("/appid-/recipe/session"), names("public", "public", path));
    }

    #[test]
    fn what_is_no_operation_falls_to_the_root() {
        assert_eq!(taken_apart("/"), names("public", "public", ""));
        assert_eq!(taken_apart(""), names("public", "public", ""));
        assert_eq!(taken_apart("/t1"), names("public", "t1", ""));
        assert_eq!(taken_apart("/appid-a"), names("a", "public", ""));
        assert_eq!(taken_apart("/appid-a/t1"), names("a", "t1", ""));
        assert_eq!(taken_apart("/recipe/nothing"), names("public", "public", "/recipe/nothing"));
        assert_eq!(taken_apart("/recipe"), names("public", "public", "/recipe"));
        assert_eq!(taken_apart("/public/"), names("public", "public", ""));
        assert_eq!(taken_apart("/appid-public/t1/"), names("public", "t1", ""));
        for path in ["/appid-", "/PUBLIC", "/appid-PUBLIC", "/appid-/public", "/appid-public/Public", "/APPID-public"] {
            assert_eq!(taken_apart(path), names("public", "public", &path.to_lowercase()), "{path}");
            assert_eq!(taken_apart(&format!("{path}/")), names("public", "public", &path.to_lowercase()), "{path}");
        }
        assert_eq!(taken_apart("/appid-A/t1"), names("a", "t1", "/appid-a/t1"));
        assert_eq!(taken_apart("/appid-x/a/b"), names("public", "public", "/a/b"));
    }

    #[test]
    fn tricks_with_paths_lead_nowhere() {
        assert_eq!(address("/recipe%2fsession", ""), None);
        assert_eq!(address("/../recipe/session", ""), None);
        assert_eq!(address("/%ff", ""), None);
        assert_eq!(taken_apart("/x/../recipe/session;a=b"), names("public", "public", "/recipe/session"));
    }

    #[test]
    fn the_base_path_is_in_front_of_everything() {
        assert_eq!(address("/base/recipe/session", "/base/").unwrap().path, "/recipe/session");
        assert_eq!(address("/base", "base").unwrap().path, "");
        assert_eq!(address("/BASE/", "/Base").unwrap().path, "");
        assert_eq!(address("/basement/recipe/session", "/base"), None);
        assert_eq!(address("/recipe/session", "/base"), None);
    }

    #[test]
    fn the_host_is_read_without_its_port() {
        let mut headers = HeaderMap::new();
        for (given, expected) in [("a.example:3567", "a.example"), ("a.example", "a.example"), ("[::1]:3567", "[::1]")] {
            headers.insert(header::HOST, given.parse().unwrap());
            assert_eq!(host(&Uri::from_static("/hello"), &headers), expected);
        }
        assert_eq!(host(&Uri::from_static("http://b.example:1/hello"), &headers), "b.example");
    }

    #[test]
    fn a_key_is_taken_from_either_header() {
        let key = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            presented_key(&headers).map(str::to_owned)
        };
        assert_eq!(key("api-key", " k "), Some("k".into()));
        assert_eq!(key("authorization", "BEARER  k"), Some("k".into()));
        assert_eq!(key("authorization", "k"), Some("k".into()));
        assert_eq!(key("other", "k"), None);
    }

    #[test]
    fn a_browser_that_comes_from_another_site_is_known_by_what_it_sends() {
        let site = |headers: &[(&'static str, &str)]| {
            let mut request = http::Request::post("/recipe/session").header("host", "core.example:3567");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            check_site(&request.body(()).unwrap().into_parts().0, None, &ConnectionUriDomain::default()).is_ok()
        };
        for (headers, allowed) in [
            (&[][..], true),
            (&[("origin", "http://core.example:3567")], true),
            (&[("origin", "https://Core.Example:3567"), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-mode", "cors")], true),
            (&[("origin", "null")], false),
            (&[("origin", "")], false),
            (&[("origin", "http://")], false),
            (&[("origin", "http://core.example")], false),
            (&[("origin", "http://core.example:3567.evil.example")], false),
            (&[("origin", "http://evil.example")], false),
            (&[("origin", "http://core.example:3567"), ("origin", "http://evil.example")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(site(headers), allowed, "{headers:?}");
        }
    }

    #[test]
    fn the_machine_has_few_names() {
        let named = |host: &str, domain: &str| {
            let (parts, ()) = http::Request::get("/").header("host", host).body(()).unwrap().into_parts();
            check_site(&parts, Some("core.lan"), &ConnectionUriDomain::normalise(domain)).is_ok()
        };
        for (host, allowed) in [
            ("", true),
            ("localhost", true),
            ("LocalHost.:3567", true),
            ("core.localhost:3567", true),
            ("127.0.0.1:3567", true),
            ("127.1.2.3", true),
            ("[::1]:3567", true),
            ("0.0.0.0:3567", false),
            ("10.0.0.1:3567", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("evillocalhost", false),
            ("127.0.0.1.evil.example", false),
            ("[::2]", false),
            ("core.lan", true),
            ("Core.LAN:3567", true),
            ("evil.core.lan", false),
            ("host.docker.internal:3567", false),
        ] {
            assert_eq!(named(host, ""), allowed, "{host}");
        }
        assert!(named("c1.example", "c1.example"), "a configured domain");
    }
}
