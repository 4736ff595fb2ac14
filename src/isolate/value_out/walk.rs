//! `Walk`: a value read over V8's API, whatever it is.

use serde_json::Number;

use super::Scope;
use super::kind::{Boxed, Container, Kind};
use super::sink::Sink;
use crate::isolate::Failure;
use crate::isolate::date::iso_date;
use crate::isolate::failure::OrThrown as _;
use crate::isolate::inspect::own_data;
use crate::isolate::pristine::Pristine;
use crate::isolate::refusal::{Refusal, Step};
use crate::isolate::state::State;
use crate::isolate::thresholds::HANDLES;
use crate::policy::ResourceLimits;
use crate::watchdog::Slot;

/// What a value that is not a string counts against the size limit, in bytes.
pub(super) const SCALAR: u64 = 8;

/// How names begin that serde_json keeps for itself. Whoever reads a value with one into a `Value`
/// or a `RawValue` has the text of the member parsed, or taken for parsed, without our limits.
const RESERVED: &str = "$serde_json::private::";

/// One walk through a value.
pub(super) struct Walk<'a, S> {
    pub(super) sink: S,
    limits: &'a ResourceLimits,
    slot: &'a Slot,
    pristine: &'a Pristine,
    /// What may still be written, in the bytes that `result_size` counts.
    left: u64,
    /// How many arrays and objects are around the value.
    depth: usize,
}

/// An array or object that is being walked, and those around it: to find cycles, and to count
/// levels.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    object: v8::Local<'a, v8::Object>,
    outer: Option<&'a Self>,
    depth: usize,
}

pub(super) type Outer<'a> = Option<&'a Around<'a>>;

impl<'a, S: Sink> Walk<'a, S> {
    pub(super) fn new(state: &'a State) -> Result<Self, Failure> {
        Self::with(state, S::default(), state.blueprint.limits.result_size.as_u64())
    }

    /// A walk that has so many bytes `left`.
    pub(super) fn with(state: &'a State, sink: S, left: u64) -> Result<Self, Failure> {
        Ok(Self {
            sink,
            limits: &state.blueprint.limits,
            slot: &state.slot,
            pristine: state.pristine()?,
            left,
            depth: 0,
        })
    }

    /// Does a part of the walk that is within `depth` arrays and objects.
    pub(super) fn within<R>(&mut self, depth: usize, part: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.depth, depth);
        let result = part(self);
        self.depth = before;
        result
    }

    /// What may still be written, in the bytes that `result_size` counts.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Counts `bytes` of the result; also the place where long walks notice that they are to
    /// stop, since plain reads never enter guest code.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), Refusal> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Err(Refusal::TooLarge(self.limits.result_size.to_string())),
        }
        if self.slot.stopped().is_some() {
            return Err(Refusal::Failure(Failure::Thrown));
        }
        Ok(())
    }

    pub(super) fn value(
        &mut self,
        scope: &mut Scope<'_, '_>,
        value: v8::Local<'_, v8::Value>,
        outer: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        // In the order of how often each is met.
        if let Ok(string) = v8::Local::<v8::String>::try_from(value) {
            let text = self.text(scope, string)?;
            return Ok(self.sink.string(text));
        }
        self.spend(SCALAR)?;
        if let Ok(number) = v8::Local::<v8::Number>::try_from(value) {
            json_number(number.value()).map(|number| self.sink.number(number))
        } else if let Ok(object) = v8::Local::<v8::Object>::try_from(value) {
            self.object(scope, object, outer)
        } else if value.is_null_or_undefined() {
            Ok(self.sink.null())
        } else if value.is_boolean() {
            Ok(self.sink.bool(value.is_true()))
        } else if value.is_symbol() {
            Err(Refusal::unfit("a symbol"))
        } else if value.is_big_int() {
            Err(Refusal::unfit("a BigInt; convert it to a number or a string"))
        } else {
            Err(Refusal::unfit("a value of a kind that JSON does not have"))
        }
    }

    /// The text of a string, which is given to the sink next.
    pub(super) fn text(
        &mut self,
        scope: &mut Scope<'_, '_>,
        string: v8::Local<'_, v8::String>,
    ) -> Result<String, Refusal> {
        // A UTF-16 unit is at least one byte of UTF-8: refused before it is copied.
        self.spend(string.length() as u64 + 2)?;
        let text = self.sink.read(scope, string);
        self.spend((text.len() - string.length().min(text.len())) as u64)?;
        Ok(text)
    }

    /// The name of the member that comes next.
    pub(super) fn key(
        &mut self,
        scope: &mut Scope<'_, '_>,
        key: v8::Local<'_, v8::String>,
    ) -> Result<S::Key, Refusal> {
        let name = self.text(scope, key)?;
        if name.starts_with(RESERVED) {
            let refusal = Refusal::unfit("a name that serde_json keeps for itself");
            return Err(refusal.under(|| Step::Key(name)));
        }
        Ok(self.sink.key(name))
    }

    fn object(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        outer: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        match Kind::of(object) {
            Kind::Function => Err(Refusal::unfit("a function")),
            Kind::Date(date) => iso_date(date.value_of())
                .map(|date| self.sink.string(date))
                .ok_or_else(|| Refusal::unfit("an invalid date")),
            Kind::Container(Container::Proxy(proxy)) if proxy.is_revoked() => {
                Err(Refusal::unfit("a revoked proxy"))
            }
            Kind::Container(kind) => self.unless_replaced(scope, object, kind, outer),
        }
    }

    /// What the object's `toJSON` answers, or else what the object is.
    fn unless_replaced(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        kind: Container<'_>,
        outer: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        let Some(replaced) = self.replaced(scope, object)? else {
            return self.container(scope, object, kind, outer);
        };
        // As in JSON.stringify, what `toJSON` answers is not asked for its own.
        if let Ok(object) = v8::Local::<v8::Object>::try_from(replaced)
            && let Kind::Container(kind) = Kind::of(object)
        {
            self.spend(SCALAR)?;
            return self.container(scope, object, kind, outer);
        }
        self.value(scope, replaced, outer)
    }

    /// What the object's `toJSON` answers, if it has one. One that sits on `Object.prototype`
    /// does not count: nobody puts it there but to get into every answer of the plugin.
    fn replaced<'v>(
        &self,
        scope: &mut Scope<'v, '_>,
        object: v8::Local<'_, v8::Object>,
    ) -> Result<Option<v8::Local<'v, v8::Value>>, Failure> {
        let key = self.pristine.to_json(scope);
        let to_json = object.get(scope, key.into()).or_thrown()?;
        let Ok(to_json) = v8::Local::<v8::Function>::try_from(to_json) else {
            return Ok(None);
        };
        let root = v8::Object::new(scope).get_prototype(scope);
        if let Some(Ok(root)) = root.map(v8::Local::<v8::Object>::try_from)
            && own_data(scope, root, key.into())?
                .is_some_and(|polluted| polluted.strict_equals(to_json.into()))
        {
            return Ok(None);
        }
        let key = v8::String::empty(scope).into();
        to_json.call(scope, object.into(), &[key]).or_thrown().map(Some)
    }

    fn container(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        kind: Container<'_>,
        outer: Outer<'_>,
    ) -> Result<S::Value, Refusal> {
        let depth = outer.map_or(self.depth, |outer| outer.depth);
        if depth == self.limits.result_depth {
            return Err(Refusal::TooLarge(format!("depth {}", self.limits.result_depth)));
        }
        let mut above = outer;
        while let Some(around) = above {
            if around.object == object {
                let levels = depth - around.depth + 1;
                return Err(Refusal::unfit(format!("a cycle: the object {levels} level(s) above")));
            }
            above = around.outer;
        }
        self.contents(scope, object, kind, Some(&Around { object, outer, depth: depth + 1 }))
    }

    fn contents(
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
        if u64::from(length) > self.left / 2 {
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

pub(super) fn json_number(number: f64) -> Result<Number, Refusal> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(Number::from(number as i64));
    }
    Number::from_f64(number).ok_or_else(|| Refusal::unfit(number.to_string()))
}
