//! Codes that change with the time, from an app on a telephone (core-recipes-2.md 1).

pub mod attempt;
pub mod code;

/// The largest `skew`, in steps to either side; upstream has no limit, and one check of a code costs as many hashes.
pub const MOST_SKEW: i64 = 100;
/// The longest `period`, in seconds; upstream has no limit.
pub const LONGEST_PERIOD: i64 = 86_400;

/// What a device is called whose caller gave no name: by how many verified ones there are, or the next name that none of them has.
pub fn next_name(verified: &[String]) -> String {
    let name = |number: usize| format!("TOTP Device {number}");
    let mut number = verified.len();
    while verified.contains(&name(number)) {
        number += 1;
    }
    name(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_no_verified_device_has() {
        let named = |names: &[&str]| next_name(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(named(&[]), "TOTP Device 0");
        assert_eq!(named(&["TOTP Device 0"]), "TOTP Device 1");
        assert_eq!(named(&["a", "TOTP Device 1"]), "TOTP Device 2");
        assert_eq!(named(&["TOTP Device 2", "TOTP Device 3"]), "TOTP Device 4");
    }
}
