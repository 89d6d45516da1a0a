//! Which application is this, and where are its API and its website? The settings of `appInfo`, checked in the order in which the
//! official SDKs check them (sdk-session.md 1.1, 1.3, 1.7).
//!
//! The website's address is normalised at each use and not at the start, because an application may find it out for each request.

use crate::address::{AddressError, BasePath, Domain, Site};

/// What the application says about itself, as given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppInfoInput {
    /// The application's name.
    pub app_name: Option<String>,
    /// Where the API is.
    pub api_domain: Option<String>,
    /// Where the website is.
    pub website_domain: Option<String>,
    /// Whether a function finds the website out for each request.
    pub has_origin_function: bool,
    /// Where the website is; wins over `website_domain`.
    pub origin: Option<String>,
    /// Below which path of the API the SDK's endpoints are; `/auth` if not said.
    pub api_base_path: Option<String>,
    /// Below which path of the website the login pages are; `/auth` if not said.
    pub website_base_path: Option<String>,
    /// A prefix that browsers see and the application does not; none if not said.
    pub api_gateway_path: Option<String>,
}

/// An application whose settings were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppInfo {
    /// The application's name, as given.
    pub app_name: String,
    /// Where the API is.
    pub api_domain: Domain,
    /// The site of the API.
    pub api_site: Site,
    /// Below which path the SDK's endpoints are, as browsers see it: the gateway's prefix is in front.
    pub api_base_path: BasePath,
    /// Below which path of the website the login pages are.
    pub website_base_path: BasePath,
    /// The prefix that browsers see and the application does not.
    pub api_gateway_path: BasePath,
    /// Where the website is, as given: `origin` before `websiteDomain`; none if only a function knows. See [`AppInfo::origin`].
    pub website_domain: Option<String>,
}

/// What is wrong with `appInfo`. Each names the field and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppInfoError {
    /// Nothing was given at all.
    #[error("appInfo is missing: give at least appName, apiDomain and websiteDomain")]
    Missing,
    /// No `apiDomain`.
    #[error("apiDomain is missing in appInfo: say where browsers reach this API, like https://api.example.com")]
    MissingApiDomain,
    /// No `appName`.
    #[error("appName is missing in appInfo: give the name that your users know")]
    MissingAppName,
    /// Neither `origin` nor `websiteDomain`.
    #[error("origin or websiteDomain is missing in appInfo: say with one of them where the website is, like https://example.com")]
    MissingOrigin,
    /// A field holds something that is no address.
    #[error("{field} in appInfo: {source}")]
    Address {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: AddressError,
    },
}

/// The base path of the API and of the website if none is given.
const DEFAULT_BASE_PATH: &str = "/auth";

impl AppInfoInput {
    /// Checks everything but the website's address, of which only the presence is checked.
    pub fn normalise(self) -> Result<AppInfo, AppInfoError> {
        if self == Self::default() {
            return Err(AppInfoError::Missing);
        }
        let api_domain = self.api_domain.ok_or(AppInfoError::MissingApiDomain)?;
        let app_name = self.app_name.ok_or(AppInfoError::MissingAppName)?;
        // A blank one is a variable that nobody has set. Without this it would be found at the first login.
        let website_domain = self.origin.or(self.website_domain).filter(|website| !website.trim().is_empty());
        if website_domain.is_none() && !self.has_origin_function {
            return Err(AppInfoError::MissingOrigin);
        }
        let at = |field| move |source| AppInfoError::Address { field, source };
        let api_domain = Domain::parse(&api_domain).map_err(at("apiDomain"))?;
        let api_site = api_domain.site().map_err(at("apiDomain"))?;
        let path =
            |given: Option<String>, default, field| BasePath::parse(given.as_deref().unwrap_or(default)).map_err(at(field));
        let api_gateway_path = path(self.api_gateway_path, "", "apiGatewayPath")?;
        let api_base_path = api_gateway_path.append(&path(self.api_base_path, DEFAULT_BASE_PATH, "apiBasePath")?);
        let website_base_path = path(self.website_base_path, DEFAULT_BASE_PATH, "websiteBasePath")?;
        Ok(AppInfo { app_name, api_domain, api_site, api_base_path, website_base_path, api_gateway_path, website_domain })
    }
}

impl AppInfo {
    /// The endpoint that refreshes sessions, as browsers see it; also the path of the refresh token's cookie.
    pub fn refresh_path(&self) -> String {
        format!("{}/session/refresh", self.api_base_path)
    }

    /// Who issues the tokens: the `iss` of access tokens and the issuer of the discovery document.
    pub fn issuer(&self) -> String {
        format!("{}{}", self.api_domain, self.api_base_path)
    }

    /// Where the website is for one request. `found` is what the application's function answered for it, and wins.
    /// Fails if that, or the setting, is no domain; a bad setting is found out only here.
    pub fn origin(&self, found: Option<&str>) -> Result<Domain, AppInfoError> {
        let given = found.or(self.website_domain.as_deref()).ok_or(AppInfoError::MissingOrigin)?;
        let field = if found.is_some() { "origin" } else { "origin or websiteDomain" };
        Domain::parse(given).map_err(|source| AppInfoError::Address { field, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> AppInfoInput {
        AppInfoInput {
            app_name: Some("Shop".to_owned()),
            api_domain: Some("api.example.com".to_owned()),
            website_domain: Some("example.com".to_owned()),
            ..AppInfoInput::default()
        }
    }

    fn refused(input: AppInfoInput) -> AppInfoError {
        input.normalise().expect_err("refused")
    }

    #[test]
    fn what_is_missing_is_named_and_in_this_order() {
        let name_only = AppInfoInput { app_name: Some("Shop".to_owned()), ..AppInfoInput::default() };
        let rows = [
            (AppInfoInput::default(), AppInfoError::Missing, "appInfo"),
            (name_only, AppInfoError::MissingApiDomain, "apiDomain"),
            (AppInfoInput { app_name: None, website_domain: None, ..input() }, AppInfoError::MissingAppName, "appName"),
            (
                AppInfoInput { website_domain: Some(" ".to_owned()), ..input() },
                AppInfoError::MissingOrigin,
                "origin or websiteDomain",
            ),
            (AppInfoInput { origin: Some(String::new()), ..input() }, AppInfoError::MissingOrigin, "origin or websiteDomain"),
            // An absent website is found before an apiDomain that is none.
            (
                AppInfoInput { website_domain: None, api_domain: Some("/x".to_owned()), ..input() },
                AppInfoError::MissingOrigin,
                "origin or websiteDomain",
            ),
        ];
        for (input, expected, named) in rows {
            let error = refused(input);
            assert_eq!(error, expected);
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn one_of_three_names_of_the_website_is_enough() {
        let without = AppInfoInput { website_domain: None, ..input() };
        let function = AppInfoInput { has_origin_function: true, ..without.clone() }.normalise().expect("a function is enough");
        assert_eq!(function.website_domain, None);
        let origin = AppInfoInput { origin: Some("https://a.com".to_owned()), ..without }.normalise().expect("origin is enough");
        assert_eq!(origin.website_domain.as_deref(), Some("https://a.com"));
        let both = AppInfoInput { origin: Some("https://a.com".to_owned()), ..input() }.normalise().expect("both");
        assert_eq!(both.website_domain.as_deref(), Some("https://a.com"), "origin wins");
    }

    #[test]
    fn an_api_domain_must_be_a_domain_and_have_a_site() {
        let with = |domain: &str| refused(AppInfoInput { api_domain: Some(domain.to_owned()), ..input() });
        for domain in ["", "/one", "example"] {
            let error = with(domain);
            assert!(
                matches!(error, AppInfoError::Address { field: "apiDomain", source: AddressError::InvalidDomain { .. } }),
                "{error}"
            );
            assert!(error.to_string().contains("apiDomain in appInfo: invalid domain name"), "{error}");
        }
        let error = with("https://com");
        assert_eq!(error, AppInfoError::Address { field: "apiDomain", source: AddressError::NoSite { host: "com".to_owned() } });
    }

    #[test]
    fn a_path_that_is_none_is_named() {
        let bad = || Some("http://".to_owned());
        let rows = [
            (AppInfoInput { api_gateway_path: bad(), ..input() }, "apiGatewayPath"),
            (AppInfoInput { api_base_path: bad(), ..input() }, "apiBasePath"),
            (AppInfoInput { website_base_path: bad(), ..input() }, "websiteBasePath"),
        ];
        for (input, named) in rows {
            let source = AddressError::InvalidPath { input: "http://".to_owned() };
            assert_eq!(refused(input), AppInfoError::Address { field: named, source });
        }
    }

    #[test]
    fn a_bad_website_is_found_when_it_is_needed() {
        let app = AppInfoInput { website_domain: Some("/x".to_owned()), ..input() }.normalise().expect("not looked at yet");
        let error = app.origin(None).expect_err("now it is");
        assert!(error.to_string().contains("websiteDomain"), "{error}");
    }

    #[test]
    fn what_the_function_answers_wins() {
        let app = input().normalise().expect("good");
        assert_eq!(app.origin(Some("https://shop.example.org/x")).expect("a domain").as_str(), "https://shop.example.org");
        assert_eq!(app.origin(None).expect("a domain").as_str(), "https://example.com");
        assert!(app.origin(Some("")).is_err());
        let app = AppInfoInput { website_domain: None, has_origin_function: true, ..input() }.normalise().expect("good");
        assert_eq!(app.origin(None), Err(AppInfoError::MissingOrigin));
    }

    #[test]
    fn base_paths() {
        for (given, expected) in
            [(None, "/auth"), (Some("/"), ""), (Some("custom/a/"), "/custom/a"), (Some("/Auth"), "/Auth"), (Some(""), "")]
        {
            let app = AppInfoInput { api_base_path: given.map(str::to_owned), ..input() }.normalise().expect("good");
            assert_eq!(app.api_base_path.as_str(), expected, "{given:?}");
            assert_eq!(app.website_base_path.as_str(), "/auth");
        }
    }

    #[test]
    fn the_gateways_prefix_stands_in_front() {
        let paths = |gateway: Option<&str>| AppInfoInput {
            api_base_path: Some("/custom/a".to_owned()),
            api_gateway_path: gateway.map(str::to_owned),
            ..input()
        };
        let app = paths(Some("/gw")).normalise().expect("good");
        assert_eq!(app.api_base_path.as_str(), "/gw/custom/a");
        assert_eq!(app.api_gateway_path.as_str(), "/gw");
        assert_eq!(app.refresh_path(), "/gw/custom/a/session/refresh");
        assert_eq!(app.issuer(), "https://api.example.com/gw/custom/a");
        assert_eq!(paths(None).normalise().expect("good").refresh_path(), "/custom/a/session/refresh");
        let root = AppInfoInput { api_base_path: Some("/".to_owned()), ..input() }.normalise().expect("good");
        assert_eq!((root.refresh_path().as_str(), root.issuer().as_str()), ("/session/refresh", "https://api.example.com"));
    }
}
