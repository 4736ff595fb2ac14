//! V8 for the whole process: its flags and its platform, set once and frozen.

use std::sync::OnceLock;

use crate::protocol::PluginError;

/// The flags that every process with plugins runs under, each with its reason. They are
/// process-wide: an isolate of the host's own, made after ours, runs under them too.
const FLAGS: &[&str] = &[
    // Without it TurboFan drops the interrupt check of an outer loop whose inner loop it
    // unrolled, and `for(;;){new Array(1000).fill(0)}` cannot be stopped by anything.
    // Test: `stopping::a_loop_that_turbofan_unrolls_is_stopped`.
    "--no-turboshaft-loop-unrolling",
    // V8 looks up from a loop in bytecode only when the budget of its function is used up: so
    // many times the function's length. At the default of 400, a loop whose step takes some
    // milliseconds (comparing two long strings) runs on for many seconds.
    // Test: `stopping::a_loop_of_slow_steps_is_stopped`.
    "--invocation-count-for-maglev=32",
    // Count what is outside V8's heap (resizable buffers, WebAssembly memory) against a limit
    // of four times the heap's.
    "--enforce-global-heap-limit",
    "--maximum-global-heap-limit-factor=4",
];

/// V8's default, said all the same, since `stack` counts on it.
fn stack_size() -> String {
    format!("--stack-size={}", super::stack::V8_STACK_KIB)
}

/// Initialises V8, once; from any thread.
///
/// # Errors
///
/// V8 does not know one of our flags. It is then not safe to run anything.
pub(super) fn initialize() -> Result<(), PluginError> {
    static V8: OnceLock<Result<(), PluginError>> = OnceLock::new();
    V8.get_or_init(|| {
        // The first argument stands for the program's name.
        let arguments = std::iter::once("plugin-sandbox").chain(FLAGS.iter().copied());
        let arguments = arguments.map(str::to_owned).chain([stack_size()]).collect();
        let left_over = v8::V8::set_flags_from_command_line(arguments);
        if left_over.len() != 1 {
            let unknown = left_over[1..].join(" ");
            return Err(PluginError::Internal(format!("V8 does not know its flag {unknown}")));
        }
        // Unprotected: the default platform ties V8 to the descendants of the thread that
        // initialises it (memory protection keys), and a worker may be the first anywhere.
        let platform = v8::new_unprotected_default_platform(0, false).make_shared();
        v8::V8::initialize_platform(platform);
        v8::V8::initialize();
        // Not the host's own: plugins are to do the same everywhere, and learn nothing of it.
        v8::icu::set_default_locale("en-US");
        Ok(())
    })
    .clone()
}

/// Runs the tasks that V8 has posted for the isolate's own thread (parts of a collection, the
/// end of a compilation). Some run guest code: only inside the guarded window.
pub(super) fn pump(isolate: &v8::Isolate) {
    let platform = v8::V8::get_current_platform();
    while v8::Platform::pump_message_loop(&platform, isolate, false) {}
}
