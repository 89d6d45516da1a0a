//! What both benches need.

use std::path::{Path, PathBuf};

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The program that is measured: what SUPERTOKENS_BINARY names, or the release build of this checkout.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn program() -> PathBuf {
    found(&std::env::var_os("SUPERTOKENS_BINARY").unwrap_or_else(|| "target/release/supertokens".into()))
}

/// The program that the first is set beside: what SUPERTOKENS_BESIDE names.
///
/// # Panics
/// If there is none at that place.
#[must_use]
pub fn beside() -> Option<PathBuf> {
    std::env::var_os("SUPERTOKENS_BESIDE").map(|named| found(&named))
}

#[expect(clippy::panic, reason = "without a program there is nothing to measure")]
fn found(named: &std::ffi::OsStr) -> PathBuf {
    let binary = root().join(named);
    binary.canonicalize().unwrap_or_else(|_| panic!("no program at {}: cargo build --release", binary.display()))
}

/// The words behind the bench's name. Cargo's own is left out: it says `--bench` to every bench.
pub fn words() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|word| word != "--bench")
}
