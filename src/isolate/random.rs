//! Random numbers: `Math.random` and `crypto`, from the source that the host says.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::failure::{Failure, OrThrown as _};
use super::realm;
use super::state::State;
use crate::policy::{Capability, Randomness};

/// The most bytes that one call of `crypto.getRandomValues` fills, as the Web Cryptography API
/// says.
const MAX_BYTES: usize = 65_536;

/// Where a plugin's random numbers come from.
pub(super) enum RandomSource {
    System,
    /// A stream that is the same on every machine and in every version.
    Seeded(Box<ChaCha8Rng>),
}

impl RandomSource {
    pub(super) fn new(randomness: Randomness) -> Self {
        match randomness {
            Randomness::Seeded(seed) => Self::Seeded(Box::new(ChaCha8Rng::seed_from_u64(seed))),
            Randomness::System | Randomness::None => Self::System,
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        match self {
            Self::System => getrandom::fill(bytes),
            Self::Seeded(stream) => {
                stream.fill_bytes(bytes);
                Ok(())
            }
        }
    }
}

/// Makes `Math.random` what the host says, and defines `crypto` if it is granted.
pub(super) fn define(
    scope: &v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Result<(), Failure> {
    let state = State::of(scope);
    let capabilities = state.capabilities.borrow();
    let math = realm::namespace(scope, global, "Math")?;
    match capabilities.randomness {
        Randomness::System => {}
        Randomness::Seeded(_) => realm::define_function(scope, math, "random", 0, random)?,
        Randomness::None => {
            let name = v8::String::new(scope, "random").or_thrown()?;
            math.delete(scope, name.into()).or_thrown()?;
        }
    }
    if capabilities.has(Capability::Random) {
        let crypto = v8::Object::new(scope);
        realm::define_function(scope, crypto, "getRandomValues", 1, get_random_values)?;
        realm::define_function(scope, crypto, "randomUUID", 0, random_uuid)?;
        realm::define(scope, global, "crypto", crypto.into())?;
    }
    Ok(())
}

/// Fills `bytes`, or throws.
fn fill(scope: &v8::PinScope<'_, '_>, bytes: &mut [u8]) -> bool {
    let filled = State::of(scope).random.borrow_mut().fill(bytes);
    if let Err(error) = &filled {
        realm::throw_type_error(scope, &format!("the system has no random numbers: {error}"));
    }
    filled.is_ok()
}

/// `Math.random()`: the upper 53 bits of 64, as V8 does.
fn random(
    scope: &mut v8::PinScope<'_, '_>,
    _: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let mut bytes = [0; 8];
    if fill(scope, &mut bytes) {
        answer.set_double((u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64);
    }
}

/// `crypto.getRandomValues(array)`: fills a typed array of integers, and answers it.
fn get_random_values(
    scope: &mut v8::PinScope<'_, '_>,
    arguments: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let given = arguments.get(0);
    let is_float = given.is_float16_array() || given.is_float32_array() || given.is_float64_array();
    let array = v8::Local::<v8::TypedArray>::try_from(given).ok().filter(|_| !is_float);
    let Some(array) = array else {
        let message = "crypto.getRandomValues: the argument is no typed array of integers";
        return realm::throw_type_error(scope, message);
    };
    let (length, offset) = (array.byte_length(), array.byte_offset());
    if length > MAX_BYTES {
        let message = format!("crypto.getRandomValues: {length} bytes, at most {MAX_BYTES}");
        return realm::throw_range_error(scope, &message);
    }
    let mut bytes = vec![0; length];
    if !fill(scope, &mut bytes) {
        return;
    }
    if let Some(buffer) = array.buffer(scope) {
        let store = buffer.get_backing_store();
        // Cells, as shared memory may change under us.
        for (cell, byte) in store.iter().skip(offset).zip(&bytes) {
            cell.set(*byte);
        }
    }
    answer.set(given);
}

/// `crypto.randomUUID()`: version 4 of RFC 9562.
fn random_uuid(
    scope: &mut v8::PinScope<'_, '_>,
    _: v8::FunctionCallbackArguments<'_>,
    mut answer: v8::ReturnValue<'_>,
) {
    let mut bytes = [0; 16];
    if !fill(scope, &mut bytes) {
        return;
    }
    let bits = u128::from_be_bytes(bytes);
    let bits = bits & !(0xf << 76) | (4 << 76);
    let bits = bits & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    if let Some(uuid) = v8::String::new(scope, &parts.join("-")) {
        answer.set(uuid.into());
    }
}
