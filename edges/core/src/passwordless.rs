//! Logging in with a code or a link that was sent (core-recipes-1.md 2). What an attempt does is decided in
//! `pure/domain/src/passwordless/attempt.rs`.

use supertokens_domain::passwordless::attempt::Policy;
use supertokens_wire::cdi::passwordless::{
    CheckCode, ConsumeCode, CreateCode, GetCodes, GetUser, PutUser, RemoveCode, RemoveCodes,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::Route;

mod attempt;
mod consume;
mod create;
mod pending;
mod user;

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<CreateCode>(),
    Route::of::<CheckCode>(),
    Route::of::<ConsumeCode>(),
    Route::of::<GetUser>(),
    Route::of::<PutUser>(),
    Route::of::<RemoveCode>(),
    Route::of::<RemoveCodes>(),
    Route::of::<GetCodes>(),
];

/// The tenant's settings, which count for codes that are out already.
fn policy(cx: &Cx<'_>) -> Result<Policy, Error> {
    let config = &cx.tenant()?.config;
    Ok(Policy {
        code_lifetime: config.passwordless_code_lifetime,
        max_attempts: u32::try_from(config.passwordless_max_code_input_attempts).unwrap_or(u32::MAX),
    })
}
