//! A new session: for a request, whose response then carries the tokens, or without one (sdk-session.md 7.3).

use serde_json::Value;
use supertokens_web::anti_csrf;
use supertokens_web::payload::{self, Payload};
use supertokens_web::response_changes::TokenKind;
use supertokens_web::transfer::{self, TransferMethod};
use supertokens_wire::ask::UserById;
use supertokens_wire::cdi::session as wire;
use supertokens_wire::cdi::users::GetUserById;

use super::claims::ClaimSubject;
use super::object::{Held, Session};
use super::recipe::Purpose;
use crate::context::{Scope, UserContext};
use crate::core_client::Place;
use crate::error::Error;
use crate::openid::GetOpenIdDiscoveryConfiguration;
use crate::overriding::Function;
use crate::{SuperTokens, json};

/// What a new session is made of.
#[derive(Clone, Default)]
pub struct NewSession {
    recipe_user_id: String,
    tenant_id: Option<String>,
    payload: Payload,
    data: Value,
    without_anti_csrf: bool,
}

impl NewSession {
    /// A session of this user, who was authenticated by the application. The id is the application's own and need not be known to the
    /// core.
    pub fn of(user_id: impl Into<String>) -> Self {
        Self { recipe_user_id: user_id.into(), ..Self::default() }
    }

    /// In this tenant. `public` if not said.
    #[must_use]
    pub fn tenant(mut self, tenant_id: impl Into<String>) -> Self {
        self.tenant_id = Some(tenant_id.into());
        self
    }

    /// A member of the access token's payload: browsers can read it, and checking a session needs no database for it.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.payload.insert(name.into(), value.into());
        self
    }

    /// The access token's payload. Names that belong to the core are left out.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Data that stays in the database: a JSON object.
    #[must_use]
    pub fn data(mut self, data: impl Into<Value>) -> Self {
        self.data = data.into();
        self
    }

    /// Makes no anti-CSRF token. Only without a request; with one, it follows from how the tokens travel.
    #[must_use]
    pub fn without_anti_csrf(mut self) -> Self {
        self.without_anti_csrf = true;
        self
    }

    fn tenant_id(&self) -> String {
        self.tenant_id.clone().unwrap_or_else(|| "public".to_owned())
    }
}

impl std::fmt::Debug for NewSession {
    /// The application's data is its own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession")
            .field("recipe_user_id", &self.recipe_user_id)
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

/// Asks the core for a new session.
#[derive(Clone)]
pub struct CreateNewSession {
    /// The primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Goes into the access token.
    pub access_token_payload: Payload,
    /// Stays in the database: an object, or null for an empty one.
    pub session_data_in_database: Value,
    /// Make no anti-CSRF token, whatever the mode.
    pub disable_anti_csrf: bool,
    /// The context of the call.
    pub context: UserContext,
}

impl std::fmt::Debug for CreateNewSession {
    /// The application's data is its own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateNewSession")
            .field("recipe_user_id", &self.recipe_user_id)
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

impl Function for CreateNewSession {
    const NAME: &'static str = "createNewSession";
    type Output = Session;

    async fn run(self, engine: &SuperTokens) -> Result<Session, Error> {
        let mode = engine.configured_anti_csrf_mode()?;
        let question = wire::CreateSession {
            user_id: self.recipe_user_id,
            enable_anti_csrf: anti_csrf::gives_a_token(mode, self.disable_anti_csrf),
            payload: json::from_token_payload(&self.access_token_payload)?,
            data: json::from_value(self.session_data_in_database)?,
            access_token_validity: None,
            use_dynamic_signing_key: Some(engine.feature()?.settings.use_dynamic_signing_key),
        };
        let asked = engine.now();
        let created = engine.ask(&question, Place::Tenant(&self.tenant_id), &self.context).await?;
        engine.inner().client.clock.heard(created.tokens.access.created, asked, engine.now());
        Ok(Session::new(engine.clone(), Held::issued(created.tokens)?))
    }
}

impl SuperTokens {
    /// A session without a request: the caller carries the tokens to the client, with
    /// [`Session::all_session_tokens_dangerously`] or, later, [`Session::attach`].
    ///
    /// # Errors
    /// [`Error::Core`], or what an override says.
    pub async fn create_new_session(&self, new: NewSession) -> Result<Session, Error> {
        let disable_anti_csrf = new.without_anti_csrf;
        let call = self.prepare(new, disable_anti_csrf, UserContext::new()).await?;
        self.call(call).await
    }

    /// Who the user is, who issues, and what every new session carries.
    async fn prepare(&self, new: NewSession, disable_anti_csrf: bool, context: UserContext) -> Result<CreateNewSession, Error> {
        let tenant_id = new.tenant_id();
        let asked = GetUserById { user_id: new.recipe_user_id.clone() };
        let user_id = match self.ask(&asked, Place::App, &context).await? {
            UserById::Found { id } => id,
            UserById::Unknown => new.recipe_user_id.clone(),
        };
        let issuer = self.call(GetOpenIdDiscoveryConfiguration { context: context.clone() }).await?.issuer().to_owned();
        let mut payload = new.payload;
        payload.insert("iss".to_owned(), Value::String(issuer));
        payload = payload::without_protected(payload);
        for claim in &self.feature()?.claims {
            let subject = ClaimSubject {
                user_id: user_id.clone(),
                recipe_user_id: new.recipe_user_id.clone(),
                tenant_id: tenant_id.clone(),
                payload: payload.clone(),
                context: context.clone(),
            };
            match claim.fetch_value(subject).await? {
                Some(value) => payload = claim.add_to_payload(payload, value, self.now()),
                None => drop(payload.remove(claim.key())),
            }
        }
        Ok(CreateNewSession {
            user_id,
            recipe_user_id: new.recipe_user_id,
            tenant_id,
            access_token_payload: payload,
            session_data_in_database: new.data,
            disable_anti_csrf,
            context,
        })
    }
}

impl Scope {
    /// A session for whoever sent this request; its response will carry the tokens, as cookies or as headers.
    ///
    /// # Errors
    /// [`Error::Settings`], if no browser would keep the cookies; [`Error::Core`]; or what an override says.
    pub async fn create_new_session(&self, new: NewSession) -> Result<Session, Error> {
        let engine = self.supertokens();
        let feature = engine.feature()?;
        let allowed = feature.allowed(self, Purpose::NewSession);
        let method = transfer::for_new_session(allowed, self.request().header("st-auth-mode").as_deref());
        let disable_anti_csrf = method == TransferMethod::Header;
        let call = engine.prepare(new, disable_anti_csrf, self.context().clone()).await?;
        if method == TransferMethod::Cookie {
            let website = engine.website_domain(self.context())?;
            if let Some(problem) = feature.settings.insecure_cookie_combination(engine.app_info(), &website) {
                return Err(Error::Settings(problem.to_string()));
            }
        }
        self.look_for(method)?;
        let session = engine.call(call).await?;
        let carries_other = match method.other() {
            TransferMethod::Header => self.bearer().is_some(),
            TransferMethod::Cookie => self.cookie(&feature.cookie_name(self, TokenKind::Access)).is_some(),
        };
        if carries_other {
            let look = self.look_for(method.other())?;
            self.change(|changes| changes.clear(method.other(), look.of()));
        }
        session.attach(self, method)?;
        Ok(session)
    }
}
