//! `SandboxConfig`: all that a host decides, as a file.
//!
//! | module | what it owns |
//! |---|---|
//! | `sandbox_config` | the data itself, and the check of all of it together |
//! | `preset` | the names of the presets |
//! | `document` | one file: its text as data, and where in it everything stands |
//! | `toml_file`, `json_file` | the same for each format |
//! | `layers`, `merged` | what is read from several places, one above the other |
//! | `layered` | the outcome, with the origin of every value |

mod document;
mod json_file;
mod layered;
mod layers;
mod merged;
mod preset;
mod sandbox_config;
mod toml_file;

pub use document::ConfigFormat;
pub use layered::{ConfigOrigin, LayeredConfig};
pub use layers::ConfigLayers;
pub use preset::Preset;
pub use sandbox_config::SandboxConfig;
