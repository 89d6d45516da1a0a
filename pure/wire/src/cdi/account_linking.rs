//! Linking accounts (core-linking.md 2.2). The `user` in an answer is the whole one at every version.

use supertokens_domain::accounts::{Conflict, Group, InfoKind};
use supertokens_domain::json::JsonObject;

use super::user_shape::whole_user;
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// GET /recipe/accountlinking/user/primary/check
#[derive(Debug)]
pub struct CanMakePrimary {
    /// Internal or external.
    pub recipe_user_id: String,
}

/// POST /recipe/accountlinking/user/primary
#[derive(Debug, Clone)]
pub struct MakeUserPrimary {
    /// Internal or external.
    pub recipe_user_id: String,
}

/// GET /recipe/accountlinking/user/link/check
#[derive(Debug)]
pub struct CanLink {
    /// Internal or external.
    pub recipe_user_id: String,
    /// Of any member of the group.
    pub primary_user_id: String,
}

/// POST /recipe/accountlinking/user/link
#[derive(Debug, Clone)]
pub struct LinkUsers {
    /// Internal or external.
    pub recipe_user_id: String,
    /// Of any member of the group.
    pub primary_user_id: String,
}

/// POST /recipe/accountlinking/user/unlink
#[derive(Debug, Clone)]
pub struct UnlinkUser {
    /// Internal or external.
    pub recipe_user_id: String,
}

impl Operation for CanMakePrimary {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/accountlinking/user/primary/check";
    type Answer = PrimaryAnswer;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { recipe_user_id: input.query.required("recipeUserId")?.to_owned() })
    }
}

impl Operation for MakeUserPrimary {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/accountlinking/user/primary";
    type Answer = PrimaryAnswer;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { recipe_user_id: input.body()?.string("recipeUserId")? })
    }
}

impl Operation for CanLink {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/accountlinking/user/link/check";
    type Answer = LinkAnswer;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self {
            recipe_user_id: input.query.required("recipeUserId")?.to_owned(),
            primary_user_id: input.query.required("primaryUserId")?.to_owned(),
        })
    }
}

impl Operation for LinkUsers {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/accountlinking/user/link";
    type Answer = LinkAnswer;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { recipe_user_id: body.string("recipeUserId")?, primary_user_id: body.string("primaryUserId")? })
    }
}

impl Operation for UnlinkUser {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/accountlinking/user/unlink";
    type Answer = Unlinked;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { recipe_user_id: input.body()?.string("recipeUserId")? })
    }
}

/// May a user become primary, or has it?
#[derive(Debug, Clone)]
pub enum PrimaryAnswer {
    /// It may, or is.
    Ok {
        /// It is already.
        already: bool,
        /// The user, where it was asked to become primary.
        user: Option<Group>,
    },
    /// It is linked to this user, by the id that is shown.
    Linked(String),
    /// Another user has one of its infos.
    Conflict(Conflict),
}

/// May a user be linked to another, or is it?
#[derive(Debug, Clone)]
pub enum LinkAnswer {
    /// It may, or is.
    Ok {
        /// It was before.
        already: bool,
        /// The user, where they were to be linked.
        user: Option<Group>,
    },
    /// The user to be linked to is not primary.
    NotPrimary,
    /// It is primary itself, or linked to somebody else.
    LinkedElsewhere {
        /// Its user.
        group: Group,
        /// Whether the answer shows it.
        shows_user: bool,
    },
    /// Another user has one of their infos.
    Conflict(Conflict),
}

/// What unlinking came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlinked {
    /// The login method went, because the group has its id.
    pub was_deleted: bool,
    /// It was linked, or primary.
    pub was_linked: bool,
}

impl Answer for PrimaryAnswer {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { already, user } => {
                let user = user.map(|user| whole_user(&user, rules));
                status("OK").with("wasAlreadyAPrimaryUser", already).with_some("user", user)
            }
            Self::Linked(primary) => status("RECIPE_USER_ID_ALREADY_LINKED_WITH_PRIMARY_USER_ID_ERROR")
                .with("primaryUserId", primary)
                .with("description", "This user ID is already linked to another user ID"),
            Self::Conflict(conflict) => of_conflict(conflict),
        })
    }
}

impl Answer for LinkAnswer {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { already, user } => {
                let user = user.map(|user| whole_user(&user, rules));
                status("OK").with("accountsAlreadyLinked", already).with_some("user", user)
            }
            Self::NotPrimary => status("INPUT_USER_IS_NOT_A_PRIMARY_USER"),
            Self::LinkedElsewhere { group, shows_user } => {
                status("RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR")
                    .with("primaryUserId", group.shown_id())
                    .with("description", "The input recipe user ID is already linked to another user ID")
                    .with_some("user", shows_user.then(|| whole_user(&group, rules)))
            }
            Self::Conflict(conflict) => of_conflict(conflict),
        })
    }
}

impl Answer for Unlinked {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("wasRecipeUserDeleted", self.was_deleted).with("wasLinked", self.was_linked))
    }
}

fn of_conflict(conflict: Conflict) -> JsonObject {
    let description = match conflict.kind {
        InfoKind::Email => "This user's email is already associated with another user ID",
        InfoKind::Phone => "This user's phone number is already associated with another user ID",
        InfoKind::ThirdParty => "This user's third party login is already associated with another user ID",
    };
    status("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR")
        .with("primaryUserId", conflict.shown_id)
        .with("description", description)
}
