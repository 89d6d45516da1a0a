//! Providers: what is kept, what is dropped, what is refused.

use super::*;

fn parse(config: &str) -> Result<Provider, String> {
    Provider::parse(&JsonObject::parse(config).unwrap()).map_err(|e| e.to_string())
}

fn checked(config: &str, checks: ProviderChecks) -> Result<(), String> {
    let provider = parse(config)?;
    check_providers(&[provider], checks).map_err(|e| e.to_string())
}

#[test]
fn a_full_provider_comes_back_as_it_was_sent() {
    let config = r#"{"thirdPartyId":"google","name":"Google","clients":[{"clientType":"web","clientId":"id","clientSecret":"s","scope":["email","profile"],"forcePKCE":true,"additionalConfig":{"hd":"example.com","n":1.0}},{"clientId":"two"}],"authorizationEndpoint":"https://a","authorizationEndpointQueryParams":{"p":"q","gone":null},"tokenEndpoint":"https://t","tokenEndpointBodyParams":{"x":null},"userInfoEndpoint":"https://u","userInfoEndpointQueryParams":{},"userInfoEndpointHeaders":{"h":null},"jwksURI":"https://j","oidcDiscoveryEndpoint":"https://o","requireEmail":false,"userInfoMap":{"fromIdTokenPayload":{"userId":"id","email":"mail","emailVerified":"ok"},"fromUserInfoAPI":{"userId":"sub"}}}"#;
    assert_eq!(parse(config).unwrap().to_json().to_text(), config);
}

#[test]
fn nulls_and_unknown_members_are_dropped_but_the_map_is_always_there() {
    let shown = parse(
        r#"{"thirdPartyId":" custom ","name":null,"clients":null,"unknown":1,"requireEmail":null,"tokenEndpointBodyParams":null,"userInfoMap":{"fromIdTokenPayload":null}}"#,
    );
    assert_eq!(
        shown.unwrap().to_json().to_text(),
        r#"{"thirdPartyId":"custom","clients":[],"userInfoMap":{"fromIdTokenPayload":{},"fromUserInfoAPI":{}}}"#
    );
    let shown = parse(r#"{"thirdPartyId":"c","clients":[{"clientType":"","clientId":"","scope":null,"more":true}]}"#).unwrap();
    assert_eq!(shown.to_json().get("clients").unwrap().to_text(), r#"[{"clientId":""}]"#);
}

#[test]
fn what_cannot_be_read() {
    let field = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    let too_long = |name: &str, n: usize| format!("Invalid third party config: {name} must not be longer than {n} characters");
    let long = |n: usize| "x".repeat(n);
    let cases = [
        ("{}".to_owned(), field("thirdPartyId")),
        (r#"{"thirdPartyId":null}"#.into(), field("thirdPartyId")),
        (r#"{"thirdPartyId":1}"#.into(), field("thirdPartyId")),
        (r#"{"thirdPartyId":"c","name":1}"#.into(), field("name")),
        (r#"{"thirdPartyId":"c","clients":{}}"#.into(), field("clients")),
        (r#"{"thirdPartyId":"c","clients":["x"]}"#.into(), field("clients")),
        (r#"{"thirdPartyId":"c","requireEmail":"yes"}"#.into(), field("requireEmail")),
        (r#"{"thirdPartyId":"c","userInfoEndpointHeaders":[]}"#.into(), field("userInfoEndpointHeaders")),
        (r#"{"thirdPartyId":"c","userInfoMap":{"fromUserInfoAPI":"x"}}"#.into(), field("fromUserInfoAPI")),
        (r#"{"thirdPartyId":"c","clients":[{"clientId":"i","scope":[1]}]}"#.into(), field("scope")),
        (r#"{"thirdPartyId":"c\u0000"}"#.into(), field("thirdPartyId")),
        (r#"{"thirdPartyId":"c","name":"a\u0000b"}"#.into(), field("name")),
        (r#"{"thirdPartyId":"c","clients":[{"clientId":"\u0000"}]}"#.into(), field("clientId")),
        (r#"{"thirdPartyId":"c","clients":[{"clientId":"i","scope":["a\u0000"]}]}"#.into(), field("scope")),
        (
            format!(r#"{{"thirdPartyId":"c","clients":[{}]}}"#, [r#"{"clientId":"i"}"#; 257].join(",")),
            "Invalid third party config: there must not be more than 256 clients".into(),
        ),
        (
            format!(r#"{{"thirdPartyId":"c","clients":[{{"clientId":"i","scope":[{}]}}]}}"#, [r#""s""#; 257].join(",")),
            "Invalid third party config: there must not be more than 256 scopes".into(),
        ),
        (
            r#"{"thirdPartyId":"c","clients":[{"clientId":"i","scope":["a",null]}]}"#.into(),
            "Invalid third party config: scope array cannot contain a null".into(),
        ),
        (r#"{"thirdPartyId":"c","clients":[{}]}"#.into(), "Invalid third party config: clientId cannot be null".into()),
        (
            r#"{"thirdPartyId":"c","clients":[{"clientId":null}]}"#.into(),
            "Invalid third party config: clientId cannot be null".into(),
        ),
        (format!(r#"{{"thirdPartyId":"{}"}}"#, long(29)), too_long("thirdPartyId", 28)),
        (format!(r#"{{"thirdPartyId":"c","name":"{}"}}"#, long(65)), too_long("name", 64)),
        (format!(r#"{{"thirdPartyId":"c","clients":[{{"clientId":"{}"}}]}}"#, long(257)), too_long("clientId", 256)),
        (
            format!(r#"{{"thirdPartyId":"c","clients":[{{"clientId":"i","clientType":"{}"}}]}}"#, long(65)),
            too_long("clientType", 64),
        ),
        (format!(r#"{{"thirdPartyId":"c","clients":[{{"clientId":"i","scope":["{}"]}}]}}"#, long(129)), too_long("scope", 128)),
        (
            format!(r#"{{"thirdPartyId":"c","userInfoMap":{{"fromUserInfoAPI":{{"email":"{}"}}}}}}"#, long(65)),
            too_long("userInfoMap.email", 64),
        ),
    ];
    for (config, sentence) in cases {
        assert_eq!(parse(&config).err(), Some(sentence), "{config}");
    }
    assert!(parse(&format!(r#"{{"thirdPartyId":"{}"}}"#, long(28))).is_ok());
}

#[test]
fn what_makes_no_sense() {
    let apple = "Invalid third party config: a non empty string value must be specified for keyId, teamId and privateKey in the additionalConfig for Apple provider";
    let hd = "Invalid third party config: hd in additionalConfig must be a non empty string value";
    let boxy = "Invalid third party config: a non empty string value must be specified for boxyURL in the additionalConfig for Boxy SAML provider";
    // Sentence, and whether `skipValidation` lets it pass.
    let cases: [(&str, Option<(&str, bool)>); 17] = [
        (r#"{"thirdPartyId":"apple"}"#, None),
        (r#"{"thirdPartyId":"apple","clients":[{"clientId":"i"}]}"#, Some((apple, true))),
        (
            r#"{"thirdPartyId":"apple-2","clients":[{"clientId":"i","additionalConfig":{"keyId":"k","teamId":"t"}}]}"#,
            Some((apple, true)),
        ),
        (
            r#"{"thirdPartyId":"apple","clients":[{"clientId":"i","additionalConfig":{"keyId":"k","teamId":"t","privateKey":""}}]}"#,
            Some((apple, true)),
        ),
        (
            r#"{"thirdPartyId":"apple","clients":[{"clientId":"i","additionalConfig":{"keyId":"k","teamId":"t","privateKey":"p"}}]}"#,
            None,
        ),
        (r#"{"thirdPartyId":"my-apple","clients":[{"clientId":"i"}]}"#, None),
        (r#"{"thirdPartyId":"google-workspaces","clients":[{"clientId":"i"}]}"#, None),
        (r#"{"thirdPartyId":"google-workspaces","clients":[{"clientId":"i","additionalConfig":{"hd":"x"}}]}"#, None),
        (r#"{"thirdPartyId":"google-workspaces-2","clients":[{"clientId":"i","additionalConfig":{"hd":""}}]}"#, Some((hd, true))),
        (r#"{"thirdPartyId":"google-workspaces","clients":[{"clientId":"i","additionalConfig":{"hd":1}}]}"#, Some((hd, true))),
        (r#"{"thirdPartyId":"google","clients":[{"clientId":"i","additionalConfig":{"hd":1}}]}"#, None),
        (r#"{"thirdPartyId":"boxy-saml","clients":[{"clientId":"i","additionalConfig":{"boxyURL":""}}]}"#, Some((boxy, true))),
        (r#"{"thirdPartyId":"boxy-saml","clients":[{"clientId":"i","additionalConfig":{"boxyURL":"u"}}]}"#, None),
        (r#"{"thirdPartyId":"boxy-saml","clients":[{"clientId":"i"}]}"#, None),
        (r#"{"thirdPartyId":"  "}"#, Some(("Invalid third party config: thirdPartyId cannot be null or empty", true))),
        (
            r#"{"thirdPartyId":"c","clients":[{"clientId":"i"},{"clientId":"j","clientType":null}]}"#,
            Some(("Invalid third party config: Duplicate clientType was specified in the clients list.", false)),
        ),
        (
            r#"{"thirdPartyId":"c","clients":[{"clientType":"w","clientId":"i"},{"clientType":"w","clientId":"j"}]}"#,
            Some(("Invalid third party config: Duplicate clientType was specified in the clients list.", false)),
        ),
    ];
    for (config, expected) in cases {
        let answer = checked(config, ProviderChecks::All);
        assert_eq!(answer.err().as_deref(), expected.map(|(sentence, _)| sentence), "{config}");
        let skippable = expected.is_none_or(|(_, skippable)| skippable);
        assert_eq!(checked(config, ProviderChecks::Skip).is_ok(), skippable, "{config}");
    }
}

#[test]
fn a_provider_replaces_the_one_with_its_id() {
    let mut providers = Vec::new();
    assert!(put_provider(&mut providers, parse(r#"{"thirdPartyId":"a","name":"one"}"#).unwrap()));
    assert!(put_provider(&mut providers, parse(r#"{"thirdPartyId":"b"}"#).unwrap()));
    assert!(!put_provider(&mut providers, parse(r#"{"thirdPartyId":"a","jwksURI":"u"}"#).unwrap()));
    assert_eq!(providers[0].name, None);
    assert_eq!(providers[0].jwks_uri.as_deref(), Some("u"));
    assert_eq!(providers.len(), 2);
    let twice = [providers[0].clone(), providers[0].clone()];
    assert_eq!(
        check_providers(&twice, ProviderChecks::Skip).unwrap_err().to_string(),
        "Invalid third party config: Duplicate ThirdPartyId was specified in the providers list."
    );
    assert!(remove_provider(&mut providers, "a"));
    assert!(!remove_provider(&mut providers, "a"));
    assert_eq!(providers.len(), 1);
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let provider = parse(
        r#"{"thirdPartyId":"c","clients":[{"clientId":"i","clientSecret":"hunter2","additionalConfig":{"privateKey":"hunter2"}}]}"#,
    );
    assert!(!format!("{:?}", provider.as_ref().unwrap()).contains("hunter2"));
    assert!(!format!("{:?}", provider.unwrap().clients).contains("hunter2"));
}
