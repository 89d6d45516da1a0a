//! Roles, what they permit, and who has them (core-recipes-1.md 4). Names are trimmed; an id is any text, used as it was sent.

use std::collections::BTreeSet;

use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::users::email::trimmed;

use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, ok, status};
use crate::version::Rules;

/// The longest name of a role or a permission that the tables keep, in characters.
const LONGEST_NAME: usize = 255;
/// The longest user id that the table keeps, in characters.
const LONGEST_ID: usize = 128;

/// The names in `permissions`, each once, in the order of their bytes; absent, if there is no such member.
fn permissions(body: &Fields, most: usize) -> Result<Option<Vec<String>>, BadInput> {
    const NAME: &str = "permissions";
    let wrong = || BadInput::Field(NAME.to_owned());
    let Some(given) = body.object().get(NAME) else { return Ok(None) };
    let mut names = BTreeSet::new();
    for name in given.as_array().ok_or_else(wrong)? {
        let name = trimmed(name.as_str().ok_or_else(wrong)?);
        if name.is_empty() {
            return Err(BadInput::rule(format!("Field name '{NAME}' cannot contain an empty string")));
        }
        if name.contains('\0') || name.chars().nth(most).is_some() {
            return Err(wrong());
        }
        names.insert(name.to_owned());
    }
    Ok(Some(names.into_iter().collect()))
}

fn names(list: Vec<String>) -> Json {
    Json::Array(list.into_iter().map(Json::String).collect())
}

fn unknown_role() -> Body {
    Body::Json(status("UNKNOWN_ROLE_ERROR"))
}

/// PUT /recipe/role
#[derive(Debug)]
pub struct PutRole {
    /// Its name.
    pub role: String,
    /// What it shall permit beside what it permits already.
    pub permissions: Vec<String>,
}

impl Operation for PutRole {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/role";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let role = body.trimmed_to_fit("role", LONGEST_NAME)?;
        Ok(Self { role, permissions: permissions(&body, LONGEST_NAME)?.unwrap_or_default() })
    }
}

/// GET /recipe/roles
#[derive(Debug)]
pub struct ListRoles;

impl Operation for ListRoles {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/roles";
    type Answer = RolesListed;

    fn read(_: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self)
    }
}

/// Answers [`ListRoles`], [`RolesOfPermission`] and [`RolesOfUser`].
#[derive(Debug)]
pub struct RolesListed(pub Vec<String>);

impl Answer for RolesListed {
    fn write(self, _: &Rules) -> Body {
        ok(JsonObject::new().with("roles", names(self.0)))
    }
}

/// POST /recipe/role/remove
#[derive(Debug)]
pub struct RemoveRole {
    /// Its name.
    pub role: String,
}

impl Operation for RemoveRole {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/role/remove";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { role: input.body()?.trimmed("role")? })
    }
}

/// GET /recipe/role/permissions
#[derive(Debug)]
pub struct PermissionsOfRole {
    /// Its name.
    pub role: String,
}

impl Operation for PermissionsOfRole {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/role/permissions";
    type Answer = PermissionsListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { role: input.query.trimmed("role")? })
    }
}

/// Answers [`PermissionsOfRole`]; nothing, if there is no such role.
#[derive(Debug)]
pub struct PermissionsListed(pub Option<Vec<String>>);

impl Answer for PermissionsListed {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(unknown_role, |list| ok(JsonObject::new().with("permissions", names(list))))
    }
}

/// POST /recipe/role/permissions/remove
#[derive(Debug)]
pub struct RemovePermissions {
    /// The role's name.
    pub role: String,
    /// What it shall not permit any more; absent means all of it.
    pub permissions: Option<Vec<String>>,
}

impl Operation for RemovePermissions {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/role/permissions/remove";
    type Answer = OfRole<()>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { role: body.trimmed("role")?, permissions: permissions(&body, usize::MAX)? })
    }
}

/// What was done to a role that exists, and what is said of it; nothing, if it does not.
#[derive(Debug)]
pub struct OfRole<T>(pub Option<T>);

impl Answer for OfRole<()> {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(unknown_role, |()| Body::Json(status("OK")))
    }
}

/// GET /recipe/permission/roles
#[derive(Debug)]
pub struct RolesOfPermission {
    /// The permission's name.
    pub permission: String,
}

impl Operation for RolesOfPermission {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/permission/roles";
    type Answer = RolesListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { permission: input.query.trimmed("permission")? })
    }
}

/// PUT /recipe/user/role
#[derive(Debug)]
pub struct AddUserRole {
    /// As it was sent.
    pub user_id: String,
    /// The role's name.
    pub role: String,
}

impl Operation for AddUserRole {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/user/role";
    type Answer = OfRole<Added>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { user_id: body.fitting("userId", LONGEST_ID)?, role: body.trimmed_to_fit("role", LONGEST_NAME)? })
    }
}

/// Answers [`AddUserRole`].
#[derive(Debug, Clone, Copy)]
pub struct Added {
    /// It had the role before.
    pub had_it: bool,
}

impl Answer for OfRole<Added> {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(unknown_role, |added| Body::Json(status("OK").with("didUserAlreadyHaveRole", added.had_it)))
    }
}

/// POST /recipe/user/role/remove
#[derive(Debug)]
pub struct RemoveUserRole {
    /// As it was sent.
    pub user_id: String,
    /// The role's name.
    pub role: String,
}

impl Operation for RemoveUserRole {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/user/role/remove";
    type Answer = OfRole<Taken>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { user_id: body.string("userId")?, role: body.trimmed("role")? })
    }
}

/// Answers [`RemoveUserRole`].
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// It had the role.
    pub had_it: bool,
}

impl Answer for OfRole<Taken> {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(unknown_role, |taken| Body::Json(status("OK").with("didUserHaveRole", taken.had_it)))
    }
}

/// GET /recipe/user/roles
#[derive(Debug)]
pub struct RolesOfUser {
    /// As it was sent.
    pub user_id: String,
}

impl Operation for RolesOfUser {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/user/roles";
    type Answer = RolesListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: input.query.required("userId")?.to_owned() })
    }
}

/// GET /recipe/role/users
#[derive(Debug)]
pub struct UsersOfRole {
    /// The role's name.
    pub role: String,
}

impl Operation for UsersOfRole {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/role/users";
    type Answer = UsersListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { role: input.query.trimmed("role")? })
    }
}

/// Answers [`UsersOfRole`]; nothing, if there is no such role.
#[derive(Debug)]
pub struct UsersListed(pub Option<Vec<String>>);

impl Answer for UsersListed {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(unknown_role, |list| ok(JsonObject::new().with("users", names(list))))
    }
}
