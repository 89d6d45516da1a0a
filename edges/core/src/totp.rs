//! Devices that make codes (core-recipes-2.md 1.3); what a code does is in `totp/attempt.rs`. Whose a device is says whatever id was sent:
//! nobody looks whether there is such a user.

use std::collections::HashMap;

use supertokens_domain::totp::code::{Key, LETTERS, new_secret};
use supertokens_domain::totp::next_name;
use supertokens_store::{StoreError, TotpDevice};
use supertokens_wire::cdi::totp::{
    CreateTotpDevice, DeviceCreated, DeviceImported, DeviceRenamed, DevicesListed, ImportTotpDevice, ListTotpDevices,
    RemoveTotpDevice, RenameTotpDevice, ShownDevice, TotpStatusOfMany, TotpStatuses, VerifyTotp, VerifyTotpDevice,
};
use supertokens_wire::operation::{Body, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

mod attempt;

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<CreateTotpDevice>(),
    Route::of::<ImportTotpDevice>(),
    Route::of::<RenameTotpDevice>(),
    Route::of::<ListTotpDevices>(),
    Route::of::<RemoveTotpDevice>(),
    Route::of::<TotpStatusOfMany>(),
    Route::of::<VerifyTotpDevice>(),
    Route::of::<VerifyTotp>(),
];

impl UseCase for CreateTotpDevice {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DeviceCreated, Error> {
        let secret = new_secret(&cx.random::<LETTERS>());
        let Self { user_id, name, skew, period } = self;
        let device =
            TotpDevice { name: String::new(), secret: secret.clone(), period, skew, verified: false, created_at: cx.now };
        Ok(match put(cx, user_id, name, device).await? {
            Some(name) => DeviceCreated::Ok { name, secret },
            None => DeviceCreated::Exists,
        })
    }
}

impl UseCase for ImportTotpDevice {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DeviceImported, Error> {
        if Key::of_secret(&self.secret).is_none() {
            return Err(Error::bad("secretKey is not valid Base32"));
        }
        let Self { user_id, name, skew, period, secret } = self;
        let device = TotpDevice { name: String::new(), secret, period, skew, verified: true, created_at: cx.now };
        Ok(DeviceImported(put(cx, user_id, name, device).await?))
    }
}

/// Stores a device under its name, or under the next that is free, and says that name; nothing, if a verified device has it.
async fn put(cx: &Cx<'_>, user_id: String, name: Option<String>, device: TotpDevice) -> Result<Option<String>, Error> {
    let app = cx.at().app.clone();
    let is_chosen = name.is_some();
    let putting = cx.db().tx(async move |tx| {
        let name = match &name {
            Some(name) => name.clone(),
            None => next_name(&tx.verified_totp_devices(&app, &user_id).await?),
        };
        let device = TotpDevice { name, ..device.clone() };
        match tx.put_totp_device(&app, &user_id, &device).await? {
            true => Ok(Some(device.name)),
            false if is_chosen => Ok(None),
            // The one before has been verified in between: there is another name now.
            false => Err(StoreError::Busy),
        }
    });
    cx.unless_removed(putting.await.map_err(Error::from))
}

impl UseCase for RenameTotpDevice {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DeviceRenamed, Error> {
        let app = cx.at().app.clone();
        let Self { user_id, name, new_name } = self;
        let renaming = cx.db().single(async move |tx| tx.rename_totp_device(&app, &user_id, &name, &new_name).await);
        match renaming.await {
            Ok(true) => Ok(DeviceRenamed::Ok),
            Ok(false) => Ok(DeviceRenamed::UnknownDevice),
            Err(StoreError::Duplicate(_)) => Ok(DeviceRenamed::Exists),
            Err(error) => Err(error.into()),
        }
    }
}

impl UseCase for ListTotpDevices {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<DevicesListed, Error> {
        let app = cx.at().app.clone();
        let devices = cx.db().read(async move |tx| tx.totp_devices(&app, &self.user_id).await).await?;
        let shown = |TotpDevice { name, period, skew, verified, .. }| ShownDevice { name, period, skew, verified };
        Ok(DevicesListed(devices.into_iter().map(shown).collect()))
    }
}

impl UseCase for RemoveTotpDevice {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let app = cx.at().app.clone();
        let existed = cx.db().tx(async move |tx| tx.delete_totp_device(&app, &self.user_id, &self.name).await).await?;
        Ok(Body::Json(status("OK").with("didDeviceExist", existed)))
    }
}

impl UseCase for TotpStatusOfMany {
    // Who asks for nobody is answered wherever that is.
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<TotpStatuses, Error> {
        if self.user_ids.is_empty() {
            return Ok(TotpStatuses(Vec::new()));
        }
        cx.config()?;
        cx.require_public_tenant()?;
        let (app, asked) = (cx.at().app.clone(), self.user_ids.clone());
        let found = cx.db().read(async move |tx| tx.totp_status(&app, &asked).await).await?;
        let found: HashMap<String, bool> = found.into_iter().collect();
        let with_status = |id: String| {
            let has = found.get(&id).copied();
            (id, has)
        };
        Ok(TotpStatuses(self.user_ids.into_iter().map(with_status).collect()))
    }
}
