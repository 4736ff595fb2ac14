//! The arguments of a host function, as the type that the function takes.

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::data::Data;
use super::error::HostError;

/// The arguments as they came.
pub(crate) type Arguments = Vec<Data>;

/// The arguments as an `A`: see [`HostFunctions`](super::HostFunctions).
pub(super) fn parse<A: DeserializeOwned>(arguments: Arguments) -> Result<A, HostError> {
    A::deserialize(List(arguments)).map_err(|error| {
        // It may quote an argument, which may be long, and be kept until a promise is settled.
        let mut message = error.to_string();
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        HostError::type_error(message)
    })
}

/// How much is told of why arguments are wrong, in bytes.
const MAX_MESSAGE: usize = 1024;

/// Is the list of arguments to a tuple, and the first argument to any other type.
struct List(Arguments);

impl List {
    fn first(mut self) -> Data {
        if self.0.is_empty() { Data::Null } else { self.0.swap_remove(0) }
    }
}

impl<'de> Deserializer<'de> for List {
    type Error = serde_json::Error;

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.resize(length, Data::Null);
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter()))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.first().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.first().deserialize_option(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.first().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.first().deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.first().deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.first().deserialize_bytes(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        unit_struct seq tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Value;
    use serde_json::json;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Point {
        x: f64,
    }

    #[test]
    fn the_type_says_how_many_arguments_there_are() {
        let all = || vec![json!("a").into(), json!(1).into()];
        assert_eq!(parse::<()>(all()), Ok(()));
        assert_eq!(parse::<String>(all()), Ok("a".into()));
        assert_eq!(parse::<(String, u8)>(all()), Ok(("a".into(), 1)));
        assert_eq!(parse::<(String, u8, Option<bool>)>(all()), Ok(("a".into(), 1, None)));
        assert_eq!(parse::<(String,)>(all()), Ok(("a".into(),)));
        assert_eq!(parse::<Point>(vec![json!({ "x": 1.0 }).into()]), Ok(Point { x: 1.0 }));
        assert_eq!(parse::<Vec<u8>>(vec![json!([1, 2]).into()]), Ok(vec![1, 2]));
        assert_eq!(parse::<Option<u8>>(vec![]), Ok(None));
        assert_eq!(parse::<Value>(all()), Ok(json!("a")));
    }

    #[test]
    fn wrong_arguments_are_a_type_error() {
        assert_eq!(
            parse::<(String, u8)>(vec![json!(1).into()]).unwrap_err().class,
            super::super::error::ErrorClass::TypeError
        );
        assert!(parse::<u8>(vec![]).is_err());
        let long = parse::<u8>(vec![json!("ü".repeat(10_000)).into()]).unwrap_err();
        assert!(long.message.len() <= MAX_MESSAGE);
    }
}
