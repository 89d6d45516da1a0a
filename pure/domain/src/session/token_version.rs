//! The layouts of access tokens, of which a signing key prepares the first part (core-session.md 3).

/// The first part of every V1 token. Compared as text, never decoded.
pub(crate) const HEADER_V1: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIxIn0=";
/// The first part of every V2 token.
pub(crate) const HEADER_V2: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=";

/// The layout of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessTokenVersion {
    /// Only ever made to replace a V1.
    V1,
    /// Before CDI 2.21: no key id, the user's payload in a member of its own.
    V2,
    /// CDI 2.21: key id, the user's payload among the claims.
    V3,
    /// With the tenant.
    V4,
    /// With the recipe user id.
    V5,
}

impl AccessTokenVersion {
    /// 1 to 5.
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 3,
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }

    /// V1 and V2: no key id, times in milliseconds, and the user's claims cannot collide with ours.
    pub fn is_legacy(self) -> bool {
        self <= Self::V2
    }
}
