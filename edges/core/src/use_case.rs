//! What is an operation of the core, whatever the recipe: what must exist, which checks it goes through, and how it is run. The recipes
//! say this of themselves; the list of them is `routes.rs`.

use std::future::Future;
use std::pin::Pin;

use supertokens_wire::input::{BadInput, Input};
use supertokens_wire::operation::{Answer as _, Body, Operation};

use crate::cx::Cx;
use crate::error::Error;

/// What must be there, and what is asked of the caller, before an operation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The tenant of the path must exist.
    Tenant,
    /// The app must exist; the tenant of the path is not looked at.
    App,
    /// The app must exist, and from 5.0 on the path must name its public tenant.
    AppFromPublicTenant,
    /// The same, but an app that does not exist is said first.
    AppThenPublicTenant,
    /// The app must exist, and the path must name its public tenant where tokens are verified without a place.
    Verifying,
    /// The operation looks for itself.
    Any,
}

/// Which checks an operation goes without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// An API key is asked for, where one is configured.
    pub key: bool,
    /// The version must be one of those that are served.
    pub version: bool,
}

impl Door {
    /// Key and version.
    pub const CLOSED: Self = Self { key: true, version: true };
    /// Neither.
    pub const OPEN: Self = Self { key: false, version: false };
}

/// Something that can be asked of the core.
pub trait UseCase: Operation {
    /// What must exist.
    const SCOPE: Scope;
    /// Which checks apply.
    const DOOR: Door = Door::CLOSED;

    /// The longest body that is read for it, in bytes (decisions.md 10, 30).
    const LARGEST_BODY: usize = 1 << 20;

    /// Loads, decides, saves, answers.
    fn run(self, cx: &Cx<'_>) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Body, Error>> + Send + 'a>>;

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// The verb.
    pub method: &'static str,
    /// The path behind the app and tenant segments.
    pub path: &'static str,
    /// Which value of the header `rid` asks for it, where recipes share a path.
    pub rid: Option<&'static str>,
    /// Which checks apply.
    pub door: Door,
    /// The longest body that is read, in bytes.
    pub largest_body: usize,
    pub(crate) run: for<'a> fn(&'a Cx<'a>, Input<'a>) -> Running<'a>,
}

impl Route {
    /// The line of an operation.
    pub const fn of<U: UseCase>() -> Self {
        Self {
            method: U::METHOD,
            path: U::PATH,
            rid: U::RID,
            door: U::DOOR,
            largest_body: U::LARGEST_BODY,
            run: |cx, input| Box::pin(answer::<U>(cx, input)),
        }
    }
}

/// Reads, checks the scope, runs, writes. In this order: what is wrong with the input is said first, but for what is looked at late.
async fn answer<U: UseCase>(cx: &Cx<'_>, input: Input<'_>) -> Result<Body, Error> {
    let question = match U::read(&input, &cx.rules) {
        Err(late @ BadInput::Late(_)) => Err(late),
        at_once => Ok(at_once?),
    };
    drop(input);
    check(U::SCOPE, cx)?;
    Ok(question?.run(cx).await?.write(&cx.rules))
}

fn check(scope: Scope, cx: &Cx<'_>) -> Result<(), Error> {
    match scope {
        Scope::Any => {}
        Scope::Tenant => drop(cx.tenant()?),
        Scope::App => drop(cx.config()?),
        // A tenant that may not ask is told so, whether or not there is such an app.
        Scope::AppFromPublicTenant => {
            cx.require_public_tenant()?;
            cx.config()?;
        }
        Scope::AppThenPublicTenant => {
            cx.config()?;
            cx.require_public_tenant()?;
        }
        Scope::Verifying => {
            if cx.rules.verify_from_public_tenant {
                cx.refuse_other_tenants()?;
            }
            cx.config()?;
        }
    }
    Ok(())
}
