//! Account infos: what says that two login methods may be one person (core-users.md 2.2).

use aws_lc_rs::digest::{SHA256, digest};

use crate::ids::AppId;

/// What kind of thing identifies a person, in the order of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InfoKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// An account at a provider.
    ThirdParty,
}

impl InfoKind {
    /// `account_info_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::ThirdParty => "tparty",
        }
    }
}

/// One thing that identifies a person. In a tenant it belongs to one group at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountInfo {
    /// `account_info_type`.
    pub kind: InfoKind,
    /// `account_info_value`: of an account at a provider, `<thirdPartyId>::<thirdPartyUserId>`.
    pub value: String,
}

impl AccountInfo {
    /// An e-mail address, normalised.
    pub fn email(value: impl Into<String>) -> Self {
        Self { kind: InfoKind::Email, value: value.into() }
    }

    /// A phone number, normalised.
    pub fn phone(value: impl Into<String>) -> Self {
        Self { kind: InfoKind::Phone, value: value.into() }
    }

    /// An account at a provider.
    pub fn third_party(id: &str, user_id: &str) -> Self {
        Self { kind: InfoKind::ThirdParty, value: format!("{id}::{user_id}") }
    }

    /// The advisory lock under which a group gains this info (core-linking.md 2.8). Fixed for ever: processes of different releases
    /// share it.
    pub fn lock_key(&self, app: &AppId) -> i64 {
        let hash = digest(&SHA256, format!("st_rs_ai~{app}~{}~{}", self.kind.as_str(), self.value).as_bytes());
        hash.as_ref().iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
    }
}

/// A row of `recipe_user_account_infos`, and one for each tenant of `recipe_user_tenants`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountInfoRow {
    /// Type and value.
    pub info: AccountInfo,
    /// `third_party_id`: empty, but for the e-mail address of an account at a provider, which several such accounts may have.
    pub third_party_id: String,
    /// `third_party_user_id`, likewise.
    pub third_party_user_id: String,
}

impl From<AccountInfo> for AccountInfoRow {
    fn from(info: AccountInfo) -> Self {
        Self { info, third_party_id: String::new(), third_party_user_id: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;

    #[test]
    fn locks_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/info_lock_keys.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 5);
        for case in cases {
            let kind = [InfoKind::Email, InfoKind::Phone, InfoKind::ThirdParty]
                .into_iter()
                .find(|kind| kind.as_str() == vectors::text(case, "type"))
                .unwrap();
            let info = AccountInfo { kind, value: vectors::text(case, "value").to_owned() };
            let app = AppId::normalise(vectors::text(case, "app"));
            assert_eq!(info.lock_key(&app), vectors::number(case, "key"), "{info:?}");
        }
    }
}
