//! A signature that is still to be checked: by whom, over which bytes. What it proves is decided already; whether it holds is arithmetic.

use crate::webauthn::certificate::Certificate;
use crate::webauthn::key::PublicKey;

/// A signature that is still to be checked.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who is said to have signed.
    pub by: Signer,
    /// What was signed.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Who is said to have signed.
#[derive(Debug, Clone)]
pub enum Signer {
    /// The passkey itself.
    Key(PublicKey),
    /// Whoever made the authenticator, by a certificate that must first be opened.
    Certificate(Certificate),
}

/// What came of checking a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not, or the certificate is none that may sign this.
    Fails,
    /// The certificate cannot be read.
    Unreadable,
}
