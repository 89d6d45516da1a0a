//! A user that is to be imported, and the text under which it waits: the same that a Java core writes and reads (core-linking.md 3.1).

use crate::accounts::Login;
use crate::emailpassword::password_hash::Format;
use crate::ids::TenantId;
use crate::json::{Json, JsonObject};
use crate::secret::Secret;
use crate::time::Millis;

/// A user that may be imported, as far as can be said without the users that are there.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    /// The internal id of the main login method, which mapping, metadata, devices and roles go to.
    pub id: String,
    /// Under which id it shall be known.
    pub external_id: Option<String>,
    /// What the application keeps about it.
    pub metadata: Option<JsonObject>,
    /// Its roles.
    pub roles: Option<Vec<ImportedRole>>,
    /// Its devices that make codes.
    pub devices: Option<Vec<ImportedDevice>>,
    /// At least one.
    pub methods: Vec<ImportedMethod>,
}

/// A role, in some tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRole {
    /// Its name.
    pub role: String,
    /// Where.
    pub tenants: Vec<TenantId>,
}

/// A device that makes codes.
#[derive(Debug, Clone)]
pub struct ImportedDevice {
    /// What its codes are made of.
    pub secret: Secret<String>,
    /// For how long a code is shown, in seconds.
    pub period: i64,
    /// By how many periods its clock may be wrong.
    pub skew: i64,
    /// Its name, if it has one.
    pub name: Option<String>,
}

/// A login method.
#[derive(Debug, Clone)]
pub struct ImportedMethod {
    /// The internal id that it will have.
    pub id: String,
    /// Where, in the order in which they were sent, each once.
    pub tenants: Vec<TenantId>,
    /// The address is known to be theirs.
    pub is_verified: bool,
    /// The others are linked to this one.
    pub is_primary: bool,
    /// When, in ms.
    pub time_joined: Millis,
    /// By what.
    pub login: Login,
    /// Of e-mail and password.
    pub password: ImportedPassword,
}

/// What is known of a password. At least one of the two is there where there is a password at all; the hash counts.
#[derive(Debug, Clone, Default)]
pub struct ImportedPassword {
    /// Its hash.
    pub hash: Option<(Secret<String>, Format)>,
    /// The password itself, which is hashed before it is kept for good.
    pub plain: Option<Secret<String>>,
}

fn name_of(format: Format) -> &'static str {
    match format {
        Format::Argon2 => "ARGON2",
        Format::Bcrypt => "BCRYPT",
        Format::Firebase => "FIREBASE_SCRYPT",
    }
}

impl ImportedUser {
    /// The main login method: the primary one, else the oldest, the first of several.
    pub fn main(&self) -> Option<&ImportedMethod> {
        self.methods.iter().find(|method| method.id == self.id)
    }

    /// The id under which everything is kept that recipes keep about it.
    pub fn shown_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.id)
    }

    /// Passwords that must be hashed first, with the places of their login methods.
    pub fn unhashed(&self) -> impl Iterator<Item = (usize, &Secret<String>)> {
        let plain = |(at, method): (usize, &'_ ImportedMethod)| match &method.password {
            ImportedPassword { hash: None, plain: Some(_) } => Some(at),
            _ => None,
        };
        let places: Vec<usize> = self.methods.iter().enumerate().filter_map(plain).collect();
        places.into_iter().filter_map(|at| Some((at, self.methods.get(at)?.password.plain.as_ref()?)))
    }

    /// Takes a hash in the place of a password.
    pub fn set_hash(&mut self, at: usize, hash: Secret<String>) {
        if let Some(method) = self.methods.get_mut(at) {
            let format = Format::of(hash.expose());
            method.password = ImportedPassword { hash: Some((hash, format)), plain: None };
        }
    }

    /// The same without internal ids: as somebody sends it.
    pub fn raw_without_ids(&self) -> JsonObject {
        let without = |item: Json| match item {
            Json::Object(mut method) => {
                method.remove("superTokensUserId");
                Json::Object(method)
            }
            other => other,
        };
        let mut object = self.raw();
        object.remove("id");
        let methods = match object.remove("loginMethods") {
            Some(Json::Array(methods)) => methods.into_iter().map(without).collect(),
            _ => Vec::new(),
        };
        object.with("loginMethods", Json::Array(methods))
    }

    /// The text under which it waits: `raw_data`.
    pub fn raw(&self) -> JsonObject {
        let roles = self.roles.as_ref().map(|roles| Json::Array(roles.iter().map(role).collect()));
        let devices = self.devices.as_ref().map(|devices| Json::Array(devices.iter().map(device).collect()));
        JsonObject::new()
            .with("id", self.id.as_str())
            .with_some("externalUserId", self.external_id.as_deref())
            .with_some("userMetadata", self.metadata.clone())
            .with_some("userRoles", roles)
            .with_some("totpDevices", devices)
            .with("loginMethods", Json::Array(self.methods.iter().map(ImportedMethod::raw).collect()))
    }
}

fn names(tenants: &[TenantId]) -> Json {
    Json::Array(tenants.iter().map(|tenant| Json::from(tenant.as_str())).collect())
}

fn role(role: &ImportedRole) -> Json {
    Json::Object(JsonObject::new().with("role", role.role.as_str()).with("tenantIds", names(&role.tenants)))
}

fn device(device: &ImportedDevice) -> Json {
    let ImportedDevice { secret, period, skew, name } = device;
    let object = JsonObject::new().with("secretKey", secret.expose().as_str()).with("period", *period).with("skew", *skew);
    Json::Object(object.with_some("deviceName", name.as_deref()))
}

impl ImportedMethod {
    fn raw(&self) -> Json {
        let common = JsonObject::new()
            .with("tenantIds", names(&self.tenants))
            .with("isVerified", self.is_verified)
            .with("isPrimary", self.is_primary)
            .with("timeJoinedInMSSinceEpoch", self.time_joined)
            .with("recipeId", self.login.recipe().as_str())
            .with_some("email", self.login.email());
        let ImportedPassword { hash, plain } = &self.password;
        let text = |secret: &Secret<String>| Json::from(secret.expose().as_str());
        let with_password = common
            .with_some("passwordHash", hash.as_ref().map(|(hash, _)| text(hash)))
            .with_some("hashingAlgorithm", hash.as_ref().map(|(_, format)| name_of(*format)))
            .with_some("plainTextPassword", plain.as_ref().map(text));
        let account = self.login.third_party();
        let whole = with_password
            .with_some("thirdPartyId", account.map(|account| account.id.as_str()))
            .with_some("thirdPartyUserId", account.map(|account| account.user_id.as_str()))
            .with_some("phoneNumber", self.login.phone())
            .with("superTokensUserId", self.id.as_str());
        Json::Object(whole)
    }
}

/// The text under which a user waits, as everybody may see it who may ask: without passwords, hashes, and secrets of devices.
pub fn shown(raw: JsonObject) -> JsonObject {
    const SECRETS: [&str; 3] = ["plainTextPassword", "passwordHash", "secretKey"];
    let without = |item: Json| match item {
        Json::Object(object) => Json::Object(object.into_iter().filter(|(name, _)| !SECRETS.contains(&name.as_str())).collect()),
        other => other,
    };
    let member = |(name, value): (String, Json)| match value {
        Json::Array(items) if name != "userRoles" => (name, Json::Array(items.into_iter().map(without).collect())),
        value => (name, value),
    };
    raw.into_iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_and_the_rest_is() {
        let raw = JsonObject::parse(
            r#"{"id":"i","userMetadata":{"secretKey":1},"totpDevices":[{"secretKey":"S","period":30}],
                "loginMethods":[{"email":"e","passwordHash":"h","hashingAlgorithm":"BCRYPT","plainTextPassword":"p"}]}"#,
        );
        let expected = concat!(
            r#"{"id":"i","userMetadata":{"secretKey":1},"totpDevices":[{"period":30}],"#,
            r#""loginMethods":[{"email":"e","hashingAlgorithm":"BCRYPT"}]}"#
        );
        assert_eq!(shown(raw.unwrap()).to_text(), expected);
    }
}
