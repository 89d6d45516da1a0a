//! May a user be known under an id of an application's own (core-linking.md 1.3, 1.4)? Which user an id means is in `accounts`.

/// A recipe that stores things under any id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedBy {
    /// A session that has not ended.
    Session,
    /// An object.
    UserMetadata,
    /// A role in some tenant.
    UserRoles,
    /// A verified address, or a token for one.
    EmailVerification,
    /// A device that makes codes.
    Totp,
}

impl UsedBy {
    /// As sentences have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "Session",
            Self::UserMetadata => "UserMetadata",
            Self::UserRoles => "UserRoles",
            Self::EmailVerification => "EmailVerification",
            Self::Totp => "TOTP",
        }
    }
}

/// The recipes that store something under an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// See [`UsedBy::Session`].
    pub session: bool,
    /// See [`UsedBy::UserMetadata`].
    pub user_metadata: bool,
    /// See [`UsedBy::UserRoles`].
    pub user_roles: bool,
    /// See [`UsedBy::EmailVerification`].
    pub email_verification: bool,
    /// See [`UsedBy::Totp`].
    pub totp: bool,
}

impl Uses {
    /// The one that is named, of several.
    pub fn first(self) -> Option<UsedBy> {
        let all = [
            (self.session, UsedBy::Session),
            (self.user_metadata, UsedBy::UserMetadata),
            (self.user_roles, UsedBy::UserRoles),
            (self.email_verification, UsedBy::EmailVerification),
            (self.totp, UsedBy::Totp),
        ];
        all.into_iter().find_map(|(is_used, by)| is_used.then_some(by))
    }

    fn only_email_verification(self) -> bool {
        self == Self { email_verification: true, ..Self::default() }
    }
}

/// A mapping that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Of which user.
    pub supertokens_user_id: &'a str,
    /// Under which id.
    pub external_user_id: &'a str,
    /// Whatever is stored under the one id, and whoever has the other.
    pub force: bool,
    /// What is known of the user's addresses may follow to the new id.
    pub may_move_verification: bool,
}

/// What there is before a mapping is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BeforeMapping {
    /// The SuperTokens id of the user that has the external id.
    pub owner_of_external: Option<String>,
    /// The user has an external id.
    pub user_is_mapped: bool,
    /// There is such a user.
    pub user_exists: bool,
    /// The external id is the SuperTokens id of some user.
    pub external_is_internal: bool,
    /// What is stored under the user's SuperTokens id.
    pub uses: Uses,
}

/// Whether a mapping is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// It is.
    Create {
        /// What is known of the user's addresses goes to the new id.
        move_verification: bool,
    },
    /// There is no such user.
    UnknownUser,
    /// One of the ids is mapped.
    Exists {
        /// The user has an external id.
        of_user: bool,
        /// Some user has the external id.
        of_external: bool,
    },
    /// The external id is some user's SuperTokens id.
    ExternalIsInternal,
    /// Something is stored under the SuperTokens id, and would be lost to the user.
    InUse(UsedBy),
}

/// May a mapping be made?
pub fn decide_mapping(wanted: &Wanted<'_>, before: &BeforeMapping) -> Mapping {
    let mut move_verification = false;
    if let Some(owner) = &before.owner_of_external {
        return Mapping::Exists { of_user: owner == wanted.supertokens_user_id, of_external: true };
    }
    if !before.user_exists {
        return Mapping::UnknownUser;
    }
    if wanted.external_user_id == wanted.supertokens_user_id || (before.external_is_internal && !wanted.force) {
        return Mapping::ExternalIsInternal;
    }
    if let Some(by) = before.uses.first().filter(|_| !wanted.force) {
        move_verification = wanted.may_move_verification && before.uses.only_email_verification();
        if !move_verification {
            return Mapping::InUse(by);
        }
    }
    if before.user_is_mapped {
        return Mapping::Exists { of_user: true, of_external: false };
    }
    Mapping::Create { move_verification }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFICATION: Uses =
        Uses { session: false, user_metadata: false, user_roles: false, email_verification: true, totp: false };

    #[test]
    fn a_mapping_is_made_if_nothing_is_lost() {
        let wanted = |external, force, may_move_verification| Wanted {
            supertokens_user_id: "U",
            external_user_id: external,
            force,
            may_move_verification,
        };
        let user = || BeforeMapping { user_exists: true, ..BeforeMapping::default() };
        let owned = |owner: &str| BeforeMapping { owner_of_external: Some(owner.to_owned()), ..BeforeMapping::default() };
        let internal = || BeforeMapping { external_is_internal: true, ..user() };
        let used = |uses| BeforeMapping { uses, ..user() };
        let both = Uses { session: true, ..VERIFICATION };
        let roles = Uses { user_roles: true, ..Uses::default() };
        let create = Mapping::Create { move_verification: false };
        let exists = |of_user, of_external| Mapping::Exists { of_user, of_external };
        for (wanted, before, expected) in [
            (wanted("x", false, true), user(), create),
            (wanted("x", false, true), owned("U"), exists(true, true)),
            (wanted("x", true, true), owned("V"), exists(false, true)),
            (wanted("x", false, true), BeforeMapping::default(), Mapping::UnknownUser),
            (wanted("x", true, true), BeforeMapping::default(), Mapping::UnknownUser),
            (wanted("V", false, true), internal(), Mapping::ExternalIsInternal),
            (wanted("V", true, true), internal(), create),
            (wanted("U", true, true), internal(), Mapping::ExternalIsInternal),
            (wanted("x", false, true), used(both), Mapping::InUse(UsedBy::Session)),
            (wanted("x", false, true), used(roles), Mapping::InUse(UsedBy::UserRoles)),
            (wanted("x", true, true), used(both), create),
            (wanted("x", false, true), used(VERIFICATION), Mapping::Create { move_verification: true }),
            (wanted("x", false, false), used(VERIFICATION), Mapping::InUse(UsedBy::EmailVerification)),
            (wanted("x", true, true), used(VERIFICATION), create),
            (wanted("x", false, true), BeforeMapping { user_is_mapped: true, ..user() }, exists(true, false)),
            (wanted("x", false, true), BeforeMapping { user_is_mapped: true, ..used(roles) }, Mapping::InUse(UsedBy::UserRoles)),
            (wanted("x", true, true), BeforeMapping { user_is_mapped: true, ..internal() }, exists(true, false)),
        ] {
            assert_eq!(decide_mapping(&wanted, &before), expected, "{wanted:?} {before:?}");
        }
    }
}
