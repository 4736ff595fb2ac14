//! What is measured of a peer, as it goes from a child process to the report.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Of one peer in one run; `None` where its shape does not allow the thing. Times in
/// microseconds, so that the JSON reads without a key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// From nothing to the first answer.
    pub(crate) start_us: Option<f64>,
    /// One call after the other.
    pub(crate) integer_us: Option<f64>,
    pub(crate) object_us: Option<f64>,
    pub(crate) table_us: Option<f64>,
    /// A call of the object, of 64 that are under way together.
    pub(crate) pipelined_us: Option<f64>,
    /// Resident memory that one of 50 idle workers adds.
    pub(crate) memory_kib: Option<f64>,
    /// How long after its deadline of 50 ms an endless loop was over.
    pub(crate) stop_us: Option<f64>,
}

impl Figures {
    fn fields(&self) -> [Option<f64>; 7] {
        [
            self.start_us,
            self.integer_us,
            self.object_us,
            self.table_us,
            self.pipelined_us,
            self.memory_kib,
            self.stop_us,
        ]
    }

    /// Field by field, the median over the rounds.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let field = |index: usize| {
            let mut values: Vec<f64> =
                rounds.iter().filter_map(|round| round.fields()[index]).collect();
            median(&mut values)
        };
        Self {
            start_us: field(0),
            integer_us: field(1),
            object_us: field(2),
            table_us: field(3),
            pipelined_us: field(4),
            memory_kib: field(5),
            stop_us: field(6),
        }
    }
}

/// The middle one; of two, the lower.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
