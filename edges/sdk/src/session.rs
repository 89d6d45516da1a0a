//! The session recipe: functions, endpoints, settings and claims (sdk-session.md 4 to 8).

mod api;
mod claim_functions;
mod claims;
mod create;
mod functions;
mod handlers;
mod look;
mod object;
mod recipe;
mod refresh;
mod several_cookies;
mod token;
pub(crate) mod turns;
pub(crate) mod verified;
mod verify;

pub(crate) use api::sign_out;
pub use api::{RefreshPost, SignOutPost, SignedOut};
pub use claim_functions::{ClaimsValidated, FetchAndSetClaim, GetClaimValue, RemoveClaim, SetClaimValue, ValidateClaims};
pub use claims::{CheckedClaim, Claim, ClaimSubject, ClaimValidator, SessionClaim, Verdict};
pub use create::{CreateNewSession, NewSession};
pub use functions::{
    GetAllSessionHandlesForUser, GetGlobalClaimValidators, GetSessionInformation, MergeIntoAccessTokenPayload,
    RegenerateAccessToken, Regenerated, RevokeAllSessionsForUser, RevokeMultipleSessions, RevokeSession, SessionInformation,
    UpdateSessionDataInDatabase,
};
pub(crate) use handlers::Callback;
pub use handlers::{Handlers, Theft};
pub use object::{AllSessionTokens, Session};
pub(crate) use recipe::SessionFeature;
pub use recipe::{Purpose, SessionRecipe};
pub use refresh::RefreshSession;
pub use supertokens_web::response_changes::TokenKind;
pub use supertokens_web::session_settings::{AntiCsrfMode, SameSite};
pub use supertokens_web::transfer::{AllowedTransfer, TransferMethod};
pub use token::PresentedToken;
pub use verify::{Asked, GetSession, VerifyOptions, VerifySession};
