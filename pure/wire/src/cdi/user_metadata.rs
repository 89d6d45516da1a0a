//! What an application keeps about its users, as an object for each (core-recipes-1.md 3). An id is any text, used as it was sent.

use supertokens_domain::json::{Json, JsonObject};

use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, ok};
use crate::version::Rules;

/// The longest user id that the table keeps, in characters.
const LONGEST_ID: usize = 128;

/// GET /recipe/user/metadata
#[derive(Debug)]
pub struct GetUserMetadata {
    /// As it was sent.
    pub user_id: String,
}

impl Operation for GetUserMetadata {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/user/metadata";
    type Answer = UserMetadata;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: input.query.required("userId")?.to_owned() })
    }
}

/// Answers [`GetUserMetadata`] and [`PutUserMetadata`].
#[derive(Debug)]
pub struct UserMetadata(pub JsonObject);

impl Answer for UserMetadata {
    fn write(self, _: &Rules) -> Body {
        ok(JsonObject::new().with("metadata", self.0))
    }
}

/// PUT /recipe/user/metadata
#[derive(Debug)]
pub struct PutUserMetadata {
    /// As it was sent.
    pub user_id: String,
    /// What is to be merged into what is there.
    pub update: JsonObject,
}

impl Operation for PutUserMetadata {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/user/metadata";
    type Answer = UserMetadata;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { user_id: body.fitting("userId", LONGEST_ID)?, update: body.json_object("metadataUpdate")? })
    }
}

/// POST /recipe/user/metadata/remove
#[derive(Debug)]
pub struct RemoveUserMetadata {
    /// As it was sent.
    pub user_id: String,
}

impl Operation for RemoveUserMetadata {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/metadata/remove";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: input.body()?.string("userId")? })
    }
}

/// POST /recipe/user/metadata/bulk
#[derive(Debug)]
pub struct GetUserMetadataBulk {
    /// As they were sent, repeated ones included.
    pub user_ids: Vec<String>,
}

impl Operation for GetUserMetadataBulk {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/metadata/bulk";
    type Answer = UserMetadataBulk;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_ids: input.body()?.queried_user_ids()? })
    }
}

/// Answers [`GetUserMetadataBulk`]: ids and their objects, where there is one.
#[derive(Debug)]
pub struct UserMetadataBulk(pub Vec<(String, Option<JsonObject>)>);

impl Answer for UserMetadataBulk {
    fn write(self, _: &Rules) -> Body {
        let user = |(id, metadata): (String, Option<JsonObject>)| {
            Json::Object(JsonObject::new().with("userId", id).with("metadata", metadata.map_or(Json::Null, Json::Object)))
        };
        let users = self.0.into_iter().map(user).collect();
        Body::Json(crate::operation::status("OK").with("users", Json::Array(users)))
    }
}
