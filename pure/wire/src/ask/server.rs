//! What an SDK asks beside sessions: the versions that a core serves, and whose id an id is (sdk-session.md 2.3, 7.3, appendix A).

use supertokens_domain::json::JsonObject;

use super::{Ask, Members, Question, UnreadableAnswer};
use crate::cdi::server::GetApiVersions;
use crate::cdi::users::GetUserById;
use crate::version::CdiVersion;

/// The only question that is sent without a `cdi-version`. The answer has no status.
impl Ask for GetApiVersions {
    const RECIPE: Option<&'static str> = None;
    type ClientAnswer = ApiVersions;

    fn question(&self) -> Question {
        let domains = [("apiDomain", &self.api_domain), ("websiteDomain", &self.website_domain)];
        Question::of_query(domains.into_iter().filter_map(|(name, domain)| Some((name, domain.clone()?))).collect())
    }

    fn read_answer(answer: JsonObject) -> Result<ApiVersions, UnreadableAnswer> {
        Members::of(answer).strings("versions").map(ApiVersions)
    }
}

/// The versions that a core serves, as it names them. Some may be newer than any that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVersions(pub Vec<String>);

impl ApiVersions {
    /// The newest of our versions that the core serves too; `None`: we have no language in common.
    pub fn newest_of(&self, ours: &[CdiVersion]) -> Option<CdiVersion> {
        ours.iter().copied().filter(|version| self.0.contains(&version.to_string())).max()
    }
}

impl Ask for GetUserById {
    const RECIPE: Option<&'static str> = None;
    type ClientAnswer = UserById;

    fn question(&self) -> Question {
        Question::of_query(vec![("userId", self.user_id.clone())])
    }

    fn read_answer(answer: JsonObject) -> Result<UserById, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(UserById::Found { id: answer.within("user")?.string("id")? }),
            "UNKNOWN_USER_ID_ERROR" => Ok(UserById::Unknown),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

/// Answers [`GetUserById`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserById {
    /// There is such a user.
    Found {
        /// The id of the whole user: that of the primary user, if the id that was asked for is linked to one.
        id: String,
    },
    /// No recipe knows the id. Sessions can be made for it all the same.
    Unknown,
}
