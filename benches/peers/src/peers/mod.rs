//! The peers, by name.

pub(crate) mod bare;
mod boa;
mod deno;
pub(crate) mod node;
mod own;
mod quickjs;
pub(crate) mod wasmtime;

use plugin_sandbox::{PluginIsolate, PluginWorker};

use crate::figures::Figures;
use crate::measure::{memory, speed};
use crate::worker::Worker;

/// Name for `--peer`, and for people.
pub(crate) const ALL: [(&str, &str); 10] = [
    ("isolate", "PluginIsolate (no thread)"),
    ("worker", "PluginWorker"),
    ("bare", "bare V8 in a worker (floor)"),
    ("deno-mended", "seed's design, mended (deno_core)"),
    ("deno-written", "seed's design, as written (deno_core)"),
    ("quickjs", "rquickjs in a worker"),
    ("boa", "boa in a worker"),
    ("wasmtime", "QuickJS under wasmtime in a worker"),
    ("node-worker", "Node worker_threads"),
    ("node-vm", "Node vm (no thread)"),
];

/// Measures one, in this process. `None`: not known, or not to be had here.
pub(crate) fn measure(peer: &str, what: &str) -> Option<Figures> {
    macro_rules! of {
        ($peer:ty) => {
            if what == "memory" { memory::<$peer>() } else { speed::<$peer>() }
        };
    }
    if peer.starts_with("deno") {
        deno::initialize();
    }
    if peer == "wasmtime" {
        wasmtime::initialize();
    }
    Some(match peer {
        "isolate" => of!(PluginIsolate),
        "worker" => of!(PluginWorker),
        "bare" => of!(Worker<bare::Bare>),
        "deno-mended" => of!(Worker<deno::Deno<true>>),
        "deno-written" => of!(Worker<deno::Deno<false>>),
        "quickjs" => of!(Worker<quickjs::QuickJs>),
        "boa" => of!(Worker<boa::Boa>),
        "wasmtime" => of!(Worker<wasmtime::Wasmtime>),
        "node-worker" => return node::run("worker_threads", what),
        "node-vm" => return node::run("vm", what),
        _ => return None,
    })
}
