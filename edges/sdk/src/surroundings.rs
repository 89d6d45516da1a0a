//! What lies around the SDK and keeps sessions from lasting: clocks that differ, cookies of other applications, tokens too large for
//! browsers and proxies. Each is counted, and the first time a line of the log names cause and remedy: the application's own log shows
//! nothing of them otherwise, only users who log in again and again. Nothing here runs where a token was verified a moment ago.

use supertokens_domain::time::{Millis, SECOND};
use supertokens_web::carriage::TooLarge;
use supertokens_web::clock;

use crate::figures::Count;

/// The page with symptoms, how to see them, and remedies.
pub(crate) const PAGE: &str = "docs/when-sessions-do-not-last.md";

/// Compares the core's clock with ours.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch {
    pub(crate) differences: Count,
}

impl ClockWatch {
    /// The core said `told` in answer to what was asked between these instants.
    pub(crate) fn heard(&self, told: Millis, asked: Millis, answered: Millis) {
        self.compare(clock::difference(told, 0, asked, answered));
    }

    /// The same of a date that knows no parts of a second.
    pub(crate) fn heard_date(&self, told: Millis, asked: Millis, answered: Millis) {
        self.compare(clock::difference(told, SECOND, asked, answered));
    }

    /// A genuine token was made then, so it is at least as late for the core.
    pub(crate) fn saw_token_of(&self, issued_at: Millis, now: Millis) {
        self.compare(clock::difference(issued_at, 0, Millis::MIN, now));
    }

    fn compare(&self, difference: Millis) {
        if difference.saturating_abs() < clock::NOTEWORTHY || !self.differences.is_first() {
            return;
        }
        let (seconds, side) = (difference.saturating_abs() / SECOND, if difference < 0 { "ahead of" } else { "behind" });
        tracing::warn!(
            target: "com.supertokens",
            "this machine's clock is {seconds} s {side} the core's: access tokens end too early or too late here, and where the difference is \
             longer than they live, each is refused and refreshed in vain. Let both machines follow a time server (NTP). See {PAGE}, \"Clocks\""
        );
    }
}

/// What else is counted.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) several_cookies: Count,
    pub(crate) too_large: Count,
}

impl Surroundings {
    /// A request brought several cookies of one name; whether it could be seen which one is this application's.
    pub(crate) fn several_cookies(&self, name: &str, settled: bool) {
        if !self.several_cookies.is_first() {
            return;
        }
        let outcome = match settled {
            true => "The one that this application's core has signed is used, the others are passed over",
            false => "Which one is this application's cannot be seen, so the browser has to refresh",
        };
        tracing::warn!(
            target: "com.supertokens",
            name,
            "a request carries several session cookies of one name: another application on a parent domain uses the same names, or the \
             cookies' domain was changed. {outcome}. Give one of the two applications other names (cookie_name of the session recipe), or, \
             after a change, set older_cookie_domain. See {PAGE}, \"Several cookies of one name\""
        );
    }

    /// An answer's new tokens will not arrive everywhere.
    pub(crate) fn too_large(&self, what: TooLarge) {
        if self.too_large.is_first() {
            tracing::warn!(
                target: "com.supertokens",
                "{what}. Keep less in the access token's payload: data that only the server needs belongs into the session's data in the \
                 database. See {PAGE}, \"Sizes\""
            );
        }
    }
}
