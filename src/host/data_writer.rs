//! Any `Serialize` as [`Data`].

use indexmap::IndexMap;
use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Number};

use super::data::Data;

/// `value` as data; the same as its JSON, but for bytes, which stay bytes.
///
/// # Errors
///
/// What `value` itself answers, and keys of maps that JSON does not have.
pub(super) fn to_data(value: &impl Serialize) -> Result<Data, Error> {
    value.serialize(Writer)
}

struct Writer;

/// The rest of what serde asks for, where each is the same as another.
macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {$(
        fn $name(self, number: $type) -> Result<Data, Error> {
            Ok(Data::Number(number.into()))
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Data;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_bool(self, bool: bool) -> Result<Data, Error> {
        Ok(Data::Bool(bool))
    }

    fn serialize_f32(self, number: f32) -> Result<Data, Error> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<Data, Error> {
        Ok(Number::from_f64(number).map_or(Data::Null, Data::Number))
    }

    fn serialize_char(self, char: char) -> Result<Data, Error> {
        Ok(Data::String(char.into()))
    }

    fn serialize_str(self, string: &str) -> Result<Data, Error> {
        Ok(Data::String(string.to_owned()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Data, Error> {
        Ok(Data::Bytes(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<Data, Error> {
        Ok(Data::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Data, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Data, Error> {
        Ok(Data::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Data, Error> {
        Ok(Data::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Data, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Data, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Data, Error> {
        Ok(tagged(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Error> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Error> {
        Ok(Items::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Error> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, Error> {
        Ok(Items { tag: Some(variant), items: Vec::new() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Error> {
        Ok(Members::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Error> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members, Error> {
        Ok(Members { tag: Some(variant), ..Members::default() })
    }
}

fn tagged(variant: &'static str, content: Data) -> Data {
    Data::Object(IndexMap::from([(variant.to_owned(), content)]))
}

/// An array in the making; of an enum's variant if there is a tag.
#[derive(Default)]
struct Items {
    tag: Option<&'static str>,
    items: Vec<Data>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(Writer)?);
        Ok(())
    }

    fn finish(self) -> Result<Data, Error> {
        let array = Data::Array(self.items);
        Ok(match self.tag {
            Some(tag) => tagged(tag, array),
            None => array,
        })
    }
}

macro_rules! items {
    ($($trait:ident: $method:ident),*) => {$(
        impl $trait for Items {
            type Ok = Data;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Data, Error> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

/// An object in the making; of an enum's variant if there is a tag.
#[derive(Default)]
struct Members {
    tag: Option<&'static str>,
    key: Option<String>,
    members: IndexMap<String, Data>,
}

impl Members {
    fn finish(self) -> Result<Data, Error> {
        let object = Data::Object(self.members);
        Ok(match self.tag {
            Some(tag) => tagged(tag, object),
            None => object,
        })
    }
}

impl SerializeMap for Members {
    type Ok = Data;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(match key.serialize(Writer)? {
            Data::String(key) => key,
            Data::Number(key) => key.to_string(),
            Data::Bool(key) => key.to_string(),
            _ => return Err(Error::custom("a key must be a string")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error::custom("a value without a key"))?;
        self.members.insert(key, value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<Data, Error> {
        self.finish()
    }
}

macro_rules! members {
    ($($trait:ident),*) => {$(
        impl $trait for Members {
            type Ok = Data;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.members.insert(name.to_owned(), value.serialize(Writer)?);
                Ok(())
            }

            fn end(self) -> Result<Data, Error> {
                self.finish()
            }
        }
    )*};
}

members!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Value;
    use serde_bytes::ByteBuf;
    use std::collections::HashMap;

    #[derive(serde::Serialize)]
    enum Shape {
        Point,
        Circle(f32),
        Line(u8, Option<i64>),
        Box { size: (), label: &'static str },
    }

    #[test]
    fn types_are_written_as_json_has_them() {
        let shapes = [
            Shape::Point,
            Shape::Circle(f32::NAN),
            Shape::Line(1, Some(i64::MIN)),
            Shape::Box { size: (), label: "é" },
        ];
        let value = (shapes, HashMap::from([(7_u8, 'x')]), [1.5, 2.0], HashMap::from([(true, 1)]));
        let written = to_data(&value).unwrap();
        let json: Value = serde_json::to_value(&value).unwrap();
        assert_eq!(serde_json::to_value(&written).unwrap(), json);
        assert_eq!(written, Data::from(json));
    }

    #[test]
    fn bytes_stay_bytes() {
        let written = to_data(&Some(vec![ByteBuf::from([1, 2])])).unwrap();
        assert_eq!(written, Data::Array(vec![Data::Bytes(vec![1, 2])]));
        assert!(written.has_bytes());
    }

    #[test]
    fn a_key_that_json_does_not_have_is_an_error() {
        assert!(to_data(&HashMap::from([((1, 2), 3)])).is_err());
    }
}
