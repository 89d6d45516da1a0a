//! A new user with a password (core-users.md 3.1).

use supertokens_domain::accounts::{AuthRecipe, Group, Login, LoginMethod};
use supertokens_domain::secret::Secret;
use supertokens_domain::tenancy::Recipe;
use supertokens_domain::users::email::is_made_up;
use supertokens_wire::cdi::emailpassword::{SignUp, SignedUp};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for SignUp {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedUp, Error> {
        cx.require_recipe(Recipe::EmailPassword)?;
        let hash = cx.hash(self.password).await?;
        let made = cx.add_password_user(&self.email, &hash, Manner::SignUp).await?;
        if made.is_some() {
            cx.core.tally.signed_up(AuthRecipe::EmailPassword);
        }
        Ok(made.map_or(SignedUp::EmailTaken, |method| SignedUp::Ok {
            recipe_user_id: method.recipe_user_id.clone(),
            user: Group::alone(method),
        }))
    }
}

/// How a user comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Somebody signs up: that is noted, and an address that an SDK made up counts as verified.
    SignUp,
    /// Somebody's hash is imported.
    Import,
}

impl Cx<'_> {
    /// Makes a user in this tenant, unless somebody here logs in with this address and a password already.
    pub(super) async fn add_password_user(
        &self,
        email: &str,
        hash: &Secret<String>,
        manner: Manner,
    ) -> Result<Option<LoginMethod>, Error> {
        let login = Login::EmailPassword { email: email.to_owned() };
        let mut method = LoginMethod::new(self.uuid(), login, self.at().tenant.clone(), self.now);
        method.is_verified = manner == Manner::SignUp && is_made_up(email);
        let id = &method.recipe_user_id;
        let notes = (manner == Manner::SignUp).then(|| self.notes_of_login("emailpassword_sign_up", id, id, "email", email));
        self.add_user(method, Some(hash.clone()), notes).await
    }
}
