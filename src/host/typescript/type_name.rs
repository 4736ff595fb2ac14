//! Rust types by the names that the compiler gives them, as TypeScript.
//!
//! The standard library's are known; any other is `unknown`, since its name says nothing of what
//! it is made of.

use super::schema::Written;

/// The type of this name: `alloc::vec::Vec<core::option::Option<u32>>`.
pub(super) fn write(name: &str) -> Written {
    let name = name.trim();
    match name {
        "()" => return Written::Nothing,
        "bool" => return Written::one("boolean"),
        "alloc::string::String" | "&str" | "char" => return Written::one("string"),
        "serde_json::value::Value" => return Written::one("any"),
        "serde_bytes::bytebuf::ByteBuf" => return Written::one("Uint8Array"),
        _ => {}
    }
    if is_number(name) {
        return Written::one("number");
    }
    if let Some(types) = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return Written::Tuple(
            split(types).into_iter().map(|one| write(one).into_type()).collect(),
        );
    }
    if let Some(item) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let item = item.split(';').next().unwrap_or(item);
        return Written::Type(list_of(&write(item).into_type()));
    }
    let Some((outer, inner)) = name.strip_suffix('>').and_then(|rest| rest.split_once('<')) else {
        return Written::one("unknown");
    };
    let inner = split(inner);
    let of = |index: usize| {
        inner.get(index).map_or_else(|| "unknown".to_owned(), |one| write(one).into_type())
    };
    Written::Type(match outer.rsplit("::").next().unwrap_or(outer) {
        "Option" => format!("{} | null", of(0)),
        "Vec" | "VecDeque" | "HashSet" | "BTreeSet" => list_of(&of(0)),
        "HashMap" | "BTreeMap" => format!("Record<string, {}>", of(1)),
        "Box" | "Arc" | "Rc" | "Cow" => of(0),
        _ => "unknown".to_owned(),
    })
}

/// An array of this type.
pub(super) fn list_of(item: &str) -> String {
    if item.contains(" | ") && !item.starts_with(['{', '[']) {
        format!("({item})[]")
    } else {
        format!("{item}[]")
    }
}

fn is_number(name: &str) -> bool {
    let bits = name.strip_prefix(['i', 'u', 'f']);
    bits.is_some_and(|bits| bits == "size" || matches!(bits, "8" | "16" | "32" | "64" | "128"))
}

/// Types between commas, of which there may be some inside of types.
fn split(types: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in types.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&types[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&types[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn of<T>() -> String {
        write(std::any::type_name::<T>()).into_type()
    }

    #[test]
    fn types_of_the_standard_library_are_known() {
        assert_eq!(of::<String>(), "string");
        assert_eq!(of::<Option<u32>>(), "number | null");
        assert_eq!(of::<Vec<Option<bool>>>(), "(boolean | null)[]");
        assert_eq!(of::<HashMap<String, Vec<f64>>>(), "Record<string, number[]>");
        assert_eq!(of::<(String, (u8, [i64; 2]))>(), "[string, [number, number[]]]");
        assert_eq!(of::<()>(), "null");
        assert_eq!(of::<serde_json::Value>(), "any");
        assert_eq!(of::<Option<serde_bytes::ByteBuf>>(), "Uint8Array | null");
    }

    #[test]
    fn others_are_unknown() {
        struct Mine;
        assert_eq!(of::<Mine>(), "unknown");
        assert_eq!(of::<Vec<Mine>>(), "unknown[]");
    }
}
