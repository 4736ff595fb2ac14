//! Values as text for people, as `console.log` shows them.
//!
//! No guest code runs here: getters are shown, not called, and a proxy is shown as one. What
//! comes out is bounded, and its control characters are escaped.

use std::fmt::Write as _;

use super::Failure;
use super::failure::OrThrown as _;
use super::own_properties::{own_data, own_string_keys};
use crate::host::is_deceptive;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// Levels of nesting that are shown.
const DEPTH: usize = 3;
/// Items of an array and members of an object that are shown.
const ITEMS: u32 = 100;
/// Length of one message, in bytes.
const MAX_TEXT: usize = 64 << 10;

/// The arguments of a console method as one text, `%` placeholders of the first filled in.
pub(super) fn format(
    scope: &mut Scope<'_, '_>,
    arguments: &v8::FunctionCallbackArguments<'_>,
) -> String {
    let mut writer = Writer { text: String::new() };
    let mut next = 0;
    if arguments.length() > 1
        && let Ok(template) = v8::Local::<v8::String>::try_from(arguments.get(0))
    {
        let template = text_of(scope, template);
        next = 1 + writer.fill(scope, &template, arguments);
    }
    for index in next..arguments.length() {
        if index > 0 {
            writer.push(" ");
        }
        writer.top_level(scope, arguments.get(index));
        if writer.is_full() {
            break;
        }
    }
    writer.finish()
}

/// A string's text, cut where no message could hold more of it.
fn text_of(scope: &Scope<'_, '_>, string: v8::Local<'_, v8::String>) -> String {
    beginning(scope, string, MAX_TEXT + 1)
}

/// At most so many UTF-16 units of a string. The guest's strings may have half a gigabyte, and
/// what is copied of them is in nobody's limit.
pub(super) fn beginning(
    scope: &Scope<'_, '_>,
    string: v8::Local<'_, v8::String>,
    most: usize,
) -> String {
    if string.length() <= most {
        return string.to_rust_string_lossy(scope);
    }
    let mut units = vec![0; most];
    string.write_v2(scope, 0, &mut units, v8::WriteFlags::empty());
    String::from_utf16_lossy(&units)
}

struct Writer {
    text: String,
}

impl Writer {
    fn is_full(&self) -> bool {
        self.text.len() > MAX_TEXT
    }

    fn push(&mut self, text: &str) {
        if !self.is_full() {
            self.text.push_str(text);
        }
    }

    /// The text with its length cut and its control characters escaped.
    fn finish(mut self) -> String {
        let full = self.is_full();
        if full {
            let end = (0..=MAX_TEXT).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
            self.text.truncate(end);
        }
        let mut escaped = String::with_capacity(self.text.len());
        for c in self.text.chars() {
            if is_deceptive(c) && !matches!(c, '\n' | '\t') {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            } else {
                escaped.push(c);
            }
        }
        if full {
            escaped.push('…');
        }
        escaped
    }

    /// Fills the placeholders of `template` and answers how many arguments that took.
    fn fill(
        &mut self,
        scope: &mut Scope<'_, '_>,
        template: &str,
        arguments: &v8::FunctionCallbackArguments<'_>,
    ) -> i32 {
        let mut taken = 0;
        let mut rest = template;
        while let Some(at) = rest.find('%') {
            self.push(&rest[..at]);
            let kind = rest[at + 1..].chars().next();
            let (plain, after) = rest[at..].split_at(1 + kind.map_or(0, char::len_utf8));
            rest = after;
            match kind {
                Some('%') => self.push("%"),
                Some(kind @ ('s' | 'd' | 'i' | 'f' | 'j' | 'o' | 'O' | 'c'))
                    if taken + 1 < arguments.length() =>
                {
                    taken += 1;
                    let value = arguments.get(taken);
                    match kind {
                        's' => self.top_level(scope, value),
                        'd' | 'i' | 'f' => self.push(&number_text(scope, value, kind)),
                        // CSS, which a log does not have.
                        'c' => {}
                        _ => self.value(scope, value, DEPTH),
                    }
                }
                _ => self.push(plain),
            }
        }
        self.push(rest);
        taken
    }

    /// A string as it is, everything else as a value.
    fn top_level(&mut self, scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) {
        match v8::Local::<v8::String>::try_from(value) {
            Ok(string) => {
                let text = text_of(scope, string);
                self.push(&text);
            }
            Err(_) => self.value(scope, value, DEPTH),
        }
    }

    fn value(&mut self, scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>, depth: usize) {
        if self.is_full() {
            return;
        }
        v8::tc_scope!(let scope, scope);
        if let Ok(string) = v8::Local::<v8::String>::try_from(value) {
            let text = text_of(scope, string);
            self.push(&format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")));
        } else if let Ok(object) = v8::Local::<v8::Object>::try_from(value) {
            if self.object(scope, object, depth).is_err() {
                scope.reset();
                self.push("[unreadable]");
            }
        } else {
            self.push(&primitive_text(scope, value));
        }
    }

    fn object(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        depth: usize,
    ) -> Result<(), Failure> {
        if object.is_proxy() {
            self.push("[Proxy]");
            return Ok(());
        }
        if let Ok(function) = v8::Local::<v8::Function>::try_from(object) {
            let name = text_of(scope, function.get_name(scope));
            self.push(&match name.as_str() {
                "" => "[Function (anonymous)]".to_owned(),
                name => format!("[Function: {name}]"),
            });
            return Ok(());
        }
        if let Ok(date) = v8::Local::<v8::Date>::try_from(object) {
            let text = date.to_detail_string(scope).or_thrown()?;
            let text = text_of(scope, text);
            self.push(&text);
            return Ok(());
        }
        if let Ok(pattern) = v8::Local::<v8::RegExp>::try_from(object) {
            let source = text_of(scope, pattern.get_source(scope));
            self.push(&format!("/{source}/"));
            return Ok(());
        }
        if object.is_native_error() {
            return self.error(scope, object);
        }
        let name = text_of(scope, object.get_constructor_name());
        if let Ok(promise) = v8::Local::<v8::Promise>::try_from(object) {
            let state = match promise.state() {
                v8::PromiseState::Pending => "pending",
                v8::PromiseState::Fulfilled => "fulfilled",
                v8::PromiseState::Rejected => "rejected",
            };
            self.push(&format!("Promise {{ <{state}> }}"));
            return Ok(());
        }
        if depth == 0 {
            self.push(&format!("[{name}]"));
            return Ok(());
        }
        if let Ok(array) = v8::Local::<v8::Array>::try_from(object) {
            return self.items(scope, object, array.length(), "", depth);
        }
        if let Ok(array) = v8::Local::<v8::TypedArray>::try_from(object) {
            let length = u32::try_from(array.length()).unwrap_or(u32::MAX);
            return self.items(scope, object, length, &format!("{name}({length}) "), depth);
        }
        if object.is_array_buffer() || object.is_data_view() {
            self.push(&format!("[{name}]"));
            return Ok(());
        }
        if object.is_map() || object.is_set() {
            return self.collection(scope, object, &name, depth);
        }
        self.members(scope, object, &name, depth)
    }

    fn error(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
    ) -> Result<(), Failure> {
        // V8's own text of an error, made without calling anything of it.
        let headline = super::exception::headline(scope, object.into(), MAX_TEXT + 1);
        self.push(&headline);
        for frame in super::exception::frames_of(scope, object.into()) {
            self.push(&format!("\n    at {frame}"));
        }
        Ok(())
    }

    fn items(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        length: u32,
        prefix: &str,
        depth: usize,
    ) -> Result<(), Failure> {
        self.push(prefix);
        if length == 0 {
            self.push("[]");
            return Ok(());
        }
        self.push("[ ");
        for index in 0..length.min(ITEMS) {
            if index > 0 {
                self.push(", ");
            }
            let key = v8::Integer::new_from_unsigned(scope, index).to_string(scope).or_thrown()?;
            self.member_value(scope, object, key.into(), depth)?;
        }
        if length > ITEMS {
            self.push(&format!(", ... {} more", length - ITEMS));
        }
        self.push(" ]");
        Ok(())
    }

    fn collection(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        name: &str,
        depth: usize,
    ) -> Result<(), Failure> {
        let (entries, has_keys) = object.preview_entries(scope);
        let entries = entries.or_thrown()?;
        let width = if has_keys { 2 } else { 1 };
        let size = entries.length() / width;
        self.push(&format!("{name}({size}) {{"));
        for entry in 0..size.min(ITEMS) {
            self.push(if entry > 0 { ", " } else { " " });
            let first = entries.get_index(scope, entry * width).or_thrown()?;
            self.value(scope, first, depth - 1);
            if has_keys {
                self.push(" => ");
                let value = entries.get_index(scope, entry * width + 1).or_thrown()?;
                self.value(scope, value, depth - 1);
            }
        }
        if size > ITEMS {
            self.push(&format!(", ... {} more", size - ITEMS));
        }
        self.push(if size == 0 { "}" } else { " }" });
        Ok(())
    }

    fn members(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        name: &str,
        depth: usize,
    ) -> Result<(), Failure> {
        if name != "Object" && !name.is_empty() {
            self.push(&format!("{name} "));
        }
        let keys = object.get_own_property_names(scope, own_string_keys()).or_thrown()?;
        if keys.length() == 0 {
            self.push("{}");
            return Ok(());
        }
        self.push("{ ");
        for index in 0..keys.length().min(ITEMS) {
            if index > 0 {
                self.push(", ");
            }
            let key = keys.get_index(scope, index).or_thrown()?;
            let Ok(key) = v8::Local::<v8::String>::try_from(key) else { continue };
            let label = text_of(scope, key);
            self.push(&format!("{label}: "));
            self.member_value(scope, object, key.into(), depth)?;
        }
        if keys.length() > ITEMS {
            self.push(&format!(", ... {} more", keys.length() - ITEMS));
        }
        self.push(" }");
        Ok(())
    }

    fn member_value(
        &mut self,
        scope: &mut Scope<'_, '_>,
        object: v8::Local<'_, v8::Object>,
        key: v8::Local<'_, v8::Name>,
        depth: usize,
    ) -> Result<(), Failure> {
        match own_data(scope, object, key)? {
            Some(value) => self.value(scope, value, depth - 1),
            None if object.has_own_property(scope, key).or_thrown()? => self.push("[Getter]"),
            None => self.push("<empty>"),
        }
        Ok(())
    }
}

fn primitive_text(scope: &Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> String {
    if value.is_big_int() {
        let digits = value.to_detail_string(scope);
        return digits.map_or_else(String::new, |digits| text_of(scope, digits) + "n");
    }
    // Numbers, booleans, null, undefined and symbols: none of them runs guest code.
    value.to_detail_string(scope).map_or_else(String::new, |text| text_of(scope, text))
}

/// A placeholder for a number; an object is not asked for its value.
fn number_text(scope: &Scope<'_, '_>, value: v8::Local<'_, v8::Value>, kind: char) -> String {
    if value.is_big_int() {
        return primitive_text(scope, value);
    }
    let number = match value.is_object() || value.is_symbol() {
        true => f64::NAN,
        false => value.number_value(scope).unwrap_or(f64::NAN),
    };
    if kind == 'i' { number.trunc().to_string() } else { number.to_string() }
}
