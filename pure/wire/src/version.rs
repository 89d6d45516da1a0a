//! Which versions of the Core Driver Interface there are, and what each of them means. This is the only file that compares
//! versions: everything behind it sees the named choices of [`Rules`] (core-server.md 4, core-session.md 1.15; decision 8).

use std::cmp::Ordering;
use std::fmt;

use supertokens_domain::session::access_token::AccessTokenVersion;
use supertokens_domain::tenancy::EnabledView;

/// A version of the Core Driver Interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CdiVersion {
    /// Before the dot.
    pub major: u16,
    /// Behind the dot.
    pub minor: u16,
}

const fn v(major: u16, minor: u16) -> CdiVersion {
    CdiVersion { major, minor }
}

/// Every version that is served, oldest first.
pub const SUPPORTED: [CdiVersion; 25] = [
    v(2, 7),
    v(2, 8),
    v(2, 9),
    v(2, 10),
    v(2, 11),
    v(2, 12),
    v(2, 13),
    v(2, 14),
    v(2, 15),
    v(2, 16),
    v(2, 17),
    v(2, 18),
    v(2, 19),
    v(2, 20),
    v(2, 21),
    v(3, 0),
    v(3, 1),
    v(4, 0),
    v(5, 0),
    v(5, 1),
    v(5, 2),
    v(5, 3),
    v(5, 4),
    v(5, 5),
    v(5, 6),
];

/// The newest version that is served; a request without a version is taken to speak it.
pub const LATEST: CdiVersion = v(5, 6);

impl fmt::Display for CdiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Why a version was refused. `Display` is the sentence on the wire; all of them are 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionRefusal {
    /// Not digits with dots between them.
    #[error("cdi-version header is invalid")]
    Malformed,
    /// Above the maximum, or none of those that are served.
    #[error("cdi-version {0} not supported")]
    NotSupported(String),
    /// Below the minimum that the app's configuration allows.
    #[error("cdi-version {given} is lower than the minimum allowed version {minimum}")]
    BelowMinimum {
        /// As it was sent.
        given: String,
        /// As it is configured.
        minimum: CdiVersion,
    },
}

/// What the header said: a number to compare with, and the served version if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    text: String,
    major_minor_rest: Vec<u64>,
}

impl Requested {
    /// Reads the text of a `cdi-version` header.
    pub fn parse(text: &str) -> Result<Self, VersionRefusal> {
        let parts = text
            .split('.')
            .map(|part| {
                let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                // A part too long for 64 bits is a large number, and larger than every version.
                if digits { Ok(part.parse().unwrap_or(u64::MAX)) } else { Err(VersionRefusal::Malformed) }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), major_minor_rest: parts })
    }

    fn compare(&self, version: CdiVersion) -> Ordering {
        let other = [u64::from(version.major), u64::from(version.minor)];
        let parts = self.major_minor_rest.len().max(other.len());
        (0..parts)
            .map(|i| {
                let mine = self.major_minor_rest.get(i).copied().unwrap_or(0);
                mine.cmp(&other.get(i).copied().unwrap_or(0))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Is this older than a version?
    pub fn is_below(&self, version: CdiVersion) -> bool {
        self.compare(version).is_lt()
    }

    /// The version that is served under exactly this text.
    pub fn served(&self) -> Result<CdiVersion, VersionRefusal> {
        SUPPORTED
            .into_iter()
            .find(|version| self.major_minor_rest == [version.major.into(), version.minor.into()])
            .filter(|version| version.to_string() == self.text)
            .ok_or_else(|| VersionRefusal::NotSupported(self.text.clone()))
    }
}

/// The version served under a text such as `5.4`, for the two configuration keys that name one.
pub fn served_version(text: &str) -> Option<CdiVersion> {
    Requested::parse(text).ok()?.served().ok()
}

/// Checks a header against the app's limits. Whether the version is one of those served is a later question, which some
/// operations do not ask: see [`Requested::served`].
///
/// # Errors
/// The header is malformed, above the maximum or below the minimum. Without a header the maximum is taken and the minimum is
/// not applied.
pub fn negotiate(header: Option<&str>, max: Option<CdiVersion>, min: Option<CdiVersion>) -> Result<Requested, VersionRefusal> {
    let max = max.unwrap_or(LATEST);
    let Some(text) = header else {
        return Requested::parse(&max.to_string());
    };
    let requested = Requested::parse(text)?;
    if requested.compare(max).is_gt() {
        return Err(VersionRefusal::NotSupported(requested.text));
    }
    if let Some(minimum) = min.filter(|min| requested.is_below(*min)) {
        return Err(VersionRefusal::BelowMinimum { given: requested.text, minimum });
    }
    Ok(requested)
}

/// How a request says which kind of key shall sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagReading {
    /// The field is not looked at.
    NotRead,
    /// It may be there.
    Optional,
    /// It must be there.
    Mandatory,
}

/// How refreshing rotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationRule {
    /// The new refresh token becomes current when it is first used.
    ParentChild,
    /// The new refresh token is current at once; the old one is tolerated for a grace period.
    AtRefresh,
}

/// Which public key fields an old SDK expects beside its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyKeys {
    /// None.
    Absent,
    /// The signing key alone.
    One,
    /// The signing key and the list of all published ones.
    List,
}

/// Which generation of the tenant interface an answer of the first version of these endpoints follows (core-multitenancy.md 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenancyGeneration {
    /// Recipes are switched on and off.
    UpTo4,
    /// Recipes and factors, as 5.0 had them.
    From5_0,
    /// Factors alone decide; recipes are always enabled.
    From5_1,
}

/// What a version means, each difference under its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The version, for logs and for answers that name it.
    pub version: CdiVersion,
    /// The format of new access tokens.
    pub access_token: AccessTokenVersion,
    /// `recipeUserId` is part of session objects.
    pub recipe_user_id: bool,
    /// `tenantId` is part of session objects, and tenants can be addressed.
    pub tenants: bool,
    /// `idRefreshToken` accompanies the tokens.
    pub id_refresh_token: bool,
    /// Public keys accompany the tokens.
    pub legacy_keys: LegacyKeys,
    /// The handshake is still answered.
    pub handshake: bool,
    /// `useDynamicSigningKey` when a session is created.
    pub key_choice_on_create: FlagReading,
    /// `useDynamicSigningKey` when a session is refreshed.
    pub key_choice_on_refresh: FlagReading,
    /// `useStaticSigningKey` when a JWT is made.
    pub key_choice_on_jwt: FlagReading,
    /// `checkDatabase` is read from the request; otherwise the configuration decides.
    pub check_database_in_request: bool,
    /// `accessTokenValidity` is read.
    pub validity_in_request: bool,
    /// Payloads that collide with claims of ours are refused up front.
    pub protected_claims: bool,
    /// How refreshing rotates, and with it whether verifying may write.
    pub rotation: RotationRule,
    /// Calls that concern a whole app must come from its public tenant.
    pub app_calls_from_public_tenant: bool,
    /// Verifying must come from the public tenant.
    pub verify_from_public_tenant: bool,
    /// Users are answered as objects with login methods.
    pub user_objects: bool,
    /// Passkeys are part of those.
    pub passkeys: bool,
    /// A new password, set by a token, is told whose it is.
    pub reset_names_user: bool,
    /// A token for a new password is for an address that the caller names, whatever the user's login methods.
    pub names_addressee: bool,
    /// A provider says whether an e-mail address is known to be theirs.
    pub providers_verify: bool,
    /// The first form of the sign-in with a provider: a tenant cannot switch it off, and it is not logged.
    pub first_provider_sign_in: bool,
    /// Whoever logs in by a code that was sent to an e-mail address has verified it.
    pub codes_verify: bool,
    /// Whoever logs in by a code is told about the device.
    pub consumed_device: bool,
    /// Whoever tries a wrong TOTP code is told how many that were.
    pub totp_attempts: bool,
    /// Whoever asks whether a session of the dashboard is good is told whose it is.
    pub dashboard_email: bool,
    /// The options of a sign-in by a passkey are good for one: SDKs before that verify an assertion twice.
    pub passkey_options_once: bool,
    /// All codes of a device can be taken back at once.
    pub remove_code_by_device: bool,
    /// Whether a tenant can switch a recipe off, and how.
    pub enabled: EnabledView,
    /// What is known of a user's addresses follows the user to a new id.
    pub verification_follows_mapping: bool,
    /// `allowApproximate` is honoured when users are counted.
    pub approximate_counts: bool,
    /// The first version of the tenant endpoints.
    pub tenancy: TenancyGeneration,
}

impl CdiVersion {
    /// What this version means.
    pub fn rules(self) -> Rules {
        let from = |major, minor| self >= v(major, minor);
        let flag = |is_read| if is_read { FlagReading::Optional } else { FlagReading::NotRead };
        Rules {
            version: self,
            access_token: match () {
                () if from(4, 0) => AccessTokenVersion::V5,
                () if from(3, 0) => AccessTokenVersion::V4,
                () if from(2, 21) => AccessTokenVersion::V3,
                () => AccessTokenVersion::V2,
            },
            recipe_user_id: from(4, 0),
            tenants: from(3, 0),
            id_refresh_token: !from(2, 21),
            legacy_keys: match () {
                () if from(2, 21) => LegacyKeys::Absent,
                () if from(2, 9) => LegacyKeys::List,
                () => LegacyKeys::One,
            },
            handshake: !from(2, 21),
            key_choice_on_create: flag(from(2, 21)),
            key_choice_on_refresh: if from(5, 0) { FlagReading::Mandatory } else { flag(from(3, 0)) },
            key_choice_on_jwt: flag(from(2, 21)),
            check_database_in_request: from(2, 21),
            validity_in_request: from(5, 6),
            protected_claims: from(2, 21),
            rotation: if from(5, 6) { RotationRule::AtRefresh } else { RotationRule::ParentChild },
            app_calls_from_public_tenant: from(5, 0),
            verify_from_public_tenant: from(5, 6),
            user_objects: from(4, 0),
            passkeys: from(5, 3),
            reset_names_user: from(2, 12),
            names_addressee: from(4, 0),
            providers_verify: from(4, 0) || !from(2, 8),
            first_provider_sign_in: !from(2, 8),
            codes_verify: from(4, 0),
            consumed_device: from(5, 0),
            totp_attempts: from(5, 0),
            dashboard_email: from(3, 0),
            passkey_options_once: from(5, 5),
            remove_code_by_device: from(5, 0),
            enabled: match () {
                () if from(5, 1) => EnabledView::From51,
                () if from(5, 0) => EnabledView::V5,
                () => EnabledView::UpTo4,
            },
            verification_follows_mapping: from(4, 0),
            approximate_counts: from(5, 6),
            tenancy: match () {
                () if from(5, 1) => TenancyGeneration::From5_1,
                () if from(5, 0) => TenancyGeneration::From5_0,
                () => TenancyGeneration::UpTo4,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_header_the_newest_or_the_configured_maximum_is_taken() {
        assert_eq!(negotiate(None, None, Some(LATEST)).unwrap().served(), Ok(LATEST));
        assert_eq!(negotiate(None, Some(v(3, 0)), None).unwrap().served(), Ok(v(3, 0)));
    }

    #[test]
    fn limits_are_compared_as_numbers_and_membership_as_text() {
        let refusal = |text: &str| negotiate(Some(text), None, None).unwrap_err().to_string();
        assert_eq!(refusal("abc"), "cdi-version header is invalid");
        assert_eq!(refusal(""), "cdi-version header is invalid");
        assert_eq!(refusal("5."), "cdi-version header is invalid");
        assert_eq!(refusal("5.7"), "cdi-version 5.7 not supported");
        assert_eq!(refusal("5.6.1"), "cdi-version 5.6.1 not supported");
        assert_eq!(refusal("99999999999999999999999.0"), "cdi-version 99999999999999999999999.0 not supported");
        for text in ["2.6", "3.2", "5.0.0", "2.07", "05.0"] {
            let requested = negotiate(Some(text), None, None).unwrap();
            assert_eq!(requested.served().unwrap_err().to_string(), format!("cdi-version {text} not supported"));
        }
        assert_eq!(negotiate(Some("2.10"), None, None).unwrap().served(), Ok(v(2, 10)));
        assert_eq!(
            negotiate(Some("2.9"), None, Some(v(2, 21))).unwrap_err().to_string(),
            "cdi-version 2.9 is lower than the minimum allowed version 2.21"
        );
    }

    #[test]
    fn every_change_happens_at_its_version() {
        let rules = |major, minor| v(major, minor).rules();
        assert_eq!(rules(2, 20).access_token, AccessTokenVersion::V2);
        assert_eq!(rules(2, 21).access_token, AccessTokenVersion::V3);
        assert_eq!(rules(3, 1).access_token, AccessTokenVersion::V4);
        assert_eq!(rules(4, 0).access_token, AccessTokenVersion::V5);
        assert_eq!(
            [rules(2, 8).legacy_keys, rules(2, 9).legacy_keys, rules(2, 21).legacy_keys],
            [LegacyKeys::One, LegacyKeys::List, LegacyKeys::Absent]
        );
        assert_eq!(rules(2, 21).key_choice_on_refresh, FlagReading::NotRead);
        assert_eq!(rules(3, 0).key_choice_on_refresh, FlagReading::Optional);
        assert_eq!(rules(5, 0).key_choice_on_refresh, FlagReading::Mandatory);
        assert_eq!([rules(5, 5).rotation, rules(5, 6).rotation], [RotationRule::ParentChild, RotationRule::AtRefresh]);
        assert!(!rules(4, 0).app_calls_from_public_tenant && rules(5, 0).app_calls_from_public_tenant);
        assert!(!rules(5, 5).verify_from_public_tenant && rules(5, 6).verify_from_public_tenant);
    }
}
