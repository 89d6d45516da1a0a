//! No text makes opening a refresh token panic, and what opens seals and opens again to the same claims.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use supertokens_domain::session::refresh_token::{RefreshKey, open, seal};

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let key = RefreshKey::from_stored("a key for fuzzing only".to_owned());
    let token = match choice % 2 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        _ => format!("{}.nonce.V2", STANDARD.encode(rest)),
    };
    if let Ok(claims) = open(&token, &key) {
        let again = seal(&claims, &key, [1; 12]).unwrap();
        assert_eq!(open(&again, &key).unwrap(), claims);
    }
});
