//! User payloads as they came: member order, explicit nulls and the text of numbers are kept (`1.0` stays `1.0`).
//!
//! Parsing is strict RFC 8259; of duplicate member names the last value counts, as upstream's parser has it.
//! Writing is compact and escapes only what JSON requires, plus U+2028 and U+2029 (core-session.md 0.3).

use std::collections::HashMap;
use std::fmt;

mod read;

/// Nesting beyond this many levels is refused, so that no input can exhaust the stack. As many as upstream takes: what it has stored is
/// read.
pub const MAX_DEPTH: usize = 255;

/// Any JSON value. Numbers are kept as their source text.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(Box<str>),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(JsonObject),
}

/// The text was not one JSON value, or was nested too deeply. Says nothing of the content: it may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON")]
pub struct NotJson;

/// Why a text is not taken, for whoever sent it. Says nothing of values: they may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// As [`NotJson`].
    #[error("not valid JSON")]
    NotJson,
    /// Half of a surrogate pair: no character, so that no database and no token can keep it. Where it stands: the names of the
    /// members around it, from the outermost on.
    #[error("half of a surrogate pair")]
    HalfCharacter(Vec<String>),
}

/// An object whose members keep their order. Names are unique.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JsonObject {
    members: Vec<(String, Json)>,
}

impl Json {
    /// Reads exactly one value; white space around it is allowed, anything else is not.
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        Self::parse_sent(text).map_err(|_| NotJson)
    }

    /// As [`parse`](Self::parse), for a text that somebody has just sent and may send again.
    pub fn parse_sent(text: &str) -> Result<Self, BadJson> {
        read::read(text)
    }

    /// Compact text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Appends compact text to `out`.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(object) => object.write(out),
        }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&JsonObject> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items, if this is an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The number as an integer: a fraction is cut off, and what does not fit into 64 bits is `None`.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(text) => integer(text),
            _ => None,
        }
    }

    /// The number as a double.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// `null`
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Deep equality as upstream has it: objects ignore the order of members, numbers compare as IEEE doubles, an explicit null
    /// is not an absent member (core-session.md 2.4, `payload_equality.json`).
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => {
                a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
            }
            (Self::Array(a), Self::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Object(a), Self::Object(b)) => a.same(b),
            _ => false,
        }
    }
}

impl JsonObject {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads exactly one object.
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        Self::parse_sent(text).map_err(|_| NotJson)
    }

    /// As [`parse`](Self::parse), for a text that somebody has just sent and may send again.
    pub fn parse_sent(text: &str) -> Result<Self, BadJson> {
        match Json::parse_sent(text)? {
            Json::Object(object) => Ok(object),
            _ => Err(BadJson::NotJson),
        }
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Sets a member: in its old place if it exists, at the end otherwise.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Json>) {
        let (name, value) = (name.into(), value.into());
        match self.members.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name, value)),
        }
    }

    /// [`insert`](Self::insert), for building an object in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.insert(name, value);
        self
    }

    /// Sets a member only if there is a value; an absent one is left out, not written as null.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Json>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let at = self.members.iter().position(|(n, _)| n == name)?;
        Some(self.members.remove(at).1)
    }

    /// Members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// An object of these members, whose names are different ones.
    pub(crate) fn of_members(members: Vec<(String, Json)>) -> Self {
        Self { members }
    }

    /// The members in order.
    pub(crate) fn into_members(self) -> Vec<(String, Json)> {
        self.members
    }

    /// Is there such a member, null or not?
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// No members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Compact text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Appends compact text to `out`.
    pub fn write(&self, out: &mut String) {
        out.push('{');
        self.write_members(out);
        out.push('}');
    }

    /// Appends the members without the braces, for building a larger object around them.
    pub fn write_members(&self, out: &mut String) {
        for (i, (name, value)) in self.members.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_string(name, out);
            out.push(':');
            value.write(out);
        }
    }

    /// See [`Json::same`].
    pub fn same(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // Payloads are small, as a rule; a large one must not cost a search for each of its members.
        if self.len() <= 16 {
            return self.iter().all(|(name, value)| other.get(name).is_some_and(|o| value.same(o)));
        }
        let others: HashMap<&str, &Json> = other.iter().collect();
        self.iter().all(|(name, value)| others.get(name).is_some_and(|o| value.same(o)))
    }
}

impl IntoIterator for JsonObject {
    type Item = (String, Json);
    type IntoIter = std::vec::IntoIter<(String, Json)>;
    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl FromIterator<(String, Json)> for JsonObject {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(members: I) -> Self {
        let mut object = Self::new();
        for (name, value) in members {
            object.insert(name, value);
        }
        object
    }
}

impl From<JsonObject> for Json {
    fn from(object: JsonObject) -> Self {
        Self::Object(object)
    }
}
impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}
impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}
impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string().into())
    }
}
impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// Cuts off a fraction and resolves an exponent; the exact path first, doubles only where an exponent needs them.
#[allow(clippy::cast_possible_truncation)]
fn integer(text: &str) -> Option<i64> {
    if !text.contains(['e', 'E']) {
        let whole = text.split('.').next().unwrap_or(text);
        return whole.parse().ok();
    }
    let value: f64 = text.parse().ok()?;
    // Strict bounds: `i64::MAX as f64` rounds up to 2^63, which does not fit.
    (value > -9.2e18 && value < 9.2e18).then_some(value as i64)
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    // Most texts are written as they are. All bytes are looked at, as a loop without a way out takes many at a time; U+2028 and
    // U+2029 begin with 0xE2.
    if !text.bytes().fold(false, |found, b| found | (b < 0x20) | (b == b'"') | (b == b'\\') | (b == 0xE2)) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escape: Option<&str> = match c {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            '\u{8}' => Some("\\b"),
            '\u{c}' => Some("\\f"),
            '\u{2028}' => Some("\\u2028"),
            '\u{2029}' => Some("\\u2029"),
            c if (c as u32) < 0x20 => None,
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        match escape {
            Some(escape) => out.push_str(escape),
            None => out.push_str(&format!("\\u{:04x}", c as u32)),
        }
        plain = at + c.len_utf8();
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_nulls_and_number_text_are_kept() {
        let text = r#"{"b":1.0,"a":null,"n":[1e3,-0.0,{"x":[]}]}"#;
        assert_eq!(Json::parse(text).unwrap().to_text(), text);
    }

    #[test]
    fn the_last_of_duplicate_names_counts() {
        assert_eq!(Json::parse(r#"{"a":1,"b":0,"a":2}"#).unwrap().to_text(), r#"{"a":2,"b":0}"#);
    }

    #[test]
    fn only_what_must_be_escaped_is_escaped() {
        let given = "{\"h\":\"<a href='x'>&=\\u2028\\u00e9\\/\\u0001\\\"\"}";
        assert_eq!(Json::parse(given).unwrap().to_text(), "{\"h\":\"<a href='x'>&=\\u2028é/\\u0001\\\"\"}");
    }

    #[test]
    fn lenient_forms_are_refused() {
        for body in ["", "  ", "{a:1}", "{'a':1}", "{\"a\":1,}", "{\"a\":1} x", "[1", "{\"a\":01}", "{\"a\":NaN}", "//c\n{}"] {
            assert_eq!(Json::parse(body), Err(NotJson), "{body}");
        }
    }

    #[test]
    fn half_a_character_is_named_with_its_place() {
        let at = |text: &str| match Json::parse_sent(text) {
            Err(BadJson::HalfCharacter(path)) => path.join("."),
            other => panic!("{text}: {other:?}"),
        };
        for half in [r"\ud83d", r"a\uD83Dz", r"\ude00", r"\ude00\ud83d", r"\ud83d\ud83d\ude00", r"\ud83d\n", r"\ud83d\u0041"] {
            assert_eq!(at(&format!(r#"{{"a":{{"b":[1,{{"c":"{half}"}}]}},"d":1}}"#)), "a.b.c", "{half}");
            assert_eq!(at(&format!(r#"{{"a":{{"x":1,"{half}":1}}}}"#)), "a", "{half}");
            assert_eq!(at(&format!(r#"["{half}"]"#)), "", "{half}");
        }
        assert_eq!(Json::parse(r#"{"a":"\ud83d"}"#), Err(NotJson));
        assert_eq!(Json::parse(r#""\ud83d\ude00""#), Ok("\u{1f600}".into()));
        for text in [r#"{"a":"\ud83d\u00"#, r#"{"a":"\ud8"}"#, r#"{"a":"\ud83g"}"#] {
            assert_eq!(Json::parse_sent(text), Err(BadJson::NotJson), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Json::parse(&text), Err(NotJson));
        for (depth, is_read) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(Json::parse(&text).is_ok(), is_read, "{depth}");
        }
    }

    #[test]
    fn equality_is_that_of_the_vectors() {
        let vectors = Json::parse(include_str!("../../../testkit/vectors/payload_equality.json")).unwrap();
        let cases = vectors.as_object().unwrap().get("cases").unwrap().as_array().unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let case = case.as_object().unwrap();
            let side = |name: &str| Json::parse(case.get(name).unwrap().as_str().unwrap()).unwrap();
            assert_eq!(side("a").same(&side("b")), case.get("equal").unwrap().as_bool().unwrap(), "{case:?}");
        }
    }

    #[test]
    fn integers_lose_their_fraction_and_nothing_else() {
        let number = |text: &str| Json::Number(text.into()).as_i64();
        assert_eq!(number("9007199254740993"), Some(9_007_199_254_740_993));
        assert_eq!(number("1.9"), Some(1));
        assert_eq!(number("-1.9"), Some(-1));
        assert_eq!(number("1e3"), Some(1000));
        assert_eq!(number("9223372036854775808"), None);
        assert_eq!(number("1e40"), None);
    }

    #[test]
    fn large_objects_are_compared_like_small_ones() {
        let object = |names: &mut dyn Iterator<Item = i64>| names.map(|n| (n.to_string(), Json::from(n))).collect::<JsonObject>();
        assert!(object(&mut (0..100)).same(&object(&mut (0..100).rev())));
        assert!(!object(&mut (0..100)).same(&object(&mut (1..101))));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = Json::parse(&text);
        }

        #[test]
        fn strings_survive_a_round_trip(text in "\\PC{0,60}") {
            let json = Json::String(text);
            proptest::prop_assert_eq!(Json::parse(&json.to_text()).unwrap(), json);
        }
    }
}
