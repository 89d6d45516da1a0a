//! JSON of hosts, in the words of the official SDKs, and the engine's own types.

use serde_json::{Map, Value, json};
use supertokens::Error;
use supertokens::session::{ClaimsValidated, Regenerated, SessionInformation};

use crate::failure::{Failure, claim_failures};

/// Members of an input, each with a type that it must have.
pub(crate) struct Input<'a>(pub(crate) &'a Value);

impl Input<'_> {
    fn wrong(name: &str, expected: &str) -> Failure {
        Failure::new("BAD_INPUT_ERROR", format!("{name} must be {expected}"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, Failure> {
        self.maybe_text(name)?.ok_or_else(|| Self::wrong(name, "a text"))
    }

    pub(crate) fn maybe_text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Self::wrong(name, "a text")),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let list = self.0.get(name).and_then(Value::as_array);
        let texts = list.and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| Self::wrong(name, "a list of texts"))
    }

    pub(crate) fn flag(&self, name: &str, preset: bool) -> Result<bool, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(preset),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Self::wrong(name, "true or false")),
        }
    }

    pub(crate) fn maybe_flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.flag(name, false).map(Some),
        }
    }

    pub(crate) fn maybe_seconds(&self, name: &str) -> Result<Option<i64>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            // A host may write whole numbers as it writes all others.
            Some(Value::Number(number)) => match number.as_i64().or_else(|| whole(number.as_f64())) {
                Some(seconds) => Ok(Some(seconds)),
                None => Err(Self::wrong(name, "a whole number of seconds")),
            },
            Some(_) => Err(Self::wrong(name, "a number of seconds")),
        }
    }

    pub(crate) fn object(&self, name: &str) -> Result<Map<String, Value>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object.clone()),
            Some(_) => Err(Self::wrong(name, "an object")),
        }
    }

    pub(crate) fn value(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

fn whole(number: Option<f64>) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = number.filter(|number| number.fract() == 0.0 && number.abs() < EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and smaller than 2^53")]
    Some(number as i64)
}

pub(crate) fn information(found: &SessionInformation) -> Value {
    json!({
        "sessionHandle": found.session_handle,
        "userId": found.user_id,
        "recipeUserId": found.recipe_user_id,
        "tenantId": found.tenant_id,
        "sessionDataInDatabase": found.session_data_in_database,
        "customClaimsInAccessTokenPayload": found.custom_claims_in_access_token_payload,
        "expiry": found.expiry,
        "timeCreated": found.time_created,
    })
}

/// What an override has answered. `None`: not what it should be.
pub(crate) fn to_information(value: &Value) -> Option<SessionInformation> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let object = |name: &str| value.get(name)?.as_object().cloned();
    let time = |name: &str| value.get(name)?.as_number().and_then(|time| time.as_i64().or_else(|| whole(time.as_f64())));
    Some(SessionInformation {
        session_handle: text("sessionHandle")?,
        user_id: text("userId")?,
        recipe_user_id: text("recipeUserId")?,
        tenant_id: text("tenantId")?,
        session_data_in_database: object("sessionDataInDatabase")?,
        custom_claims_in_access_token_payload: object("customClaimsInAccessTokenPayload")?,
        expiry: time("expiry")?,
        time_created: time("timeCreated")?,
    })
}

pub(crate) fn regenerated(made: &Regenerated) -> Value {
    let access =
        made.access_token().map(|(token, expiry, created)| json!({ "token": token, "expiry": expiry, "createdTime": created }));
    json!({ "userDataInJWT": made.stored_payload, "accessToken": access })
}

pub(crate) fn to_regenerated(value: &Value) -> Option<Result<Regenerated, Error>> {
    let payload = value.get("userDataInJWT")?.as_object()?.clone();
    let access = match value.get("accessToken") {
        None | Some(Value::Null) => None,
        Some(access) => {
            let time = |name: &str| access.get(name)?.as_number().and_then(|time| time.as_i64().or_else(|| whole(time.as_f64())));
            Some((access.get("token")?.as_str()?.to_owned(), time("expiry")?, time("createdTime")?))
        }
    };
    Some(Regenerated::new(payload, access))
}

pub(crate) fn to_claims_validated(value: &Value) -> Option<ClaimsValidated> {
    let list = value.get("invalidClaims")?;
    let all_named = list.as_array()?.iter().all(|failure| failure.get("id").is_some_and(Value::is_string));
    let access_token_payload_update = match value.get("accessTokenPayloadUpdate") {
        None | Some(Value::Null) => None,
        Some(update) => Some(update.as_object()?.clone()),
    };
    all_named.then(|| ClaimsValidated { invalid_claims: claim_failures(list), access_token_payload_update })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_wrong_type_is_refused_by_name() {
        let value = json!({ "userId": 7, "flag": "yes", "list": ["a", 1], "seconds": 1.5, "object": [] });
        let input = Input(&value);
        let messages = [
            input.text("userId").unwrap_err(),
            input.text("absent").unwrap_err(),
            input.flag("flag", true).unwrap_err(),
            input.texts("list").unwrap_err(),
            input.maybe_seconds("seconds").unwrap_err(),
            input.object("object").unwrap_err(),
        ]
        .map(|failure| (failure.code, failure.message.split(' ').next().unwrap_or_default().to_owned()));
        let names = ["userId", "absent", "flag", "list", "seconds", "object"];
        assert_eq!(messages, names.map(|name| ("BAD_INPUT_ERROR", name.to_owned())));
    }

    #[test]
    fn numbers_that_a_host_writes_as_doubles_are_whole_all_the_same() {
        let value = json!({ "a": 3.0, "b": 4, "c": 1e300 });
        let seconds = |name| Input(&value).maybe_seconds(name).ok().flatten();
        assert_eq!(["a", "b", "c", "d"].map(seconds), [Some(3), Some(4), None, None]);
    }

    #[test]
    fn information_goes_there_and_back() {
        let found = SessionInformation {
            session_handle: "h".into(),
            user_id: "u".into(),
            recipe_user_id: "r".into(),
            tenant_id: "public".into(),
            session_data_in_database: Map::from_iter([("a".to_owned(), json!(1))]),
            custom_claims_in_access_token_payload: Map::new(),
            expiry: 1_700_000_000_000,
            time_created: 1,
        };
        assert_eq!(to_information(&information(&found)), Some(found));
        assert_eq!(to_information(&json!({ "sessionHandle": "h" })), None);
    }
}
