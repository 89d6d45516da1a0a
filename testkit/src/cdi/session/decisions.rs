//! The table of refresh decisions (scenario 44): every row of the vectors as a real row, with real tokens in place of the
//! table's symbols.

use std::collections::HashMap;

use serde_json::{Value, json};
use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::session::refresh_token::{RefreshClaims, RefreshKey, nonce_from_uuid, seal};

use super::create;
use super::rows::{Row, access, handle, opened, part, refresh_key, refreshing, row, the_row, write_row};
use crate::ports::BEGINNING;
use crate::{World, scenarios};

/// The tokens that the table speaks of.
const SYMBOLS: [&str; 6] = ["T0", "T1", "T1b", "T2", "C1", "TX"];

/// Real tokens by symbol, and real hashes in place of a symbol's.
struct Tokens(HashMap<&'static str, String>);

impl Tokens {
    /// Seals a token for every symbol; the presented one has a parent.
    fn of(case: &Value, session: &str, key: &RefreshKey) -> Self {
        let sealed = |number: u8, parent_hash1: Option<String>| {
            let claims = RefreshClaims {
                session_handle: SessionHandle::presented(session),
                user_id: "u".to_owned(),
                parent_hash1,
                nonce: nonce_from_uuid(&format!("{session}{number}")),
                anti_csrf: None,
                tenant: TenantId::default(),
            };
            seal(&claims, key, [number; 12]).expect("a token")
        };
        let numbered = || SYMBOLS.into_iter().zip(1..);
        let mut tokens = Self(numbered().map(|(symbol, number)| (symbol, sealed(number, None))).collect());
        let presented = case["presented_token"].as_str().expect("a symbol");
        let parent = case["presented_parentRefreshTokenHash1"].as_str().map(|hash| tokens.real_hash1(hash));
        let (symbol, number) = numbered().find(|(symbol, _)| *symbol == presented).expect("a known symbol");
        tokens.0.insert(symbol, sealed(number, parent));
        tokens
    }

    fn presented(&self, case: &Value) -> &str {
        &self.0[case["presented_token"].as_str().expect("a symbol")]
    }

    /// The hash of the real token; a hash of no symbol stands for itself.
    fn real_hash1(&self, hash: &str) -> String {
        let symbol = self.0.iter().find(|(symbol, _)| hash1(symbol) == hash);
        symbol.map_or(hash.to_owned(), |(_, token)| hash1(token))
    }

    fn real_hash2(&self, hash: &str) -> String {
        let symbol = self.0.iter().find(|(symbol, _)| hash2(symbol) == hash);
        symbol.map_or(hash.to_owned(), |(_, token)| hash2(token))
    }

    /// A row of the table.
    fn row(&self, row: &Value, like: &Row) -> Row {
        Row {
            current: self.real_hash2(row["refresh_token_hash_2"].as_str().expect("a hash")),
            prev: row["prev_refresh_token_hash_2"].as_str().map(|hash| self.real_hash2(hash)),
            rotated_at: row["refresh_token_rotated_at"].as_i64(),
            expires_at: row["expires_at"].as_i64().expect("an end"),
            is_static: row["use_static_key"].as_bool().expect("a flag"),
            ..like.clone()
        }
    }
}

async fn replay(w: &World, case: &Value, cdi: &str) {
    let name = format!("{} at {cdi}", case["name"]);
    w.clock.set(BEGINNING);
    let session = handle(&create(w, cdi, "u").await);
    let tokens = Tokens::of(case, &session, &refresh_key(w, "public").await);
    let made = the_row(w, &session).await;
    if case["row_before"].is_null() {
        w.post(cdi, "/recipe/session/remove", json!({ "sessionHandles": [session] })).await.ok();
    } else {
        write_row(w, &session, &tokens.row(&case["row_before"], &made)).await;
    }

    w.clock.set(case["now"].as_i64().expect("an instant"));
    let wants_static = case["use_static_key_effective"].as_bool().expect("a flag");
    let body = json!({
        "refreshToken": tokens.presented(case), "enableAntiCsrf": false, "useDynamicSigningKey": !wants_static
    });
    let answer = w.post(cdi, "/recipe/session/refresh", body).await;
    let expected = &case["expect"];
    let got = answer.says(expected["result"].as_str().expect("a status"));
    assert_eq!(got.get("message"), expected.get("message"), "{name}");
    assert_eq!(got.get("recentTokenReuseSubtype"), expected.get("recentTokenReuseSubtype"), "{name}");
    let mut row_after = expected["row"].as_object().map(|_| tokens.row(&expected["row"], &made));
    if expected["result"] == "OK" {
        // The token that the answer brought takes the place of the table's `NEW`.
        if let Some(row) = row_after.as_mut().filter(|row| row.current == hash2("NEW")) {
            row.current = hash2(&refreshing(&got));
        }
        let parent = |member: &str| expected[member].as_str().map(|hash| tokens.real_hash1(hash));
        assert_eq!(opened(w, &refreshing(&got)).await.parent_hash1, parent("new_token_parent_hash1"), "{name}");
        let (header, claims) = (part(&access(&got), 0), part(&access(&got), 1));
        assert_eq!(claims["parentRefreshTokenHash1"], json!(parent("access_token_parent_hash1")), "{name}");
        assert_eq!(claims["refreshTokenHash1"], hash1(&refreshing(&got)), "{name}");
        let kid = header["kid"].as_str().expect("a key id");
        assert!(kid.starts_with(if wants_static { "s-" } else { "d-" }), "{name}: {kid}");
    }
    assert_eq!(row(w, &session).await, row_after, "{name}");
}

async fn every_decision_of_the_table_is_made_on_a_real_row(w: &World) {
    let table: Value = serde_json::from_str(include_str!("../../../vectors/refresh_decisions.json")).expect("JSON");
    let cases = table["cases"].as_array().expect("cases");
    let mut replayed = 0;
    for (grace_ms, behaviour) in [(30_000, "TOKEN_THEFT"), (30_000, "UNAUTHORISED"), (0, "TOKEN_THEFT")] {
        let keys = json!({ "refresh_token_rotation_grace_period": grace_ms / 1000, "recent_token_reuse_behaviour": behaviour });
        w.with_config(keys).await;
        // Below 5.6 neither matters: these are replayed under all of the settings.
        for case in cases {
            if case["cdi"] != "5.6" {
                for cdi in ["5.5", "5.4", "4.0"] {
                    replay(w, case, cdi).await;
                }
                replayed += usize::from(grace_ms == 0);
            } else if case["grace_ms"] == grace_ms && case["recent_token_reuse_behaviour"] == behaviour {
                replay(w, case, "5.6").await;
                replayed += 1;
            }
        }
    }
    assert_eq!((replayed, cases.len()), (22, 22));
}

scenarios!(World: every_decision_of_the_table_is_made_on_a_real_row);
