//! `HostFunctions`: Rust functions that a plugin may call.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::arguments::{self, Arguments};
use super::call::{HostCall, HostState};
use super::data::Data;
use super::data_writer::to_data;
use super::error::HostError;
use super::typescript::{FunctionDescription, HostDescription, TypeDescription};
use crate::policy::is_path_of_identifiers;
use crate::protocol::PluginError;

/// What a host function answers.
pub(crate) type HostResult = Result<Data, HostError>;

pub(crate) type HostFuture = Pin<Box<dyn Future<Output = HostResult> + Send>>;

/// A host function with its types taken off.
#[derive(Clone)]
pub(crate) enum HostFunction {
    Sync(Arc<SyncFunction>),
    /// With the runtime it runs on, once that is known.
    Async(Arc<AsyncFunction>, Option<Handle>),
}

/// Who a host function comes from, and so who says whether it may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    /// The host: a plugin may call it if its capabilities allow its name.
    Host,
    /// A built-in capability, which looks itself at what is granted.
    BuiltIn,
}

type SyncFunction = dyn Fn(&HostCall, Arguments) -> HostResult + Send + Sync;
type AsyncFunction = dyn Fn(HostCall, Arguments) -> HostFuture + Send + Sync;

/// Rust functions that a plugin may call, by name. Dots make namespaces on the global object:
/// `"editor.getContent"` is `editor.getContent()`.
///
/// A plugin sees those that its [capabilities](crate::PluginCapabilities::host) name; the others
/// are absent.
///
/// Arguments and results are any `Deserialize` and `Serialize`; they travel as JSON, under the
/// limits of a call's result and argument. The closure's argument type says what the function
/// takes: `()` nothing, a tuple as many arguments (a missing one is null, so an `Option` may be
/// left out), anything else the first argument.
///
/// Bytes (`serde_bytes::ByteBuf`, anywhere in an argument or a result) are an `ArrayBuffer`,
/// `DataView` or `Uint8Array` of the plugin's, copied once, and become a `Uint8Array` of the
/// plugin's without a copy; they count against
/// [`array_buffers`](crate::ResourceLimits::array_buffers).
///
/// ```
/// use plugin_sandbox::{HostCall, HostError, HostFunctions, PluginCapabilities, PluginWorker};
///
/// let host = HostFunctions::new()
///     .function("text.repeat", |_: &HostCall, (text, times): (String, Option<usize>)| {
///         Ok(text.repeat(times.unwrap_or(2)))
///     })
///     .function("text.fail", |_: &HostCall, ()| -> Result<(), _> {
///         Err(HostError::range("nothing to be had").with_code("E_NONE"))
///     });
/// let worker = PluginWorker::builder("user")
///     .host_functions(host)
///     .capabilities(PluginCapabilities::default().host("text.*")?)
///     .build()?;
/// assert_eq!(worker.blocking_execute("text.repeat('ab')")?, "abab");
/// let code = "try { text.fail() } catch (e) { `${e.name} ${e.code}` }";
/// assert_eq!(worker.blocking_execute(code)?, "RangeError E_NONE");
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
#[derive(Clone, Default)]
pub struct HostFunctions {
    functions: BTreeMap<String, (HostFunction, Provider)>,
    described: HostDescription,
    runtime: Option<Handle>,
    state: HostState,
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
            to_data(&answer).map_err(|error| HostError::new(error.to_string()))
        };
        let function = HostFunction::Sync(Arc::new(body));
        self.add(name.into(), function, TypeDescription::of::<A>(), TypeDescription::of::<R>())
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
                        to_data(&answer.await?).map_err(|error| HostError::new(error.to_string()))
                    })
                }
            }
        };
        let function = HostFunction::Async(Arc::new(body), None);
        self.add(name.into(), function, TypeDescription::of::<A>(), TypeDescription::of::<R>())
    }

    /// The tokio runtime that asynchronous functions run on. Default: the one in whose context
    /// the plugin is built.
    #[must_use]
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Keeps a value for the functions, which find it by its type with
    /// [`HostCall::state`]. One value a type; a later one replaces the earlier.
    #[must_use]
    pub fn state<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// Says what types the function of this name takes and answers, for
    /// [`describe`](Self::describe): those of the standard library are known without it.
    ///
    /// ```
    /// use plugin_sandbox::{HostCall, HostFunctions, PluginCapabilities};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Query {
    ///     text: String,
    ///     limit: Option<u32>,
    /// }
    ///
    /// let host = HostFunctions::new()
    ///     .function("notes.find", |_: &HostCall, query: Query| Ok(vec![query.text]))
    ///     .typed::<Query, Vec<String>>("notes.find");
    /// let types = host.describe().typescript(&PluginCapabilities::default().host("*")?);
    /// assert!(types.contains("type Query = { text: string; limit?: number | null };"));
    /// assert!(types.contains("function find(arg0: Query): string[];"));
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    #[must_use]
    pub fn typed<A: JsonSchema, R: JsonSchema>(mut self, name: &str) -> Self {
        match self.described.functions.get_mut(name) {
            Some(function) => {
                function.takes = TypeDescription::Schema(schema_for!(A));
                function.answers = TypeDescription::Schema(schema_for!(R));
            }
            None => drop(self.refused.get_or_insert(name.to_owned())),
        }
        self
    }

    /// Says what the function of this name does, and what its parameters are called, for
    /// [`describe`](Self::describe).
    #[must_use]
    pub fn documented(
        mut self,
        name: &str,
        documentation: impl Into<String>,
        parameters: &[&str],
    ) -> Self {
        let are_names =
            parameters.iter().all(|one| is_path_of_identifiers(one) && !one.contains('.'));
        match self.described.functions.get_mut(name) {
            Some(function) if are_names => {
                function.documentation = documentation.into();
                function.parameters = parameters.iter().map(|one| (*one).to_owned()).collect();
            }
            _ => drop(self.refused.get_or_insert(name.to_owned())),
        }
        self
    }

    /// The functions and their types; see [`HostDescription::typescript`].
    pub fn describe(&self) -> HostDescription {
        self.described.clone()
    }

    fn add(
        mut self,
        name: String,
        function: HostFunction,
        takes: TypeDescription,
        answers: TypeDescription,
    ) -> Self {
        let clashes = |other: &String| {
            let inside = |one: &str, other: &str| {
                one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'))
            };
            inside(&name, other) || inside(other, &name)
        };
        if !is_path_of_identifiers(&name) || self.functions.keys().any(clashes) {
            self.refused.get_or_insert(name);
        } else {
            let is_async = matches!(function, HostFunction::Async(..));
            let described = FunctionDescription {
                documentation: String::new(),
                parameters: Vec::new(),
                takes,
                answers,
                is_async,
            };
            self.described.functions.insert(name.clone(), described);
            self.functions.insert(name, (function, Provider::Host));
        }
        self
    }

    /// Checks the names, finds the runtime if one is needed, and adds what is built in.
    pub(crate) fn prepare(
        &mut self,
        built_in: Self,
        is_taken: fn(&str) -> bool,
    ) -> Result<(), PluginError> {
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let taken = |name: &&String| {
            is_taken(&first(name)) || built_in.functions.keys().any(|own| first(own) == first(name))
        };
        if let Some(name) = self.refused.as_ref().or(self.functions.keys().find(taken)) {
            return Err(PluginError::InvalidArgument(format!(
                "invalid host function {name:?}: use identifiers joined by dots, of which the \
                 first is no name of the language's or of a granted capability's and none is a \
                 function and a namespace at once"
            )));
        }
        let mut functions = self.functions.values_mut();
        functions.try_for_each(|(function, _)| function.run_on(self.runtime.as_ref()))?;
        for (name, (mut function, _)) in built_in.functions {
            function.run_on(built_in.runtime.as_ref())?;
            self.functions.insert(name, (function, Provider::BuiltIn));
        }
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &HostFunction, Provider)> {
        self.functions.iter().map(|(name, (function, origin))| (name, function, *origin))
    }

    pub(crate) fn host_state(&self) -> &HostState {
        &self.state
    }
}

impl HostFunction {
    /// Has it run on `runtime`, or on the one in whose context we are.
    fn run_on(&mut self, runtime: Option<&Handle>) -> Result<(), PluginError> {
        if let Self::Async(_, on) = self {
            let here = || {
                Handle::try_current().map_err(|_| {
                    PluginError::InvalidArgument(
                        "asynchronous host functions need a tokio runtime: build the plugin \
                         inside of one, or give it with `HostFunctions::runtime`"
                            .into(),
                    )
                })
            };
            *on = Some(runtime.cloned().map_or_else(here, Ok)?);
        }
        Ok(())
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
        host.prepare(HostFunctions::new(), |name| name == "Object").is_err()
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
        let error = host.prepare(HostFunctions::new(), |_| false).unwrap_err().to_string();
        assert!(error.contains("tokio runtime"), "{error}");
    }
}
