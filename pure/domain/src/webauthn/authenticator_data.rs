//! What the authenticator says (WebAuthn Level 2, 6.1): whom it answered, what it saw, its counter, and at a registration the new key.

use crate::webauthn::cbor;
use crate::webauthn::refused::Refused;

/// The longest that is read, in bytes, with its extensions.
pub const LONGEST: usize = 64 * 1024;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData<'a> {
    /// SHA-256 of the relying party's id.
    pub rp_id_hash: [u8; 32],
    flags: u8,
    /// How often it has signed, or 0 for ever.
    pub counter: u32,
    /// The new key, at a registration.
    pub attested: Option<Attested<'a>>,
}

/// A credential as an authenticator hands it over, and as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested<'a> {
    /// All its bytes: AAGUID, length, id, COSE key. The column `public_key`.
    pub bytes: &'a [u8],
    /// Which kind of authenticator it says it is; zeros if it does not say.
    pub aaguid: [u8; 16],
    /// The name of the credential.
    pub id: &'a [u8],
    /// The key, in COSE.
    pub key: &'a [u8],
}

/// The first bytes, of a fixed number, and what stands behind them.
fn array<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().map(|(first, rest)| (*first, rest))
}

impl<'a> Attested<'a> {
    /// A stored credential.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (attested, rest) = Self::first(bytes).ok()?;
        rest.is_empty().then_some(attested)
    }

    fn first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Refused> {
        let (aaguid, rest) = array::<16>(bytes).ok_or_else(Refused::no_layout)?;
        let (length, rest) = array::<2>(rest).ok_or_else(Refused::no_layout)?;
        let (id, key) = rest.split_at_checked(u16::from_be_bytes(length).into()).ok_or_else(Refused::no_layout)?;
        let (_, rest) = cbor::first(key).map_err(|_| Refused::no_form())?;
        let before = |from: &'a [u8]| from.get(..from.len() - rest.len()).unwrap_or_default();
        Ok((Self { bytes: before(bytes), aaguid, id, key: before(key) }, rest))
    }
}

impl<'a> AuthenticatorData<'a> {
    /// Reads it whole: nothing may stand behind what its flags announce.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        if bytes.len() > LONGEST {
            return Err(Refused::no_layout());
        }
        let (rp_id_hash, rest) = array::<32>(bytes).ok_or_else(Refused::no_layout)?;
        let ([flags], rest) = array::<1>(rest).ok_or_else(Refused::no_layout)?;
        let (counter, rest) = array::<4>(rest).ok_or_else(Refused::no_layout)?;
        let (attested, mut rest) = match flags & ATTESTED {
            0 => (None, rest),
            _ => Attested::first(rest).map(|(attested, rest)| (Some(attested), rest))?,
        };
        if flags & EXTENDED != 0 {
            let (extensions, behind) = cbor::first(rest).map_err(|_| Refused::no_form())?;
            extensions.as_map().ok_or_else(Refused::no_form)?;
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(Refused::no_layout());
        }
        Ok(Self { rp_id_hash, flags, counter: u32::from_be_bytes(counter), attested })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Was somebody there?
    pub fn user_present(&self) -> bool {
        self.has(USER_PRESENT)
    }

    /// Does the authenticator know who?
    pub fn user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    /// Is it backed up although it cannot be?
    pub fn backed_up_wrongly(&self) -> bool {
        self.has(BACKED_UP) && !self.has(BACKUP_ELIGIBLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(flags: u8, behind: &[u8]) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 1, 2], behind].concat()
    }

    fn credential() -> Vec<u8> {
        [&[9; 16][..], &[0, 3], b"idx", b"\xa1\x01\x02"].concat()
    }

    #[test]
    fn flags_say_what_follows() {
        let bytes = data(USER_PRESENT | USER_VERIFIED, b"");
        let plain = AuthenticatorData::read(&bytes).unwrap();
        assert_eq!((plain.rp_id_hash, plain.counter, plain.attested.is_none()), ([7; 32], 258, true));
        assert!(plain.user_present() && plain.user_verified() && !plain.backed_up_wrongly());
        let bytes = data(ATTESTED | EXTENDED, &[credential(), b"\xa1\x61a\xf5".to_vec()].concat());
        let read = AuthenticatorData::read(&bytes).unwrap();
        let attested = read.attested.unwrap();
        assert_eq!((attested.aaguid, attested.id, attested.key), ([9; 16], &b"idx"[..], &b"\xa1\x01\x02"[..]));
        assert_eq!(attested.bytes, credential());
        assert_eq!(Attested::read(attested.bytes), Some(attested));
        assert_eq!(Attested::read(&[credential(), vec![0]].concat()), None);
    }

    #[test]
    fn what_is_backed_up_must_be_able_to_be() {
        for (flags, wrongly) in [(0, false), (BACKUP_ELIGIBLE, false), (BACKED_UP | BACKUP_ELIGIBLE, false), (BACKED_UP, true)] {
            assert_eq!(AuthenticatorData::read(&data(flags, b"")).unwrap().backed_up_wrongly(), wrongly);
        }
    }

    #[test]
    fn it_ends_where_its_flags_say() {
        let whole = data(ATTESTED | EXTENDED, &[credential(), b"\xa0".to_vec()].concat());
        assert!(AuthenticatorData::read(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(AuthenticatorData::read(&whole[..length]).is_err(), "{length}");
        }
        for (flags, behind) in [
            (0, &b"\0"[..]),
            (EXTENDED, b""),
            (EXTENDED, b"\x01"),
            (EXTENDED, b"\xa0\xa0"),
            (EXTENDED, b"\xbf\xff"),
            (ATTESTED, b""),
        ] {
            assert!(AuthenticatorData::read(&data(flags, behind)).is_err(), "{flags} {behind:?}");
        }
        assert!(AuthenticatorData::read(&data(0, &vec![0; LONGEST])).is_err());
    }
}
