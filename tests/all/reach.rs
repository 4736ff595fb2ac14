//! What granted functions lead to: nothing but data and the realm's own.

use plugin_sandbox::{
    Capability, CommandGrant, FileRoot, HostCall, HostError, HostFunctions, NetworkGrant,
    PluginCapabilities, PluginWorker, StorageGrant, Value,
};
use serde_json::json;

use crate::support::patient_limits;

const REACH: &str = include_str!("../prelude/reach.js");

#[tokio::test(flavor = "multi_thread")]
async fn granted_functions_lead_to_nothing_off_the_list() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.txt"), "text").unwrap();
    let host = HostFunctions::new()
        .function("host.echo", |_: &HostCall, value: Value| Ok(value))
        .function("host.fail", |_: &HostCall, ()| -> Result<(), _> {
            Err(HostError::range("no").with_code("E_NO"))
        })
        .function("host.bytes", |_: &HostCall, ()| Ok(serde_bytes::ByteBuf::from([1, 2])))
        .async_function("host.later", |_, value: Value| async move { Ok(value) })
        .async_function("host.never", |_, _: Value| async {
            Err::<(), _>(HostError::type_error("no"))
        });
    let granted = Capability::ALL
        .into_iter()
        .filter(|capability| *capability != Capability::CodeGeneration)
        .collect::<PluginCapabilities>()
        .host("host.*")
        .unwrap()
        .files("workspace", FileRoot::read_write(directory.path()))
        .storage(StorageGrant::default())
        .network(NetworkGrant::to(["http://127.0.0.1:1"]).unwrap())
        .command("echo", CommandGrant::new("/bin/echo", directory.path()));
    let worker = PluginWorker::builder("test")
        .limits(patient_limits())
        .capabilities(granted)
        .host_functions(host)
        .build()
        .unwrap();
    let functions = json!([
        "host.echo",
        "host.fail",
        "host.bytes",
        "host.later",
        "host.never",
        "files.readFile",
        "files.writeFile",
        "files.listFiles",
        "files.stat",
        "files.mkdir",
        "files.remove",
        "storage.get",
        "storage.set",
        "storage.has",
        "storage.delete",
        "storage.keys",
        "storage.size",
        "storage.clear",
        "commands.run",
        "crypto.getRandomValues",
        "crypto.randomUUID",
        "performance.now",
        "setTimeout",
        "setInterval",
        "clearTimeout",
        "plugin.on",
        "plugin.off",
        "plugin.listen",
        "plugin.unlisten",
        "plugin.emit",
        "console.log"
    ]);
    let answer = worker.execute(REACH.replace("GRANTED", &functions.to_string())).await.unwrap();
    assert_eq!(answer["findings"], json!([]));
    assert!(answer["looked"].as_u64().unwrap() > 100, "{answer}");
    // Its functions are scripts: what they answer and throw is looked at all the same.
    let fetch = REACH.replace("GRANTED", "['fetch']");
    let answer = worker.execute(fetch).await.unwrap();
    let findings: Vec<String> = serde_json::from_value(answer["findings"].clone()).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}
