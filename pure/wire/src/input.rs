//! Reading what was sent, and upstream's exact sentences for what was wrong with it. All such sentences live here
//! (core-session.md 0.4, core-server.md 8.1 and 8.2; decision 11).

use supertokens_domain::json::{BadJson, Json, JsonObject};
use supertokens_domain::users::email::trimmed;

pub(crate) mod contacts;

/// So many users are asked for at once.
const MOST_USERS: usize = 500;

/// What was wrong with the input; `Display` is the sentence on the wire, always with status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// The body is empty, not JSON, or not an object.
    #[error("Invalid Json Input")]
    NotJson,
    /// A text was cut in the middle of a character, as UTF-16 has it. Upstream keeps a question mark in its place, or fails when it
    /// stores it.
    #[error(
        "{} in JSON input: it holds half of a surrogate pair (such as \\ud83d alone), which is no character; cut texts between \
         characters", place(.0)
    )]
    HalfCharacter(Vec<String>),
    /// A field is missing, of the wrong type, or an explicit null.
    #[error("Field name '{0}' is invalid in JSON input")]
    Field(String),
    /// Nothing is left of a text once the blanks around it are cut off.
    #[error("Field name '{0}' cannot be an empty String")]
    Empty(String),
    /// A query parameter is missing.
    #[error("Field name '{0}' is missing in GET request")]
    MissingParameter(&'static str),
    /// A query parameter is not a 32 bit integer.
    #[error("Field name '{0}' must be an int in the GET request")]
    NotAnInt(&'static str),
    /// A query parameter is not a 64 bit integer.
    #[error("Field name '{0}' must be a long in the GET request")]
    NotALong(&'static str),
    /// A rule of one operation.
    #[error("{0}")]
    Rule(String),
    /// What is only looked at when it is certain that the place exists and may be asked.
    #[error(transparent)]
    Late(Box<Self>),
}

impl BadInput {
    /// The same, but an unknown place is said first.
    pub fn late(self) -> Self {
        Self::Late(Box::new(self))
    }

    /// A rule of one operation, in its own words.
    pub fn rule(sentence: impl Into<String>) -> Self {
        Self::Rule(sentence.into())
    }
}

/// Names a member by those around it, as far as anybody will read: names come from the caller.
fn place(around: &[String]) -> String {
    const LONGEST: usize = 128;
    if around.is_empty() {
        return "The name of a member is invalid".to_owned();
    }
    let path = around.join(".");
    let shown: String = path.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect();
    let more = if path.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("Field name '{shown}{more}' is invalid")
}

/// The query and the body of a request. The body is parsed when an operation first asks for it.
#[derive(Debug, Default)]
pub struct Input<'a> {
    /// Decoded query parameters in the order they came.
    pub query: Query,
    body: &'a [u8],
    charset: Charset,
}

/// How the bytes of a body become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// The default, whatever the content type is (decision 10).
    #[default]
    Utf8,
    /// ISO-8859-1, only if the content type names it.
    Latin1,
}

impl Charset {
    /// The charset that a `Content-Type` names. One that we do not read is `None`.
    pub fn of_content_type(header: &str) -> Option<Self> {
        let named = header.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        match named.as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => Some(Self::Utf8),
            Some("iso-8859-1" | "latin1") => Some(Self::Latin1),
            Some(_) => None,
        }
    }
}

impl<'a> Input<'a> {
    /// Puts a request's query string and body together.
    pub fn new(query: &str, body: &'a [u8], charset: Charset) -> Self {
        Self { query: Query::parse(query), body, charset }
    }

    /// The body as an object.
    ///
    /// # Errors
    /// `Invalid Json Input` for everything else.
    pub fn body(&self) -> Result<Fields, BadInput> {
        let object = match self.charset {
            Charset::Utf8 => JsonObject::parse_sent(std::str::from_utf8(self.body).map_err(|_| BadInput::NotJson)?),
            Charset::Latin1 => JsonObject::parse_sent(&self.body.iter().map(|b| char::from(*b)).collect::<String>()),
        };
        object.map(Fields).map_err(|bad| match bad {
            BadJson::NotJson => BadInput::NotJson,
            BadJson::HalfCharacter(around) => BadInput::HalfCharacter(around),
        })
    }
}

/// The members of a body, read by name and type.
#[derive(Debug)]
pub struct Fields(JsonObject);

impl Fields {
    /// All members, for operations that look at names rather than values.
    pub fn object(&self) -> &JsonObject {
        &self.0
    }

    /// Wraps an object that is a member of a body, to read its members in the same way.
    pub fn of(object: JsonObject) -> Self {
        Self(object)
    }

    /// Is there such a member, null or not?
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn required<T>(&self, name: &str, read: impl Fn(&Json) -> Option<T>) -> Result<T, BadInput> {
        self.0.get(name).and_then(read).ok_or_else(|| BadInput::Field(name.to_owned()))
    }

    /// An explicit null is an error, not an absent field.
    fn optional<T>(&self, name: &str, read: impl Fn(&Json) -> Option<T>) -> Result<Option<T>, BadInput> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| BadInput::Field(name.to_owned())),
        }
    }

    /// A string that must be there.
    pub fn string(&self, name: &str) -> Result<String, BadInput> {
        self.required(name, as_string)
    }

    /// A string that may be absent.
    pub fn optional_string(&self, name: &str) -> Result<Option<String>, BadInput> {
        self.optional(name, as_string)
    }

    /// A boolean that must be there.
    pub fn boolean(&self, name: &str) -> Result<bool, BadInput> {
        self.required(name, as_boolean)
    }

    /// A boolean that may be absent.
    pub fn optional_boolean(&self, name: &str) -> Result<Option<bool>, BadInput> {
        self.optional(name, as_boolean)
    }

    /// A 64 bit integer that must be there.
    pub fn long(&self, name: &str) -> Result<i64, BadInput> {
        self.required(name, as_long)
    }

    /// A 64 bit integer that may be absent.
    pub fn optional_long(&self, name: &str) -> Result<Option<i64>, BadInput> {
        self.optional(name, as_long)
    }

    /// A string that must be there and fit into a column of `most` characters.
    pub fn short_string(&self, name: &str, most: usize) -> Result<String, BadInput> {
        let text = self.string(name)?;
        if text.chars().count() > most {
            return Err(BadInput::rule(format!("Field name '{name}' must have at most {most} characters")));
        }
        Ok(text)
    }

    /// A string that must be there, kept as it was sent, for a column of `most` characters.
    pub fn fitting(&self, name: &str, most: usize) -> Result<String, BadInput> {
        fit(name, self.token(name)?, most)
    }

    /// A string that must be there, without the blanks around it; something must be left.
    pub fn trimmed(&self, name: &str) -> Result<String, BadInput> {
        trim(name, &self.token(name)?)
    }

    /// As [`trimmed`](Self::trimmed), for a column of `most` characters.
    pub fn trimmed_to_fit(&self, name: &str, most: usize) -> Result<String, BadInput> {
        fit(name, self.trimmed(name)?, most)
    }

    /// An object that must be there.
    pub fn json_object(&self, name: &str) -> Result<JsonObject, BadInput> {
        self.required(name, |json| json.as_object().cloned())
    }

    /// An object that may be absent.
    pub fn optional_json_object(&self, name: &str) -> Result<Option<JsonObject>, BadInput> {
        self.optional(name, |json| json.as_object().cloned())
    }

    /// A token. Unlike other texts it may hold anything: none is stored, and what no core has made is for the use case to say.
    pub fn token(&self, name: &str) -> Result<String, BadInput> {
        self.required(name, as_token)
    }

    /// A token that may be absent.
    pub fn optional_token(&self, name: &str) -> Result<Option<String>, BadInput> {
        self.optional(name, as_token)
    }

    /// An array of strings that may be absent. A wrong element is reported under the name of the array.
    pub fn optional_strings(&self, name: &str) -> Result<Option<Vec<String>>, BadInput> {
        self.optional(name, |json| json.as_array()?.iter().map(as_string).collect())
    }

    /// As [`fitting`](Self::fitting), but it may be absent.
    pub fn optional_fitting(&self, name: &str, most: usize) -> Result<Option<String>, BadInput> {
        self.optional_token(name)?.map(|text| fit(name, text, most)).transpose()
    }

    /// `userIds` of an operation that asks for many users at once.
    pub fn queried_user_ids(&self) -> Result<Vec<String>, BadInput> {
        const NAME: &str = "userIds";
        let wrong = || BadInput::Field(NAME.to_owned());
        let ids = self.object().get(NAME).and_then(Json::as_array).ok_or_else(wrong)?;
        if ids.len() > MOST_USERS {
            return Err(BadInput::rule(format!("You can only query up to {MOST_USERS} users at a time.")));
        }
        let strings = ids.iter().map(Json::as_str).collect::<Option<Vec<_>>>();
        let strings = strings.ok_or_else(|| BadInput::rule("userIds array must contain only strings"))?;
        if strings.iter().any(|id| id.contains('\0')) {
            return Err(wrong());
        }
        Ok(strings.into_iter().map(str::to_owned).collect())
    }
}

/// A text that a column of `most` characters keeps whole, on every database (decision 24).
fn fit(name: &str, text: String, most: usize) -> Result<String, BadInput> {
    if text.contains('\0') || text.chars().nth(most).is_some() { Err(BadInput::Field(name.to_owned())) } else { Ok(text) }
}

/// What is cut off first may be U+0000; within, it is refused.
fn trim(name: &str, text: &str) -> Result<String, BadInput> {
    let text = trimmed(text);
    if text.is_empty() { Err(BadInput::Empty(name.to_owned())) } else { fit(name, text.to_owned(), usize::MAX) }
}

// Quirk: an array of one element is taken for its element, a number for the boolean false, a quoted integer for an integer.
// A text that is a value of its own never holds U+0000: PostgreSQL cannot store it.
fn as_string(json: &Json) -> Option<String> {
    as_token(json).filter(|text| !text.contains('\0'))
}

fn as_token(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Array(items) => only(items).and_then(as_token),
        _ => None,
    }
}

fn as_boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        Json::Number(_) => Some(false),
        Json::Array(items) => only(items).and_then(as_boolean),
        _ => None,
    }
}

fn as_long(json: &Json) -> Option<i64> {
    match json {
        Json::Number(_) => json.as_i64(),
        Json::String(text) => text.parse().ok(),
        Json::Array(items) => only(items).and_then(as_long),
        _ => None,
    }
}

fn only(items: &[Json]) -> Option<&Json> {
    match items {
        [item] => Some(item),
        _ => None,
    }
}

/// Query parameters. Of a repeated one the first value counts; an empty value is an empty string, not "missing".
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query string: `&` between pairs, `+` and percent-encoding as in forms.
    pub fn parse(text: &str) -> Self {
        let decode = |part: &str| percent_encoding::percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        Self(
            text.split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// A parameter's first value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, BadInput> {
        let value = self.get(name).ok_or(BadInput::MissingParameter(name))?;
        if value.contains('\0') { Err(BadInput::Field(name.to_owned())) } else { Ok(value) }
    }

    /// A parameter that must be there, without the blanks around it; something must be left.
    pub fn trimmed(&self, name: &'static str) -> Result<String, BadInput> {
        trim(name, self.get(name).ok_or(BadInput::MissingParameter(name))?)
    }

    /// The parts of a list, trimmed; empty ones are dropped. Absent and empty are the same.
    pub fn list<'a>(&'a self, name: &str, separator: char) -> impl Iterator<Item = &'a str> {
        self.get(name).unwrap_or_default().split(separator).map(trimmed).filter(|part| !part.is_empty())
    }

    /// True only for the text `true` in any case; `default` when absent.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    /// A 64 bit integer that must be there.
    pub fn long(&self, name: &'static str) -> Result<i64, BadInput> {
        self.required(name)?.parse().map_err(|_| BadInput::NotALong(name))
    }

    /// A 32 bit integer that may be absent.
    pub fn optional_int(&self, name: &'static str) -> Result<Option<i32>, BadInput> {
        self.get(name).map(|value| value.parse().map_err(|_| BadInput::NotAnInt(name))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> JsonObject {
        JsonObject::parse(include_str!("../../../testkit/vectors/json_input.json")).unwrap()
    }

    fn list(name: &str) -> Vec<JsonObject> {
        let vectors = vectors();
        vectors.get(name).unwrap().as_array().unwrap().iter().map(|case| case.as_object().unwrap().clone()).collect()
    }

    /// The forms that only a lenient parser takes are refused by decision 11.
    #[test]
    fn bodies_are_those_of_the_vectors_less_the_lenient_forms() {
        let lenient =
            ["{a:1}", "{'a':'b'}", "//c\n{\"a\":1}", "{\"a\":tru}", "{\"a\":01}", "{\"a\"=1}", "{\"a\":NaN}", ")]}'\n{\"a\":1}"];
        let mut checked = 0;
        for case in list("bodies") {
            let body = case.get("body").unwrap().as_str().unwrap().to_owned();
            let expected = case.get("result").unwrap().as_str().unwrap();
            let got = Input::new("", body.as_bytes(), Charset::Utf8).body();
            if expected == "error" || lenient.contains(&body.as_str()) {
                assert_eq!(got.unwrap_err().to_string(), "Invalid Json Input", "{body}");
            } else {
                assert_eq!(got.unwrap().object().to_text(), expected, "{body}");
            }
            checked += 1;
        }
        assert!(checked >= 18);
    }

    #[test]
    fn fields_are_coerced_as_in_the_vectors() {
        for case in list("fields") {
            let value = case.get("value").unwrap().as_str().unwrap();
            let Ok(value) = Json::parse(value) else {
                assert_eq!(value, "TRUE", "only this one is a lenient form");
                continue;
            };
            let fields = Fields::of(JsonObject::new().with("f", value));
            let expect = |kind: &str, got: Result<Json, BadInput>| {
                let expected = case.get(kind).unwrap();
                match got {
                    Ok(got) => assert!(got.same(expected), "{kind} of {case:?}: {got}"),
                    Err(error) => {
                        assert_eq!(expected.as_str(), Some("ERR"), "{kind} of {case:?}");
                        assert_eq!(error.to_string(), "Field name 'f' is invalid in JSON input");
                    }
                }
            };
            expect("boolean", fields.boolean("f").map(Json::from));
            expect("long", fields.long("f").map(Json::from));
            expect("string", fields.string("f").map(Json::from));
            expect("object", fields.json_object("f").map(Json::from));
        }
    }

    #[test]
    fn a_text_with_a_nul_character_is_refused() {
        let fields = Fields::of(JsonObject::new().with("f", "a\0b"));
        assert_eq!(fields.string("f"), Err(BadInput::Field("f".into())));
        assert_eq!(Query::parse("f=a%00b").required("f"), Err(BadInput::Field("f".into())));
    }

    #[test]
    fn a_text_for_a_column_is_measured_in_characters_and_trimmed_first_where_it_is() {
        let fields = |text: &str| Fields::of(JsonObject::new().with("f", text));
        let (field, empty) = ("Field name 'f' is invalid in JSON input", "Field name 'f' cannot be an empty String");
        let said = |outcome: Result<String, BadInput>| outcome.unwrap_or_else(|bad| bad.to_string());
        for (text, as_sent, trimmed) in [
            ("", "", empty),
            (" é ", " é ", "é"),
            ("ééé", "ééé", "ééé"),
            ("éééé", field, field),
            ("\0\n ", field, empty),
            (" ééé\0", field, "ééé"),
            ("a\0b", field, field),
            ("\u{a0}", "\u{a0}", "\u{a0}"),
        ] {
            assert_eq!(said(fields(text).fitting("f", 3)), as_sent, "{text:?}");
            assert_eq!(said(fields(text).trimmed_to_fit("f", 3)), trimmed, "{text:?}");
        }
        assert_eq!(said(Query::parse("f=+%00a%20").trimmed("f")), "a");
        assert_eq!(said(Query::parse("f=%20").trimmed("f")), empty);
        assert_eq!(said(Query::parse("").trimmed("f")), "Field name 'f' is missing in GET request");
        assert_eq!(said(Query::parse("f=a%00b").trimmed("f")), field);
    }

    #[test]
    fn half_a_character_is_refused_by_its_place() {
        let refused = |body: &str| Input::new("", body.as_bytes(), Charset::Utf8).body().unwrap_err().to_string();
        let reason = "in JSON input: it holds half of a surrogate pair (such as \\ud83d alone), which is no character; cut texts \
                      between characters";
        let nested = r#"{"userId":"u","userDataInJWT":{"names":["a",{"nick":"\ud83d"}]}}"#;
        assert_eq!(refused(nested), format!("Field name 'userDataInJWT.names.nick' is invalid {reason}"));
        assert_eq!(refused(r#"{"userId":"\ude00"}"#), format!("Field name 'userId' is invalid {reason}"));
        assert_eq!(refused(r#"{"\ud83d":1}"#), format!("The name of a member is invalid {reason}"));
        assert_eq!(refused(r#"{"a\nb":"\ud83d"}"#), format!("Field name 'a?b' is invalid {reason}"));
        let long = refused(&format!(r#"{{"{}":"\ud83d"}}"#, "é".repeat(1_000)));
        assert_eq!(long, format!("Field name '{}…' is invalid {reason}", "é".repeat(128)));
    }

    #[test]
    fn an_explicit_null_is_an_error_and_an_absent_field_is_not() {
        let fields = Fields::of(JsonObject::new().with("n", Json::Null));
        assert_eq!(fields.optional_string("absent"), Ok(None));
        for error in [
            fields.optional_string("n").unwrap_err(),
            fields.optional_boolean("n").unwrap_err(),
            fields.optional_long("n").unwrap_err(),
            fields.optional_json_object("n").unwrap_err(),
            fields.optional_strings("n").unwrap_err(),
        ] {
            assert_eq!(error, BadInput::Field("n".into()));
        }
    }

    #[test]
    fn a_query_keeps_the_first_value_and_knows_empty_from_missing() {
        let query = Query::parse("a=1&a=2&e=&sp=x+y%20%C3%A9&t=TRUE&n=1&k");
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.get("e"), Some(""));
        assert_eq!(query.get("k"), Some(""));
        assert_eq!(query.get("sp"), Some("x y é"));
        assert!(query.flag("t", false) && !query.flag("n", true) && query.flag("absent", true) && !query.flag("e", true));
        let list = |text: &str| Query::parse(text).list("l", ',').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(list("l=a,%20b%20,,+,C"), ["a", "b", "C"]);
        assert_eq!([list(""), list("l="), list("l=,"), list("l=%20")], [const { Vec::<String>::new() }; 4]);
        assert_eq!(query.required("gone").unwrap_err().to_string(), "Field name 'gone' is missing in GET request");
        assert_eq!(query.long("sp").unwrap_err().to_string(), "Field name 'sp' must be a long in the GET request");
        assert_eq!(query.optional_int("sp").unwrap_err().to_string(), "Field name 'sp' must be an int in the GET request");
    }

    #[test]
    fn bodies_are_utf8_unless_a_charset_says_otherwise() {
        assert_eq!(Charset::of_content_type("application/json"), Some(Charset::Utf8));
        assert_eq!(Charset::of_content_type("application/json; charset=\"UTF-8\""), Some(Charset::Utf8));
        assert_eq!(Charset::of_content_type("text/plain;charset=ISO-8859-1"), Some(Charset::Latin1));
        assert_eq!(Charset::of_content_type("text/plain;charset=ebcdic"), None);
        let latin = Input::new("", b"{\"a\":\"\xe9\"}", Charset::Latin1).body().unwrap();
        assert_eq!(latin.string("a").unwrap(), "é");
        assert_eq!(Input::new("", b"{\"a\":\"\xe9\"}", Charset::Utf8).body().unwrap_err(), BadInput::NotJson);
    }

    proptest::proptest! {
        #[test]
        fn no_input_makes_the_readers_panic(query in ".{0,80}", body in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
            let input = Input::new(&query, &body, Charset::Utf8);
            let _ = input.query.long("a");
            if let Ok(fields) = input.body() {
                let _ = fields.string("a");
            }
        }
    }
}
