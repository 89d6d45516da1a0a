//! Users under ids of an application's own (core-linking.md 1). What is decided is in `supertokens_domain`:
//! `accounts` and `user_id_mapping`.

use supertokens_domain::accounts::MappingRemoval;
use supertokens_domain::user_id_mapping::{Mapping, UsedBy, Wanted, decide_mapping};
use supertokens_wire::cdi::user_id_mapping::{
    GetUserIdMapping, InfoPut, MapUserId, MappingFound, MappingRemoved, PutExternalUserIdInfo, RemoveUserIdMapping, UserIdMapped,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<MapUserId>(),
    Route::of::<GetUserIdMapping>(),
    Route::of::<RemoveUserIdMapping>(),
    Route::of::<PutExternalUserIdInfo>(),
];

fn in_use(by: UsedBy) -> Error {
    Error::bad(format!("UserId is already in use in {} recipe", by.name()))
}

impl UseCase for MapUserId {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    /// Whoever maps one of the ids meanwhile, or removes the user, is found by a key; then it is decided again.
    async fn run(self, cx: &Cx<'_>) -> Result<UserIdMapped, Error> {
        let (app, now) = (cx.at().app.clone(), cx.now);
        let mapping = cx.db().tx(async move |tx| {
            let (internal, external) = (&self.mapping.internal, &self.mapping.external);
            let found = tx.before_mapping(&app, internal, external, now).await?;
            let wanted = Wanted {
                supertokens_user_id: internal,
                external_user_id: external,
                force: self.force,
                may_move_verification: self.may_move_verification,
            };
            let decision = decide_mapping(&wanted, &found.before);
            if let Mapping::Create { move_verification } = decision {
                if move_verification {
                    tx.move_verification(&app, internal, external, found.verified_twice).await?;
                }
                tx.insert_user_id_mapping(&app, &self.mapping).await?;
            }
            Ok(decision)
        });
        match mapping.await? {
            Mapping::Create { .. } => Ok(UserIdMapped::Ok),
            Mapping::UnknownUser => Ok(UserIdMapped::UnknownUser),
            Mapping::Exists { of_user, of_external } => Ok(UserIdMapped::Exists { of_user, of_external }),
            Mapping::ExternalIsInternal => {
                Err(Error::bad("Cannot create a userId mapping where the externalId is also a SuperTokens userID"))
            }
            Mapping::InUse(by) => Err(in_use(by)),
        }
    }
}

impl UseCase for GetUserIdMapping {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<MappingFound, Error> {
        let app = cx.at().app.clone();
        let Self { user_id, kind } = self;
        let found = cx.db().read(async move |tx| tx.find_ids(&app, &user_id).await).await?;
        // One that maps an id to itself says nothing; only the Java core makes them.
        let mapping = found.meant(kind).mapping().filter(|mapping| mapping.internal != mapping.external);
        Ok(MappingFound(mapping.cloned()))
    }
}

impl UseCase for RemoveUserIdMapping {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<MappingRemoved, Error> {
        let (app, now) = (cx.at().app.clone(), cx.now);
        let removal = cx.db().tx(async move |tx| {
            let before = tx.before_mapping_removal(&app, &self.user_id, now).await?;
            let mapping = match before.found.removal(self.kind, |_| before.external_is_internal) {
                MappingRemoval::Nothing => None,
                MappingRemoval::AtOnce(mapping) => Some(mapping),
                MappingRemoval::Unless { mapping, .. } => match before.uses.first() {
                    Some(by) if !self.force => return Ok(Err(by)),
                    _ => mapping,
                },
            };
            match mapping {
                Some(mapping) => tx.delete_user_id_mapping(&app, mapping).await.map(Ok),
                None => Ok(Ok(false)),
            }
        });
        let did_exist = removal.await?.map_err(in_use)?;
        Ok(MappingRemoved { did_exist })
    }
}

impl UseCase for PutExternalUserIdInfo {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<InfoPut, Error> {
        let app = cx.at().app.clone();
        let putting = cx
            .db()
            .single(async move |tx| tx.put_external_user_id_info(&app, self.kind, &self.user_id, self.info.as_deref()).await);
        Ok(InfoPut { found: putting.await? })
    }
}
