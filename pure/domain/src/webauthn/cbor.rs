//! Reads CBOR as authenticators write it. `ciborium-ll` knows the bytes; here is what we take of them: no indefinite lengths, no tags,
//! no name twice, and limits on depth and number, so that 64 KiB of input cost 64 KiB of work.

use ciborium_ll::{Decoder, Header};

/// How deep values may lie in one another. An attestation object needs four levels.
const MAX_DEPTH: usize = 16;
/// How many values there may be in all. An attestation object with the longest chain of certificates needs some thirty.
const MOST_VALUES: usize = 1024;

/// Bytes that are not CBOR, or not of the kind that authenticators write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotCbor;

/// A value, as far as anybody here looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A whole number of 64 bits.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Values in order.
    Array(Vec<Value>),
    /// Values with names.
    Map(Map),
    /// True, false, null, a fraction, a larger number: nothing that is looked at.
    Other,
}

/// Values with names, of which none is there twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Map(Vec<(Name, Value)>);

/// What a value in a map is called.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Int(i64),
    Text(String),
}

impl Map {
    /// What has this number for a name.
    pub(super) fn number(&self, number: i64) -> Option<&Value> {
        self.get(&Name::Int(number))
    }

    /// What has this text for a name.
    pub(super) fn text(&self, text: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| matches!(name, Name::Text(name) if name == text)).map(|(_, value)| value)
    }

    fn get(&self, wanted: &Name) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value {
    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }
}

/// The first value of the bytes, and what stands behind it.
pub(super) fn first(bytes: &[u8]) -> Result<(Value, &[u8]), NotCbor> {
    let mut reading = Reading { rest: bytes, left: MOST_VALUES };
    let value = reading.value(0)?;
    Ok((value, reading.rest))
}

/// The one value that the bytes are.
pub(super) fn whole(bytes: &[u8]) -> Result<Value, NotCbor> {
    match first(bytes)? {
        (value, []) => Ok(value),
        _ => Err(NotCbor),
    }
}

struct Reading<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Reading<'a> {
    fn header(&mut self) -> Result<Header, NotCbor> {
        let mut decoder = Decoder::from(self.rest);
        let header = decoder.pull().map_err(|_| NotCbor)?;
        self.rest = self.rest.get(decoder.offset()..).ok_or(NotCbor)?;
        Ok(header)
    }

    fn bytes(&mut self, length: Option<usize>) -> Result<&'a [u8], NotCbor> {
        let (bytes, rest) = self.rest.split_at_checked(length.ok_or(NotCbor)?).ok_or(NotCbor)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self, length: Option<usize>) -> Result<String, NotCbor> {
        String::from_utf8(self.bytes(length)?.to_vec()).map_err(|_| NotCbor)
    }

    /// How many follow. Each takes a byte at least, so that a number which was only claimed reserves nothing.
    fn count(&self, length: Option<usize>) -> Result<usize, NotCbor> {
        length.filter(|length| *length <= self.rest.len()).ok_or(NotCbor)
    }

    fn value(&mut self, depth: usize) -> Result<Value, NotCbor> {
        self.left = self.left.checked_sub(1).ok_or(NotCbor)?;
        if depth > MAX_DEPTH {
            return Err(NotCbor);
        }
        match self.header()? {
            Header::Positive(number) => Ok(i64::try_from(number).map_or(Value::Other, Value::Int)),
            Header::Negative(number) => Ok(i64::try_from(number).map_or(Value::Other, |number| Value::Int(!number))),
            Header::Bytes(length) => Ok(Value::Bytes(self.bytes(length)?.to_vec())),
            Header::Text(length) => Ok(Value::Text(self.text(length)?)),
            Header::Array(length) => {
                let count = self.count(length)?;
                (0..count).map(|_| self.value(depth + 1)).collect::<Result<_, _>>().map(Value::Array)
            }
            Header::Map(length) => {
                let mut map = Map::default();
                for _ in 0..self.count(length)? {
                    let name = match self.value(depth + 1)? {
                        Value::Int(number) => Name::Int(number),
                        Value::Text(text) => Name::Text(text),
                        _ => return Err(NotCbor),
                    };
                    if map.get(&name).is_some() {
                        return Err(NotCbor);
                    }
                    map.0.push((name, self.value(depth + 1)?));
                }
                Ok(Value::Map(map))
            }
            Header::Float(_) | Header::Simple(_) => Ok(Value::Other),
            Header::Tag(_) | Header::Break => Err(NotCbor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_kinds() {
        let (value, rest) =
            first(b"\xa4\x01\x20\x61a\x42\x01\x02\x39\xff\xff\x82\x61b\xf5\x02\xfb\x3f\xf0\0\0\0\0\0\0rest").unwrap();
        assert_eq!(rest, b"rest");
        let map = value.as_map().unwrap();
        assert_eq!(map.number(1).unwrap().as_int(), Some(-1));
        assert_eq!(map.text("a").unwrap().as_bytes(), Some(&[1, 2][..]));
        assert_eq!(map.number(-65536).unwrap().as_array().unwrap()[0].as_text(), Some("b"));
        assert_eq!(map.number(2), Some(&Value::Other));
        assert_eq!(whole(b"\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"), Ok(Value::Int(i64::MAX)));
        assert_eq!(whole(b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"), Ok(Value::Int(i64::MIN)));
        assert_eq!(whole(b"\x1b\x80\0\0\0\0\0\0\0"), Ok(Value::Other));
        assert_eq!(whole(b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Value::Other));
    }

    #[test]
    fn what_no_authenticator_writes_is_refused() {
        for (bytes, what) in [
            (&b""[..], "nothing"),
            (b"\x01\x01", "two values"),
            (b"\x5f\x41a\xff", "bytes without a length"),
            (b"\x7f\x61a\xff", "a text without a length"),
            (b"\x9f\x01\xff", "an array without a length"),
            (b"\xbf\x01\x01\xff", "a map without a length"),
            (b"\xff", "an end of nothing"),
            (b"\xc1\x01", "a tag"),
            (b"\xa2\x01\x01\x01\x02", "a number twice"),
            (b"\xa2\x01\x01\x18\x01\x02", "a number twice, in two spellings"),
            (b"\xa2\x61a\x01\x61a\x02", "a text twice"),
            (b"\xa1\x41a\x01", "bytes for a name"),
            (b"\xa1\x80\x01", "an array for a name"),
            (b"\x61\xff", "a text that is none"),
            (b"\x42\x01", "too few bytes"),
            (b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "more bytes than there are in the world"),
            (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "more items than there are in the world"),
            (b"\xbb\0\0\0\xff\xff\xff\xff\xff", "more names than there are"),
            (b"\x1c", "a header that is not made yet"),
        ] {
            assert_eq!(whole(bytes), Err(NotCbor), "{what}");
        }
    }

    #[test]
    fn depth_and_number_have_a_limit() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
        assert!(whole(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(whole(&nested(MAX_DEPTH + 1)), Err(NotCbor));
        assert_eq!(whole(&nested(1 << 20)), Err(NotCbor));
        let many = |count: u16| [vec![0x99], count.to_be_bytes().to_vec(), vec![0; count.into()]].concat();
        assert!(whole(&many(1023)).is_ok());
        assert_eq!(whole(&many(1024)), Err(NotCbor));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = first(&bytes);
        }
    }
}
