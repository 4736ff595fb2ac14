//! The accounts of the whole process: memory that plugins were admitted with, memory that is
//! resident, threads that were given up; and what is kept of their scripts for the next ones.
//!
//! Knows the policy and the operating system; neither V8 nor workers.

mod accounts;
pub(crate) mod code_cache;
mod resident;
mod trim;

pub(crate) use accounts::{
    Admission, Quarantined, admit, check_quarantined, check_resident, quarantine,
};
pub use accounts::{ProcessStats, process_stats, set_process_limits};
