//! `Limit`: a limit that can be turned off, by name.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, IntoDeserializer as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A limit, or `"off"`.
///
/// In a config file it is the value itself or the word:
///
/// ```
/// # use plugin_sandbox::{ByteSize, Limit, ResourceLimits};
/// let file = "calls_per_second = 100\ncpu_time = 'off'\nconsole_bytes_per_call = '1MiB'";
/// let limits: ResourceLimits = toml::from_str(file).unwrap();
/// assert_eq!(limits.calls_per_second, Limit::At(100));
/// assert_eq!(limits.cpu_time, Limit::Off);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<T> {
    /// Limited to this.
    At(T),
    /// Not limited.
    Off,
}

/// The word that stands for [`Limit::Off`].
const OFF: &str = "off";

impl<T: Copy> Limit<T> {
    /// The limit, if there is one.
    pub fn at(self) -> Option<T> {
        match self {
            Self::At(limit) => Some(limit),
            Self::Off => None,
        }
    }
}

impl<T: Copy + PartialOrd> Limit<T> {
    /// Whether this limits at least as much as `other`.
    pub(super) fn is_within(self, other: Self) -> bool {
        match (self, other) {
            (_, Self::Off) => true,
            (Self::At(this), Self::At(that)) => this <= that,
            (Self::Off, Self::At(_)) => false,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(limit) => limit.fmt(f),
            Self::Off => f.write_str(OFF),
        }
    }
}

impl<T: Serialize> Serialize for Limit<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(limit) => limit.serialize(to),
            Self::Off => to.serialize_str(OFF),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Limit<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct AtOrOff<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for AtOrOff<T> {
            type Value = Limit<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a limit or \"{OFF}\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Limit<T>, E> {
                match text {
                    OFF => Ok(Limit::Off),
                    text => T::deserialize(text.into_deserializer())
                        .map(Limit::At)
                        .map_err(|error: E| E::custom(format_args!("{error}, or \"{OFF}\""))),
                }
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Limit<T>, E> {
                T::deserialize(number.into_deserializer()).map(Limit::At)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Limit<T>, E> {
                T::deserialize(number.into_deserializer()).map(Limit::At)
            }
        }
        from.deserialize_any(AtOrOff(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Limit<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("LimitOf{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let limit = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [limit, { "const": OFF }] })
    }
}

/// For `#[serde(with)]`: a `Limit<Duration>` as people write time.
pub(super) mod time {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Limit;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Written(#[serde(with = "humantime_serde")] Duration);

    pub(crate) fn serialize<S: Serializer>(
        limit: &Limit<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        limit.at().map_or(Limit::Off, |time| Limit::At(Written(time))).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Limit<Duration>, D::Error> {
        Ok(match Limit::deserialize(from)? {
            Limit::At(Written(time)) => Limit::At(time),
            Limit::Off => Limit::Off,
        })
    }
}
