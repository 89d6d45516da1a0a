//! Why a ceremony, or a wish for one, is refused. All of them are answers with HTTP 200.

use std::borrow::Cow;

/// A status and a reason. The reason is for whoever builds the application; no SDK looks into it (core-recipes-2.md 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    status: &'static str,
    reason: Cow<'static, str>,
}

impl Refused {
    /// The options cannot be made, or cannot be used any more.
    pub fn options(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { status: "INVALID_OPTIONS_ERROR", reason: reason.into() }
    }

    /// What was sent has not the form of a credential.
    pub fn credential(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { status: "INVALID_CREDENTIALS_ERROR", reason: reason.into() }
    }

    /// It has, and is not what was asked for.
    pub fn authenticator(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { status: "INVALID_AUTHENTICATOR_ERROR", reason: reason.into() }
    }

    /// The words of upstream's parser for most of what it cannot read.
    pub(super) fn no_form() -> Self {
        Self::credential("Input data does not match expected form")
    }

    /// The words of upstream's parser for bytes that end too early or too late.
    pub(super) fn no_layout() -> Self {
        Self::credential("provided data does not have proper byte layout")
    }

    /// The `status` of the answer.
    pub fn status(&self) -> &'static str {
        self.status
    }

    /// The `reason` of the answer.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
