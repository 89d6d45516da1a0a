//! Users as other systems export them, turned into ours. What cannot be taken along is refused by name, never dropped in silence.

use crate::json::{Json, JsonObject};

/// Whose export a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Auth0: JSON lines, with bcrypt hashes if its support added them.
    Auth0,
    /// Firebase: `firebase auth:export FILE.json`.
    Firebase,
    /// Keycloak: a realm with its users.
    Keycloak,
}

/// Turns one user of such an export into one of ours.
///
/// # Errors
/// Why it cannot be taken along, for a person.
pub fn converted(from: From, user: &JsonObject) -> Result<JsonObject, String> {
    match from {
        From::Auth0 => auth0(user),
        From::Firebase => firebase(user),
        From::Keycloak => keycloak(user),
    }
}

fn text<'a>(object: &'a JsonObject, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Json::as_str).filter(|text| !text.trim().is_empty())
}

fn flag(object: &JsonObject, name: &str) -> bool {
    object.get(name).and_then(Json::as_bool).unwrap_or_default()
}

fn objects<'a>(object: &'a JsonObject, name: &str) -> impl Iterator<Item = &'a JsonObject> {
    object.get(name).and_then(Json::as_array).unwrap_or_default().iter().filter_map(Json::as_object)
}

fn has_entries(object: &JsonObject, name: &str) -> bool {
    object.get(name).is_some_and(|value| match value {
        Json::Array(entries) => !entries.is_empty(),
        Json::Object(entries) => !entries.is_empty(),
        _ => false,
    })
}

fn millis(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A user with these login methods; of several the first is the primary one.
fn user(external_id: Option<&str>, mut methods: Vec<JsonObject>, metadata: JsonObject) -> Result<JsonObject, String> {
    if methods.is_empty() {
        return Err(
            "it has no way to log in that can be imported: no password hash, no account at a provider, no number".to_owned()
        );
    }
    if methods.len() > 1
        && let Some(first) = methods.first_mut()
    {
        first.insert("isPrimary", true);
    }
    let metadata = (!metadata.is_empty()).then_some(metadata);
    let object = JsonObject::new().with_some("externalUserId", external_id).with_some("userMetadata", metadata);
    Ok(object.with("loginMethods", Json::Array(methods.into_iter().map(Json::Object).collect())))
}

fn of_provider(provider: &str, account: &str, email: &str) -> JsonObject {
    let method = JsonObject::new().with("recipeId", "thirdparty").with("email", email);
    method.with("thirdPartyId", provider).with("thirdPartyUserId", account)
}

fn with_hash(email: &str, hash: &str, algorithm: &str) -> JsonObject {
    let method = JsonObject::new().with("recipeId", "emailpassword").with("email", email);
    method.with("passwordHash", hash).with("hashingAlgorithm", algorithm)
}

/// Whether the address of an account elsewhere is verified: where it is the user's own, that one's flag says so; of any other only the account
/// itself can. Addresses that nobody has verified must not link accounts.
fn is_verified_of(address: &str, own: (Option<&str>, bool), by_account: bool) -> bool {
    let is_own = own.0.is_some_and(|own| own.trim().to_lowercase() == address.trim().to_lowercase());
    by_account || (own.1 && is_own)
}

fn shut_out(field: &str) -> String {
    format!("{field}: this user may not log in there, and could here: take the line out, or the mark if that is what you want")
}

fn second_factor(field: &str) -> String {
    format!(
        "{field}: this user has a second factor that cannot be imported, and would come in without: take it out of the line if that is what you want"
    )
}

/// Our names of providers that others call otherwise.
fn provider(name: &str) -> &str {
    match name {
        "google-oauth2" | "google.com" => "google",
        "github.com" => "github",
        "facebook.com" => "facebook",
        "apple.com" => "apple",
        "twitter.com" => "twitter",
        "windowslive" | "waad" | "microsoft.com" => "active-directory",
        other => other,
    }
}

/// Its ids, `connection|account`, stay those of the users.
fn auth0(sent: &JsonObject) -> Result<JsonObject, String> {
    let id = text(sent, "user_id").or_else(|| sent.get("_id")?.as_object().and_then(|id| text(id, "$oid")));
    let email = text(sent, "email");
    let is_verified = flag(sent, "email_verified");
    if flag(sent, "blocked") {
        return Err(shut_out("blocked"));
    }
    if let Some(field) = ["multifactor", "mfa_factors"].into_iter().find(|name| has_entries(sent, name)) {
        return Err(second_factor(field));
    }
    let mut methods = Vec::new();
    if let Some(hash) = text(sent, "passwordHash").or_else(|| text(sent, "password_hash")) {
        let email = email.ok_or("email is missing beside the password hash")?;
        methods.push(with_hash(email, hash, "bcrypt").with("isVerified", is_verified));
    }
    for identity in objects(sent, "identities") {
        let name = text(identity, "provider").unwrap_or_default();
        if name == "auth0" {
            if methods.is_empty() {
                return Err("passwordHash is missing: ask Auth0's support for an export with password hashes".to_owned());
            }
            continue;
        }
        let account = identity.get("user_id").map(|id| id.as_str().map_or_else(|| id.to_text(), str::to_owned));
        let account = account.ok_or("user_id is missing in one of its identities")?;
        if name == "sms" || name == "email" {
            let contact = if name == "sms" {
                text(sent, "phone_number").map(|it| ("phoneNumber", it))
            } else {
                email.map(|it| ("email", it))
            };
            let (field, value) =
                contact.ok_or_else(|| format!("it has an identity of the kind {name} and nothing to send to"))?;
            methods.push(JsonObject::new().with("recipeId", "passwordless").with(field, value));
            continue;
        }
        let profile = identity.get("profileData").and_then(Json::as_object);
        let of_identity = profile.and_then(|profile| text(profile, "email"));
        let address = of_identity.or(email).ok_or_else(|| format!("email is missing beside the account at {name}"))?;
        let by_account = of_identity.is_some() && profile.is_some_and(|profile| flag(profile, "email_verified"));
        let is_verified = is_verified_of(address, (email, is_verified), by_account);
        methods.push(of_provider(provider(name), &account, address).with("isVerified", is_verified));
    }
    let mut metadata = JsonObject::new();
    for name in ["user_metadata", "app_metadata"] {
        if let Some(Json::Object(object)) = sent.get(name)
            && !object.is_empty()
        {
            metadata.insert(name, object.clone());
        }
    }
    for name in ["name", "given_name", "family_name", "nickname", "picture"] {
        if let Some(value) = text(sent, name) {
            metadata.insert(name, value);
        }
    }
    user(id, methods, metadata)
}

/// Its hash parameters are the usual ones of a project; the signer key belongs into the settings of the core.
fn firebase(sent: &JsonObject) -> Result<JsonObject, String> {
    let (email, is_verified) = (text(sent, "email"), flag(sent, "emailVerified"));
    if flag(sent, "disabled") {
        return Err(shut_out("disabled"));
    }
    if has_entries(sent, "mfaInfo") {
        return Err(second_factor("mfaInfo"));
    }
    let joined = sent.get("createdAt").and_then(millis);
    let with_time = |method: JsonObject| method.with_some("timeJoinedInMSSinceEpoch", joined);
    let standard = |text: &str| text.replace('-', "+").replace('_', "/");
    let mut methods = Vec::new();
    if let Some(hash) = text(sent, "passwordHash") {
        let email = email.ok_or("email is missing beside the password hash")?;
        let salt = text(sent, "salt").ok_or("salt is missing beside the password hash")?;
        // The memory cost, rounds and salt separator that every project of Firebase's has.
        let hash = format!("$f_scrypt${}${}$m=14$r=8$s=Bw==", standard(hash), standard(salt));
        methods.push(with_time(with_hash(email, &hash, "firebase_scrypt")).with("isVerified", is_verified));
    }
    for info in objects(sent, "providerUserInfo") {
        let (name, account) = (text(info, "providerId").unwrap_or_default(), text(info, "rawId"));
        if name == "password" || name == "phone" || name.is_empty() {
            continue;
        }
        let account = account.ok_or_else(|| format!("rawId is missing beside the account at {name}"))?;
        let address = text(info, "email").or(email).ok_or_else(|| format!("email is missing beside the account at {name}"))?;
        let is_verified = is_verified_of(address, (email, is_verified), false);
        methods.push(with_time(of_provider(provider(name), account, address)).with("isVerified", is_verified));
    }
    if let Some(number) = text(sent, "phoneNumber") {
        methods.push(with_time(JsonObject::new().with("recipeId", "passwordless").with("phoneNumber", number)));
    }
    let mut metadata = JsonObject::new();
    for name in ["displayName", "photoUrl"] {
        if let Some(value) = text(sent, name) {
            metadata.insert(name, value);
        }
    }
    if let Some(claims) = text(sent, "customAttributes").and_then(|claims| JsonObject::parse(claims).ok()) {
        metadata.insert("customAttributes", claims);
    }
    user(text(sent, "localId"), methods, metadata)
}

/// Of its hashes only Argon2's have a form here; PBKDF2, which it makes by default, has none.
fn keycloak(sent: &JsonObject) -> Result<JsonObject, String> {
    let name = text(sent, "username").unwrap_or_default();
    let email = text(sent, "email").or_else(|| Some(name).filter(|name| name.contains('@')));
    let is_verified = flag(sent, "emailVerified");
    if sent.get("enabled").and_then(Json::as_bool) == Some(false) {
        return Err(shut_out("enabled"));
    }
    let joined = sent.get("createdTimestamp").and_then(millis);
    let with_time = |method: JsonObject| method.with_some("timeJoinedInMSSinceEpoch", joined);
    let mut methods = Vec::new();
    for credential in objects(sent, "credentials") {
        let part = |name| text(credential, name).and_then(|text| JsonObject::parse(text).ok()).unwrap_or_default();
        match text(credential, "type") {
            Some("password") => {
                let hash = keycloak_hash(&part("credentialData"), &part("secretData"))?;
                let email = email.ok_or("email is missing beside the password hash")?;
                methods.push(with_time(with_hash(email, &hash, "argon2")).with("isVerified", is_verified));
            }
            Some(kind @ ("webauthn" | "webauthn-passwordless")) => {
                return Err(format!(
                    "credentials: a {kind} credential is bound to the server that it was made for, and cannot be imported"
                ));
            }
            Some(kind @ ("otp" | "totp" | "hotp" | "recovery-authn-codes")) => {
                return Err(second_factor(&format!("credentials (type {kind})")));
            }
            _ => {}
        }
    }
    for identity in objects(sent, "federatedIdentities") {
        let (at, account) =
            (text(identity, "identityProvider").unwrap_or_default(), text(identity, "userId").unwrap_or_default());
        let email = email.ok_or_else(|| format!("email is missing beside the account at {at}"))?;
        methods.push(with_time(of_provider(provider(at), account, email)).with("isVerified", is_verified));
    }
    let mut metadata = JsonObject::new();
    for name in ["username", "firstName", "lastName"] {
        if let Some(value) = text(sent, name) {
            metadata.insert(name, value);
        }
    }
    if let Some(Json::Object(attributes)) = sent.get("attributes") {
        metadata.insert("attributes", attributes.clone());
    }
    user(text(sent, "id"), methods, metadata)
}

fn keycloak_hash(data: &JsonObject, secret: &JsonObject) -> Result<String, String> {
    let algorithm = text(data, "algorithm").unwrap_or("none");
    if algorithm != "argon2" {
        return Err(format!(
            "credentials: a password hashed by {algorithm} has no form here; let this user set a new password (import the user with a \
             random plainTextPassword, and send a reset link)"
        ));
    }
    let parameters = data.get("additionalParameters").and_then(Json::as_object).cloned().unwrap_or_default();
    let parameter = |name: &str| {
        let values = parameters.get(name).and_then(Json::as_array).unwrap_or_default();
        values.first().and_then(Json::as_str).map(str::to_owned)
    };
    let wanted = |name: &str| parameter(name).ok_or_else(|| format!("credentials: additionalParameters.{name} is missing"));
    let kind = wanted("type")?;
    let kind = if ["i", "d", "id"].contains(&kind.as_str()) { format!("argon2{kind}") } else { kind };
    let version = match wanted("version")?.as_str() {
        "1.0" => 16,
        _ => 19,
    };
    let iterations = data.get("hashIterations").and_then(Json::as_i64).ok_or("credentials: hashIterations is missing")?;
    let unpadded = |name: &str| text(secret, name).map(|text| text.trim_end_matches('=').to_owned());
    let (salt, value) = (unpadded("salt"), unpadded("value"));
    let (salt, value) = (salt.ok_or("credentials: the salt is missing")?, value.ok_or("credentials: the hash is missing")?);
    let (memory, lanes) = (wanted("memory")?, wanted("parallelism")?);
    Ok(format!("${kind}$v={version}$m={memory},t={iterations},p={lanes}${salt}${value}"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::bulk_import::file::{Shape, Splitter};
    use crate::bulk_import::{Context, Ids, read};
    use crate::config::CoreConfig;
    use crate::emailpassword::cost::Caps;

    /// What comes of each user of a sample: the recipes of its login methods, or why it is refused.
    fn outcome(from: From, sample: &str) -> Vec<Result<String, String>> {
        let (mut pieces, mut splitter) = (Vec::new(), Splitter::from(Shape::of(sample.as_bytes()), 0, 0));
        splitter.read(sample.as_bytes(), &mut pieces);
        splitter.finish(&mut pieces);
        let tenants = BTreeMap::from([(crate::ids::TenantId::default(), String::new())]);
        let context = Context {
            roles: &BTreeSet::new(),
            tenants: &tenants,
            has_signer_key: true,
            caps: Caps::of(&CoreConfig::defaults()),
            now: 2_000_000_000_000,
        };
        let one = |text: Result<String, &'static str>| {
            let user = converted(from, &JsonObject::parse(&text.unwrap()).unwrap())?;
            let user = read(&user, &context, &mut BTreeSet::new(), &mut Ids::New(&mut || "i".repeat(36)))
                .map_err(|errors| errors.join(" "))?;
            let recipes: Vec<&str> = user.methods.iter().map(|method| method.login.recipe().as_str()).collect();
            Ok(format!("{} {}", user.shown_id(), recipes.join(" ")))
        };
        pieces.into_iter().map(|piece| one(piece.text)).collect()
    }

    /// What of each login method is verified, or why the user is refused.
    fn verified(from: From, user: &str) -> Result<Vec<bool>, String> {
        let user = converted(from, &JsonObject::parse(user).unwrap())?;
        Ok(objects(&user, "loginMethods").map(|method| flag(method, "isVerified")).collect())
    }

    #[test]
    fn an_address_is_verified_only_where_that_very_one_was() {
        let auth0 = |profile: &str| {
            let identity = format!(r#"[{{"provider":"facebook","user_id":"1"{profile}}}]"#);
            verified(From::Auth0, &format!(r#"{{"user_id":"a","email":"me@a.x","email_verified":true,"identities":{identity}}}"#))
        };
        assert_eq!(auth0(""), Ok(vec![true]));
        assert_eq!(auth0(r#","profileData":{"email":"ME@a.x"}"#), Ok(vec![true]));
        assert_eq!(auth0(r#","profileData":{"email":"ceo@victim.x"}"#), Ok(vec![false]));
        assert_eq!(auth0(r#","profileData":{"email":"ceo@victim.x","email_verified":false}"#), Ok(vec![false]));
        assert_eq!(auth0(r#","profileData":{"email":"other@a.x","email_verified":true}"#), Ok(vec![true]));
        let firebase = |address: &str| {
            let info = format!(r#"[{{"providerId":"google.com","rawId":"1","email":"{address}"}}]"#);
            verified(
                From::Firebase,
                &format!(r#"{{"localId":"a","email":"me@a.x","emailVerified":true,"providerUserInfo":{info}}}"#),
            )
        };
        assert_eq!((firebase("me@a.x"), firebase("ceo@victim.x")), (Ok(vec![true]), Ok(vec![false])));
    }

    #[test]
    fn who_may_not_log_in_there_or_needs_a_second_factor_is_refused_by_name() {
        let number = r#""localId":"a","phoneNumber":"+4915112345678""#;
        let account = r#""email":"me@a.x","federatedIdentities":[{"identityProvider":"google","userId":"1"}]"#;
        let identity = r#""email":"me@a.x","identities":[{"provider":"facebook","user_id":"1"}]"#;
        for (from, user, field) in [
            (From::Auth0, format!(r#"{{{identity},"blocked":true}}"#), "blocked"),
            (From::Auth0, format!(r#"{{{identity},"multifactor":["guardian"]}}"#), "multifactor"),
            (From::Firebase, format!(r#"{{{number},"disabled":true}}"#), "disabled"),
            (From::Firebase, format!(r#"{{{number},"mfaInfo":[{{"phoneInfo":"+1"}}]}}"#), "mfaInfo"),
            (From::Keycloak, format!(r#"{{{account},"enabled":false}}"#), "enabled"),
            (From::Keycloak, format!(r#"{{{account},"credentials":[{{"type":"otp"}}]}}"#), "credentials"),
        ] {
            assert!(verified(from, &user).unwrap_err().starts_with(field), "{user}");
        }
        assert!(verified(From::Auth0, &format!(r#"{{{identity},"blocked":false,"multifactor":[]}}"#)).is_ok());
        assert!(verified(From::Firebase, &format!(r#"{{{number},"disabled":false}}"#)).is_ok());
        assert!(verified(From::Keycloak, &format!(r#"{{{account},"enabled":true}}"#)).is_ok());
    }

    #[test]
    fn samples_of_each_system_come_in_but_for_what_has_no_form_here() {
        let ok = |text: &str| Ok(text.to_owned());
        let auth0 = outcome(From::Auth0, include_str!("../../../../testkit/fixtures/imports/auth0.ndjson"));
        assert_eq!(
            auth0[..2],
            [ok("auth0|5f7c8ec7c33c6c004bbafe82 emailpassword"), ok("google-oauth2|109842300000000000001 thirdparty")]
        );
        assert!(auth0[2].as_ref().unwrap_err().starts_with("passwordHash is missing"));
        let firebase = outcome(From::Firebase, include_str!("../../../../testkit/fixtures/imports/firebase.json"));
        assert_eq!(
            firebase,
            [ok("kV9xWmC3yLQ8aXw1oZ2uJq7TtB32 emailpassword thirdparty"), ok("Zr4tQpLm0NfY2hVb8sKcXw5EoA61 passwordless")]
        );
        let keycloak = outcome(From::Keycloak, include_str!("../../../../testkit/fixtures/imports/keycloak.json"));
        assert_eq!(keycloak[0], ok("0c1a7a4e-6a34-4d2e-9d56-6b7d4f1f2a11 emailpassword"));
        assert!(keycloak[1].as_ref().unwrap_err().contains("hashed by pbkdf2-sha512"), "{:?}", keycloak[1]);
        assert_eq!(keycloak[2], ok("7f9d1b52-24a8-4c0b-8a0f-3f5e6d7c8b99 thirdparty"));
    }
}
