//! What these questions and answers show of themselves in logs: no token, and nothing of what users keep in a session.

use std::fmt;

use super::{CreateSession, SessionDetails, SessionObject, SessionTokens, Token};

/// Does not show the user's data.
impl fmt::Debug for SessionObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionObject")
            .field("handle", &self.handle)
            .field("user_id", &self.user_id)
            .field("recipe_user_id", &self.recipe_user_id)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// Does not show the user's data.
impl fmt::Debug for CreateSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateSession")
            .field("user_id", &self.user_id)
            .field("enable_anti_csrf", &self.enable_anti_csrf)
            .field("access_token_validity", &self.access_token_validity)
            .field("use_dynamic_signing_key", &self.use_dynamic_signing_key)
            .finish_non_exhaustive()
    }
}

/// Does not show the user's data.
impl fmt::Debug for SessionDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDetails")
            .field("session", &self.session)
            .field("expiry", &self.expiry)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// Shows no token.
impl fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokens").field("session", &self.session).field("access", &self.access).finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(*** until {})", self.expiry)
    }
}

#[cfg(test)]
mod tests {
    use supertokens_domain::ids::{SessionHandle, TenantId};
    use supertokens_domain::json::JsonObject;

    use super::*;
    use crate::cdi::session::{Created, DataAnswer, PutJwtData, PutSessionData, Refreshed, SessionFound};

    #[test]
    fn neither_tokens_nor_the_users_data_are_printed() {
        const SECRET: &str = "hunter2";
        let data = || JsonObject::new().with("a", SECRET);
        let token = || Token { token: SECRET.into(), expiry: 1, created: 0 };
        let handle = || SessionHandle::presented("the-handle");
        let session = || SessionObject {
            handle: handle(),
            user_id: "u".into(),
            recipe_user_id: "u".into(),
            payload: data(),
            tenant: TenantId::default(),
        };
        let tokens = || SessionTokens {
            session: session(),
            access: token(),
            refresh: token(),
            id_refresh: Some(token()),
            anti_csrf: Some(SECRET.into()),
        };
        let asked = CreateSession {
            user_id: "u".into(),
            enable_anti_csrf: true,
            payload: data(),
            data: data(),
            access_token_validity: None,
            use_dynamic_signing_key: None,
        };
        let details = SessionDetails { session: session(), data: data(), expiry: 1, created: 0 };
        let shown = [
            format!("{asked:?}"),
            format!("{:?}", Created { tokens: tokens(), keys: None }),
            format!("{:?}", Refreshed::<&str>::Ok(Box::new(tokens()))),
            format!("{:?}", SessionFound::Ok(Box::new(details))),
            format!("{:?}", DataAnswer::Ok(Some(("userDataInJWT", data())))),
            format!("{:?}", PutJwtData { handle: handle(), data: data() }),
            format!("{:?}", PutSessionData { handle: handle(), data: data() }),
        ];
        for shown in &shown {
            assert!(!shown.contains(SECRET), "{shown}");
        }
        assert!(shown.iter().filter(|shown| shown.contains("the-handle")).count() >= 4, "{shown:?}");
    }
}
