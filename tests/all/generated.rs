//! Generated hostile code: builtins, receivers, sizes and callbacks, put together by a seed.
//!
//! Whatever comes out, the process lives, the caller gets an answer in time, and a neighbour
//! answers. Runs for `GENERATED_SECONDS` (20 unless told) from `GENERATED_SEED` on (today's
//! unless told; printed on failure):
//!
//! ```sh
//! GENERATED_SECONDS=7200 GENERATED_SEED=1 cargo test --test all generated -- --nocapture
//! ```

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use plugin_sandbox::{
    ByteSize, Capability, PluginCapabilities, PluginError, PluginWorker, ProcessLimits,
    ResourceLimits, process_stats, set_process_limits,
};

use crate::support::alone;

/// An expression for every function that is reachable from a bare global object.
const BUILTINS: &str = r"(() => {
    const found = new Map();
    const name = key => typeof key === 'symbol' ? '[' + key.description + ']'
        : /^[A-Za-z_$][\w$]*$/.test(key) ? '.' + key : '[' + JSON.stringify(key) + ']';
    const visit = (path, value, depth) => {
        if ((typeof value !== 'function' && typeof value !== 'object') || value === null) return;
        if (found.has(value) || depth > 4) return;
        found.set(value, path);
        for (const key of Reflect.ownKeys(value)) {
            const property = Reflect.getOwnPropertyDescriptor(value, key);
            if ('value' in property) visit(path + name(key), property.value, depth + 1);
        }
    };
    for (const key of Reflect.ownKeys(globalThis)) {
        if (['builtins', 'plugin', 'console'].includes(key)) continue;
        visit('globalThis' + name(key), globalThis[key], 0);
    }
    visit('Object.getPrototypeOf(Int8Array)', Object.getPrototypeOf(Int8Array), 0);
    visit('Object.getPrototypeOf([].values())', Object.getPrototypeOf([].values()), 0);
    visit('Object.getPrototypeOf(function*(){}())', Object.getPrototypeOf(function*(){}()), 0);
    return [...found].filter(([value]) => typeof value === 'function').map(([, path]) => path);
})()";

/// Values that builtins may be called on and with.
const VALUES: &[&str] = &[
    "undefined",
    "null",
    "0",
    "-1",
    "1",
    "7",
    "NaN",
    "Infinity",
    "2**31",
    "2**32-1",
    "2**53-1",
    "1e300",
    "-0",
    "10n",
    "2n**64n",
    "2n**(2n**20n)",
    "true",
    "''",
    "'a'",
    "'length'",
    "'\\u0301'",
    "'a'.repeat(1e3)",
    "'a'.repeat(2**20)",
    "'ab'.repeat(2**24)",
    "'a'.repeat(2**29-25)",
    "'a,'.repeat(2**22)",
    "'\\u0301\\u0316'.repeat(2**19)",
    "'(a*)*'",
    "Symbol.iterator",
    "Symbol('s')",
    "[]",
    "[1,2,3]",
    "[[[1]]]",
    "[,,1]",
    "Array(2**20).fill(1)",
    "new Array(2**32-1)",
    "new Array(2**25)",
    "Array(2**8).fill(Array(2**16).fill(1))",
    "(() => { let x=[1]; for (let i=0;i<30;i++) x=[x,x]; return x })()",
    "(() => { let x=[]; for (let i=0;i<1e4;i++) x=[x]; return x })()",
    "(() => { const a=[]; a[0]=a; return a })()",
    "({length:2**53-1})",
    "({length:2**32-1})",
    "({length:2**28})",
    "({length:-1})",
    "({get length(){ return 2**53-1 }})",
    "(() => { let n=0; return {get length(){ return n++?2**53-1:0 }} })()",
    "({length:{valueOf(){ return 2**53-1 }}})",
    "({length:2**53-1,[Symbol.isConcatSpreadable]:true})",
    "({raw:{length:2**53-1}})",
    "({size:2**53-1,has(){return true},keys(){return [][Symbol.iterator]()}})",
    "({[Symbol.iterator](){ return {next(){ return {value:1,done:false} }} }})",
    "({then(r){ r(this) }})",
    "({valueOf(){ for(;;); }})",
    "({toString(){ for(;;); }})",
    "({toJSON(){ for(;;); }})",
    "new Proxy([],{})",
    "new Proxy([],{get:(t,k)=>k==='length'?2**32-1:0})",
    "new Proxy({},{ownKeys(){ return Array.from({length:1e5},(_, i)=>'k'+i) }})",
    "new Proxy(function(){},{})",
    "new Uint8Array(0)",
    "new Uint8Array(2**20)",
    "new Float64Array(2**20)",
    "new ArrayBuffer(2**20)",
    "new DataView(new ArrayBuffer(8))",
    "new Map([[1,2]])",
    "new Map(Array.from({length:1e5},(_, i)=>[i,i]))",
    "new Set([1,2])",
    "new Set(Array(1e5).keys())",
    "new WeakMap",
    "/a/g",
    "/(a*)*b/",
    "/^(a|a?)+$/y",
    "new Date(0)",
    "new URL('http://x.y/?a=1')",
    "new URLSearchParams('a=1&'.repeat(1e4))",
    "new TextEncoder",
    "new TextDecoder('utf-16le')",
    "new EventTarget",
    "new Event('x')",
    "new AbortController().signal",
    "AbortSignal.any(Array.from({length:1e4},()=>new AbortController().signal))",
    "new DOMException('x','AbortError')",
    "new Date(NaN)",
    "new Error('e')",
    "Promise.resolve(1)",
    "new Promise(()=>{})",
    "(x => x)",
    "(() => { for(;;); })",
    "((a, b) => b - a)",
    "(function f(){ f() })",
    "((x, i, a) => { a && a.push && a.push(x); return x })",
    "(() => { throw 1 })",
    "class extends Array {}",
    "Object",
    "Boolean",
    "String",
    "globalThis",
    "(function*(){ for(;;) yield 1 })()",
    "[1,2,3].values()",
    "({maxByteLength:2**40})",
    "({maxByteLength:2**20})",
    "Object.create(null)",
    "Array.from({length:1e5},(_, i)=>({['k'+i]:i}))",
];

struct Generator {
    random: Rng,
    builtins: Vec<String>,
}

impl Generator {
    fn value(&mut self) -> &'static str {
        VALUES[self.random.usize(..VALUES.len())]
    }

    fn builtin(&mut self) -> String {
        self.builtins[self.random.usize(..self.builtins.len())].clone()
    }

    fn call(&mut self, depth: u32) -> String {
        let builtin = self.builtin();
        let operand = |this: &mut Self| match this.random.u32(..4) {
            0 if depth > 0 => this.call(depth - 1),
            _ => this.value().to_owned(),
        };
        let receiver = operand(self);
        let arguments: Vec<_> = (0..self.random.u32(..4)).map(|_| operand(self)).collect();
        let arguments = arguments.join(", ");
        if self.random.u32(..5) == 0 {
            format!("Reflect.construct({builtin}, [{arguments}])")
        } else {
            format!("Reflect.apply({builtin}, {receiver}, [{arguments}])")
        }
    }

    fn expression(&mut self) -> String {
        let (one, other) = (self.value(), self.value());
        match self.random.u32(..16) {
            0 => format!("[...{one}]"),
            1 => format!("({{...{one}}})"),
            2 => format!("`${{{one}}}${{{other}}}`"),
            3 => format!("({one}) + ({other})"),
            4 => format!("(() => {{ for (const k in {one}) ({other})[k] = k }})()"),
            5 => format!("(() => {{ const a = []; for (const x of {one}) a.push(x, {other}) }})()"),
            6 => format!("await {one}"),
            _ => self.call(2),
        }
    }

    fn program(&mut self) -> String {
        let expression = self.expression();
        let statement = match self.random.u32(..6) {
            0 => format!("try {{ {expression} }} catch {{}}"),
            1 => format!("for (let i = 0; i < 50; i++) try {{ {expression} }} catch {{}}"),
            2 => format!("const kept = []; for (;;) kept.push({expression})"),
            3 => format!("await Promise.resolve().then(async () => {{ {expression} }})"),
            _ => format!("return {expression}"),
        };
        format!("(async () => {{ {statement} }})()")
    }
}

fn limits() -> ResourceLimits {
    let mut limits = ResourceLimits::default();
    limits.wall_time = Duration::from_millis(150);
    limits.grace = Duration::from_millis(1500);
    limits.heap = ByteSize::mib(48);
    limits
}

fn worker(name: &str, limits: ResourceLimits) -> PluginWorker {
    PluginWorker::builder(name)
        .limits(limits)
        .capabilities(PluginCapabilities::default().grant(Capability::Timers))
        .build()
        .unwrap()
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn generated_code_is_survived() {
    // Chosen outside, so that the process that may end does not take the seed with it.
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let seed = from_environment("GENERATED_SEED").unwrap_or(today);
    let seconds = from_environment("GENERATED_SECONDS").unwrap_or(20);
    alone("generated::generated_code_is_survived", || survive(seed, seconds));
}

fn survive(seed: u64, seconds: u64) {
    let mut process = ProcessLimits::default();
    process.quarantined = 1000;
    set_process_limits(process).unwrap();
    let neighbour = worker("neighbour", ResourceLimits::default());
    let builtins = neighbour.blocking_execute(BUILTINS).unwrap();
    let builtins: Vec<String> = serde_json::from_value(builtins).unwrap();
    assert!(builtins.len() > 400, "{}", builtins.len());
    let mut generator = Generator { random: Rng::with_seed(seed), builtins };
    let (began, mut programs, mut answers) = (Instant::now(), 0_u64, [0_u64; 4]);
    let mut attacked = worker("attacked", limits());
    while began.elapsed() < Duration::from_secs(seconds) {
        let code = generator.program();
        // Seen if the process ends.
        std::fs::write(last_program(), &code).unwrap();
        // Some break their own realm for good, which is their right.
        if programs % 20 == 0 {
            attacked = worker("attacked", limits());
        }
        let lost = process_stats().quarantined_total;
        let asked = Instant::now();
        let answer = attacked.blocking_execute(code.as_str());
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(60), "seed {seed}: {took:?} for {code}");
        let kind = match &answer {
            Ok(_) => 0,
            Err(PluginError::Timeout { .. }) => 1,
            Err(PluginError::MemoryLimitExceeded { .. }) => 2,
            Err(PluginError::Internal(what)) => panic!("seed {seed}: {what}: {code}"),
            Err(_) => 3,
        };
        answers[kind] += 1;
        if process_stats().quarantined_total > lost {
            println!("cost a thread: {answer:?} in {took:?}: {code}");
        }
        assert_eq!(neighbour.blocking_execute("6 * 7"), Ok(42.into()), "seed {seed}: {code}");
        programs += 1;
    }
    let [values, stopped, memory, errors] = answers;
    let lost = process_stats().quarantined_total;
    println!(
        "seed {seed}: {programs} programs: {values} values, {errors} errors, {stopped} stopped, \
         {memory} out of memory; {lost} cost a thread"
    );
    // What syntax alone can do is known to cost one now and then: docs/threat-model.md.
    assert!(lost <= 5 + programs / 10, "seed {seed}: {lost} of {programs} programs cost a thread");
}

fn last_program() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("plugin-sandbox-generated-{}.js", std::process::id()))
}
