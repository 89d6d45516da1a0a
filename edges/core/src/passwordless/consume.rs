//! POST /recipe/signinup/code/consume: the code goes and somebody is logged in, or neither. All devices of the contact are locked in one
//! order, so that two who log in at once do not wait for each other in a circle.

use std::sync::Arc;

use supertokens_domain::accounts::{AuthRecipe, Group, LoginMethod};
use supertokens_domain::passwordless::Contact;
use supertokens_domain::passwordless::attempt::Decision;
use supertokens_domain::tenancy::Recipe;
use supertokens_store::{DeviceRow, StoreError, Tx, taken_login};
use supertokens_wire::cdi::passwordless::{Attempted, ConsumeCode, Consumed, Shown};

use super::attempt::{Attempt, Tried, answer};
use crate::activity::{Notes, NotesOfSomebody, may_be_for_the_log};
use crate::cx::Cx;
use crate::error::{Error, chain};
use crate::logins::NewUser;
use crate::use_case::{Scope, UseCase};

/// How often it is begun anew because somebody signed up with the same contact in between.
const ATTEMPTS: usize = 3;

impl UseCase for ConsumeCode {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Attempted<Consumed>, Error> {
        cx.require_recipe(Recipe::Passwordless)?;
        let said = consume(cx, &self.0).await?;
        if !matches!(said, Attempted::Ok(_)) {
            cx.core.tally.signed_in(AuthRecipe::Passwordless, false);
        }
        Ok(said)
    }
}

async fn consume(cx: &Cx<'_>, shown: &Shown) -> Result<Attempted<Consumed>, Error> {
    let attempt = Arc::new(Attempt::new(cx, shown)?);
    let Some((device, code)) = attempt.look(cx).await? else { return Ok(Attempted::RestartFlow) };
    let code = Arc::new(code);
    let mut decision = attempt.decide(Some(&device), &code);
    // What is wrong concerns the one device: the others of the contact, of which anybody may have made many, are not waited for.
    if matches!(decision, Decision::Wrong { .. } | Decision::Restart { delete_device: true }) {
        decision = attempt.decide_locked(cx, &device.id_hash, Arc::clone(&code)).await?;
    }
    if decision != Decision::Right {
        return answer(decision, device, attempt.policy, |_| Err(Error::fault("it was not right")));
    }
    let login = Arc::new(LogIn::new(cx, attempt, device, code));
    let log_in = |with_notes| {
        let this = Arc::clone(&login);
        async move |tx: &mut Tx<'_>| this.run(tx, with_notes).await
    };
    for _ in 0..ATTEMPTS {
        let mut done = cx.db().tx(log_in(true)).await;
        if may_be_for_the_log(&done) {
            done = cx.db().tx(log_in(false)).await;
        }
        match done {
            Ok(outcome) => return login.answer(cx, outcome).await,
            Err(error) if taken_login(&error, &login.new.method.login).is_some() => {}
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(cx.at())),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::from(StoreError::Busy))
}

/// By what, in the log of activity.
fn principal(contact: &Contact) -> &'static str {
    if contact.email().is_some() { "email" } else { "phone_number" }
}

/// Somebody who has shown a code.
struct LogIn {
    attempt: Arc<Attempt>,
    device: DeviceRow,
    code: Arc<Tried>,
    /// Who they become, if they are nobody yet. Whoever has got the code has verified the address, where the version says so.
    new: NewUser,
    /// What is noted if they are somebody.
    known: NotesOfSomebody,
}

/// What happened under the locks.
struct Outcome {
    decision: Decision,
    device: DeviceRow,
    /// Who logged in, by which method, and whether for the first time.
    who: Option<(Group, String, bool)>,
    /// What was noted of somebody known.
    notes: Option<Notes>,
}

impl LogIn {
    fn new(cx: &Cx<'_>, attempt: Arc<Attempt>, device: DeviceRow, code: Arc<Tried>) -> Self {
        let contact = &device.contact;
        let mut method = LoginMethod::new(cx.uuid(), contact.login(), attempt.tenant.clone(), cx.now);
        method.is_verified |= cx.rules.codes_verify;
        let id = &method.recipe_user_id;
        let notes = cx.notes_of_login("passwordless_sign_up", id, id, principal(contact), contact.as_str());
        let known = cx.notes_of_somebody("passwordless_sign_in", principal(contact), contact.as_str());
        let new = NewUser { app: attempt.app.clone(), method, kept: None, passkey: None, notes: Some(notes) };
        Self { attempt, device, code, new, known }
    }

    async fn run(&self, tx: &mut Tx<'_>, with_notes: bool) -> Result<Outcome, StoreError> {
        let (attempt, contact) = (&self.attempt, &self.device.contact);
        let (app, tenant) = (&attempt.app, &attempt.tenant);
        let waiting = tx.lock_devices_of(app, tenant, contact).await?;
        let device = waiting.iter().find(|device| device.id_hash == self.device.id_hash);
        let decision = attempt.decide_under_lock(tx, &self.device.id_hash, device, &self.code).await?;
        let shown = device.unwrap_or(&self.device).clone();
        if decision != Decision::Right {
            return Ok(Outcome { decision, device: shown, who: None, notes: None });
        }
        let all: Vec<String> = waiting.into_iter().map(|device| device.id_hash).collect();
        tx.delete_devices(app, tenant, &all).await?;
        let found = tx.user_by_login(app, tenant, AuthRecipe::Passwordless, &contact.info()).await?;
        let Some(found) = found else {
            self.new.write(tx, with_notes).await?;
            let id = self.new.method.recipe_user_id.clone();
            let who = Some((Group::alone(self.new.method.clone()), id, true));
            return Ok(Outcome { decision, device: shown, who, notes: None });
        };
        let (mut group, recipe_user_id) = (found.group, found.recipe_user_id);
        let is_news = |method: &&LoginMethod| self.new.method.is_verified && !method.is_verified;
        if let (Some(email), Some(method)) = (contact.email(), group.method(&recipe_user_id).filter(is_news)) {
            let method = LoginMethod { is_verified: true, ..method.clone() };
            tx.verify_email(app, method.shown_id(), email).await?;
            group = group.with(method);
        }
        let notes = with_notes.then(|| self.known.of(&group.id));
        if let Some(notes) = &notes {
            notes.write(tx).await?;
        }
        Ok(Outcome { decision, device: shown, who: Some((group, recipe_user_id, false)), notes })
    }

    async fn answer(&self, cx: &Cx<'_>, outcome: Outcome) -> Result<Attempted<Consumed>, Error> {
        let Outcome { decision, device, who, notes } = outcome;
        let tally = &cx.core.tally;
        if let Some((user, recipe_user_id, created)) = &who {
            match &self.new.notes {
                Some(notes) if *created => {
                    tally.signed_up(AuthRecipe::Passwordless);
                    notes.are_written(cx);
                }
                _ => {
                    tally.signed_in(AuthRecipe::Passwordless, true);
                    if let Some(notes) = &notes {
                        notes.are_written(cx);
                    }
                    self.end_the_others(cx, user, recipe_user_id).await;
                }
            }
        }
        answer(decision, device, self.attempt.policy, |device| {
            let (user, recipe_user_id, created) = who.ok_or_else(|| Error::fault("nobody logged in by what was right"))?;
            Ok(Consumed { created, user, recipe_user_id, device })
        })
    }

    /// Codes for the other contact of the login method die too. Behind the commit: inside, one who logs in by e-mail and one by phone
    /// would each hold what the other deletes. If it fails they live until their time is over.
    async fn end_the_others(&self, cx: &Cx<'_>, user: &Group, recipe_user_id: &str) {
        let method = user.method(recipe_user_id);
        let Some(other) = method.and_then(|method| Contact::other_of(&self.device.contact, &method.login)) else { return };
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let ended = cx.db().single(async move |tx| tx.delete_devices_of(&app, &tenant, &other).await).await;
        if let Err(error) = ended {
            tracing::warn!(error = %chain(&error), "codes for the other contact of a user were not ended");
        }
    }
}
