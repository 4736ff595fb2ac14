//! What is kept of the language before any guest code runs: the functions that the scripts of this
//! folder stand on.
//!
//! A realm pays for this when it is made, so it is done here, by looking up each once, which
//! takes a quarter of the time that a script needs for the same.

use crate::isolate::Failure;
use crate::isolate::failure::OrThrown as _;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// An object, as the way to it from the global object, and what is kept of it.
#[rustfmt::skip]
const VALUES: [(&str, &[&str]); 20] = [
    (
        "",
        &[
            "Array", "ArrayBuffer", "BigInt64Array", "BigUint64Array", "DataView", "Date", "Error",
            "EvalError", "Float16Array", "Float32Array", "Float64Array", "Int16Array",
            "Int32Array", "Int8Array", "Map", "Object", "Promise", "RangeError", "ReferenceError", "RegExp",
            "Set", "SyntaxError", "TypeError", "URIError", "Uint16Array", "Uint32Array",
            "Uint8Array", "Uint8ClampedArray",
        ],
    ),
    (
        "Reflect",
        &[
            "apply", "construct", "defineProperty", "getOwnPropertyDescriptor", "getPrototypeOf",
            "ownKeys",
        ],
    ),
    ("Object", &["setPrototypeOf", "hasOwn", "keys", "freeze"]),
    ("Array", &["isArray"]),
    ("Math", &["trunc"]),
    ("Symbol", &["iterator", "toStringTag"]),
    ("Function.prototype", &["bind", "call"]),
    ("Error", &["prototype"]),
    ("Iterator", &["prototype"]),
    ("JSON", &["parse"]),
    ("Promise.prototype", &["then"]),
    ("String.prototype", &["charCodeAt", "slice", "toLowerCase", "toWellFormed", "valueOf"]),
    ("Map.prototype", &["get", "set", "has", "forEach"]),
    ("Set.prototype", &["add", "has", "forEach"]),
    ("Boolean.prototype", &["valueOf"]),
    ("Number.prototype", &["valueOf"]),
    ("BigInt.prototype", &["valueOf"]),
    ("Date.prototype", &["getTime"]),
    ("Int8Array.prototype", &["set"]),
    ("ArrayBuffer.prototype", &["transfer"]),
];

/// The same for accessors, of which the getter is kept.
#[rustfmt::skip]
const GETTERS: [(&str, &[&str]); 2] = [
    ("ArrayBuffer.prototype", &["maxByteLength"]),
    (
        "RegExp.prototype",
        &[
            "source", "hasIndices", "global", "ignoreCase", "multiline", "dotAll", "unicode",
            "unicodeSets", "sticky",
        ],
    ),
];

/// The names of what is kept, in the order of the values.
fn names() -> impl Iterator<Item = String> {
    let values = VALUES.iter().flat_map(|(owner, keys)| {
        keys.iter().map(move |key| match *owner {
            "" => (*key).to_owned(),
            owner => format!("{owner}.{key}"),
        })
    });
    let getters = GETTERS
        .iter()
        .flat_map(|(owner, keys)| keys.iter().map(move |key| format!("get {owner}.{key}")));
    values.chain(getters)
}

/// Looks everything up.
pub(super) fn capture(
    scope: &mut Scope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<v8::Global<v8::Array>, Failure> {
    v8::scope!(let scope, scope);
    let mut values: Vec<v8::Local<'_, v8::Value>> = Vec::with_capacity(96);
    for (path, keys) in VALUES {
        let owner = at(scope, global, path)?;
        for key in keys {
            values.push(get(scope, owner, key)?);
        }
    }
    let getter = key_of(scope, "get")?;
    for (path, keys) in GETTERS {
        let owner = at(scope, global, path)?;
        for key in keys {
            let key = key_of(scope, key)?;
            let descriptor = owner.get_own_property_descriptor(scope, key.into()).or_thrown()?;
            let descriptor = super::object(descriptor)?;
            values.push(descriptor.get(scope, getter.into()).or_thrown()?);
        }
    }
    let values = v8::Array::new_with_elements(scope, &values);
    Ok(v8::Global::new(scope, values))
}

/// What was captured, as an object without a prototype: `object["String.prototype.slice"]`.
pub(super) fn table<'s>(
    scope: &mut Scope<'s, '_>,
    captured: &v8::Global<v8::Array>,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    let captured = v8::Local::new(scope, captured);
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for (index, name) in names().enumerate() {
        keys.push(key_of(scope, &name)?.into());
        // An element of a dense array of ours, which nobody else has.
        values.push(captured.get_index(scope, index as u32).or_thrown()?);
    }
    let null = v8::null(scope).into();
    Ok(v8::Object::with_prototype_and_properties(scope, null, &keys, &values))
}

fn at<'s>(
    scope: &Scope<'s, '_>,
    global: v8::Local<'s, v8::Object>,
    path: &str,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    path.split('.')
        .filter(|name| !name.is_empty())
        .try_fold(global, |object, name| super::object(get(scope, object, name)?))
}

fn get<'s>(
    scope: &Scope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    key: &str,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    let key = key_of(scope, key)?;
    object.get(scope, key.into()).or_thrown()
}

fn key_of<'s>(scope: &Scope<'s, '_>, key: &str) -> Result<v8::Local<'s, v8::String>, Failure> {
    let bytes = key.as_bytes();
    v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Internalized).or_thrown()
}
