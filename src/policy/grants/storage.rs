//! `StorageGrant`: a key-value store of a plugin's own.

use std::path::PathBuf;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::schema;

/// A key-value store of the plugin's own.
///
/// All workers of a plugin in this process have the same store; a store that another process
/// has open is a [`PluginError::Io`](crate::PluginError::Io) when the plugin is built, and so is
/// one that is damaged, which is left as it is. The plugin's id must then have at most 200 bytes,
/// where all but `a-z`, `0-9`, `_`, `-` and `.` count three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StorageGrant {
    /// The directory for the stores of all plugins, each in a file named after the plugin; made
    /// if it does not exist. In a config file, a relative one is below the directory of that
    /// file. Default none: the store is in memory, and lasts as long as the plugin's worker.
    pub directory: Option<PathBuf>,

    /// Per plugin: the bytes of all keys, as UTF-8, and values, as JSON text, together. Default
    /// 4 MiB. Hit: a `RangeError` with the code `E_QUOTA`; nothing is changed. The file, or the
    /// memory, that a store takes is up to about four times this, and 2 MiB.
    #[schemars(with = "schema::Size")]
    pub size: ByteSize,

    /// Per plugin: how many keys there may be. Default 10,000. Hit: as [`size`](Self::size).
    pub keys: u32,
}

impl Default for StorageGrant {
    fn default() -> Self {
        Self { directory: None, size: ByteSize::mib(4), keys: 10_000 }
    }
}

impl StorageGrant {
    /// Whether this grants nothing that `other` does not.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.directory == other.directory && self.size <= other.size && self.keys <= other.keys
    }
}
