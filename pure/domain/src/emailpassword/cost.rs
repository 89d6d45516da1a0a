//! What a hash may cost: how new ones are made, which stored ones are too dear to be worked out, and what is paid for an address that
//! nobody has (core-users.md 3.8, 9; decision 25).

use super::password_hash::{Argon2, Bcrypt, Derivation, Format, Kind, SALT, Version};
use crate::config::{HashingAlgorithm, Settings};
use crate::secret::Secret;

/// Five seconds of a processor.
const BCRYPT_COST: u32 = 16;
const ARGON2_MEMORY_KIB: u32 = 1024 * 1024;
const ARGON2_ITERATIONS: u32 = 100;
const ARGON2_LANES: u32 = 64;
/// All passes together, in KiB: each of the limits above alone would still let in minutes.
const ARGON2_WORK_KIB: u64 = 16 * 1024 * 1024;
const SCRYPT_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes of a tag that is made here.
const TAG: usize = 32;

/// How new hashes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// bcrypt.
    Bcrypt {
        /// `bcrypt_log_rounds`.
        cost: u32,
    },
    /// Argon2id.
    Argon2 {
        /// `argon2_memory_kb`.
        memory_kib: u32,
        /// `argon2_iterations`.
        iterations: u32,
        /// `argon2_parallelism`.
        lanes: u32,
    },
}

impl Making {
    /// As the settings want it.
    pub fn of(settings: &Settings) -> Self {
        let number = |setting: i64| u32::try_from(setting).unwrap_or(u32::MAX);
        match settings.password_hashing_alg {
            HashingAlgorithm::Bcrypt => Self::Bcrypt { cost: number(settings.bcrypt_log_rounds) },
            HashingAlgorithm::Argon2 => Self::Argon2 {
                memory_kib: number(settings.argon2_memory_kb),
                iterations: number(settings.argon2_iterations),
                lanes: number(settings.argon2_parallelism),
            },
        }
    }

    /// How a new hash is derived.
    pub fn derivation(self, salt: [u8; SALT]) -> Derivation {
        match self {
            Self::Bcrypt { cost } => Derivation::Bcrypt(Bcrypt { cost, salt: Secret::new(salt) }),
            Self::Argon2 { memory_kib, iterations, lanes } => Derivation::Argon2(Argon2 {
                kind: Kind::Id,
                version: Version::V19,
                memory_kib,
                iterations,
                lanes,
                salt: Secret::new(salt.to_vec()),
                tag: TAG,
            }),
        }
    }

    /// What is derived where there is no hash to compare with, so that time does not tell whether somebody has that address. It costs
    /// what a new hash does; nothing is compared with what comes out.
    pub fn decoy(self) -> Derivation {
        self.derivation([0; SALT])
    }

    /// The format of what is made.
    pub fn format(self) -> Format {
        match self {
            Self::Bcrypt { .. } => Format::Bcrypt,
            Self::Argon2 { .. } => Format::Argon2,
        }
    }
}

/// The most that a stored hash may cost. Upstream has no such limits: one imported hash could take all memory, or hours of each login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    bcrypt_cost: u32,
    argon2_memory_kib: u32,
    argon2_iterations: u32,
    argon2_lanes: u32,
    argon2_work_kib: u64,
}

impl Caps {
    /// Those that hold wherever the settings make nothing dearer: whatever is made can be verified.
    pub fn of(settings: &Settings) -> Self {
        let usual = Self {
            bcrypt_cost: BCRYPT_COST,
            argon2_memory_kib: ARGON2_MEMORY_KIB,
            argon2_iterations: ARGON2_ITERATIONS,
            argon2_lanes: ARGON2_LANES,
            argon2_work_kib: ARGON2_WORK_KIB,
        };
        match Making::of(settings) {
            Making::Bcrypt { cost } => Self { bcrypt_cost: usual.bcrypt_cost.max(cost), ..usual },
            Making::Argon2 { memory_kib, iterations, lanes } => Self {
                argon2_memory_kib: usual.argon2_memory_kib.max(memory_kib),
                argon2_iterations: usual.argon2_iterations.max(iterations),
                argon2_lanes: usual.argon2_lanes.max(lanes),
                argon2_work_kib: usual.argon2_work_kib.max(work(memory_kib, iterations)),
                ..usual
            },
        }
    }

    /// May this be worked out?
    pub fn allow(&self, derivation: &Derivation) -> bool {
        match derivation {
            Derivation::Bcrypt(bcrypt) => bcrypt.cost <= self.bcrypt_cost,
            Derivation::Argon2(argon2) => {
                argon2.memory_kib <= self.argon2_memory_kib
                    && argon2.iterations <= self.argon2_iterations
                    && argon2.lanes <= self.argon2_lanes
                    && work(argon2.memory_kib, argon2.iterations) <= self.argon2_work_kib
            }
            Derivation::Firebase(firebase) => {
                let bytes = 1_u64.checked_shl(firebase.memory_cost).and_then(|n| n.checked_mul(u64::from(firebase.rounds)));
                bytes.and_then(|blocks| blocks.checked_mul(128)).is_some_and(|bytes| bytes <= SCRYPT_BYTES)
            }
        }
    }
}

fn work(memory_kib: u32, iterations: u32) -> u64 {
    u64::from(memory_kib).saturating_mul(u64::from(iterations))
}

#[cfg(test)]
mod tests {
    use super::super::password_hash::PasswordHash;
    use super::*;
    use crate::config::{Checks, CoreConfig};
    use crate::json::JsonObject;

    fn settings(json: &str) -> CoreConfig {
        CoreConfig::effective(&JsonObject::parse(json).unwrap(), &[], Checks::Normal).unwrap()
    }

    fn allows(caps: Caps, hash: &str) -> bool {
        caps.allow(&PasswordHash::read(hash).expect(hash).derivation)
    }

    fn bcrypt(cost: u32) -> String {
        format!("$2a${cost:02}$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG")
    }

    fn argon2(m: u64, t: u32, p: u32) -> String {
        format!("$argon2id$v=19$m={m},t={t},p={p}$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A")
    }

    fn firebase(m: u32, r: u32) -> String {
        format!("$f_scrypt$aGFzaA==$c2FsdA==$m={m}$r={r}$s=Bw==")
    }

    #[test]
    fn what_costs_too_much_is_not_worked_out() {
        let caps = Caps::of(&CoreConfig::defaults());
        for (hash, allowed) in [
            (bcrypt(4), true),
            (bcrypt(16), true),
            (bcrypt(17), false),
            (bcrypt(30), false),
            (argon2(87_795, 1, 2), true),
            (argon2(1 << 20, 16, 64), true),
            (argon2((1 << 20) + 1, 1, 1), false),
            (argon2(1 << 20, 17, 1), false),
            (argon2(1 << 10, 100, 1), true),
            (argon2(1 << 10, 101, 1), false),
            (argon2(1 << 20, 1, 65), false),
            (argon2(u32::MAX.into(), 1, 1), false),
            (firebase(14, 8), true),
            (firebase(20, 8), true),
            (firebase(20, 9), false),
            (firebase(23, 1), true),
            (firebase(24, 1), false),
            (firebase(30, 1), false),
            (firebase(63, 1), false),
            (firebase(63, u32::MAX), false),
            (firebase(1, u32::MAX), false),
        ] {
            assert_eq!(allows(caps, &hash), allowed, "{hash}");
        }
    }

    #[test]
    fn what_the_settings_make_is_always_allowed() {
        for json in [
            "{}",
            r#"{"bcrypt_log_rounds":17}"#,
            r#"{"password_hashing_alg":"argon2"}"#,
            r#"{"password_hashing_alg":"argon2","argon2_memory_kb":2097152,"argon2_iterations":200,"argon2_parallelism":100}"#,
        ] {
            let config = settings(json);
            let (making, caps) = (Making::of(&config), Caps::of(&config));
            assert!(caps.allow(&making.derivation([1; SALT])) && caps.allow(&making.decoy()), "{json}");
        }
        let dear = Caps::of(&settings(r#"{"bcrypt_log_rounds":17}"#));
        assert!(allows(dear, &bcrypt(17)) && !allows(dear, &bcrypt(18)));
    }

    #[test]
    fn settings_that_nothing_can_be_hashed_with_are_refused() {
        let refused = |memory: u32, lanes: u32| {
            let json = format!(r#"{{"password_hashing_alg":"ARGON2","argon2_memory_kb":{memory},"argon2_parallelism":{lanes}}}"#);
            let checked = CoreConfig::effective(&JsonObject::parse(&json).unwrap(), &[], Checks::Normal);
            checked
                .err()
                .map(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
                .unwrap_or_default()
        };
        assert_eq!(refused(16, 2), "");
        assert!(refused(15, 2).contains("'argon2_memory_kb' must be >= 8 times 'argon2_parallelism'"));
        assert!(refused(134_217_728, 16_777_216).contains("'argon2_parallelism' must be < 16777216"));
    }

    #[test]
    fn a_decoy_costs_what_a_new_hash_does() {
        let Derivation::Bcrypt(Bcrypt { cost: 11, .. }) = Making::of(&CoreConfig::defaults()).decoy() else { panic!("another") };
        let making = Making::of(&settings(r#"{"password_hashing_alg":"ARGON2"}"#));
        let Derivation::Argon2(decoy) = making.decoy() else { panic!("another") };
        assert_eq!((decoy.memory_kib, decoy.iterations, decoy.lanes, decoy.tag), (87_795, 1, 2, 32));
        assert_eq!((decoy.kind, decoy.version, making.format()), (Kind::Id, Version::V19, Format::Argon2));
    }
}
