//! URLs and form-encoded queries, as their standard has them: the parser is Servo's.

use url::{Position, Url, form_urlencoded, quirks};

use crate::isolate::realm;

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Arguments<'s> = v8::FunctionCallbackArguments<'s>;

/// The longest URL, in bytes. The scripts limit what they are given to a quarter of this; escapes
/// make it longer.
const MAX_LENGTH: usize = 1 << 22;

/// `parseUrl(text, base)`: the parts of a URL, or `undefined` if it is none. Without a base,
/// `base` is `undefined`.
pub(super) fn parse(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let text = arguments.get(0).to_rust_string_lossy(scope);
    let base = arguments.get(1);
    let url = if base.is_undefined() {
        Url::parse(&text)
    } else {
        let base = base.to_rust_string_lossy(scope);
        Url::parse(&base).and_then(|base| join(&base, &text))
    };
    if let Ok(url) = url {
        answer_parts(scope, &url, &mut answer);
    }
}

/// `changeUrl(href, place, value)`: the parts of a URL after its part at `place` was set, or
/// `undefined` if that changes nothing.
pub(super) fn change(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let href = arguments.get(0).to_rust_string_lossy(scope);
    let Ok(mut url) = Url::parse(&href) else { return };
    let value = arguments.get(2).to_rust_string_lossy(scope);
    let place = arguments.get(1).uint32_value(scope);
    let changed = match place {
        Some(2) => quirks::set_protocol(&mut url, &value),
        Some(3) => quirks::set_username(&mut url, &value),
        Some(4) => quirks::set_password(&mut url, &value),
        Some(5) => quirks::set_host(&mut url, &value),
        Some(6) => quirks::set_hostname(&mut url, &value),
        Some(7) => quirks::set_port(&mut url, &value),
        Some(8) => {
            set_pathname(&mut url, &value);
            Ok(())
        }
        Some(9) => {
            quirks::set_search(&mut url, &value);
            Ok(())
        }
        Some(10) => {
            quirks::set_hash(&mut url, &value);
            Ok(())
        }
        Some(11) => {
            url.set_query(Some(value.as_str()).filter(|query| !query.is_empty()));
            Ok(())
        }
        _ => Err(()),
    };
    if changed.is_ok() && url.as_str() != href {
        answer_parts(scope, &url, &mut answer);
    }
}

fn answer_parts(scope: &Scope<'_, '_>, url: &Url, answer: &mut v8::ReturnValue<'_>) {
    let length = url.as_str().len();
    if length > MAX_LENGTH {
        let message = format!(
            "plugin-sandbox: the length of a URL exceeds the limit of {MAX_LENGTH} (got {length})"
        );
        return realm::throw_range_error(scope, &message);
    }
    let origin = origin(url);
    let parts = [
        quirks::href(url),
        &origin,
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ];
    answer_strings(scope, parts.into_iter(), answer);
}

/// `text` as it is meant where `base` is. The crate refuses three slashes where the base has a host,
/// though they mean no more than two.
fn join(base: &Url, text: &str) -> Result<Url, url::ParseError> {
    let has_host = matches!(base.scheme(), "http" | "https" | "ws" | "wss" | "ftp");
    let begin = text.trim_start_matches(|c: char| c <= ' ').replace(['\t', '\n', '\r'], "");
    let slashes = begin.bytes().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    if has_host && slashes > 2 {
        return Url::parse(&format!("{}:{begin}", base.scheme()));
    }
    base.join(text)
}

/// Sets the path. Where there is no host, the crate would write a path that begins with two
/// slashes as if it began with one.
fn set_pathname(url: &mut Url, value: &str) {
    let has_host = url.has_authority();
    let path = url[..Position::BeforePath].len();
    quirks::set_pathname(url, value);
    if has_host || url.cannot_be_a_base() {
        return;
    }
    let rest = &url.as_str()[path..];
    let dot = if rest.starts_with("//") { "/." } else { "" };
    if let Ok(mended) = Url::parse(&format!("{}:{dot}{rest}", url.scheme())) {
        *url = mended;
    }
}

/// Where a URL comes from. Of what is in a `blob:`, only two kinds are told.
fn origin(url: &Url) -> String {
    let is_known = |url: &Url| matches!(url.scheme(), "http" | "https");
    if url.scheme() == "blob" && !Url::parse(url.path()).is_ok_and(|inner| is_known(&inner)) {
        return "null".to_owned();
    }
    quirks::origin(url)
}

/// `parseForm(query)`: names and values in turn.
pub(super) fn parse_form(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let query = arguments.get(0).to_rust_string_lossy(scope);
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let texts = pairs.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]);
    answer_strings(scope, texts, &mut answer);
}

/// `encodeForm(text)`: a name or a value as it is written in a query.
pub(super) fn encode_form(
    scope: &mut Scope<'_, '_>,
    arguments: Arguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let text = arguments.get(0).to_rust_string_lossy(scope);
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    if let Some(encoded) = v8::String::new(scope, &encoded) {
        answer.set(encoded.into());
    }
}

fn answer_strings<'a>(
    scope: &Scope<'_, '_>,
    texts: impl Iterator<Item = &'a str>,
    answer: &mut v8::ReturnValue<'_>,
) {
    let strings: Option<Vec<v8::Local<'_, v8::Value>>> =
        texts.map(|text| v8::String::new(scope, text).map(Into::into)).collect();
    if let Some(strings) = strings {
        answer.set(v8::Array::new_with_elements(scope, &strings).into());
    }
}
