//! Users of a file, some at a time, with how far the file is done: both in one transaction, so that whoever is killed goes on where it was,
//! and nobody comes in twice. And users on their way out, in the same form.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use supertokens_domain::accounts::{Group, LoginMethod};
use supertokens_domain::bulk_import::{
    Admission, Context, Ids, ImportedDevice, ImportedMethod, ImportedPassword, ImportedRole, ImportedUser, named_roles,
    named_tenants, read,
};
use supertokens_domain::emailpassword::cost::Caps;
use supertokens_domain::emailpassword::password_hash::{Format, PasswordHash};
use supertokens_domain::ids::{AppId, AppIdentifier, TenantId};
use supertokens_domain::json::JsonObject;
use supertokens_domain::secret::Secret;
use supertokens_store::{FilePosition, StoreError};

use super::entry::{Places, let_in};
use super::{TRIES, is_of_a_row};
use crate::Core;
use crate::caller::Caller;
use crate::error::{Error, chain};
use crate::ports::uuid;

/// What came of one user of a file: nothing, if it came in; or why it did not.
pub type Refusals = Vec<Option<Vec<String>>>;

/// What is kept of a user beside the login methods: devices, and the tenants of each role.
type Kept = (Vec<ImportedDevice>, BTreeMap<String, Vec<TenantId>>);

impl Core {
    /// How far a file has been imported into an app, if it has been begun.
    ///
    /// # Errors
    /// The database.
    pub async fn file_position(&self, app: &AppId, source: &str) -> Result<Option<FilePosition>, Error> {
        let (app, source) = (app.clone(), source.to_owned());
        Ok(self.0.db.read(async move |tx| tx.file_position(&app, &source).await).await?)
    }

    /// Imports some users, and notes how far their file is done with them, if it has a name; its counts are added to.
    ///
    /// # Errors
    /// The database, or there is no such app. Nothing has been done then.
    pub async fn import_users(
        &self,
        app: &AppId,
        objects: &[JsonObject],
        file: Option<(&str, FilePosition)>,
    ) -> Result<Refusals, Error> {
        let at = AppIdentifier { app: app.clone(), ..AppIdentifier::default() };
        let now = self.0.clock.now();
        let entry = self.0.tenants.find(&at.public(), now).await?.ok_or_else(|| Error::no_app(&at))?;
        let named: Vec<String> =
            objects.iter().flat_map(named_roles).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
        let mut roles = BTreeSet::new();
        if !named.is_empty() {
            let app = app.clone();
            roles = self.0.db.read(async move |tx| tx.roles_named(&app, &named).await).await?.into_iter().collect();
        }
        let mut tenants = BTreeMap::new();
        for tenant in objects.iter().flat_map(named_tenants).collect::<BTreeSet<_>>() {
            if self.0.tenants.find(&at.tenant(tenant.clone()), now).await?.is_some() {
                tenants.insert(tenant, String::new());
            }
        }
        let config = &entry.config;
        let has_signer_key = config.firebase_password_hashing_signer_key.is_some();
        let context = Context { roles: &roles, tenants: &tenants, has_signer_key, caps: Caps::of(config), now };
        let mut new = || uuid(&*self.0.dice);
        let (mut users, mut places, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        for object in objects {
            match read(object, &context, &mut BTreeSet::new(), &mut Ids::New(&mut new)) {
                Ok(user) => {
                    places.push(refusals.len());
                    users.push(user);
                    refusals.push(None);
                }
                Err(errors) => refusals.push(Some(errors)),
            }
        }
        let caller = Caller::default();
        for user in &mut users {
            let plain: Vec<_> = user.unhashed().map(|(at, password)| (at, password.clone())).collect();
            for (at, password) in plain {
                let mut salt = [0; supertokens_domain::emailpassword::password_hash::SALT];
                self.0.dice.fill(&mut salt);
                user.set_hash(at, self.0.hashing.make(&caller, config, password, salt).await?);
            }
        }
        let already: i64 = count(refusals.iter().filter(|refusal| refusal.is_some()).count());
        let file = file.map(|(source, at)| (source.to_owned(), at));
        let said = match self.let_file_in(app, users.clone(), file.clone(), already).await {
            Err(error) if is_of_a_row(&error) => self.one_by_one(app, users, file, already, &error).await?,
            said => said?,
        };
        for (place, why) in places.into_iter().zip(said) {
            if let (Some(refusal), Some(why)) = (refusals.get_mut(place), why) {
                *refusal = Some(vec![why]);
            }
        }
        Ok(refusals)
    }

    async fn let_file_in(
        &self,
        app: &AppId,
        users: Vec<ImportedUser>,
        file: Option<(String, FilePosition)>,
        already: i64,
    ) -> Result<Vec<Option<String>>, StoreError> {
        let (users, file, now) = (Arc::new(users), Arc::new(file), self.0.clock.now());
        let mut tries = 0;
        loop {
            let (app, users, file) = (app.clone(), Arc::clone(&users), Arc::clone(&file));
            let letting = self.0.db.tx(async move |tx| {
                let places = Places::of(tx, &app, &users).await?;
                let admissions = let_in(tx, &app, &users, places, now).await?;
                let why = |admission| match admission {
                    Admission::Refused(why) => Some(why),
                    Admission::Admitted(_) | Admission::Already => None,
                };
                let said: Vec<Option<String>> = admissions.into_iter().map(why).collect();
                if let Some((source, at)) = &*file {
                    let refused = count(said.iter().filter(|why| why.is_some()).count());
                    let imported = at.imported + count(said.len()) - refused;
                    let at = FilePosition { imported, refused: at.refused + already + refused, ..*at };
                    tx.put_file_position(&app, source, at, now).await?;
                }
                Ok(said)
            });
            match letting.await {
                Err(StoreError::Duplicate(_)) if tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    /// One of them is to blame, and is refused; the last goes with how far the file is done.
    async fn one_by_one(
        &self,
        app: &AppId,
        users: Vec<ImportedUser>,
        file: Option<(String, FilePosition)>,
        already: i64,
        error: &StoreError,
    ) -> Result<Vec<Option<String>>, Error> {
        tracing::warn!(error = %chain(error), users = users.len(), "users cannot be imported together; trying them one by one");
        let mut said = Vec::with_capacity(users.len());
        for user in users {
            match self.let_file_in(app, vec![user], None, 0).await {
                Ok(why) => said.extend(why),
                Err(error) if is_of_a_row(&error) => {
                    said.push(Some(format!("E001: the user could not be stored: {}", chain(&error))));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some((source, at)) = file {
            let refused = count(said.iter().filter(|why| why.is_some()).count());
            let imported = at.imported + count(said.len()) - refused;
            let at = FilePosition { imported, refused: at.refused + already + refused, ..at };
            let (app, now) = (app.clone(), self.0.clock.now());
            self.0.db.tx(async move |tx| tx.put_file_position(&app, &source, at, now).await).await?;
        }
        Ok(said)
    }

    /// The next users of an app, behind one, as they would be imported; and behind whom the next ones are, if there may be some. Hashes of
    /// passwords and secrets of devices only if they are wanted: without its hash a password is not named, and such a login method comes
    /// without one, which no import takes.
    ///
    /// # Errors
    /// The database.
    pub async fn export_users(
        &self,
        app: &AppId,
        after: &str,
        limit: usize,
        with_secrets: bool,
    ) -> Result<(Vec<JsonObject>, Option<String>), Error> {
        let (app, after, many) = (app.clone(), after.to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        let reading = self.0.db.read_long(async move |tx| {
            let ids = tx.users_behind(&app, &after, many).await?;
            let groups = tx.users_by_internal_ids(&app, &ids).await?;
            let of: Vec<String> = groups.iter().map(|group| group.shown_id().to_owned()).collect();
            let internal: Vec<String> =
                groups.iter().flat_map(|group| &group.methods).map(|method| method.recipe_user_id.clone()).collect();
            let (hashes, devices) = match with_secrets {
                true => (tx.hashes_of(&app, &internal).await?, tx.devices_of_users(&app, &of).await?),
                false => (Vec::new(), Vec::new()),
            };
            let metadata = tx.user_metadata_of(&app, &of).await?;
            let roles = tx.roles_of(&app, &of).await?;
            let next = (ids.len() >= limit).then(|| ids.last().cloned()).flatten();
            Ok((groups, hashes, devices, metadata, roles, next))
        });
        let (groups, hashes, devices, metadata, roles, next) = reading.await?;
        let hashes: HashMap<String, Secret<String>> = hashes.into_iter().collect();
        let mut metadata: HashMap<String, String> = metadata.into_iter().collect();
        let mut of_users: HashMap<String, Kept> = HashMap::new();
        for (user, device) in devices {
            let device =
                ImportedDevice { secret: device.secret, period: device.period, skew: device.skew, name: Some(device.name) };
            of_users.entry(user).or_default().0.push(device);
        }
        for (user, tenant, role) in roles {
            of_users.entry(user).or_default().1.entry(role).or_default().push(tenant);
        }
        let exported = groups.into_iter().map(|group| {
            let id = group.shown_id().to_owned();
            let (devices, roles) = of_users.remove(&id).unwrap_or_default();
            let metadata = metadata.remove(&id).and_then(|text| JsonObject::parse(&text).ok());
            exported(&group, devices, roles, metadata, &hashes)
        });
        Ok((exported.collect(), next))
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Under the id that answers show, so that an application finds its users again. Passkeys are bound to their relying party, and stay.
fn exported(
    group: &Group,
    devices: Vec<ImportedDevice>,
    roles: BTreeMap<String, Vec<TenantId>>,
    metadata: Option<JsonObject>,
    hashes: &HashMap<String, Secret<String>>,
) -> JsonObject {
    let methods: Vec<&LoginMethod> = group.methods.iter().filter(|method| method.login.credential_ids().is_none()).collect();
    // The one that gave the user its id, if it is still there.
    let main = methods.iter().find(|method| method.recipe_user_id == group.id).or(methods.first());
    let main = main.map(|method| method.recipe_user_id.clone()).unwrap_or_default();
    // In an order that does not depend on internal ids, which are made anew; of equal age, the first is the main one where there is no other.
    let mut methods = methods;
    methods
        .sort_by_cached_key(|method| (method.recipe_user_id != main, method.time_joined, method.recipe(), method.login.infos()));
    let method = |method: &&LoginMethod| ImportedMethod {
        id: method.recipe_user_id.clone(),
        tenants: method.tenants.iter().cloned().collect(),
        is_verified: method.is_verified && method.login.email().is_some(),
        is_primary: group.is_primary && method.recipe_user_id == main,
        time_joined: method.time_joined,
        login: method.login.clone(),
        password: ImportedPassword { hash: hashes.get(&method.recipe_user_id).and_then(known), plain: None },
    };
    let user = ImportedUser {
        external_id: Some(group.shown_id().to_owned()),
        metadata,
        roles: (!roles.is_empty()).then(|| roles.into_iter().map(|(role, tenants)| ImportedRole { role, tenants }).collect()),
        devices: (!devices.is_empty()).then_some(devices),
        methods: methods.iter().map(method).collect(),
        id: main,
    };
    // Ids that nobody else knows are made anew wherever they come in.
    user.raw_without_ids()
}

/// A hash that nothing belongs to is none.
fn known(hash: &Secret<String>) -> Option<(Secret<String>, Format)> {
    PasswordHash::read(hash.expose()).map(|read| (hash.clone(), read.format()))
}
