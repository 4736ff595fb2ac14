//! "Did you mean": the word that somebody had in mind.

/// How alike a word must be to one we know, to be taken for a slip.
const ALIKE: f64 = 0.75;

/// The one of `known` that is so like `word` that it was probably meant.
pub(super) fn meant<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let alike = |name: &str| strsim::jaro_winkler(name, word);
    known
        .into_iter()
        .filter(|name| alike(name) > ALIKE)
        .max_by(|one, other| alike(one).total_cmp(&alike(other)))
}

/// What serde says of a wrong key or word, with what was meant, if that can be told.
///
/// It names the wrong one first and then what there is, each between backticks.
pub(super) fn say_what_was_meant(message: &str) -> String {
    let message = &printable(message);
    let quoted: Vec<_> = message.split('`').skip(1).step_by(2).collect();
    let Some((wrong, known)) = quoted.split_first() else { return explained(message) };
    let kind = match message.split(" `").next() {
        Some("unknown field") => "key",
        Some("unknown variant") => "value",
        _ => return explained(message),
    };
    let mut known = known.to_vec();
    known.sort_unstable();
    match meant(wrong, known.iter().copied()) {
        Some(meant) => format!("unknown {kind} `{wrong}`; did you mean `{meant}`?"),
        None if known.is_empty() => format!("unknown {kind} `{wrong}`; there are none"),
        None => format!("unknown {kind} `{wrong}`; there are: {}", known.join(", ")),
    }
}

/// `text` without what plays with a terminal: a plugin's author chooses the keys of a manifest.
fn printable(text: &str) -> String {
    let escaped = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// What serde says of a value of the wrong kind, with how to write a right one.
fn explained(message: &str) -> String {
    let example = [
        ("expected a duration", "\"500ms\" or \"1m 30s\""),
        ("expected an integer or string", "\"64MiB\" or a number of bytes"),
        ("expected parsable string", "\"64MiB\" or a number of bytes"),
        ("expected a timestamp", "\"2026-01-31T12:00:00Z\""),
    ];
    match example.iter().find(|(said, _)| message.contains(said)) {
        Some((_, example)) => format!("{message}; write it as {example}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        assert_eq!(meant("waltime", ["heap", "wall_time", "queue_time"]), Some("wall_time"));
        assert_eq!(meant("zebra", ["heap", "wall_time"]), None);
        let said = say_what_was_meant("unknown field `heep`, expected one of `wall_time`, `heap`");
        assert_eq!(said, "unknown key `heep`; did you mean `heap`?");
        let said = say_what_was_meant("unknown variant `x`, expected `full` or `off`");
        assert_eq!(said, "unknown value `x`; there are: full, off");
        let said = say_what_was_meant("unknown field `\u{1b}[2J`, there are no fields");
        assert_eq!(said, "unknown key `\\u{1b}[2J`; there are none");
        let said = say_what_was_meant("missing field `path`");
        assert_eq!(said, "missing field `path`");
    }
}
