//! `Sink`: what is made of a value while it is read, in the order in which it is.
//!
//! One walk and one tape are for all of them; each is compiled for each sink, so that a tree is put
//! together as if there were nothing else.

use std::marker::PhantomData;

use indexmap::IndexMap;
use serde_json::{Map, Number};

use super::Scope;
use crate::host::Data;
use crate::protocol::Value;

/// Takes a value piece by piece.
pub(in crate::isolate) trait Sink: Default {
    /// A value that is complete: the tree, or nothing where it has been written.
    type Value;
    /// An array of which items are still to come.
    type Items;
    /// An object of which members are still to come.
    type Members;
    /// The name of the member that comes next.
    type Key;

    /// What bytes become; `None` if they are to be an array of numbers.
    const BYTES: Option<fn(Vec<u8>) -> Self::Value>;

    /// This, with what it has made, and one for the next value in its place.
    fn renew(&mut self) -> Self {
        std::mem::take(self)
    }

    /// The text of a string, which is given to [`string`](Self::string) or [`key`](Self::key) next.
    fn read(&mut self, scope: &mut Scope<'_, '_>, string: v8::Local<'_, v8::String>) -> String;

    fn null(&mut self) -> Self::Value;
    fn bool(&mut self, bool: bool) -> Self::Value;
    fn number(&mut self, number: Number) -> Self::Value;
    fn string(&mut self, string: String) -> Self::Value;
    fn begin_array(&mut self, length: usize) -> Self::Items;
    fn item(&mut self, items: &mut Self::Items, item: Self::Value);
    fn end_array(&mut self, items: Self::Items) -> Self::Value;
    /// Begins an object that perhaps has so many members.
    fn begin_object(&mut self, foreseen: usize) -> Self::Members;
    fn key(&mut self, name: String) -> Self::Key;
    fn member(&mut self, members: &mut Self::Members, key: Self::Key, value: Self::Value);
    fn end_object(&mut self, members: Self::Members) -> Self::Value;
}

/// Puts a tree together.
pub(in crate::isolate) struct Trees<V>(PhantomData<V>);

impl<V> Default for Trees<V> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// `$tree` has serde_json's variants, its members in a `$map`, and bytes if `$bytes` says how.
macro_rules! trees {
    ($tree:ident, $map:ident, $bytes:expr) => {
        impl Sink for Trees<$tree> {
            type Value = $tree;
            type Items = Vec<$tree>;
            type Members = $map<String, $tree>;
            type Key = String;

            const BYTES: Option<fn(Vec<u8>) -> $tree> = $bytes;

            fn read(
                &mut self,
                scope: &mut Scope<'_, '_>,
                string: v8::Local<'_, v8::String>,
            ) -> String {
                string.to_rust_string_lossy(scope)
            }

            fn null(&mut self) -> $tree {
                $tree::Null
            }

            fn bool(&mut self, bool: bool) -> $tree {
                $tree::Bool(bool)
            }

            fn number(&mut self, number: Number) -> $tree {
                $tree::Number(number)
            }

            fn string(&mut self, string: String) -> $tree {
                $tree::String(string)
            }

            fn begin_array(&mut self, length: usize) -> Self::Items {
                Vec::with_capacity(length)
            }

            fn item(&mut self, items: &mut Self::Items, item: $tree) {
                items.push(item);
            }

            fn end_array(&mut self, items: Self::Items) -> $tree {
                $tree::Array(items)
            }

            fn begin_object(&mut self, foreseen: usize) -> Self::Members {
                $map::with_capacity(foreseen)
            }

            fn key(&mut self, name: String) -> String {
                name
            }

            fn member(&mut self, members: &mut Self::Members, key: String, value: $tree) {
                members.insert(key, value);
            }

            fn end_object(&mut self, members: Self::Members) -> $tree {
                $tree::Object(members)
            }
        }
    };
}

trees!(Value, Map, None);
trees!(Data, IndexMap, Some(Data::Bytes));
