//! V8 for the whole process: its flags and its platform, set once and frozen.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::policy::V8Options;
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

/// Those that every process has whose V8 compiles; to V8 they contradict
/// [`V8Options::jitless`].
const COMPILING: &[&str] = &[
    // While a function is compiled for TurboFan beside the plugin, its loops in what Maglev made of
    // it look up only after 2^30 bytes of bytecode: half a second. With this they go on in what
    // TurboFan made of the loop alone, as soon as there is that, and look up in each round.
    // Test: `stopping::a_loop_is_stopped_while_its_function_is_compiled`.
    "--always-osr-from-maglev",
];

/// Those of [`V8Options::synchronous_compilation`].
const SYNCHRONOUS: &[&str] = &[
    // While a function is compiled elsewhere, V8 has it look up only after 2^30 bytes.
    // Test: `v8_options::a_warm_loop_of_slow_steps_is_stopped_if_nothing_compiles_meanwhile`.
    "--no-concurrent-recompilation",
    // As `--invocation-count-for-maglev` above, for the loops of what Maglev has compiled.
    "--invocation-count-for-turbofan=300",
    // What TurboFan takes for the largest functions is a second and a half. It cannot be stopped.
    "--max-optimized-bytecode-size=16384",
];

/// V8's default, said all the same, since `stack` counts on it.
fn stack_size() -> String {
    format!("--stack-size={}", super::stack::V8_STACK_KIB)
}

/// What the host chose, and whether V8 has started with it.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    options: V8Options,
    started: bool,
}

static CHOSEN: Mutex<Chosen> = Mutex::new(Chosen {
    options: V8Options { jitless: false, synchronous_compilation: false, platform_threads: 0 },
    started: false,
});

fn chosen() -> MutexGuard<'static, Chosen> {
    CHOSEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says how V8 is to run, for the whole process. To be called before the first plugin is built:
/// that starts V8. Any thread may call it.
///
/// # Errors
///
/// [`PluginError::InvalidArgument`] if an option is absurd, or if V8 has started with other
/// options; with the same ones, all is well.
///
/// ```
/// use plugin_sandbox::{PluginIsolate, V8Options, set_v8_options};
///
/// let mut options = V8Options::default();
/// options.platform_threads = 1;
/// set_v8_options(options)?;
/// let plugin = PluginIsolate::builder("first").build()?;
///
/// assert!(set_v8_options(options).is_ok());
/// assert!(set_v8_options(V8Options::default()).is_err());
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
pub fn set_v8_options(options: V8Options) -> Result<(), PluginError> {
    options.validate()?;
    let mut chosen = chosen();
    if chosen.started && chosen.options != options {
        return Err(PluginError::InvalidArgument(format!(
            "V8 has started with {:?}, which cannot be changed to {options:?}: set the options \
             before the first plugin is built",
            chosen.options
        )));
    }
    chosen.options = options;
    Ok(())
}

/// V8's flags for these options.
fn flags(options: V8Options) -> impl Iterator<Item = String> {
    let jit = if options.jitless { &["--jitless"] } else { COMPILING };
    let synchronous = if options.synchronous_compilation { SYNCHRONOUS } else { &[] };
    let flags = FLAGS.iter().chain(jit).chain(synchronous).copied();
    flags.map(str::to_owned).chain([stack_size()])
}

/// Initialises V8, once; from any thread. Answers what it runs under.
///
/// # Errors
///
/// V8 does not know one of our flags. It is then not safe to run anything.
pub(super) fn initialize() -> Result<V8Options, PluginError> {
    static V8: OnceLock<Result<V8Options, PluginError>> = OnceLock::new();
    V8.get_or_init(|| {
        let options = {
            let mut chosen = chosen();
            chosen.started = true;
            chosen.options
        };
        // The first argument stands for the program's name.
        let arguments = std::iter::once("plugin-sandbox".to_owned()).chain(flags(options));
        let left_over = v8::V8::set_flags_from_command_line(arguments.collect());
        if left_over.len() != 1 {
            let unknown = left_over[1..].join(" ");
            return Err(PluginError::Internal(format!("V8 does not know its flag {unknown}")));
        }
        // Unprotected: the default platform ties V8 to the descendants of the thread that
        // initialises it (memory protection keys), and a worker may be the first anywhere.
        let threads = options.platform_threads;
        let platform = v8::new_unprotected_default_platform(threads, false).make_shared();
        v8::V8::initialize_platform(platform);
        v8::V8::initialize();
        // Not the host's own: plugins are to do the same everywhere, and learn nothing of it.
        v8::icu::set_default_locale("en-US");
        Ok(options)
    })
    .clone()
}

/// Runs the tasks that V8 has posted for the isolate's own thread (parts of a collection, the
/// end of a compilation). Some run guest code: only inside the guarded window.
pub(super) fn pump(isolate: &v8::Isolate) {
    let platform = v8::V8::get_current_platform();
    while v8::Platform::pump_message_loop(&platform, isolate, false) {}
}
