//! Runs other people's JavaScript inside a host program.
//!
//! Each plugin runs in a V8 isolate of its own, on a thread of its own. It touches what it was
//! granted and nothing else, uses what it was allotted and no more; whatever it does, the host
//! lives, the caller gets an answer, and the other plugins do not notice.
//!
//! ```
//! use plugin_sandbox::{PluginCapabilities, PluginWorker};
//!
//! # async fn example() -> Result<(), plugin_sandbox::PluginError> {
//! let worker = PluginWorker::new("word-count", PluginCapabilities::default());
//! worker.execute("function count(text) { return text.match(/\\w+/g).length }; undefined").await?;
//! assert_eq!(worker.call_hook("count", "to be or not".into()).await?, 4);
//! worker.shutdown();
//! # Ok(())
//! # }
//! # pollster::block_on(example()).unwrap();
//! ```
//!
//! # Where to begin
//!
//! | to | use |
//! |---|---|
//! | run scripts and hooks on a thread of their own | [`PluginWorker`] |
//! | keep many of them by name, and call a hook in all | [`WorkerRegistry`] |
//! | have workers ready before they are wanted | [`WorkerPool`] |
//! | load a plugin from a directory with a `plugin.toml` | [`PluginSandbox`] |
//! | run on the present thread, without a hop | [`PluginIsolate`] |
//! | say what a plugin may use, and what it may touch | [`ResourceLimits`], [`PluginCapabilities`] |
//! | read all of that from a file, or several | [`SandboxConfig`], [`ConfigLayers`] |
//! | ask before a plugin gets more | [`NotGranted`] |
//! | know what went wrong | [`PluginError`], one variant a cause |
//!
//! # What a plugin sees
//!
//! The JavaScript language without anything that reaches outside: no files, no network, no
//! timers, no `eval`, no `WebAssembly`, no `Intl`, no shared memory, no weak references, no buffers
//! that grow. What is not granted is absent, not a function that says no;
//! `tests/golden/globals.txt` lists every name that a plugin can reach. Besides the language there
//! are
//!
//! - the web's own that need nothing from outside: `URL`, `URLSearchParams`, `TextEncoder`,
//!   `TextDecoder`, `atob`, `btoa`, `structuredClone`, `queueMicrotask`, `Event`, `CustomEvent`,
//!   `EventTarget`, `AbortController`, `AbortSignal`, `DOMException`; `docs/web-apis.md` says how
//!   they differ from their standards;
//! - `console` with `log`, `info`, `warn`, `error`, `debug`, `trace`: to the host's
//!   [`ConsoleSink`];
//! - `plugin.id`, `plugin.on(name, fn)` and `plugin.off(name)`: its hooks, at most 10,000;
//!   `plugin.listen(name, fn)`, `plugin.unlisten(name, fn)` and `plugin.emit(name, payload)`:
//!   [events](PluginWorker::emit) [both ways](PluginWorker::plugin_events).
//!
//! What else there is was granted: by name ([`Capability`]), with particulars ([`FileRoot`],
//! [`NetworkGrant`], [`CommandGrant`], [`StorageGrant`]), and the host's own functions
//! ([`HostFunctions`]) by name or glob. `docs/capabilities.md` shows what plugins call, and
//! [`HostDescription::typescript`] declares it. A clock may be coarse or stand still ([`Clock`]) and
//! chance come from a seed ([`Randomness`]), up to runs that are the same to the byte. The locale
//! is `en-US`, whatever the host's is. Every use of files, network, commands and storage is told
//! to an [`AuditSink`], and grants can be [made less](PluginWorker::narrow) while a plugin runs.
//!
//! # Values
//!
//! Arguments go in as JSON. What comes out is made by walking the value, inside the call's
//! limits:
//!
//! | JavaScript | JSON |
//! |---|---|
//! | `null`, `undefined` | null; a member that is `undefined` is left out |
//! | boolean | boolean |
//! | number | an integer if it is one within ±2<sup>53</sup> (`-0` is 0), else a float; `NaN` and the infinities: error |
//! | string | string; a lone surrogate becomes U+FFFD |
//! | `BigInt`, symbol, function | error |
//! | array | array; holes are null |
//! | object, class instance | object of the own enumerable members with string keys; a name that begins with `$serde_json::private::`: error |
//! | object with a `toJSON` method | what it answers; one on `Object.prototype` is ignored |
//! | `Date` | ISO 8601 string; an invalid date: error |
//! | `Map` | object, if all keys are strings; else error |
//! | `Set` | array |
//! | typed array | array of its numbers; of `BigInt`: error |
//! | `ArrayBuffer`, `DataView` | array of its bytes |
//! | `new Number`, `new String`, `new Boolean` | the primitive |
//! | `Error` | object with `name`, `message` and the own enumerable members |
//! | `Proxy` | what it poses as, through its traps; a revoked one: error |
//! | `Promise` | awaited if it is the result itself; inside of it: error |
//! | `RegExp`, iterators, weak collections, `SharedArrayBuffer`, objects of WebAssembly | error |
//! | a cycle | error |
//!
//! An error is [`PluginError::NotSerializable`] with the path of the place (`$.items[3].id`),
//! never a silent null. Getters, `toJSON` and proxy traps are the plugin's code: they are
//! called, under the limits of the call. Depth and size are limited
//! ([`ResourceLimits::result_depth`], [`ResourceLimits::result_size`]).
//!
//! A host that has JSON text already, or types of its own, needs no tree of values:
//! [`PluginWorker::call_hook_raw`] and [`PluginIsolate::call_hook_raw`] take the text and answer what
//! this table says as text.
//!
//! To carry bytes as an array of numbers is dear: [`PluginWorker::call_hook_bytes`] and
//! [`PluginIsolate::call_hook_bytes`] take them and answer them as they are.
//!
//! # Threads
//!
//! The process has one more thread, `plugin-watchdog`, from the first isolate on; and V8's own
//! helpers. V8 is initialised by whoever needs it first, on any thread, with flags that hold
//! for the whole process; [`set_v8_options`] has a say in them until then. A program that uses V8 besides must let this crate initialise it.
#![deny(unsafe_code)]

mod host;
mod isolate;
mod policy;
mod pool;
mod process;
mod protocol;
mod registry;
mod sandbox;
mod watchdog;
mod worker;

pub use host::{
    AuditEvent, AuditOutcome, AuditSink, CommandConfirm, CommandRequest, ConsoleLevel,
    ConsoleMessage, ConsoleSink, ErrorClass, FetchBody, FetchError, FetchFuture, FetchRequest,
    FetchResponse, Fetcher, FunctionDescription, HostCall, HostDescription, HostError,
    HostFunctions, PluginEvent, PluginEvents, TypeDescription,
};
#[cfg(feature = "fetch")]
pub use host::{HttpClient, Resolver};
pub use isolate::{PluginBuilder, PluginIsolate, set_v8_options};
pub use policy::{
    ArgumentPattern, ByteSize, Capability, Clock, CommandGrant, ConfigFormat, ConfigLayers,
    ConfigOrigin, FileAccess, FileRoot, Hardening, HostPattern, LayeredConfig, Limit, NetworkGrant,
    Origin, Permission, PluginCapabilities, PluginManifest, Preset, ProcessLimits, Randomness,
    ResourceLimits, RestartPolicy, SandboxConfig, StorageGrant, V8Options, Wake,
};
pub use pool::WorkerPool;
pub use process::{ProcessStats, process_stats, set_process_limits};
pub use protocol::{
    JsError, PluginError, RawValue, SourceLine, StackFrame, Value, WorkerMessage, WorkerResponse,
};
pub use registry::{HookCalls, WorkerRegistry};
pub use sandbox::{Answer, Asked, Lifecycle, NotGranted, PluginSandbox, SandboxBuilder};
pub use watchdog::{FaultContainment, set_fault_containment};
pub use worker::{
    BatchCall, Call, PluginWorker, Terminations, WorkerEvent, WorkerEvents, WorkerState,
    WorkerStats,
};

/// The README's own examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// And those of the guide to config files.
#[cfg(doctest)]
#[doc = include_str!("../docs/config.md")]
mod config_guide {}
