//! Logging in with an e-mail address and a password: load, decide, save, answer (core-users.md 3). Hashing comes before a transaction
//! begins, and whoever is unknown costs a hash as well.

mod change;
mod import;
mod reset;
mod sign_in;
mod sign_up;

use supertokens_wire::cdi::emailpassword as wire;

use crate::use_case::Route;

/// What this recipe answers.
pub const ROUTES: &[Route] = &[
    Route::of::<wire::SignUp>(),
    Route::of::<wire::SignIn>(),
    Route::of::<wire::GetUser>(),
    Route::of::<wire::ChangeUser>(),
    Route::of::<wire::MakeResetToken>(),
    Route::of::<wire::ResetPassword>(),
    Route::of::<wire::ConsumeResetToken>(),
    Route::of::<wire::ImportHash>(),
];
