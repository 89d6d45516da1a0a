//! Passkeys: scenarios 43 to 99 of core-recipes-2.md.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use supertokens_domain::accounts::{Login, LoginMethod};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_store::CredentialRow;

use super::place::in_query;
use super::users::id;
use crate::{Answer, World};

pub mod authenticators;
pub mod credentials;
pub mod email;
pub mod options;
pub mod recovery;
pub mod registering;
pub mod signing_in;
pub mod vectors;

/// Where all paths begin.
pub const WEBAUTHN: &str = "/recipe/webauthn";

/// Options for a new passkey, as an SDK asks for them.
pub fn registering(email: &str) -> Value {
    json!({
        "email": email, "relyingPartyName": "Example", "relyingPartyId": "example.com", "origin": "https://example.com",
        "timeout": 60_000, "userPresence": true,
    })
}

/// Options for a sign-in, as an SDK asks for them.
pub fn signing_in() -> Value {
    json!({
        "relyingPartyId": "example.com", "relyingPartyName": "Example", "origin": "https://example.com", "timeout": 60_000,
        "userPresence": true,
    })
}

/// Makes options at a tenant.
pub async fn options_for(w: &World, tenant: &str, kind: &str, body: Value) -> Value {
    w.post("5.4", &format!("{tenant}{WEBAUTHN}/options/{kind}"), body).await.ok()
}

/// Options as they are stored.
pub async fn options_at(w: &World, tenant: &str, id: &str) -> Answer {
    w.get("5.4", &format!("{tenant}{WEBAUTHN}/options?webauthnGeneratedOptionsId={}", in_query(id))).await
}

/// Puts somebody who logs in by a passkey into a tenant: the n-th, at the time n.
pub async fn put_passkey_user(w: &World, tenant: &str, n: u8, email: &str, credential: &str) {
    let tenant = TenantId::normalise(tenant);
    let login = Login::Webauthn { email: email.to_owned(), credential_ids: BTreeSet::new() };
    let method = LoginMethod::new(id(n), login, tenant, i64::from(n));
    let put = w.core().db().tx(async move |tx| tx.insert_user(&AppId::default(), &method, Some("example.com")).await).await;
    put.expect("the user is stored");
    put_passkey(w, n, "example.com", credential).await;
}

/// Gives the n-th user a passkey that no authenticator has.
pub async fn put_passkey(w: &World, n: u8, rp_id: &str, credential: &str) {
    let (user, now) = (id(n), w.clock.now());
    let row = CredentialRow {
        id: credential.to_owned(),
        rp_id: rp_id.to_owned(),
        counter: 0,
        public_key: vec![0, 255],
        transports: "[]".to_owned(),
        created_at: now,
        updated_at: now,
    };
    let put = w.core().db().single(async move |tx| tx.insert_credential(&AppId::default(), &user, &row).await).await;
    put.expect("the passkey is stored");
}

/// A user as it is shown.
pub async fn user(w: &World, id: &str) -> Value {
    w.get("5.6", &format!("/user/id?userId={id}")).await.ok()["user"].clone()
}
