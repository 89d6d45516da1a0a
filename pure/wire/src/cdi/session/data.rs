//! The two objects of a session, read and replaced by handle (core-session.md 1.8, 1.9).

use supertokens_domain::ids::SessionHandle;
use supertokens_domain::json::JsonObject;

use super::unauthorised;
use crate::cdi::session::NO_SESSION;
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// Done, or no such session.
#[derive(Clone, PartialEq)]
pub enum DataAnswer {
    /// Only that it was done, or the data that was asked for under the name it has on the wire.
    Ok(Option<(&'static str, JsonObject)>),
    /// No such session, or it has expired.
    Unauthorised,
}

/// Does not show the data.
impl std::fmt::Debug for DataAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ok(None) => "Ok",
            Self::Ok(Some(_)) => "Ok(***)",
            Self::Unauthorised => "Unauthorised",
        })
    }
}

impl Answer for DataAnswer {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(None) => status("OK"),
            Self::Ok(Some((name, data))) => status("OK").with(name, data),
            Self::Unauthorised => unauthorised(NO_SESSION),
        })
    }
}

macro_rules! data_operations {
    ($path:literal, $member:literal, $read:ident, $write:ident) => {
        #[doc = concat!("GET ", $path)]
        #[derive(Debug, Clone, PartialEq)]
        pub struct $read {
            /// Names the session, and with it the tenant.
            pub handle: SessionHandle,
        }

        impl $read {
            /// The name of the data on the wire.
            pub const MEMBER: &'static str = $member;
        }

        impl Operation for $read {
            const METHOD: &'static str = "GET";
            const PATH: &'static str = $path;
            type Answer = DataAnswer;

            fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
                Ok(Self { handle: SessionHandle::presented(input.query.required("sessionHandle")?) })
            }
        }

        #[doc = concat!("PUT ", $path, ": a full replacement, no merge.")]
        #[derive(Clone, PartialEq)]
        pub struct $write {
            /// Names the session, and with it the tenant.
            pub handle: SessionHandle,
            /// The new data.
            pub data: JsonObject,
        }

        /// Does not show the data.
        impl std::fmt::Debug for $write {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($write)).field("handle", &self.handle).finish_non_exhaustive()
            }
        }

        impl Operation for $write {
            const METHOD: &'static str = "PUT";
            const PATH: &'static str = $path;
            type Answer = DataAnswer;

            fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
                let body = input.body()?;
                Ok(Self { handle: SessionHandle::presented(body.string("sessionHandle")?), data: body.json_object($member)? })
            }
        }
    };
}

data_operations!("/recipe/session/data", "userDataInDatabase", GetSessionData, PutSessionData);
data_operations!("/recipe/jwt/data", "userDataInJWT", GetJwtData, PutJwtData);
