//! The table of functions in Rust that the scripts are given. The guest never sees it.

use super::{base64, clone, encoding, exports_of, throw, url};
use crate::host::ConsoleLevel;
use crate::isolate::failure::OrThrown as _;
use crate::isolate::state::State;
use crate::isolate::{Failure, exception, host_calls, realm, timers};

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Arguments<'s> = v8::FunctionCallbackArguments<'s>;

/// Makes the table.
pub(super) fn table<'s>(
    scope: &mut Scope<'s, '_>,
    with_timers: bool,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    let null = v8::null(scope).into();
    let table = v8::Object::with_prototype_and_properties(scope, null, &[], &[]);
    realm::define_function(scope, table, "report", 1, report)?;
    realm::define_function(scope, table, "enqueueMicrotask", 1, enqueue_microtask)?;
    realm::define_function(scope, table, "headline", 2, exception::set_headline)?;
    realm::define_function(scope, table, "createProperty", 3, clone::create_property)?;
    realm::define_function(scope, table, "kindOf", 1, clone::kind_of)?;
    realm::define_function(scope, table, "isOnHeap", 1, clone::is_on_heap)?;
    realm::define_function(scope, table, "otherKeys", 1, clone::other_keys)?;
    realm::define_function(scope, table, "bufferOf", 1, clone::buffer_of)?;
    realm::define_function(scope, table, "bufferState", 1, clone::buffer_state)?;
    realm::define_function(scope, table, "viewState", 1, clone::view_state)?;
    realm::define_function(scope, table, "decodeBase64", 1, base64::decode)?;
    realm::define_function(scope, table, "encodeBase64", 1, base64::encode)?;
    realm::define_function(scope, table, "utf8Length", 1, encoding::utf8_length)?;
    realm::define_function(scope, table, "writeUtf8", 2, encoding::write_utf8)?;
    realm::define_function(scope, table, "encodingFor", 1, encoding::encoding_for)?;
    realm::define_function(scope, table, "byteLength", 1, encoding::byte_length)?;
    realm::define_function(scope, table, "decode", 8, encoding::decode)?;
    realm::define_function(scope, table, "parseUrl", 2, url::parse)?;
    realm::define_function(scope, table, "changeUrl", 3, url::change)?;
    realm::define_function(scope, table, "parseForm", 1, url::parse_form)?;
    realm::define_function(scope, table, "encodeForm", 1, url::encode_form)?;
    host_calls::define_fetch(scope, table)?;
    if with_timers {
        realm::define_function(scope, table, "setTimeout", 1, timers::set_timeout)?;
    }
    Ok(table)
}

/// `load(name)`: the exports of another script.
pub(super) fn loader<'s>(scope: &Scope<'s, '_>) -> Result<v8::Local<'s, v8::Function>, Failure> {
    v8::Function::builder(load)
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope)
        .or_thrown()
}

fn load(scope: &mut Scope<'_, '_>, arguments: Arguments<'_>, mut answer: v8::ReturnValue<'_>) {
    let name = arguments.get(0).to_rust_string_lossy(scope);
    match exports_of(scope, &name) {
        Ok(exports) => answer.set(exports.into()),
        Err(failure) => throw(scope, failure),
    }
}

/// `report(error)`: tells the console what nobody caught.
fn report(scope: &mut Scope<'_, '_>, arguments: Arguments<'_>, _: v8::ReturnValue<'_>) {
    // `Err` is a call that is being stopped.
    if let Ok(error) = exception::describe(scope, arguments.get(0), None) {
        State::of(scope).log(ConsoleLevel::Error, format!("Uncaught {error}"));
    }
}

/// `enqueueMicrotask(callback)`; the callback must not throw.
fn enqueue_microtask(scope: &mut Scope<'_, '_>, arguments: Arguments<'_>, _: v8::ReturnValue<'_>) {
    if let Ok(callback) = v8::Local::<v8::Function>::try_from(arguments.get(0)) {
        scope.enqueue_microtask(callback);
    }
}
