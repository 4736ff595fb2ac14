//! `HostFunctions`: Rust functions that a plugin may call.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::arguments::{self, Arguments};
use crate::protocol::{PluginError, Value};

/// What a host function answers.
pub(crate) type HostResult = Result<Value, HostError>;

pub(crate) type HostFuture = Pin<Box<dyn Future<Output = HostResult> + Send>>;

/// A host function with its types taken off.
#[derive(Clone)]
pub(crate) enum HostFunction {
    Sync(Arc<SyncFunction>),
    Async(Arc<AsyncFunction>),
}

type SyncFunction = dyn Fn(&HostCall, Arguments) -> HostResult + Send + Sync;
type AsyncFunction = dyn Fn(HostCall, Arguments) -> HostFuture + Send + Sync;

/// Rust functions that a plugin may call, by name. Dots make namespaces on the global object:
/// `"editor.getContent"` is `editor.getContent()`.
///
/// Arguments and results are any `Deserialize` and `Serialize`; they travel as JSON, under the
/// limits of a call's result and argument. The closure's argument type says what the function
/// takes: `()` nothing, a tuple as many arguments (a missing one is null, so an `Option` may be
/// left out), anything else the first argument.
///
/// ```
/// use plugin_sandbox::{HostCall, HostError, HostFunctions, PluginWorker};
///
/// let host = HostFunctions::new()
///     .function("text.repeat", |_: &HostCall, (text, times): (String, Option<usize>)| {
///         Ok(text.repeat(times.unwrap_or(2)))
///     })
///     .function("text.fail", |_: &HostCall, ()| -> Result<(), _> {
///         Err(HostError::range("nothing to be had").with_code("E_NONE"))
///     });
/// let worker = PluginWorker::builder("user").host_functions(host).build()?;
/// assert_eq!(worker.blocking_execute("text.repeat('ab')")?, "abab");
/// let code = "try { text.fail() } catch (e) { `${e.name} ${e.code}` }";
/// assert_eq!(worker.blocking_execute(code)?, "RangeError E_NONE");
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Clone, Default)]
pub struct HostFunctions {
    functions: BTreeMap<String, HostFunction>,
    runtime: Option<Handle>,
    /// The first name that cannot be used; an error when the plugin is built.
    refused: Option<String>,
}

impl fmt::Debug for HostFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.functions.keys()).finish()
    }
}

impl HostFunctions {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function that answers at once. It runs on the plugin's thread, inside the call;
    /// its time counts as the plugin's wall time. A panic is caught and becomes an error of
    /// that call.
    #[must_use]
    pub fn function<A, R>(
        self,
        name: impl Into<String>,
        function: impl Fn(&HostCall, A) -> Result<R, HostError> + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        let body = move |call: &HostCall, all: Arguments| {
            let answer = function(call, arguments::parse(all)?)?;
            serde_json::to_value(answer).map_err(|error| HostError::new(error.to_string()))
        };
        self.add(name.into(), HostFunction::Sync(Arc::new(body)))
    }

    /// Adds a function whose answer takes time: the plugin gets a promise. It runs on the
    /// [runtime](Self::runtime); waiting for it is not the plugin's processor time. It is
    /// dropped when the call that made it is stopped, and when the plugin's isolate ends.
    #[must_use]
    pub fn async_function<A, R, F>(
        self,
        name: impl Into<String>,
        function: impl Fn(HostCall, A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, HostError>> + Send + 'static,
    {
        let body = move |call: HostCall, all: Arguments| -> HostFuture {
            match arguments::parse(all) {
                Err(error) => Box::pin(std::future::ready(Err(error))),
                Ok(all) => {
                    let answer = function(call, all);
                    Box::pin(async move {
                        serde_json::to_value(answer.await?)
                            .map_err(|error| HostError::new(error.to_string()))
                    })
                }
            }
        };
        self.add(name.into(), HostFunction::Async(Arc::new(body)))
    }

    /// The tokio runtime that asynchronous functions run on. Default: the one in whose context
    /// the plugin is built.
    #[must_use]
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    fn add(mut self, name: String, function: HostFunction) -> Self {
        let clashes = |other: &String| {
            let inside = |one: &str, other: &str| {
                one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'))
            };
            inside(&name, other) || inside(other, &name)
        };
        if !name.split('.').all(is_identifier) || self.functions.keys().any(clashes) {
            self.refused.get_or_insert(name);
        } else {
            self.functions.insert(name, function);
        }
        self
    }

    /// Checks the names, and finds the runtime if one is needed.
    pub(crate) fn prepare(&mut self, is_taken: fn(&str) -> bool) -> Result<(), PluginError> {
        let taken = |name: &&String| is_taken(name.split('.').next().unwrap_or_default());
        if let Some(name) = self.refused.as_ref().or(self.functions.keys().find(taken)) {
            return Err(PluginError::InvalidArgument(format!(
                "invalid host function {name:?}: use identifiers joined by dots, of which the \
                 first is no name of the language's and none is a function and a namespace at once"
            )));
        }
        let mut bodies = self.functions.values();
        if self.runtime.is_none() && bodies.any(|body| matches!(body, HostFunction::Async(_))) {
            self.runtime = Some(Handle::try_current().map_err(|_| {
                PluginError::InvalidArgument(
                    "asynchronous host functions need a tokio runtime: build the plugin inside \
                     of one, or give it with `HostFunctions::runtime`"
                        .into(),
                )
            })?);
        }
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &HostFunction)> {
        self.functions.iter()
    }

    pub(crate) fn runtime_handle(&self) -> Option<&Handle> {
        self.runtime.as_ref()
    }
}

fn is_identifier(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    !name.is_empty()
        && name.chars().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name != "__proto__"
}

/// What a host function knows of the call that it serves.
#[derive(Debug, Clone)]
pub struct HostCall {
    plugin: Arc<str>,
    time_left: Duration,
}

impl HostCall {
    pub(crate) fn new(plugin: &Arc<str>, time_left: Duration) -> Self {
        Self { plugin: Arc::clone(plugin), time_left }
    }

    /// The id of the plugin that calls.
    pub fn plugin_id(&self) -> &str {
        &self.plugin
    }

    /// The wall time that the plugin's call had left when it called.
    pub fn time_left(&self) -> Duration {
        self.time_left
    }
}

/// The class of the JavaScript exception that a [`HostError`] becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// `Error`
    #[default]
    Error,
    /// `TypeError`
    TypeError,
    /// `RangeError`
    RangeError,
}

/// Why a host function has no answer: the JavaScript exception that the plugin gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    pub(crate) class: ErrorClass,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

impl HostError {
    /// An `Error` with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Error, code: None, message: message.into() }
    }

    /// A `TypeError`: the function was called with the wrong arguments.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::TypeError, ..Self::new(message) }
    }

    /// A `RangeError`: an argument or a resource is beyond what there is.
    pub fn range(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::RangeError, ..Self::new(message) }
    }

    /// The same with a `code`, by which the plugin can tell errors apart.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(names: &[&str]) -> bool {
        let mut host = HostFunctions::new();
        for name in names {
            host = host.function(*name, |_: &HostCall, ()| Ok(()));
        }
        host.prepare(|name| name == "Object").is_err()
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        assert!(!refused(&["a.b", "a.c", "d", "ab"]));
        for names in [
            &["a..b"][..],
            &[""],
            &["a b"],
            &["1a"],
            &["Object.keys"],
            &["a", "a.b"],
            &["__proto__.x"],
        ] {
            assert!(refused(names), "{names:?}");
        }
    }

    #[test]
    fn asynchronous_functions_without_a_runtime_are_refused() {
        let mut host = HostFunctions::new().async_function("f", |_, ()| async { Ok(()) });
        let error = host.prepare(|_| false).unwrap_err().to_string();
        assert!(error.contains("tokio runtime"), "{error}");
    }
}
