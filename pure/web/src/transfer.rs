//! Does a token travel as a cookie or as a header? (sdk-session.md 4.5, 5.3, 6.2 steps 4 and 5, 7.3 step 5, 7.4 step 4)

/// How a client and an application hand each other tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferMethod {
    /// Cookies that scripts cannot read.
    Cookie,
    /// `Authorization` on requests, `st-access-token` and `st-refresh-token` on responses.
    Header,
}

/// What an application allows for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AllowedTransfer {
    /// Whichever the request uses.
    Any,
    /// This one, and tokens of the other count as absent.
    Only(TransferMethod),
}

impl TransferMethod {
    /// The method that is not this one.
    pub fn other(self) -> Self {
        match self {
            Self::Cookie => Self::Header,
            Self::Header => Self::Cookie,
        }
    }
}

impl AllowedTransfer {
    /// Is it allowed?
    pub fn allows(self, method: TransferMethod) -> bool {
        self == Self::Any || self == Self::Only(method)
    }

    /// The method for a session that came with neither: the only one allowed, or headers.
    pub fn or_header(self) -> TransferMethod {
        match self {
            Self::Any => TransferMethod::Header,
            Self::Only(method) => method,
        }
    }
}

/// The token of an `Authorization: Bearer …` header. Schemes have no case (RFC 9110, 11.1).
// An empty token is none: there is nothing to verify, and it must not outdo a cookie.
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

/// What a client that asks for a new session wants, by its `st-auth-mode` header. This is the default of an application.
pub fn wanted_by_header(st_auth_mode: Option<&str>) -> AllowedTransfer {
    match st_auth_mode {
        Some(mode) if mode.eq_ignore_ascii_case("header") => AllowedTransfer::Only(TransferMethod::Header),
        Some(mode) if mode.eq_ignore_ascii_case("cookie") => AllowedTransfer::Only(TransferMethod::Cookie),
        _ => AllowedTransfer::Any,
    }
}

/// How a new session's tokens go out: as allowed, or as the client asked, or in headers.
pub fn for_new_session(allowed: AllowedTransfer, st_auth_mode: Option<&str>) -> TransferMethod {
    match allowed {
        AllowedTransfer::Only(method) => method,
        AllowedTransfer::Any => wanted_by_header(st_auth_mode).or_header(),
    }
}

/// Which of the access tokens of a request counts. Tokens that do not look like ours are to be left out before.
pub fn for_request(allowed: AllowedTransfer, has_header: bool, has_cookie: bool) -> Option<TransferMethod> {
    if has_header && allowed.allows(TransferMethod::Header) {
        Some(TransferMethod::Header)
    } else if has_cookie && allowed.allows(TransferMethod::Cookie) {
        Some(TransferMethod::Cookie)
    } else {
        None
    }
}

/// Which of the refresh tokens of a request counts: that of the header, unless it is not allowed. An empty cookie is none.
pub fn for_refresh(allowed: AllowedTransfer, header: Option<&str>, cookie: Option<&str>) -> Option<TransferMethod> {
    for_request(allowed, header.is_some(), cookie.is_some_and(|cookie| !cookie.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::AllowedTransfer::{Any, Only};
    use super::TransferMethod::{Cookie, Header};
    use super::*;

    #[test]
    fn the_scheme_of_bearers_in_any_case() {
        let rows = [
            ("Bearer abc", Some("abc")),
            ("Bearer   abc  ", Some("abc")),
            ("Bearer a b", Some("a b")),
            ("bearer abc", Some("abc")),
            ("BEARER abc", Some("abc")),
            ("bEaReR  abc", Some("abc")),
            ("bearer", None),
            ("bearer  ", None),
            ("bearers abc", None),
            ("Bearerabc", None),
            ("Bearer\tabc", None),
            (" Bearer abc", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("Bearer   ", None),
            ("Basic abc", None),
            ("abc", None),
            ("", None),
        ];
        for (header, token) in rows {
            assert_eq!(bearer(header), token, "{header:?}");
        }
    }

    #[test]
    fn what_a_client_asks_for() {
        let rows = [
            (None, Any, Header),
            (Some("header"), Only(Header), Header),
            (Some("HEADER"), Only(Header), Header),
            (Some("cookie"), Only(Cookie), Cookie),
            (Some("Cookie"), Only(Cookie), Cookie),
            (Some("any"), Any, Header),
            (Some(""), Any, Header),
            (Some("cookies"), Any, Header),
        ];
        for (mode, wanted, method) in rows {
            assert_eq!(wanted_by_header(mode), wanted, "{mode:?}");
            assert_eq!(for_new_session(Any, mode), method, "{mode:?}");
            assert_eq!(for_new_session(Only(Cookie), mode), Cookie);
            assert_eq!(for_new_session(Only(Header), mode), Header);
        }
    }

    #[test]
    fn which_token_of_a_request_counts() {
        let rows = [
            (Any, false, false, None),
            (Any, true, false, Some(Header)),
            (Any, true, true, Some(Header)),
            (Any, false, true, Some(Cookie)),
            (Only(Header), false, false, None),
            (Only(Header), true, false, Some(Header)),
            (Only(Header), true, true, Some(Header)),
            (Only(Header), false, true, None),
            (Only(Cookie), false, false, None),
            (Only(Cookie), true, false, None),
            (Only(Cookie), true, true, Some(Cookie)),
            (Only(Cookie), false, true, Some(Cookie)),
        ];
        for (allowed, header, cookie, method) in rows {
            assert_eq!(for_request(allowed, header, cookie), method, "{allowed:?} {header} {cookie}");
            let of = |has: bool| has.then_some("token");
            assert_eq!(for_refresh(allowed, of(header), of(cookie)), method, "{allowed:?} {header} {cookie}");
            let without_cookie = for_request(allowed, header, false);
            assert_eq!(for_refresh(allowed, of(header), Some("")), without_cookie, "an empty cookie, {allowed:?} {header}");
        }
    }

    #[test]
    fn a_session_that_came_with_neither_goes_by_header_unless_told_otherwise() {
        assert_eq!([Any, Only(Cookie), Only(Header)].map(AllowedTransfer::or_header), [Header, Cookie, Header]);
        assert_eq!([Cookie, Header].map(TransferMethod::other), [Header, Cookie]);
        assert!(Any.allows(Cookie) && Only(Cookie).allows(Cookie) && !Only(Header).allows(Cookie));
    }
}
