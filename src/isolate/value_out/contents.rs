//! What is in an array, an object or what counts as one, piece by piece.

use super::Scope;
use super::kind::{Boxed, Container};
use super::sink::Sink;
use super::walk::{Outer, Walk};
use crate::isolate::Failure;
use crate::isolate::failure::OrThrown as _;
use crate::isolate::refusal::{Refusal, Step};
use crate::isolate::thresholds::HANDLES;

impl<S: Sink> Walk<'_, S> {
    pub(super) fn contents(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        kind: Container<'_>,
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        match kind {
            Container::Plain => {
                let members = self.sink.begin_object(0);
                self.members(scope, object, members, &[], around)
            }
            Container::Array(array) => self.items(scope, object, array.length(), around),
            Container::Map(map) => {
                let entries = map.as_array(scope);
                self.entries(scope, entries, around)
            }
            Container::Set(set) => {
                let items = set.as_array(scope);
                self.items(scope, items.into(), items.length(), around)
            }
            Container::Bytes => self.bytes(scope, object, around),
            Container::Proxy(_) => self.proxy(scope, object, around),
            Container::Boxed(boxed) => {
                let primitive = primitive(scope, object, boxed)?;
                self.value(scope, primitive, around)
            }
            Container::Error => self.error(scope, object, around),
            Container::Opaque(name) => Err(Refusal::unfit(name)),
        }
    }

    fn error(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        let mut members = self.sink.begin_object(0);
        // Not enumerable, and all that an error is about.
        let names = ["name", "message"];
        let mut keys = [v8::String::empty(scope); 2];
        for (name, key) in names.into_iter().zip(&mut keys) {
            *key = v8::String::new(scope, name).or_thrown()?;
            let value = object.get(scope, (*key).into()).or_thrown()?;
            let name_of_member = self.sink.key(name.to_owned());
            let value = self
                .value(scope, value, around)
                .map_err(|refusal| refusal.under(|| Step::Key(name.to_owned())))?;
            self.sink.member(&mut members, name_of_member, value);
        }
        self.members(scope, object, members, &keys, around)
    }

    fn items(
        &mut self,
        scope: &mut Scope<'_, '_>,
        array: v8::Local<'_, v8::Object>,
        length: u32,
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        // Refused before it is walked: `new Array(2**32 - 1)` is small and long.
        if u64::from(length) > self.left() / 2 {
            return Err(Refusal::TooLarge(self.limits.result_size.to_string()));
        }
        let mut items = self.sink.begin_array(length as usize);
        let mut index = 0;
        while index < length {
            v8::scope!(let scope, scope);
            let end = length.min(index + HANDLES);
            while index < end {
                let item = array.get_index(scope, index).or_thrown()?;
                let item = self
                    .value(scope, item, around)
                    .map_err(|refusal| refusal.under(|| Step::Index(index)))?;
                self.sink.item(&mut items, item);
                index += 1;
            }
        }
        Ok(self.sink.end_array(items))
    }

    /// The members of an object, but those that it has already.
    fn members(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        mut members: S::Members,
        has: &[v8::Local<'_, v8::String>],
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        let keys = self.pristine.keys(scope, object)?;
        let (mut index, length) = (0, keys.length());
        while index < length {
            v8::scope!(let scope, scope);
            let end = length.min(index + HANDLES);
            while index < end {
                let key = keys.get_index(scope, index).or_thrown()?;
                index += 1;
                if has.iter().any(|name| key.strict_equals((*name).into())) {
                    continue;
                }
                let value = object.get(scope, key).or_thrown()?;
                // As in JSON, a member that is undefined is a member that is not there.
                if value.is_undefined() {
                    continue;
                }
                let Ok(key) = v8::Local::<v8::String>::try_from(key) else { continue };
                self.member(scope, &mut members, key, value, around)?;
            }
        }
        Ok(self.sink.end_object(members))
    }

    fn member(
        &mut self,
        scope: &mut Scope<'_, '_>,
        members: &mut S::Members,
        key: v8::Local<'_, v8::String>,
        value: v8::Local<'_, v8::Value>,
        around: Outer<'_>,
    ) -> Result<(), Refusal> {
        let name = self.key(scope, key)?;
        let value = self
            .value(scope, value, around)
            .map_err(|refusal| refusal.under(|| Step::Key(key.to_rust_string_lossy(scope))))?;
        self.sink.member(members, name, value);
        Ok(())
    }

    /// A `Map` as an object, if all its keys are strings.
    fn entries(
        &mut self,
        scope: &mut Scope<'_, '_>,
        entries: v8::Local<'_, v8::Array>,
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        let mut members = self.sink.begin_object(0);
        let mut index = 0;
        while index < entries.length() {
            v8::scope!(let scope, scope);
            let end = entries.length().min(index + HANDLES);
            while index < end {
                let key = entries.get_index(scope, index).or_thrown()?;
                let value = entries.get_index(scope, index + 1).or_thrown()?;
                index += 2;
                let Ok(key) = v8::Local::<v8::String>::try_from(key) else {
                    let kind = key.type_of(scope).to_rust_string_lossy(scope);
                    return Err(Refusal::unfit(format!("a Map with a key that is a {kind}")));
                };
                self.member(scope, &mut members, key, value, around)?;
            }
        }
        Ok(self.sink.end_object(members))
    }

    /// Typed arrays as arrays of their elements, buffers as arrays of bytes.
    pub(super) fn bytes(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        if object.is_big_int64_array() || object.is_big_uint64_array() {
            return Err(Refusal::unfit("a typed array of BigInt"));
        }
        if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(object)
            && (object.is_uint8_array() || object.is_data_view())
            && let Some(bytes) = self.copied(view.byte_length(), |to| view.copy_contents(to))?
        {
            return Ok(bytes);
        }
        if let Ok(array) = v8::Local::<v8::TypedArray>::try_from(object) {
            let length = u32::try_from(array.length()).unwrap_or(u32::MAX);
            return self.items(scope, object, length, around);
        }
        let (buffer, offset, length) = match v8::Local::<v8::DataView>::try_from(object) {
            Ok(view) => (view.buffer(scope), view.byte_offset(), view.byte_length()),
            Err(_) => {
                let buffer = v8::Local::<v8::ArrayBuffer>::try_from(object).ok();
                (buffer, 0, buffer.map_or(0, |buffer| buffer.byte_length()))
            }
        };
        let view = buffer
            .and_then(|buffer| v8::Uint8Array::new(scope, buffer, offset, length))
            .or_thrown()?;
        if let Some(bytes) = self.copied(length, |to| view.copy_contents(to))? {
            return Ok(bytes);
        }
        self.items(scope, view.into(), u32::try_from(length).unwrap_or(u32::MAX), around)
    }

    /// So many bytes as bytes, if the sink has them.
    fn copied(
        &mut self,
        length: usize,
        copy: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<Option<S::Value>, Refusal> {
        let Some(value) = S::BYTES else { return Ok(None) };
        self.spend(length as u64)?;
        let mut bytes = vec![0; length];
        copy(&mut bytes);
        Ok(Some(value(bytes)))
    }

    /// A proxy as what it poses as: an array if its target is one, else an object.
    fn proxy(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        around: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        let mut target: v8::Local<'_, v8::Value> = object.into();
        while let Ok(proxy) = v8::Local::<v8::Proxy>::try_from(target) {
            target = proxy.get_target(scope);
        }
        if target.is_array() {
            let key = v8::String::new(scope, "length").or_thrown()?;
            let length = object.get(scope, key.into()).or_thrown()?;
            let length = length.number_value(scope).or_thrown()?;
            // As `ToLength` does, but for what is beyond any result anyway.
            let length = length.clamp(0.0, f64::from(u32::MAX)) as u32;
            return self.items(scope, object, length, around);
        }
        let members = self.sink.begin_object(0);
        self.members(scope, object, members, &[], around)
    }
}

/// The primitive inside `new Number(1)` and the like.
fn primitive<'s>(
    scope: &Scope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    boxed: Boxed,
) -> Result<v8::Local<'s, v8::Value>, Failure> {
    match boxed {
        Boxed::Number => object.to_number(scope).or_thrown().map(Into::into),
        Boxed::String => object.to_string(scope).or_thrown().map(Into::into),
        Boxed::BigInt => object.to_big_int(scope).or_thrown().map(Into::into),
        // V8 offers no way to the boolean itself; as a number it is 0 or 1.
        Boxed::Boolean => {
            let number = object.number_value(scope).or_thrown()?;
            Ok(v8::Boolean::new(scope, number != 0.0).into())
        }
    }
}
