//! Texts in base64 that come from outside, read as upstream reads them: padding may be left out, but what is there must be exactly right;
//! bits that are left over at the end do not count.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const fn reader(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config.with_decode_padding_mode(DecodePaddingMode::Indifferent))
}

const STANDARD: GeneralPurpose = reader(&alphabet::STANDARD);
const URL_SAFE: GeneralPurpose = reader(&alphabet::URL_SAFE);

/// The bytes of a text with `+` and `/`, if it is one.
pub(crate) fn standard(text: &str) -> Option<Vec<u8>> {
    read(&STANDARD, text)
}

/// The bytes of a text with `-` and `_`, if it is one.
pub(crate) fn url_safe(text: &str) -> Option<Vec<u8>> {
    read(&URL_SAFE, text)
}

fn read(reader: &GeneralPurpose, text: &str) -> Option<Vec<u8>> {
    // The library takes half of the padding for all of it.
    let padded_wrongly = text.ends_with('=') && !text.len().is_multiple_of(4);
    if padded_wrongly { None } else { reader.decode(text).ok() }
}
