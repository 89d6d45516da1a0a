//! What an operator does by hand, who holds the settings and with them the database: there is nobody to ask for a key. The same use cases,
//! asked without a request.

use supertokens_domain::dashboard::User;
use supertokens_domain::ids::AppIdentifier;
use supertokens_domain::secret::Secret;
use supertokens_domain::users::email::normalised;
use supertokens_store::DashboardWhom;
use supertokens_wire::cdi::dashboard::{CreateDashboardUser, DashboardUserSaved, ListDashboardUsers, fit_email, fit_password};
use supertokens_wire::version::LATEST;

use crate::Core;
use crate::caller::Caller;
use crate::cx::{Cx, Place};
use crate::error::Error;
use crate::use_case::UseCase as _;

/// What became of somebody who should be added.
#[derive(Debug)]
pub enum Added {
    /// There is a new user.
    Ok(User),
    /// Somebody of the app has this address.
    EmailTaken,
    /// The address or the password is not one that a user may have.
    Unfit,
}

impl Core {
    /// Lets somebody look after an app by the dashboard. The password is trimmed, as signing in trims it.
    ///
    /// # Errors
    /// 400 if there is no such app; the database.
    pub async fn add_dashboard_user(&self, app: &AppIdentifier, email: &str, password: Secret<String>) -> Result<Added, Error> {
        let email = normalised(email);
        if fit_email(&email).and_then(|()| fit_password(&password)).is_err() {
            return Ok(Added::Unfit);
        }
        let made = CreateDashboardUser::Asked { email, password }.run(&self.by_hand(app).await?).await?;
        Ok(match made {
            DashboardUserSaved::Ok(user) => Added::Ok(user),
            DashboardUserSaved::EmailTaken => Added::EmailTaken,
            DashboardUserSaved::Unfit(_) | DashboardUserSaved::Unknown => Added::Unfit,
        })
    }

    /// Who may look after an app by the dashboard, in the order in which they came.
    ///
    /// # Errors
    /// 400 if there is no such app; the database.
    pub async fn dashboard_users(&self, app: &AppIdentifier) -> Result<Vec<User>, Error> {
        Ok(ListDashboardUsers.run(&self.by_hand(app).await?).await?.0)
    }

    /// Takes the dashboard from somebody, with all sessions. False if nobody of the app has this address.
    ///
    /// # Errors
    /// 400 if there is no such app; the database.
    pub async fn remove_dashboard_user(&self, app: &AppIdentifier, email: &str) -> Result<bool, Error> {
        let cx = self.by_hand(app).await?;
        let (app, email) = (cx.at().app.clone(), normalised(email));
        let removing = cx.db().single(async move |tx| tx.delete_dashboard_user(&app, DashboardWhom::Email(&email)).await);
        Ok(removing.await?)
    }

    async fn by_hand(&self, app: &AppIdentifier) -> Result<Cx<'_>, Error> {
        let (core, at) = (&*self.0, app.public());
        let now = core.clock.now();
        let found = core.tenants.find(&at, now).await?;
        let place = Place { at, app: found.clone(), tenant: found };
        let cx = Cx { core, place, rules: LATEST.rules(), now, protected_caller: false, caller: Caller::default() };
        cx.config()?;
        Ok(cx)
    }
}
