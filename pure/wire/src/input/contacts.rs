//! E-mail addresses and phone numbers, as they are kept: normalised first, then measured (core-users.md 3, core-server.md 8.3).

use supertokens_domain::users::{email, phone};

use super::{BadInput, Fields, Query, fit};

/// The width of the columns that hold addresses and numbers, in characters.
pub(crate) const WIDTH: usize = 256;

impl Fields {
    /// A member that is an object, to read its members in the same way.
    pub fn fields(&self, name: &str) -> Result<Self, BadInput> {
        self.json_object(name).map(Self::of)
    }

    /// An e-mail address that must be there.
    pub fn email(&self, name: &str) -> Result<String, BadInput> {
        fit(name, email::normalised(&self.token(name)?), WIDTH)
    }

    /// An e-mail address that must be there and is only looked for: of any length, but U+0000 is in none.
    pub fn any_email(&self, name: &str) -> Result<String, BadInput> {
        fit(name, email::normalised(&self.token(name)?), usize::MAX)
    }

    /// An e-mail address that may be absent.
    pub fn optional_email(&self, name: &str) -> Result<Option<String>, BadInput> {
        self.optional_token(name)?.map(|text| fit(name, email::normalised(&text), WIDTH)).transpose()
    }

    /// A phone number that may be absent.
    pub fn optional_phone(&self, name: &str) -> Result<Option<String>, BadInput> {
        self.optional_token(name)?.map(|text| fit(name, phone::normalised(&text), WIDTH)).transpose()
    }
}

impl Query {
    /// An e-mail address that must be there. It is only looked for: whatever it is, somebody may have it or not.
    pub fn email(&self, name: &'static str) -> Result<String, BadInput> {
        self.optional_email(name).ok_or(BadInput::MissingParameter(name))
    }

    /// The same where U+0000 is refused.
    pub fn any_email(&self, name: &'static str) -> Result<String, BadInput> {
        fit(name, self.email(name)?, usize::MAX)
    }

    /// An e-mail address that may be absent.
    pub fn optional_email(&self, name: &str) -> Option<String> {
        self.get(name).map(email::normalised)
    }

    /// A phone number that may be absent.
    pub fn optional_phone(&self, name: &str) -> Option<String> {
        self.get(name).map(phone::normalised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supertokens_domain::json::JsonObject;

    #[test]
    fn an_address_is_normalised_before_it_is_measured() {
        let fields = |text: &str| Fields::of(JsonObject::new().with("email", text));
        let longest = "a".repeat(WIDTH);
        assert_eq!(fields(&format!(" \0{} ", longest.to_uppercase())).email("email"), Ok(longest.clone()));
        for text in [format!("{longest}a"), "a\0b".to_owned()] {
            assert_eq!(fields(&text).email("email"), Err(BadInput::Field("email".into())));
            assert_eq!(fields(&text).optional_email("email"), Err(BadInput::Field("email".into())));
        }
        assert_eq!(fields("").optional_phone("phoneNumber"), Ok(None));
        let number = Fields::of(JsonObject::new().with("phoneNumber", " +44 20 7183 8750"));
        assert_eq!(number.optional_phone("phoneNumber"), Ok(Some("+442071838750".into())));
        let query = Query::parse("email=%20A%40B.c&phoneNumber=%2B44%2020%207183%208750");
        assert_eq!(query.email("email"), Ok("a@b.c".into()));
        assert_eq!(query.optional_phone("phoneNumber").as_deref(), Some("+442071838750"));
        assert_eq!(query.email("mail"), Err(BadInput::MissingParameter("mail")));
    }
}
