//! `Text`: a value as JSON text, written while it is read.

use serde::Serialize;
use serde_json::Number;

use super::Scope;
use super::sink::Sink;
use crate::protocol::RawValue;

/// How many bytes of memory are kept for the next text, which is often as long.
const KEPT: usize = 16 << 10;

/// Writes what serde_json would write of the tree.
#[derive(Default)]
pub(in crate::isolate) struct Text {
    json: Vec<u8>,
    /// Memory for the strings to come.
    string: String,
    /// Whether it may not be what the tree would be.
    is_doubtful: bool,
}

impl Text {
    /// The text, now that the value is complete; `None` if a tree is to be made of it first.
    #[expect(unsafe_code, reason = "checking what was written here is a tenth of a call")]
    pub(super) fn finish(self) -> Option<Box<RawValue>> {
        let json = String::from_utf8(self.json).ok().filter(|_| !self.is_doubtful)?;
        // SAFETY: The text must be one JSON value without anything around it. The walk and the tape
        // give a sink the pieces of one value, every array and object ended, before they say that
        // it is complete; scalars and names are written by serde_json, which would have failed and
        // left doubts; and the few bytes between them are below. Builds for debugging check it, in
        // every test of `tests/all/values.rs`.
        Some(unsafe { RawValue::from_string_unchecked(json) })
    }

    /// Writes a scalar.
    fn scalar(&mut self, scalar: &(impl Serialize + ?Sized)) {
        // A `Vec` takes all that is written.
        self.is_doubtful |= serde_json::to_writer(&mut self.json, scalar).is_err();
    }

    fn end(&mut self, with: u8) {
        // Each part is followed by a comma, the last one too.
        self.json.pop_if(|last| *last == b',');
        self.json.push(with);
    }
}

impl Sink for Text {
    type Value = ();
    type Items = ();
    type Members = ();
    type Key = ();

    const BYTES: Option<fn(Vec<u8>)> = None;

    fn renew(&mut self) -> Self {
        let room = self.json.len().min(KEPT);
        let next = Self { json: Vec::with_capacity(room), ..Self::default() };
        let mut whole = std::mem::replace(self, next);
        if whole.string.capacity() <= KEPT {
            self.string = std::mem::take(&mut whole.string);
        }
        whole
    }

    fn read(&mut self, scope: &mut Scope<'_, '_>, string: v8::Local<'_, v8::String>) -> String {
        let mut text = std::mem::take(&mut self.string);
        string.write_utf8_into(scope, &mut text);
        text
    }

    fn null(&mut self) {
        self.json.extend(b"null");
    }

    fn bool(&mut self, bool: bool) {
        self.scalar(&bool);
    }

    fn number(&mut self, number: Number) {
        self.scalar(&number);
    }

    fn string(&mut self, string: String) {
        self.scalar(string.as_str());
        self.string = string;
    }

    fn begin_array(&mut self, _: usize) {
        self.json.push(b'[');
    }

    fn item(&mut self, (): &mut (), (): ()) {
        self.json.push(b',');
    }

    fn end_array(&mut self, (): ()) {
        self.end(b']');
    }

    fn begin_object(&mut self, _: usize) {
        self.json.push(b'{');
    }

    fn key(&mut self, name: String) {
        // Names that differ in lone surrogates only have become one, of which a tree has the last.
        self.is_doubtful |= !name.is_ascii() && name.contains(char::REPLACEMENT_CHARACTER);
        self.string(name);
        self.json.push(b':');
    }

    fn member(&mut self, (): &mut (), (): (), (): ()) {
        self.json.push(b',');
    }

    fn end_object(&mut self, (): ()) {
        self.end(b'}');
    }
}
