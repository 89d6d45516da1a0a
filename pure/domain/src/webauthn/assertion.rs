//! A sign-in: does whoever sends this hold the passkey, and is it the only one of its kind (core-recipes-2.md 2.4.2, 2.4.3)?

use crate::webauthn::authenticator_data::{self, Attested, AuthenticatorData};
use crate::webauthn::claimed::Claimed;
use crate::webauthn::expected::Expected;
use crate::webauthn::key::CoseKey;
use crate::webauthn::refused::Refused;
use crate::webauthn::response::{Kind, Response};
use crate::webauthn::signed::{Signed, Signer, Verdict};

/// The longest signature, in bytes: twice that of the largest RSA key.
const LONGEST_SIGNATURE: usize = 2048;

/// An assertion of which the signature is open, and the counter.
#[derive(Debug)]
pub struct Decided {
    signed: Signed,
    counter: u32,
}

/// Everything but the signature and the counter. `public_key` is the stored one: AAGUID, length, id, COSE key.
pub fn decide(claimed: &Claimed<'_>, expected: &Expected, public_key: &[u8]) -> Result<Decided, Refused> {
    let response = Response::read(claimed)?;
    let bytes = response.bytes("authenticatorData", authenticator_data::LONGEST)?;
    let signature = response.bytes("signature", LONGEST_SIGNATURE)?;
    let data = AuthenticatorData::read(&bytes)?;
    if !response.has_raw_id {
        return Err(Refused::authenticator("credentialId must not be null"));
    }
    response.check(Kind::Assertion, expected, &data)?;
    // Keys that upstream has stored and nobody can use: they never signed anything.
    let key = match Attested::read(public_key).map(|stored| CoseKey::read(stored.key)) {
        Some(Ok(CoseKey::Usable(key))) => key,
        _ => return Err(not_valid()),
    };
    let message = [&bytes[..], &response.client_data_hash].concat();
    Ok(Decided { signed: Signed { by: Signer::Key(key), message, signature }, counter: data.counter })
}

impl Decided {
    /// The counter to be written, if the signature holds and the counter that is stored lets it pass.
    pub fn settle(self, stored_counter: i64, check: impl FnOnce(&Signed) -> Verdict) -> Result<u32, Refused> {
        if check(&self.signed) != Verdict::Holds {
            return Err(not_valid());
        }
        if counter_moves(stored_counter, self.counter) { Ok(self.counter) } else { Err(cloned()) }
    }
}

fn not_valid() -> Refused {
    Refused::authenticator("Assertion signature is not valid.")
}

/// Has the authenticator counted on? Passkeys that live in several places do not count: they send 0 for ever.
pub fn counter_moves(stored: i64, presented: u32) -> bool {
    (stored == 0 && presented == 0) || i64::from(presented) > stored
}

/// What somebody is told whose authenticator has not counted on.
pub fn cloned() -> Refused {
    Refused::authenticator("Malicious counter value is detected. Cloned authenticators exist in parallel.")
}

#[cfg(test)]
mod counter_tests {
    use super::*;

    #[test]
    fn a_counter_grows_or_stays_nothing() {
        for (stored, presented, moves) in [
            (0, 0, true),
            (0, 1, true),
            (5, 6, true),
            (5, 5, false),
            (5, 4, false),
            (5, 0, false),
            (1, u32::MAX, true),
            (i64::from(u32::MAX), u32::MAX, false),
        ] {
            assert_eq!(counter_moves(stored, presented), moves, "{stored} {presented}");
        }
    }
}
