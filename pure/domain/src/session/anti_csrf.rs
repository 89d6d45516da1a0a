//! When must a request show the anti-CSRF token of its session, and did it? (core-session.md 2.5 step 2, 3.6)

use super::hash::equal;

/// Whether verifying an access token also compares the anti-CSRF token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AntiCsrfCheck<'a> {
    /// Not wanted.
    Skip,
    /// The token of the session must equal this one, which the request brought or did not bring.
    Compare(Option<&'a str>),
}

/// Shows no token.
impl std::fmt::Debug for AntiCsrfCheck<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Skip) { "Skip" } else { "Compare(***)" })
    }
}

/// What is wrong with the anti-CSRF token when an access token is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AntiCsrfError {
    /// The access token carries none, so there is nothing to compare with.
    #[error("Access token does not contain all the information. Maybe the structure has changed?")]
    NotInToken,
    /// The request brought none, or another one.
    #[error("anti-csrf check failed")]
    Mismatch,
}

impl<'a> AntiCsrfCheck<'a> {
    /// The check happens only if the deployment uses anti-CSRF tokens and this request asks for the check.
    pub fn new(enabled: bool, wanted: bool, given: Option<&'a str>) -> Self {
        if enabled && wanted { Self::Compare(given) } else { Self::Skip }
    }

    /// Applies the check to the anti-CSRF token inside an access token.
    pub fn apply(self, in_token: Option<&str>) -> Result<(), AntiCsrfError> {
        match (self, in_token) {
            (Self::Skip, _) => Ok(()),
            (Self::Compare(_), None) => Err(AntiCsrfError::NotInToken),
            (Self::Compare(Some(given)), Some(expected)) if equal(given, expected) => Ok(()),
            (Self::Compare(_), Some(_)) => Err(AntiCsrfError::Mismatch),
        }
    }
}

/// May this refresh go on, as far as anti-CSRF is concerned? A refresh token without one passes, even where the deployment
/// uses anti-CSRF tokens: the session may be older than the setting.
pub fn may_refresh(enabled: bool, in_token: Option<&str>, given: Option<&str>) -> Result<(), RefreshAntiCsrfError> {
    match (enabled, in_token, given) {
        (false, _, _) | (true, None, _) => Ok(()),
        (true, Some(expected), Some(given)) if equal(given, expected) => Ok(()),
        (true, Some(_), _) => Err(RefreshAntiCsrfError),
    }
}

/// The refresh request lacks the anti-CSRF token of its refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Anti CSRF token missing, or not matching")]
pub struct RefreshAntiCsrfError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifying_compares_only_if_both_flags_are_set() {
        for (enabled, wanted) in [(false, false), (false, true), (true, false)] {
            let check = AntiCsrfCheck::new(enabled, wanted, Some("wrong"));
            assert_eq!(check, AntiCsrfCheck::Skip);
            assert_eq!(check.apply(Some("right")), Ok(()));
            assert_eq!(check.apply(None), Ok(()));
        }
        let check = |given| AntiCsrfCheck::new(true, true, given);
        assert_eq!(check(Some("right")).apply(Some("right")), Ok(()));
        assert_eq!(check(Some("wrong")).apply(Some("right")), Err(AntiCsrfError::Mismatch));
        assert_eq!(check(None).apply(Some("right")), Err(AntiCsrfError::Mismatch));
        assert_eq!(check(Some("right")).apply(None), Err(AntiCsrfError::NotInToken));
        assert_eq!(check(None).apply(None), Err(AntiCsrfError::NotInToken));
    }

    #[test]
    fn refreshing_compares_if_the_token_has_one() {
        assert_eq!(may_refresh(false, Some("right"), None), Ok(()));
        assert_eq!(may_refresh(true, None, None), Ok(()));
        assert_eq!(may_refresh(true, None, Some("any")), Ok(()));
        assert_eq!(may_refresh(true, Some("right"), Some("right")), Ok(()));
        assert_eq!(may_refresh(true, Some("right"), Some("wrong")), Err(RefreshAntiCsrfError));
        assert_eq!(may_refresh(true, Some("right"), None), Err(RefreshAntiCsrfError));
        assert_eq!(RefreshAntiCsrfError.to_string(), "Anti CSRF token missing, or not matching");
    }
}
