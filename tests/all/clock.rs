//! Clocks: how precisely a plugin sees the time.

use std::time::{Duration, UNIX_EPOCH};

use plugin_sandbox::{
    Capability, Clock, Hardening, PluginCapabilities, PluginIsolate, ResourceLimits,
};
use serde_json::json;

use crate::support::{alone_with, patient_limits};

fn plugin_with(capabilities: PluginCapabilities, limits: ResourceLimits) -> PluginIsolate {
    PluginIsolate::builder("test").limits(limits).capabilities(capabilities).build().unwrap()
}

fn plugin(capabilities: PluginCapabilities) -> PluginIsolate {
    plugin_with(capabilities, patient_limits())
}

/// 2026-01-31T12:34:56.789Z
fn frozen() -> Clock {
    Clock::Frozen(UNIX_EPOCH + Duration::from_millis(1_769_862_896_789))
}

fn with_clock(clock: Clock) -> PluginCapabilities {
    PluginCapabilities::default().grant(Capability::Clock).clock(clock)
}

#[test]
fn performance_is_absent_unless_granted() {
    let mut bare = plugin(PluginCapabilities::default());
    assert_eq!(bare.execute("typeof performance"), Ok("undefined".into()));
    let mut granted = plugin(with_clock(Clock::Full));
    let code =
        "const a = performance.now(); for (let i = 0; i < 1e6; i++); const b = performance.now();
        [b > a, performance.timeOrigin + b - Date.now() < 1000]";
    assert_eq!(granted.execute(code), Ok(json!([true, true])));
}

#[test]
fn a_coarse_clock_is_coarse_wherever_time_is_told() {
    let mut plugin = plugin(with_clock(Clock::Coarse(Duration::from_secs(100))));
    let code =
        "[Date.now(), new Date().getTime(), +new (class extends Date {})(), Date.parse(Date()),
        performance.now(), performance.timeOrigin, Reflect.construct(Date, []).getTime(),
        new Date().constructor.now()].map(t => t % 100000)";
    assert_eq!(plugin.execute(code), Ok(json!([0, 0, 0, 0, 0, 0, 0, 0])));
    // What is no question of the present is as precise as ever.
    let code = "[+new Date(1234567), +new Date('2020-01-01T00:00:00.123Z'), Date.UTC(2020, 0, 1, 0, 0, 1)]";
    let answer = plugin.execute(code);
    assert_eq!(answer, Ok(json!([1_234_567, 1_577_836_800_123_u64, 1_577_836_801_000_u64])));
}

#[test]
fn intl_and_temporal_do_not_know_better() {
    let capabilities = with_clock(Clock::Coarse(Duration::from_secs(100)))
        .grant(Capability::Intl)
        .grant(Capability::Temporal);
    let mut plugin = plugin(capabilities.clone());
    let code = "const f = new Intl.DateTimeFormat('en', { minute: 'numeric', second: 'numeric',
            fractionalSecondDigits: 3, timeZone: 'UTC' });
        const same = f.format() === f.format(new Date());
        const parts = f.formatToParts().map(p => p.value).join('') === f.format(Date.now());
        [same, parts, Temporal.Now.instant().epochMilliseconds % 100000,
         Temporal.Now.plainDateTimeISO('UTC').toZonedDateTime('UTC').epochMilliseconds % 100000,
         Temporal.Now.zonedDateTimeISO().epochMilliseconds % 100000]";
    assert_eq!(plugin.execute(code), Ok(json!([true, true, 0, 0, 0])));
}

#[test]
fn a_frozen_clock_stands_still_and_knows_no_time_zone() {
    // Far from UTC, and by no whole hour.
    alone_with(
        "clock::a_frozen_clock_stands_still_and_knows_no_time_zone",
        &[("TZ", "Asia/Kathmandu")],
        || {
            let capabilities = with_clock(frozen()).grant(Capability::Temporal);
            let mut plugin = plugin(capabilities.grant(Capability::Intl));
            let code = "const d = new Date();
                [d.toISOString(), Date.now() - d, String(d), d.toLocaleString(), Date() === String(d),
                 d.getHours(), d.getTimezoneOffset(), d.toDateString(), d.toTimeString(),
                 performance.now(), performance.timeOrigin - d,
                 +new Date(2026, 0, 31) - Date.UTC(2026, 0, 31), +new Date('2026-01-31T00:00') - Date.UTC(2026, 0, 31),
                 Date.parse('Jan 31 2026') - Date.UTC(2026, 0, 31), Date.parse(String(d)) - d,
                 Temporal.Now.timeZoneId(), Temporal.Now.plainTimeISO().toString(),
                 new Intl.DateTimeFormat().resolvedOptions().timeZone, d.setHours(5) - d, d.getUTCHours()]";
            let expected = json!([
                "2026-01-31T12:34:56.789Z",
                0,
                "Sat Jan 31 2026 12:34:56 GMT+0000 (Coordinated Universal Time)",
                "1/31/2026, 12:34:56 PM",
                true,
                12,
                0,
                "Sat Jan 31 2026",
                "12:34:56 GMT+0000 (Coordinated Universal Time)",
                0,
                0,
                0,
                0,
                0,
                -789,
                "UTC",
                "12:34:56.789",
                "UTC",
                0,
                5
            ]);
            assert_eq!(plugin.execute(code), Ok(expected));
        },
    );
}

#[test]
fn dates_of_a_frozen_clock_are_those_of_the_language() {
    // In UTC both must agree in everything but the present.
    alone_with(
        "clock::dates_of_a_frozen_clock_are_those_of_the_language",
        &[("TZ", "UTC")],
        || {
            let code = "const out = [];
                const texts = ['2020', '2020-02', '2020-02-30', '2020-02-28', '2020-02-28T01:02', '2020-02-28T01:02:03.5Z',
                  '2020-02-28T01:02+05:45', '28 Feb 2020 01:02', 'Feb 28, 2020', 'Fri, 28 Feb 2020 01:02:03 GMT',
                  '2/28/2020', '2020/2/28 1:2 PM', 'Fri Feb 28 2020 01:02:03 GMT+0100 (CET)', '-000001-01-01T00:00Z',
                  '+275760-09-13T00:00:00.000Z', 'x', '', 'Feb 28 2020 EST', '2020-02-28 01:02:03'];
                for (const text of texts) out.push(String(Date.parse(text)), String(new Date(text)), new Date(text).toDateString());
                for (const list of [[2020, 1], [99, 0, 1], [0, 0], [2020, 1, 30, 25, 61, 61, 1001], [NaN, 1], [-1, 0], [1e9, 1]])
                  out.push(String(+new Date(...list)), String(new Date(...list)));
                const d = new Date(1e12);
                out.push(d.setYear(99), d.setFullYear(2001, 1, 29), d.setHours(1, 2, 3, 4), d.setDate(0), d.getYear(),
                  d.getDay(), String(d.setMonth(NaN)), String(d), d.getTimezoneOffset().toString(), String(d.setYear(70)));
                out.push(+new Date(new Date(5)), +new Date({ valueOf: () => 7 }), +new Date(true), String(+new Date(undefined)),
                  +new Date({ [Symbol.toPrimitive]: hint => hint === 'default' ? 9 : 8 }), Date.length, Date.name,
                  Date.prototype.setHours.length, Date.prototype.getHours.name, typeof Date(), `${new Date(-1e14)}`);
                out";
            let mut stock = plugin(with_clock(Clock::Full));
            let mut frozen = plugin(with_clock(frozen()));
            assert_eq!(frozen.execute(code).unwrap(), stock.execute(code).unwrap());
        },
    );
}

#[test]
fn with_a_frozen_clock_timers_fire_in_the_order_of_their_delays() {
    let capabilities = with_clock(frozen()).grant(Capability::Timers);
    let mut plugin = plugin(capabilities);
    // By the real clock the second is long due before the first is even set.
    let code = "new Promise(done => { const out = [];
        setTimeout(() => out.push(20), 20);
        for (let i = 0; i < 3e6; i++) Math.sqrt(i);
        setTimeout(() => { out.push(10); setTimeout(() => out.push(25), 15); setTimeout(() => out.push(15), 5) }, 10);
        setTimeout(() => done(out), 60); })";
    assert_eq!(plugin.execute(code), Ok(json!([10, 15, 20, 25])));
}

#[test]
fn polluted_builtins_do_not_thaw_the_clock() {
    for hardening in [Hardening::Full, Hardening::Off] {
        let mut limits = patient_limits();
        limits.hardening = hardening;
        let mut plugin = plugin_with(with_clock(frozen()), limits);
        let code = "RegExp.prototype.exec = () => { throw 1 }; Function.prototype.call = null;
            String.prototype.slice = () => 'x'; Object.prototype.get = () => 1; Date.UTC = () => 5;
            Array.prototype[Symbol.iterator] = null; Math.floor = () => 0;
            class D extends Date { now() { return super.constructor.now() } }
            [new D().getTime(), Object.getPrototypeOf(D).now(), String(new D()), Date.parse('2026-01-31T12:34:56.789')]";
        let moment = 1_769_862_896_789_u64;
        let text = "Sat Jan 31 2026 12:34:56 GMT+0000 (Coordinated Universal Time)";
        assert_eq!(
            plugin.execute(code),
            Ok(json!([moment, moment, text, moment])),
            "{hardening:?}"
        );
    }
}
