//! The shapes of the protocol, as promised to embedders.

use plugin_sandbox::{
    Call, PluginCapabilities, PluginError, PluginSandbox, PluginWorker, Value, WorkerMessage,
    WorkerRegistry, WorkerResponse,
};
use static_assertions::assert_impl_all;
use tokio::sync::oneshot;

use crate::support::{assert_alive, worker};

assert_impl_all!(PluginWorker: Send, Sync);
assert_impl_all!(WorkerRegistry: Send, Sync);
assert_impl_all!(PluginSandbox: Send, Sync);
assert_impl_all!(Call: Send, Unpin);
assert_impl_all!(Call<Vec<u8>>: Send, Unpin);
assert_impl_all!(PluginError: Send, Sync, Clone);

#[tokio::test]
async fn the_usage_of_the_specification_works_as_it_stands() -> Result<(), PluginError> {
    let plugin_id = "usage";
    let capabilities = PluginCapabilities::default();

    let worker = PluginWorker::new(plugin_id, capabilities);
    let result = worker.execute("console.log('Hello from plugin!')").await?;
    assert_eq!(result, serde_json::Value::Null);
    worker.execute("function onActivate(args) { return [args] }").await?;
    let result = worker.call_hook("onActivate", serde_json::Value::Null).await?;
    assert_eq!(result, serde_json::json!([null]));
    worker.shutdown();
    Ok(())
}

#[test]
fn messages_can_be_sent_by_hand() {
    let worker = worker();
    let answer = |message: fn(oneshot::Sender<WorkerResponse>) -> WorkerMessage| {
        let (response_tx, response_rx) = oneshot::channel();
        worker.send(message(response_tx)).unwrap();
        response_rx.blocking_recv().unwrap()
    };
    let code = || "plugin.on('f', x => x + 1); 'ran'".to_owned();
    assert_eq!(
        answer(|response_tx| WorkerMessage::Execute { code: "1".into(), response_tx }),
        Ok(1.into())
    );
    assert_eq!(worker.blocking_execute(code()), Ok("ran".into()));
    let call =
        |response_tx| WorkerMessage::CallHook { hook: "f".into(), args: 1.into(), response_tx };
    assert_eq!(answer(call), Ok(2.into()));
    assert_eq!(
        answer(|response_tx| WorkerMessage::ListHooks { response_tx }),
        Ok(vec!["f"].into())
    );
    worker.send(WorkerMessage::Shutdown).unwrap();
    assert_eq!(worker.blocking_execute("1"), Err(PluginError::WorkerDisconnected));
}

#[test]
fn calls_are_queued_when_they_are_made_and_run_in_order() {
    let worker = worker();
    worker.blocking_execute("var log = []").unwrap();
    let calls: Vec<_> = (0..50).map(|n| worker.execute(format!("log.push({n})"))).collect();
    let lengths: Vec<_> = calls.into_iter().map(|call| call.wait().unwrap()).collect();
    assert_eq!(lengths, (1..=50).map(Value::from).collect::<Vec<_>>());
}

#[test]
fn a_call_needs_no_tokio_runtime() {
    let worker = worker();
    assert_eq!(pollster::block_on(worker.execute("'any executor'")), Ok("any executor".into()));
}

#[test]
fn blocking_inside_an_async_runtime_does_not_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { assert_alive(&worker()) });
}
