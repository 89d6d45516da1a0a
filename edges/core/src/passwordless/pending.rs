//! Codes that wait: looking at them, and taking them back. What no row can have is not asked for.

use supertokens_domain::passwordless::Contact;
use supertokens_domain::passwordless::code::DeviceId;
use supertokens_wire::cdi::passwordless::{
    Codes, GetCodes, PendingCode, PendingDevice, RemoveCode, RemoveCodes, Removed, WhichCode, WhichDevices,
};
use supertokens_wire::input::BadInput;

use super::policy;
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

/// The length of a device's public name, in characters.
const NAME: usize = 43;
/// The length of a code's name, in characters.
const CODE_ID: usize = 36;

/// May a row have this name? A database may take what is longer, or ends in blanks, for the same.
fn is_name(text: &str, length: usize) -> bool {
    text.chars().count() == length && !text.contains(['\0', ' '])
}

/// May a device have this contact?
fn is_contact(contact: &Contact) -> bool {
    !contact.as_str().contains('\0')
}

impl UseCase for GetCodes {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Codes, Error> {
        let (app, tenant, code_lifetime) = (cx.at().app.clone(), cx.at().tenant.clone(), policy(cx)?.code_lifetime);
        let name = match self.0 {
            WhichDevices::Contact(contact) if is_contact(&contact) => {
                let found = cx.db().read(async move |tx| tx.devices_of(&app, &tenant, &contact).await).await?;
                return Ok(Codes { devices: found.into_iter().map(shown).collect(), code_lifetime });
            }
            WhichDevices::Contact(_) => String::new(),
            WhichDevices::DeviceId(id) => DeviceId::read(id.expose()).map_err(|bad| BadInput::rule(bad.to_string()))?.hash(),
            WhichDevices::PreAuthSessionId(name) => name,
        };
        if !is_name(&name, NAME) {
            return Ok(Codes { devices: Vec::new(), code_lifetime });
        }
        let found = cx.db().read(async move |tx| tx.device(&app, &tenant, &name).await).await?;
        Ok(Codes { devices: found.into_iter().map(shown).collect(), code_lifetime })
    }
}

fn shown((device, codes): (supertokens_store::DeviceRow, Vec<supertokens_store::CodeRow>)) -> PendingDevice {
    PendingDevice {
        pre_auth_session_id: device.id_hash,
        failed: device.failed_attempts,
        contact: device.contact,
        codes: codes.into_iter().map(|code| PendingCode { code_id: code.code_id, time_created: code.created_at }).collect(),
    }
}

impl UseCase for RemoveCode {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        match self.0 {
            WhichCode::Code(id) if is_name(&id, CODE_ID) => {
                cx.db().tx(async move |tx| tx.delete_code(&app, &tenant, &id).await).await?;
            }
            WhichCode::Device(name) if is_name(&name, NAME) => {
                let names = [name];
                cx.db().single(async move |tx| tx.delete_devices(&app, &tenant, &names).await).await?;
            }
            WhichCode::Code(_) | WhichCode::Device(_) => {}
        }
        Ok(Removed)
    }
}

impl UseCase for RemoveCodes {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        cx.db().single(async move |tx| tx.delete_devices_of(&app, &tenant, &self.0).await).await?;
        Ok(Removed)
    }
}
