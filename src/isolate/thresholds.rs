//! Where one way of converting a value begins to be faster than another, as measured
//! (`cargo bench --bench call`, `benches/ratios.rs`). None is a limit: whatever they are, the same
//! comes out.

/// How many scalars an argument that is an array may have to be built item by item. Beyond it, and
/// for objects of any size, V8's parser is faster than its API, which looks for the hidden class
/// anew at each member.
pub(super) const DIRECT_ITEMS: usize = 8;

/// How long an argument's text may be before its memory grows.
pub(super) const ARGUMENT_TEXT: usize = 512;

/// How many bytes of results a plugin gives before the tape's script is made for it. Until V8 has
/// compiled it, it is slower than the walk; a plugin that is called a few times never needs it.
pub(super) const TAPE_FROM: u64 = 16 << 10;

/// How many pieces the tape hands over in one call, and their number.
pub(super) const TAPE_LENGTH: usize = 64;

/// For how many members room is made beforehand, at most, if the object before had as many.
pub(super) const FORESEEN_MEMBERS: usize = 32;

/// How many handles may pile up in one handle scope while an array is walked.
pub(super) const HANDLES: u32 = 128;
