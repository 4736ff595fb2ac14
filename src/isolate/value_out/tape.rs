//! `Tape`: a result as JavaScript reads it.
//!
//! Through V8's API each key and each member is looked up anew. A script of ours that does the
//! same V8 compiles, and it learns the shapes of what a plugin answers. The script hands over what
//! it has read, a tape full of pieces in one call.
//!
//! It knows plain objects and arrays only. Any other object in them is walked as ever; and if
//! anything is in the way, the walk begins anew with the result, to tell what and where. So what
//! comes out is the same, but that a getter is then called twice.

use std::cell::{Cell, OnceCell, RefCell};

use super::Scope;
use super::kind::Kind;
use super::sink::{Sink, Trees};
use super::text::Text;
use super::walk::{SCALAR, Walk};
use crate::isolate::Failure;
use crate::isolate::failure::OrThrown as _;
use crate::isolate::own_script::OwnScript;
use crate::isolate::refusal::Refusal;
use crate::isolate::state::State;
use crate::isolate::thresholds::{FORESEEN_MEMBERS, TAPE_FROM, TAPE_LENGTH};
use crate::protocol::Value;

static SCRIPT: OwnScript = OwnScript::new("value_out/tape.js", include_str!("tape.js"));

/// What one realm has of this.
#[derive(Default)]
pub(in crate::isolate) struct Tape {
    /// Bytes of results that were walked.
    walked: Cell<u64>,
    script: OnceCell<v8::Global<v8::Function>>,
    /// For results that become a tree, and for those that become text.
    tree: Place<Trees<Value>>,
    text: Place<Text>,
}

/// Where a result is while it is read.
pub(super) struct Place<S: Sink> {
    reading: RefCell<Option<Box<Reading<S>>>>,
    /// The one before: its memory is used again.
    spare: RefCell<Option<Box<Reading<S>>>>,
}

impl<S: Sink> Default for Place<S> {
    fn default() -> Self {
        Self { reading: RefCell::default(), spare: RefCell::default() }
    }
}

/// A sink that the script's pieces can go to.
pub(super) trait OnTape: Sink {
    fn place(tape: &Tape) -> &Place<Self>;
}

impl OnTape for Trees<Value> {
    fn place(tape: &Tape) -> &Place<Self> {
        &tape.tree
    }
}

impl OnTape for Text {
    fn place(tape: &Tape) -> &Place<Self> {
        &tape.text
    }
}

impl Tape {
    pub(super) fn is_worth_it(&self) -> bool {
        self.walked.get() >= TAPE_FROM
    }

    pub(super) fn count(&self, bytes: u64) {
        self.walked.set(self.walked.get().saturating_add(bytes));
    }

    fn script<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        state: &State,
    ) -> Result<v8::Local<'s, v8::Function>, Failure> {
        if let Some(script) = self.script.get() {
            return Ok(v8::Local::new(scope, script));
        }
        let take = v8::Function::builder(take).build(scope).or_thrown()?;
        let empty = [v8::null(scope).into(); TAPE_LENGTH];
        let tape = v8::Array::new_with_elements(scope, &empty);
        let [is_array, get_prototype_of, apply, object_prototype] =
            state.pristine()?.for_tape(scope);
        let arguments =
            [is_array, get_prototype_of, apply, object_prototype, take.into(), tape.into()];
        let script = SCRIPT.call(scope, &arguments)?;
        let script = v8::Local::<v8::Function>::try_from(script).ok().or_thrown()?;
        self.script.get_or_init(|| v8::Global::new(scope, script));
        Ok(script)
    }
}

/// Reads `value`; `None` if the walk is to tell why it cannot be carried.
pub(super) fn read<S: OnTape>(
    scope: &mut Scope<'_, '_>,
    state: &State,
    value: v8::Local<'_, v8::Value>,
) -> Result<Option<(S::Value, S)>, Failure> {
    let script = state.tape.script(scope, state)?;
    let limits = &state.blueprint.limits;
    let place = S::place(&state.tape);
    let mut reading = place.spare.take().unwrap_or_default();
    reading.left = limits.result_size.as_u64();
    *place.reading.borrow_mut() = Some(reading);
    v8::tc_scope!(let scope, scope);
    let receiver = v8::undefined(scope).into();
    let depth = v8::Number::new(scope, limits.result_depth as f64).into();
    let done = script.call(scope, receiver, &[value, depth]);
    let reading = place.reading.take();
    if done.is_some() {
        let Some(mut reading) = reading else { return Ok(None) };
        let whole = reading.end();
        *place.spare.borrow_mut() = Some(reading);
        return Ok(whole);
    }
    if scope.has_terminated() || state.slot.stopped().is_some() {
        return Err(Failure::Thrown);
    }
    scope.reset();
    Ok(None)
}

/// The script's `take(count, ...pieces)`.
fn take(
    scope: &mut Scope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    _: v8::ReturnValue<'_>,
) {
    let state = State::of(scope);
    if !hand_over::<Trees<Value>>(scope, &state, &arguments) {
        hand_over::<Text>(scope, &state, &arguments);
    }
}

/// Gives the pieces to the result that is read for this sink, if one is.
fn hand_over<S: OnTape>(
    scope: &mut Scope<'_, '_>,
    state: &State,
    arguments: &v8::FunctionCallbackArguments<'_>,
) -> bool {
    let place = S::place(&state.tape);
    let Some(mut reading) = place.reading.take() else { return false };
    match reading.take(scope, state, arguments) {
        Ok(()) => *place.reading.borrow_mut() = Some(reading),
        Err(Refusal::Failure(Failure::Thrown)) => {}
        // Whatever it is, the walk will find it again.
        Err(_) => drop(scope.throw_exception(v8::undefined(scope).into())),
    }
    true
}

/// A result of which a part has been handed over.
pub(super) struct Reading<S: Sink> {
    sink: S,
    /// What may still be written, in the bytes that `result_size` counts.
    left: u64,
    next: Next,
    /// What the next piece is part of, outermost first.
    open: Vec<Open<S>>,
    /// How many members the last object had.
    foreseen: usize,
    read: Option<S::Value>,
}

/// What the next piece is.
#[derive(Default)]
enum Next {
    #[default]
    Value,
    /// How long the array is that begins, or which object.
    Which,
    Key,
}

enum Open<S: Sink> {
    /// So many items are left.
    Array { items: S::Items, left: usize },
    /// So many members have been read.
    Object { members: S::Members, key: Option<S::Key>, count: usize },
}

impl<S: Sink> Default for Reading<S> {
    fn default() -> Self {
        Self {
            sink: S::default(),
            left: 0,
            next: Next::default(),
            open: Vec::new(),
            foreseen: 0,
            read: None,
        }
    }
}

impl<S: Sink> Reading<S> {
    /// What was read, if it is complete; then this can read another.
    fn end(&mut self) -> Option<(S::Value, S)> {
        self.next = Next::default();
        self.open.clear();
        let (read, sink) = (self.read.take(), self.sink.renew());
        Some((read?, sink))
    }

    fn take(
        &mut self,
        scope: &mut Scope<'_, '_>,
        state: &State,
        arguments: &v8::FunctionCallbackArguments<'_>,
    ) -> Result<(), Refusal> {
        let count = arguments.get(0).int32_value(scope).unwrap_or_default();
        let mut walk = Walk::with(state, std::mem::take(&mut self.sink), self.left)?;
        for index in 1..=count {
            self.piece(scope, &mut walk, arguments.get(index))?;
        }
        self.left = walk.left();
        self.sink = walk.sink;
        Ok(())
    }

    fn piece(
        &mut self,
        scope: &mut Scope<'_, '_>,
        walk: &mut Walk<'_, S>,
        piece: v8::Local<'_, v8::Value>,
    ) -> Result<(), Refusal> {
        // What is complete has no more pieces.
        if self.read.is_some() {
            return Err(Refusal::unfit("two values"));
        }
        match self.next {
            Next::Key => self.key(scope, walk, piece),
            Next::Which => self.begin(walk, piece),
            Next::Value if piece.is_undefined() => {
                self.next = Next::Which;
                Ok(())
            }
            Next::Value => {
                let value = match v8::Local::<v8::String>::try_from(piece) {
                    Ok(string) => {
                        let text = walk.text(scope, string)?;
                        walk.sink.string(text)
                    }
                    Err(_) => self.other(scope, walk, piece)?,
                };
                self.put(&mut walk.sink, value);
                Ok(())
            }
        }
    }

    fn other(
        &self,
        scope: &mut Scope<'_, '_>,
        walk: &mut Walk<'_, S>,
        piece: v8::Local<'_, v8::Value>,
    ) -> Result<S::Value, Refusal> {
        walk.within(self.open.len(), |walk| walk.value(scope, piece, None))
    }

    fn key(
        &mut self,
        scope: &mut Scope<'_, '_>,
        walk: &mut Walk<'_, S>,
        piece: v8::Local<'_, v8::Value>,
    ) -> Result<(), Refusal> {
        if let Ok(name) = v8::Local::<v8::String>::try_from(piece) {
            let name = walk.key(scope, name)?;
            if let Some(Open::Object { key, .. }) = self.open.last_mut() {
                *key = Some(name);
            }
            self.next = Next::Value;
        } else if let Some(Open::Object { members, count, .. }) = self.open.pop() {
            self.foreseen = count;
            let object = walk.sink.end_object(members);
            self.put(&mut walk.sink, object);
        }
        Ok(())
    }

    fn begin(
        &mut self,
        walk: &mut Walk<'_, S>,
        piece: v8::Local<'_, v8::Value>,
    ) -> Result<(), Refusal> {
        walk.spend(SCALAR)?;
        if let Ok(object) = v8::Local::<v8::Object>::try_from(piece) {
            // One that only looks plain.
            if !Kind::of(object).is_plain() {
                return Err(Refusal::unfit("not a plain object"));
            }
            let members = walk.sink.begin_object(self.foreseen.min(FORESEEN_MEMBERS));
            self.open.push(Open::Object { members, key: None, count: 0 });
            self.next = Next::Key;
            return Ok(());
        }
        let length = v8::Local::<v8::Number>::try_from(piece).map_or(0.0, |length| length.value());
        let length = length as usize;
        // Refused before it is walked: `new Array(2**32 - 1)` is small and long.
        if length as u64 > walk.left() / 2 {
            return Err(Refusal::TooLarge(String::new()));
        }
        self.next = Next::Value;
        let items = walk.sink.begin_array(length);
        if length == 0 {
            let array = walk.sink.end_array(items);
            self.put(&mut walk.sink, array);
        } else {
            self.open.push(Open::Array { items, left: length });
        }
        Ok(())
    }

    /// Puts a value where it belongs, and ends the arrays that are complete with it.
    fn put(&mut self, sink: &mut S, mut value: S::Value) {
        loop {
            match self.open.last_mut() {
                None => {
                    self.read = Some(value);
                    return;
                }
                Some(Open::Object { members, key, count }) => {
                    if let Some(key) = key.take() {
                        sink.member(members, key, value);
                    }
                    *count += 1;
                    self.next = Next::Key;
                    return;
                }
                Some(Open::Array { items, left }) => {
                    sink.item(items, value);
                    *left -= 1;
                    if *left > 0 {
                        self.next = Next::Value;
                        return;
                    }
                }
            }
            let Some(Open::Array { items, .. }) = self.open.pop() else { return };
            value = sink.end_array(items);
        }
    }
}
