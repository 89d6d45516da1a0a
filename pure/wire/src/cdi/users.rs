//! Questions about users that SDKs ask beside sessions (core-server.md 7.5, 7.6, 7.7, 7.9, 7.10).

use crate::input::{BadInput, Input};
use crate::operation::{Body, Operation};
use crate::version::Rules;

const RECIPE_IDS: [&str; 16] = [
    "emailpassword",
    "thirdparty",
    "session",
    "emailverification",
    "jwt",
    "passwordless",
    "usermetadata",
    "userroles",
    "useridmapping",
    "dashboard",
    "totp",
    "multitenancy",
    "accountlinking",
    "mfa",
    "oauth",
    "webauthn",
];

/// `includeRecipeIds`: lower-cased, checked; absent or empty means every recipe.
fn recipe_ids(input: &Input<'_>) -> Result<Vec<String>, BadInput> {
    let given = input.query.list("includeRecipeIds", ',');
    given
        .map(|id| {
            let known = id.to_lowercase();
            if RECIPE_IDS.contains(&known.as_str()) { Ok(known) } else { Err(BadInput::rule(format!("Unknown recipe ID: {id}"))) }
        })
        .collect()
}

/// GET /users
#[derive(Debug)]
pub struct ListUsers {
    /// Only these recipes; empty means all.
    pub recipe_ids: Vec<String>,
    /// At most so many.
    pub limit: i32,
    /// Oldest first.
    pub ascending: bool,
    /// Where the last page ended: time and user id of the first user of the next page.
    pub cursor: Option<(i64, String)>,
    /// Some search tag was given.
    pub is_search: bool,
}

impl Operation for ListUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/users";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let recipe_ids = recipe_ids(input)?;
        let is_search = ["email", "phone", "provider"].iter().any(|tag| input.query.list(tag, ';').next().is_some());
        let ascending = match input.query.get("timeJoinedOrder") {
            None | Some("ASC") => true,
            Some("DESC") => false,
            Some(_) => return Err(BadInput::rule("timeJoinedOrder can be either ASC OR DESC")),
        };
        let limit = input.query.optional_int("limit")?.unwrap_or(100);
        if limit > 500 && !is_search {
            return Err(BadInput::rule("max limit allowed is 500"));
        }
        if limit < 1 {
            return Err(BadInput::rule("limit must a positive integer with min value 1"));
        }
        let cursor = input.query.get("paginationToken").map(parse_cursor).transpose()?;
        Ok(Self { recipe_ids, limit, ascending, cursor, is_search })
    }
}

fn parse_cursor(token: &str) -> Result<(i64, String), BadInput> {
    use base64::Engine as _;
    let bad = || BadInput::rule("invalid pagination token");
    let text =
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(token).map_err(|_| bad())?).map_err(|_| bad())?;
    // No id holds U+0000: PostgreSQL cannot even be asked for it.
    let (user_id, time) = text.split_once(';').filter(|(user_id, _)| !user_id.contains('\0')).ok_or_else(bad)?;
    Ok((time.parse().map_err(|_| bad())?, user_id.to_owned()))
}

/// GET /users/count
#[derive(Debug)]
pub struct CountUsers {
    /// Only these recipes; empty means all.
    pub recipe_ids: Vec<String>,
    /// Of the whole app.
    pub all_tenants: bool,
    /// A cached number will do.
    pub allow_approximate: bool,
}

impl Operation for CountUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/users/count";
    type Answer = Body;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        Ok(Self {
            recipe_ids: recipe_ids(input)?,
            all_tenants: input.query.flag("includeAllTenants", false),
            allow_approximate: rules.approximate_counts && input.query.flag("allowApproximate", false),
        })
    }
}

/// GET /users/count/active
#[derive(Debug)]
pub struct CountActiveUsers {
    /// In ms.
    pub since: i64,
}

impl Operation for CountActiveUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/users/count/active";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let since = input.query.long("since")?;
        if since < 0 { Err(BadInput::rule("'since' query parameter must be >= 0")) } else { Ok(Self { since }) }
    }
}

/// GET /user/id
#[derive(Debug, Clone, PartialEq)]
pub struct GetUserById {
    /// Internal or external.
    pub user_id: String,
}

impl Operation for GetUserById {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/user/id";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: input.query.required("userId")?.to_owned() })
    }
}

/// GET /users/by-accountinfo
#[derive(Debug)]
pub struct UsersByAccountInfo {
    /// Nothing to look for was given.
    pub is_empty: bool,
}

impl Operation for UsersByAccountInfo {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/users/by-accountinfo";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let union = input.query.required("doUnionOfAccountInfo")?;
        if union != "true" && union != "false" {
            return Err(BadInput::rule("'doUnionOfAccountInfo' should be either 'true' or 'false'"));
        }
        let has = |name: &str| input.query.get(name).is_some();
        if has("thirdPartyId") != has("thirdPartyUserId") {
            return Err(BadInput::rule(
                "If 'thirdPartyId' is provided, 'thirdPartyUserId' must also be provided, and vice versa",
            ));
        }
        Ok(Self { is_empty: !["email", "phoneNumber", "thirdPartyId", "webauthnCredentialId"].iter().any(|name| has(name)) })
    }
}
