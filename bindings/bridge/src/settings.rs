//! The settings' JSON, as the packages write it, and the engine's builder.

use serde_json::{Map, Value};
use supertokens::jwt::JwtRecipe;
use supertokens::session::{AntiCsrfMode, SameSite, SessionRecipe};
use supertokens::{AppInfo, Builder, Core, SuperTokens};

use crate::failure::{self, Failure};
use crate::overrides;
use crate::request::{chosen_name, chosen_origin, chosen_transfer};

/// What a host has set.
pub(crate) struct Settings(Map<String, Value>);

fn wrong(name: &str, what: &str) -> Failure {
    Failure { code: "SETTINGS", message: format!("{name} {what}"), data: serde_json::json!({ "setting": name }) }
}

/// One object of the settings, whose members are taken one by one; what is left over has a name that nobody knows.
struct Part {
    of: &'static str,
    left: Map<String, Value>,
}

impl Part {
    fn of(of: &'static str, value: Option<&Value>) -> Result<Option<Self>, Failure> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(left)) => Ok(Some(Self { of, left: left.clone() })),
            Some(_) => Err(wrong(of, "must be an object")),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.of)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(&self.name(name), "must be a text")),
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(wrong(&self.name(name), "must be true or false")),
        }
    }

    fn number<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => {
                let number = value.as_u64().and_then(|number| T::try_from(number).ok());
                number
                    .map(Some)
                    .ok_or_else(|| wrong(&self.name(name), "must be a whole number that is not below 0, and not too large"))
            }
        }
    }

    fn texts(&mut self, name: &str) -> Result<Vec<String>, Failure> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let texts = value.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| wrong(&self.name(name), "must be a list of texts"))
    }

    fn end(self) -> Result<(), Failure> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(wrong(&format!("{}.{name}", self.of), "is no setting: look for a slip in its name")),
        }
    }
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        match failure::parsed(text)? {
            Value::Object(settings) => Ok(Self(settings)),
            _ => Err(wrong("the settings", "must be an object")),
        }
    }

    /// Whether lines of the log below warnings are wanted.
    pub(crate) fn shows_everything(&self) -> bool {
        self.0.get("debug") == Some(&Value::Bool(true))
    }

    /// Whether the host stands in front of this function.
    pub(crate) fn overrides(&self, name: &str) -> bool {
        self.0.get("overrides").and_then(Value::as_array).is_some_and(|list| list.iter().any(|of| of == name))
    }

    /// The engine's builder. Made twice: to check the settings, and to open.
    pub(crate) fn builder(&self) -> Result<Builder, Failure> {
        let app = Part::of("appInfo", self.0.get("appInfo"))?.ok_or_else(|| wrong("appInfo", "is missing"))?;
        let mut builder = SuperTokens::builder(app_info(app)?);
        if let Some(core) = Part::of("supertokens", self.0.get("core"))? {
            builder = builder.core(self.core(core)?);
        }
        if let Some(session) = Part::of("Session.init", self.0.get("session"))? {
            builder = builder.recipe(session_recipe(session)?);
        }
        // It is always there, whether it is listed or not: a list of OpenId alone is a list.
        let mut recipe = JwtRecipe::new();
        if let Some(mut jwt) = Part::of("JWT.init", self.0.get("jwt"))? {
            if let Some(seconds) = jwt.number::<i64>("jwtValiditySeconds")? {
                recipe = recipe.validity_seconds(seconds);
            }
            jwt.end()?;
        }
        builder = builder.recipe(recipe);
        for name in self.0.get("overrides").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !overrides::NAMES.contains(&name) {
                return Err(wrong(name, "is no function that can be overridden"));
            }
        }
        builder = overrides::install(builder, |name| self.overrides(name));
        for name in self.0.get("disabled").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            builder = match name {
                "refreshPOST" => builder.disable::<supertokens::session::RefreshPost>(),
                "signOutPOST" => builder.disable::<supertokens::session::SignOutPost>(),
                "getJWKSGET" => builder.disable::<supertokens::jwt::GetJwksGet>(),
                "getOpenIdDiscoveryConfigurationGET" => {
                    builder.disable::<supertokens::openid::GetOpenIdDiscoveryConfigurationGet>()
                }
                _ => return Err(wrong(name, "is no endpoint that can be switched off")),
            };
        }
        Ok(builder)
    }

    fn core(&self, mut part: Part) -> Result<Core, Failure> {
        let (uri, embedded) = (part.text("connectionURI")?, Part::of("embedded", part.take("embedded").as_ref())?);
        let key = part.text("apiKey")?;
        let mut core = match (uri, embedded) {
            (Some(_), Some(_)) => return Err(wrong("supertokens", "has connectionURI and embedded: keep one of the two")),
            (None, None) => return Err(wrong("supertokens", "needs connectionURI, or embedded for a core in this process")),
            (Some(uri), None) => Core::remote(uri),
            (None, Some(embedded)) => embedded_core(embedded)?,
        };
        if let Some(key) = key {
            core = core.api_key(key);
        }
        if part.flag("disableCoreCallCache")? == Some(true) {
            core = core.without_call_cache();
        }
        if part.flag("networkInterceptor")? == Some(true) {
            core = core.with_interceptor(|call, _| overrides::intercept(call));
        }
        part.end()?;
        Ok(core)
    }
}

fn embedded_core(mut part: Part) -> Result<Core, Failure> {
    let database =
        part.text("database")?.ok_or_else(|| wrong("embedded.database", "is missing: write sqlite:PATH or postgresql://…"))?;
    let mut core = Core::embedded_of_process(database);
    match part.take("settings") {
        None => {}
        Some(Value::Object(settings)) => {
            for (name, value) in settings {
                core = match value {
                    Value::Bool(flag) => core.setting(&name, flag),
                    Value::String(text) => core.setting(&name, text),
                    // As it is written: the core says whether such a number will do.
                    Value::Number(number) => match number.as_i64() {
                        Some(whole) => core.setting(&name, whole),
                        None => core.setting(&name, number.to_string()),
                    },
                    _ => return Err(wrong(&format!("embedded.settings.{name}"), "must be a text, a number, true or false")),
                };
            }
        }
        Some(_) => return Err(wrong("embedded.settings", "must be an object")),
    }
    if let Some(app) = part.text("appId")? {
        core = core.app_id(app);
    }
    part.end()?;
    Ok(core)
}

fn app_info(mut part: Part) -> Result<AppInfo, Failure> {
    let mut app = match part.text("appName")? {
        Some(name) => AppInfo::new(name),
        None => AppInfo::default(),
    };
    if let Some(domain) = part.text("apiDomain")? {
        app = app.api_domain(domain);
    }
    if let Some(domain) = part.text("websiteDomain")? {
        app = app.website_domain(domain);
    }
    if let Some(origin) = part.text("origin")? {
        app = app.origin(origin);
    }
    if part.flag("originIsAFunction")? == Some(true) {
        app = app.origin_of(|_, _| chosen_origin());
    }
    if let Some(path) = part.text("apiBasePath")? {
        app = app.api_base_path(path);
    }
    if let Some(path) = part.text("websiteBasePath")? {
        app = app.website_base_path(path);
    }
    if let Some(path) = part.text("apiGatewayPath")? {
        app = app.api_gateway_path(path);
    }
    part.end()?;
    Ok(app)
}

fn session_recipe(mut part: Part) -> Result<SessionRecipe, Failure> {
    let mut recipe = SessionRecipe::new();
    if let Some(secure) = part.flag("cookieSecure")? {
        recipe = recipe.cookie_secure(secure);
    }
    if let Some(text) = part.text("cookieSameSite")? {
        recipe = recipe.cookie_same_site(match text.to_ascii_lowercase().as_str() {
            "strict" => SameSite::Strict,
            "lax" => SameSite::Lax,
            "none" => SameSite::None,
            _ => return Err(wrong("cookieSameSite", "must be one of \"strict\", \"lax\", or \"none\"")),
        });
    }
    if let Some(domain) = part.text("cookieDomain")? {
        recipe = recipe.cookie_domain(domain);
    }
    if let Some(domain) = part.text("olderCookieDomain")? {
        recipe = recipe.older_cookie_domain(domain);
    }
    if let Some(path) = part.text("accessTokenPath")? {
        recipe = recipe.access_token_path(path);
    }
    if let Some(status) = part.number::<u16>("sessionExpiredStatusCode")? {
        recipe = recipe.session_expired_status_code(status);
    }
    if let Some(status) = part.number::<u16>("invalidClaimStatusCode")? {
        recipe = recipe.invalid_claim_status_code(status);
    }
    if let Some(mode) = part.text("antiCsrf")? {
        recipe = recipe.anti_csrf(match mode.as_str() {
            "VIA_TOKEN" => AntiCsrfMode::ViaToken,
            "VIA_CUSTOM_HEADER" => AntiCsrfMode::ViaCustomHeader,
            "NONE" => AntiCsrfMode::None,
            _ => return Err(wrong("antiCsrf", "must be one of \"NONE\", \"VIA_CUSTOM_HEADER\" or \"VIA_TOKEN\"")),
        });
    }
    if let Some(expose) = part.flag("exposeAccessTokenToFrontendInCookieBasedAuth")? {
        recipe = recipe.expose_access_token_to_frontend_in_cookie_based_auth(expose);
    }
    if let Some(dynamic) = part.flag("useDynamicAccessTokenSigningKey")? {
        recipe = recipe.use_dynamic_access_token_signing_key(dynamic);
    }
    if let Some(seconds) = part.number::<u64>("jwksRefreshIntervalSec")? {
        recipe = recipe.jwks_refresh_interval_sec(seconds);
    }
    if let Some(tokens) = part.number::<usize>("verifiedTokensKept")? {
        recipe = recipe.verified_tokens_kept(tokens);
    }
    let of_host = part.texts("errorHandlers")?;
    recipe = recipe.error_handlers(overrides::handlers(|name| of_host.iter().any(|of| of == name)));
    recipe = chosen_by_host(recipe, &mut part)?;
    part.end()?;
    Ok(recipe)
}

/// Functions that the engine calls in the middle of its rules: the host has answered them beforehand.
fn chosen_by_host(mut recipe: SessionRecipe, part: &mut Part) -> Result<SessionRecipe, Failure> {
    if part.flag("choosesTransfer")? == Some(true) {
        recipe = recipe.token_transfer_method(|_, purpose, _| chosen_transfer(purpose));
    }
    if part.flag("choosesCookieNames")? == Some(true) {
        recipe = recipe.cookie_name(|_, token, _| chosen_name("cookies", token).unwrap_or_default());
    }
    if part.flag("choosesHeaderNames")? == Some(true) {
        recipe = recipe.response_header_name(|_, token, _| chosen_name("headers", token).unwrap_or_default());
    }
    Ok(recipe)
}
