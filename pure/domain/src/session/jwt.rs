//! Tokens of the JWT recipe: a caller's claims, signed (core-session.md 5.6). No session belongs to them.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::access_token::{MintError, sign};
use super::claim_text;
use super::signing_key::SigningKey;
use crate::json::{Json, JsonObject};
use crate::time::{Millis, SECOND};

/// Makes and signs a token. The caller's `iat`, `exp` and `iss` win over ours, and so may be the claims of a session: official SDKs make
/// such JWTs on purpose. Its header has no version, by which it is told from an access token.
pub fn mint_jwt(
    payload: &JsonObject,
    jwks_domain: &str,
    validity_seconds: i64,
    now: Millis,
    key: &SigningKey,
) -> Result<String, MintError> {
    let expires = now.saturating_add(validity_seconds.saturating_mul(SECOND)).div_euclid(SECOND);
    let ours: [(&str, Json); 3] = [("iat", now.div_euclid(SECOND).into()), ("exp", expires.into()), ("iss", jwks_domain.into())];
    let first = ours.iter().map(|(name, value)| (*name, payload.get(name).unwrap_or(value)));
    let rest = payload.iter().filter(|(name, _)| !ours.iter().any(|(ours, _)| ours == name));
    let mut text = String::from("{");
    claim_text::write_members(first.chain(rest), &mut text)?;
    text.push('}');
    Ok(sign(key.jwt_header(), &text, &URL_SAFE_NO_PAD, key)?)
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;
    use crate::session::access_token::{self, VerifyError};
    use crate::session::anti_csrf::AntiCsrfCheck;
    use crate::session::test_vectors as vectors;

    #[test]
    fn tokens_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/jwt_recipe.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 7);
        for case in cases {
            let (payload, domain) = (vectors::object(case, "payload"), vectors::text(case, "jwksDomain"));
            let (validity, now) = (vectors::number(case, "validity"), vectors::number(case, "now_ms"));
            let jwt = mint_jwt(payload, domain, validity, now, &vectors::key(vectors::text(case, "key"))).unwrap();
            assert_eq!(jwt, vectors::text(case, "jwt"), "{}", vectors::text(case, "name"));
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_refused() {
        let payload = JsonObject::parse(r#"{"a":[123456789012345678901234567890]}"#).unwrap();
        assert_eq!(mint_jwt(&payload, "d", 1, 0, &vectors::key("static")), Err(MintError::NumberTooLarge));
    }

    #[test]
    fn an_immense_validity_does_not_overflow() {
        let key = vectors::key("static");
        let jwt = mint_jwt(&JsonObject::new(), "d", i64::MAX, i64::MAX, &key).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        assert!(key.verifying().verifies(signed, &URL_SAFE_NO_PAD.decode(signature).unwrap()));
    }

    #[test]
    fn such_a_token_is_no_access_token_whatever_its_claims() {
        let key = vectors::key("static");
        let all = r#"{"sub":"admin","tId":"public","rsub":"admin","sessionHandle":"none","refreshTokenHash1":"x",
            "parentRefreshTokenHash1":null,"antiCsrfToken":null,"version":"5"}"#;
        for payload in ["{}", all] {
            let jwt = mint_jwt(&JsonObject::parse(payload).unwrap(), "d", 60, 0, &key).unwrap();
            let refused = access_token::verify(&jwt, &[key.verifying()], 0, AntiCsrfCheck::Skip).unwrap_err();
            let no_version = access_token::AccessTokenError::Structure("JWT header missing - version");
            assert_eq!(refused, VerifyError::Token(no_version));
        }
    }
}
