//! How much plugins may use: each by itself, and all of the process together.
//!
//! | file | what it owns |
//! |---|---|
//! | `resource_limits` | the limits of one plugin, and what each counts |
//! | `presets` | their values for code of unknown origin, by default, and for code of one's own |
//! | `validation` | which values are absurd or contradict each other |
//! | `process_limits` | the limits of the process |

mod presets;
mod process_limits;
mod resource_limits;
mod validation;

pub use process_limits::ProcessLimits;
pub use resource_limits::ResourceLimits;
