//! Places in the files that people write: the line, and what on it is meant.

use std::ops::Range;

use crate::protocol::SourceLine;

/// The line of `text` that a span of bytes begins on, and where on it; `file` is its name.
///
/// Columns count UTF-16 units, as those of scripts do. Of a long line (JSON may be one line) the
/// part around the place is shown.
pub(super) fn place(text: &str, span: Range<usize>, file: &str) -> SourceLine {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    // A span may begin at the end of the line.
    let start = (start - line_start).min(line.len());
    let end = text.floor_char_boundary(span.end).saturating_sub(line_start);
    let end = end.clamp(start, line.len());
    let from = shown_from(line, start);
    let rest = &line[from..];
    let shown = rest.char_indices().nth(SourceLine::MAX_CHARS).map_or(rest, |(at, _)| &rest[..at]);
    let units = |part: &str| part.encode_utf16().count() as u32;
    let column = units(&line[from..start]) + 1;
    let end = end.min(from + shown.len());
    // What is no tab and plays with a terminal; another character keeps the columns.
    let playful = |c: char| c.is_control() && c != '\t';
    SourceLine {
        script: file.to_owned(),
        line: text[..line_start].matches('\n').count() as u32 + 1,
        column,
        end_column: column + units(&line[start..end.max(start)]).max(1),
        text: shown.replace(playful, "\u{fffd}"),
    }
}

/// The first byte of `line` that is shown, if the place at `start` is to be seen.
fn shown_from(line: &str, start: usize) -> usize {
    if line.chars().count() <= SourceLine::MAX_CHARS {
        return 0;
    }
    let before = line[..start].char_indices().rev().take(SourceLine::MAX_CHARS / 2);
    before.last().map_or(start, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Range<usize>) -> (u32, u32, u32, String) {
        let SourceLine { line, column, end_column, text, .. } = place(text, span, "f");
        (line, column, end_column, text)
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        assert_eq!(shown("a\nbéc = 1", 5..6), (2, 3, 4, "béc = 1".into()));
        assert_eq!(shown("", 0..0), (1, 1, 2, String::new()));
        assert_eq!(shown("a\n", 2..2), (2, 1, 2, String::new()));
    }

    #[test]
    fn a_place_at_the_end_of_a_line_of_windows_stays_on_it() {
        assert_eq!(shown("a = \r\nb", 5..6), (1, 5, 6, "a = ".into()));
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let text = format!("{}x{}", "é".repeat(1000), "b".repeat(1000));
        let (line, column, end, shown) = shown(&text, 2000..2001);
        assert_eq!((line, column, end), (1, 121, 122));
        assert_eq!(shown.chars().nth(120), Some('x'));
        assert_eq!(shown.chars().count(), SourceLine::MAX_CHARS);
    }

    #[test]
    fn a_span_over_many_lines_or_beyond_the_text_is_cut() {
        assert_eq!(shown("abc\ndef", 1..7), (1, 2, 4, "abc".into()));
        assert_eq!(shown("abc", 7..9), (1, 4, 5, "abc".into()));
    }

    #[test]
    fn what_plays_with_a_terminal_is_not_shown() {
        assert_eq!(shown("\tx\u{9b}2J", 1..2), (1, 2, 3, "\tx\u{fffd}2J".into()));
    }
}
