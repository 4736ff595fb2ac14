//! A JavaScript exception as data: what was thrown, where, and why.

use std::fmt;

use serde::Serialize;

use super::Value;

/// An exception that a plugin threw, or the reason of a promise it rejected.
///
/// All of it was read inside the call's guarded window and is plain data now. `Display` writes
/// what a person wants to read: name and message, the source line with a caret under the
/// place, the frames, and the causes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JsError {
    /// The error's `name` (`"TypeError"`), or [`JsError::NOT_AN_ERROR`] if what was thrown is
    /// no `Error`.
    pub name: String,
    /// The error's `message`, or the thrown value as a string.
    pub message: String,
    /// What was thrown, if it is no `Error` and JSON can carry it.
    pub value: Option<Box<Value>>,
    /// The error's `cause`, at most eight deep.
    pub cause: Option<Box<JsError>>,
    /// The stack, innermost first, at most 32 frames. A syntax error has one: its place.
    pub frames: Vec<StackFrame>,
    /// The line of the plugin's source where it happened.
    pub source: Option<Box<SourceLine>>,
}

/// One frame of a JavaScript stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StackFrame {
    /// The function's name; `None` at the top level of a script and for anonymous functions.
    pub function: Option<String>,
    /// The script's name, `plugin:/<id>/main.js`. Never a path of the host.
    pub script: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1, in UTF-16 code units as JavaScript counts.
    pub column: u32,
}

/// A line of a plugin's source, of its manifest or of a config file, and the place in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceLine {
    /// The script's name, or the path of the file.
    pub script: String,
    /// Line, counted from 1.
    pub line: u32,
    /// First column of the place, counted from 1, in UTF-16 code units.
    pub column: u32,
    /// The column after the place.
    pub end_column: u32,
    /// The text of the line, at most [`SourceLine::MAX_CHARS`] characters: of a longer line
    /// (bundles are one line) the part around the place, and the columns above count within it.
    pub text: String,
}

impl SourceLine {
    /// How many characters of a source line an error carries.
    pub const MAX_CHARS: usize = 240;
}

impl JsError {
    /// The [`name`](Self::name) of what was thrown and is no `Error`: `throw "text"`.
    pub const NOT_AN_ERROR: &str = "Uncaught";

    pub(crate) fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
            value: None,
            cause: None,
            frames: Vec::new(),
            source: None,
        }
    }

    /// Name and message on one line, as `Error.prototype.toString` writes them.
    pub fn headline(&self) -> String {
        match (self.name.as_str(), self.message.as_str()) {
            (name, "") => name.to_owned(),
            ("", message) => message.to_owned(),
            (name, message) => format!("{name}: {message}"),
        }
    }
}

impl fmt::Display for JsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        if let Some(source) = &self.source {
            write!(f, "\n{source}")?;
        }
        for frame in &self.frames {
            write!(f, "\n    at {frame}")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, "\ncaused by: {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for JsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl fmt::Display for StackFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, script, line, column } = self;
        match function {
            Some(function) => write!(f, "{function} ({script}:{line}:{column})"),
            None => write!(f, "{script}:{line}:{column}"),
        }
    }
}

impl fmt::Display for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab before the place stays a tab, so that the caret stands under it.
        let indent: String = self
            .text
            .chars()
            .take(self.column.saturating_sub(1) as usize)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.end_column.saturating_sub(self.column).max(1) as usize);
        writeln!(f, " {margin}--> {}:{}:{}", self.script, self.line, self.column)?;
        writeln!(f, " {number} | {}", self.text)?;
        write!(f, " {margin} | {indent}{carets}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_shows_the_place_the_frames_and_the_cause() {
        let mut error = JsError::new("TypeError", "x is not a function");
        error.source = Some(Box::new(SourceLine {
            script: "plugin:/p/main.js".into(),
            line: 12,
            column: 6,
            end_column: 9,
            text: "\tlet x()".into(),
        }));
        error.frames.push(StackFrame {
            function: Some("f".into()),
            script: "plugin:/p/main.js".into(),
            line: 12,
            column: 6,
        });
        error.cause = Some(Box::new(JsError::new("Error", "")));
        let expected = "TypeError: x is not a function\n   \
                        --> plugin:/p/main.js:12:6\n 12 | \tlet x()\n    | \t    ^^^\n    \
                        at f (plugin:/p/main.js:12:6)\ncaused by: Error";
        assert_eq!(error.to_string(), expected);
    }
}
