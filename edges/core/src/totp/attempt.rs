//! POST /recipe/totp/device/verify and /recipe/totp/verify: the user's row is held while earlier attempts are looked at and this one is
//! noted, so that of many who guess at once no more are looked at than of those who guess one after the other.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::{Millis, SECOND};
use supertokens_domain::totp::attempt::{Decision, Device, Limits, decide};
use supertokens_domain::totp::code::{Key, Steps};
use supertokens_store::{StoreError, TotpDevice, Tx};
use supertokens_wire::cdi::totp::{CodeVerified, DeviceVerified, Tried, VerifyTotp, VerifyTotpDevice};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for VerifyTotpDevice {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Tried<DeviceVerified>, Error> {
        let attempt = Attempt::new(cx, self.user_id, self.code)?;
        let name = self.name;
        let trying = cx.db().tx(async move |tx| {
            let devices = tx.lock_totp_devices(&attempt.app, &attempt.user_id).await?.unwrap_or_default();
            let Some(device) = devices.into_iter().find(|device| device.name == name) else {
                return Ok(Tried::Said(DeviceVerified::UnknownDevice));
            };
            if device.verified {
                return Ok(Tried::Said(DeviceVerified::Ok { was_already: true }));
            }
            let tried = attempt.with(tx, std::slice::from_ref(&device)).await?;
            // Gone meanwhile, or made anew; what was tried stays noted.
            let is_verified =
                matches!(tried, Tried::Said(())) && tx.verify_totp_device(&attempt.app, &attempt.user_id, &device).await?;
            Ok(tried.map(|()| match is_verified {
                true => DeviceVerified::Ok { was_already: false },
                false => DeviceVerified::UnknownDevice,
            }))
        });
        unless_the_tenant_is_gone(cx, trying.await)
    }
}

impl UseCase for VerifyTotp {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Tried<CodeVerified>, Error> {
        let attempt = Attempt::new(cx, self.user_id, self.code)?;
        let trying = cx.db().tx(async move |tx| {
            let devices = tx.lock_totp_devices(&attempt.app, &attempt.user_id).await?.unwrap_or_default();
            if devices.is_empty() {
                return Ok(Tried::Said(CodeVerified::UnknownUser));
            }
            let verified: Vec<TotpDevice> = devices.into_iter().filter(|device| device.verified).collect();
            Ok(attempt.with(tx, &verified).await?.map(|()| CodeVerified::Ok))
        });
        unless_the_tenant_is_gone(cx, trying.await)
    }
}

/// Removed while the code was looked at.
fn unless_the_tenant_is_gone<T>(cx: &Cx<'_>, outcome: Result<T, StoreError>) -> Result<T, Error> {
    match outcome {
        Err(StoreError::MissingParent(_)) => Err(Error::no_tenant(cx.at())),
        outcome => Ok(outcome?),
    }
}

/// A code that somebody tries in a tenant.
struct Attempt {
    app: AppId,
    tenant: TenantId,
    user_id: String,
    code: String,
    limits: Limits,
    now: Millis,
}

impl Attempt {
    fn new(cx: &Cx<'_>, user_id: String, code: String) -> Result<Self, Error> {
        let config = &cx.tenant()?.config;
        let limits = Limits {
            max_attempts: usize::try_from(config.totp_max_attempts).unwrap_or(usize::MAX),
            cooldown: config.totp_rate_limit_cooldown_sec.saturating_mul(SECOND),
        };
        Ok(Self { app: cx.at().app.clone(), tenant: cx.at().tenant.clone(), user_id, code, limits, now: cx.now })
    }

    /// Looks at the code, under the user's lock, and notes that it was tried.
    async fn with(&self, tx: &mut Tx<'_>, devices: &[TotpDevice]) -> Result<Tried<()>, StoreError> {
        let Self { app, tenant, user_id, code, limits, now } = self;
        let most = limits.max_attempts;
        let used = tx.totp_codes_used(app, tenant, user_id, code, *now, most).await?;
        let of = |device: &TotpDevice| Device {
            key: Key::of_secret(&device.secret),
            steps: Steps::of_row(device.period, device.skew),
        };
        let devices: Vec<Device> = devices.iter().map(of).collect();
        match decide(&devices, &used, code, *limits, *now) {
            Decision::Limited { retry_after } => Ok(Tried::LimitReached { retry_after, most }),
            Decision::TooLong { failed } => Ok(Tried::Wrong { failed, most }),
            Decision::Compared { row, failed } => {
                tx.note_totp_code(app, tenant, user_id, &row).await?;
                Ok(if row.is_valid { Tried::Said(()) } else { Tried::Wrong { failed, most } })
            }
        }
    }
}
