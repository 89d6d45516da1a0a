//! Users that come from elsewhere, many at once: those that wait, and one at once (core-linking.md 3.2). What a user may be is the
//! domain's.

use supertokens_domain::accounts::{AuthRecipe, Group};
use supertokens_domain::bulk_import::{ImportedMethod, ImportedUser, MOST_USERS, NOT_TAKEN};
use supertokens_domain::ids::TenantId;
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::time::Millis;
use supertokens_domain::users::page::PageToken;

use super::user_shape::whole_user;
use crate::input::{BadInput, Input, Query};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// So many are listed, or removed, at most.
const MOST_LISTED: usize = 500;
/// So many are listed if nobody says how many.
const LISTED: i32 = 100;

/// What was wrong with users, as the body of a 400: each by its place among those that were sent.
pub fn not_taken(bad: Vec<(usize, Vec<String>)>) -> String {
    let one = |(index, errors): (usize, Vec<String>)| {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        Json::Object(JsonObject::new().with("index", index).with("errors", errors))
    };
    let users = Json::Array(bad.into_iter().map(one).collect());
    JsonObject::new().with("error", NOT_TAKEN).with("users", users).to_text()
}

/// The same for the only one that was sent.
pub fn one_not_taken(errors: Vec<String>) -> String {
    JsonObject::new().with("errors", errors).to_text()
}

/// POST /bulk-import/users
#[derive(Debug)]
pub struct AddWaitingUsers {
    /// As they were sent; what is no object is none here.
    pub users: Vec<Option<JsonObject>>,
}

impl Operation for AddWaitingUsers {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/bulk-import/users";
    type Answer = UsersWait;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let Some(users) = body.object().get("users").and_then(Json::as_array) else {
            return Err(BadInput::Field("users".to_owned()));
        };
        if users.len() > MOST_USERS {
            let sentence = format!("You can only add {MOST_USERS} users at a time.");
            return Err(BadInput::rule(JsonObject::new().with("error", sentence).to_text()));
        }
        Ok(Self { users: users.iter().map(|user| user.as_object().cloned()).collect() })
    }
}

/// Answers [`AddWaitingUsers`]. Nothing is said of users where none was sent.
#[derive(Debug)]
pub struct UsersWait(pub Vec<ImportedUser>);

impl Answer for UsersWait {
    fn write(self, _: &Rules) -> Body {
        if self.0.is_empty() {
            return Body::Json(status("OK"));
        }
        let methods =
            |user: &ImportedUser| Json::Array(user.methods.iter().map(|method| Json::Object(waiting(method))).collect());
        let user = |user: &ImportedUser| {
            Json::Object(JsonObject::new().with("userId", user.shown_id()).with("loginMethods", methods(user)))
        };
        Body::Json(status("OK").with("users", Json::Array(self.0.iter().map(user).collect())))
    }
}

fn waiting(method: &ImportedMethod) -> JsonObject {
    let (login, recipe) = (&method.login, method.login.recipe());
    let tenants: Vec<&str> = method.tenants.iter().map(TenantId::as_str).collect();
    let common = JsonObject::new().with("recipeId", recipe.as_str()).with("userId", method.id.as_str()).with("tenants", tenants);
    let or_null = |text: Option<&str>| text.map_or(Json::Null, Json::from);
    match recipe {
        AuthRecipe::Passwordless => common.with("email", or_null(login.email())).with("phoneNumber", or_null(login.phone())),
        _ => {
            let account = login.third_party();
            // Quirk: here, and nowhere else, the p of `thirdparty` is small.
            common
                .with_some("email", login.email())
                .with_some("thirdpartyId", account.map(|account| account.id.as_str()))
                .with_some("thirdpartyUserId", account.map(|account| account.user_id.as_str()))
        }
    }
}

fn wanted_status(query: &Query) -> Result<Option<&'static str>, BadInput> {
    const KNOWN: [&str; 3] = ["NEW", "PROCESSING", "FAILED"];
    let Some(asked) = query.get("status") else { return Ok(None) };
    match KNOWN.into_iter().find(|known| *known == asked) {
        Some(known) => Ok(Some(known)),
        None => Err(BadInput::rule("Invalid value for status. Pass one of NEW, PROCESSING, or FAILED!")),
    }
}

/// GET /bulk-import/users
#[derive(Debug)]
pub struct ListWaitingUsers {
    /// `NEW`, `PROCESSING` or `FAILED`; all without it.
    pub status: Option<&'static str>,
    /// So many.
    pub limit: usize,
    /// From this one on. What is no such place is only said when it is certain that there is the app.
    pub from: Option<Result<PageToken, BadInput>>,
}

impl Operation for ListWaitingUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/bulk-import/users";
    type Answer = WaitingUsersListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let limit = input.query.optional_int("limit")?.unwrap_or(LISTED);
        let limit = match usize::try_from(limit) {
            Ok(limit) if limit > MOST_LISTED => return Err(BadInput::rule(format!("Max limit allowed is {MOST_LISTED}"))),
            Ok(limit @ 1..) => limit,
            _ => return Err(BadInput::rule("limit must a positive integer with min value 1")),
        };
        let read = |token: &str| match PageToken::read(token) {
            Ok(token) if !token.user_id.contains('\0') => Ok(token),
            _ => Err(BadInput::rule("invalid pagination token")),
        };
        let status = wanted_status(&input.query)?;
        Ok(Self { status, limit, from: input.query.get("paginationToken").map(read) })
    }
}

/// A user that waits, or was refused.
#[derive(Debug)]
pub struct ShownWaitingUser {
    /// As it waits, without what nobody should see.
    pub raw: JsonObject,
    /// `NEW`, `PROCESSING` or `FAILED`.
    pub status: String,
    /// Which only older Java cores say.
    pub primary_user_id: Option<String>,
    /// Why it was refused.
    pub error: Option<String>,
    /// Since when it waits, in ms.
    pub created_at: Millis,
    /// When its status changed last, in ms.
    pub updated_at: Millis,
}

/// Answers [`ListWaitingUsers`].
#[derive(Debug)]
pub struct WaitingUsersListed {
    /// The last first.
    pub users: Vec<ShownWaitingUser>,
    /// Where the next page begins.
    pub next: Option<PageToken>,
}

impl Answer for WaitingUsersListed {
    fn write(self, _: &Rules) -> Body {
        let user = |user: ShownWaitingUser| {
            let ShownWaitingUser { raw, status, primary_user_id, error, created_at, updated_at } = user;
            let object = raw
                .with("status", status)
                .with_some("primaryUserId", primary_user_id)
                .with_some("errorMessage", error)
                .with("createdAt", created_at)
                .with("updatedAt", updated_at);
            Json::Object(object)
        };
        let users = Json::Array(self.users.into_iter().map(user).collect());
        let next = self.next.map(|next| next.to_text());
        Body::Json(status("OK").with("users", users).with_some("nextPaginationToken", next))
    }
}

/// GET /bulk-import/users/count
#[derive(Debug)]
pub struct CountWaitingUsers {
    /// `NEW`, `PROCESSING` or `FAILED`; all without it.
    pub status: Option<&'static str>,
}

impl Operation for CountWaitingUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/bulk-import/users/count";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { status: wanted_status(&input.query)? })
    }
}

/// POST /bulk-import/users/remove
#[derive(Debug)]
pub struct RemoveWaitingUsers {
    /// Rows, as they were sent.
    pub ids: Vec<String>,
}

impl Operation for RemoveWaitingUsers {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/bulk-import/users/remove";
    type Answer = WaitingUsersRemoved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let ids = body.object().get("ids").and_then(Json::as_array);
        let ids = ids.and_then(|ids| ids.iter().map(Json::as_str).collect::<Option<Vec<_>>>());
        let ids = ids.ok_or_else(|| BadInput::Field("ids".to_owned()))?;
        if ids.len() > MOST_LISTED {
            return Err(BadInput::rule(format!("Field name 'ids' cannot contain more than {MOST_LISTED} elements")));
        }
        if ids.iter().any(|id| id.is_empty()) {
            return Err(BadInput::rule("Field name 'ids' cannot contain an empty string"));
        }
        Ok(Self { ids: ids.into_iter().map(str::to_owned).collect() })
    }
}

/// Answers [`RemoveWaitingUsers`].
#[derive(Debug)]
pub struct WaitingUsersRemoved {
    /// Those that were there, in the order in which they were sent.
    pub deleted: Vec<String>,
    /// The others.
    pub invalid: Vec<String>,
}

impl Answer for WaitingUsersRemoved {
    // Quirk: there is no status.
    fn write(self, _: &Rules) -> Body {
        Body::Json(JsonObject::new().with("deletedIds", self.deleted).with("invalidIds", self.invalid))
    }
}

/// POST /bulk-import/import
#[derive(Debug)]
pub struct ImportUser {
    /// As it was sent.
    pub user: JsonObject,
}

impl Operation for ImportUser {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/bulk-import/import";
    type Answer = UserImported;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user: input.body()?.object().clone() })
    }
}

/// Answers [`ImportUser`].
#[derive(Debug)]
pub struct UserImported(pub Group);

impl Answer for UserImported {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(status("OK").with("user", whole_user(&self.0, rules)))
    }
}
