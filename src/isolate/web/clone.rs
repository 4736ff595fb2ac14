//! What kind of thing a value is, for `structuredClone` and whoever takes bytes: a question that
//! the guest cannot answer for us.

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Arguments<'s> = v8::FunctionCallbackArguments<'s>;

/// `kindOf(value)`: the name of the class whose internal slots an object has, `"Object"` if it
/// seems to have none, and `undefined` for what cannot be cloned or is no object.
pub(super) fn kind_of(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Some(kind) = kind(arguments.get(0)) else { return };
    // Internalised, as it is compared with literals.
    let internalized = v8::NewStringType::Internalized;
    if let Some(kind) = v8::String::new_from_one_byte(scope, kind.as_bytes(), internalized) {
        answer.set(kind.into());
    }
}

fn kind(value: v8::Local<'_, v8::Value>) -> Option<&'static str> {
    if !value.is_object() || value.is_function() {
        return None;
    }
    // First of all: a proxy may pose as anything.
    if value.is_proxy() {
        return Some("Proxy");
    }
    if value.is_array() {
        return Some("Array");
    }
    if value.is_array_buffer_view() {
        return view_kind(value);
    }
    macro_rules! first {
        ($($test:ident => $kind:expr,)*) => { $(if value.$test() { return $kind; })* };
    }
    first! {
        is_map => Some("Map"),
        is_set => Some("Set"),
        is_date => Some("Date"),
        is_reg_exp => Some("RegExp"),
        is_native_error => Some("Error"),
        is_array_buffer => Some("ArrayBuffer"),
        is_boolean_object => Some("Boolean"),
        is_number_object => Some("Number"),
        is_string_object => Some("String"),
        is_big_int_object => Some("BigInt"),
        is_symbol_object => None,
        is_shared_array_buffer => None,
        is_promise => None,
        is_weak_map => None,
        is_weak_set => None,
        is_map_iterator => None,
        is_set_iterator => None,
        is_generator_object => None,
        is_module_namespace_object => None,
        is_wasm_memory_object => None,
        is_wasm_module_object => None,
        is_external => None,
    }
    Some("Object")
}

fn view_kind(value: v8::Local<'_, v8::Value>) -> Option<&'static str> {
    macro_rules! first {
        ($($test:ident => $kind:literal,)*) => { $(if value.$test() { return Some($kind); })* };
    }
    first! {
        is_uint8_array => "Uint8Array",
        is_data_view => "DataView",
        is_int8_array => "Int8Array",
        is_uint8_clamped_array => "Uint8ClampedArray",
        is_int16_array => "Int16Array",
        is_uint16_array => "Uint16Array",
        is_int32_array => "Int32Array",
        is_uint32_array => "Uint32Array",
        is_float16_array => "Float16Array",
        is_float32_array => "Float32Array",
        is_float64_array => "Float64Array",
        is_big_int64_array => "BigInt64Array",
        is_big_uint64_array => "BigUint64Array",
    }
    None
}

/// `createProperty(object, key, value)`: defines a property as an assignment would, had no
/// prototype a setter. A third of what `Reflect.defineProperty` takes.
pub(super) fn create_property(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    let Ok(object) = v8::Local::<v8::Object>::try_from(arguments.get(0)) else { return };
    if let Ok(key) = v8::Local::<v8::Name>::try_from(arguments.get(1)) {
        object.create_data_property(scope, key, arguments.get(2));
    }
}

/// `isOnHeap(value)`: whether this is a typed array so small that its bytes are in V8's heap. It
/// has no buffer then, and asking for one would take from the plugin's quota.
pub(super) fn is_on_heap(
    _: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let view = v8::Local::<v8::ArrayBufferView>::try_from(arguments.get(0));
    answer.set_bool(view.is_ok_and(|view| !view.has_buffer()));
}

/// `otherKeys(array)`: the own enumerable string keys that are no indices.
pub(super) fn other_keys(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Ok(object) = v8::Local::<v8::Object>::try_from(arguments.get(0)) else { return };
    let only = v8::GetPropertyNamesArgsBuilder::new()
        .mode(v8::KeyCollectionMode::OwnOnly)
        .property_filter(v8::PropertyFilter::ONLY_ENUMERABLE | v8::PropertyFilter::SKIP_SYMBOLS)
        .index_filter(v8::IndexFilter::SkipIndices)
        .build();
    if let Some(keys) = object.get_own_property_names(scope, only) {
        answer.set(keys.into());
    }
}

/// `bufferOf(view)`: the buffer behind a view. To be asked only where there is one.
pub(super) fn buffer_of(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(arguments.get(0))
        && let Some(buffer) = view.buffer(scope)
    {
        answer.set(buffer.into());
    }
}

/// `bufferState(buffer)`: its length, whether it is detached, whether it can be resized, and
/// whether it can be detached, which the memory of WebAssembly cannot.
pub(super) fn buffer_state(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(arguments.get(0)) else { return };
    // Not for one that is detached, whose store is nobody's.
    let is_detached = buffer.was_detached();
    let is_resizable = !is_detached && buffer.get_backing_store().is_resizable_by_user_javascript();
    let state: [v8::Local<'_, v8::Value>; 4] = [
        v8::Number::new(scope, buffer.byte_length() as f64).into(),
        v8::Boolean::new(scope, is_detached).into(),
        v8::Boolean::new(scope, is_resizable).into(),
        v8::Boolean::new(scope, buffer.is_detachable()).into(),
    ];
    answer.set(v8::Array::new_with_elements(scope, &state).into());
}

/// `viewState(view)`: where it begins, its length in bytes, and in elements.
pub(super) fn view_state(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(arguments.get(0)) else { return };
    let items = match v8::Local::<v8::TypedArray>::try_from(arguments.get(0)) {
        Ok(array) => array.length(),
        Err(_) => view.byte_length(),
    };
    let state = [view.byte_offset(), view.byte_length(), items]
        .map(|size| v8::Number::new(scope, size as f64).into());
    answer.set(v8::Array::new_with_elements(scope, &state).into());
}
