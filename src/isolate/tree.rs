//! `Tree`: JSON as data, with bytes in it or without.

use indexmap::IndexMap;
use serde_json::{Map, Number};

use crate::host::Data;
use crate::protocol::Value;

/// What a value of V8's becomes, and is made of.
pub(super) trait Tree: Sized {
    /// The members of an object.
    type Members: Default;

    fn null() -> Self;
    fn bool(bool: bool) -> Self;
    fn number(number: Number) -> Self;
    fn string(string: String) -> Self;
    fn array(items: Vec<Self>) -> Self;
    fn object(members: Self::Members) -> Self;
    fn insert(members: &mut Self::Members, name: String, value: Self);
    /// Bytes; `None` if they are to be an array of numbers.
    fn bytes(read: impl FnOnce() -> Vec<u8>) -> Option<Self>;
}

/// `$tree` has serde_json's variants, its members in a `$map`, and bytes if `$bytes` says how.
macro_rules! tree {
    ($tree:ident, $map:ident, $bytes:expr) => {
        impl Tree for $tree {
            type Members = $map<String, Self>;

            fn null() -> Self {
                Self::Null
            }

            fn bool(bool: bool) -> Self {
                Self::Bool(bool)
            }

            fn number(number: Number) -> Self {
                Self::Number(number)
            }

            fn string(string: String) -> Self {
                Self::String(string)
            }

            fn array(items: Vec<Self>) -> Self {
                Self::Array(items)
            }

            fn object(members: Self::Members) -> Self {
                Self::Object(members)
            }

            fn insert(members: &mut Self::Members, name: String, value: Self) {
                members.insert(name, value);
            }

            fn bytes(read: impl FnOnce() -> Vec<u8>) -> Option<Self> {
                let bytes: Option<fn(Vec<u8>) -> Self> = $bytes;
                bytes.map(|bytes| bytes(read()))
            }
        }
    };
}

tree!(Value, Map, None);
tree!(Data, IndexMap, Some(Self::Bytes));
