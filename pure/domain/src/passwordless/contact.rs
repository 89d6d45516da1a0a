//! Where a code is sent: to an e-mail address or to a phone number.

use crate::accounts::{AccountInfo, InfoKind, Login};

/// The contact of a device, normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contact {
    /// An e-mail address.
    Email(String),
    /// A phone number.
    Phone(String),
}

impl Contact {
    /// The contact of a row, which has one of the two.
    pub fn of_row(email: Option<String>, phone: Option<String>) -> Option<Self> {
        email.map(Self::Email).or(phone.map(Self::Phone))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }

    /// The e-mail address, if it is one.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Email(email) => Some(email),
            Self::Phone(_) => None,
        }
    }

    /// The phone number, if it is one.
    pub fn phone(&self) -> Option<&str> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Email(_) => None,
        }
    }

    /// Of what kind it is.
    pub fn kind(&self) -> InfoKind {
        match self {
            Self::Email(_) => InfoKind::Email,
            Self::Phone(_) => InfoKind::Phone,
        }
    }

    /// As an account info.
    pub fn info(&self) -> AccountInfo {
        AccountInfo { kind: self.kind(), value: self.as_str().to_owned() }
    }

    /// The login of somebody who has only this.
    pub fn login(&self) -> Login {
        Login::Passwordless { email: self.email().map(str::to_owned), phone: self.phone().map(str::to_owned) }
    }

    /// The other contact of a login method: codes for it die when somebody logs in by this one.
    pub fn other_of(&self, login: &Login) -> Option<Self> {
        match self {
            Self::Email(_) => login.phone().map(|phone| Self::Phone(phone.to_owned())),
            Self::Phone(_) => login.email().map(|email| Self::Email(email.to_owned())),
        }
    }
}
