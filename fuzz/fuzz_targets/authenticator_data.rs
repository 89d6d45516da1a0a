//! No bytes make reading authenticator data panic; what is read lies within them, and a credential of it is read again as it is stored.
#![no_main]

use libfuzzer_sys::fuzz_target;
use supertokens_domain::webauthn::authenticator_data::{Attested, AuthenticatorData};

fuzz_target!(|data: &[u8]| {
    let _ = Attested::read(data);
    let Ok(read) = AuthenticatorData::read(data) else { return };
    assert_eq!(read.rp_id_hash, data[..32]);
    assert_eq!(read.counter.to_be_bytes(), data[33..37]);
    match &read.attested {
        None => assert_eq!(data[32] & 64, 0),
        Some(attested) => {
            assert!(data[37..].starts_with(attested.bytes));
            assert_eq!(attested.bytes.len(), 18 + attested.id.len() + attested.key.len());
            assert_eq!(Attested::read(attested.bytes).as_ref(), Some(attested));
        }
    }
});
