//! One way in which somebody logs in: a recipe user.

use std::collections::BTreeSet;

use super::info::{AccountInfo, AccountInfoRow, InfoKind};
use crate::ids::TenantId;
use crate::time::Millis;

/// The recipes that make users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthRecipe {
    /// E-mail and password.
    EmailPassword,
    /// Codes and magic links.
    Passwordless,
    /// Accounts at providers.
    ThirdParty,
    /// Passkeys.
    Webauthn,
}

impl AuthRecipe {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::EmailPassword, Self::Passwordless, Self::ThirdParty, Self::Webauthn];

    /// `recipe_id` in tables, `recipeId` in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailPassword => "emailpassword",
            Self::Passwordless => "passwordless",
            Self::ThirdParty => "thirdparty",
            Self::Webauthn => "webauthn",
        }
    }

    /// The recipe of a name, which must be written exactly so.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|recipe| recipe.as_str() == name)
    }
}

/// An account at a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThirdParty {
    /// The provider: `third_party_id`.
    pub id: String,
    /// Who one is there: `third_party_user_id`.
    pub user_id: String,
}

impl ThirdParty {
    /// May a provider be called so? Its id and an account's share one text in the tables, with two colons between them: it must be clear
    /// which two (core-recipes-1.md 1.2, fault 5).
    pub fn may_be_provider(id: &str) -> bool {
        !id.contains("::") && !id.ends_with(':')
    }
}

/// By what somebody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A password, which is not kept here: no answer has it.
    EmailPassword {
        /// The address.
        email: String,
    },
    /// A code or a link that was sent. At least one of the two is there.
    Passwordless {
        /// Where mails go.
        email: Option<String>,
        /// Where messages go.
        phone: Option<String>,
    },
    /// A provider's word.
    ThirdParty {
        /// The account there.
        third_party: ThirdParty,
        /// The address that the provider told.
        email: String,
    },
    /// A passkey.
    Webauthn {
        /// The address.
        email: String,
        /// The passkeys.
        credential_ids: BTreeSet<String>,
    },
}

/// A recipe user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginMethod {
    /// The internal id, 36 characters.
    pub recipe_user_id: String,
    /// What answers show instead of the internal id, if there is a mapping.
    pub external_id: Option<String>,
    /// By what.
    pub login: Login,
    /// Where. May be nowhere: the user still exists.
    pub tenants: BTreeSet<TenantId>,
    /// When, in ms since 1970-01-01 UTC; from the recipe's table, in every migration mode.
    pub time_joined: Millis,
    /// Whether the e-mail address is known to be theirs. Where there is only a phone number, always.
    pub is_verified: bool,
}

impl Login {
    /// Whose.
    pub fn recipe(&self) -> AuthRecipe {
        match self {
            Self::EmailPassword { .. } => AuthRecipe::EmailPassword,
            Self::Passwordless { .. } => AuthRecipe::Passwordless,
            Self::ThirdParty { .. } => AuthRecipe::ThirdParty,
            Self::Webauthn { .. } => AuthRecipe::Webauthn,
        }
    }

    /// The e-mail address.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::EmailPassword { email } | Self::ThirdParty { email, .. } | Self::Webauthn { email, .. } => Some(email),
            Self::Passwordless { email, .. } => email.as_deref(),
        }
    }

    /// The phone number.
    pub fn phone(&self) -> Option<&str> {
        match self {
            Self::Passwordless { phone, .. } => phone.as_deref(),
            _ => None,
        }
    }

    /// The account at a provider.
    pub fn third_party(&self) -> Option<&ThirdParty> {
        match self {
            Self::ThirdParty { third_party, .. } => Some(third_party),
            _ => None,
        }
    }

    /// The passkeys, if it is a recipe of passkeys.
    pub fn credential_ids(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Webauthn { credential_ids, .. } => Some(credential_ids),
            _ => None,
        }
    }

    /// What identifies the person: e-mail address, phone number, account at a provider, in this order. Passkeys do not.
    pub fn infos(&self) -> Vec<AccountInfo> {
        let third_party = self.third_party().map(|it| AccountInfo::third_party(&it.id, &it.user_id));
        [self.email().map(AccountInfo::email), self.phone().map(AccountInfo::phone), third_party].into_iter().flatten().collect()
    }

    /// The rows that stand for it in the tables of account infos (core-users.md 2.2).
    pub fn info_rows(&self) -> Vec<AccountInfoRow> {
        let of_provider = match self {
            Self::ThirdParty { third_party, email } => Some(AccountInfoRow {
                info: AccountInfo::email(email),
                third_party_id: third_party.id.clone(),
                third_party_user_id: third_party.user_id.clone(),
            }),
            _ => None,
        };
        let others = self.infos().into_iter().map(AccountInfoRow::from);
        match of_provider {
            Some(email) => std::iter::once(email).chain(others.skip(1)).collect(),
            None => others.collect(),
        }
    }
}

impl LoginMethod {
    /// Somebody who has just signed up.
    pub fn new(recipe_user_id: impl Into<String>, login: Login, tenant: TenantId, now: Millis) -> Self {
        let is_verified = login.email().is_none();
        Self {
            recipe_user_id: recipe_user_id.into(),
            external_id: None,
            login,
            tenants: BTreeSet::from([tenant]),
            time_joined: now,
            is_verified,
        }
    }

    /// The id that answers show.
    pub fn shown_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.recipe_user_id)
    }

    /// The recipe.
    pub fn recipe(&self) -> AuthRecipe {
        self.login.recipe()
    }

    /// By what the key of their recipe keeps them apart from another one in a tenant that both are in, if it does: an account at a
    /// provider is one user's, whatever its e-mail address; an address or a number is one user's in each of the other recipes.
    pub fn clash(&self, other: &Self) -> Option<InfoKind> {
        if self.recipe() != other.recipe() || self.recipe_user_id == other.recipe_user_id {
            return None;
        }
        let same = |mine: Option<&str>, theirs: Option<&str>| mine.is_some() && mine == theirs;
        match () {
            () if self.recipe() == AuthRecipe::ThirdParty => {
                (self.login.third_party() == other.login.third_party()).then_some(InfoKind::ThirdParty)
            }
            () if same(self.login.email(), other.login.email()) => Some(InfoKind::Email),
            () => same(self.login.phone(), other.login.phone()).then_some(InfoKind::Phone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(id: &str, login: Login) -> LoginMethod {
        LoginMethod::new(id, login, TenantId::default(), 1)
    }

    fn google(user_id: &str, email: &str) -> Login {
        Login::ThirdParty { third_party: ThirdParty { id: "google".into(), user_id: user_id.into() }, email: email.into() }
    }

    fn contact(email: Option<&str>, phone: Option<&str>) -> Login {
        Login::Passwordless { email: email.map(Into::into), phone: phone.map(Into::into) }
    }

    #[test]
    fn the_rows_of_a_recipe_user() {
        let row = |kind, value: &str, id: &str, user_id: &str| AccountInfoRow {
            info: AccountInfo { kind, value: value.into() },
            third_party_id: id.into(),
            third_party_user_id: user_id.into(),
        };
        let passkey = Login::Webauthn { email: "w@x".into(), credential_ids: BTreeSet::from(["c".to_owned()]) };
        for (login, rows) in [
            (Login::EmailPassword { email: "a@x".into() }, vec![row(InfoKind::Email, "a@x", "", "")]),
            (passkey, vec![row(InfoKind::Email, "w@x", "", "")]),
            (contact(None, Some("+1")), vec![row(InfoKind::Phone, "+1", "", "")]),
            (contact(Some("a@x"), Some("+1")), vec![row(InfoKind::Email, "a@x", "", ""), row(InfoKind::Phone, "+1", "", "")]),
            (
                google("g1", "a@x"),
                vec![row(InfoKind::Email, "a@x", "google", "g1"), row(InfoKind::ThirdParty, "google::g1", "", "")],
            ),
        ] {
            assert_eq!(login.info_rows(), rows);
        }
    }

    #[test]
    fn keys_of_recipes() {
        let password = |id, email: &str| method(id, Login::EmailPassword { email: email.into() });
        for (one, other, kind) in [
            (password("1", "a@x"), password("2", "a@x"), Some(InfoKind::Email)),
            (password("1", "a@x"), password("1", "a@x"), None),
            (password("1", "a@x"), password("2", "b@x"), None),
            (password("1", "a@x"), method("2", contact(Some("a@x"), None)), None),
            (method("1", contact(None, Some("+1"))), method("2", contact(None, Some("+1"))), Some(InfoKind::Phone)),
            (method("1", contact(None, Some("+1"))), method("2", contact(None, Some("+2"))), None),
            (method("1", google("g", "a@x")), method("2", google("g", "b@x")), Some(InfoKind::ThirdParty)),
            (method("1", google("g", "a@x")), method("2", google("h", "a@x")), None),
        ] {
            assert_eq!(one.clash(&other), kind, "{one:?} {other:?}");
            assert_eq!(other.clash(&one), kind);
        }
    }

    #[test]
    fn the_text_of_an_account_has_one_reading() {
        for (id, may_be) in
            [("google", true), ("", true), (":a", true), ("a:b", true), ("a:", false), (":", false), ("a::b", false)]
        {
            assert_eq!(ThirdParty::may_be_provider(id), may_be, "{id}");
            for user_id in ["", "u", ":u", "::u", "u::v"].into_iter().filter(|_| may_be) {
                let info = AccountInfo::third_party(id, user_id);
                assert_eq!(info.value.split_once("::"), Some((id, user_id)));
            }
        }
    }

    #[test]
    fn only_the_exact_name_is_a_recipe() {
        assert!(AuthRecipe::ALL.into_iter().all(|recipe| AuthRecipe::of(recipe.as_str()) == Some(recipe)));
        assert_eq!([AuthRecipe::of("EmailPassword"), AuthRecipe::of("session")], [None, None]);
    }
}
