//! The threads that carry calls: two for the whole process, made at the first call.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::failure::{self, Failure};

/// The process that made it, and the runtime.
static RUNTIME: Mutex<Option<(u32, Runtime)>> = Mutex::new(None);

/// Where calls are carried.
pub(crate) fn handle() -> Result<Handle, Failure> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((of, runtime)) = &*runtime
        && *of == process
    {
        return Ok(runtime.handle().clone());
    }
    let made = Builder::new_multi_thread().worker_threads(2).thread_name("supertokens").enable_all().build();
    let made = made.map_err(|error| failure::of_host(&format!("no thread could be started: {error}")))?;
    let handle = made.handle().clone();
    // In a child that was forked its threads are not there, and its end would wait for them.
    std::mem::forget(runtime.replace((process, made)));
    Ok(handle)
}

/// Drops it where a thread may wait: the end of a core in this process waits for what it is writing.
pub(crate) fn let_go<T: Send + 'static>(gone: Option<T>) {
    let Some(gone) = gone else { return };
    match handle() {
        Ok(handle) => drop(handle.spawn_blocking(move || drop(gone))),
        Err(_) => drop(gone),
    }
}
