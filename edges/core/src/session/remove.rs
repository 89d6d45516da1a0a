//! Revoking and listing sessions: one statement each, whatever the number of sessions and tenants (core-session.md 2.7).

use std::collections::{HashMap, HashSet};

use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_wire::cdi::session::{
    LONGEST_USER_ID, ListSessions, RemoveSessions, SessionsListed, SessionsOf, SessionsRemoved,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::figures::Tally;
use crate::use_case::{Scope, UseCase};

impl UseCase for RemoveSessions {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<SessionsRemoved, Error> {
        let removed = match self {
            Self::Handles(handles) => by_handles(cx, handles).await?,
            Self::Of(whose) => by_user(cx, whose).await?,
        };
        Tally::add(&cx.core.tally.revoked, removed.len());
        Ok(SessionsRemoved(removed))
    }
}

impl UseCase for ListSessions {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<SessionsListed, Error> {
        let whose = self.0;
        let tenant = where_to_look(cx, &whose)?;
        let (app, now) = (cx.at().app.clone(), cx.now);
        let found = cx.db().read_long(async move |tx| {
            tx.session_handles_of_user(&app, tenant.as_ref(), &whose.user_id, whose.linked_accounts, now).await
        });
        Ok(SessionsListed(found.await?.into_iter().map(SessionHandle::presented).collect()))
    }
}

/// One tenant, or `None` for all of them.
fn where_to_look(cx: &Cx<'_>, whose: &SessionsOf) -> Result<Option<TenantId>, Error> {
    if whose.across_all_tenants {
        cx.require_public_tenant()?;
        cx.config()?;
        return Ok(None);
    }
    cx.tenant()?;
    Ok(Some(cx.at().tenant.clone()))
}

/// Answers tenant by tenant, in the order of the input; a handle that was given twice is answered twice, and one of a tenant that does
/// not exist is not answered.
async fn by_handles(cx: &Cx<'_>, handles: Vec<SessionHandle>) -> Result<Vec<SessionHandle>, Error> {
    cx.config()?;
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    let mut places: HashMap<TenantId, usize> = HashMap::new();
    let mut by_tenant: Vec<Vec<SessionHandle>> = Vec::new();
    let mut pairs = Vec::with_capacity(handles.len());
    for handle in handles {
        let tenant = handle.tenant();
        pairs.push((tenant.clone(), handle.clone()));
        let place = *places.entry(tenant).or_insert(by_tenant.len());
        match by_tenant.get_mut(place) {
            Some(group) => group.push(handle),
            None => by_tenant.push(vec![handle]),
        }
    }
    let app = cx.at().app.clone();
    let deleted = cx.db().single(async move |tx| tx.delete_sessions(&app, &pairs).await).await?;
    let deleted: HashSet<String> = deleted.into_iter().collect();
    Ok(by_tenant.into_iter().flatten().filter(|handle| deleted.contains(handle.as_str())).collect())
}

async fn by_user(cx: &Cx<'_>, whose: SessionsOf) -> Result<Vec<SessionHandle>, Error> {
    let tenant = where_to_look(cx, &whose)?;
    let (app, now, user_id) = (cx.at().app.clone(), cx.now, whose.user_id.clone());
    let deleted = cx.db().single(async move |tx| {
        tx.delete_sessions_of_user(&app, tenant.as_ref(), &whose.user_id, whose.linked_accounts, now).await
    });
    let deleted = deleted.await?;
    if let Err(error) = mark_active(cx, user_id).await {
        tracing::warn!(error = %error.causes(), "the time of last activity could not be stored");
    }
    Ok(deleted.into_iter().map(SessionHandle::presented).collect())
}

/// Never changes the answer: the sessions are revoked in any case.
async fn mark_active(cx: &Cx<'_>, user_id: String) -> Result<(), Error> {
    let (app, now) = (cx.at().app.clone(), cx.now);
    if user_id.chars().count() > LONGEST_USER_ID {
        // No column can hold it, so no user has it.
        return Ok(());
    }
    let asked = app.clone();
    let user = cx.db().read(async move |tx| tx.resolve_user(&asked, &user_id).await).await?;
    let id = user.last_active_id;
    let Some(row) = cx.mark_due(&id) else { return Ok(()) };
    let marked = id.clone();
    cx.db()
        .tx(async move |tx| {
            tx.mark_last_active(&app, &id, now).await?;
            tx.log_activity(&row).await
        })
        .await?;
    cx.was_marked(&marked);
    Ok(())
}
