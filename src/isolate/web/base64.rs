//! Base64, as `atob` and `btoa` have it. `undefined` stands for what cannot be done.

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Arguments<'s> = v8::FunctionCallbackArguments<'s>;

/// `decodeBase64(text)`: the bytes as a string, one a character.
pub(super) fn decode(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Some(text) = bytes_of(scope, arguments.get(0)) else { return };
    let Ok(decoded) = base64_simd::forgiving_decode_to_vec(&text) else { return };
    answer_bytes(scope, &decoded, &mut answer);
}

/// `encodeBase64(text)`: of a string whose characters are bytes.
pub(super) fn encode(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let Some(bytes) = bytes_of(scope, arguments.get(0)) else { return };
    let encoded = base64_simd::STANDARD.encode_to_string(&bytes);
    answer_bytes(scope, encoded.as_bytes(), &mut answer);
}

/// The characters of a string as bytes, if they all are.
fn bytes_of(scope: &Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Vec<u8>> {
    let string = v8::Local::<v8::String>::try_from(value).ok()?;
    if !string.contains_only_onebyte() {
        return None;
    }
    let mut bytes = vec![0; string.length()];
    string.write_one_byte_v2(scope, 0, &mut bytes, v8::WriteFlags::empty());
    Some(bytes)
}

fn answer_bytes(scope: &Scope<'_, '_>, bytes: &[u8], answer: &mut v8::ReturnValue<'_>) {
    let string = v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Normal);
    if let Some(string) = string {
        answer.set(string.into());
    }
}
