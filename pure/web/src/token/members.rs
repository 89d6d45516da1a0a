//! Which of a JSON object's members does a token need? One pass over the text picks them and passes over the rest.
//!
//! Stricter than a general reader in one point: a name that the object has twice refuses the whole object, since two readers
//! could disagree about which of the two counts (sdk-session.md 6.3). Inside nested values the last one counts, as everywhere.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A member's value, as far as a token cares.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number that is an integer of 64 bits.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// `null`.
    Null,
    /// A boolean, an array or an object.
    Other,
}

/// The values of the members with these names, in the order of the names. `None` if this is no JSON object, nests deeper than
/// serde_json reads, holds a number beyond doubles, or names a member twice.
pub(super) fn read<'a, const N: usize>(json: &'a str, names: [&'static str; N]) -> Option<[Option<Scalar<'a>>; N]> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let found = Pick { names }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(found)
}

struct Pick<const N: usize> {
    names: [&'static str; N],
}

impl<'a, const N: usize> DeserializeSeed<'a> for Pick<N> {
    type Value = [Option<Scalar<'a>>; N];

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for Pick<N> {
    type Value = [Option<Scalar<'a>>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut found: Self::Value = [const { None }; N];
        let mut others: Vec<Cow<'a, str>> = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            let wanted = self.names.iter().zip(found.iter_mut()).find(|(wanted, _)| **wanted == name);
            match wanted {
                Some((_, Some(_))) => return Err(M::Error::custom("a member twice")),
                Some((_, place)) => *place = Some(members.next_value()?),
                None => {
                    let _: Scalar<'a> = members.next_value()?;
                    others.push(name);
                }
            }
        }
        others.sort_unstable();
        match others.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
            true => Err(M::Error::custom("a member twice")),
            false => Ok(found),
        }
    }
}

/// A member's name: borrowed from the text unless it is written with escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

// Values that nobody needs are read as well, not skipped: skipping has neither a limit on nesting nor an eye for numbers, and
// the payload would then fail later, when the application asks for it.
impl<'a> Deserialize<'a> for Scalar<'a> {
    fn deserialize<D: Deserializer<'a>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'a> Visitor<'a> for ScalarVisitor {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        // Beyond an i64 every use of the number saturates anyway.
        Ok(Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Real(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        while let Some(_item) = items.next_element::<Scalar<'a>>()? {}
        Ok(Scalar::Other)
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        while let Some((_name, _value)) = members.next_entry::<Name<'a>, Scalar<'a>>()? {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_picked_by_name_and_typed() {
        let found = read(
            r#"{"s":"t","o":{"s":1},"e":"a\u0062","i":-3,"u":18446744073709551615,"r":1.5,"n":null,"b":true}"#,
            ["s", "e", "i", "u", "r", "n", "b", "o", "missing"],
        )
        .unwrap();
        let [s, e, i, u, r, n, b, o, missing] = found;
        assert_eq!(s, Some(Scalar::Text("t".into())));
        assert_eq!(e, Some(Scalar::Text("ab".into())));
        assert_eq!((i, u), (Some(Scalar::Integer(-3)), Some(Scalar::Integer(i64::MAX))));
        assert_eq!((r, n), (Some(Scalar::Real(1.5)), Some(Scalar::Null)));
        assert_eq!((b, o, missing), (Some(Scalar::Other), Some(Scalar::Other), None));
    }

    #[test]
    fn what_is_no_plain_object_is_refused() {
        let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        let rows = [
            "",
            "null",
            "1",
            "[]",
            "\"x\"",
            "{",
            "{}x",
            "{} {}",
            "{'a':1}",
            r#"{"a":1,}"#,
            r#"{"a":1e999}"#,
            r#"{"x":1e999}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"x":1,"x":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":1,"y":1,"\u0078":2}"#,
            "\u{feff}{}",
            &deep,
        ];
        for row in rows {
            assert_eq!(read(row, ["a"]), None, "{row}");
        }
        assert_eq!(read(" { } ", ["a"]), Some([None]));
        let nested = format!(r#"{{"x":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&nested, ["a"]), Some([None]));
    }
}
