//! Text of a plugin's that people read.

/// Whether a character could make text pass for something else: it controls a terminal, or
/// changes the direction of writing.
pub(crate) fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
