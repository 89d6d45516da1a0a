//! Asking the host from inside the engine, and waiting for what it says.

use serde_json::Value;
use supertokens::Error;

use crate::failure::{Failure, to_error};
use crate::{Held, call};

/// What the host has answered.
pub(crate) struct Answered {
    name: &'static str,
    pub(crate) value: Value,
    pub(crate) session: Option<Held>,
}

/// Asks the host of the call that is running.
pub(crate) async fn ask(name: &'static str, input: Value, session: Option<Held>) -> Result<Answered, Error> {
    let cell = call::current().ok_or_else(|| Error::Settings(format!("{name} was asked for outside of any call")))?;
    let told = cell.put(name, input, session);
    match told.await {
        Ok(Ok((value, session))) => Ok(Answered { name, value, session }),
        Ok(Err(failure)) => Err(to_error(failure)),
        Err(_) => Err(to_error(Failure::new("SETTINGS", format!("{name} was not answered")))),
    }
}

impl Answered {
    /// Says what should have come.
    pub(crate) fn wrong(&self, expected: &str) -> Error {
        Error::Settings(format!("{} of the application must give {expected}, and gave something else", self.name))
    }

    pub(crate) fn the_session(mut self) -> Result<Held, Error> {
        self.session.take().ok_or_else(|| self.wrong("a session of this SDK"))
    }

    pub(crate) fn the_bool(&self) -> Result<bool, Error> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    pub(crate) fn the_texts(&self) -> Result<Vec<String>, Error> {
        let texts = self.value.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| self.wrong("a list of texts"))
    }
}
