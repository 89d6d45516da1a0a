//! JWTs with a caller's claims, the key sets that verify them, and the handshake of old SDKs (core-session.md 1.10 to 1.13).

use supertokens_domain::json::JsonObject;
use supertokens_domain::session::jwt::mint_jwt;
use supertokens_wire::cdi::jwt::{
    CreateJwt, GetJwks, GetWellKnownJwks, Handshake, HandshakeAnswer, Jwks, JwtCreated, WellKnownJwks,
};

use super::{kind, mint_refused};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Door, Scope, UseCase};

impl UseCase for CreateJwt {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<JwtCreated, Error> {
        if !self.algorithm.eq_ignore_ascii_case("RS256") {
            return Ok(JwtCreated::UnsupportedAlgorithm);
        }
        let (keys, policy) = cx.keys().await?;
        let key = keys.signing(kind(self.use_static_signing_key.unwrap_or(true)), &policy, cx.now)?;
        let jwt = mint_jwt(&self.payload, &self.jwks_domain, self.validity, cx.now, key).map_err(mint_refused)?;
        Ok(JwtCreated::Ok(jwt))
    }
}

async fn published(cx: &Cx<'_>) -> Result<(Vec<JsonObject>, i64), Error> {
    let (keys, policy) = cx.keys().await?;
    let set = keys.published(&policy, cx.now).iter().map(|key| key.jwk()).collect();
    Ok((set, keys.max_age_seconds(&policy, cx.now)))
}

impl UseCase for GetJwks {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Jwks, Error> {
        Ok(Jwks(published(cx).await?.0))
    }
}

impl UseCase for GetWellKnownJwks {
    const SCOPE: Scope = Scope::App;
    const DOOR: Door = Door::OPEN;

    async fn run(self, cx: &Cx<'_>) -> Result<WellKnownJwks, Error> {
        let (keys, max_age_seconds) = published(cx).await?;
        Ok(WellKnownJwks { keys, max_age_seconds })
    }
}

impl UseCase for Handshake {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<HandshakeAnswer, Error> {
        // Where it is not served any more, nobody looks for the place.
        if !cx.rules.handshake {
            return Err(Error::not_found());
        }
        cx.tenant()?;
        let config = cx.config()?;
        Ok(HandshakeAnswer {
            keys: cx.legacy_keys().await?.ok_or_else(Error::not_found)?,
            blacklisting: config.access_token_blacklisting,
            access_token_validity: config.access_token_validity_ms(),
            refresh_token_validity: config.refresh_token_validity_ms(),
        })
    }
}
