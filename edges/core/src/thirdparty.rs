//! Logging in with an account at a provider (core-recipes-1.md 1.2 to 1.4). Most of those who come have come before, so it is read first.

use std::collections::BTreeSet;
use std::sync::Arc;

use supertokens_domain::accounts::{
    AccountInfo, AuthRecipe, Group, Login, LoginChange, LoginMethod, ThirdParty, change_login, gained,
};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::tenancy::Recipe;
use supertokens_store::{FoundLogin, FoundUser as Found, StoreError, Tx};
use supertokens_wire::cdi::thirdparty::{FoundUser, FoundUsers, GetUser, SignInUp, SignedInUp, UsersByEmail};

use crate::accounts::{Locked, Plan};
use crate::activity::Notes;
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[Route::of::<SignInUp>(), Route::of::<GetUser>(), Route::of::<UsersByEmail>()];

/// How often it is begun anew because somebody came or went in between.
const ATTEMPTS: usize = 4;

impl UseCase for SignInUp {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedInUp, Error> {
        if !cx.rules.first_provider_sign_in {
            cx.require_recipe(Recipe::ThirdParty)?;
        }
        let visitor = Arc::new(Visitor::new(cx, self));
        for _ in 0..ATTEMPTS {
            let Some(mut found) = visitor.find(cx).await? else {
                match visitor.sign_up(cx).await? {
                    Some(user) => {
                        cx.core.tally.signed_up(AuthRecipe::ThirdParty);
                        return Ok(SignedInUp::Ok { created: true, recipe_user_id: user.id.clone(), user });
                    }
                    None => continue,
                }
            };
            if visitor.method_of(&found).is_some_and(|method| method.login.email() != Some(&visitor.email)) {
                if visitor.change_email(cx).await? == Changed::NotAllowed {
                    return Ok(SignedInUp::EmailChangeNotAllowed);
                }
                // Whether the new address was verified before, and whatever else has changed meanwhile, is read again.
                match visitor.find(cx).await? {
                    Some(now) => found = now,
                    None => continue,
                }
            }
            let user = visitor.verified(cx, &found).await?;
            cx.core.tally.signed_in(AuthRecipe::ThirdParty, true);
            cx.note(visitor.notes(cx, "thirdparty_sign_in", &user.id)).await;
            return Ok(SignedInUp::Ok { created: false, user, recipe_user_id: found.recipe_user_id });
        }
        Err(Error::from(StoreError::Busy))
    }
}

/// What came of a new address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    NotAllowed,
    /// It is theirs, or they are gone.
    Done,
}

/// Somebody of whom a provider has told, in a tenant.
struct Visitor {
    app: AppId,
    tenant: TenantId,
    account: ThirdParty,
    email: String,
    /// Says the provider.
    is_verified: bool,
}

/// Who has this account in this tenant. Two accounts may have one text in the tables; both halves are compared.
async fn holder(tx: &mut Tx<'_>, app: &AppId, tenant: &TenantId, account: &ThirdParty) -> Result<Option<FoundLogin>, StoreError> {
    let info = AccountInfo::third_party(&account.id, &account.user_id);
    let found = tx.user_by_login(app, tenant, AuthRecipe::ThirdParty, &info).await?;
    Ok(found.filter(|it| it.group.method(&it.recipe_user_id).is_some_and(|method| method.login.third_party() == Some(account))))
}

impl Visitor {
    fn new(cx: &Cx<'_>, asked: SignInUp) -> Self {
        let at = cx.at().clone();
        let SignInUp { third_party: account, email, is_verified } = asked;
        Self { app: at.app.clone(), tenant: at.tenant, account, email, is_verified }
    }

    fn login(&self) -> Login {
        Login::ThirdParty { third_party: self.account.clone(), email: self.email.clone() }
    }

    fn method_of<'a>(&self, found: &'a FoundLogin) -> Option<&'a LoginMethod> {
        found.group.method(&found.recipe_user_id)
    }

    /// The oldest version says nothing of how somebody came.
    fn notes(&self, cx: &Cx<'_>, event: &str, group_id: &str) -> Notes {
        if cx.rules.first_provider_sign_in {
            return cx.notes_of_activity(group_id);
        }
        cx.notes_of_login(event, group_id, group_id, &self.account.id, &self.email)
    }

    async fn find(self: &Arc<Self>, cx: &Cx<'_>) -> Result<Option<FoundLogin>, Error> {
        let this = Arc::clone(self);
        Ok(cx.db().read(async move |tx| holder(tx, &this.app, &this.tenant, &this.account).await).await?)
    }

    /// Somebody new; nobody, if they were there a moment before.
    async fn sign_up(&self, cx: &Cx<'_>) -> Result<Option<Group>, Error> {
        let mut method = LoginMethod::new(cx.uuid(), self.login(), self.tenant.clone(), cx.now);
        method.is_verified = self.is_verified;
        let notes = self.notes(cx, "thirdparty_sign_up", &method.recipe_user_id);
        Ok(cx.add_user(method, None, Some(notes)).await?.map(Group::alone))
    }

    /// The user, whose address the provider may have vouched for. What was verified stays so.
    async fn verified(&self, cx: &Cx<'_>, found: &FoundLogin) -> Result<Group, Error> {
        let is_news =
            |method: &&LoginMethod| self.is_verified && !method.is_verified && method.login.email() == Some(self.email.as_str());
        let Some(method) = self.method_of(found).filter(is_news) else { return Ok(found.group.clone()) };
        let method = LoginMethod { is_verified: true, ..method.clone() };
        let (app, of, email) = (self.app.clone(), method.clone(), self.email.clone());
        cx.db().single(async move |tx| tx.verify_email_of(&app, &of.recipe_user_id, of.shown_id(), &email).await).await?;
        Ok(found.group.with(method))
    }

    /// The address becomes the new one, if no other primary user of a tenant of this user owns it.
    async fn change_email(self: &Arc<Self>, cx: &Cx<'_>) -> Result<Changed, Error> {
        let this = Arc::clone(self);
        match cx.db().tx(async move |tx| this.change(tx).await).await {
            // Another group has come to own it at the same moment.
            Err(StoreError::Duplicate(key)) if key.table == "primary_user_tenants" => Ok(Changed::NotAllowed),
            changed => Ok(changed?),
        }
    }

    async fn change(&self, tx: &mut Tx<'_>) -> Result<Changed, StoreError> {
        let Some(found) = holder(tx, &self.app, &self.tenant, &self.account).await? else { return Ok(Changed::Done) };
        let (looked_at, id) = (Found { group: found.group, meant_id: found.recipe_user_id.clone() }, found.recipe_user_id);
        let gains = |groups: &[&Group]| -> BTreeSet<AccountInfo> {
            let grouped = groups.iter().filter(|group| group.is_primary).filter_map(|group| group.method(&id));
            grouped.flat_map(|method| gained(&method.login, &self.login())).collect()
        };
        let locked = Locked::around(tx, &self.app, &[&looked_at], gains).await?;
        let Some(group) = locked.of(&id) else { return Ok(Changed::Done) };
        let after = match change_login(group, &id, self.login(), &locked.all) {
            LoginChange::NotAllowed(_) => return Ok(Changed::NotAllowed),
            LoginChange::Unknown | LoginChange::Same => return Ok(Changed::Done),
            LoginChange::Becomes(after) => after,
        };
        if let (Some(was), Some(is)) = (group.method(&id), after.method(&id)) {
            tx.change_login(&self.app, was, is, &after).await?;
            if self.is_verified {
                tx.verify_email(&self.app, is.shown_id(), &self.email).await?;
            }
        }
        Plan::regrouped(vec![group.clone()], vec![after]).write(tx, &self.app).await?;
        Ok(Changed::Done)
    }
}

impl UseCase for GetUser {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<FoundUser, Error> {
        match self {
            Self::ById(id) => {
                let user = cx.login_method(&id, AuthRecipe::ThirdParty).await?;
                Ok(user.map_or(FoundUser::UnknownId, FoundUser::Ok))
            }
            Self::ByAccount(account) => {
                cx.tenant()?;
                if [&account.id, &account.user_id].iter().any(|half| half.contains('\0')) {
                    return Ok(FoundUser::UnknownAccount);
                }
                let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
                let found = cx.db().read(async move |tx| holder(tx, &app, &tenant, &account).await).await?;
                Ok(found.map_or(FoundUser::UnknownAccount, |found| FoundUser::Ok(found.group)))
            }
        }
    }
}

impl UseCase for UsersByEmail {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<FoundUsers, Error> {
        if self.email.contains('\0') {
            return Ok(FoundUsers(Vec::new()));
        }
        let (app, tenant, info) = (cx.at().app.clone(), cx.at().tenant.clone(), AccountInfo::email(&self.email));
        let mut users = cx.db().read(async move |tx| tx.users_by_info(&app, &tenant, &info).await).await?;
        let of_provider =
            |method: &LoginMethod| method.recipe() == AuthRecipe::ThirdParty && method.login.email() == Some(self.email.as_str());
        users.retain(|user| user.methods.iter().any(of_provider));
        Ok(FoundUsers(users))
    }
}
