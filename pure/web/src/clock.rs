//! Does the application's clock agree with the core's? Found out from instants that the core names in its answers.

use supertokens_domain::time::{Millis, SECOND};

/// Differences below this are nobody's concern: dates in headers may be a second old, and answers take their time.
pub const NOTEWORTHY: Millis = 3 * SECOND;

/// How far the core's clock is ahead of ours (negative: behind), at least, in ms. The core named `told`, exact to `precision`, at some time
/// between our instants `asked` and `answered`.
pub fn difference(told: Millis, precision: Millis, asked: Millis, answered: Millis) -> Millis {
    let latest = told.saturating_add(precision);
    if told > answered {
        told.saturating_sub(answered)
    } else if latest < asked {
        latest.saturating_sub(asked)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_explained_by_the_time_between_counts() {
        let rows = [
            (1_000, 0, 1_000, 1_000, 0),
            (1_500, 0, 1_000, 2_000, 0),
            (2_001, 0, 1_000, 2_000, 1),
            (999, 0, 1_000, 2_000, -1),
            (1_000, SECOND, 1_999, 2_000, 0),
            (1_000, SECOND, 2_001, 2_001, -1),
            (9_000, SECOND, 1_000, 2_000, 7_000),
            (Millis::MAX, SECOND, Millis::MIN, Millis::MIN, Millis::MAX),
            (Millis::MIN, 0, Millis::MAX, Millis::MAX, Millis::MIN),
        ];
        for (told, precision, asked, answered, expected) in rows {
            assert_eq!(difference(told, precision, asked, answered), expected, "{told} {precision} {asked} {answered}");
        }
    }
}
