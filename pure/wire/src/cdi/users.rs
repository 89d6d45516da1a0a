//! Questions about users that SDKs ask beside sessions (core-server.md 7.5, 7.6, 7.7, 7.9, 7.10).

use supertokens_domain::accounts::{AccountInfo, ThirdParty};
use supertokens_domain::users::page::{BadPageToken, PageToken};

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

/// What one login method of a user must have: something of each list that is not empty, each text being the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserSearch {
    /// Of the e-mail address, or of what is behind its `@`.
    pub emails: Vec<String>,
    /// Of the phone number.
    pub phones: Vec<String>,
    /// Of the provider's id.
    pub providers: Vec<String>,
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
    pub cursor: Option<PageToken>,
    /// What is searched for; nothing lists everybody.
    pub search: Option<UserSearch>,
}

impl Operation for ListUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/users";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let recipe_ids = recipe_ids(input)?;
        // Whether there is such a tenant is said before the rest.
        Self::rest(input, recipe_ids).map_err(BadInput::late)
    }
}

impl ListUsers {
    fn rest(input: &Input<'_>, recipe_ids: Vec<String>) -> Result<Self, BadInput> {
        let limit = input.query.optional_int("limit")?.unwrap_or(100);
        let ascending = match input.query.get("timeJoinedOrder") {
            None | Some("ASC") => true,
            Some("DESC") => false,
            Some(_) => return Err(BadInput::rule("timeJoinedOrder can be either ASC OR DESC")),
        };
        let tags = |name: &str| input.query.list(name, ';').map(str::to_lowercase).collect::<Vec<_>>();
        let search = UserSearch { emails: tags("email"), phones: tags("phone"), providers: tags("provider") };
        let search = Some(search).filter(|search| *search != UserSearch::default());
        if limit > 500 && search.is_none() {
            return Err(BadInput::rule("max limit allowed is 500"));
        }
        if limit < 1 {
            return Err(BadInput::rule("limit must a positive integer with min value 1"));
        }
        let cursor = input.query.get("paginationToken").map(parse_cursor).transpose()?;
        Ok(Self { recipe_ids, limit, ascending, cursor, search })
    }
}

fn parse_cursor(token: &str) -> Result<PageToken, BadInput> {
    let token = PageToken::read(token).map_err(|bad| BadInput::rule(bad.to_string()))?;
    // No id holds U+0000: PostgreSQL cannot even be asked for it.
    if token.user_id.contains('\0') { Err(BadInput::rule(BadPageToken.to_string())) } else { Ok(token) }
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
    /// One that is met is enough; otherwise all must be.
    pub any: bool,
    /// What to look for.
    pub infos: Vec<AccountInfo>,
    /// Something was asked for besides that nobody can have.
    pub nobody_has_all: bool,
    /// And a passkey.
    pub credential_id: Option<String>,
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
        let account = input.query.get("thirdPartyId").zip(input.query.get("thirdPartyUserId"));
        // Nobody has what cannot be stored, or could be taken for something else.
        let possible = |info: AccountInfo| if info.value.contains('\0') { None } else { Some(info) };
        let infos: Vec<Option<AccountInfo>> = [
            input.query.optional_email("email").map(|email| possible(AccountInfo::email(email))),
            input.query.optional_phone("phoneNumber").map(|number| possible(AccountInfo::phone(number))),
            account.map(
                |(id, user_id)| {
                    if ThirdParty::may_be_provider(id) { possible(AccountInfo::third_party(id, user_id)) } else { None }
                },
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        let passkey = input.query.get("webauthnCredentialId").map(|id| (!id.contains('\0')).then(|| id.to_owned()));
        let nobody_has_all = infos.iter().any(Option::is_none) || passkey == Some(None);
        let credential_id = passkey.flatten();
        Ok(Self { any: union == "true", infos: infos.into_iter().flatten().collect(), nobody_has_all, credential_id })
    }
}

/// POST /user/remove
#[derive(Debug, Clone)]
pub struct RemoveUser {
    /// Internal or external.
    pub user_id: String,
    /// With all who are linked to it.
    pub with_all_linked: bool,
}

impl Operation for RemoveUser {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/user/remove";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.string("userId")?;
        Ok(Self { user_id, with_all_linked: body.optional_boolean("removeAllLinkedAccounts")?.unwrap_or(true) })
    }
}
