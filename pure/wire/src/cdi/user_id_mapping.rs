//! Users under ids of an application's own (core-linking.md 1.3). Ids are trimmed.

use supertokens_domain::accounts::{IdKind, IdMapping};

use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// The longest external id that the table keeps, in characters.
const LONGEST_ID: usize = 128;
const INFO: &str = "externalUserIdInfo";

/// What an id is taken for; absent, for whichever it is.
fn kind(given: Option<&str>) -> Result<IdKind, BadInput> {
    let wrong = "Field name 'userIdType' should be one of 'SUPERTOKENS', 'EXTERNAL' or 'ANY'";
    match given.map(supertokens_domain::users::email::trimmed) {
        Some("SUPERTOKENS") => Ok(IdKind::SuperTokens),
        Some("EXTERNAL") => Ok(IdKind::External),
        None | Some("ANY") => Ok(IdKind::Any),
        Some(_) => Err(BadInput::rule(wrong)),
    }
}

fn kind_of_body(body: &Fields) -> Result<IdKind, BadInput> {
    kind(body.optional_token("userIdType")?.as_deref())
}

/// Null is nothing, as nowhere else.
fn info(body: &Fields) -> Result<Option<String>, BadInput> {
    match body.object().get(INFO) {
        Some(json) if json.is_null() => Ok(None),
        _ => body.trimmed(INFO).map(Some),
    }
}

/// POST /recipe/userid/map
#[derive(Debug)]
pub struct MapUserId {
    /// The user and its new id.
    pub mapping: IdMapping,
    /// Whatever is stored under the one id, and whoever has the other.
    pub force: bool,
    /// What is known of the user's addresses may follow to the new id.
    pub may_move_verification: bool,
}

impl Operation for MapUserId {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/userid/map";
    type Answer = UserIdMapped;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let mapping = IdMapping {
            internal: body.trimmed("superTokensUserId")?,
            external: body.trimmed_to_fit("externalUserId", LONGEST_ID)?,
            info: if body.contains(INFO) { info(&body)? } else { None },
        };
        let force = body.optional_boolean("force")?.unwrap_or_default();
        Ok(Self { mapping, force, may_move_verification: rules.verification_follows_mapping })
    }
}

/// Answers [`MapUserId`].
#[derive(Debug, Clone, Copy)]
pub enum UserIdMapped {
    /// Done.
    Ok,
    /// There is no such user.
    UnknownUser,
    /// One of the ids is mapped.
    Exists {
        /// The user has an external id.
        of_user: bool,
        /// Some user has the external id.
        of_external: bool,
    },
}

impl Answer for UserIdMapped {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok => status("OK"),
            Self::UnknownUser => status("UNKNOWN_SUPERTOKENS_USER_ID_ERROR"),
            Self::Exists { of_user, of_external } => status("USER_ID_MAPPING_ALREADY_EXISTS_ERROR")
                .with("doesSuperTokensUserIdExist", of_user)
                .with("doesExternalUserIdExist", of_external),
        })
    }
}

/// GET /recipe/userid/map
#[derive(Debug)]
pub struct GetUserIdMapping {
    /// Some id of a user.
    pub user_id: String,
    /// What it is taken for.
    pub kind: IdKind,
}

impl Operation for GetUserIdMapping {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/userid/map";
    type Answer = MappingFound;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: input.query.trimmed("userId")?, kind: kind(input.query.get("userIdType"))? })
    }
}

/// Answers [`GetUserIdMapping`].
#[derive(Debug)]
pub struct MappingFound(pub Option<IdMapping>);

fn unknown_mapping() -> Body {
    Body::Json(status("UNKNOWN_MAPPING_ERROR"))
}

impl Answer for MappingFound {
    fn write(self, _: &Rules) -> Body {
        let Some(found) = self.0 else { return unknown_mapping() };
        let ids = status("OK").with("superTokensUserId", found.internal).with("externalUserId", found.external);
        Body::Json(ids.with_some(INFO, found.info))
    }
}

/// POST /recipe/userid/map/remove
#[derive(Debug)]
pub struct RemoveUserIdMapping {
    /// Some id of a user.
    pub user_id: String,
    /// What it is taken for.
    pub kind: IdKind,
    /// Whatever is stored under the external id.
    pub force: bool,
}

impl Operation for RemoveUserIdMapping {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/userid/map/remove";
    type Answer = MappingRemoved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let (user_id, kind) = (body.trimmed("userId")?, kind_of_body(&body)?);
        Ok(Self { user_id, kind, force: body.optional_boolean("force")?.unwrap_or_default() })
    }
}

/// Answers [`RemoveUserIdMapping`].
#[derive(Debug, Clone, Copy)]
pub struct MappingRemoved {
    /// There was one.
    pub did_exist: bool,
}

impl Answer for MappingRemoved {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("didMappingExist", self.did_exist))
    }
}

/// PUT /recipe/userid/external-user-id-info
#[derive(Debug)]
pub struct PutExternalUserIdInfo {
    /// Some id of a user.
    pub user_id: String,
    /// What it is taken for.
    pub kind: IdKind,
    /// Nothing takes away what is there.
    pub info: Option<String>,
}

impl Operation for PutExternalUserIdInfo {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/userid/external-user-id-info";
    type Answer = InfoPut;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { user_id: body.trimmed("userId")?, kind: kind_of_body(&body)?, info: info(&body)? })
    }
}

/// Answers [`PutExternalUserIdInfo`].
#[derive(Debug, Clone, Copy)]
pub struct InfoPut {
    /// There is such a mapping.
    pub found: bool,
}

impl Answer for InfoPut {
    fn write(self, _: &Rules) -> Body {
        if self.found { Body::Json(status("OK")) } else { unknown_mapping() }
    }
}
