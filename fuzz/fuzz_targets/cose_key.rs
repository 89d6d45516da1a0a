//! No bytes make reading a key panic, and a key that nobody holds the other half of signs nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use supertokens_domain::webauthn::key::CoseKey;

fuzz_target!(|data: &[u8]| {
    if let Ok(CoseKey::Usable(key)) = CoseKey::read(data) {
        // A signature of the wrong length for every algorithm.
        assert!(!key.verifies(b"a message", b"no signature"));
        let _ = key.verifies(data, data);
    }
});
