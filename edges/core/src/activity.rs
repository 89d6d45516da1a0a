//! When was a user last active? Written at most every five minutes a user and process (core-session.md 2.8).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use supertokens_domain::ids::{AppId, SessionHandle};
use supertokens_domain::time::{MINUTE, Millis};
use supertokens_store::{ActivityRow, StoreError, Tx};

use crate::cx::Cx;
use crate::error::chain;

const THROTTLE: Millis = 5 * MINUTE;
const CAPACITY: usize = 200_000;

/// Remembers who was marked lately. Losing it costs a few writes, nothing else.
#[derive(Debug)]
pub(crate) struct Marks {
    marks: Mutex<HashMap<(AppId, String), Millis>>,
    capacity: usize,
    throttles: bool,
}

impl Marks {
    /// `throttles: false` marks every time, as test suites expect.
    pub(crate) fn new(throttles: bool) -> Self {
        Self { marks: Mutex::default(), capacity: CAPACITY, throttles }
    }

    /// Is a mark due?
    pub(crate) fn is_due(&self, app: &AppId, id: &str, now: Millis) -> bool {
        if !self.throttles {
            return true;
        }
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(&(app.clone(), id.to_owned())).is_none_or(|at| !is_recent(*at, now))
    }

    /// Forgets an app that was removed: in one of the same name nobody was active yet.
    pub(crate) fn forget(&self, app: &AppId) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| of != app);
    }

    /// Remembers a mark.
    pub(crate) fn remember(&self, app: &AppId, id: &str, now: Millis) {
        if !self.throttles {
            return;
        }
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() >= self.capacity {
            marks.retain(|_, at| is_recent(*at, now));
            if marks.len() >= self.capacity {
                marks.clear();
            }
        }
        marks.insert((app.clone(), id.to_owned()), now);
    }
}

impl Cx<'_> {
    /// The row that says a user was last active now, if one is due. Whoever writes it must call [`Cx::was_marked`] afterwards.
    pub(crate) fn mark_due(&self, id: &str) -> Option<ActivityRow> {
        self.core.marks.is_due(&self.at().app, id, self.now).then(|| activity(self, "user_last_active", id, id, None))
    }

    pub(crate) fn was_marked(&self, id: &str) {
        self.core.marks.remember(&self.at().app, id, self.now);
    }
}

/// A line for the audit log; of the public tenant, unless the caller says otherwise.
pub(crate) fn activity(cx: &Cx<'_>, event: &str, recipe: &str, primary: &str, identifier: Option<&SessionHandle>) -> ActivityRow {
    ActivityRow {
        app: cx.at().app.clone(),
        tenant: identifier.map(SessionHandle::tenant).unwrap_or_default(),
        recipe_user_id: Some(recipe.to_owned()),
        primary_or_recipe_user_id: Some(primary.to_owned()),
        event_type: event.to_owned(),
        status: Some("success".to_owned()),
        auth_principal: None,
        identifier: identifier.map(ToString::to_string),
        created_at: cx.now,
        payload: None,
    }
}

/// A mark from the future does not count: the clock was set back, and nobody should wait until it has caught up.
fn is_recent(at: Millis, now: Millis) -> bool {
    (at..at.saturating_add(THROTTLE)).contains(&now)
}

impl Cx<'_> {
    /// What is noted of somebody who logs in or comes to be: by which login method, of which user, and how.
    pub(crate) fn notes_of_login(&self, event: &str, recipe_user_id: &str, group_id: &str, by: &str, identifier: &str) -> Notes {
        let login = ActivityRow {
            tenant: self.at().tenant.clone(),
            auth_principal: Some(by.to_owned()),
            identifier: Some(identifier.to_owned()),
            ..activity(self, event, recipe_user_id, group_id, None)
        };
        Notes { login: Some(login), ..self.notes_of_activity(group_id) }
    }

    /// What is noted of somebody who was here, where nothing is said of how they came.
    pub(crate) fn notes_of_activity(&self, group_id: &str) -> Notes {
        Notes { login: None, mark: self.mark_due(group_id).map(|row| (group_id.to_owned(), row)) }
    }
}

impl Cx<'_> {
    /// The same for somebody of whom only how they come is known yet.
    pub(crate) fn notes_of_somebody(&self, event: &str, by: &str, identifier: &str) -> NotesOfSomebody {
        let Notes { login, .. } = self.notes_of_login(event, "", "", by, identifier);
        let mark = activity(self, "user_last_active", "", "", None);
        NotesOfSomebody { login, mark, marks: Arc::clone(&self.core.marks) }
    }
}

/// What is going to be noted of a login when it turns out, under locks, who it is.
pub(crate) struct NotesOfSomebody {
    login: Option<ActivityRow>,
    mark: ActivityRow,
    marks: Arc<Marks>,
}

impl NotesOfSomebody {
    /// It is this user.
    pub(crate) fn of(&self, id: &str) -> Notes {
        let whose = |row: &ActivityRow| {
            let (recipe, primary) = (Some(id.to_owned()), Some(id.to_owned()));
            ActivityRow { recipe_user_id: recipe, primary_or_recipe_user_id: primary, ..row.clone() }
        };
        let is_due = self.marks.is_due(&self.mark.app, id, self.mark.created_at);
        Notes { login: self.login.as_ref().map(whose), mark: is_due.then(|| (id.to_owned(), whose(&self.mark))) }
    }
}

/// What is noted of a login: a line of the log, and, if one is due, when the user was last active.
pub(crate) struct Notes {
    login: Option<ActivityRow>,
    mark: Option<(String, ActivityRow)>,
}

impl Notes {
    /// Is there nothing to note?
    pub(crate) fn is_empty(&self) -> bool {
        self.login.is_none() && self.mark.is_none()
    }

    /// Writes them. Whoever does must say so afterwards, by [`Notes::are_written`].
    pub(crate) async fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if let Some(login) = &self.login {
            tx.log_activity(login).await?;
        }
        if let Some((id, row)) = &self.mark {
            tx.mark_last_active(&row.app, id, row.created_at).await?;
            tx.log_activity(row).await?;
        }
        Ok(())
    }

    /// They are in the database.
    pub(crate) fn are_written(&self, cx: &Cx<'_>) {
        if let Some((id, _)) = &self.mark {
            cx.was_marked(id);
        }
    }
}

/// May it be the log of activity, or the mark, that the database did not take? Then the same is written once more without: they never
/// change an answer (core-session.md 2.1 step 8, 2.8).
pub(crate) fn may_be_for_the_log<T>(written: &Result<T, StoreError>) -> bool {
    let Err(error @ (StoreError::Driver(_) | StoreError::Locked | StoreError::Full(_))) = written else { return false };
    tracing::warn!(error = %chain(error), "writing again without the log of activity");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_for_five_minutes() {
        let marks = Marks::new(true);
        let app = AppId::default();
        assert!(marks.is_due(&app, "u", 0));
        marks.remember(&app, "u", 0);
        assert!(!marks.is_due(&app, "u", THROTTLE - 1));
        assert!(marks.is_due(&app, "u", THROTTLE));
        assert!(marks.is_due(&app, "u", -1), "the clock was set back");
        assert!(marks.is_due(&AppId::normalise("other"), "u", 1));
        assert!(Marks::new(false).is_due(&app, "u", 1));
    }

    #[test]
    fn memory_stays_bounded() {
        let marks = Marks { capacity: 10, ..Marks::new(true) };
        let app = AppId::default();
        for n in 0..1_000 {
            marks.remember(&app, &n.to_string(), n);
        }
        assert!(marks.marks.lock().unwrap().len() <= 10);
    }
}
