//! `Pristine`: what the sandbox keeps of a realm from before any code of a plugin's ran.

use super::Failure;
use super::failure::OrThrown as _;

/// Builtins and strings that every walk needs, out of the guest's reach.
pub(super) struct Pristine {
    /// `Object.keys`, V8's own: several times as fast as the API's way to the same keys.
    object_keys: v8::Global<v8::Function>,
    to_json: v8::Global<v8::String>,
    /// What the tape's script stands on; see there.
    for_tape: [v8::Global<v8::Value>; 4],
}

impl Pristine {
    /// Of a context in which nothing has run.
    pub(super) fn of(scope: &v8::PinScope<'_, '_>) -> Option<Self> {
        let global = scope.get_current_context().global(scope);
        let get = |object: v8::Local<'_, v8::Object>, name| {
            let name = v8::String::new_from_utf8(scope, name, v8::NewStringType::Internalized)?;
            object.get(scope, name.into())
        };
        let object_of = |name| v8::Local::<v8::Object>::try_from(get(global, name)?).ok();
        let (object, reflect) = (object_of(b"Object")?, object_of(b"Reflect")?);
        let keys = v8::Local::<v8::Function>::try_from(get(object, b"keys")?).ok()?;
        let for_tape = [
            get(object_of(b"Array")?, b"isArray")?,
            get(reflect, b"getPrototypeOf")?,
            get(reflect, b"apply")?,
            get(object, b"prototype")?,
        ];
        let to_json = v8::String::new_from_utf8(scope, b"toJSON", v8::NewStringType::Internalized)?;
        Some(Self {
            object_keys: v8::Global::new(scope, keys),
            to_json: v8::Global::new(scope, to_json),
            for_tape: for_tape.map(|value| v8::Global::new(scope, value)),
        })
    }

    /// The own enumerable string keys of an object, as strings; a proxy's traps are called.
    pub(super) fn keys<'s>(
        &self,
        scope: &v8::PinScope<'s, '_>,
        object: v8::Local<'_, v8::Object>,
    ) -> Result<v8::Local<'s, v8::Array>, Failure> {
        let receiver = v8::undefined(scope).into();
        let keys = v8::Local::new(scope, &self.object_keys);
        let keys = keys.call(scope, receiver, &[object.into()]).or_thrown()?;
        v8::Local::<v8::Array>::try_from(keys).ok().or_thrown()
    }

    /// The string `toJSON`.
    pub(super) fn to_json<'s>(&self, scope: &v8::PinScope<'s, '_>) -> v8::Local<'s, v8::String> {
        v8::Local::new(scope, &self.to_json)
    }

    /// `Array.isArray`, `Reflect.getPrototypeOf`, `Reflect.apply` and `Object.prototype`.
    pub(super) fn for_tape<'s>(
        &self,
        scope: &v8::PinScope<'s, '_>,
    ) -> [v8::Local<'s, v8::Value>; 4] {
        self.for_tape.each_ref().map(|value| v8::Local::new(scope, value))
    }
}
