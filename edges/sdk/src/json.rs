//! Between the two JSONs of the house: that of applications (`serde_json`) and that of the wire, which keeps the order of members and the
//! spelling of numbers.

use serde_json::Value;
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::payload_fits;
use supertokens_web::payload::Payload;

use crate::error::Error;

/// The wire's object as an application reads it.
pub(crate) fn to_payload(object: &JsonObject) -> Result<Payload, Error> {
    // The wire allows numbers that a double cannot hold; they have no counterpart here.
    serde_json::from_str(&object.to_text()).map_err(|_| Error::BrokenToken("a number in the payload is too large"))
}

/// The text of a payload of the wire that an application can read.
pub(crate) fn payload_text(object: &JsonObject) -> Result<Box<str>, Error> {
    to_payload(object).map(|_| object.to_text().into_boxed_str())
}

/// An application's object as it goes over the wire.
pub(crate) fn from_payload(payload: &Payload) -> Result<JsonObject, Error> {
    let text = serde_json::to_string(payload).map_err(Error::application)?;
    JsonObject::parse(&text).map_err(|_| Error::BadInput { message: "the payload is nested too deeply".to_owned() })
}

/// The payload of access tokens as it goes over the wire.
///
/// # Errors
/// [`Error::PayloadTooLarge`], if no access token may be as large as it makes one. Not every core looks before it stores.
pub(crate) fn from_token_payload(payload: &Payload) -> Result<JsonObject, Error> {
    let object = from_payload(payload)?;
    payload_fits(object.to_text().len()).map_err(Error::PayloadTooLarge)?;
    Ok(object)
}

/// An application's value as it goes over the wire: an object, or null for an empty one.
pub(crate) fn from_value(value: Value) -> Result<JsonObject, Error> {
    match value {
        Value::Null => Ok(JsonObject::new()),
        Value::Object(object) => from_payload(&object),
        _ => Err(Error::BadInput { message: "session data must be a JSON object or null".to_owned() }),
    }
}
