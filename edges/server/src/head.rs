//! Is the head of a request one that can be read in one way only? What the HTTP library lets pass, although the RFCs say that a
//! server must refuse it: hosts (RFC 9112 3.2; the host chooses the connection URI domain), transfer codings (RFC 9112 6.1) and
//! expectations (RFC 9110 10.1.1).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use supertokens_core::error::text_response;

/// The refusal of a head, if it is to be refused. Over HTTP/1.1 it ends the connection: what follows cannot be trusted to be a
/// request.
pub(crate) fn refusal<B>(request: &Request<B>) -> Option<Response<Bytes>> {
    let (version, uri, headers) = (request.version(), request.uri(), request.headers());
    let (status, line) = fault(version, uri, headers)?;
    let mut response = text_response(status, line);
    if version < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Some(response)
}

fn fault(version: Version, uri: &Uri, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let bad = |line| Some((StatusCode::BAD_REQUEST, line));
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return bad("The Host header is given more than once");
    }
    match host {
        Some(host) if !is_host(host.as_bytes()) => return bad("The Host header is malformed"),
        None if version == Version::HTTP_11 => return bad("The Host header is missing"),
        _ => {}
    }
    let named = uri.authority().map(http::uri::Authority::as_str);
    if let Some(named) = named {
        if !is_host(named.as_bytes()) {
            return bad("The host in the request target is malformed");
        }
        // RFC 9113 8.3.1. Over HTTP/1.1 the target counts, and the header is ignored (RFC 9112 3.2.2).
        let agrees = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(named.as_bytes());
        if version == Version::HTTP_2 && !host.is_none_or(agrees) {
            return bad("The Host header and :authority disagree");
        }
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next()
        && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Some((StatusCode::NOT_IMPLEMENTED, "The only transfer encoding that is understood is chunked, once"));
    }
    let expects = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    // One of HTTP/1.0 may be ignored.
    if version > Version::HTTP_10 && headers.get_all(header::EXPECT).iter().any(expects) {
        return Some((StatusCode::EXPECTATION_FAILED, "The only expectation that is met is 100-continue"));
    }
    None
}

/// `uri-host [ ":" port ]` (RFC 9110 7.2, RFC 3986 3.2.2). Empty is allowed: it names nobody.
fn is_host(text: &[u8]) -> bool {
    let (name, port) = match text.strip_prefix(b"[") {
        Some(rest) => match rest.iter().position(|b| *b == b']').map(|end| rest.split_at(end)) {
            Some((address, behind)) => {
                let address = std::str::from_utf8(address).unwrap_or_default();
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return false;
                }
                (&b""[..], behind.strip_prefix(b"]").unwrap_or_default())
            }
            None => return false,
        },
        None => text.split_at(text.iter().position(|b| *b == b':').unwrap_or(text.len())),
    };
    let port = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit) && digits.len() <= 5,
        Some(_) => false,
    };
    port && name.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(version: Version, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        refusal(&request.body(()).unwrap()).map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (host, good) in [
            ("localhost", true),
            ("localhost:3567", true),
            ("my_core.svc.cluster.local:80", true),
            ("127.0.0.1:3567", true),
            ("[::1]:3567", true),
            ("[::1]", true),
            ("xn--bcher-kva.example.", true),
            ("", true),
            ("a:", true),
            ("a b", false),
            ("a@b", false),
            ("a/b", false),
            ("a:b", false),
            ("a:1:2", false),
            ("a:123456", false),
            ("http://a", false),
            ("[::1", false),
            ("[::1]x", false),
            ("[a]", false),
            ("::1", false),
            ("a,b c", false),
            ("a<b>", false),
            ("a?b", false),
            ("a#b", false),
            ("a\\b", false),
            ("b\u{fc}cher.example", false),
        ] {
            assert_eq!(status(Version::HTTP_11, "/hello", &[("host", host)]), if good { 200 } else { 400 }, "{host}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let host = ("host", "a.example:1");
        for (version, target, headers, expected) in [
            (Version::HTTP_11, "/hello", &[][..], 400),
            (Version::HTTP_10, "/hello", &[], 200),
            (Version::HTTP_2, "/hello", &[], 200),
            (Version::HTTP_11, "/hello", &[host, host], 400),
            (Version::HTTP_10, "/hello", &[host, ("host", "b.example")], 400),
            (Version::HTTP_2, "http://a.example:1/hello", &[host], 200),
            (Version::HTTP_2, "http://A.example:1/hello", &[host], 200),
            (Version::HTTP_2, "http://b.example:1/hello", &[host], 400),
            (Version::HTTP_2, "http://u@a.example:1/hello", &[], 400),
            (Version::HTTP_11, "http://a.example:1/hello", &[], 400),
            (Version::HTTP_11, "http://b.example:1/hello", &[host], 200),
            (Version::HTTP_11, "http://u:p@a.example/hello", &[host], 400),
            (Version::HTTP_11, "/hello", &[host, ("transfer-encoding", "Chunked")], 200),
            (Version::HTTP_11, "/hello", &[host, ("transfer-encoding", "gzip, chunked")], 501),
            (Version::HTTP_11, "/hello", &[host, ("transfer-encoding", "chunked, chunked")], 501),
            (Version::HTTP_11, "/hello", &[host, ("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")], 501),
            (Version::HTTP_11, "/hello", &[host, ("transfer-encoding", "identity")], 501),
            (Version::HTTP_11, "/hello", &[host, ("expect", "100-Continue")], 200),
            (Version::HTTP_11, "/hello", &[host, ("expect", "200-ok")], 417),
            (Version::HTTP_11, "/hello", &[host, ("expect", "100-continue"), ("expect", "x=y")], 417),
            (Version::HTTP_10, "/hello", &[host, ("expect", "x")], 200),
        ] {
            assert_eq!(status(version, target, headers), expected, "{version:?} {target} {headers:?}");
        }
    }
}
