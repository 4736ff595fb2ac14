//! What holds for V8 as a whole. Each test runs alone in a process of its own.

use std::time::Duration;

use plugin_sandbox::{
    ByteSize, Capability, ConfigFormat, Limit, PluginCapabilities, PluginError, PluginIsolate,
    PluginWorker, ResourceLimits, SandboxConfig, V8Options, process_stats, set_v8_options,
};

use crate::support::alone;

fn options(jitless: bool, platform_threads: u32) -> V8Options {
    let mut options = V8Options::default();
    options.jitless = jitless;
    options.platform_threads = platform_threads;
    options
}

fn answer(code: &str) -> serde_json::Value {
    PluginIsolate::builder("p").build().unwrap().execute(code).unwrap()
}

/// Memory of this process that is executable and of no file.
fn machine_code_of_its_own() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let own = |line: &&str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        fields[1].contains('x') && fields.len() == 5
    };
    maps.lines().filter(own).map(str::to_owned).collect()
}

/// A loop that V8 would compile.
const HOT: &str = "let n = 0; for (let i = 0; i < 1e6; i++) n += i % 7; n";

#[test]
#[cfg(target_os = "linux")]
fn without_a_jit_nothing_is_executable_but_the_program() {
    alone("v8_options::without_a_jit_nothing_is_executable_but_the_program", || {
        set_v8_options(options(true, 0)).unwrap();
        assert_eq!(answer(HOT), 2_999_997);
        assert_eq!(machine_code_of_its_own(), [""; 0]);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn with_a_jit_machine_code_is_made() {
    alone("v8_options::with_a_jit_machine_code_is_made", || {
        let mut plugin = PluginIsolate::builder("p").build().unwrap();
        assert_eq!(plugin.execute(HOT).unwrap(), 2_999_997);
        assert!(!machine_code_of_its_own().is_empty());
    });
}

#[test]
fn webassembly_without_a_jit_is_a_contradiction() {
    alone("v8_options::webassembly_without_a_jit_is_a_contradiction", || {
        set_v8_options(options(true, 0)).unwrap();
        let granted = PluginCapabilities::default().grant(Capability::Wasm);
        let built = PluginIsolate::builder("p").capabilities(granted).build();
        let error = built.unwrap_err().to_string();
        assert!(error.contains("jitless") && error.contains("wasm"), "{error}");
        assert_eq!(answer("typeof WebAssembly"), "undefined");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn v8_has_as_many_threads_as_it_is_told() {
    alone("v8_options::v8_has_as_many_threads_as_it_is_told", || {
        set_v8_options(options(false, 5)).unwrap();
        answer("1");
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        let names: Vec<_> = names.collect();
        let of_v8 = names.iter().filter(|name| name.starts_with("V8 Default")).count();
        assert_eq!(of_v8, 5, "{names:?}");
    });
}

#[test]
fn what_v8_has_started_with_stays_as_it_is() {
    alone("v8_options::what_v8_has_started_with_stays_as_it_is", || {
        set_v8_options(options(true, 3)).unwrap();
        set_v8_options(options(false, 2)).unwrap();
        answer("1");
        set_v8_options(options(false, 2)).unwrap();
        let error = set_v8_options(options(true, 2)).unwrap_err();
        assert!(matches!(&error, PluginError::InvalidArgument(_)), "{error}");
        assert!(error.to_string().contains("V8 has started"), "{error}");
    });
}

#[test]
fn absurd_options_are_refused_and_change_nothing() {
    alone("v8_options::absurd_options_are_refused_and_change_nothing", || {
        let error = set_v8_options(options(false, 17)).unwrap_err().to_string();
        assert!(error.contains("17 is more than 16"), "{error}");
        answer("1");
        set_v8_options(V8Options::default()).unwrap();
    });
}

#[test]
fn a_config_sets_what_is_of_the_process() {
    alone("v8_options::a_config_sets_what_is_of_the_process", || {
        let text = "[v8]\nplatform_threads = 1\n[process]\nadmitted_memory = '64MiB'";
        let config = SandboxConfig::parse(text, ConfigFormat::Toml, "c.toml").unwrap();
        config.apply_to_process().unwrap();
        let built = PluginIsolate::builder("p").build();
        assert!(matches!(built, Err(PluginError::ProcessLimit { what: "admitted_memory", .. })));
        assert_eq!(process_stats().admitted_memory, 0);
        config.apply_to_process().unwrap();
        assert!(SandboxConfig::default().apply_to_process().is_err());
    });
}

/// Addresses that are set aside, in MiB.
#[cfg(target_os = "linux")]
fn reserved() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    pages * 4096 / (1 << 20)
}

#[test]
#[cfg(target_os = "linux")]
fn the_code_range_is_what_is_set_aside_for_machine_code() {
    alone("v8_options::the_code_range_is_what_is_set_aside_for_machine_code", || {
        let plugin = |code_range| {
            let mut limits = ResourceLimits::default();
            limits.code_range = code_range;
            PluginIsolate::builder("p").limits(limits).build().unwrap()
        };
        let _first = plugin(Limit::Off);
        let before = reserved();
        let _small = plugin(Limit::At(ResourceLimits::MIN_CODE_RANGE));
        let small = reserved() - before;
        let _large = plugin(Limit::At(ResourceLimits::MAX_CODE_RANGE));
        let large = reserved() - before - small;
        let difference = (ResourceLimits::MAX_CODE_RANGE.as_u64()
            - ResourceLimits::MIN_CODE_RANGE.as_u64())
            >> 20;
        assert!(large.abs_diff(small + difference) < 16, "{small} and {large} MiB");
    });
}

#[test]
fn every_code_range_that_is_valid_has_room_for_a_plugin() {
    alone("v8_options::every_code_range_that_is_valid_has_room_for_a_plugin", || {
        let most = ResourceLimits::MAX_CODE_RANGE.as_u64() >> 20;
        for size in [64, 65, 101, most - 1, most] {
            let mut limits = ResourceLimits::default();
            limits.code_range = Limit::At(ByteSize::mib(size));
            let mut plugin = PluginIsolate::builder("p").limits(limits).build().unwrap();
            assert_eq!(plugin.execute(HOT).unwrap(), 2_999_997, "{size} MiB");
        }
    });
}

#[test]
fn a_plugin_that_floods_the_smallest_code_range_is_stopped_by_its_heap() {
    alone(
        "v8_options::a_plugin_that_floods_the_smallest_code_range_is_stopped_by_its_heap",
        || {
            let mut limits = ResourceLimits::default();
            limits.code_range = Limit::At(ResourceLimits::MIN_CODE_RANGE);
            limits.wall_time = std::time::Duration::from_secs(20);
            limits.grace = std::time::Duration::from_secs(60);
            let granted = PluginCapabilities::default().grant(Capability::CodeGeneration);
            let builder = plugin_sandbox::PluginWorker::builder("p").limits(limits);
            let worker = builder.capabilities(granted).build().unwrap();
            // Functions of many bytecodes, each compiled once by running it, and all of them kept.
            let flood = "
            const kept = [];
            for (let n = 0; ; n++) {
                const body = Array(400).fill(0).map((_, i) => `x = (x * ${i + n} + o.a${i}) | 0;`);
                const f = Function('x', 'o', body.join('') + 'return x');
                const o = {};
                for (let i = 0; i < 300; i++) f(i, o);
                kept.push(f);
            }";
            let answer = worker.blocking_execute(flood);
            assert!(
                matches!(
                    answer,
                    Err(PluginError::MemoryLimitExceeded { .. } | PluginError::Timeout { .. })
                ),
                "{answer:?}"
            );
            assert_eq!(worker.blocking_execute("6 * 7"), Ok(42.into()));
            assert_eq!(process_stats().quarantined_total, 0);
        },
    );
}

#[test]
fn a_warm_loop_of_slow_steps_is_stopped_if_nothing_compiles_meanwhile() {
    alone("v8_options::a_warm_loop_of_slow_steps_is_stopped_if_nothing_compiles_meanwhile", || {
        let mut options = V8Options::default();
        options.synchronous_compilation = true;
        set_v8_options(options).unwrap();
        let mut limits = ResourceLimits::default();
        limits.wall_time = Duration::from_millis(500);
        limits.grace = Duration::from_secs(10);
        let code = "const long = end => { const text = 'x'.repeat(2 ** 23) + end; text.charCodeAt(0); return text };
            const a = long('y'), b = long('z'); let same = 0;
            function compare(a, b, times) { for (let i = 0; i < times; i++) if (a === b) same++; }
            plugin.on('attack', calls => {
                for (let i = 0; i < calls; i++) compare('p', 'q', 10);
                compare(a, b, 1e9);
            })";
        // Wherever in its career the function is: by default V8 lets half of these run on.
        for calls in (100..1500).step_by(200) {
            let builder = PluginWorker::builder("slow").limits(limits.clone());
            let worker = builder.script("m.js", code).build().unwrap();
            let answer = worker.blocking_call_hook("attack", calls.into());
            assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{calls}: {answer:?}");
            assert_eq!(process_stats().quarantined_total, 0, "{calls}");
        }
    });
}
