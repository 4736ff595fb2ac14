//! `Data`: what crosses between a plugin and a host function: JSON, and bytes.

use indexmap::IndexMap;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde::ser::{Serialize, Serializer};
use serde_json::{Error, Number};

use crate::protocol::Value;

/// A JSON value, in which bytes may stand anywhere. They are read and written by whatever serde
/// calls bytes (`serde_bytes::ByteBuf`), and are an array of numbers to everything else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Bytes(Vec<u8>),
    Array(Vec<Data>),
    Object(IndexMap<String, Data>),
}

impl Data {
    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::String(string) => string.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::Array(items) => items.iter().map(Self::size).sum(),
                Self::Object(members) => {
                    members.iter().map(|(name, value)| name.len() + value.size()).sum()
                }
                Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            }
    }

    /// Whether there are bytes anywhere in it.
    pub(crate) fn has_bytes(&self) -> bool {
        match self {
            Self::Bytes(_) => true,
            Self::Array(items) => items.iter().any(Self::has_bytes),
            Self::Object(members) => members.values().any(Self::has_bytes),
            _ => false,
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(bool) => to.serialize_bool(*bool),
            Self::Number(number) => number.serialize(to),
            Self::String(string) => to.serialize_str(string),
            Self::Bytes(bytes) => to.serialize_bytes(bytes),
            Self::Array(items) => to.collect_seq(items),
            Self::Object(members) => to.collect_map(members),
        }
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bool) => Self::Bool(bool),
            Value::Number(number) => Self::Number(number),
            Value::String(string) => Self::String(string),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members.into_iter().map(|(name, value)| (name, Self::from(value))).collect(),
            ),
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for Data {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Data {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(bool) => visitor.visit_bool(bool),
            Self::Number(number) => number.deserialize_any(visitor),
            Self::String(string) => visitor.visit_string(string),
            Self::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            Self::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter());
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Self::Object(members) => {
                let mut members = MapDeserializer::new(members.into_iter());
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (name, content) = match self {
            Self::String(name) => (name, None),
            Self::Object(mut members) if members.len() == 1 => match members.pop() {
                Some((name, content)) => (name, Some(content)),
                None => return Err(serde::de::Error::custom("an empty object")),
            },
            Self::Object(_) => {
                let expected = &"an object with one member, the variant";
                return Err(serde::de::Error::invalid_value(Unexpected::Map, expected));
            }
            other => return other.deserialize_any(visitor),
        };
        visitor.visit_enum(Variant { name, content })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// An enum's variant, tagged from outside as serde does: `"Name"` or `{ "Name": content }`.
struct Variant {
    name: String,
    content: Option<Data>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, Content(self.content)))
    }
}

struct Content(Option<Data>);

impl<'de> VariantAccess<'de> for Content {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Data::Null) => Ok(()),
            Some(_) => Err(serde::de::Error::custom("the variant has no content")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0.unwrap_or(Data::Null))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.unwrap_or(Data::Null).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.unwrap_or(Data::Null).deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;
    use serde_bytes::ByteBuf;
    use serde_json::json;

    fn read<T: DeserializeOwned>(data: impl Into<Data>) -> Result<T, String> {
        T::deserialize(data.into()).map_err(|error| error.to_string())
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Point,
        Circle(f64),
        Line { from: [i8; 2], to: Option<(u8, u8)> },
    }

    #[test]
    fn types_are_read_as_from_json() {
        assert_eq!(read::<Shape>(json!("point")), Ok(Shape::Point));
        assert_eq!(read::<Shape>(json!({ "circle": 2 })), Ok(Shape::Circle(2.0)));
        let line = Shape::Line { from: [-1, 2], to: None };
        assert_eq!(read::<Shape>(json!({ "line": { "from": [-1, 2] } })), Ok(line));
        let value = json!({ "a": [1, -2.5, null, true, "x"] });
        assert_eq!(read::<Value>(value.clone()), Ok(value));
        for wrong in [json!("square"), json!({}), json!({ "circle": "x" }), json!(1), json!(null)] {
            assert!(read::<Shape>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_bytes_to_who_wants_them_and_numbers_to_others() {
        let bytes = || Data::Bytes(vec![1, 255]);
        assert_eq!(read::<ByteBuf>(bytes()), Ok(ByteBuf::from([1, 255])));
        assert_eq!(read::<Vec<u8>>(bytes()), Ok(vec![1, 255]));
        assert_eq!(read::<Value>(bytes()), Ok(json!([1, 255])));
        assert_eq!(read::<ByteBuf>(json!([1, 255])), Ok(ByteBuf::from([1, 255])));
        assert_eq!(read::<Option<ByteBuf>>(bytes()), Ok(Some(ByteBuf::from([1, 255]))));
    }
}
