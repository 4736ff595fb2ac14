//! What a realm has of the language, and how far that is guarded.
//!
//! An allow-list says what stays of what V8 brings, so that a newer V8 adds nothing by itself.

use super::failure::OrThrown as _;
use super::{Failure, own_properties, prelude};
use crate::policy::{Capability, Hardening, PluginCapabilities};
use crate::protocol::PluginError;

/// What stays of the global object for every plugin: the language, and nothing that reaches
/// outside the heap, a clock finer than `Date`, or another thread.
const LANGUAGE: &[&str] = &[
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DataView",
    "Date",
    "Error",
    "EvalError",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "Function",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "SuppressedError",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakSet",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "eval",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "undefined",
    "unescape",
];

/// The names that a capability keeps on the global object.
fn names_of(capability: Capability) -> &'static [&'static str] {
    match capability {
        // Switches of V8's, or defined by the sandbox.
        Capability::Clock
        | Capability::CodeGeneration
        | Capability::Encoding
        | Capability::Random
        | Capability::ResizableBuffers
        | Capability::Timers
        | Capability::Web => &[],
        Capability::Intl => &["Intl"],
        Capability::SharedMemory => &["SharedArrayBuffer", "Atomics"],
        Capability::Temporal => &["Temporal"],
        Capability::Wasm => &["WebAssembly"],
        Capability::WeakReferences => &["WeakRef", "FinalizationRegistry"],
    }
}

/// Whether a bare global object has this name.
pub(super) fn is_name(name: &str) -> bool {
    LANGUAGE.contains(&name)
        || Capability::ALL.into_iter().any(|capability| names_of(capability).contains(&name))
}

/// Leaves in the present context, in which nothing has run, what a plugin gets of the language, and
/// guards that.
pub(super) fn prepare(
    scope: &mut v8::PinScope<'_, '_>,
    hardening: Hardening,
    capabilities: &PluginCapabilities,
) -> Result<(), Failure> {
    // First of all, so that what does not stay is not hardened.
    remove_what_is_not_listed(scope, capabilities)?;
    prelude::harden(scope, hardening, capabilities.has(Capability::ResizableBuffers))
}

fn remove_what_is_not_listed(
    scope: &v8::PinScope<'_, '_>,
    capabilities: &PluginCapabilities,
) -> Result<(), Failure> {
    let global = scope.get_current_context().global(scope);
    let keys = global.get_own_property_names(scope, own_properties::all_own_keys()).or_thrown()?;
    for index in 0..keys.length() {
        let key = keys.get_index(scope, index).or_thrown()?;
        let name = match v8::Local::<v8::String>::try_from(key) {
            Ok(name) => name.to_rust_string_lossy(scope),
            // `Symbol.toStringTag` and whatever else V8 may think of.
            Err(_) => String::new(),
        };
        let stays = LANGUAGE.contains(&name.as_str())
            || capabilities.iter().any(|granted| names_of(granted).contains(&name.as_str()));
        if !stays && global.delete(scope, key) != Some(true) {
            let reason = format!("cannot remove {name:?} from the global object");
            return Err(PluginError::Internal(reason).into());
        }
    }
    Ok(())
}
