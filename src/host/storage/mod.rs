//! The capability `storage`: a key-value store of a plugin's own.
//!
//! | module | what it owns |
//! |---|---|
//! | `shelf` | where stores are: the file of a plugin, shared by its workers |
//! | `store` | one store: transactions, and what they may use |
//!
//! The functions answer at once, as those of a browser's `localStorage` do: what is set is on
//! disk when `set` returns, which takes as long as the disk does.

mod shelf;
mod store;

use std::sync::Arc;

use super::call::HostCall;
use super::error::HostError;
use super::functions::HostFunctions;
use crate::policy::{PluginCapabilities, StorageGrant};
use crate::protocol::{PluginError, Value};

use store::E_TOO_LARGE;

/// The longest key, in bytes of UTF-8.
const MAX_KEY: usize = 1024;

/// Adds the functions, if there is a store; it is opened.
pub(super) fn define(
    functions: HostFunctions,
    plugin: &str,
    granted: &PluginCapabilities,
) -> Result<HostFunctions, PluginError> {
    let Some(grant) = &granted.storage else { return Ok(functions) };
    let store = match &grant.directory {
        Some(directory) => shelf::open(directory, plugin)?,
        None => shelf::in_memory()?,
    };
    let [get, has, set, delete, keys, clear, size] = std::array::from_fn(|_| Arc::clone(&store));
    let functions = functions
        .function("storage.get", move |call: &HostCall, (key,): (String,)| {
            with_key(call, "storage.get", &key, |_| get.get(&key))
        })
        .function("storage.has", move |call: &HostCall, (key,): (String,)| {
            with_key(call, "storage.has", &key, |_| has.has(&key))
        })
        .function("storage.set", move |call: &HostCall, (key, value): (String, Value)| {
            with_key(call, "storage.set", &key, |grant| set.set(&key, &value, grant))
        })
        .function("storage.delete", move |call: &HostCall, (key,): (String,)| {
            with_key(call, "storage.delete", &key, |_| delete.delete(&key))
        })
        .function("storage.keys", move |call: &HostCall, (prefix,): (Option<String>,)| {
            let prefix = prefix.unwrap_or_default();
            with_key(call, "storage.keys", &prefix, |_| keys.keys(&prefix))
        })
        .function("storage.clear", move |call: &HostCall, ()| {
            with_key(call, "storage.clear", "", |_| clear.clear())
        })
        .function("storage.size", move |call: &HostCall, ()| {
            with_key(call, "storage.size", "", |_| size.used())
        });
    Ok(functions)
}

/// Does `work` if a store is granted now and there can be such a key.
fn with_key<R>(
    call: &HostCall,
    operation: &'static str,
    key: &str,
    work: impl FnOnce(&StorageGrant) -> Result<R, HostError>,
) -> Result<R, HostError> {
    let audited = call.audited(operation, key);
    let result = match &call.capabilities().storage {
        None => {
            Err(HostError::new("storage is not granted any more").with_code(super::audit::REFUSED))
        }
        Some(_) if key.len() > MAX_KEY => {
            let message = format!("a key is longer than {MAX_KEY} bytes");
            Err(HostError::range(message).with_code(E_TOO_LARGE))
        }
        Some(grant) => work(grant),
    };
    audited.close(result)
}
