//! The known answers of the vectors, every rejection of sdk-session.md 6.3, and forgeries: nothing altered, unsigned or foreign
//! may verify, and no text may panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, mint};

use super::*;
use crate::test_keys as keys;

const NOW: Millis = 1_700_000_000_123;
const V5_HEADER: &str = r#"{"kid":"d-1700000000000","typ":"JWT","version":"5","alg":"RS256"}"#;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../testkit/vectors/access_tokens.json")).unwrap()
}

fn version(number: u64) -> TokenVersion {
    match number {
        1 | 2 => TokenVersion::V2,
        3 => TokenVersion::V3,
        4 => TokenVersion::V4,
        _ => TokenVersion::V5,
    }
}

fn v5() -> Value {
    json!({
        "iat": 1_700_000_000, "exp": 1_700_003_600, "sub": "primary", "tId": "t1", "rsub": "recipe", "sessionHandle": "h",
        "refreshTokenHash1": "r", "parentRefreshTokenHash1": null, "antiCsrfToken": null, "role": "admin"
    })
}

fn v2() -> Value {
    json!({
        "userId": "u", "expiryTime": NOW + 1, "timeCreated": NOW, "sessionHandle": "h", "refreshTokenHash1": "r",
        "userData": {"a": 1.0}
    })
}

/// The payload with members replaced, or removed where the new value is absent.
fn with(mut payload: Value, changes: &[(&str, Option<Value>)]) -> Value {
    let members = payload.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Some(value) => drop(members.insert((*name).into(), value.clone())),
            None => drop(members.remove(*name)),
        }
    }
    payload
}

fn legacy(payload: &str) -> String {
    let signed = format!("{}.{}", LEGACY_HEADERS[1], STANDARD.encode(payload));
    format!("{signed}.{}", STANDARD.encode(keys::sign(&signed)))
}

/// What parsing makes of a V5 token with this payload.
fn claims(payload: &Value) -> Result<TokenClaims, BadToken> {
    parse(&keys::token(V5_HEADER, &payload.to_string())).map(ParsedToken::into_claims)
}

/// What parsing makes of a token with this header and the payload of a V5.
fn header(header: &Value) -> Result<TokenVersion, BadToken> {
    let token = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(v5().to_string()));
    parse(&token).map(|token| token.version())
}

fn accepted(token: &str) -> bool {
    parse(token).is_ok_and(|token| token.signed_by(&keys::published("dynamic")))
}

#[test]
fn tokens_of_the_vectors_verify_and_say_what_they_say() {
    for case in vectors()["valid"].as_array().unwrap() {
        let (name, expect) = (case["name"].as_str().unwrap(), &case["expect"]);
        let token = parse(case["token"].as_str().unwrap()).unwrap();
        let signer = case["sign_key"].as_str().unwrap();
        assert!(token.signed_by(&keys::published(signer)), "{name}");
        assert!(!token.signed_by(&keys::published("other")), "{name}");
        assert_eq!(token.version(), version(case["version"].as_u64().unwrap()), "{name}");
        assert_eq!(token.kid(), expect["kid"].as_str(), "{name}");
        let payload: Value = serde_json::from_str(case["payload_json"].as_str().unwrap()).unwrap();
        let claims = token.into_claims();
        assert_eq!(claims.user_id, expect["primaryUserId"].as_str().unwrap(), "{name}");
        assert_eq!(claims.recipe_user_id, expect["recipeUserId"].as_str().unwrap(), "{name}");
        assert_eq!(claims.tenant_id, expect["tenantId"].as_str().unwrap(), "{name}");
        assert_eq!(claims.session_handle, expect["sessionHandle"].as_str().unwrap(), "{name}");
        assert_eq!(claims.refresh_token_hash1, expect["refreshTokenHash1"].as_str().unwrap(), "{name}");
        assert_eq!(claims.parent_refresh_token_hash1.as_deref(), expect["parentRefreshTokenHash1"].as_str(), "{name}");
        assert_eq!(claims.anti_csrf_token.as_deref(), expect["antiCsrfToken"].as_str(), "{name}");
        assert_eq!(claims.expires_at, expect["expiryTimeMs"].as_i64().unwrap(), "{name}");
        assert_eq!(claims.issued_at, expect["timeCreatedMs"].as_i64().unwrap(), "{name}");
        let dynamic = (claims.version != TokenVersion::V2).then_some(signer == "dynamic");
        assert_eq!(claims.signed_by_dynamic_key, dynamic, "{name}");
        let user_data = if claims.version == TokenVersion::V2 { &payload["userData"] } else { &payload };
        assert_eq!(&Value::Object(claims.payload()), user_data, "{name}");
    }
}

#[test]
fn bad_tokens_of_the_vectors_are_refused_at_one_step_or_the_other() {
    // An SDK accepts what the core does not: claims that no rule here needs, and a version from the future.
    let kinder = ["V5 without parentRefreshTokenHash1", "V5 without antiCsrfToken"];
    let mut seen = 0;
    for case in vectors()["invalid"].as_array().unwrap() {
        let (name, token) = (case["name"].as_str().unwrap(), case["token"].as_str().unwrap());
        let known = parse(token).ok().filter(|token| token.kid().is_none_or(|kid| kid == keys::DYNAMIC_KID));
        let passes = known.is_some_and(|token| token.signed_by(&keys::published("dynamic")));
        assert_eq!(passes, kinder.contains(&name), "{name}");
        seen += 1;
    }
    assert!(seen > 20);
    assert_eq!(header(&json!({"typ": "JWT", "alg": "RS256", "kid": "k", "version": "999"})), Ok(TokenVersion::V5));
}

#[test]
fn what_the_core_mints_verifies_here() {
    let minted = AccessClaims {
        session_handle: SessionHandle::presented("h_t1"),
        user_id: "primary".into(),
        recipe_user_id: "recipe".into(),
        refresh_token_hash1: "r".repeat(64),
        parent_refresh_token_hash1: Some("p".repeat(64)),
        anti_csrf: Some("anti".into()),
        expires_at: NOW + 3_600_000,
        issued_at: NOW,
        tenant: TenantId::normalise("t1"),
        payload: JsonObject::parse(r#"{"role":"admin","n":1.0,"ü":"é\n"}"#).unwrap(),
    };
    use AccessTokenVersion as Core;
    for core in [Core::V1, Core::V2, Core::V3, Core::V4, Core::V5] {
        let minted = mint(&minted, core, &keys::signing("dynamic")).unwrap();
        let token = parse(&minted.token).unwrap();
        assert!(token.signed_by(&keys::published("dynamic")), "{core:?}");
        let claims = token.claims();
        assert_eq!(claims.version, version(core.number().into()));
        assert_eq!((claims.expires_at, claims.issued_at), (minted.expires_at, minted.issued_at));
        assert_eq!(claims.recipe_user_id, if core == Core::V5 { "recipe" } else { "primary" });
        assert_eq!(claims.tenant_id, if core >= Core::V4 { "t1" } else { "public" });
        assert_eq!(claims.payload()["ü"], json!("é\n"));
        assert!(claims.payload_text.contains(r#""n":1.0"#), "the text of numbers is kept");
    }
}

#[test]
fn the_last_second_and_the_last_millisecond() {
    let rows = [(0, false), (3_599_999, false), (3_600_000, true), (3_600_999, true), (-1, false)];
    let token = claims(&v5()).unwrap();
    for (after, expired) in rows {
        assert_eq!(token.is_expired(1_700_000_000_000 + after), expired, "{after}");
    }
    let part = claims(&with(v5(), &[("exp", Some(json!(1_700_003_600.5)))])).unwrap();
    assert_eq!(part.expires_at, 1_700_003_600_500);
    assert!(!part.is_expired(1_700_003_600_999), "the second is not over");
    assert!(part.is_expired(1_700_003_601_000));
    let old = parse(&legacy(&v2().to_string())).unwrap().into_claims();
    assert!(!old.is_expired(NOW + 1));
    assert!(old.is_expired(NOW + 2));
    assert!(token.is_expired(Millis::MAX) && !token.is_expired(Millis::MIN));
}

#[test]
fn not_before_is_kept_and_a_senseless_one_means_never() {
    let early = |nbf: Option<Value>, now| claims(&with(v5(), &[("nbf", nbf)])).unwrap().is_too_early(now);
    assert!(!early(None, Millis::MIN));
    assert!(early(Some(json!(1_700_000_001)), NOW));
    assert!(!early(Some(json!(1_700_000_000)), NOW));
    for senseless in [json!("1"), json!(null), json!({}), json!(true), json!(u64::MAX), json!(1e300)] {
        assert!(early(Some(senseless.clone()), NOW * 1_000), "{senseless}");
    }
}

#[test]
fn versions_from_three_on_in_plain_digits() {
    let with_version = |version: Value| header(&json!({"typ": "JWT", "alg": "RS256", "kid": "k", "version": version}));
    let huge = "9".repeat(400);
    for (text, version) in [("3", TokenVersion::V3), ("4", TokenVersion::V4), ("5", TokenVersion::V5), ("6", TokenVersion::V5)] {
        assert_eq!(with_version(json!(text)), Ok(version));
    }
    for text in ["10", "99", huge.as_str()] {
        assert_eq!(with_version(json!(text)), Ok(TokenVersion::V5), "{text}");
    }
    for text in ["", "0", "1", "2", "-5", "+5", "05", "5abc", "abc", " 5", "5 ", "5.0", "5e1", "0x5", "٥", "five"] {
        assert!(matches!(with_version(json!(text)), Err(BadToken::Header(_))), "{text}");
    }
    for value in [json!(5), json!(null), json!(5.0), json!(true), json!(["5"]), json!({"v": "5"})] {
        assert_eq!(with_version(value.clone()), Err(BadToken::Header("version is not a string")), "{value}");
    }
    // Upstream's SDKs take a token without one for a V3, and with it every JWT of the JWT recipe that names the members of a session.
    for kid in ["k", "d-1", "s-1"] {
        assert_eq!(header(&json!({"typ": "JWT", "alg": "RS256", "kid": kid})), Err(BadToken::Header("no version")), "{kid}");
    }
}

#[test]
fn a_header_needs_typ_and_kid_and_nothing_twice() {
    let rows = [
        json!({"alg": "RS256", "kid": "k"}),
        json!({"typ": "jwt", "alg": "RS256", "kid": "k"}),
        json!({"typ": "at+jwt", "alg": "RS256", "kid": "k"}),
        json!({"typ": null, "alg": "RS256", "kid": "k"}),
        json!({"typ": "JWT", "alg": "RS256"}),
        json!({"typ": "JWT", "alg": "RS256", "kid": 1}),
        json!({"typ": "JWT", "alg": "RS256", "kid": null}),
        json!(["JWT"]),
        json!("JWT"),
        json!(null),
    ];
    for row in rows {
        assert!(matches!(header(&row), Err(BadToken::Header(_))), "{row}");
    }
    let twice = [
        r#"{"typ":"JWT","kid":"k","alg":"none","alg":"RS256"}"#,
        r#"{"typ":"JWT","kid":"k","kid":"d-1700000000000","alg":"RS256"}"#,
        r#"{"typ":"JWT","kid":"k","alg":"RS256","x":1,"x":1}"#,
        r#"{"typ":"JWT","kid":"k","alg":"RS256","version":"5","\u0076ersion":"3"}"#,
    ];
    for header in twice {
        let token = keys::token(header, &v5().to_string());
        assert_eq!(parse(&token).map(|_| ()), Err(BadToken::Header("not a JSON object")), "{header}");
    }
}

#[test]
fn only_rs256_verifies_whatever_the_header_says() {
    let payload = v5().to_string();
    let with_alg = |alg: &str| format!(r#"{{"kid":"{}","typ":"JWT","version":"5"{alg}}}"#, keys::DYNAMIC_KID);
    assert!(accepted(&keys::token(&with_alg(r#","alg":"RS256""#), &payload)));
    let algs =
        ["none", "None", "NONE", "nOnE", "HS256", "HS384", "PS256", "RS384", "RS512", "ES256", "EdDSA", "rs256", "RS256 ", ""];
    for alg in algs {
        let token = keys::token(&with_alg(&format!(r#","alg":"{alg}""#)), &payload);
        assert!(parse(&token).is_ok(), "{alg}: it does look like ours");
        assert!(!accepted(&token), "{alg}");
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert!(!accepted(&format!("{signed}.")), "{alg}, unsigned");
    }
    for alg in ["", r#","alg":null"#, r#","alg":["RS256"]"#, r#","alg":256"#] {
        assert!(!accepted(&keys::token(&with_alg(alg), &payload)), "{alg}");
    }
    // A PSS signature under either name, and an HMAC with the public key as its secret.
    for alg in ["RS256", "PS256"] {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(with_alg(&format!(r#","alg":"{alg}""#))), URL_SAFE_NO_PAD.encode(&payload));
        assert!(!accepted(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(keys::sign_pss(&signed)))), "{alg}");
        let secret = keys::published("dynamic").public_base64().to_owned();
        let hmac =
            aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        assert!(!accepted(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac))), "{alg}");
    }
}

#[test]
fn keys_that_a_token_brings_along_are_no_keys_and_extensions_are_not_understood() {
    let other = keys::signing("other").verifying().jwk().to_text();
    for member in [
        format!(r#""jwk":{other}"#),
        r#""jku":"https://evil.example/jwks.json""#.into(),
        r#""x5u":"https://evil.example""#.into(),
    ] {
        let header = format!(r#"{{"kid":"{}","typ":"JWT","version":"5","alg":"RS256",{member}}}"#, keys::DYNAMIC_KID);
        let token = keys::token(&header, &v5().to_string());
        let parsed = parse(&token).unwrap();
        assert!(parsed.signed_by(&keys::published("dynamic")), "ours, and the member changes nothing");
        assert!(!parsed.signed_by(&keys::published("other")), "{member}");
    }
    for crit in [r#"["exp"]"#, r#"["b64"],"b64":false"#, "[]", "null"] {
        let header = format!(r#"{{"kid":"{}","typ":"JWT","version":"5","alg":"RS256","crit":{crit}}}"#, keys::DYNAMIC_KID);
        assert!(!accepted(&keys::token(&header, &v5().to_string())), "{crit}");
    }
}

#[test]
fn every_member_of_a_modern_token_must_be_there_with_its_type() {
    let wrong = [json!(null), json!({}), json!([]), json!(true)];
    for name in ["sub", "sessionHandle", "refreshTokenHash1", "tId", "rsub", "exp", "iat"] {
        let number = matches!(name, "exp" | "iat");
        let mut bad: Vec<Option<Value>> = wrong.iter().cloned().map(Some).collect();
        bad.extend([None, Some(if number { json!("1700003600") } else { json!(1) })]);
        for value in bad {
            assert_eq!(claims(&with(v5(), &[(name, value.clone())])), Err(BadToken::Member(name)), "{name} {value:?}");
        }
    }
}

#[test]
fn older_versions_need_less() {
    let of = |version: &str, payload: &Value| {
        let header = format!(r#"{{"kid":"d-1","typ":"JWT","alg":"RS256"{version}}}"#);
        parse(&keys::token(&header, &payload.to_string())).map(ParsedToken::into_claims)
    };
    let no_rsub = with(v5(), &[("rsub", None)]);
    let no_tenant = with(v5(), &[("rsub", None), ("tId", None)]);
    let (v4, v3) = (r#","version":"4""#, r#","version":"3""#);
    assert_eq!(of(v4, &no_rsub).unwrap().recipe_user_id, "primary");
    assert_eq!(of(v4, &no_rsub).unwrap().tenant_id, "t1");
    assert_eq!(of(v4, &no_tenant), Err(BadToken::Member("tId")));
    assert_eq!(of(v3, &no_tenant).unwrap().tenant_id, "public");
    assert_eq!(of(v3, &v5()).unwrap().tenant_id, "public", "a claim of the application");
    assert_eq!(of(v3, &v5()).unwrap().recipe_user_id, "recipe");
}

#[test]
fn a_v2_needs_its_own_members() {
    let of = |payload: &Value| parse(&legacy(&payload.to_string())).map(ParsedToken::into_claims);
    let good = of(&v2()).unwrap();
    assert_eq!((good.version, good.tenant_id.as_str(), &*good.payload_text), (TokenVersion::V2, "public", r#"{"a":1.0}"#));
    assert!(accepted(&legacy(&v2().to_string())));
    for name in ["userId", "sessionHandle", "refreshTokenHash1", "expiryTime", "timeCreated", "userData"] {
        for value in [None, Some(json!(null)), Some(json!([])), Some(json!(true))] {
            assert_eq!(of(&with(v2(), &[(name, value.clone())])), Err(BadToken::Member(name)), "{name} {value:?}");
        }
    }
    assert_eq!(of(&with(v2(), &[("stt", Some(json!(1)))])), Err(BadToken::Member("stt")));
    // The same payload, but the signature or the payload without its padding.
    let token = legacy(&v2().to_string());
    assert!(token.ends_with('='));
    assert!(!accepted(token.trim_end_matches('=')));
    let first = token.replacen(LEGACY_HEADERS[1], LEGACY_HEADERS[0], 1);
    assert_eq!(parse(&first).unwrap().version(), TokenVersion::V2);
    assert!(!accepted(&first), "signed with the other header");
    let bare = token.replacen(LEGACY_HEADERS[1], LEGACY_HEADERS[1].trim_end_matches('='), 1);
    assert!(matches!(parse(&bare).map(|_| ()), Err(BadToken::Header(_))), "the header is compared as text");
}

#[test]
fn tokens_of_another_purpose_are_not_sessions() {
    for fine in [None, Some(json!(0)), Some(json!(0.0)), Some(json!(-0.0))] {
        assert!(claims(&with(v5(), &[("stt", fine.clone())])).is_ok(), "{fine:?}");
    }
    for other in [json!(1), json!(2), json!(-1), json!(0.5), json!("0"), json!(null), json!(false), json!([])] {
        assert_eq!(claims(&with(v5(), &[("stt", Some(other.clone()))])), Err(BadToken::Member("stt")), "{other}");
    }
}

#[test]
fn optional_members_of_a_wrong_type_count_as_absent_and_strings_are_trimmed() {
    for value in [json!(null), json!(1), json!([]), json!({})] {
        let changed = with(v5(), &[("parentRefreshTokenHash1", Some(value.clone())), ("antiCsrfToken", Some(value))]);
        let claims = claims(&changed).unwrap();
        assert_eq!((claims.parent_refresh_token_hash1, claims.anti_csrf_token), (None, None));
    }
    let spaced = with(
        v5(),
        &[
            ("sub", Some(json!(" u "))),
            ("rsub", Some(json!("r\n"))),
            ("tId", Some(json!("\tt"))),
            ("sessionHandle", Some(json!(" h"))),
            ("refreshTokenHash1", Some(json!("1 "))),
            ("parentRefreshTokenHash1", Some(json!(" 2 "))),
            ("antiCsrfToken", Some(json!(" 3 "))),
        ],
    );
    let claims = claims(&spaced).unwrap();
    let texts = [&claims.user_id, &claims.recipe_user_id, &claims.tenant_id, &claims.session_handle, &claims.refresh_token_hash1];
    assert_eq!(texts, ["u", "r", "t", "h", "1"]);
    assert_eq!(claims.parent_refresh_token_hash1.as_deref(), Some("2"));
    assert_eq!(claims.anti_csrf_token.as_deref(), Some("3"));
}

#[test]
fn numbers_never_overflow() {
    for (exp, ms) in [
        (json!(i64::MAX), Millis::MAX),
        (json!(u64::MAX), Millis::MAX),
        (json!(i64::MIN), Millis::MIN),
        (json!(1e300), Millis::MAX),
        (json!(-1e300), Millis::MIN),
        (json!(0), 0),
        (json!(-1), -1_000),
        (json!(1e3), 1_000_000),
    ] {
        assert_eq!(claims(&with(v5(), &[("exp", Some(exp.clone()))])).unwrap().expires_at, ms, "{exp}");
    }
}

#[test]
fn payloads_that_are_no_plain_objects_are_refused() {
    let good = v5().to_string();
    let tail = &good[1..];
    let deep = format!(r#"{{"x":{}{},{tail}"#, "[".repeat(5_000), "]".repeat(5_000));
    let rows = [
        "".to_owned(),
        "[]".into(),
        "null".into(),
        "1".into(),
        "\"x\"".into(),
        format!("{good}x"),
        format!("{{\"sub\":\"evil\",{tail}"),
        format!("{{\"x\":1,\"x\":2,{tail}"),
        format!("{{\"\\u0073ub\":\"evil\",{tail}"),
        format!("{{\"x\":1e999,{tail}"),
        good.replace('"', "'"),
        good[..good.len() - 1].into(),
        deep,
    ];
    for row in rows {
        let token = keys::token(V5_HEADER, &row);
        assert_eq!(parse(&token).map(|_| ()), Err(BadToken::Payload), "{row:.80}");
    }
    let not_utf8 = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(V5_HEADER), URL_SAFE_NO_PAD.encode(b"{\"sub\":\"\xff\"}"));
    assert_eq!(parse(&not_utf8).map(|_| ()), Err(BadToken::Payload));
}

#[test]
fn other_spellings_of_a_token() {
    let (header, payload) = (V5_HEADER, format!("{} ", with(v5(), &[("x", Some(json!("ÿÿÿ>>>???")))])));
    // Either alphabet and padding are read where they were signed like that.
    for (head, body) in [
        (STANDARD.encode(header), URL_SAFE_NO_PAD.encode(&payload)),
        (URL_SAFE_NO_PAD.encode(header), STANDARD.encode(&payload)),
        (STANDARD.encode(header), STANDARD.encode(&payload)),
    ] {
        let signed = format!("{head}.{body}");
        assert!(accepted(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(keys::sign(&signed)))), "{signed}");
    }
    let token = keys::token(header, &payload);
    assert!(accepted(&token));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let last = signature.chars().last().unwrap();
    let beside = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    let stray_bits = format!("{}{beside}", &signature[..signature.len() - 1]);
    for spelling in [
        format!("{signature}="),
        format!("{signature}=="),
        format!(" {signature}"),
        format!("{signature} "),
        format!("{signature}\n"),
        STANDARD.encode(&bytes),
        stray_bits,
        format!("{signature}A"),
        String::new(),
        signature[1..].to_owned(),
        URL_SAFE_NO_PAD.encode([&[0], bytes.as_slice()].concat()),
        URL_SAFE_NO_PAD.encode(&bytes[1..]),
        URL_SAFE_NO_PAD.encode([bytes.as_slice(), &[0]].concat()),
        "!".into(),
    ] {
        assert!(!accepted(&format!("{signed}.{spelling}")), "{spelling}");
    }
    for dots in
        [format!("{token}."), format!(".{token}"), token.replacen('.', "..", 1), signed.to_owned(), ".".into(), "..".into()]
    {
        assert!(parse(&dots).is_err(), "{dots}");
    }
    assert_eq!(parse("a.b.c.d").map(|_| ()), Err(BadToken::NotThreeParts));
    assert_eq!(parse("").map(|_| ()), Err(BadToken::NotThreeParts));
}

#[test]
fn no_changed_character_verifies() {
    let token = keys::token(V5_HEADER, &v5().to_string());
    let key = keys::published("dynamic");
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(!parse(&changed).is_ok_and(|token| token.signed_by(&key)), "at {at}");
    }
}

#[test]
fn a_token_beyond_the_limit_is_not_read() {
    let base = keys::token(V5_HEADER, &with(v5(), &[("x", Some(json!("")))]).to_string()).len();
    let fill = |length: usize| keys::token(V5_HEADER, &with(v5(), &[("x", Some(json!("x".repeat(length))))]).to_string());
    let fits = fill((MAX_LENGTH - base) / 4 * 3 - 3);
    assert!(fits.len() <= MAX_LENGTH && fits.len() > MAX_LENGTH - 16);
    assert!(accepted(&fits));
    assert_eq!(parse(&fill(MAX_LENGTH)).map(|_| ()), Err(BadToken::TooLong));
    assert_eq!(parse(&".".repeat(MAX_LENGTH + 1)).map(|_| ()), Err(BadToken::TooLong));
}

#[test]
fn debug_and_errors_show_no_secret() {
    let secret = with(
        v5(),
        &[("refreshTokenHash1", Some(json!("SECRET"))), ("antiCsrfToken", Some(json!("SECRET"))), ("x", Some(json!("SECRET")))],
    );
    let token = keys::token(V5_HEADER, &secret.to_string());
    let parsed = parse(&token).unwrap();
    let shown = format!("{parsed:?} {:?}", parsed.claims());
    assert!(!shown.contains("SECRET"), "{shown}");
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert!(!shown.contains(signature));
    let error = parse(&token[1..]).map(|_| ()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

proptest! {
    #[test]
    fn no_text_panics(token in "\\PC*") {
        let _ = parse(&token);
    }

    #[test]
    fn no_header_and_payload_panics(header in "\\PC*", payload in "\\PC*", signature in "[A-Za-z0-9_=-]*") {
        let token = format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), STANDARD.encode(payload));
        prop_assert!(!accepted(&token));
    }

    #[test]
    fn no_mixture_of_json_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"sub\"", "\"exp\"", "\"stt\"", "\"userData\"", "1", "-1e9", "1e400", "null", "\"\\u0000\"", "\"\\ud800\"", " ",
    ]), 0..40)) {
        let text = pieces.concat();
        for head in [URL_SAFE_NO_PAD.encode(V5_HEADER), LEGACY_HEADERS[0].to_owned()] {
            let token = format!("{head}.{}.AAAA", STANDARD.encode(&text));
            prop_assert!(!accepted(&token));
        }
        let _ = parse(&format!("{}.{}.AAAA", STANDARD.encode(&text), STANDARD.encode(v5().to_string())));
    }

    #[test]
    fn edits_of_a_good_token_never_verify(at in 0usize..900, with in "[A-Za-z0-9_.=+/-]{0,3}", cut in 0usize..4) {
        let token = keys::token(V5_HEADER, &v5().to_string());
        let at = at.min(token.len());
        let end = (at + cut).min(token.len());
        let edited = format!("{}{with}{}", &token[..at], &token[end..]);
        prop_assert!(edited == token || !accepted(&edited));
    }
}
