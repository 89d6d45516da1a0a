//! People who look after an app by the dashboard (core-recipes-2.md 3.2). How they sign in is in `dashboard/sign_in.rs`, and how an
//! operator names the first of them in `dashboard/by_hand.rs`.

use supertokens_domain::dashboard::{ID_LENGTH, User, is_over};
use supertokens_domain::secret::Secret;
use supertokens_store::{DashboardWhom, StoreError};
use supertokens_wire::cdi::dashboard::{
    ChangeDashboardUser, CreateDashboardUser, DashboardSessionVerified, DashboardSessions, DashboardUserSaved, DashboardUsers,
    DeleteDashboardUser, ListDashboardSessions, ListDashboardUsers, RevokeDashboardSession, SignInToDashboard,
    VerifyDashboardSession, Whom,
};
use supertokens_wire::operation::{Body, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

mod by_hand;
mod sign_in;

pub use by_hand::Added;
pub(crate) use sign_in::Tries;

/// What this recipe answers.
pub const ROUTES: &[Route] = &[
    Route::of::<CreateDashboardUser>(),
    Route::of::<ChangeDashboardUser>(),
    Route::of::<DeleteDashboardUser>(),
    Route::of::<ListDashboardUsers>(),
    Route::of::<SignInToDashboard>(),
    Route::of::<ListDashboardSessions>(),
    Route::of::<RevokeDashboardSession>(),
    Route::of::<VerifyDashboardSession>(),
];

/// What may be the id of somebody, or of a session.
fn may_be_id(id: &str) -> bool {
    id.chars().count() == ID_LENGTH
}

impl UseCase for CreateDashboardUser {
    // What nobody may be called is said wherever that is.
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<DashboardUserSaved, Error> {
        let (email, password) = match self {
            Self::Asked { email, password } => (email, password),
            Self::Unfit(unfit) => return Ok(DashboardUserSaved::Unfit(unfit)),
        };
        cx.config()?;
        cx.require_public_tenant()?;
        let (app, wanted) = (cx.at().app.clone(), email.clone());
        // It saves the hash; the insert alone decides.
        if cx.db().read(async move |tx| tx.is_dashboard_email(&app, &wanted).await).await? {
            return Ok(DashboardUserSaved::EmailTaken);
        }
        let hash = cx.hash(password).await?;
        let user = User { email, id: cx.uuid(), time_joined: cx.now };
        let (app, made) = (cx.at().app.clone(), user.clone());
        let making = cx.db().single(async move |tx| tx.insert_dashboard_user(&app, &made, &hash).await);
        let is_new = cx.unless_removed(making.await.map_err(Error::from))?;
        Ok(if is_new { DashboardUserSaved::Ok(user) } else { DashboardUserSaved::EmailTaken })
    }
}

impl UseCase for ChangeDashboardUser {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<DashboardUserSaved, Error> {
        let (new_email, new_password, whom) = match self {
            Self::Asked { new_email, new_password, whom } => (new_email, new_password, whom),
            Self::Unfit(unfit) => return Ok(DashboardUserSaved::Unfit(unfit)),
        };
        cx.config()?;
        cx.require_public_tenant()?;
        let whom = whom?;
        let Some(meant) = may_be(&whom) else { return Ok(DashboardUserSaved::Unknown) };
        let hash: Option<Secret<String>> = match new_password {
            Some(password) => Some(cx.hash(password).await?),
            None => None,
        };
        let (app, meant) = (cx.at().app.clone(), meant.clone());
        let changing =
            cx.db().tx(async move |tx| tx.change_dashboard_user(&app, stored(&meant), new_email.as_deref(), hash.as_ref()).await);
        match changing.await {
            Ok(Some(user)) => Ok(DashboardUserSaved::Ok(user)),
            Ok(None) => Ok(DashboardUserSaved::Unknown),
            Err(StoreError::Duplicate(_)) => Ok(DashboardUserSaved::EmailTaken),
            Err(error) => Err(error.into()),
        }
    }
}

/// Nobody, where nobody can be meant.
fn may_be(whom: &Whom) -> Option<&Whom> {
    if let Whom::Id(id) = whom { may_be_id(id).then_some(whom) } else { Some(whom) }
}

fn stored(whom: &Whom) -> DashboardWhom<'_> {
    match whom {
        Whom::Id(id) => DashboardWhom::Id(id),
        Whom::Email(email) => DashboardWhom::Email(email),
    }
}

impl UseCase for DeleteDashboardUser {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let existed = match may_be(&self.0).cloned() {
            Some(whom) => {
                let app = cx.at().app.clone();
                cx.db().single(async move |tx| tx.delete_dashboard_user(&app, stored(&whom)).await).await?
            }
            None => false,
        };
        Ok(Body::Json(status("OK").with("didUserExist", existed)))
    }
}

impl UseCase for ListDashboardUsers {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DashboardUsers, Error> {
        let app = cx.at().app.clone();
        Ok(DashboardUsers(cx.db().read(async move |tx| tx.dashboard_users(&app).await).await?))
    }
}

impl UseCase for ListDashboardSessions {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DashboardSessions, Error> {
        if !may_be_id(&self.user_id) {
            return Ok(DashboardSessions(Vec::new()));
        }
        let (app, now) = (cx.at().app.clone(), cx.now);
        Ok(DashboardSessions(cx.db().read(async move |tx| tx.dashboard_sessions(&app, &self.user_id, now).await).await?))
    }
}

impl UseCase for RevokeDashboardSession {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        if may_be_id(self.session.expose()) {
            let app = cx.at().app.clone();
            cx.db().single(async move |tx| tx.delete_dashboard_session(&app, &self.session).await).await?;
        }
        Ok(Body::Json(status("OK")))
    }
}

impl UseCase for VerifyDashboardSession {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DashboardSessionVerified, Error> {
        if !may_be_id(self.session.expose()) {
            return Ok(DashboardSessionVerified(None));
        }
        let app = cx.at().app.clone();
        let found = cx.db().read(async move |tx| tx.dashboard_session(&app, &self.session).await).await?;
        Ok(DashboardSessionVerified(found.filter(|(_, expiry)| !is_over(*expiry, cx.now)).map(|(email, _)| email)))
    }
}
