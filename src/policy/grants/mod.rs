//! What is granted with particulars: directories, origins, programs, a store.
//!
//! Each grant is checked when a plugin is built, and enforced in [`host`](crate::host).

mod commands;
mod files;
mod network;
mod storage;

pub use commands::{ArgumentPattern, CommandGrant};
pub use files::{FileAccess, FileRoot};
pub use network::{NetworkGrant, Origin};
pub use storage::StorageGrant;
