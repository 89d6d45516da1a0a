//! Must a request prove that a page of ours sent it, and did it? (sdk-session.md 6.2 steps 6 and 7, 6.4 steps 1, 4 and 6, 6.6,
//! 7.4 step 6)
//!
//! Only cookies travel by themselves, so only they need proof: where tokens come in headers nothing here ever refuses.

use subtle::ConstantTimeEq;

use crate::session_settings::AntiCsrfMode;
use crate::transfer::TransferMethod;

/// What to do with a request before its access token is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestDecision {
    /// The custom header is missing: answer "try refresh token".
    TryRefresh,
    /// Verify. `check` tells whether the anti-CSRF token is to be compared, should the mode be that of tokens.
    Proceed {
        /// The option `antiCsrfCheck` of verifying.
        check: bool,
    },
}

/// What to do with a refresh request before the core is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshDecision {
    /// The custom header is missing: answer "unauthorised" and clear both methods.
    Unauthorised,
    /// Refresh. `disable` tells the core not to check.
    Proceed {
        /// The option `disableAntiCsrf` of refreshing.
        disable: bool,
    },
}

/// For an ordinary request. `wanted` is what the route says about checking, if it says something; `selected` is how the access
/// token that counts came.
pub fn decide_for_request(
    mode: AntiCsrfMode,
    wanted: Option<bool>,
    is_get: bool,
    selected: Option<TransferMethod>,
    has_rid: bool,
) -> RequestDecision {
    let check = selected == Some(TransferMethod::Cookie) && wanted.unwrap_or(!is_get);
    match (mode, check, has_rid) {
        (AntiCsrfMode::ViaCustomHeader, true, false) => RequestDecision::TryRefresh,
        (AntiCsrfMode::ViaCustomHeader, true, true) => RequestDecision::Proceed { check: false },
        _ => RequestDecision::Proceed { check },
    }
}

/// For a refresh request whose refresh token came by `method`.
pub fn decide_for_refresh(mode: AntiCsrfMode, method: TransferMethod, has_rid: bool) -> RefreshDecision {
    match (mode, method, has_rid) {
        (_, TransferMethod::Header, _) => RefreshDecision::Proceed { disable: true },
        (AntiCsrfMode::ViaCustomHeader, TransferMethod::Cookie, false) => RefreshDecision::Unauthorised,
        (AntiCsrfMode::ViaCustomHeader, TransferMethod::Cookie, true) => RefreshDecision::Proceed { disable: true },
        (AntiCsrfMode::None | AntiCsrfMode::ViaToken, TransferMethod::Cookie, _) => RefreshDecision::Proceed { disable: false },
    }
}

/// Is the caller asking for a check that only a request allows? `fixed` is the mode if the application chose one.
pub fn needs_a_request(fixed: Option<AntiCsrfMode>, check: bool) -> bool {
    check && fixed == Some(AntiCsrfMode::ViaCustomHeader)
}

/// Does a new or refreshed session get an anti-CSRF token?
pub fn gives_a_token(mode: AntiCsrfMode, disabled: bool) -> bool {
    mode == AntiCsrfMode::ViaToken && !disabled
}

/// Does the request show the anti-CSRF token of its access token? A token that has none never passes: it was made for headers.
/// The time this takes does not tell where two tokens differ.
pub fn check_token(in_token: Option<&str>, given: Option<&str>) -> bool {
    match (in_token, given) {
        (Some(expected), Some(given)) => expected.as_bytes().ct_eq(given.as_bytes()).into(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::AntiCsrfMode::{None as Off, ViaCustomHeader, ViaToken};
    use super::TransferMethod::{Cookie, Header};
    use super::*;

    const MODES: [AntiCsrfMode; 3] = [Off, ViaCustomHeader, ViaToken];

    #[test]
    fn a_request_by_cookie() {
        let check = |check| RequestDecision::Proceed { check };
        let refused = RequestDecision::TryRefresh;
        // mode, wanted, GET, then the answers without and with rid
        let rows = [
            (Off, None, true, check(false), check(false)),
            (Off, None, false, check(true), check(true)),
            (Off, Some(true), true, check(true), check(true)),
            (Off, Some(true), false, check(true), check(true)),
            (Off, Some(false), true, check(false), check(false)),
            (Off, Some(false), false, check(false), check(false)),
            (ViaToken, None, true, check(false), check(false)),
            (ViaToken, None, false, check(true), check(true)),
            (ViaToken, Some(true), true, check(true), check(true)),
            (ViaToken, Some(true), false, check(true), check(true)),
            (ViaToken, Some(false), true, check(false), check(false)),
            (ViaToken, Some(false), false, check(false), check(false)),
            (ViaCustomHeader, None, true, check(false), check(false)),
            (ViaCustomHeader, None, false, refused, check(false)),
            (ViaCustomHeader, Some(true), true, refused, check(false)),
            (ViaCustomHeader, Some(true), false, refused, check(false)),
            (ViaCustomHeader, Some(false), true, check(false), check(false)),
            (ViaCustomHeader, Some(false), false, check(false), check(false)),
        ];
        for (mode, wanted, get, without, with) in rows {
            assert_eq!(decide_for_request(mode, wanted, get, Some(Cookie), false), without, "{mode:?} {wanted:?} {get}");
            assert_eq!(decide_for_request(mode, wanted, get, Some(Cookie), true), with, "{mode:?} {wanted:?} {get}");
        }
    }

    #[test]
    fn a_request_by_header_or_without_token_is_never_checked() {
        for mode in MODES {
            for wanted in [None, Some(true), Some(false)] {
                for (get, rid) in [(false, false), (false, true), (true, false), (true, true)] {
                    for selected in [None, Some(Header)] {
                        let decision = decide_for_request(mode, wanted, get, selected, rid);
                        assert_eq!(decision, RequestDecision::Proceed { check: false });
                    }
                }
            }
        }
    }

    #[test]
    fn a_refresh() {
        let go = |disable| RefreshDecision::Proceed { disable };
        let rows = [
            (Off, Cookie, go(false), go(false)),
            (ViaToken, Cookie, go(false), go(false)),
            (ViaCustomHeader, Cookie, RefreshDecision::Unauthorised, go(true)),
            (Off, Header, go(true), go(true)),
            (ViaToken, Header, go(true), go(true)),
            (ViaCustomHeader, Header, go(true), go(true)),
        ];
        for (mode, method, without, with) in rows {
            assert_eq!(decide_for_refresh(mode, method, false), without, "{mode:?} {method:?}");
            assert_eq!(decide_for_refresh(mode, method, true), with, "{mode:?} {method:?}");
        }
    }

    #[test]
    fn the_custom_header_cannot_be_checked_without_a_request() {
        for mode in MODES {
            assert_eq!(needs_a_request(Some(mode), true), mode == ViaCustomHeader);
            assert!(!needs_a_request(Some(mode), false));
            assert_eq!(gives_a_token(mode, false), mode == ViaToken);
            assert!(!gives_a_token(mode, true));
        }
        assert!(!needs_a_request(None, true), "the computed mode is known only with a request");
    }

    #[test]
    fn tokens_must_be_there_and_equal() {
        let rows = [
            (Some("token"), Some("token"), true),
            (Some("token"), Some("Token"), false),
            (Some("token"), Some("toke"), false),
            (Some("token"), Some("token "), false),
            (Some("token"), Some(""), false),
            (Some("token"), None, false),
            (None, Some("token"), false),
            (None, Some(""), false),
            (None, None, false),
        ];
        for (in_token, given, passes) in rows {
            assert_eq!(check_token(in_token, given), passes, "{in_token:?} {given:?}");
        }
    }
}
