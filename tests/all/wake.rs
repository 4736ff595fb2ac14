//! Staying awake for the next call, and not for longer than that is of use.

use std::time::Duration;

use plugin_sandbox::{PluginError, PluginWorker, ResourceLimits, Wake};
use serde_json::json;

use crate::support::{assert_alive, patient_limits};

fn all() -> [Wake; 3] {
    [Wake::Park, Wake::Spin { up_to: Wake::MAX_SPIN }, Wake::Adaptive]
}

fn worker(wake: Wake) -> PluginWorker {
    let mut limits = patient_limits();
    limits.wake = wake;
    let builder = PluginWorker::builder("test").limits(limits);
    builder.script("main.js", "plugin.on('echo', x => x)").build().unwrap()
}

/// Processor time that this process has used.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` may be written to.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    assert_eq!(failed, 0);
    // SAFETY: written, since the call succeeded.
    let usage = unsafe { usage.assume_init() };
    [usage.ru_utime, usage.ru_stime].iter().fold(Duration::ZERO, |sum, time| {
        sum + Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    })
}

#[test]
#[cfg(unix)]
fn an_idle_worker_uses_no_processor_time() {
    crate::support::alone("wake::an_idle_worker_uses_no_processor_time", || {
        let workers: Vec<_> = all().into_iter().map(worker).collect();
        for worker in &workers {
            // Until it has learnt that calls come at once.
            for n in 0..200 {
                assert_eq!(worker.blocking_call_hook("echo", n.into()), Ok(n.into()));
            }
        }
        let before = cpu_time();
        std::thread::sleep(Duration::from_secs(1));
        let used = cpu_time() - before;
        assert!(used < Duration::from_millis(250), "{used:?}");
    });
}

#[test]
fn every_call_is_answered_in_its_turn_however_both_sides_wait() {
    for wake in all() {
        let worker = worker(wake);
        for n in 0..2000 {
            assert_eq!(worker.blocking_call_hook("echo", n.into()), Ok(n.into()), "{wake:?}");
        }
        let calls: Vec<_> = (0..500).map(|n| worker.call_hook("echo", n.into())).collect();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.wait(), Ok(n.into()), "{wake:?}");
        }
    }
}

#[test]
fn callers_on_many_threads_are_all_answered_however_they_wait() {
    for wake in all() {
        let worker = worker(wake);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let worker = &worker;
                scope.spawn(move || {
                    for n in 0..200 {
                        let sent = json!([thread, n]);
                        assert_eq!(worker.blocking_call_hook("echo", sent.clone()), Ok(sent));
                    }
                });
            }
        });
    }
}

#[test]
fn a_worker_that_stays_awake_is_stopped_and_shut_down_as_any_other() {
    for wake in all() {
        let mut limits = ResourceLimits::default();
        limits.wall_time = Duration::from_millis(100);
        limits.wake = wake;
        let worker = PluginWorker::builder("test").limits(limits).build().unwrap();
        let answer = worker.blocking_execute("for (;;);");
        assert!(matches!(answer, Err(PluginError::Timeout { .. })), "{answer:?}");
        assert_alive(&worker);
        worker.shutdown();
        assert_eq!(worker.blocking_execute("1"), Err(PluginError::WorkerDisconnected));
    }
}

#[test]
fn a_call_is_cancelled_whether_it_waits_is_being_taken_up_or_runs() {
    for wake in all() {
        let worker = worker(wake);
        for n in 0..300 {
            let call = worker.execute("for (;;);");
            for _ in 0..n * 10 {
                std::hint::spin_loop();
            }
            call.cancel();
            assert_eq!(call.wait(), Err(PluginError::Cancelled), "{wake:?}");
        }
        assert_alive(&worker);
    }
}

#[test]
fn a_timer_fires_between_calls_however_the_worker_waits() {
    use plugin_sandbox::{Capability, PluginCapabilities};
    for wake in all() {
        let mut limits = patient_limits();
        limits.wake = wake;
        let granted = PluginCapabilities::default().grant(Capability::Timers);
        let worker =
            PluginWorker::builder("test").limits(limits).capabilities(granted).build().unwrap();
        let mut events = worker.plugin_events();
        worker.blocking_execute("setTimeout(() => plugin.emit('rang', 1), 1); 0").unwrap();
        let event = pollster::block_on(events.next()).unwrap();
        assert_eq!(event.name, "rang");
    }
}

#[test]
fn a_wake_without_a_bound_or_with_an_absurd_one_is_refused() {
    for up_to in [Duration::ZERO, Wake::MAX_SPIN + Duration::from_nanos(1)] {
        let mut limits = ResourceLimits::default();
        limits.wake = Wake::Spin { up_to };
        let refused = limits.validate();
        assert!(matches!(refused, Err(PluginError::InvalidLimit { field: "wake", .. })));
    }
}

#[test]
fn a_config_says_how_a_worker_waits() {
    use plugin_sandbox::{ConfigFormat, SandboxConfig};
    for (text, wake) in [
        ("'park'", Wake::Park),
        ("'adaptive'", Wake::Adaptive),
        ("{ spin = {} }", Wake::Spin { up_to: Duration::from_micros(50) }),
        ("{ spin = { up_to = '7us' } }", Wake::Spin { up_to: Duration::from_micros(7) }),
    ] {
        let text = format!("[limits]\nwake = {text}");
        let config = SandboxConfig::parse(&text, ConfigFormat::Toml, "sandbox.toml").unwrap();
        assert_eq!(config.limits.wake, wake);
    }
    let text = "[limits]\nwake = { spin = { up_to = '1s' } }";
    let error = SandboxConfig::parse(text, ConfigFormat::Toml, "sandbox.toml").unwrap_err();
    assert!(error.to_string().contains("wake"), "{error}");
}
