//! Which versions of the core driver interface does the SDK speak (decision 9)?

/// The versions of the core driver interface this SDK speaks, oldest first; the newest that the core knows too is used (decision 9).
pub(crate) const SUPPORTED: [&str; 2] = ["5.4", "5.6"];

/// Which version was agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cdi {
    /// After a refresh the first check goes to the core and brings a new access token.
    V5_4,
    /// Checking never needs the core.
    V5_6,
}

impl Cdi {
    pub(crate) const ALL: [Self; 2] = [Self::V5_4, Self::V5_6];

    pub(crate) fn number(self) -> &'static str {
        let [v5_4, v5_6] = SUPPORTED;
        match self {
            Self::V5_4 => v5_4,
            Self::V5_6 => v5_6,
        }
    }
}
