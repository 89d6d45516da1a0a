//! Users come in: looked up next to those who are there, decided, and written, some in one transaction (core-linking.md 3.4, 3.7). One who
//! may not come in keeps nobody else out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use supertokens_domain::accounts::{AccountInfo, Group, IdMapping, as_internal};
use supertokens_domain::bulk_import::{Admission, ImportedDevice, ImportedUser, Occupied, Seen, groups_of};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::json::JsonObject;
use supertokens_domain::time::Millis;
use supertokens_domain::totp::next_name;
use supertokens_domain::user_metadata::merged;
use supertokens_store::{StoreError, TotpDevice, Tx};

/// The places that are named and there, held until the transaction ends.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) roles: BTreeSet<String>,
    pub(crate) tenants: BTreeSet<TenantId>,
}

impl Places {
    pub(crate) async fn hold(
        tx: &mut Tx<'_>,
        app: &AppId,
        roles: BTreeSet<String>,
        tenants: BTreeSet<TenantId>,
    ) -> Result<Self, StoreError> {
        let roles: Vec<String> = roles.into_iter().collect();
        let tenants: Vec<String> = tenants.iter().map(|tenant| tenant.as_str().to_owned()).collect();
        let tenants = tx.tenants_there(app, &tenants).await?.into_iter().collect();
        let roles = if roles.is_empty() { Vec::new() } else { tx.roles_there(app, &roles).await? };
        Ok(Self { roles: roles.into_iter().collect(), tenants })
    }

    /// Of users that have been read already.
    pub(crate) async fn of(tx: &mut Tx<'_>, app: &AppId, users: &[ImportedUser]) -> Result<Self, StoreError> {
        let roles = users.iter().flat_map(|user| user.roles.iter().flatten());
        let (mut named, mut tenants) = (BTreeSet::new(), BTreeSet::from([TenantId::default()]));
        for role in roles {
            named.insert(role.role.clone());
            tenants.extend(role.tenants.iter().cloned());
        }
        tenants.extend(users.iter().flat_map(|user| &user.methods).flat_map(|method| method.tenants.iter().cloned()));
        Self::hold(tx, app, named, tenants).await
    }
}

/// Lets users in, in their order, and says of each what came of it. What is written goes with the commit: `Duplicate` may come with that,
/// if somebody else has come in meanwhile; then all is to be done anew.
pub(crate) async fn let_in(
    tx: &mut Tx<'_>,
    app: &AppId,
    users: &[ImportedUser],
    places: Places,
    now: Millis,
) -> Result<Vec<Admission>, StoreError> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let (mut seen, mut occupied) = look(tx, app, users, places).await?;
    let decided: Vec<Admission> = users.iter().map(|user| seen.admit(user, &mut occupied)).collect();
    let admitted: Vec<(&ImportedUser, &[Group])> = users
        .iter()
        .zip(&decided)
        .filter_map(|(user, admission)| match admission {
            Admission::Admitted(groups) => Some((user, groups.as_slice())),
            Admission::Already | Admission::Refused(_) => None,
        })
        .collect();
    write(tx, app, &admitted, now).await?;
    Ok(decided)
}

async fn look(tx: &mut Tx<'_>, app: &AppId, users: &[ImportedUser], places: Places) -> Result<(Seen, Occupied), StoreError> {
    let groups: Vec<Group> = users.iter().flat_map(groups_of).collect();
    let infos = |only_primary: bool| -> Vec<AccountInfo> {
        let groups = groups.iter().filter(|group| group.is_primary || !only_primary);
        let all: BTreeSet<AccountInfo> = groups.flat_map(Group::infos).collect();
        all.into_iter().collect()
    };
    let gained = infos(true);
    if !gained.is_empty() {
        tx.lock_owners(app, &[], &gained).await?;
    }
    let there = tx.users_around(app, &[], &infos(false)).await?;
    let external: Vec<String> = users.iter().filter_map(|user| user.external_id.clone()).collect();
    let own = users.iter().flat_map(|user| &user.methods).map(|method| method.id.clone());
    let internal: Vec<String> = own.chain(external.iter().filter_map(|id| as_internal(id)).map(str::to_owned)).collect();
    let internal = tx.internal_ids_there(app, &internal).await?.into_iter().collect();
    let mapped = if external.is_empty() { Vec::new() } else { tx.external_ids_there(app, &external).await? };
    let Places { roles, tenants } = places;
    let seen = Seen { app: app.clone(), internal, mapped: mapped.into_iter().collect(), roles, tenants };
    Ok((seen, Occupied::by(&there)))
}

async fn write(tx: &mut Tx<'_>, app: &AppId, admitted: &[(&ImportedUser, &[Group])], now: Millis) -> Result<(), StoreError> {
    let ids_with = |has: fn(&ImportedUser) -> bool| -> Vec<String> {
        let ids = admitted.iter().filter(|(user, _)| has(user)).map(|(user, _)| user.shown_id().to_owned());
        ids.collect::<BTreeSet<String>>().into_iter().collect()
    };
    let with_metadata = ids_with(|user| user.metadata.is_some());
    let mut stored: HashMap<String, String> = match with_metadata.is_empty() {
        true => HashMap::new(),
        false => tx.user_metadata_of_locked(app, &with_metadata).await?.into_iter().collect(),
    };
    let with_devices = ids_with(|user| user.devices.as_ref().is_some_and(|devices| !devices.is_empty()));
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !with_devices.is_empty() {
        for (user, name) in tx.totp_names(app, &with_devices).await? {
            names.entry(user).or_default().push(name);
        }
    }
    for (user, groups) in admitted {
        let hashes: Vec<(&str, &str)> = user
            .methods
            .iter()
            .filter_map(|method| Some((method.id.as_str(), method.password.hash.as_ref()?.0.expose().as_str())))
            .collect();
        for group in *groups {
            tx.insert_group(app, group, &hashes).await?;
        }
        let shown_id = user.shown_id();
        if let Some(external) = &user.external_id {
            let mapping = IdMapping { internal: user.id.clone(), external: external.clone(), info: None };
            tx.map_new_user(app, &mapping).await?;
        }
        for method in user.methods.iter().filter(|method| method.is_verified) {
            if let Some(email) = method.login.email() {
                let of = if method.id == user.id { shown_id } else { &method.id };
                tx.verify_email(app, of, email).await?;
            }
        }
        for device in user.devices.iter().flatten() {
            let names = names.entry(shown_id.to_owned()).or_default();
            tx.replace_totp_device(app, shown_id, &named(device, names, now)).await?;
        }
        if let Some(update) = &user.metadata {
            let stored = stored.remove(shown_id);
            let before = stored.as_deref().map_or(Ok(JsonObject::new()), JsonObject::parse);
            let before = before.map_err(|_| StoreError::Corrupt {
                table: "user_metadata".to_owned(),
                column: "user_metadata".to_owned(),
                key: shown_id.to_owned(),
            })?;
            let text = merged(before, update.clone()).to_text();
            match stored {
                Some(_) => tx.update_user_metadata(app, shown_id, &text).await?,
                None => tx.insert_first_user_metadata(app, shown_id, &text).await?,
            }
        }
        for role in user.roles.iter().flatten() {
            for tenant in &role.tenants {
                tx.give_role(app, tenant, shown_id, &role.role).await?;
            }
        }
    }
    Ok(())
}

/// A device without a name gets the next one that is free.
fn named(device: &ImportedDevice, names: &mut Vec<String>, now: Millis) -> TotpDevice {
    let name = device.name.clone().unwrap_or_else(|| next_name(names));
    names.push(name.clone());
    TotpDevice { name, secret: device.secret.clone(), period: device.period, skew: device.skew, verified: true, created_at: now }
}
