//! From a text to a value, in one pass over the text: RFC 8259 to the letter, numbers kept as they were written.

use std::collections::HashMap;

use super::{BadJson, Json, JsonObject, MAX_DEPTH, NotJson};

/// An object with more members than this looks its names up by hash.
const FEW: usize = 16;

/// Reads exactly one value, with white space around it or without.
pub(super) fn read(text: &str) -> Result<Json, BadJson> {
    let mut reader = Reader { text, at: 0, around_half: None };
    let value = reader.value(0);
    reader.skip_space();
    match value {
        Ok(value) if reader.at == text.len() => Ok(value),
        _ => {
            Err(reader.around_half.map_or(BadJson::NotJson, |around| BadJson::HalfCharacter(around.into_iter().rev().collect())))
        }
    }
}

/// How far the reading has come. `at` is always the beginning of a character.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Once half a character was found: the members around it, from the innermost on.
    around_half: Option<Vec<String>>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
    }

    fn skip_space(&mut self) {
        self.skip_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Takes this character if it is the next one.
    fn take(&mut self, wanted: u8) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, wanted: u8) -> Result<(), NotJson> {
        if self.take(wanted) { Ok(()) } else { Err(NotJson) }
    }

    fn since(&self, start: usize) -> &str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// `depth` is the number of arrays and objects around the value.
    fn value(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.skip_space();
        match self.peek().ok_or(NotJson)? {
            b'"' => self.string().map(Json::String),
            b'{' | b'[' if depth == MAX_DEPTH => Err(NotJson),
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, NotJson> {
        let is_next = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += word.len();
        if is_next { Ok(value) } else { Err(NotJson) }
    }

    fn array(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            if !self.take(b',') {
                self.expect(b']')?;
                return Ok(Json::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.expect(b'{')?;
        let mut members = Members::default();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Json::Object(members.object));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            let value = match self.value(depth) {
                Ok(value) => value,
                Err(error) => {
                    self.around_half.iter_mut().for_each(|around| around.push(name.clone()));
                    return Err(error);
                }
            };
            members.put(name, value);
            self.skip_space();
            if !self.take(b',') {
                self.expect(b'}')?;
                return Ok(Json::Object(members.object));
            }
        }
    }

    fn number(&mut self) -> Result<Json, NotJson> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Json::Number(self.since(start).into()))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        self.skip_while(|b| b.is_ascii_digit());
        if self.at > start { Ok(()) } else { Err(NotJson) }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let start = self.at;
            self.skip_while(|b| b != b'"' && b != b'\\' && b >= 0x20);
            out.push_str(self.since(start));
            if self.take(b'"') {
                return Ok(out);
            }
            self.expect(b'\\')?;
            out.push(self.escaped()?);
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<char, NotJson> {
        let escape = self.peek().ok_or(NotJson)?;
        if !escape.is_ascii() {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point()?,
            _ => return Err(NotJson),
        })
    }

    /// One group of four digits, or the two of a surrogate pair. Half a pair is no character.
    fn code_point(&mut self) -> Result<char, NotJson> {
        let first = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.half());
        }
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
            return Err(self.half());
        }
        self.at += 2;
        let second = self.four_digits()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err(self.half());
        }
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(NotJson)
    }

    fn half(&mut self) -> NotJson {
        self.around_half = Some(Vec::new());
        NotJson
    }

    fn four_digits(&mut self) -> Result<u32, NotJson> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotJson)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotJson);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| NotJson)
    }
}

/// An object in the making. Many members must not cost a search each.
#[derive(Default)]
struct Members {
    object: JsonObject,
    /// Where each name stands, once there are more than a few.
    places: HashMap<String, usize>,
}

impl Members {
    /// Of duplicate names the last value counts, in the place of the first.
    fn put(&mut self, name: String, value: Json) {
        let members = &mut self.object.members;
        let place = if members.len() <= FEW {
            members.iter().position(|(known, _)| *known == name)
        } else {
            if self.places.is_empty() {
                self.places = members.iter().enumerate().map(|(at, (known, _))| (known.clone(), at)).collect();
            }
            self.places.get(&name).copied()
        };
        match place.and_then(|at| members.get_mut(at)) {
            Some((_, old)) => *old = value,
            None => {
                if !self.places.is_empty() {
                    self.places.insert(name.clone(), members.len());
                }
                members.push((name, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another parser makes of it, as far as that keeps what we keep.
    fn judged(text: &str) -> bool {
        serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
            && serde_json::from_str::<serde_json::Value>(text).is_ok()
    }

    #[test]
    fn one_text_is_json_and_its_neighbour_is_not() {
        for text in [
            "0",
            "-0",
            "10",
            "-1.5",
            "1e5",
            "1E+05",
            "0.0e-0",
            " \t\r\n1 ",
            "null",
            "true",
            "false",
            "\"\"",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1 , 2]",
            "{ \"a\" : 1 , \"b\" : [ ] }",
            r#""\"\\\/\b\f\n\r\t\u0000\u00e9""#,
            r#""\ud834\udd1e""#,
            "\"\u{7f}é𝄞\"",
        ] {
            assert!(read(text).is_ok() && judged(text), "{text}");
        }
        for text in [
            "",
            " ",
            "-",
            "+1",
            "01",
            "-01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "0x1",
            "1 2",
            "nul",
            "nulL",
            "truefalse",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\é\"",
            "\"\u{1f}\"",
            "\"\n\"",
            r#""\u12""#,
            r#""\u12g4""#,
            r#""\u+123""#,
            r#""\ud834""#,
            r#""\ud834x""#,
            r#""\ud834\n""#,
            r#""\ud834\ud834""#,
            r#""\udd1e""#,
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "}",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "{\"a\" 1}",
            "{,}",
            "\u{feff}1",
            "1\u{a0}",
            "'a'",
            "//\n1",
            "NaN",
            "-Infinity",
            "\"\\u00\u{e9}9\"",
        ] {
            assert!(read(text).is_err() && !judged(text), "{text}");
        }
    }

    #[test]
    fn many_members_are_read_like_few() {
        let text = |names: &mut dyn Iterator<Item = usize>| {
            let members: Vec<String> = names.map(|n| format!("\"m{}\":{n}", n % 50)).collect();
            format!("{{{}}}", members.join(","))
        };
        let expected = |from: usize, count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"m{n}\":{}", n + from)).collect();
            format!("{{{}}}", members.join(","))
        };
        for count in [1, 15, 16, 17, 18, 50] {
            assert_eq!(read(&text(&mut (0..count))).unwrap().to_text(), expected(0, count), "{count}");
        }
        assert_eq!(read(&text(&mut (0..100))).unwrap().to_text(), expected(50, 50));
    }

    #[test]
    fn depth_costs_nothing_but_is_bounded() {
        let nested = |depth: usize, inside: &str| format!("{}{inside}{}", "{\"a\":[".repeat(depth), "]}".repeat(depth));
        assert!(read(&nested(MAX_DEPTH / 2, "1")).is_ok());
        assert!(read(&nested(MAX_DEPTH / 2, "[[]]")).is_err());
        let text = nested(MAX_DEPTH / 2, "1,".repeat(400_000).trim_end_matches(','));
        assert!(read(&text).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn the_judgement_is_that_of_another_parser(text in r#"([\[\]{},:" \\u0-9a-fA-F.eE+-]|null|true|"a":|\\u[d][89a-f][0-9a-f]{2}){0,14}"#) {
            proptest::prop_assert_eq!(read(&text).is_ok(), judged(&text) || is_a_number_too_large_for_a_double(&text));
        }

        #[test]
        fn values_are_those_of_another_parser(text in r#"\[("(\\["\\/bfnrt]|\\u00[0-9a-f]{2}|\\ud8[0-9a-f]{2}\\udc[0-9a-f]{2}|[ -!#-\[\]-~é])*",){0,5}0\]"#) {
            let other: serde_json::Value = serde_json::from_str(&text).unwrap();
            let ours = read(&text).unwrap();
            let strings = |items: &[Json]| items.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>();
            let others: Vec<String> = other.as_array().unwrap().iter().filter_map(|v| v.as_str()).map(str::to_owned).collect();
            proptest::prop_assert_eq!(strings(ours.as_array().unwrap()), others);
        }
    }

    /// The other parser refuses such a number; the text of it is JSON all the same.
    fn is_a_number_too_large_for_a_double(text: &str) -> bool {
        serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
            && serde_json::from_str::<serde_json::Value>(text).is_err_and(|e| e.to_string().starts_with("number out of range"))
    }
}
