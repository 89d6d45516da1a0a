//! Reading the known answers of the specification in tests: short access to members, and the fixed test keys.

use crate::json::{Json, JsonObject};
use crate::session::signing_key::SigningKey;

/// A vector file.
pub(crate) fn file(text: &str) -> JsonObject {
    JsonObject::parse(text).unwrap()
}

/// The objects of an array member.
pub(crate) fn array<'a>(of: &'a JsonObject, name: &str) -> Vec<&'a JsonObject> {
    member(of, name).as_array().unwrap().iter().map(|item| item.as_object().unwrap()).collect()
}

/// A member that must be there.
pub(crate) fn member<'a>(of: &'a JsonObject, name: &str) -> &'a Json {
    of.get(name).unwrap_or_else(|| panic!("no member {name}"))
}

/// An object member.
pub(crate) fn object<'a>(of: &'a JsonObject, name: &str) -> &'a JsonObject {
    member(of, name).as_object().unwrap()
}

/// A string member.
pub(crate) fn text<'a>(of: &'a JsonObject, name: &str) -> &'a str {
    member(of, name).as_str().unwrap()
}

/// A string member that may be null or absent.
pub(crate) fn optional<'a>(of: &'a JsonObject, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Json::as_str)
}

/// A number member.
pub(crate) fn number(of: &JsonObject, name: &str) -> i64 {
    member(of, name).as_i64().unwrap()
}

/// A boolean member.
pub(crate) fn boolean(of: &JsonObject, name: &str) -> bool {
    member(of, name).as_bool().unwrap()
}

/// The bytes that a string member spells in hexadecimal.
pub(crate) fn bytes<const N: usize>(of: &JsonObject, name: &str) -> [u8; N] {
    let text = text(of, name);
    let read: Vec<u8> = (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect();
    read.try_into().unwrap()
}

/// One of the three fixed test keys: `dynamic`, `static` or `other`.
pub(crate) fn key(name: &str) -> SigningKey {
    let keys = file(include_str!("../../../../testkit/vectors/rsa_test_keys.json"));
    let key = object(&keys, name);
    SigningKey::from_stored(text(key, "kid"), text(key, "storage_string")).unwrap()
}

/// The same key under another name.
pub(crate) fn key_named(name: &str, kid: &str) -> SigningKey {
    let keys = file(include_str!("../../../../testkit/vectors/rsa_test_keys.json"));
    SigningKey::from_stored(kid, text(object(&keys, name), "storage_string")).unwrap()
}

/// A small generator with a fixed seed, so that mutation tests repeat themselves exactly.
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// One to four random edits: change, remove, insert, cut off, double a stretch, or swap two characters.
    pub(crate) fn mutate(&mut self, token: &str) -> String {
        const LETTERS: &[u8] = b"ABCXYZabcxyz0189+/-_=.!{}\"\\ \x7f";
        let mut bytes = token.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            let letter = LETTERS[self.below(LETTERS.len())];
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] = letter,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.insert(at, letter),
                3 => bytes.truncate(at),
                4 if at < bytes.len() => {
                    let again = bytes[at..].to_vec();
                    bytes.extend(again);
                }
                5 if !bytes.is_empty() => {
                    let other = self.below(bytes.len());
                    bytes.swap(at, other);
                }
                _ => bytes.push(letter),
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
