//! Text into bytes and back: `TextEncoder` and `TextDecoder`.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;

use encoding_rs::{CoderResult, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::isolate::realm;
use crate::isolate::state::State;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Arguments<'s> = v8::FunctionCallbackArguments<'s>;

/// `utf8Length(string)`: how many bytes a string has in UTF-8, a lone surrogate as U+FFFD.
pub(super) fn utf8_length(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    if let Ok(string) = v8::Local::<v8::String>::try_from(arguments.get(0)) {
        // (A lone surrogate and U+FFFD both take three bytes.)
        answer.set_double(string.utf8_length(scope) as f64);
    }
}

/// `writeUtf8(string, array)`: writes what fits of a string into a `Uint8Array` whose bytes are
/// not on V8's heap; answers the UTF-16 units read times 2^26, plus the bytes written.
pub(super) fn write_utf8(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let string = v8::Local::<v8::String>::try_from(arguments.get(0));
    let array = v8::Local::<v8::Uint8Array>::try_from(arguments.get(1));
    let (Ok(string), Ok(array)) = (string, array) else { return };
    if !array.has_buffer() {
        return;
    }
    let length = array.byte_length();
    let mut read = 0;
    let mut written = 0;
    if length > 0 {
        let room = length.min(string.length() * 3);
        #[expect(unsafe_code, reason = "the array's own bytes")]
        // SAFETY: the array has a buffer, which keeps `length` bytes at `data` alive while the
        // array is, on this thread; nothing else touches them until this function is done. If
        // the memory is shared, no other thread has it: isolates do not exchange any.
        let bytes = unsafe { std::slice::from_raw_parts_mut(array.data().cast::<u8>(), room) };
        let flags = v8::WriteFlags::kReplaceInvalidUtf8;
        written = string.write_utf8_v2(scope, bytes, flags, Some(&mut read));
    }
    answer.set_double((read as f64) * f64::from(1 << 26) + written as f64);
}

/// `encodingFor(label)`: the name of the encoding, in lower case; `undefined` if there is none,
/// or none that may be decoded.
pub(super) fn encoding_for(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let label = arguments.get(0).to_rust_string_lossy(scope);
    if let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes())
        && let Some(name) = v8::String::new(scope, &encoding.name().to_ascii_lowercase())
    {
        answer.set(name.into());
    }
}

/// `byteLength(bytes)`: how many there are, none in `undefined`; `undefined` for what is no bytes.
pub(super) fn byte_length(
    _: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let value = arguments.get(0);
    let length = if value.is_undefined() {
        0
    } else if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(value) {
        view.byte_length()
    } else if let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(value) {
        buffer.byte_length()
    } else if let Ok(shared) = v8::Local::<v8::SharedArrayBuffer>::try_from(value) {
        shared.byte_length()
    } else {
        return;
    };
    answer.set_double(length as f64);
}

/// `decode(encoding, bytes, state, fatal, ignoreBOM, stream, from, to)`: an array of the text of
/// these bytes and the state for the next ones; `undefined` if they are malformed.
pub(super) fn decode(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let label = arguments.get(0).to_rust_string_lossy(scope);
    let Some(encoding) = Encoding::for_label(label.as_bytes()) else { return };
    let mut stream = Stream::unpack(arguments.get(2).uint32_value(scope).unwrap_or(0));
    let is_part = arguments.get(5).is_true();
    let state = State::of(scope);
    let mut decoders = state.web.decoders.borrow_mut();
    let from = arguments.get(6).integer_value(scope).unwrap_or(0) as usize;
    let to = arguments.get(7).integer_value(scope).unwrap_or(0) as usize;
    let mut bytes = stream.pending().to_vec();
    copy_bytes(arguments.get(1), from..to, &mut bytes);
    let fatal = arguments.get(3).is_true();
    let decoded = match stream.decode(encoding, &bytes, fatal, is_part, &mut decoders) {
        Ok(decoded) => decoded,
        Err(Refused::Malformed) => return,
        Err(Refused::Forgotten) => {
            let message = "plugin-sandbox: too many streams of such encodings were begun since";
            return realm::throw_range_error(scope, message);
        }
    };
    let text = if arguments.get(4).is_true() || stream.has_begun {
        decoded.as_slice()
    } else {
        without_mark(encoding, &decoded)
    };
    stream.has_begun |= !decoded.is_empty();
    let text = v8::String::new_from_two_byte(scope, text, v8::NewStringType::Normal);
    let Some(text) = text else {
        return realm::throw_range_error(scope, "Invalid string length");
    };
    let next = v8::Integer::new_from_unsigned(scope, stream.pack());
    let pair = v8::Array::new_with_elements(scope, &[text.into(), next.into()]);
    answer.set(pair.into());
}

fn copy_bytes(value: v8::Local<'_, v8::Value>, range: Range<usize>, bytes: &mut Vec<u8>) {
    if range.is_empty() {
        return;
    }
    let (store, range) = if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(value) {
        if !view.has_buffer() {
            // A small one, which is copied as a whole.
            let begin = bytes.len();
            bytes.resize(begin + view.byte_length(), 0);
            view.copy_contents(&mut bytes[begin..]);
            return;
        }
        let offset = view.byte_offset();
        (view.get_backing_store(), range.start + offset..range.end + offset)
    } else if let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(value) {
        (Some(buffer.get_backing_store()), range)
    } else if let Ok(shared) = v8::Local::<v8::SharedArrayBuffer>::try_from(value) {
        (Some(shared.get_backing_store()), range)
    } else {
        (None, range)
    };
    if let Some(cells) = store.as_ref().and_then(|store| store.get(range)) {
        bytes.extend(cells.iter().map(Cell::get));
    }
}

/// The text without the byte-order mark of its own encoding.
fn without_mark<'a>(encoding: &'static Encoding, text: &'a [u16]) -> &'a [u16] {
    if encoding == UTF_8 || encoding == UTF_16LE || encoding == UTF_16BE {
        text.strip_prefix(&[0xfeff]).unwrap_or(text)
    } else {
        text
    }
}

enum Refused {
    Malformed,
    /// The decoder of the stream has been given up.
    Forgotten,
}

/// What a stream has begun and not finished. It travels as one number: the scripts keep it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Stream {
    /// Text has come out, so that no byte-order mark can follow.
    has_begun: bool,
    /// The beginning of a character.
    pending: [u8; 3],
    pending_length: usize,
    /// The decoder of an encoding whose state is more than that; 0 for none.
    decoder: u32,
}

const IS_DECODER: u32 = 1 << 31;
const HAS_BEGUN: u32 = 1 << 30;

impl Stream {
    fn unpack(state: u32) -> Self {
        let has_begun = state & HAS_BEGUN != 0;
        if state & IS_DECODER != 0 {
            return Self { has_begun, decoder: state & (HAS_BEGUN - 1), ..Self::default() };
        }
        let [first, second, third, rest] = state.to_le_bytes();
        let pending_length = usize::from(rest & 3);
        Self { has_begun, pending: [first, second, third], pending_length, decoder: 0 }
    }

    fn pack(self) -> u32 {
        let [first, second, third] = self.pending;
        let bytes = u32::from_le_bytes([first, second, third, self.pending_length as u8]);
        let state = if self.decoder == 0 { bytes } else { self.decoder | IS_DECODER };
        state | if self.has_begun { HAS_BEGUN } else { 0 }
    }

    fn pending(&self) -> &[u8] {
        &self.pending[..self.pending_length]
    }

    fn decode(
        &mut self,
        encoding: &'static Encoding,
        bytes: &[u8],
        fatal: bool,
        is_part: bool,
        decoders: &mut Decoders,
    ) -> Result<Vec<u16>, Refused> {
        let keeps_bytes = encoding == UTF_8 || encoding == UTF_16LE || encoding == UTF_16BE;
        if keeps_bytes || encoding.is_single_byte() || (!is_part && self.decoder == 0) {
            let kept = if is_part && keeps_bytes { incomplete(encoding, bytes) } else { 0 };
            let (whole, rest) = bytes.split_at(bytes.len() - kept);
            self.pending_length = kept;
            self.pending[..kept].copy_from_slice(rest);
            return decoded(&mut encoding.new_decoder_without_bom_handling(), whole, fatal, true);
        }
        let mut decoder = match self.decoder {
            0 => encoding.new_decoder_without_bom_handling(),
            id => decoders.take(id).ok_or(Refused::Forgotten)?,
        };
        let text = decoded(&mut decoder, bytes, fatal, !is_part)?;
        self.decoder = if is_part { decoders.keep(decoder) } else { 0 };
        Ok(text)
    }
}

fn decoded(
    decoder: &mut encoding_rs::Decoder,
    mut bytes: &[u8],
    fatal: bool,
    is_last: bool,
) -> Result<Vec<u16>, Refused> {
    let mut text = Vec::new();
    loop {
        let end = text.len();
        let room = decoder.max_utf16_buffer_length(bytes.len()).unwrap_or(bytes.len() + 16);
        text.resize(end + room, 0);
        let (is_done, read, written) = if fatal {
            let (result, read, written) =
                decoder.decode_to_utf16_without_replacement(bytes, &mut text[end..], is_last);
            if matches!(result, DecoderResult::Malformed(..)) {
                return Err(Refused::Malformed);
            }
            (result == DecoderResult::InputEmpty, read, written)
        } else {
            let (result, read, written, _) =
                decoder.decode_to_utf16(bytes, &mut text[end..], is_last);
            (result == CoderResult::InputEmpty, read, written)
        };
        text.truncate(end + written);
        if is_done {
            return Ok(text);
        }
        bytes = &bytes[read..];
    }
}

/// How many bytes at the end are the beginning of a character that the next part may complete.
fn incomplete(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    if encoding == UTF_8 {
        return (1..=bytes.len().min(3))
            .find(|kept| {
                let end = &bytes[bytes.len() - kept..];
                let is_start = matches!(end[0], 0xc2..=0xf4);
                is_start && std::str::from_utf8(end).is_err_and(|e| e.error_len().is_none())
            })
            .unwrap_or(0);
    }
    let odd = bytes.len() % 2;
    let units = &bytes[..bytes.len() - odd];
    let Some(last) = units.last_chunk::<2>() else { return odd };
    let unit =
        if encoding == UTF_16LE { u16::from_le_bytes(*last) } else { u16::from_be_bytes(*last) };
    if (0xd800..0xdc00).contains(&unit) { odd + 2 } else { odd }
}

/// Decoders of the old encodings of East Asia, between the parts of a stream. A plugin that
/// begins streams and leaves them makes the oldest be given up.
#[derive(Default)]
pub(super) struct Decoders {
    last_id: u32,
    kept: VecDeque<(u32, encoding_rs::Decoder)>,
}

impl Decoders {
    const KEPT: usize = 64;

    fn keep(&mut self, decoder: encoding_rs::Decoder) -> u32 {
        self.last_id = (self.last_id + 1) % HAS_BEGUN;
        self.last_id = self.last_id.max(1);
        if self.kept.len() == Self::KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((self.last_id, decoder));
        self.last_id
    }

    fn take(&mut self, id: u32) -> Option<encoding_rs::Decoder> {
        let at = self.kept.iter().position(|(other, _)| *other == id)?;
        self.kept.remove(at).map(|(_, decoder)| decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_what_it_was_after_its_way_through_a_number() {
        let bytes = Stream {
            has_begun: true,
            pending: [0xf0, 0x9f, 0x92],
            pending_length: 3,
            ..Stream::default()
        };
        let decoder = Stream { decoder: 7, ..Stream::default() };
        for stream in [Stream::default(), bytes, decoder] {
            assert_eq!(Stream::unpack(stream.pack()), stream);
        }
    }

    #[test]
    fn only_what_can_become_a_character_is_kept() {
        for (bytes, kept) in [
            (&b"a"[..], 0),
            (b"a\xf0", 1),
            (b"\xf0\x9f", 2),
            (b"\xf0\x9f\x92", 3),
            (b"\xf0\x9f\x92\xa9", 0),
            (b"\xff", 0),
            (b"\xe0\x80", 0),
            (b"\x80\x80\x80", 0),
        ] {
            assert_eq!(incomplete(UTF_8, bytes), kept, "{bytes:x?}");
        }
        assert_eq!(incomplete(UTF_16LE, &[0x3d, 0xd8, 0x01]), 3);
        assert_eq!(incomplete(UTF_16BE, &[0x00, 0x41, 0xd8]), 1);
    }

    #[test]
    fn the_oldest_decoder_is_given_up() {
        let mut decoders = Decoders::default();
        let new = || encoding_rs::GBK.new_decoder_without_bom_handling();
        let first = decoders.keep(new());
        let second = decoders.keep(new());
        for _ in 1..Decoders::KEPT {
            decoders.keep(new());
        }
        assert!(decoders.take(first).is_none());
        assert!(decoders.take(second).is_some());
    }
}
