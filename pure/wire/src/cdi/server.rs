//! The server itself: greeting, versions, statistics, licence (core-server.md 7). Most answers are small enough to be built where they
//! are known, so they are plain bodies.

use crate::input::{BadInput, Input};
use crate::operation::{Body, Operation};
use crate::version::Rules;

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident = $method:literal $path:literal { $($field:ident: $type:ty = $read:expr),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(
                /// As it was sent.
                pub $field: $type,
            )*
        }

        impl Operation for $name {
            const METHOD: &'static str = $method;
            const PATH: &'static str = $path;
            type Answer = Body;

            #[allow(unused_variables, reason = "questions without fields look at nothing")]
            fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
                $(let $field = { let read: fn(&Input<'_>) -> Result<$type, BadInput> = $read; read(input)? };)*
                Ok(Self { $($field),* })
            }
        }
    )+};
}

fn parameter(input: &Input<'_>, name: &str) -> Option<String> {
    // No database keeps U+0000.
    input.query.get(name).filter(|value| !value.contains('\0')).map(str::to_owned)
}

questions! {
    /// GET /hello: is the core there, and its database?
    HelloGet = "GET" "/hello" {}
    /// POST /hello
    HelloPost = "POST" "/hello" {}
    /// PUT /hello
    HelloPut = "PUT" "/hello" {}
    /// DELETE /hello
    HelloDelete = "DELETE" "/hello" {}
    /// GET /apiversion: which versions are served.
    GetApiVersions = "GET" "/apiversion" {
        website_domain: Option<String> = |input| Ok(parameter(input, "websiteDomain")),
        api_domain: Option<String> = |input| Ok(parameter(input, "apiDomain")),
    }
    /// GET /config: where the configuration file is, told only to who knows the process id.
    GetConfig = "GET" "/config" {
        pid: String = |input| input.query.required("pid").map(str::to_owned),
    }
    /// GET /telemetry: the id of this installation. Nothing is ever sent.
    GetTelemetry = "GET" "/telemetry" {}
    /// GET /requests/stats: requests per second of the last day.
    GetRequestStats = "GET" "/requests/stats" {}
    /// GET /ee/featureflag: everything is on.
    GetFeatureFlags = "GET" "/ee/featureflag" {}
    /// GET /ee/license
    GetLicense = "GET" "/ee/license" {}
    /// DELETE /ee/license
    DeleteLicense = "DELETE" "/ee/license" {}
    /// PUT /ee/license: any key is accepted and changes nothing.
    PutLicense = "PUT" "/ee/license" {
        license_key: Option<String> = |input| {
            let body = input.body()?;
            if !body.object().is_empty() && !body.contains("licenseKey") {
                return Err(BadInput::rule("Field name 'licenseKey' is missing in JSON input"));
            }
            body.optional_string("licenseKey")
        },
    }
    /// GET /user/search/tags
    GetSearchTags = "GET" "/user/search/tags" {}
    /// GET /migration/mode
    GetMigrationMode = "GET" "/migration/mode" {}
    /// GET /migration/backfill/progress
    GetBackfillProgress = "GET" "/migration/backfill/progress" {
        verify: bool = |input| Ok(input.query.get("verify") == Some("true")),
    }
}
