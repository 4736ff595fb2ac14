//! The own properties of a guest's object, read without calling anything of the guest's.

use super::Failure;
use super::failure::OrThrown as _;

/// The own enumerable string keys of an object, array indices included, as strings.
pub(super) fn own_string_keys() -> v8::GetPropertyNamesArgs {
    v8::GetPropertyNamesArgsBuilder::new()
        .mode(v8::KeyCollectionMode::OwnOnly)
        .key_conversion(v8::KeyConversionMode::ConvertToString)
        .build()
}

/// All own keys, symbols and what is not enumerable included.
pub(super) fn all_own_keys() -> v8::GetPropertyNamesArgs {
    v8::GetPropertyNamesArgsBuilder::new()
        .mode(v8::KeyCollectionMode::OwnOnly)
        .property_filter(v8::PropertyFilter::ALL_PROPERTIES)
        .key_conversion(v8::KeyConversionMode::ConvertToString)
        .build()
}

/// The value of an own data property; `None` if there is no such property or it is an accessor.
/// Runs no guest code unless `object` is a proxy.
pub(super) fn own_data<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    key: v8::Local<'_, v8::Name>,
) -> Result<Option<v8::Local<'s, v8::Value>>, Failure> {
    if !object.has_own_property(scope, key).or_thrown()? {
        return Ok(None);
    }
    let descriptor = object.get_own_property_descriptor(scope, key).or_thrown()?;
    let Ok(descriptor) = v8::Local::<v8::Object>::try_from(descriptor) else { return Ok(None) };
    let value = v8::String::new(scope, "value").or_thrown()?;
    // The descriptor inherits from the guest's `Object.prototype`.
    if !descriptor.has_own_property(scope, value.into()).or_thrown()? {
        return Ok(None);
    }
    descriptor.get(scope, value.into()).or_thrown().map(Some)
}
