//! What somebody tries, and POST /recipe/signinup/code/check: what is right changes nothing and is one read; what is wrong is decided again
//! under the device's lock, so that no two attempts are counted as one.

use std::sync::Arc;

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::passwordless::attempt::{By, Decision, Device, Policy, decide};
use supertokens_domain::passwordless::code::{DeviceId, LinkCode, Salt};
use supertokens_domain::tenancy::Recipe;
use supertokens_domain::time::Millis;
use supertokens_store::{CodeRow, DeviceRow, StoreError, Tx};
use supertokens_wire::cdi::passwordless::{Attempted, CheckCode, ConsumedDevice, Shown, ShownCode};
use supertokens_wire::input::BadInput;

use super::policy;
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for CheckCode {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Attempted<ConsumedDevice>, Error> {
        cx.require_recipe(Recipe::Passwordless)?;
        let attempt = Arc::new(Attempt::new(cx, &self.0)?);
        let Some((device, code)) = attempt.look(cx).await? else { return Ok(Attempted::RestartFlow) };
        let mut decision = attempt.decide(Some(&device), &code);
        if !matches!(decision, Decision::Right | Decision::Mismatch | Decision::Restart { delete_device: false }) {
            decision = attempt.decide_locked(cx, &device.id_hash, Arc::new(code)).await?;
        }
        answer(decision, device, attempt.policy, Ok)
    }
}

/// What somebody tries, and by which rules.
pub(super) struct Attempt {
    pub(super) app: AppId,
    pub(super) tenant: TenantId,
    session: String,
    by: Secret,
    pub(super) policy: Policy,
    now: Millis,
}

/// By which secret.
enum Secret {
    Link { hash: String },
    Typed { device: DeviceId, code: supertokens_domain::secret::Secret<String> },
}

/// A code that was looked for: its hash, and when it was made if it is there, in ms.
pub(super) struct Tried {
    hash: String,
    made: Option<Millis>,
}

impl Attempt {
    /// What was shown, decoded.
    ///
    /// # Errors
    /// 400 for what is not in base64.
    pub(super) fn new(cx: &Cx<'_>, shown: &Shown) -> Result<Self, Error> {
        let bad = |bad: supertokens_domain::passwordless::code::BadEncoding| BadInput::rule(bad.to_string());
        let by = match &shown.by {
            ShownCode::Link(code) => Secret::Link { hash: LinkCode::read(code.expose()).map_err(bad)?.hash() },
            ShownCode::UserInput { device_id, code } => {
                Secret::Typed { device: DeviceId::read(device_id.expose()).map_err(bad)?, code: code.clone() }
            }
        };
        Ok(Self {
            app: cx.at().app.clone(),
            tenant: cx.at().tenant.clone(),
            session: shown.pre_auth_session_id.clone(),
            by,
            policy: policy(cx)?,
            now: cx.now,
        })
    }

    /// The device, and what is known of the code; one read.
    pub(super) async fn look(self: &Arc<Self>, cx: &Cx<'_>) -> Result<Option<(DeviceRow, Tried)>, Error> {
        let look = Arc::clone(self);
        let found: Option<(DeviceRow, Vec<CodeRow>)> = cx
            .db()
            .read(async move |tx| match &look.by {
                Secret::Link { hash } => tx.device_of_link(&look.app, &look.tenant, hash).await,
                Secret::Typed { device, .. } => tx.device(&look.app, &look.tenant, &device.hash()).await,
            })
            .await?;
        let Some((device, codes)) = found else { return Ok(None) };
        let hash = match &self.by {
            Secret::Link { hash } => hash.clone(),
            Secret::Typed { device: id, code } => {
                let salt = Salt::of_stored(device.salt.expose()).map_err(Error::fault)?;
                id.link_code(&salt, code.expose()).hash()
            }
        };
        let made = codes.iter().find(|code| code.link_code_hash == hash).map(|code| code.created_at);
        Ok(Some((device, Tried { hash, made })))
    }

    pub(super) fn decide(&self, device: Option<&DeviceRow>, code: &Tried) -> Decision {
        let by = match &self.by {
            Secret::Link { .. } => By::LinkCode,
            Secret::Typed { .. } => By::UserInputCode,
        };
        let device = device.map(|device| Device { hash: &device.id_hash, failed_attempts: device.failed_attempts });
        decide(by, device, &self.session, code.made, self.policy, self.now)
    }

    /// Locks the device, decides again, and writes what follows.
    pub(super) async fn decide_locked(self: &Arc<Self>, cx: &Cx<'_>, id_hash: &str, code: Arc<Tried>) -> Result<Decision, Error> {
        let (this, id_hash) = (Arc::clone(self), id_hash.to_owned());
        let decided = cx.db().tx(async move |tx| {
            let device = tx.lock_device(&this.app, &this.tenant, &id_hash).await?;
            this.decide_under_lock(tx, &id_hash, device.as_ref(), &code).await
        });
        Ok(decided.await?)
    }

    /// Decides about a device that is locked, if it is there, and writes what follows for it.
    pub(super) async fn decide_under_lock(
        &self,
        tx: &mut Tx<'_>,
        id_hash: &str,
        device: Option<&DeviceRow>,
        code: &Tried,
    ) -> Result<Decision, StoreError> {
        let (app, tenant) = (&self.app, &self.tenant);
        let made = if device.is_some() { tx.code_made(app, tenant, &code.hash, id_hash).await? } else { None };
        let decision = self.decide(device, &Tried { hash: code.hash.clone(), made });
        match decision {
            Decision::Wrong { failed_attempts, .. } => tx.note_failed_attempts(app, tenant, id_hash, failed_attempts).await?,
            Decision::Restart { delete_device: true } => tx.delete_devices(app, tenant, &[id_hash.to_owned()]).await?,
            Decision::Mismatch | Decision::Restart { delete_device: false } | Decision::Right => {}
        }
        Ok(decision)
    }
}

/// What an attempt is answered; with what is right, `right` says what.
pub(super) fn answer<T>(
    decision: Decision,
    device: DeviceRow,
    policy: Policy,
    right: impl FnOnce(ConsumedDevice) -> Result<T, Error>,
) -> Result<Attempted<T>, Error> {
    Ok(match decision {
        Decision::Mismatch => return Err(Error::bad("preAuthSessionId and deviceId doesn't match")),
        Decision::Restart { .. } => Attempted::RestartFlow,
        Decision::Wrong { expired, failed_attempts } => {
            Attempted::Wrong { expired, failed: failed_attempts, most: policy.max_attempts }
        }
        Decision::Right => Attempted::Ok(right(ConsumedDevice {
            pre_auth_session_id: device.id_hash,
            failed: device.failed_attempts,
            contact: device.contact,
        })?),
    })
}
