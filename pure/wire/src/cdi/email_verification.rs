//! Is an address somebody's (core-users.md 4)? An id is any text, used as it was sent; addresses are normalised.

use supertokens_domain::secret::Secret;

use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// The longest user id that the tables keep, in characters.
const LONGEST_ID: usize = 128;

/// Whose which address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As it was sent.
    pub user_id: String,
    /// Normalised.
    pub email: String,
}

impl Address {
    /// To look for: what no column holds is simply not there.
    fn of_body(body: &Fields) -> Result<Self, BadInput> {
        Ok(Self { user_id: body.string("userId")?, email: body.any_email("email")? })
    }

    fn of_query(input: &Input<'_>) -> Result<Self, BadInput> {
        let user_id = input.query.required("userId")?.to_owned();
        Ok(Self { user_id, email: input.query.any_email("email")? })
    }
}

/// POST /recipe/user/email/verify/token
#[derive(Debug)]
pub struct CreateVerificationToken(pub Address);

impl Operation for CreateVerificationToken {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/email/verify/token";
    type Answer = VerificationToken;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.fitting("userId", LONGEST_ID)?;
        Ok(Self(Address { user_id, email: body.email("email")? }))
    }
}

/// Answers [`CreateVerificationToken`].
#[derive(Debug)]
pub enum VerificationToken {
    /// For whoever reads what is sent to the address.
    Ok(Secret<String>),
    /// There is nothing to show any more.
    AlreadyVerified,
}

impl Answer for VerificationToken {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(token) => status("OK").with("token", token.expose().as_str()),
            Self::AlreadyVerified => status("EMAIL_ALREADY_VERIFIED_ERROR"),
        })
    }
}

/// POST /recipe/user/email/verify
#[derive(Debug)]
pub struct VerifyEmail {
    /// As it was sent.
    pub token: Secret<String>,
}

impl Operation for VerifyEmail {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/email/verify";
    type Answer = EmailVerified;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let (method, token) = (body.token("method")?, Secret::new(body.token("token")?));
        if method == "token" { Ok(Self { token }) } else { Err(BadInput::rule("Unsupported method for email verification")) }
    }
}

/// Answers [`VerifyEmail`].
#[derive(Debug)]
pub enum EmailVerified {
    /// Whose the token was.
    Ok(Address),
    /// Unknown, used, expired, or of another tenant.
    InvalidToken,
}

impl Answer for EmailVerified {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(address) => status("OK").with("userId", address.user_id).with("email", address.email),
            Self::InvalidToken => status("EMAIL_VERIFICATION_INVALID_TOKEN_ERROR"),
        })
    }
}

/// GET /recipe/user/email/verify
#[derive(Debug)]
pub struct IsEmailVerified(pub Address);

impl Operation for IsEmailVerified {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/user/email/verify";
    type Answer = Verified;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Address::of_query(input).map(Self)
    }
}

/// Answers [`IsEmailVerified`].
#[derive(Debug, Clone, Copy)]
pub struct Verified(pub bool);

impl Answer for Verified {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("isVerified", self.0))
    }
}

macro_rules! removal {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Address);

        impl Operation for $name {
            const METHOD: &'static str = "POST";
            const PATH: &'static str = $path;
            type Answer = Removed;

            fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
                Address::of_body(&input.body()?).map(Self)
            }
        }
    };
}

removal!(
    /// POST /recipe/user/email/verify/remove
    Unverify, "/recipe/user/email/verify/remove");
removal!(
    /// POST /recipe/user/email/verify/token/remove
    RemoveVerificationTokens, "/recipe/user/email/verify/token/remove");

/// Answers [`Unverify`] and [`RemoveVerificationTokens`], whether or not there was something.
#[derive(Debug, Clone, Copy)]
pub struct Removed;

impl Answer for Removed {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK"))
    }
}
