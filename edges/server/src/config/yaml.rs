//! How is the configuration file read? As a YAML mapping, but with the text of every number and word kept as it stands in the file:
//! a key or a password of digits is a text, whatever YAML takes it for.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use supertokens_domain::config::{Kind, key};
use supertokens_domain::json::{Json, JsonObject};

/// The members of a YAML mapping, in order. Errors complete the sentence "the configuration file …".
pub(crate) fn members(text: &str) -> Result<Vec<(String, Json)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---") {
        return Ok(Vec::new());
    }
    let read = |plain: &BTreeSet<usize>| {
        Mapping { plain }.deserialize(yaml_serde::Deserializer::from_str(text)).map_err(|error| unreadable(text, &error))
    };
    let typed = read(&BTreeSet::new())?;
    // What YAML takes for a number or a word, where a text is wanted, is read once more: as the text.
    let texts = |(at, (name, value)): (usize, &(String, Json))| {
        let wanted = key(name).is_some_and(|key| matches!(key.kind, Kind::Text | Kind::OneOf(_)));
        (wanted && matches!(value, Json::Number(_) | Json::Bool(_))).then_some(at)
    };
    let plain: BTreeSet<usize> = typed.iter().enumerate().filter_map(texts).collect();
    if plain.is_empty() { Ok(typed) } else { read(&plain) }
}

/// What is wrong and where. What stands in the file is not repeated, but for the names of keys: it may be a secret.
fn unreadable(text: &str, error: &yaml_serde::Error) -> String {
    let said = error.to_string();
    let own = said.split_once(OWN).map(|(_, own)| own.split(" at line ").next().unwrap_or(own));
    let Some(place) = error.location() else { return own.unwrap_or("is not valid YAML").to_owned() };
    let (line, column) = (place.line(), place.column());
    if let Some(own) = own {
        return format!("{own} (line {line})");
    }
    let tab = text.lines().nth(line.saturating_sub(1)).is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
    let hint = if tab { ": a tab stands at its beginning; YAML wants blanks there" } else { "" };
    format!("is not valid YAML (line {line}, column {column}{hint})")
}

/// In front of errors of ours, which may be told as they are.
const OWN: &str = "supertokens: ";

/// A mapping, in which the members with the numbers in `plain` are read as texts.
struct Mapping<'a> {
    plain: &'a BTreeSet<usize>,
}

impl<'de> DeserializeSeed<'de> for Mapping<'_> {
    type Value = Vec<(String, Json)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Mapping<'_> {
    type Value = Vec<(String, Json)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of keys to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name { given: &members })? {
            let value = match self.plain.contains(&members.len()) {
                true => Json::String(map.next_value()?),
                false => map.next_value_seed(Value)?,
            };
            members.push((name, value));
        }
        Ok(members)
    }

    /// An empty file.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom(format!("{OWN}does not hold a mapping of keys to values")))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(format!("{OWN}does not hold a mapping of keys to values")))
    }
}

/// The name of a key that was not given before.
struct Name<'a> {
    given: &'a [(String, Json)],
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<String, E> {
        match self.given.iter().any(|(given, _)| given == name) {
            true => Err(E::custom(format!("{OWN}has the key {name} twice: take one of the lines out"))),
            false => Ok(name.to_owned()),
        }
    }
}

/// Any value. Numbers that no number holds are as good as others: a key that wants a text gets it.
struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn number(number: impl ToString) -> Json {
    Json::Number(number.to_string().into())
}

impl<'de> Visitor<'de> for Value {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(number(value))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Json, E> {
        Ok(number(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Json, E> {
        Ok(number(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(number(format!("{value:?}")))
    }

    /// A block ends in the end of its line, which nobody means.
    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.trim_end_matches(['\n', '\r']).to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(Value)? {
            out.push(item);
        }
        Ok(Json::Array(out))
    }

    /// No key takes these; an empty object is refused for its type, whatever is in it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Json::Object(JsonObject::new()))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Json, A::Error> {
        Err(A::Error::custom(format!("{OWN}has a value with a tag (!…), which no key takes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        members(text).unwrap().into_iter().collect::<JsonObject>().to_text()
    }

    #[test]
    fn a_text_is_what_stands_in_the_file() {
        for value in [
            "12345678901234567890123",
            "12345678901234567890123456789012345678901234567890",
            "0123",
            "1e5",
            "0x1F",
            "1_000",
            "1.10",
            "-0",
            ".5",
            "true",
            "True",
            "no",
            "2026-11-28",
        ] {
            assert_eq!(
                read(&format!("host: a\npostgresql_password: {value}\n")),
                format!(r#"{{"host":"a","postgresql_password":"{value}"}}"#)
            );
        }
        assert_eq!(read("postgresql_password: ' x '"), r#"{"postgresql_password":" x "}"#);
        assert_eq!(read("postgresql_password: |\n  x\n"), r#"{"postgresql_password":"x"}"#);
        assert_eq!(read("postgresql_password: ~\nhost:\n"), r#"{"postgresql_password":null,"host":null}"#);
        // Where a number is wanted, YAML's reading of it counts.
        assert_eq!(read("port: 0x10\naccess_token_validity: 2.0\n"), r#"{"port":16,"access_token_validity":2.0}"#);
    }

    #[test]
    fn ends_of_lines_and_byte_order_marks_are_no_part_of_anything() {
        assert_eq!(read("\u{feff}host: a\r\nport: 1\r\n"), r#"{"host":"a","port":1}"#);
        assert_eq!(read("host:\ta\n"), r#"{"host":"a"}"#);
        assert_eq!(read(""), "{}");
        assert_eq!(read("# only a comment\n"), "{}");
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_line_and_no_secret_is_repeated() {
        for (text, said) in [
            ("host: a\nport: 1\nhost: b\n", "has the key host twice: take one of the lines out (line 3)"),
            (
                "port: 1\n\thost: hunter2\n",
                "is not valid YAML (line 2, column 1: a tab stands at its beginning; YAML wants blanks there)",
            ),
            ("- hunter2\n", "does not hold a mapping of keys to values (line 1)"),
            ("hunter2\n", "does not hold a mapping of keys to values (line 1)"),
            ("port: !hunter2 1\n", "has a value with a tag (!…), which no key takes (line 1)"),
        ] {
            assert_eq!(members(text).unwrap_err(), said, "{text:?}");
        }
        for text in ["a: [", "a: 'hunter2\n", "a: \"\\q hunter2\"", "12: {a: hunter2", "? [hunter2]\n: 1\n"] {
            let said = members(text).unwrap_err();
            assert!(said.starts_with("is not valid YAML (line") && !said.contains("hunter2"), "{text:?}: {said}");
        }
    }
}
