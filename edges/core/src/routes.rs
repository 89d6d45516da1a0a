//! The table of contents: every operation that is answered. It stands on top: it names the recipes, and none of them names it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::use_case::Route;

/// The methods of one path.
pub(crate) type Methods = Vec<Route>;

/// Every path that is answered.
pub(crate) static TABLE: LazyLock<HashMap<&'static str, Methods>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Methods> = HashMap::new();
    for route in all() {
        table.entry(route.path).or_default().push(*route);
    }
    table
});

/// Every operation, recipe by recipe.
pub fn all() -> impl Iterator<Item = &'static Route> {
    let recipes = [
        crate::server::ROUTES,
        crate::account_linking::ROUTES,
        crate::tenancy::ROUTES,
        crate::session::ROUTES,
        crate::users::ROUTES,
        crate::passwordless::ROUTES,
        crate::emailpassword::ROUTES,
        crate::user_metadata::ROUTES,
        crate::user_roles::ROUTES,
        crate::email_verification::ROUTES,
        crate::user_id_mapping::ROUTES,
        crate::user_removal::ROUTES,
        crate::thirdparty::ROUTES,
        crate::totp::ROUTES,
        crate::dashboard::ROUTES,
        crate::webauthn::ROUTES,
        crate::bulk_import::ROUTES,
    ];
    recipes.into_iter().flatten()
}
