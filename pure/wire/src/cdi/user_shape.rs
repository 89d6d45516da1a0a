//! A user as answers show it (core-users.md 1.1 to 1.3): with all login methods, or below 4.0 as the oldest of them alone. Ids are the
//! external ones where there is a mapping; everything that has no order of its own is sorted.

use supertokens_domain::accounts::{AuthRecipe, Group, Login, LoginMethod, ThirdParty};
use supertokens_domain::ids::TenantId;
use supertokens_domain::json::{Json, JsonObject};

use crate::version::Rules;

/// A user in the shape of a version. None where a version has no shape for the oldest login method: passkeys below 4.0.
// Quirk: below 4.0 it is the oldest login method, whatever the recipe that was asked.
pub fn user(group: &Group, rules: &Rules) -> Option<JsonObject> {
    if rules.user_objects { Some(whole_user(group, rules)) } else { of_one_recipe(group.methods.first()?, rules) }
}

/// Puts who logged in, by which method, into an answer. Where the version has no shape for the oldest login method, the one that was
/// used stands for it.
pub fn with_login(answer: JsonObject, group: &Group, recipe_user_id: &str, rules: &Rules) -> JsonObject {
    let used = group.method(recipe_user_id).map(|used| used.shown_id().to_owned());
    let answer = with_user(answer, group, recipe_user_id, rules);
    answer.with_some("recipeUserId", used.filter(|_| rules.user_objects))
}

/// The same without naming the method.
pub fn with_user(answer: JsonObject, group: &Group, recipe_user_id: &str, rules: &Rules) -> JsonObject {
    let of_method = || user(&group.only(recipe_user_id)?, rules);
    answer.with("user", user(group, rules).or_else(of_method).unwrap_or_else(|| whole_user(group, rules)))
}

/// The member of a question that names a login method.
pub fn id_field(rules: &Rules) -> &'static str {
    if rules.user_objects { "recipeUserId" } else { "userId" }
}

/// A user with all login methods: what the general questions answer at every version.
pub fn whole_user(group: &Group, rules: &Rules) -> JsonObject {
    let emails = |method: &&LoginMethod| rules.passkeys || method.recipe() != AuthRecipe::Webauthn;
    let mut emails: Vec<&str> = group.methods.iter().filter(emails).filter_map(|method| method.login.email()).collect();
    emails.sort_unstable();
    emails.dedup();
    JsonObject::new()
        .with("id", group.shown_id())
        .with("isPrimaryUser", group.is_primary)
        .with("tenantIds", tenant_ids(group.tenants()))
        .with("timeJoined", group.time_joined())
        .with("emails", emails)
        .with("phoneNumbers", group.phones().into_iter().collect::<Vec<_>>())
        .with("thirdParty", group.third_parties().into_iter().map(third_party).collect::<Vec<_>>())
        .with_some("webauthn", rules.passkeys.then(|| credentials(group.credential_ids())))
        .with("loginMethods", group.methods.iter().map(|method| login_method(method, rules)).collect::<Vec<_>>())
}

/// The same as an entry of the list of users, which below 4.0 names the recipe beside it.
pub fn list_entry(group: &Group, rules: &Rules) -> Option<JsonObject> {
    let shown = user(group, rules)?;
    if rules.user_objects {
        return Some(shown);
    }
    let recipe = group.methods.first()?.recipe();
    Some(JsonObject::new().with("recipeId", recipe.as_str()).with("user", shown))
}

fn login_method(method: &LoginMethod, rules: &Rules) -> JsonObject {
    let passkeys = method.login.credential_ids().filter(|_| rules.passkeys);
    JsonObject::new()
        .with("tenantIds", tenant_ids(&method.tenants))
        .with("recipeUserId", method.shown_id())
        .with("verified", method.is_verified)
        .with("timeJoined", method.time_joined)
        .with("recipeId", method.recipe().as_str())
        .with_some("email", method.login.email())
        .with_some("phoneNumber", method.login.phone())
        .with_some("thirdParty", method.login.third_party().map(third_party))
        .with_some("webauthn", passkeys.map(|ids| credentials(ids.iter().map(String::as_str))))
}

fn of_one_recipe(method: &LoginMethod, rules: &Rules) -> Option<JsonObject> {
    let shown = JsonObject::new()
        .with("id", method.shown_id())
        .with("timeJoined", method.time_joined)
        .with_some("tenantIds", rules.tenants.then(|| tenant_ids(&method.tenants)));
    match &method.login {
        Login::EmailPassword { email } => Some(shown.with("email", email.as_str())),
        Login::ThirdParty { third_party: account, email } => {
            Some(shown.with("email", email.as_str()).with("thirdParty", third_party(account)))
        }
        Login::Passwordless { email, phone } => {
            Some(shown.with_some("email", email.as_deref()).with_some("phoneNumber", phone.as_deref()))
        }
        Login::Webauthn { .. } => None,
    }
}

fn tenant_ids<'a>(tenants: impl IntoIterator<Item = &'a TenantId>) -> Vec<&'a str> {
    tenants.into_iter().map(TenantId::as_str).collect()
}

fn third_party(account: &ThirdParty) -> JsonObject {
    JsonObject::new().with("id", account.id.as_str()).with("userId", account.user_id.as_str())
}

fn credentials<'a>(ids: impl IntoIterator<Item = &'a str>) -> JsonObject {
    JsonObject::new().with("credentialIds", Json::Array(ids.into_iter().map(Json::from).collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::version::CdiVersion;

    const VERSIONS: [(u16, u16); 6] = [(2, 9), (3, 0), (3, 1), (4, 0), (5, 2), (5, 3)];

    fn rules((major, minor): (u16, u16)) -> Rules {
        CdiVersion { major, minor }.rules()
    }

    fn method(id: &str, time_joined: i64, tenants: &[&str], login: Login) -> LoginMethod {
        LoginMethod {
            recipe_user_id: id.into(),
            external_id: None,
            login,
            tenants: tenants.iter().map(|tenant| TenantId::normalise(tenant)).collect(),
            time_joined,
            is_verified: false,
        }
    }

    fn password(id: &str) -> LoginMethod {
        method(id, 7, &["public"], Login::EmailPassword { email: "a@x".into() })
    }

    fn google() -> Login {
        Login::ThirdParty { third_party: ThirdParty { id: "google".into(), user_id: "g1".into() }, email: "b@x".into() }
    }

    fn passkey() -> Login {
        Login::Webauthn { email: "w@x".into(), credential_ids: BTreeSet::from(["k2".to_owned(), "k1".to_owned()]) }
    }

    /// What `user` says at each version of a table, one version and text to a line.
    fn shown(group: &Group, expected: &[(u16, u16, &str)]) {
        for (major, minor, text) in expected {
            let said = user(group, &rules((*major, *minor))).map(|user| user.to_text());
            assert_eq!(said.as_deref().unwrap_or("nothing"), *text, "{major}.{minor}");
        }
    }

    #[test]
    fn a_password_alone() {
        let new = concat!(
            r#"{"id":"u","isPrimaryUser":false,"tenantIds":["public"],"timeJoined":7,"emails":["a@x"],"phoneNumbers":[],"#,
            r#""thirdParty":[],"loginMethods":[{"tenantIds":["public"],"recipeUserId":"u","verified":false,"timeJoined":7,"#,
            r#""recipeId":"emailpassword","email":"a@x"}]}"#
        );
        let with_passkeys = new.replace(r#""loginMethods""#, r#""webauthn":{"credentialIds":[]},"loginMethods""#);
        shown(
            &Group::alone(password("u")),
            &[
                (2, 9, r#"{"id":"u","timeJoined":7,"email":"a@x"}"#),
                (3, 0, r#"{"id":"u","timeJoined":7,"tenantIds":["public"],"email":"a@x"}"#),
                (3, 1, r#"{"id":"u","timeJoined":7,"tenantIds":["public"],"email":"a@x"}"#),
                (4, 0, new),
                (5, 2, new),
                (5, 3, &with_passkeys),
                (5, 6, &with_passkeys),
            ],
        );
    }

    #[test]
    fn each_recipe_below_4() {
        let contact = |email: Option<&str>, phone: Option<&str>| Login::Passwordless {
            email: email.map(Into::into),
            phone: phone.map(Into::into),
        };
        for (login, old) in [
            (google(), r#""email":"b@x","thirdParty":{"id":"google","userId":"g1"}"#),
            (contact(Some("c@x"), None), r#""email":"c@x""#),
            (contact(None, Some("+1")), r#""phoneNumber":"+1""#),
            (contact(Some("c@x"), Some("+1")), r#""email":"c@x","phoneNumber":"+1""#),
        ] {
            let group = Group::alone(method("u", 7, &[], login));
            let before_tenants = format!(r#"{{"id":"u","timeJoined":7,{old}}}"#);
            let with_tenants = format!(r#"{{"id":"u","timeJoined":7,"tenantIds":[],{old}}}"#);
            shown(&group, &[(2, 7, &before_tenants), (2, 21, &before_tenants), (3, 0, &with_tenants)]);
        }
        shown(&Group::alone(method("u", 7, &[], passkey())), &[(2, 9, "nothing"), (3, 1, "nothing")]);
    }

    /// Everything at once: linked and mapped, several tenants, what is equal said once, and all of it sorted.
    #[test]
    fn a_linked_group() {
        let mut second = method("m2", 5, &["t2", "public"], google());
        second.external_id = Some("ext2".into());
        second.is_verified = true;
        let phone = Login::Passwordless { email: Some("a@x".into()), phone: Some("+1".into()) };
        let methods = vec![password("m1"), method("m4", 9, &["t1"], passkey()), method("m3", 6, &["t1"], phone), second];
        let mut group = Group { external_id: Some("ext".into()), is_primary: true, ..Group::alone(password("m1")) };
        group = group.with_methods(methods);
        let whole = concat!(
            r#"{"id":"ext","isPrimaryUser":true,"tenantIds":["public","t1","t2"],"timeJoined":5,"emails":["a@x","b@x","w@x"],"#,
            r#""phoneNumbers":["+1"],"thirdParty":[{"id":"google","userId":"g1"}],"webauthn":{"credentialIds":["k1","k2"]},"#,
            r#""loginMethods":[{"tenantIds":["public","t2"],"recipeUserId":"ext2","verified":true,"timeJoined":5,"#,
            r#""recipeId":"thirdparty","email":"b@x","thirdParty":{"id":"google","userId":"g1"}},"#,
            r#"{"tenantIds":["t1"],"recipeUserId":"m3","verified":false,"timeJoined":6,"recipeId":"passwordless","#,
            r#""email":"a@x","phoneNumber":"+1"},"#,
            r#"{"tenantIds":["public"],"recipeUserId":"m1","verified":false,"timeJoined":7,"recipeId":"emailpassword","#,
            r#""email":"a@x"},{"tenantIds":["t1"],"recipeUserId":"m4","verified":false,"timeJoined":9,"recipeId":"webauthn","#,
            r#""email":"w@x","webauthn":{"credentialIds":["k1","k2"]}}]}"#
        );
        let without_passkeys = whole
            .replace(r#","w@x"],"#, "],")
            .replace(r#""webauthn":{"credentialIds":["k1","k2"]},"loginMethods""#, r#""loginMethods""#)
            .replace(r#","webauthn":{"credentialIds":["k1","k2"]}}"#, "}");
        let oldest = r#"{"id":"ext2","timeJoined":5,"email":"b@x","thirdParty":{"id":"google","userId":"g1"}}"#;
        let oldest_with_tenants = oldest.replace(r#""email""#, r#""tenantIds":["public","t2"],"email""#);
        shown(
            &group,
            &[(2, 9, oldest), (3, 1, &oldest_with_tenants), (4, 0, &without_passkeys), (5, 2, &without_passkeys), (5, 3, whole)],
        );
        for (version, text) in
            [((2, 9), &*without_passkeys), ((3, 1), &without_passkeys), ((5, 2), &without_passkeys), ((5, 6), whole)]
        {
            assert_eq!(whole_user(&group, &rules(version)).to_text(), text, "{version:?}");
        }
    }

    #[test]
    fn who_logged_in_is_shown_by_the_method_where_the_oldest_cannot_be() {
        let methods = vec![method("k", 1, &["public"], passkey()), password("m")];
        let group = Group { is_primary: true, ..Group::alone(methods[1].clone()) }.with_methods(methods);
        let shown = |version| with_login(JsonObject::new(), &group, "m", &rules(version)).to_text();
        let old = r#"{"user":{"id":"m","timeJoined":7,"tenantIds":["public"],"email":"a@x"}}"#;
        assert_eq!(shown((3, 1)), old);
        for version in [(4, 0), (5, 6)] {
            let whole = whole_user(&group, &rules(version)).to_text();
            assert_eq!(shown(version), format!(r#"{{"user":{whole},"recipeUserId":"m"}}"#));
        }
    }

    #[test]
    fn a_list_names_the_recipe_below_4() {
        let (alone, with_passkey) = (Group::alone(password("u")), Group::alone(method("u", 7, &[], passkey())));
        for version in VERSIONS {
            let rules = rules(version);
            let (entry, shown) = (list_entry(&alone, &rules).unwrap(), user(&alone, &rules).unwrap());
            if version < (4, 0) {
                assert_eq!(entry, JsonObject::new().with("recipeId", "emailpassword").with("user", shown));
            } else {
                assert_eq!(entry, shown);
            }
            assert_eq!(list_entry(&with_passkey, &rules).is_some(), version >= (4, 0), "{version:?}");
        }
    }
}
