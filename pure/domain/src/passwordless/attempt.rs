//! What does an attempt with a code or a link do (core-recipes-1.md 2.5)? Rows, settings and an instant go in, a decision comes out.

use crate::session::hash::equal;
use crate::time::Millis;

/// By what somebody tries to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The code in a magic link: 256 bits, which nobody guesses.
    LinkCode,
    /// Six digits, which can be guessed.
    UserInputCode,
}

/// The device, as its row stands under the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device<'a> {
    /// `device_id_hash`.
    pub hash: &'a str,
    /// Wrong codes so far.
    pub failed_attempts: u32,
}

/// The tenant's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `passwordless_code_lifetime`, in ms.
    pub code_lifetime: Millis,
    /// `passwordless_max_code_input_attempts`.
    pub max_attempts: u32,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// 400: the device is not that of the `preAuthSessionId`. Nothing is counted, as nothing is learned but that.
    Mismatch,
    /// `RESTART_FLOW_ERROR`. A device that has had its attempts goes, with all its codes.
    Restart {
        /// Whether the device goes.
        delete_device: bool,
    },
    /// The code is not right, or was: one attempt is counted.
    Wrong {
        /// `EXPIRED_USER_INPUT_CODE_ERROR` rather than `INCORRECT_USER_INPUT_CODE_ERROR`.
        expired: bool,
        /// The new count, which is stored and told.
        failed_attempts: u32,
    },
    /// It is right. Consumed, all devices of the contact in the tenant go; only checked, all stays.
    Right,
}

/// `code` is when the code with that hash was made, in ms, if there is one in the tenant; `device` is the code's, or by a code for people
/// the one whose id was shown. `pre_auth_session_id` is compared without any `=`, as older cores padded it.
pub fn decide(
    by: By,
    device: Option<Device<'_>>,
    pre_auth_session_id: &str,
    code: Option<Millis>,
    policy: Policy,
    now: Millis,
) -> Decision {
    let lives = |made: Millis| made >= now.saturating_sub(policy.code_lifetime);
    let nothing_here = Decision::Restart { delete_device: false };
    // A link that is over says nothing of its device.
    if by == By::LinkCode && !code.is_some_and(lives) {
        return nothing_here;
    }
    let Some(device) = device else { return nothing_here };
    if !equal(device.hash, &pre_auth_session_id.replace('=', "")) {
        return Decision::Mismatch;
    }
    if device.failed_attempts >= policy.max_attempts {
        return Decision::Restart { delete_device: true };
    }
    if code.is_some_and(lives) {
        return Decision::Right;
    }
    let failed_attempts = device.failed_attempts.saturating_add(1);
    match failed_attempts >= policy.max_attempts {
        true => Decision::Restart { delete_device: true },
        false => Decision::Wrong { expired: code.is_some(), failed_attempts },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::session::test_vectors as vectors;

    const POLICY: Policy = Policy { code_lifetime: 900_000, max_attempts: 5 };
    const NOW: Millis = 1_700_000_000_000;

    /// As the vectors spell it.
    fn spelled(decision: Decision, by: By) -> (String, &'static str) {
        match decision {
            Decision::Mismatch => ("400 mismatch".into(), "none"),
            Decision::Restart { delete_device: false } => ("RESTART_FLOW_ERROR".into(), "none"),
            Decision::Restart { delete_device: true } => ("RESTART_FLOW_ERROR".into(), "delete device"),
            Decision::Wrong { expired, failed_attempts } => {
                assert_eq!(by, By::UserInputCode);
                let word = if expired { "EXPIRED" } else { "INCORRECT" };
                (format!("{word}_USER_INPUT_CODE_ERROR {failed_attempts}/5"), "failed_attempts + 1")
            }
            Decision::Right => ("OK".into(), "consume: delete all devices of the contact in the tenant; check: none"),
        }
    }

    #[test]
    fn decisions_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/passwordless_decisions.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 60);
        for case in cases {
            let by = match vectors::text(case, "by") {
                "linkCode" => By::LinkCode,
                "userInputCode" => By::UserInputCode,
                other => panic!("{other}"),
            };
            let flag = |name| case.get(name).and_then(Json::as_bool);
            let failed_attempts = case.get("failed_attempts").and_then(Json::as_i64).unwrap_or_default();
            let device = Device { hash: "h", failed_attempts: u32::try_from(failed_attempts).unwrap() };
            let device = flag("device").unwrap().then_some(device);
            let session = if flag("preAuthSessionId_matches") == Some(false) { "other" } else { "=h=" };
            let code = (vectors::text(case, "code") == "found").then(|| NOW - vectors::number(case, "code_age_ms"));
            let decided = spelled(decide(by, device, session, code, POLICY, NOW), by);
            assert_eq!(
                (decided.0.as_str(), decided.1),
                (vectors::text(case, "answer"), vectors::text(case, "effect")),
                "{case:?}"
            );
        }
    }

    #[test]
    fn one_attempt_may_be_all_there_are() {
        let device = Some(Device { hash: "h", failed_attempts: 0 });
        let policy = Policy { max_attempts: 1, ..POLICY };
        let tried = |code| decide(By::UserInputCode, device, "h", code, policy, NOW);
        assert_eq!(tried(None), Decision::Restart { delete_device: true });
        assert_eq!(tried(Some(NOW)), Decision::Right);
        // A setting that was lowered counts for devices that are there.
        let tried_often = Some(Device { hash: "h", failed_attempts: 3 });
        assert_eq!(decide(By::LinkCode, tried_often, "h", Some(NOW), policy, NOW), Decision::Restart { delete_device: true });
    }
}
