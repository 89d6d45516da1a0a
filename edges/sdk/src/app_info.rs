//! What the application says about itself (sdk-session.md 1.1).

use std::sync::Arc;

use supertokens_web::app_info::AppInfoInput;

use crate::context::UserContext;
use crate::request::RequestView;

/// Gives the website's address for a request.
pub(crate) type OriginFunction = Arc<dyn Fn(Option<&RequestView>, &UserContext) -> String + Send + Sync>;

/// The application: its name, and where its API and its website are.
#[derive(Clone, Default)]
pub struct AppInfo {
    pub(crate) input: AppInfoInput,
    pub(crate) origin: Option<OriginFunction>,
}

impl AppInfo {
    /// An application of this name. Its API's and its website's address are needed too.
    pub fn new(app_name: impl Into<String>) -> Self {
        Self { input: AppInfoInput { app_name: Some(app_name.into()), ..AppInfoInput::default() }, origin: None }
    }

    /// Where this API is, as browsers reach it: `https://api.example.com`. Decides whether cookies are `Secure`.
    #[must_use]
    pub fn api_domain(mut self, domain: impl Into<String>) -> Self {
        self.input.api_domain = Some(domain.into());
        self
    }

    /// Where the website is: `https://example.com`. If it is another site than the API's, cookies get `SameSite=None`.
    #[must_use]
    pub fn website_domain(mut self, domain: impl Into<String>) -> Self {
        self.input.website_domain = Some(domain.into());
        self
    }

    /// The website's address; wins over [`website_domain`](Self::website_domain).
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.input.origin = Some(origin.into());
        self
    }

    /// The website's address, found out for each request; for several websites with one API. Wins over both others.
    ///
    /// Where it is used, requests with cookies must carry the header `rid` (the website's library sends it), unless the session recipe
    /// says how cookies or anti-CSRF shall be: what such a function answers for a forged request proves nothing.
    #[must_use]
    pub fn origin_of(mut self, origin: impl Fn(Option<&RequestView>, &UserContext) -> String + Send + Sync + 'static) -> Self {
        self.input.has_origin_function = true;
        self.origin = Some(Arc::new(origin));
        self
    }

    /// Below which path the SDK's own endpoints are. `/auth` if not said.
    #[must_use]
    pub fn api_base_path(mut self, path: impl Into<String>) -> Self {
        self.input.api_base_path = Some(path.into());
        self
    }

    /// Below which path the website's login pages are. `/auth` if not said.
    #[must_use]
    pub fn website_base_path(mut self, path: impl Into<String>) -> Self {
        self.input.website_base_path = Some(path.into());
        self
    }

    /// A prefix that browsers see and the application does not, because a gateway takes it off.
    #[must_use]
    pub fn api_gateway_path(mut self, path: impl Into<String>) -> Self {
        self.input.api_gateway_path = Some(path.into());
        self
    }
}

impl std::fmt::Debug for AppInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppInfo")
            .field("app_name", &self.input.app_name)
            .field("api_domain", &self.input.api_domain)
            .finish_non_exhaustive()
    }
}
