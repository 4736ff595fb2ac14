//! Everything that touches V8.
//!
//! [`PluginIsolate`] is a plugin's sandbox on the caller's own thread: one V8 isolate with one
//! realm, whose global object is built by hand. What happens in one call, top to bottom:
//!
//! | module | what it owns |
//! |---|---|
//! | `plugin_isolate` | the public face: an isolate from its start to its end |
//! | `window` | the guarded window around every entry into JavaScript |
//! | `calls` | the ways in: scripts, hooks, events |
//! | `world` | one V8 isolate with its one context, from creation to disposal |
//! | `builder` | what an isolate is built from |
//! | `platform` | V8 itself: flags, platform, initialised once for the process |
//! | `language` | what a realm keeps of the language, and how far that is guarded |
//! | `prelude` | the hardening of the language's builtins, in JavaScript |
//! | `pristine` | builtins kept from before any code of a plugin's ran |
//! | `realm` | the global object: what is added to the language |
//! | `hooks` | `plugin.on`, and finding a hook by name |
//! | `events` | `plugin.listen` and `plugin.emit` |
//! | `console`, `inspect` | the `console` object, and values as text for people |
//! | `own_properties` | what an object itself has, read without calling anything of the guest's |
//! | `script`, `own_script` | compiling and running classic scripts; those of the sandbox's own |
//! | `startup` | compiling what a plugin starts with, once for all its isolates |
//! | `modules` | linking and evaluating ES modules |
//! | `settle` | the event loop: microtasks, timers, the host's answers, waiting for a promise |
//! | `clock`, `random` | `Date` and `performance`, `Math.random` and `crypto` |
//! | `timers`, `host_calls` | `setTimeout` and its kin; host functions and their promises |
//! | `web` | text encodings, `URL`, events, `structuredClone`: the web's own, in JavaScript |
//! | `value_in`, `raw_text`, `value_out`, `refusal`, `date` | JSON values into V8 and out of it |
//! | `thresholds` | where one way of converting a value begins to be faster than another |
//! | `owner` | how others reach the isolate from their threads |
//! | `exception` | a thrown value as a `JsError` |
//! | `heap`, `buffers`, `stack` | the near-heap-limit callback, the `ArrayBuffer` quota, the stack |
//!
//! Guest code may run wherever a property of a guest's value is read, so all of these work
//! inside the guarded window, and any of them may end in [`Failure`].

mod buffers;
mod builder;
mod calls;
mod clock;
mod console;
mod date;
mod events;
mod exception;
mod failure;
mod heap;
mod hooks;
mod host_calls;
mod inspect;
mod language;
mod modules;
mod own_properties;
mod own_script;
mod owner;
mod platform;
mod plugin_isolate;
mod prelude;
mod pristine;
mod random;
mod raw_text;
mod realm;
mod refusal;
mod script;
mod settle;
mod stack;
mod startup;
mod state;
mod thresholds;
mod timers;
mod value_in;
mod value_out;
mod web;
mod window;
mod world;

pub(crate) use builder::Blueprint;
pub use builder::PluginBuilder;
pub(crate) use heap::HeapUse;
pub(crate) use owner::Owner;
pub use platform::set_v8_options;
pub use plugin_isolate::PluginIsolate;
pub(crate) use plugin_isolate::Verdict;
pub(crate) use value_in::Argument;

use failure::Failure;
