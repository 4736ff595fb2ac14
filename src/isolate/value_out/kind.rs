//! `Kind`: the one list of the kinds of objects that JSON tells apart.

/// What an object is, whatever its prototype says.
pub(super) enum Kind<'s> {
    Function,
    Date(v8::Local<'s, v8::Date>),
    /// What may have parts, and a `toJSON` of its own.
    Container(Container<'s>),
}

pub(super) enum Container<'s> {
    /// All there is to it are its properties.
    Plain,
    Array(v8::Local<'s, v8::Array>),
    Map(v8::Local<'s, v8::Map>),
    Set(v8::Local<'s, v8::Set>),
    /// A typed array, a `DataView` or an `ArrayBuffer`.
    Bytes,
    /// Not looked through: asking is what its traps are for.
    Proxy(v8::Local<'s, v8::Proxy>),
    /// `new Number(1)` and the like.
    Boxed(Boxed),
    Error,
    /// What has its state where JSON does not look, by its name: as an object it would be an
    /// empty one.
    Opaque(&'static str),
}

pub(super) enum Boxed {
    Number,
    String,
    Boolean,
    BigInt,
}

impl<'s> Kind<'s> {
    /// Runs no guest code.
    pub(super) fn of(object: v8::Local<'s, v8::Object>) -> Self {
        if object.is_function() {
            return Self::Function;
        }
        match v8::Local::<v8::Date>::try_from(object) {
            Ok(date) => Self::Date(date),
            Err(_) => Self::Container(Container::of(object)),
        }
    }

    /// Whether reading its properties in JavaScript reads all there is. A proxy counts as what it
    /// poses as.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Container(Container::Plain | Container::Proxy(_)))
    }
}

impl<'s> Container<'s> {
    fn of(object: v8::Local<'s, v8::Object>) -> Self {
        if let Ok(array) = v8::Local::<v8::Array>::try_from(object) {
            Self::Array(array)
        } else if let Ok(map) = v8::Local::<v8::Map>::try_from(object) {
            Self::Map(map)
        } else if let Ok(set) = v8::Local::<v8::Set>::try_from(object) {
            Self::Set(set)
        } else if object.is_array_buffer_view() || object.is_array_buffer() {
            Self::Bytes
        } else if let Ok(proxy) = v8::Local::<v8::Proxy>::try_from(object) {
            Self::Proxy(proxy)
        } else if let Some(boxed) = Boxed::of(object) {
            Self::Boxed(boxed)
        } else if let Some(name) = opaque(object) {
            Self::Opaque(name)
        } else if object.is_native_error() {
            Self::Error
        } else {
            Self::Plain
        }
    }
}

impl Boxed {
    fn of(object: v8::Local<'_, v8::Object>) -> Option<Self> {
        if object.is_number_object() {
            Some(Self::Number)
        } else if object.is_string_object() {
            Some(Self::String)
        } else if object.is_boolean_object() {
            Some(Self::Boolean)
        } else if object.is_big_int_object() {
            Some(Self::BigInt)
        } else {
            None
        }
    }
}

fn opaque(object: v8::Local<'_, v8::Object>) -> Option<&'static str> {
    if object.is_promise() {
        Some("a promise inside the result; await it first")
    } else if object.is_reg_exp() {
        Some("a regular expression")
    } else if object.is_symbol_object() {
        Some("a symbol")
    } else if object.is_weak_map() || object.is_weak_set() {
        Some("a weak collection")
    } else if object.is_map_iterator() || object.is_set_iterator() || object.is_generator_object() {
        Some("an iterator; spread it into an array first")
    } else if object.is_shared_array_buffer() {
        Some("a SharedArrayBuffer")
    } else if object.is_wasm_module_object() || object.is_wasm_memory_object() {
        Some("an object of WebAssembly")
    } else if object.is_external() {
        Some("an object of the host's")
    } else {
        None
    }
}
