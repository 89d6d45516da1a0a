//! POST /recipe/signinup/code: a new device with its first code, or one more for a device that is there.

use std::sync::Arc;

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::passwordless::Contact;
use supertokens_domain::passwordless::code::{DeviceId, Salt, new_user_input_code};
use supertokens_domain::secret::Secret;
use supertokens_domain::tenancy::Recipe;
use supertokens_store::{CodeRow, DeviceRow, StoreError};
use supertokens_wire::cdi::passwordless::{CodeCreated, CodeFor, CreateCode};
use supertokens_wire::input::BadInput;

use super::policy;
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

/// How often something random that was taken is drawn again. With a million codes, and more of everything else, that many misses are no
/// chance.
const DRAWS: usize = 20;

impl UseCase for CreateCode {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<CodeCreated, Error> {
        cx.require_recipe(Recipe::Passwordless)?;
        match self.device {
            CodeFor::Contact(contact) => begin(cx, contact, self.user_input_code).await,
            CodeFor::Device(id) => {
                let id = DeviceId::read(id.expose()).map_err(|bad| BadInput::rule(bad.to_string()))?;
                again(cx, id, self.user_input_code).await
            }
        }
    }
}

/// Where rows go.
type Place = Arc<(AppId, TenantId)>;

fn place(cx: &Cx<'_>) -> Place {
    Arc::new((cx.at().app.clone(), cx.at().tenant.clone()))
}

/// What a code is made of, and its row.
struct Made {
    device_id: Secret<String>,
    link_code: Secret<String>,
    user_input_code: Secret<String>,
    row: CodeRow,
}

impl Made {
    /// The code of the caller, or a new one.
    fn new(cx: &Cx<'_>, device: &DeviceId, salt: &Salt, given: Option<&Secret<String>>) -> Result<Self, Error> {
        let drawn = || (0..DRAWS).find_map(|_| new_user_input_code(&cx.random::<32>()));
        let user_input_code = given.cloned().or_else(drawn).ok_or_else(|| Error::fault("no code could be drawn"))?;
        let link_code = device.link_code(salt, user_input_code.expose());
        let row =
            CodeRow { code_id: cx.uuid(), device_id_hash: device.hash(), link_code_hash: link_code.hash(), created_at: cx.now };
        Ok(Self { device_id: device.to_text(), link_code: link_code.to_text(), user_input_code, row })
    }

    fn answer(self, cx: &Cx<'_>) -> Result<CodeCreated, Error> {
        Ok(CodeCreated::Ok {
            pre_auth_session_id: self.row.device_id_hash,
            code_id: self.row.code_id,
            device_id: self.device_id,
            user_input_code: self.user_input_code,
            link_code: self.link_code,
            time_created: self.row.created_at,
            code_lifetime: policy(cx)?.code_lifetime,
        })
    }
}

/// Somebody who begins.
async fn begin(cx: &Cx<'_>, contact: Contact, given: Option<Secret<String>>) -> Result<CodeCreated, Error> {
    let place = place(cx);
    for _ in 0..DRAWS {
        let (id, salt) = (DeviceId::of_random(cx.random()), Salt::of_random(cx.random()));
        let made = Made::new(cx, &id, &salt, given.as_ref())?;
        let device = DeviceRow { id_hash: id.hash(), contact: contact.clone(), salt: salt.to_stored(), failed_attempts: 0 };
        let (at, code) = (Arc::clone(&place), made.row.clone());
        let stored = cx.db().tx(async move |tx| {
            tx.insert_device(&at.0, &at.1, &device).await?;
            tx.insert_code(&at.0, &at.1, &code).await
        });
        match stored.await {
            Ok(()) => return made.answer(cx),
            Err(StoreError::Duplicate(_)) => {}
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(cx.at())),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::fault("every device that was drawn is there already"))
}

/// Somebody who has begun and waits. Earlier codes stay good, and so does the count of wrong ones.
async fn again(cx: &Cx<'_>, id: DeviceId, given: Option<Secret<String>>) -> Result<CodeCreated, Error> {
    let (place, hash) = (place(cx), id.hash());
    let at = Arc::clone(&place);
    let device = cx.db().read(async move |tx| tx.device(&at.0, &at.1, &hash).await).await?;
    let Some((device, _)) = device else { return Ok(CodeCreated::RestartFlow) };
    let salt = Salt::of_stored(device.salt.expose()).map_err(Error::fault)?;
    for _ in 0..DRAWS {
        let made = Made::new(cx, &id, &salt, given.as_ref())?;
        let (at, code) = (Arc::clone(&place), made.row.clone());
        match cx.db().tx(async move |tx| tx.insert_code(&at.0, &at.1, &code).await).await {
            Ok(()) => return made.answer(cx),
            Err(StoreError::MissingParent(_)) => return Ok(CodeCreated::RestartFlow),
            Err(StoreError::Duplicate(key)) if given.is_some() && key.constraint.contains("link_code_hash") => {
                return Ok(CodeCreated::AlreadyUsed);
            }
            Err(StoreError::Duplicate(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::fault("the device has had every code that was drawn"))
}
