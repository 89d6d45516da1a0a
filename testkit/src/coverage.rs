//! Which operations exist, which does the core serve, and which has a scenario asked for?
//!
//! The inventory is `operations.txt`; the served set is the core's own route table; what was asked for is noted by every
//! world of the process.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// All operations of the core's interface, `METHOD /path`, one a line.
pub const OPERATIONS: &str = include_str!("../operations.txt");

/// Those that a world of this process was asked for.
static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The operations in the core's route table.
pub fn served() -> BTreeSet<String> {
    supertokens_core::served_operations().map(|(method, path)| format!("{method} {path}")).collect()
}

/// Notes a request. The path may begin with an app and a tenant.
pub(crate) fn note(method: &str, path: &str) {
    if let Some(operation) = operation_of(method, path) {
        ASKED.lock().expect("no scenario panics here").insert(operation);
    }
}

/// The last test of a scenario run: an operation is covered when it is served and some scenario has asked for it.
pub fn every_served_operation_was_asked_for() -> Result<(), String> {
    let asked = ASKED.lock().expect("no scenario panics here");
    let forgotten: Vec<String> = served().into_iter().filter(|operation| !asked.contains(operation)).collect();
    if forgotten.is_empty() { Ok(()) } else { Err(format!("served, but no scenario asks for: {forgotten:#?}")) }
}

/// The operation with this method whose path is the end of the request's path; the longest, if there are several.
fn operation_of(method: &str, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let path = path.trim_end_matches('/');
    let operations = OPERATIONS.lines().filter_map(|line| line.split_once(' '));
    let ends_with = |whole: &str| path.ends_with(whole.trim_end_matches('/'));
    let fitting = operations.filter(|(verb, operation)| *verb == method && ends_with(operation));
    // "/" is the end of every path, but it is asked for only by nothing, an app, or an app and a tenant.
    let bare = path.split('/').filter(|segment| !segment.is_empty()).count() <= 2;
    let (verb, operation) =
        fitting.filter(|(_, operation)| *operation != "/" || bare).max_by_key(|(_, operation)| operation.len())?;
    Some(format!("{verb} {operation}"))
}

#[cfg(test)]
mod tests {
    use super::operation_of;

    #[test]
    fn a_request_is_known_by_the_end_of_its_path() {
        let of = |method, path| operation_of(method, path).unwrap_or_default();
        assert_eq!(of("GET", "/appid-a/t1/recipe/session?sessionHandle=x"), "GET /recipe/session");
        assert_eq!(of("POST", "/RECIPE/Session/Refresh/"), "POST /recipe/session/refresh");
        assert_eq!(of("GET", "/recipe/jwt/data"), "GET /recipe/jwt/data");
        assert_eq!(of("GET", "/appid-a/t1"), "GET /");
        assert_eq!(of("GET", "/"), "GET /");
        assert_eq!(of("GET", "/recipe/session/nothing"), "");
        assert_eq!(of("PATCH", "/hello"), "");
    }
}
