//! `World`: one V8 isolate with its one context, from creation to disposal.

use std::rc::Rc;

use super::failure::Failure;
use super::heap::{HeapGuard, HeapUse};
use super::pristine::Pristine;
use super::stack::GuestStack;
use super::state::State;
use super::{exception, platform, settle};
use crate::policy::Capability;
use crate::process::{self, Admission};
use crate::protocol::PluginError;
use crate::watchdog;

/// The scope that guest code runs in: a fresh `TryCatch` in the plugin's context.
pub(super) type Caught<'t, 's, 'o, 'i> =
    v8::PinnedRef<'t, v8::TryCatch<'s, 'o, v8::HandleScope<'i>>>;

/// One V8 isolate and its one context. A second context would be a leak: a privileged realm is
/// reachable through any object of it.
pub(super) struct World {
    // Dropped in this order: handles, then the isolate, then what its callbacks point to.
    context: v8::Global<v8::Context>,
    state: Rc<State>,
    isolate: Isolate,
    heap: Box<HeapGuard>,
    stack: GuestStack,
    _admitted: Admission,
}

impl World {
    /// Creates an isolate with the heap and buffer limits of the state's blueprint, in which
    /// nothing has run and the global object is still V8's own.
    pub(super) fn new(state: Rc<State>, thread: Thread) -> Result<Self, PluginError> {
        let options = platform::initialize()?;
        options.check(&state.capabilities.borrow())?;
        let limits = &state.blueprint.limits;
        let admitted = process::admit(limits.heap + limits.array_buffers)?;
        let heap_limit = bytes(limits.heap);
        let mut parameters = v8::CreateParams::default()
            .heap_limits(0, heap_limit)
            .set_max_young_generation_size_in_bytes(bytes(limits.young_generation_size()))
            .array_buffer_allocator(state.buffers.allocator())
            .allow_atomics_wait(false);
        if let Some(code_range) = limits.code_range.at() {
            parameters = parameters.set_code_range_size_in_bytes(bytes(code_range));
        }
        let mut isolate = Isolate::new(parameters, thread);
        let v8 = &mut isolate.0;
        v8.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
        v8.set_capture_stack_trace_for_uncaught_exceptions(true, exception::MAX_FRAMES as i32);
        v8.set_promise_reject_callback(settle::on_promise_reject);
        v8.set_prepare_stack_trace_callback(exception::stack_text);
        if !state.capabilities.borrow().has(Capability::Wasm) {
            v8.set_allow_wasm_code_generation_callback(refuse_wasm_code);
        }
        v8.set_oom_error_handler(on_out_of_memory);
        v8.set_slot(Rc::clone(&state));
        let heap = HeapGuard::install(v8, &state.slot, &state.buffers, heap_limit);
        let context = isolate.entered(|isolate| {
            v8::scope!(let scope, isolate);
            let context = v8::Context::new(scope, v8::ContextOptions::default());
            let scope = &v8::ContextScope::new(scope, context);
            let pristine = Pristine::of(scope).map(|pristine| state.pristine.set(pristine));
            pristine.is_some().then(|| v8::Global::new(scope, context))
        });
        let context = context
            .ok_or_else(|| PluginError::Internal("V8's own context is not complete".into()))?;
        let stack = GuestStack::of_this_thread(bytes(state.blueprint.limits.stack));
        Ok(Self { context, state, isolate, heap, stack, _admitted: admitted })
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Runs `work` inside the context, and turns what it threw into an error, still inside.
    pub(super) fn run<R>(
        &mut self,
        work: impl FnOnce(&mut Caught<'_, '_, '_, '_>, &State) -> Result<R, Failure>,
    ) -> Result<R, PluginError> {
        self.heap.new_call();
        let (stack, context, isolate) = (self.stack, &self.context, &mut self.isolate);
        let state = &*self.state;
        let in_context = |isolate: &mut v8::OwnedIsolate| {
            v8::scope!(let scope, isolate);
            let context = v8::Local::new(scope, context);
            let scope = &mut v8::ContextScope::new(scope, context);
            v8::tc_scope!(let scope, scope);
            let result = work(scope, state).or_else(|failure| Err(caught(scope, failure)?));
            let reported = settle::report_unhandled(scope, state);
            match (result, reported) {
                (Ok(value), Ok(())) => Ok(value),
                (Err(Failure::Error(error)), _) => Err(error),
                // The call is being stopped, and the cause is on record in its slot.
                (Err(Failure::Thrown), _) | (_, Err(_)) => {
                    Err(PluginError::Internal("V8 answered nothing".into()))
                }
            }
        };
        stack.run(|| isolate.entered(in_context))
    }

    pub(super) fn handle(&self) -> v8::IsolateHandle {
        self.isolate.0.thread_safe_handle()
    }

    /// Whether the heap reached its limit; the isolate must not be used again.
    pub(super) fn is_exhausted(&self) -> bool {
        self.heap.exhausted()
    }

    pub(super) fn heap_use(&mut self) -> HeapUse {
        self.heap.heap_use(&mut self.isolate.0)
    }

    /// Has V8 give up what it would keep for later, before the isolate ends: otherwise nine tenths
    /// of an isolate's memory stay with the process. Takes about a millisecond.
    ///
    /// No guest code runs, as a collection runs none.
    pub(super) fn give_memory_back(&mut self) {
        self.isolate.entered(|isolate| {
            isolate.memory_pressure_notification(v8::MemoryPressureLevel::Critical);
        });
    }

    /// Clears a termination that came when no guest code was left to stop; it would hit the
    /// next call.
    pub(super) fn forget_termination(&self) {
        self.isolate.0.cancel_terminate_execution();
    }
}

/// The exception in `scope` as an error, if `failure` says that there is one.
fn caught(scope: &mut Caught<'_, '_, '_, '_>, failure: Failure) -> Result<Failure, Failure> {
    let Failure::Thrown = failure else { return Ok(failure) };
    if scope.has_terminated() {
        return Ok(Failure::Thrown);
    }
    let (Some(thrown), message) = (scope.exception(), scope.message()) else {
        return Ok(Failure::Thrown);
    };
    exception::describe(scope, thrown, message).map(|error| PluginError::from(error).into())
}

/// Whether an isolate has its thread for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    Own,
    Shared,
}

/// A V8 isolate. On a thread that is shared it is entered only while it is in use, so that
/// several may live there and end in any order; on its own it stays entered, which saves a short
/// call a tenth of its time.
struct Isolate(v8::OwnedIsolate, Thread);

impl Isolate {
    fn new(parameters: v8::CreateParams, thread: Thread) -> Self {
        let isolate = v8::Isolate::new(parameters);
        if thread == Thread::Shared {
            #[expect(unsafe_code, reason = "rusty_v8 leaves a new isolate entered")]
            // SAFETY: it was entered by `Isolate::new` on this thread, just now.
            unsafe {
                isolate.exit();
            }
        }
        Self(isolate, thread)
    }

    fn entered<R>(&mut self, work: impl FnOnce(&mut v8::OwnedIsolate) -> R) -> R {
        if self.1 == Thread::Own {
            return work(&mut self.0);
        }
        /// Leaves the isolate also when `work` unwinds.
        struct Entered<'a>(&'a mut v8::OwnedIsolate);
        impl Drop for Entered<'_> {
            fn drop(&mut self) {
                #[expect(unsafe_code, reason = "pairs with the `enter` below")]
                // SAFETY: entered below on this thread, as `World` is not `Send`; what `work`
                // entered it has left, as scopes end in reverse order.
                unsafe {
                    self.0.exit();
                }
            }
        }
        #[expect(unsafe_code, reason = "an isolate must be entered to be used")]
        // SAFETY: the isolate is alive, on its own thread, and left again by `Entered`.
        unsafe {
            self.0.enter();
        }
        work(Entered(&mut self.0).0)
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        if self.1 == Thread::Shared {
            #[expect(unsafe_code, reason = "rusty_v8 wants an isolate to be entered when dropped")]
            // SAFETY: alive, on its own thread; `OwnedIsolate::drop` leaves it.
            unsafe {
                self.0.enter();
            }
        }
    }
}

/// V8 is out of memory in spite of the headroom, or wants an array beyond its largest. It ends
/// the process if this returns, so on a worker's thread it does not.
#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn on_out_of_memory(_: *const std::ffi::c_char, _: &v8::OomDetails) {
    watchdog::doom_this_thread();
}

/// A size in bytes, as memory is counted.
pub(super) fn bytes(size: bytesize::ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

#[expect(unsafe_code, reason = "called by V8")]
unsafe extern "C" fn refuse_wasm_code(
    _: v8::Local<'_, v8::Context>,
    _: v8::Local<'_, v8::String>,
) -> bool {
    false
}
