//! The three generations of settings, each on tenants of every making.

use super::*;
use crate::tenancy::tests::tenant_id;

const SIX: &str = "emailpassword,thirdparty,otp-email,otp-phone,link-email,link-phone";
const FOUR: &str = "otp-email,otp-phone,link-email,link-phone";
use TenantShape::{V1From5, V1UpTo4, V2};

/// Booleans as letters (`ep`, `tp`, `pl`), lists as comma separated names; `-` is null and `[]` an empty list.
fn state(tenant: &Tenant) -> (String, String, String) {
    let letters = [(Recipe::EmailPassword, "ep"), (Recipe::ThirdParty, "tp"), (Recipe::Passwordless, "pl")];
    let on: Vec<&str> = letters.iter().filter(|(recipe, _)| tenant.recipes.get(*recipe)).map(|(_, word)| *word).collect();
    let list = |factors: &Option<Vec<String>>| match factors {
        None => "-".to_owned(),
        Some(factors) if factors.is_empty() => "[]".to_owned(),
        Some(factors) => factors.join(","),
    };
    (on.join(" "), list(&tenant.first_factors), list(&tenant.required_secondary_factors))
}

fn tenant(on: &str, first: &str, required: &str) -> Tenant {
    let mut tenant = Tenant::new(tenant_id("//t1"), V2);
    let list = |text: &str| match text {
        "-" => None,
        "[]" => Some(vec![]),
        text => Some(text.split(',').map(str::to_owned).collect()),
    };
    tenant.recipes =
        PerRecipe { email_password: on.contains("ep"), third_party: on.contains("tp"), passwordless: on.contains("pl") };
    tenant.first_factors = list(first);
    tenant.required_secondary_factors = list(required);
    tenant
}

fn put(tenant: &mut Tenant, shape: TenantShape, body: &str) -> Result<(), String> {
    let body = JsonObject::parse(body).unwrap();
    Settings::parse(&body, shape).and_then(|settings| settings.apply(tenant)).map_err(|e| e.to_string())
}

fn check(shape: TenantShape, cases: &[([&str; 3], &str, [&str; 3])]) {
    for ([on, first, required], body, [on_after, first_after, required_after]) in cases {
        let mut tenant = tenant(on, first, required);
        put(&mut tenant, shape, body).unwrap_or_else(|e| panic!("{on} {first} {required} {body}: {e}"));
        let expected = ((*on_after).to_owned(), (*first_after).to_owned(), (*required_after).to_owned());
        assert_eq!(state(&tenant), expected, "({on}) ({first}) ({required}) {body}");
    }
}

#[test]
fn who_sees_which_recipe_enabled() {
    let cases: [(&str, &str, [bool; 3], [bool; 3]); 9] = [
        ("ep tp pl", "-", [true; 3], [true; 3]),
        ("", "-", [false; 3], [false; 3]),
        ("ep tp pl", "[]", [false; 3], [false; 3]),
        ("ep tp pl", "emailpassword", [true, false, false], [true; 3]),
        ("ep", "emailpassword,thirdparty", [true, false, false], [true, false, false]),
        ("ep tp pl", "custom", [false; 3], [true; 3]),
        ("pl", "otp-phone", [false, false, true], [false, false, true]),
        ("ep tp pl", "link-email,thirdparty", [false, true, true], [true; 3]),
        ("tp", "emailpassword", [false; 3], [false, true, false]),
    ];
    for (on, first, up_to_4, v5) in cases {
        let tenant = tenant(on, first, "-");
        assert_eq!(Recipe::ALL.map(|r| tenant.is_enabled(r, EnabledView::UpTo4)), up_to_4, "{on} {first}");
        assert_eq!(Recipe::ALL.map(|r| tenant.is_enabled(r, EnabledView::V5)), v5, "{on} {first}");
        assert_eq!(Recipe::ALL.map(|r| tenant.is_enabled(r, EnabledView::From51)), [true; 3], "{on} {first}");
    }
}

#[test]
fn flags_of_the_oldest_callers_move_factors() {
    check(
        V1UpTo4,
        &[
            // An app as it is made, and with one recipe taken away.
            (["ep tp pl", "-", "-"], "{}", ["ep tp pl", "-", "-"]),
            (["ep tp pl", "-", "-"], r#"{"emailPasswordEnabled":true}"#, ["ep tp pl", "-", "-"]),
            (
                ["ep tp pl", "-", "-"],
                r#"{"emailPasswordEnabled":false}"#,
                ["ep tp pl", "thirdparty,otp-email,otp-phone,link-email,link-phone", "-"],
            ),
            (
                ["ep tp pl", "-", "-"],
                r#"{"thirdPartyEnabled":false,"passwordlessEnabled":false}"#,
                ["ep tp pl", "emailpassword", "-"],
            ),
            // A tenant as it is made at this version.
            (["", "[]", "-"], "{}", ["", "[]", "-"]),
            (["", "[]", "-"], r#"{"emailPasswordEnabled":true}"#, ["ep", "emailpassword", "-"]),
            (["", "[]", "-"], r#"{"passwordlessEnabled":true}"#, ["pl", FOUR, "-"]),
            (
                ["", "[]", "-"],
                r#"{"emailPasswordEnabled":true,"thirdPartyEnabled":true,"passwordlessEnabled":true}"#,
                ["ep tp pl", SIX, "-"],
            ),
            (["", "[]", "-"], r#"{"emailPasswordEnabled":false}"#, ["", "[]", "-"]),
            // One that was made at 5.x: off, and without a list.
            (["", "-", "-"], "{}", ["", "[]", "-"]),
            (["", "-", "-"], r#"{"thirdPartyEnabled":true}"#, ["tp", "thirdparty", "-"]),
            (["ep", "-", "-"], r#"{"thirdPartyEnabled":true}"#, ["ep tp", "emailpassword,thirdparty", "-"]),
            (["ep tp", "-", "-"], r#"{"passwordlessEnabled":true}"#, ["ep tp pl", "-", "-"]),
            // One that was made by /v2: everything on, and a list.
            (["ep tp pl", "[]", "-"], "{}", ["ep tp pl", "[]", "-"]),
            (["ep tp pl", "[]", "-"], r#"{"thirdPartyEnabled":true}"#, ["ep tp pl", "thirdparty", "-"]),
            (["ep tp pl", "custom", "totp"], r#"{"emailPasswordEnabled":true}"#, ["ep tp pl", "custom,emailpassword", "totp"]),
            (["ep tp pl", "custom,otp-phone", "-"], r#"{"passwordlessEnabled":true}"#, ["ep tp pl", "custom,otp-phone", "-"]),
            (["ep tp pl", "otp-phone,custom", "-"], r#"{"passwordlessEnabled":false}"#, ["ep tp pl", "custom", "-"]),
            // A factor whose recipe is off goes, whatever the flags say.
            (["tp", "emailpassword,thirdparty", "-"], "{}", ["tp", "thirdparty", "-"]),
            (
                ["tp", "emailpassword,thirdparty", "-"],
                r#"{"emailPasswordEnabled":true}"#,
                ["ep tp", "emailpassword,thirdparty", "-"],
            ),
            // Lists are not looked at.
            (["ep tp pl", "-", "-"], r#"{"firstFactors":7,"requiredSecondaryFactors":"x"}"#, ["ep tp pl", "-", "-"]),
            // A number is false.
            (["ep tp pl", "thirdparty,emailpassword", "-"], r#"{"emailPasswordEnabled":1}"#, ["ep tp pl", "thirdparty", "-"]),
            // And an array of one is that one.
            (
                ["ep tp pl", "thirdparty,emailpassword", "-"],
                r#"{"emailPasswordEnabled":[[false]]}"#,
                ["ep tp pl", "thirdparty", "-"],
            ),
        ],
    );
}

#[test]
fn callers_of_5_have_both_flags_and_lists() {
    check(
        V1From5,
        &[
            (["ep tp pl", "-", "-"], "{}", ["ep tp pl", "-", "-"]),
            (["", "-", "-"], "{}", ["", "-", "-"]),
            (["", "-", "-"], r#"{"emailPasswordEnabled":true}"#, ["ep", "-", "-"]),
            (["ep tp pl", "-", "-"], r#"{"emailPasswordEnabled":false}"#, ["tp pl", "-", "-"]),
            // Switching on out of an empty list starts afresh.
            (["ep tp pl", "[]", "-"], r#"{"thirdPartyEnabled":true}"#, ["tp", "-", "-"]),
            (["", "[]", "-"], r#"{"emailPasswordEnabled":true,"passwordlessEnabled":true}"#, ["ep pl", "-", "-"]),
            (["ep tp pl", "[]", "-"], r#"{"thirdPartyEnabled":false}"#, ["ep pl", "[]", "-"]),
            // Switching off takes the factors away, from both lists.
            (
                ["ep tp pl", "emailpassword,thirdparty", "emailpassword"],
                r#"{"emailPasswordEnabled":false}"#,
                ["tp pl", "thirdparty", "-"],
            ),
            (["ep tp pl", "otp-phone,custom", "otp-email,totp"], r#"{"passwordlessEnabled":false}"#, ["ep tp", "custom", "totp"]),
            // Unless the list is given.
            (
                ["ep tp pl", "emailpassword,thirdparty", "-"],
                r#"{"emailPasswordEnabled":false,"firstFactors":["thirdparty"]}"#,
                ["tp pl", "thirdparty", "-"],
            ),
            (["ep tp pl", "emailpassword", "-"], r#"{"emailPasswordEnabled":false,"firstFactors":null}"#, ["tp pl", "-", "-"]),
            // A listed factor switches its recipe on.
            (["", "-", "-"], r#"{"firstFactors":["emailpassword","custom"]}"#, ["ep", "emailpassword,custom", "-"]),
            (["", "[]", "-"], r#"{"firstFactors":["link-phone"]}"#, ["pl", "link-phone", "-"]),
            (["tp", "thirdparty", "-"], r#"{"firstFactors":["emailpassword"]}"#, ["ep tp", "emailpassword", "-"]),
            (["ep", "-", "totp"], r#"{"requiredSecondaryFactors":null}"#, ["ep", "-", "-"]),
            // A recipe that is switched on for the second step only does not become a first factor.
            (["ep", "-", "-"], r#"{"requiredSecondaryFactors":["otp-email"]}"#, ["ep pl", "emailpassword", "otp-email"]),
            (
                ["ep tp", "-", "-"],
                r#"{"requiredSecondaryFactors":["otp-email","totp"]}"#,
                ["ep tp pl", "emailpassword,thirdparty", "otp-email,totp"],
            ),
            (["ep tp pl", "-", "-"], r#"{"requiredSecondaryFactors":["otp-email"]}"#, ["ep tp pl", "-", "otp-email"]),
            (
                ["ep", "-", "-"],
                r#"{"passwordlessEnabled":true,"requiredSecondaryFactors":["otp-email"]}"#,
                ["ep pl", "-", "otp-email"],
            ),
            (["ep", "-", "-"], r#"{"firstFactors":null,"requiredSecondaryFactors":["otp-email"]}"#, ["ep pl", "-", "otp-email"]),
            (["ep", "custom", "-"], r#"{"requiredSecondaryFactors":["otp-email"]}"#, ["ep pl", "custom", "otp-email"]),
            (["", "-", "-"], r#"{"requiredSecondaryFactors":["emailpassword"]}"#, ["ep", "[]", "emailpassword"]),
            // Whatever is listed in the end is on.
            (["tp", "emailpassword", "otp-email"], "{}", ["ep tp pl", "emailpassword", "otp-email"]),
        ],
    );
}

#[test]
fn v2_lists_say_everything() {
    check(
        V2,
        &[
            (["ep tp pl", "-", "-"], "{}", ["ep tp pl", "-", "-"]),
            (["ep", "-", "-"], "{}", ["ep", "-", "-"]),
            (["ep tp pl", "[]", "-"], r#"{"firstFactors":["custom"]}"#, ["ep tp pl", "custom", "-"]),
            (["ep tp pl", "emailpassword", "totp"], r#"{"firstFactors":[]}"#, ["ep tp pl", "[]", "totp"]),
            (["ep tp pl", "emailpassword", "-"], r#"{"firstFactors":null}"#, ["ep tp pl", "-", "-"]),
            (["ep tp pl", "-", "-"], r#"{"requiredSecondaryFactors":["totp"]}"#, ["ep tp pl", "-", "totp"]),
            (["ep tp pl", "-", "totp"], r#"{"requiredSecondaryFactors":[]}"#, ["ep tp pl", "-", "-"]),
            (["ep tp pl", "-", "totp"], r#"{"requiredSecondaryFactors":null}"#, ["ep tp pl", "-", "-"]),
            // What the booleans said is written down before they are all switched on.
            (["ep", "-", "-"], r#"{"requiredSecondaryFactors":["totp"]}"#, ["ep tp pl", "emailpassword", "totp"]),
            (
                ["ep pl", "-", "-"],
                r#"{"requiredSecondaryFactors":null}"#,
                ["ep tp pl", "emailpassword,otp-email,otp-phone,link-email,link-phone", "-"],
            ),
            (["", "-", "-"], r#"{"requiredSecondaryFactors":["totp"]}"#, ["ep tp pl", "[]", "totp"]),
            (["ep", "-", "-"], r#"{"firstFactors":null}"#, ["ep tp pl", "-", "-"]),
            (["ep", "emailpassword", "-"], r#"{"firstFactors":["a.b_c-d(1)"]}"#, ["ep tp pl", "a.b_c-d(1)", "-"]),
        ],
    );
}

#[test]
fn what_is_refused_and_how() {
    let flag = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    let long = "x".repeat(129);
    let cases: Vec<(TenantShape, String, String)> = [
        (V1UpTo4, r#"{"emailPasswordEnabled":"true"}"#, flag("emailPasswordEnabled")),
        (V1UpTo4, r#"{"thirdPartyEnabled":null}"#, flag("thirdPartyEnabled")),
        (V1From5, r#"{"passwordlessEnabled":[]}"#, flag("passwordlessEnabled")),
        (V1From5, r#"{"passwordlessEnabled":[true,true]}"#, flag("passwordlessEnabled")),
        (V1From5, r#"{"passwordlessEnabled":["true"]}"#, flag("passwordlessEnabled")),
        (V1From5, r#"{"firstFactors":"x"}"#, flag("firstFactors")),
        (V1From5, r#"{"firstFactors":[1]}"#, flag("firstFactors")),
        (V2, r#"{"firstFactors":{}}"#, flag("firstFactors")),
        (V2, r#"{"requiredSecondaryFactors":[null]}"#, flag("requiredSecondaryFactors")),
        (V1From5, r#"{"firstFactors":["a","a"]}"#, "firstFactors input should not contain duplicate values".into()),
        (V2, r#"{"requiredSecondaryFactors":["a","b","a"]}"#, "requiredSecondaryFactors input should not contain duplicate values".into()),
        (V1From5, r#"{"firstFactors":[]}"#, "firstFactors cannot be empty. Set null instead to remove all first factors.".into()),
        (
            V1From5,
            r#"{"requiredSecondaryFactors":[]}"#,
            "requiredSecondaryFactors cannot be empty. Set null instead to remove all required secondary factors.".into(),
        ),
        (
            V1From5,
            r#"{"emailPasswordEnabled":false,"firstFactors":["emailpassword"]}"#,
            "Invalid core config: firstFactors should not contain 'emailpassword' because emailPassword is disabled for the tenant."
                .into(),
        ),
        (
            V1From5,
            r#"{"thirdPartyEnabled":false,"firstFactors":["custom","thirdparty"]}"#,
            "Invalid core config: firstFactors should not contain 'thirdparty' because thirdParty is disabled for the tenant.".into(),
        ),
        (
            V1From5,
            r#"{"passwordlessEnabled":false,"requiredSecondaryFactors":["link-email"]}"#,
            "Invalid core config: requiredSecondaryFactors should not contain 'link-email' because passwordless is disabled for the tenant."
                .into(),
        ),
        (V2, r#"{"emailPasswordEnabled":true}"#, "emailPasswordEnabled is not a valid input for this API".into()),
        (V2, r#"{"thirdPartyEnabled":null}"#, "thirdParty is not a valid input for this API".into()),
        (V2, r#"{"passwordlessEnabled":1}"#, "passwordless is not a valid input for this API".into()),
        (V2, r#"{"firstFactors":["a b"]}"#, "firstFactors should contain only 0-9,a-z,A-Z,_,.,- characters".into()),
        (V2, r#"{"firstFactors":[""]}"#, "firstFactors should contain only 0-9,a-z,A-Z,_,.,- characters".into()),
        (
            V1From5,
            r#"{"requiredSecondaryFactors":["ä"]}"#,
            "requiredSecondaryFactors should contain only 0-9,a-z,A-Z,_,.,- characters".into(),
        ),
    ]
    .into_iter()
    .map(|(shape, body, sentence)| (shape, body.to_owned(), sentence))
    .chain([
        (
            V2,
            format!(r#"{{"firstFactors":["{long}"]}}"#),
            "firstFactors should not contain names longer than 128 characters".to_owned(),
        ),
        (
            V1From5,
            format!(r#"{{"requiredSecondaryFactors":[{}]}}"#, [r#""a""#; 257].join(",")),
            "requiredSecondaryFactors should not contain more than 256 values".to_owned(),
        ),
    ])
    .collect();
    for (shape, body, sentence) in cases {
        let mut tenant = tenant("ep tp pl", "-", "-");
        assert_eq!(put(&mut tenant, shape, &body), Err(sentence), "{shape:?} {body}");
    }
}

#[test]
fn nobody_is_locked_out_by_a_contradiction() {
    let mut tenant = tenant("tp", "thirdparty", "-");
    let answer = put(&mut tenant, V1From5, r#"{"emailPasswordEnabled":true,"thirdPartyEnabled":false}"#);
    assert!(answer.unwrap_err().starts_with("Invalid core config: emailPassword cannot be enabled"));
}

#[test]
fn what_one_generation_writes_the_others_can_read() {
    let shown = |tenant: &Tenant| {
        let json = |shape| tenant.to_json(shape, &JsonObject::new());
        let enabled = |shape| {
            ["emailPassword", "thirdParty", "passwordless"].map(|name| {
                json(shape).get(name).and_then(Json::as_object).and_then(|o| o.get("enabled")).and_then(Json::as_bool).unwrap()
            })
        };
        (enabled(V1UpTo4), enabled(V1From5), json(V2).get("firstFactors").map(Json::to_text))
    };
    // Made by /v2 with a list; both older generations then see a sensible tenant.
    let mut tenant = Tenant::new(tenant_id("//t1"), V2);
    put(&mut tenant, V2, r#"{"firstFactors":["emailpassword","custom"],"requiredSecondaryFactors":["emailpassword","custom"]}"#)
        .unwrap();
    assert_eq!(shown(&tenant), ([true, false, false], [true, true, true], Some(r#"["emailpassword","custom"]"#.into())));
    // Then an old caller switches another recipe on.
    put(&mut tenant, V1UpTo4, r#"{"thirdPartyEnabled":true}"#).unwrap();
    assert_eq!(
        shown(&tenant),
        ([true, true, false], [true, true, true], Some(r#"["emailpassword","custom","thirdparty"]"#.into()))
    );
    // And a caller of 5.0 switches the first one off: it goes out of both lists.
    put(&mut tenant, V1From5, r#"{"emailPasswordEnabled":false}"#).unwrap();
    assert_eq!(state(&tenant), ("tp pl".into(), "custom,thirdparty".into(), "custom".into()));

    // Made by an old caller, and by nobody's wish: nothing is enabled.
    let old = Tenant::new(tenant_id("//t1"), V1UpTo4);
    assert_eq!(shown(&old), ([false; 3], [false; 3], Some("[]".into())));
    let from5 = Tenant::new(tenant_id("//t1"), V1From5);
    assert_eq!(shown(&from5), ([false; 3], [false; 3], Some("[]".into())));
}

#[test]
fn no_settings_leave_an_empty_second_list_or_a_listed_recipe_off() {
    let lists =
        ["", r#""firstFactors":["emailpassword"],"#, r#""firstFactors":null,"#, r#""firstFactors":["totp","link-email"],"#];
    let flags = ["", r#""emailPasswordEnabled":true,"#, r#""emailPasswordEnabled":false,"#, r#""passwordlessEnabled":false,"#];
    let starts = [
        ["ep tp pl", "-", "-"],
        ["", "[]", "-"],
        ["", "-", "-"],
        ["ep", "emailpassword,totp", "emailpassword"],
        ["tp pl", "otp-phone", "thirdparty"],
    ];
    for [on, first, required] in starts {
        for list in lists {
            for flag in flags {
                for shape in [V1UpTo4, V1From5, V2] {
                    let body = format!("{{{list}{flag}\"x\":1}}");
                    let mut tenant = tenant(on, first, required);
                    if put(&mut tenant, shape, &body).is_err() {
                        continue;
                    }
                    assert_ne!(tenant.required_secondary_factors, Some(vec![]), "{shape:?} {body}");
                    if shape == V1From5 {
                        let listed = tenant.first_factors.iter().chain(&tenant.required_secondary_factors).flatten();
                        for recipe in listed.filter_map(|factor| Recipe::of_factor(factor)) {
                            assert!(tenant.recipes.get(recipe), "{on} {first} {required} {body}");
                        }
                    }
                }
            }
        }
    }
}
