//! What do the two public endpoints say that other services read: where everything is, and how long the keys may be kept
//! (sdk-session.md 3.6)?

use serde_json::{Value, json};

use crate::app_info::AppInfo;

/// For how many seconds keys may be kept if the core does not say.
pub const DEFAULT_MAX_AGE: u64 = 60;

/// The OpenID discovery document.
pub fn openid_configuration(app: &AppInfo) -> Value {
    let issuer = app.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    json!({
        "issuer": issuer,
        "jwks_uri": at("/jwt/jwks.json"),
        "authorization_endpoint": at("/oauth/auth"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "revocation_endpoint": at("/oauth/revoke"),
        "token_introspection_endpoint": at("/oauth/introspect"),
        "end_session_endpoint": at("/oauth/end_session"),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "id_token token"],
    })
}

/// For how many seconds the core's keys may be kept, from its `Cache-Control`; [`DEFAULT_MAX_AGE`] if that does not say.
pub fn max_age(cache_control: Option<&str>) -> u64 {
    let directives = cache_control.unwrap_or_default().split(',');
    let ages = directives.filter_map(|directive| directive.split_once('='));
    let mut ages = ages.filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"));
    ages.find_map(|(_, age)| age.trim().trim_matches('"').parse().ok()).unwrap_or(DEFAULT_MAX_AGE)
}

/// The `Cache-Control` of the keys' endpoint.
pub fn cache_control(max_age: u64) -> String {
    format!("max-age={max_age}, must-revalidate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_info::AppInfoInput;

    #[test]
    fn the_document_names_the_base_path_with_the_gateways_prefix() {
        let text = |text: &str| Some(text.to_owned());
        let input = AppInfoInput {
            app_name: text("Shop"),
            api_domain: text("https://api.example.com"),
            website_domain: text("example.com"),
            api_base_path: text("/custom"),
            api_gateway_path: text("/gw"),
            ..Default::default()
        };
        let document = openid_configuration(&input.normalise().expect("good"));
        let expected = json!({
            "issuer": "https://api.example.com/gw/custom",
            "jwks_uri": "https://api.example.com/gw/custom/jwt/jwks.json",
            "authorization_endpoint": "https://api.example.com/gw/custom/oauth/auth",
            "token_endpoint": "https://api.example.com/gw/custom/oauth/token",
            "userinfo_endpoint": "https://api.example.com/gw/custom/oauth/userinfo",
            "revocation_endpoint": "https://api.example.com/gw/custom/oauth/revoke",
            "token_introspection_endpoint": "https://api.example.com/gw/custom/oauth/introspect",
            "end_session_endpoint": "https://api.example.com/gw/custom/oauth/end_session",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "id_token token"],
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn how_long_keys_may_be_kept() {
        let rows = [
            (Some("max-age=3600, must-revalidate"), 3600),
            (Some("public, Max-Age = 5"), 5),
            (Some("max-age=\"7\""), 7),
            (Some("max-age=0"), 0),
            (Some("s-maxage=9, no-store"), 60),
            (Some("max-age=-1"), 60),
            (Some("max-age=99999999999999999999"), 60),
            (Some("max-age=soon"), 60),
            (Some(""), 60),
            (None, 60),
        ];
        for (header, expected) in rows {
            assert_eq!(max_age(header), expected, "{header:?}");
        }
        assert_eq!(cache_control(60), "max-age=60, must-revalidate");
    }
}
