//! Host functions on the global object, and the promises of those that answer later.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Failure;
use super::failure::OrThrown as _;
use super::state::State;
use super::value_in::data_to_v8;
use super::{realm, value_out, web};
use crate::host::{
    Arguments, Data, ErrorClass, HostCall, HostError, HostFunction, HostFuture, HostResult, Kept,
    Provider, built_in_is_granted,
};
use crate::policy::{PluginCapabilities, ResourceLimits};
use crate::protocol::PluginError;

/// How many arguments a host function gets; the rest is not looked at.
const MAX_ARGUMENTS: i32 = 64;

/// The function of the built-in capability `network`.
const FETCH: &str = "fetch";

/// Asynchronous host functions that have not answered, and answers that wait for the isolate.
#[derive(Default)]
pub(super) struct HostCalls {
    pending: HashMap<u64, Pending>,
}

struct Pending {
    resolver: v8::Global<v8::PromiseResolver>,
    task: AbortHandle,
    /// The call that made it; see [`HostCalls::drop_of`].
    call: u64,
    /// Let go when the answer is with the plugin.
    _kept: Kept,
    /// The memory of the arguments, which the future may hold.
    bytes: usize,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HostCalls {
    /// Whether one more may be begun, whose arguments take `bytes`.
    fn has_room(&self, bytes: usize, limits: &ResourceLimits) -> Result<(), HostError> {
        let limit = limits.pending_host_calls;
        if self.pending.len() >= limit {
            return Err(HostError::range(format!("more than {limit} host calls are pending")));
        }
        let held: usize = self.pending.values().map(|pending| pending.bytes).sum();
        if held > 0 && held.saturating_add(bytes) > most_bytes(limits) {
            let error = HostError::range("the arguments of pending host calls are too large");
            return Err(error.with_code("E_TOO_LARGE"));
        }
        Ok(())
    }

    /// Drops what a call that was stopped has begun: nobody is left to hear it.
    pub(super) fn drop_of(&mut self, call: u64) {
        self.pending.retain(|_, pending| pending.call != call);
    }
}

/// The most bytes that a plugin's arguments, and the answers to it, may take on the host's side:
/// more answers could not be handed over at once either.
fn most_bytes(limits: &ResourceLimits) -> usize {
    let limit = limits.array_buffers.max(limits.argument_size).as_u64();
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Answers of asynchronous host functions, on their way from the runtime to the isolate.
pub(super) struct Answers {
    /// Numbers the calls of all isolates that the plugin has had: an answer that was on its way
    /// when one was lost must not settle a promise of the next.
    next_id: AtomicU64,
    arrived: Mutex<Arrived>,
    /// The most bytes that may wait. A plugin that keeps its thread busy takes nothing, and must
    /// not have the host pile up what it asked for.
    limit: usize,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Arrived {
    answers: Vec<(u64, HostResult)>,
    bytes: usize,
}

impl Answers {
    /// `wake` is called, on any thread, when there is an answer.
    pub(super) fn new(limits: &ResourceLimits, wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        let limit = most_bytes(limits);
        Arc::new(Self { next_id: AtomicU64::new(0), arrived: Mutex::default(), limit, wake })
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrive(&self, id: u64, mut answer: HostResult) {
        let size = answer.as_ref().map_or(0, Data::size);
        let mut arrived = self.lock();
        match arrived.bytes.checked_add(size).filter(|bytes| *bytes <= self.limit) {
            Some(bytes) => arrived.bytes = bytes,
            None => {
                let error = HostError::range("too much waits for the plugin to take it");
                answer = Err(error.with_code("E_TOO_LARGE"));
            }
        }
        arrived.answers.push((id, answer));
        drop(arrived);
        (self.wake)();
    }

    fn take(&self) -> Vec<(u64, HostResult)> {
        std::mem::take(&mut *self.lock()).answers
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().answers.is_empty()
    }
}

/// Takes away the functions that are not granted any more. What the plugin has put out of reach
/// (a frozen namespace), or has kept elsewhere, refuses to be called.
pub(super) fn withdraw(
    scope: &mut v8::PinScope<'_, '_>,
    before: &PluginCapabilities,
) -> Result<(), Failure> {
    let state = State::of(scope);
    let now = state.capabilities.borrow().clone();
    let global = scope.get_current_context().global(scope);
    for (name, _, origin) in &state.functions {
        if is_granted(before, name, *origin) && !is_granted(&now, name, *origin) {
            match name.as_str() {
                FETCH => web::withdraw_fetch(scope, global)?,
                name => realm::remove_function(scope, global, name)?,
            }
        }
    }
    Ok(())
}

/// Defines every host function that the plugin was granted.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    let state = State::of(scope);
    let capabilities = state.capabilities.borrow().clone();
    for (index, (name, _, origin)) in state.functions.iter().enumerate() {
        // What plugins call `fetch` is a script over this one; see `web`.
        if !is_granted(&capabilities, name, *origin) || name == FETCH {
            continue;
        }
        let (namespace, name) = match name.rsplit_once('.') {
            Some((namespace, name)) => (realm::namespace(scope, global, namespace)?, name),
            None => (global, name.as_str()),
        };
        let index = v8::Integer::new_from_unsigned(scope, index as u32);
        realm::define_function_with(scope, namespace, name, 0, index.into(), call)?;
    }
    Ok(())
}

/// Defines the host's function that `fetch` stands on, if the plugin has it.
pub(super) fn define_fetch(
    scope: &v8::PinScope<'_, '_>,
    table: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    let state = State::of(scope);
    let of_fetch = |(name, _, provider): &(String, HostFunction, Provider)| {
        name == FETCH && *provider == Provider::BuiltIn
    };
    let Some(index) = state.functions.iter().position(of_fetch) else { return Ok(()) };
    let index = v8::Integer::new_from_unsigned(scope, index as u32);
    realm::define_function_with(scope, table, FETCH, 1, index.into(), call)
}

fn is_granted(capabilities: &PluginCapabilities, name: &str, origin: Provider) -> bool {
    match origin {
        Provider::Host => capabilities.allows_host(name),
        Provider::BuiltIn => built_in_is_granted(name, capabilities),
    }
}

fn call(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let state = State::of(scope);
    match perform(scope, &state, &arguments) {
        Ok(value) => answer.set(value),
        Err(failure) => realm::throw(scope, failure),
    }
}

fn perform<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &Rc<State>,
    arguments: &v8::FunctionCallbackArguments<'_>,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    // A call that is being stopped must not have effects on the host any more.
    if state.slot.stopped().is_some() {
        return Err(Failure::Thrown);
    }
    let index = arguments.data().uint32_value(scope).or_thrown()? as usize;
    let Some((name, function, origin)) = state.functions.get(index) else {
        return Err(PluginError::Internal("no such host function".into()).into());
    };
    let all = read_arguments(scope, arguments)?;
    // Asked only now: the arguments are the plugin's code, which may have called in between.
    let capabilities = state.capabilities.borrow().clone();
    if !is_granted(&capabilities, name, *origin) {
        let error = HostError::type_error(format!("{name} is not granted any more"));
        return give(scope, state, Err(error.with_code("E_REFUSED")));
    }
    let call = HostCall::new(&state.caller, &capabilities, state.slot.time_left());
    match function {
        HostFunction::Sync(function) => {
            let result = catch_unwind(AssertUnwindSafe(|| function(&call, all)));
            let result = result.unwrap_or_else(|_| Err(panicked(&state.caller.plugin, name)));
            give(scope, state, result)
        }
        HostFunction::Async(function, runtime) => {
            let Some(runtime) = runtime else {
                return Err(PluginError::Internal("no runtime for host functions".into()).into());
            };
            let bytes = all.iter().map(Data::size).sum();
            let room = state.host_calls.borrow().has_room(bytes, &state.blueprint.limits);
            if let Err(error) = room {
                return give(scope, state, Err(error));
            }
            let kept = call.kept();
            let future = catch_unwind(AssertUnwindSafe(|| function(call, all)));
            match future {
                Ok(future) => begin(scope, state, name, (future, kept), runtime, bytes),
                Err(_) => give(scope, state, Err(panicked(&state.caller.plugin, name))),
            }
        }
    }
}

fn read_arguments(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: &v8::FunctionCallbackArguments<'_>,
) -> Result<Arguments, Failure> {
    let count = arguments.length().min(MAX_ARGUMENTS);
    value_out::all(scope, (0..count).map(|index| arguments.get(index)))
}

fn panicked(plugin: &str, function: &str) -> HostError {
    tracing::error!(plugin, function, "a host function panicked");
    HostError::new(format!("{function} failed"))
}

/// A host function's answer as a value, or as the pending exception.
fn give<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &State,
    result: HostResult,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    match result {
        Ok(data) => data_to_v8(scope, state, data),
        Err(error) => {
            let exception = exception(scope, &error)?;
            scope.throw_exception(exception);
            Err(Failure::Thrown)
        }
    }
}

fn exception<'s>(
    scope: &v8::PinScope<'s, '_>,
    error: &HostError,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let message = v8::String::new(scope, &error.message).or_thrown()?;
    let exception = match error.class {
        ErrorClass::Error => v8::Exception::error(scope, message),
        ErrorClass::TypeError => v8::Exception::type_error(scope, message),
        ErrorClass::RangeError => v8::Exception::range_error(scope, message),
    };
    if let Some(code) = &error.code
        && let Ok(object) = v8::Local::<v8::Object>::try_from(exception)
    {
        let code = v8::String::new(scope, code).or_thrown()?;
        realm::define(scope, object, "code", code.into())?;
    }
    Ok(exception)
}

fn begin<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &Rc<State>,
    name: &str,
    (mut future, kept): (HostFuture, Kept),
    runtime: &Handle,
    bytes: usize,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    // Nothing is begun that nobody could be told the end of.
    let resolver = v8::PromiseResolver::new(scope).or_thrown()?;
    let id = state.answers.next_id.fetch_add(1, Ordering::Relaxed);
    let (answers, caller, name) =
        (Arc::clone(&state.answers), Arc::clone(&state.caller), name.to_owned());
    let task = runtime.spawn(async move {
        let answer = poll_fn(|context| {
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
                Ok(poll) => poll,
                Err(_) => Poll::Ready(Err(panicked(&caller.plugin, &name))),
            }
        })
        .await;
        answers.arrive(id, answer);
    });
    let pending = Pending {
        resolver: v8::Global::new(scope, resolver),
        task: task.abort_handle(),
        call: state.slot.call(),
        _kept: kept,
        bytes,
    };
    state.host_calls.borrow_mut().pending.insert(id, pending);
    Ok(resolver.get_promise(scope).into())
}

/// Settles the promises whose answers have arrived. Answers whether there were any.
pub(super) fn deliver(scope: &mut v8::PinScope<'_, '_>) -> Result<bool, Failure> {
    let state = State::of(scope);
    let mut any = false;
    for (id, answer) in state.answers.take() {
        let Some(pending) = state.host_calls.borrow_mut().pending.remove(&id) else { continue };
        any = true;
        v8::scope!(let scope, scope);
        let resolver = v8::Local::new(scope, &pending.resolver);
        let settled = match answer.and_then(|data| {
            data_to_v8(scope, &state, data).map_err(|failure| match failure {
                Failure::Error(error) => HostError::range(error.to_string()),
                Failure::Thrown => HostError::new("the answer could not be read"),
            })
        }) {
            Ok(value) => resolver.resolve(scope, value),
            Err(error) => {
                let exception = exception(scope, &error)?;
                resolver.reject(scope, exception)
            }
        };
        settled.or_thrown()?;
    }
    Ok(any)
}
