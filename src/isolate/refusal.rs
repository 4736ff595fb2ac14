//! `Refusal`: why a value cannot be carried, and where in it.

use super::Failure;
use crate::protocol::{PluginError, Value};
use crate::watchdog::Slot;

/// Why a walk stopped, with the way back to the root.
pub(super) enum Refusal {
    /// Cannot be carried; the steps are innermost first.
    Unfit {
        reason: String,
        steps: Vec<Step>,
    },
    TooLarge(String),
    Failure(Failure),
}

pub(super) enum Step {
    Key(String),
    Index(u32),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Refusal {
    pub(super) fn unfit(reason: impl Into<String>) -> Self {
        Self::Unfit { reason: reason.into(), steps: Vec::new() }
    }

    pub(super) fn under(mut self, step: impl FnOnce() -> Step) -> Self {
        if let Self::Unfit { steps, .. } = &mut self {
            steps.push(step());
        }
        self
    }

    pub(super) fn into_failure(self, slot: &Slot) -> Failure {
        match self {
            Self::Unfit { reason, steps } => {
                PluginError::NotSerializable { path: path(&steps), reason }.into()
            }
            Self::TooLarge(limit) => PluginError::TooLarge { what: "the result", limit }.into(),
            // A stop is reported with its own cause; what failed because of it does not matter.
            Self::Failure(_) if slot.stopped().is_some() => Failure::Thrown,
            Self::Failure(failure) => failure,
        }
    }
}

/// `$.items[3].id`, from the innermost step to the outermost.
fn path(steps: &[Step]) -> String {
    let mut path = String::from("$");
    for step in steps.iter().rev() {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(key) if is_identifier(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Key(key) => path.push_str(&format!("[{}]", Value::from(key.as_str()))),
        }
    }
    path
}

fn is_identifier(key: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    !key.is_empty() && key.chars().all(word) && !key.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_quote_what_is_no_identifier() {
        let steps = [Step::Key("a b".into()), Step::Index(3), Step::Key("items".into())];
        assert_eq!(path(&steps), "$.items[3][\"a b\"]");
    }
}
