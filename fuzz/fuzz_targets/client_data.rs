//! No bytes make reading client data panic, and no origin in them passes for the page but the page itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use supertokens_domain::webauthn::client_data::ClientData;
use supertokens_domain::webauthn::origin::{allowed, same};

const PAGE: &str = "https://auth.example.com";

fn check(origin: &str) {
    let _ = allowed(origin, "example.com");
    if same(origin, PAGE) {
        // Scheme and host without case, then nothing, the port that it has anyway, or a path.
        let lower = origin.to_ascii_lowercase();
        let behind = lower.strip_prefix(PAGE).expect("another page passes");
        let behind = behind.strip_prefix(':').map_or(behind, |port| port.trim_start_matches('0').trim_start_matches("443"));
        assert!(behind.is_empty() || behind.starts_with(['/', '?', '#']), "another page passes");
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = ClientData::read(data) {
        check(&read.origin);
    }
    let text = String::from_utf8_lossy(data);
    check(&text);
    check(&format!("{PAGE}{text}"));
});
