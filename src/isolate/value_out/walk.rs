//! `Walk`: a value read over V8's API, whatever it is.

use serde_json::Number;

use super::Scope;
use super::kind::{Container, Kind};
use super::sink::Sink;
use crate::isolate::Failure;
use crate::isolate::date::iso_date;
use crate::isolate::failure::OrThrown as _;
use crate::isolate::own_properties::own_data;
use crate::isolate::pristine::Pristine;
use crate::isolate::refusal::{Refusal, Step};
use crate::isolate::state::State;
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
    pub(super) limits: &'a ResourceLimits,
    slot: &'a Slot,
    pub(super) pristine: &'a Pristine,
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
}

pub(super) fn json_number(number: f64) -> Result<Number, Refusal> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(Number::from(number as i64));
    }
    Number::from_f64(number).ok_or_else(|| Refusal::unfit(number.to_string()))
}
