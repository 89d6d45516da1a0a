//! How an application changes what the SDK does: every ability is a struct with a `run`, an override wraps it, and the original is
//! the override's `next` (sdk-session.md 1.11).
//!
//! Calls among the SDK's own functions go to the outermost override too: there is one door, [`SuperTokens::call`].

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;

use crate::SuperTokens;
use crate::error::Error;
use crate::future::BoxFuture;

/// Something the SDK can do and an application can change: a function of a recipe, or one of its HTTP endpoints.
pub trait Function: Send + Sized + 'static {
    /// What it is called in logs, in the words of the other SDKs.
    const NAME: &'static str;
    /// What comes of it.
    type Output: Send + 'static;

    /// Does it. Applications call [`SuperTokens::call`] instead, so that overrides count.
    fn run(self, engine: &SuperTokens) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// The rest of the way: the next override inside, or the original.
pub struct Next<F> {
    engine: SuperTokens,
    /// How many overrides are still inside.
    inside: usize,
    call: PhantomData<fn(F)>,
}

impl<F: Function> Next<F> {
    /// Goes on with this call, which may differ from the one that came.
    ///
    /// # Errors
    /// What comes from inside.
    pub async fn run(self, call: F) -> Result<F::Output, Error> {
        self.engine.descend(call, self.inside).await
    }

    /// The SDK, for calling other functions.
    pub fn supertokens(&self) -> &SuperTokens {
        &self.engine
    }
}

impl<F> std::fmt::Debug for Next<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Next({} inside)", self.inside)
    }
}

type Wrap<F> = Arc<dyn Fn(F, Next<F>) -> BoxFuture<'static, Result<<F as Function>::Output, Error>> + Send + Sync>;

/// The overrides of one application, innermost first, and which endpoints it has switched off.
#[derive(Default)]
pub(crate) struct Overrides {
    wraps: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    disabled: HashSet<TypeId>,
}

impl Overrides {
    /// Puts one around those that are there.
    pub(crate) fn wrap<F, Wrapping, Running>(&mut self, wrapping: Wrapping)
    where
        F: Function,
        Wrapping: Fn(F, Next<F>) -> Running + Send + Sync + 'static,
        Running: Future<Output = Result<F::Output, Error>> + Send + 'static,
    {
        let wrap: Wrap<F> = Arc::new(move |call, next| Box::pin(wrapping(call, next)));
        let list = self.wraps.entry(TypeId::of::<F>()).or_insert_with(|| Box::new(Vec::<Wrap<F>>::new()));
        if let Some(list) = list.downcast_mut::<Vec<Wrap<F>>>() {
            list.push(wrap);
        }
    }

    pub(crate) fn disable<F: Function>(&mut self) {
        self.disabled.insert(TypeId::of::<F>());
    }

    pub(crate) fn is_enabled<F: Function>(&self) -> bool {
        !self.disabled.contains(&TypeId::of::<F>())
    }

    /// Whether anybody wraps it.
    pub(crate) fn has<F: Function>(&self) -> bool {
        self.wraps.contains_key(&TypeId::of::<F>())
    }

    fn of<F: Function>(&self) -> &[Wrap<F>] {
        self.wraps.get(&TypeId::of::<F>()).and_then(|list| list.downcast_ref::<Vec<Wrap<F>>>()).map_or(&[], Vec::as_slice)
    }
}

impl SuperTokens {
    /// Does something the SDK can do, by way of the application's overrides of it.
    ///
    /// # Errors
    /// See the function; overrides may add their own.
    pub fn call<F: Function>(&self, call: F) -> BoxFuture<'_, Result<F::Output, Error>> {
        self.descend(call, self.overrides().of::<F>().len())
    }

    fn descend<F: Function>(&self, call: F, inside: usize) -> BoxFuture<'_, Result<F::Output, Error>> {
        let Some(within) = inside.checked_sub(1) else { return Box::pin(call.run(self)) };
        match self.overrides().of::<F>().get(within) {
            Some(wrap) => wrap(call, Next { engine: self.clone(), inside: within, call: PhantomData }),
            None => Box::pin(call.run(self)),
        }
    }
}
