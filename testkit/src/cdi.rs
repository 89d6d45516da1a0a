//! What any core must do: scenarios by subject, each run on every target.

use crate::scenario::Subject;

pub mod account_linking;
pub mod account_races;
pub mod bulk_import;
pub mod costs;
pub mod dashboard;
pub mod door;
pub mod email_verification;
pub mod emailpassword;
pub mod jobs;
pub mod jwt;
pub mod keys;
pub mod linked_users;
pub mod linking;
pub mod mapped_users;
pub mod migration;
pub mod older_cores;
pub mod passwordless;
pub mod place;
pub mod removal_races;
pub mod server;
pub mod session;
pub mod shadowed_users;
pub mod takeover;
pub mod tenancy;
pub mod test_mode;
pub mod thirdparty;
pub mod totp;
pub mod user_id_mapping;
pub mod user_metadata;
pub mod user_removal;
pub mod user_roles;
pub mod user_search;
pub mod users;
pub mod webauthn;

/// Every subject.
pub static SUBJECTS: &[Subject] = &[
    ("session::refresh", session::refresh::ALL),
    ("session::successor", session::successor::ALL),
    ("session::refresh_around", session::refresh_around::ALL),
    ("session::decisions", session::decisions::ALL),
    ("session::regenerate", session::regenerate::ALL),
    ("session::remove", session::remove::ALL),
    ("session::races", session::races::ALL),
    ("session::locks", session::locks::ALL),
    ("session::create", session::create::ALL),
    ("session::data", session::data::ALL),
    ("session::large", session::large::ALL),
    ("session::verify", session::verify::ALL),
    ("session::verify_table", session::verify_table::ALL),
    ("session::verify_tokens", session::verify_tokens::ALL),
    ("session::create_around", session::create_around::ALL),
    ("tenancy::apps", tenancy::apps::ALL),
    ("tenancy::tenants", tenancy::tenants::ALL),
    ("tenancy::permissions", tenancy::permissions::ALL),
    ("tenancy::configuration", tenancy::configuration::ALL),
    ("tenancy::factors", tenancy::factors::ALL),
    ("tenancy::providers", tenancy::providers::ALL),
    ("tenancy::removal", tenancy::removal::ALL),
    ("tenancy::removed_users", tenancy::removed_users::ALL),
    ("tenancy::users", tenancy::users::ALL),
    ("takeover", takeover::ALL),
    ("takeover::passkeys", takeover::passkeys::ALL),
    ("takeover::users", takeover::users::ALL),
    ("test_mode", test_mode::ALL),
    ("keys", keys::ALL),
    ("jwt", jwt::ALL),
    ("jobs", jobs::ALL),
    ("door", door::ALL),
    ("server", server::ALL),
    ("linked_users", linked_users::ALL),
    ("mapped_users", mapped_users::ALL),
    ("removal_races", removal_races::ALL),
    ("shadowed_users", shadowed_users::ALL),
    ("migration", migration::ALL),
    ("older_cores", older_cores::ALL),
    ("users", users::ALL),
    ("user_search", user_search::ALL),
    ("user_removal", user_removal::ALL),
    ("account_linking", account_linking::ALL),
    ("account_races", account_races::ALL),
    ("passwordless::creating", passwordless::creating::ALL),
    ("passwordless::attempts", passwordless::attempts::ALL),
    ("passwordless::pending", passwordless::pending::ALL),
    ("emailpassword::sign_up", emailpassword::sign_up::ALL),
    ("emailpassword::sign_in", emailpassword::sign_in::ALL),
    ("emailpassword::hashing", emailpassword::hashing::ALL),
    ("emailpassword::import", emailpassword::import::ALL),
    ("emailpassword::change", emailpassword::change::ALL),
    ("emailpassword::reset", emailpassword::reset::ALL),
    ("emailpassword::linked", emailpassword::linked::ALL),
    ("emailpassword::costs", emailpassword::costs::ALL),
    ("user_metadata", user_metadata::ALL),
    ("user_roles", user_roles::ALL),
    ("email_verification", email_verification::ALL),
    ("user_id_mapping", user_id_mapping::ALL),
    ("costs", costs::ALL),
    ("passwordless::consuming", passwordless::consuming::ALL),
    ("passwordless::contacts", passwordless::contacts::ALL),
    ("passwordless::races", passwordless::races::ALL),
    ("thirdparty::signing_in", thirdparty::signing_in::ALL),
    ("thirdparty::finding", thirdparty::finding::ALL),
    ("thirdparty::linked", thirdparty::linked::ALL),
    ("thirdparty::races", thirdparty::races::ALL),
    ("totp", totp::ALL),
    ("dashboard::users", dashboard::users::ALL),
    ("dashboard::sessions", dashboard::sessions::ALL),
    ("dashboard::sign_in", dashboard::sign_in::ALL),
    ("webauthn::options", webauthn::options::ALL),
    ("webauthn::credentials", webauthn::credentials::ALL),
    ("webauthn::recovery", webauthn::recovery::ALL),
    ("webauthn::email", webauthn::email::ALL),
    ("webauthn::vectors", webauthn::vectors::ALL),
    ("webauthn::authenticators", webauthn::authenticators::ALL),
    ("webauthn::registering", webauthn::registering::ALL),
    ("webauthn::signing_in", webauthn::signing_in::ALL),
    ("bulk_import::waiting", bulk_import::waiting::ALL),
    ("bulk_import::importing", bulk_import::importing::ALL),
    ("bulk_import::job", bulk_import::job::ALL),
];
