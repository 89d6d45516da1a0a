//! How a claim of the user stands in a signed token: not always as it was given (core-session.md 3.4).

use crate::json::{Json, JsonObject};

/// An integer beyond 64 bits, or a number beyond doubles: it cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberTooLarge;

/// Appends the members of `claims` to an object that is being written: behind a comma if it already has members.
// Quirk: `aud` becomes a string or a list of strings or vanishes, and a number with a fraction or an exponent is printed as
// Java prints a double. Upstream's signer does so, and the same payload must give the same token on either server.
pub(crate) fn write_members<'a>(
    claims: impl Iterator<Item = (&'a str, &'a Json)>,
    out: &mut String,
) -> Result<(), NumberTooLarge> {
    for (name, value) in claims {
        let aud;
        let value = match (name, value) {
            ("aud", given) => match audience(given) {
                Some(normalised) => {
                    aud = normalised;
                    &aud
                }
                None => continue,
            },
            _ => value,
        };
        write_member(name, value, out)?;
    }
    Ok(())
}

/// Could [`write_members`] write these?
pub(crate) fn check_members<'a>(mut claims: impl Iterator<Item = (&'a str, &'a Json)>) -> Result<(), NumberTooLarge> {
    // Of an audience only strings are written.
    claims.try_for_each(|(name, value)| if name == "aud" { Ok(()) } else { check_value(value) })
}

fn check_value(value: &Json) -> Result<(), NumberTooLarge> {
    match value {
        Json::Number(text) => number(text).map(drop),
        Json::Array(items) => items.iter().try_for_each(check_value),
        Json::Object(object) => object.iter().try_for_each(|(_, value)| check_value(value)),
        Json::Null | Json::Bool(_) | Json::String(_) => Ok(()),
    }
}

/// One string stays one string; a list keeps its strings, and becomes a string if that is one. All else is left out.
fn audience(given: &Json) -> Option<Json> {
    match given {
        Json::String(_) => Some(given.clone()),
        Json::Array(items) => {
            let strings: Vec<&Json> = items.iter().filter(|item| matches!(item, Json::String(_))).collect();
            match strings.as_slice() {
                [] => None,
                [one] => Some((*one).clone()),
                many => Some(Json::Array(many.iter().copied().cloned().collect())),
            }
        }
        _ => None,
    }
}

fn write_member(name: &str, value: &Json, out: &mut String) -> Result<(), NumberTooLarge> {
    if !out.ends_with('{') {
        out.push(',');
    }
    Json::from(name).write(out);
    out.push(':');
    write_value(value, out)
}

fn write_value(value: &Json, out: &mut String) -> Result<(), NumberTooLarge> {
    match value {
        Json::Number(text) => out.push_str(&number(text)?),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Json::Object(object) => write_object(object, out)?,
        Json::Null | Json::Bool(_) | Json::String(_) => value.write(out),
    }
    Ok(())
}

fn write_object(object: &JsonObject, out: &mut String) -> Result<(), NumberTooLarge> {
    out.push('{');
    for (name, value) in object.iter() {
        write_member(name, value, out)?;
    }
    out.push('}');
    Ok(())
}

fn number(text: &str) -> Result<String, NumberTooLarge> {
    if !text.contains(['.', 'e', 'E']) {
        return text.parse::<i64>().map(|integer| integer.to_string()).map_err(|_| NumberTooLarge);
    }
    let value: f64 = text.parse().map_err(|_| NumberTooLarge)?;
    if value.is_finite() { Ok(java_double(value)) } else { Err(NumberTooLarge) }
}

/// The shortest digits that give the same double, laid out as Java does: plain from 10⁻³ up to 10⁷, `d.dddEn` outside, and
/// always a digit after the point.
fn java_double(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let scientific = format!("{value:E}");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;

    fn written(claims: &JsonObject) -> Result<String, NumberTooLarge> {
        let mut out = String::from("{");
        let written = write_members(claims.iter(), &mut out);
        assert_eq!(check_members(claims.iter()), written, "{out}");
        written?;
        out.push('}');
        Ok(out)
    }

    #[test]
    fn audiences_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/jwt_recipe.json"));
        let cases = vectors::array(&file, "aud_normalisation");
        assert!(cases.len() >= 9);
        for case in cases {
            let text = written(&JsonObject::new().with("aud", vectors::member(case, "in").clone())).unwrap();
            let expected = match vectors::member(case, "out") {
                Json::String(omitted) if omitted == "<claim omitted>" => JsonObject::new(),
                expected => JsonObject::new().with("aud", expected.clone()),
            };
            assert_eq!(text, expected.to_text());
        }
    }

    #[test]
    fn numbers_are_those_of_the_vectors_at_any_depth() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/jwt_recipe.json"));
        let cases = vectors::array(&file, "number_serialisation_in_tokens");
        assert!(cases.len() >= 10);
        for case in cases {
            let (given, expected) = (vectors::text(case, "in"), vectors::text(case, "out"));
            let text = written(&JsonObject::parse(&format!("{{\"n\":{given},\"d\":[{{\"n\":{given}}}]}}")).unwrap());
            if expected.starts_with("HTTP 500") {
                assert_eq!(text, Err(NumberTooLarge));
            } else {
                assert_eq!(text, Ok(format!("{{\"n\":{expected},\"d\":[{{\"n\":{expected}}}]}}")));
            }
        }
    }

    #[test]
    fn doubles_print_as_java_prints_them() {
        let cases = [
            ("0.001", "0.001"),
            ("0.00099", "9.9E-4"),
            ("9999999.0", "9999999.0"),
            ("10000000.0", "1.0E7"),
            ("-1.5e300", "-1.5E300"),
            ("2.5", "2.5"),
            ("0e5", "0.0"),
            ("-0", "0"),
        ];
        for (given, expected) in cases {
            assert_eq!(number(given).as_deref(), Ok(expected), "{given}");
        }
        assert_eq!(number("1e999"), Err(NumberTooLarge));
        assert_eq!(number("9223372036854775808"), Err(NumberTooLarge));
        assert_eq!(number("-9223372036854775808").as_deref(), Ok("-9223372036854775808"));
    }
}
