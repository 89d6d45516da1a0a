//! Which users are taken, field by field, with upstream's sentences in its order (core-linking.md 3.3). What no sentence of upstream's fits
//! (limits that it has not) is said in our own.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{Findings, Members};
use super::user::{ImportedDevice, ImportedMethod, ImportedPassword, ImportedRole, ImportedUser};
use crate::accounts::{Login, ThirdParty};
use crate::emailpassword::cost::Caps;
use crate::emailpassword::import::{Named, Refused, check};
use crate::emailpassword::password_hash::Format;
use crate::ids::{PUBLIC, TenantId};
use crate::json::{Json, JsonObject};
use crate::secret::Secret;
use crate::time::Millis;
use crate::totp::code::Key;
use crate::totp::{LONGEST_PERIOD, MOST_SKEW};
use crate::users::{email, phone};

const LONGEST: usize = 256;
const LONGEST_EXTERNAL_ID: usize = 128;
const LONGEST_ROLE: usize = 255;
const LONGEST_PROVIDER: usize = 28;
/// In bytes, as JSON: what is kept of a user in any other way.
const LONGEST_METADATA: usize = 1024 * 1024;
/// Of each kind, of one user: all that one user has is written in one go.
const MOST_OF_ONE: usize = 100;

const OF_USER: &str = ".";
const OF_ROLE: &str = " for a user role.";
const OF_DEVICE: &str = " for a totp device.";
const OF_METHOD: &str = " for a loginMethod.";

/// What is known where users are read.
#[derive(Debug)]
pub struct Context<'a> {
    /// The roles of the app, or those of them that are named.
    pub roles: &'a BTreeSet<String>,
    /// The tenants of the app, or those of them that are named, and in which database each is.
    pub tenants: &'a BTreeMap<TenantId, String>,
    /// Firebase's hashes have a meaning here.
    pub has_signer_key: bool,
    /// What a hash may cost.
    pub caps: Caps,
    /// In ms.
    pub now: Millis,
}

/// Which internal ids login methods get.
pub enum Ids<'a> {
    /// New ones.
    New(&'a mut dyn FnMut() -> String),
    /// Those that they got when they began to wait.
    Kept,
}

/// Reads a user. `external_ids` are those of the users before it in the same question.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(
    object: &JsonObject,
    context: &Context<'_>,
    external_ids: &mut BTreeSet<String>,
    ids: &mut Ids<'_>,
) -> Result<ImportedUser, Vec<String>> {
    let mut reading = Reading { context, findings: Findings::default() };
    let user = reading.user(object, external_ids, ids);
    match user {
        Some(user) if reading.findings.0.is_empty() => Ok(user),
        _ => Err(reading.findings.0),
    }
}

struct Reading<'a> {
    context: &'a Context<'a>,
    findings: Findings,
}

impl Reading<'_> {
    fn members<'o>(&mut self, object: &'o JsonObject, suffix: &'static str) -> Members<'o, '_> {
        Members { object, suffix, findings: &mut self.findings }
    }

    fn user(&mut self, object: &JsonObject, external_ids: &mut BTreeSet<String>, ids: &mut Ids<'_>) -> Option<ImportedUser> {
        let external_id = self.members(object, OF_USER).string("externalUserId").map(str::to_owned);
        let metadata = self.members(object, OF_USER).object("userMetadata").cloned();
        if metadata.as_ref().is_some_and(|metadata| metadata.to_text().len() > LONGEST_METADATA) {
            self.findings.add(format!("userMetadata is too long. Max length is {LONGEST_METADATA} bytes."));
        }
        let roles = self.members(object, OF_USER).objects("userRoles");
        let roles = self.few(roles, "userRoles").map(|roles| roles.into_iter().filter_map(|role| self.role(role)).collect());
        let devices = self.members(object, OF_USER).objects("totpDevices");
        let devices = self.few(devices, "totpDevices");
        let devices = devices.map(|devices| devices.into_iter().filter_map(|device| self.device(device)).collect());
        let methods = self.methods(object, ids);
        let external_id = external_id.map(|id| self.external_id(&id, external_ids));
        let mut user = ImportedUser { id: String::new(), external_id, metadata, roles, devices, methods };
        self.across(&user);
        let oldest = || user.methods.iter().min_by_key(|method| method.time_joined);
        user.id = user.methods.iter().find(|method| method.is_primary).or_else(oldest)?.id.clone();
        Some(user)
    }

    fn few<T>(&mut self, items: Option<Vec<T>>, name: &str) -> Option<Vec<T>> {
        let is_few = |items: &Vec<T>| items.len() <= MOST_OF_ONE;
        let is_many = items.as_ref().is_some_and(|items| !is_few(items));
        if is_many {
            self.findings.add(format!("{name} has too many elements. Max number is {MOST_OF_ONE}."));
        }
        items.filter(is_few)
    }

    fn tenants(&mut self, names: Option<Vec<&str>>, suffix: &str) -> Vec<TenantId> {
        let Some(names) = names else { return vec![TenantId::default()] };
        let mut tenants = Vec::new();
        for name in names {
            let tenant = TenantId::normalise(name);
            // Quirk: the public tenant is known by its name as it is written, and is there in any app.
            if name != PUBLIC && !self.context.tenants.contains_key(&tenant) {
                self.findings.add(format!("Invalid tenantId: {name}{suffix}"));
            } else if !tenants.contains(&tenant) {
                tenants.push(tenant);
            }
        }
        tenants
    }

    fn role(&mut self, object: &JsonObject) -> Option<ImportedRole> {
        let mut members = self.members(object, OF_ROLE);
        let (role, tenants) = (members.required_string("role"), members.required_strings("tenantIds"));
        let role = role.map(|role| {
            self.findings.measure(&format!("role {role}"), role, LONGEST_ROLE);
            let role = email::trimmed(role);
            if !self.context.roles.contains(role) {
                self.findings.add(format!("Role {role} does not exist."));
            }
            role.to_owned()
        });
        let tenants = self.tenants(tenants, OF_ROLE);
        role.map(|role| ImportedRole { role, tenants })
    }

    fn device(&mut self, object: &JsonObject) -> Option<ImportedDevice> {
        let mut members = self.members(object, OF_DEVICE);
        let secret = members.required_string("secretKey").map(|secret| Secret::new(secret.to_owned()));
        let (period, skew) = (members.integer("period"), members.integer("skew"));
        let name = members.string("deviceName");
        if let Some(secret) = &secret {
            // Upstream repeats the secret here, which would end up in logs.
            self.findings.measure("TOTP secretKey", secret.expose(), LONGEST);
            if Key::of_secret(secret).is_none() {
                self.findings.add("secretKey is not valid Base32 for a totp device.");
            }
        }
        let (period, skew) = (period.unwrap_or(30), skew.unwrap_or(1));
        match period {
            ..=0 => self.findings.add("period should be > 0 for a totp device."),
            period if period > LONGEST_PERIOD => {
                self.findings.add(format!("period should be <= {LONGEST_PERIOD} for a totp device."));
            }
            _ => {}
        }
        match skew {
            ..0 => self.findings.add("skew should be >= 0 for a totp device."),
            skew if skew > MOST_SKEW => self.findings.add(format!("skew should be <= {MOST_SKEW} for a totp device.")),
            _ => {}
        }
        if let Some(name) = name {
            self.findings.measure(&format!("TOTP deviceName {name}"), name, LONGEST);
        }
        Some(ImportedDevice { secret: secret?, period, skew, name: name.map(|name| email::trimmed(name).to_owned()) })
    }

    fn methods(&mut self, object: &JsonObject, ids: &mut Ids<'_>) -> Vec<ImportedMethod> {
        let methods = self.members(object, OF_USER).required_objects("loginMethods");
        let Some(methods) = self.few(methods, "loginMethods") else { return Vec::new() };
        if methods.is_empty() {
            self.findings.add("At least one loginMethod is required.");
        }
        let primaries = methods.iter().filter(|method| method.get("isPrimary").and_then(Json::as_bool) == Some(true)).count();
        for _ in 1..primaries {
            self.findings.add("No two loginMethods can have isPrimary as true.");
        }
        methods.into_iter().filter_map(|method| self.method(method, ids)).collect()
    }

    fn method(&mut self, object: &JsonObject, ids: &mut Ids<'_>) -> Option<ImportedMethod> {
        let mut members = self.members(object, OF_METHOD);
        let (recipe, tenants) = (members.required_string("recipeId"), members.strings("tenantIds"));
        let (is_verified, is_primary) = (members.boolean("isVerified"), members.boolean("isPrimary"));
        // Quirk: no full stop.
        let mut members = self.members(object, " for a loginMethod");
        let time_joined = members.integer("timeJoinedInMSSinceEpoch");
        let id = match ids {
            Ids::New(new) => Some(new()),
            Ids::Kept => members.required_string("superTokensUserId").map(str::to_owned),
        };
        let known = recipe.filter(|recipe| ["emailpassword", "thirdparty", "passwordless"].contains(recipe));
        if recipe.is_some() && known.is_none() {
            self.findings.add("Invalid recipeId for loginMethod. Pass one of emailpassword, thirdparty or, passwordless!");
        }
        let tenants = self.tenants(tenants, &format!(" for {} recipe.", recipe.unwrap_or("null")));
        let time_joined = time_joined.unwrap_or(self.context.now);
        if time_joined > self.context.now {
            self.findings.add("timeJoined cannot be in future for a loginMethod.");
        }
        if time_joined < 0 {
            self.findings.add("timeJoined cannot be < 0 for a loginMethod.");
        }
        let (login, password) = match known? {
            "emailpassword" => self.with_password(object),
            "thirdparty" => (self.of_provider(object), ImportedPassword::default()),
            _ => (self.of_contact(object), ImportedPassword::default()),
        };
        let (is_verified, is_primary) = (is_verified.unwrap_or(false), is_primary.unwrap_or(false));
        // Where something is missing, that has been said; what is across the login methods still counts this one.
        let login = login.unwrap_or(Login::Passwordless { email: None, phone: None });
        let id = id.unwrap_or_default();
        if matches!(ids, Ids::Kept) && id.len() != 36 {
            self.findings.add("superTokensUserId should be of type string for a loginMethod");
        }
        Some(ImportedMethod { id, tenants, is_verified, is_primary, time_joined, login, password })
    }

    fn email(&mut self, email: Option<&str>) -> Option<String> {
        // Quirk: one less than is said fits.
        let sent = email?;
        let normalised = email::normalised(sent);
        if sent.chars().count() >= LONGEST || normalised.chars().count() > LONGEST {
            self.findings.add(format!("email {sent} is too long. Max length is {LONGEST}."));
        }
        Some(normalised)
    }

    fn with_password(&mut self, object: &JsonObject) -> (Option<Login>, ImportedPassword) {
        const EITHER: &str =
            "Either (passwordHash, hashingAlgorithm) or plainTextPassword is required for an emailpassword recipe.";
        let mut members = self.members(object, " for an emailpassword recipe.");
        let (email, hash) = (members.required_string("email"), members.string("passwordHash"));
        let (algorithm, plain) = (members.string("hashingAlgorithm"), members.string("plainTextPassword"));
        if (hash.is_none() || algorithm.is_none()) && plain.is_none() {
            self.findings.add(EITHER);
        }
        let email = self.email(email);
        let format = algorithm.and_then(|algorithm| self.format(algorithm));
        // A hash of which nobody says what it is is left where the password is there.
        let hash = format.zip(hash).and_then(|(format, hash)| self.hash(hash, format).map(|hash| (hash, format)));
        let plain = plain.map(|plain| Secret::new(plain.to_owned()));
        (email.map(|email| Login::EmailPassword { email }), ImportedPassword { hash, plain })
    }

    fn format(&mut self, algorithm: &str) -> Option<Format> {
        let format = match email::trimmed(algorithm).to_uppercase().as_str() {
            "ARGON2" => Some(Format::Argon2),
            "BCRYPT" => Some(Format::Bcrypt),
            "FIREBASE_SCRYPT" => Some(Format::Firebase),
            _ => None,
        };
        if format.is_none() {
            self.findings
                .add("Invalid hashingAlgorithm for emailpassword recipe. Pass one of bcrypt, argon2 or, firebase_scrypt!");
        }
        format
    }

    fn hash(&mut self, hash: &str, format: Format) -> Option<Secret<String>> {
        if hash.chars().count() > LONGEST {
            self.findings.add(format!("passwordHash is too long. Max length is {LONGEST}."));
            return None;
        }
        let named = Named { hash: Secret::new(email::trimmed(hash).to_owned()), format: Some(format) };
        match check(&named, self.context.has_signer_key, &self.context.caps) {
            Ok(()) => return Some(named.hash),
            Err(Refused::NoSignerKey) => {
                self.findings
                    .add("Firebase SCrypt hashes need firebase_password_hashing_signer_key in the settings of the core.");
            }
            Err(refused) => self.findings.add(refused.to_string()),
        }
        None
    }

    fn of_provider(&mut self, object: &JsonObject) -> Option<Login> {
        let mut members = self.members(object, " for a thirdparty recipe.");
        let (email, provider) = (members.required_string("email"), members.required_string("thirdPartyId"));
        let account = members.required_string("thirdPartyUserId");
        let email = self.email(email);
        if let Some(provider) = provider {
            self.findings.measure(&format!("thirdPartyId {provider}"), provider, LONGEST_PROVIDER);
            if !ThirdParty::may_be_provider(provider) {
                self.findings.add(format!("thirdPartyId {provider} cannot have two colons in a row, or one at its end."));
            }
        }
        if let Some(account) = account {
            self.findings.measure(&format!("thirdPartyUserId {account}"), account, LONGEST);
        }
        let third_party = ThirdParty { id: provider?.to_owned(), user_id: account?.to_owned() };
        Some(Login::ThirdParty { third_party, email: email? })
    }

    fn of_contact(&mut self, object: &JsonObject) -> Option<Login> {
        let mut members = self.members(object, " for a passwordless recipe.");
        let (email, phone) = (members.string("email"), members.string("phoneNumber"));
        let email = self.email(email);
        let phone = phone.map(|sent| {
            let normalised = phone::normalised(sent);
            let longer = if normalised.len() > sent.len() { &normalised } else { sent };
            self.findings.measure(&format!("phoneNumber {sent}"), longer, LONGEST);
            normalised
        });
        if email.is_none() && phone.is_none() {
            self.findings.add("Either email or phoneNumber is required for a passwordless recipe.");
            return None;
        }
        Some(Login::Passwordless { email, phone })
    }

    fn external_id(&mut self, sent: &str, external_ids: &mut BTreeSet<String>) -> String {
        self.findings.measure(&format!("externalUserId {sent}"), sent, LONGEST_EXTERNAL_ID);
        let id = email::trimmed(sent).to_owned();
        if !external_ids.insert(id.clone()) {
            self.findings.add(format!("externalUserId {sent} is not unique. It is already used by another user."));
        }
        id
    }

    /// What is only wrong in company.
    fn across(&mut self, user: &ImportedUser) {
        let is_public = |tenant: &&TenantId| tenant.is_default();
        for tenant in user.roles.iter().flatten().flat_map(|role| &role.tenants).filter(|tenant| !is_public(tenant)) {
            if !user.methods.iter().any(|method| method.tenants.contains(tenant)) {
                self.findings.add(format!("TenantId {tenant} for a user role does not exist in loginMethods."));
            }
        }
        let said = self.findings.0.iter().any(|said| said.starts_with("Invalid tenantId: "));
        let mut database = None;
        for method in &user.methods {
            if method.tenants.is_empty() && !said {
                let shown = JsonObject::new().with("recipeId", method.login.recipe().as_str());
                self.findings.add(format!("LoginMethod '{}' has no tenantId", shown.to_text()));
            }
            // Nothing is said of one whose tenants were wrong: that has been said.
            let databases: BTreeSet<&String> = method.tenants.iter().filter_map(|it| self.context.tenants.get(it)).collect();
            let own = *database.get_or_insert_with(|| databases.iter().next().copied());
            if databases.iter().any(|other| own.is_some_and(|own| own != *other)) {
                let recipe = method.login.recipe().as_str();
                self.findings.add(format!("All tenants for a user must share the same database for {recipe} recipe."));
            }
        }
    }
}

/// The roles that a user names, whether or not it is taken.
pub fn named_roles(object: &JsonObject) -> impl Iterator<Item = &str> {
    let roles = object.get("userRoles").and_then(Json::as_array).unwrap_or_default().iter().filter_map(Json::as_object);
    roles.filter_map(|role| role.get("role")?.as_str()).map(email::trimmed).filter(|role| !role.contains('\0'))
}

/// The tenants that a user names, in roles and login methods, whether or not it is taken; and the public one.
pub fn named_tenants(object: &JsonObject) -> BTreeSet<TenantId> {
    let lists = ["userRoles", "loginMethods"].into_iter().filter_map(|name| object.get(name)?.as_array());
    let named = lists.flatten().filter_map(|item| item.as_object()?.get("tenantIds")?.as_array()).flatten();
    let named = named.filter_map(Json::as_str).filter(|name| !name.contains('\0'));
    named.map(TenantId::normalise).chain([TenantId::default()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CoreConfig;
    use crate::session::test_vectors as vectors;
    use crate::users::page::PageToken;
    use proptest::prelude::*;

    const FILE: &str = include_str!("../../../../testkit/vectors/bulk_import.json");
    /// Where the vectors have the beginning of a hash, which is all that upstream looks at (decision 25).
    const HASH: &str = "$2a$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG";

    fn numbered() -> impl FnMut() -> String {
        let mut last = 0;
        move || {
            last += 1;
            format!("00000000-0000-4000-8000-{last:012}")
        }
    }

    fn with<T>(read: impl FnOnce(&Context<'_>) -> T) -> T {
        let file = vectors::file(FILE);
        let context = vectors::object(&file, "context");
        let roles = vectors::member(context, "roles").as_array().unwrap();
        let roles = roles.iter().map(|role| role.as_str().unwrap().to_owned()).collect();
        let pools = vectors::object(context, "tenantPools");
        let tenants = pools.iter().map(|(name, pool)| (TenantId::normalise(name), pool.as_str().unwrap().to_owned())).collect();
        read(&Context {
            roles: &roles,
            tenants: &tenants,
            has_signer_key: false,
            caps: Caps::of(&CoreConfig::defaults()),
            now: vectors::number(context, "now"),
        })
    }

    /// What comes of users that are sent together: the texts of those that are taken, or what is wrong with the others.
    fn outcome(users: &[Json], context: &Context<'_>) -> Result<Vec<Json>, Vec<Json>> {
        let (mut external_ids, mut new) = (BTreeSet::new(), numbered());
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (index, user) in (0_i64..).zip(users) {
            match read(user.as_object().unwrap(), context, &mut external_ids, &mut Ids::New(&mut new)) {
                Ok(user) => good.push(Json::Object(user.raw())),
                Err(errors) => bad.push(Json::Object(JsonObject::new().with("index", index).with("errors", errors))),
            }
        }
        if bad.is_empty() { Ok(good) } else { Err(bad) }
    }

    #[test]
    fn users_are_taken_and_refused_as_in_the_vectors() {
        let whole = FILE.replace("$2a$10$abc", HASH);
        let file = vectors::file(&whole);
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 62);
        with(|context| {
            for case in cases {
                let said = outcome(vectors::member(case, "users").as_array().unwrap(), context);
                let expected = match case.get("error") {
                    Some(error) => Err(vectors::member(error.as_object().unwrap(), "users").as_array().unwrap().to_vec()),
                    None => Ok(vectors::member(case, "raw").as_array().unwrap().to_vec()),
                };
                assert_eq!(said, expected.map_err(shortened), "{}", case.to_text());
            }
        });
    }

    /// The one sentence that we do not say as upstream does: it would tell the secret.
    fn shortened(errors: Vec<Json>) -> Vec<Json> {
        let text = Json::Array(errors).to_text().replace(&format!("TOTP secretKey {} is", "S".repeat(257)), "TOTP secretKey is");
        Json::parse(&text).unwrap().as_array().unwrap().to_vec()
    }

    #[test]
    fn what_waits_is_read_as_it_was_written() {
        let whole = FILE.replace("$2a$10$abc", HASH);
        let file = vectors::file(&whole);
        let mut checked = 0;
        with(|context| {
            for raw in
                vectors::array(&file, "cases").iter().filter_map(|case| case.get("raw")).flat_map(|raw| raw.as_array().unwrap())
            {
                let raw = raw.as_object().unwrap();
                let user = read(raw, context, &mut BTreeSet::new(), &mut Ids::Kept).unwrap();
                assert_eq!(user.raw().to_text(), raw.to_text());
                checked += 1;
            }
            let mut without = JsonObject::parse(r#"{"loginMethods":[{"recipeId":"passwordless","email":"a@x"}]}"#).unwrap();
            let said = read(&without, context, &mut BTreeSet::new(), &mut Ids::Kept).unwrap_err();
            assert_eq!(said[0], "superTokensUserId is required for a loginMethod");
            without.insert("loginMethods", Json::Array(Vec::new()));
            assert!(read(&without, context, &mut BTreeSet::new(), &mut Ids::Kept).is_err());
        });
        assert!(checked >= 18, "{checked}");
    }

    #[test]
    fn what_only_we_refuse_is_said_too() {
        let method = r#"{"recipeId":"emailpassword","email":"a@x.io","plainTextPassword":"pw"}"#;
        let of_hash = |hash: &str, algorithm: &str| {
            let object = JsonObject::new().with("recipeId", "emailpassword").with("email", "a@x.io");
            object.with("passwordHash", hash).with("hashingAlgorithm", algorithm).to_text()
        };
        let methods = |method: &str| format!(r#"{{"loginMethods":[{method}]}}"#);
        for (user, expected) in [
            (methods(&of_hash("$2a$10$abc", "bcrypt")), "Password hash is in invalid BCrypt format"),
            (methods(&of_hash("$f_scrypt$aGFzaA==$c2FsdA==$m=14$r=8$s=Bw==", "firebase_scrypt")), "Firebase SCrypt hashes need"),
            (methods(&of_hash(&"h".repeat(257), "bcrypt")), "passwordHash is too long. Max length is 256."),
            (
                methods(r#"{"recipeId":"thirdparty","email":"a@x","thirdPartyId":"a::b","thirdPartyUserId":"u"}"#),
                "thirdPartyId a::b cannot have two colons",
            ),
            (methods(r#"{"recipeId":"passwordless","email":"a\u0000b"}"#), "email should be of type string"),
            (
                methods(r#"{"recipeId":"passwordless","email":"a@x","tenantIds":[]}"#),
                "LoginMethod '{\"recipeId\":\"passwordless\"}'",
            ),
            (format!(r#"{{"loginMethods":[{}]}}"#, vec![method; 101].join(",")), "loginMethods has too many elements"),
            (
                format!(r#"{{"totpDevices":[{{"secretKey":"MY","skew":101,"period":86401}}],"loginMethods":[{method}]}}"#),
                "period should be <= 86400",
            ),
            (format!(r#"{{"totpDevices":[{{"secretKey":"!!!"}}],"loginMethods":[{method}]}}"#), "secretKey is not valid Base32"),
            (
                format!(r#"{{"userMetadata":{{"a":"{}"}},"loginMethods":[{method}]}}"#, "a".repeat(1 << 20)),
                "userMetadata is too long",
            ),
            (format!(r#"{{"loginMethods":[{}]}}"#, method.replace("a@x.io", &"İ".repeat(200))), "email İ"),
        ] {
            let read = with(|context| {
                read(&JsonObject::parse(&user).unwrap(), context, &mut BTreeSet::new(), &mut Ids::New(&mut numbered()))
            });
            let said = read.unwrap_err();
            assert!(said.iter().any(|said| said.starts_with(expected)), "{said:?}");
        }
    }

    #[test]
    fn pages_are_named_as_in_the_vectors() {
        let file = vectors::file(FILE);
        for case in vectors::array(&file, "paginationTokens") {
            let token =
                PageToken { user_id: vectors::text(case, "id").to_owned(), time_joined: vectors::number(case, "createdAt") };
            assert_eq!(token.to_text(), vectors::text(case, "token"));
            assert_eq!(PageToken::read(vectors::text(case, "token")), Ok(token));
        }
        for text in vectors::member(&file, "invalidPaginationTokens").as_array().unwrap() {
            assert!(PageToken::read(text.as_str().unwrap()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_user_panics(names in proptest::collection::vec(0_usize..24, 0..8), values in proptest::collection::vec(0_usize..9, 8)) {
            const NAMES: [&str; 24] = [
                "externalUserId", "userMetadata", "userRoles", "totpDevices", "loginMethods", "role", "tenantIds", "secretKey", "period",
                "skew", "deviceName", "recipeId", "isVerified", "isPrimary", "timeJoinedInMSSinceEpoch", "email", "passwordHash",
                "hashingAlgorithm", "plainTextPassword", "thirdPartyId", "thirdPartyUserId", "phoneNumber", "superTokensUserId", "id",
            ];
            const VALUES: [&str; 9] =
                ["null", "1e400", "-9223372036854775809", "\"emailpassword\"", "[{}]", "[\"public\"]", "true", "{}", "\"\\u0000\""];
            let members: JsonObject =
                names.iter().zip(&values).map(|(name, value)| (NAMES[*name].to_owned(), Json::parse(VALUES[*value]).unwrap())).collect();
            let user = JsonObject::new().with("loginMethods", Json::Array(vec![Json::Object(members.clone())]))
                .with("userRoles", Json::Array(vec![Json::Object(members.clone())]))
                .with("totpDevices", Json::Array(vec![Json::Object(members.clone())]));
            for object in [user, members] {
                let _ = (named_roles(&object).count(), named_tenants(&object).len());
                with(|context| {
                    let _ = read(&object, context, &mut BTreeSet::new(), &mut Ids::New(&mut numbered()));
                    let _ = read(&object, context, &mut BTreeSet::new(), &mut Ids::Kept);
                });
            }
        }
    }
}
