//! Reading files that people, and plugins' authors, put somewhere.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Why a file has no text for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotRead {
    /// It has more bytes than are wanted. At most one more was read.
    TooLong,
    /// In words that follow the file's name.
    Because(String),
}

/// The text of a file that is one, and no longer than `most` bytes: not a pipe, which would be
/// waited for, nor a device without an end.
pub(crate) fn read(path: &Path, most: u64) -> Result<String, NotRead> {
    let because = |error: std::io::Error| NotRead::Because(format!("cannot be read: {error}"));
    // Asked before it is opened: opening a pipe would wait for its writer.
    let kind = std::fs::metadata(path).map_err(because)?;
    if !kind.is_file() {
        let kind = if kind.is_dir() { "a directory" } else { "no ordinary file" };
        return Err(NotRead::Because(format!("is {kind}")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(because)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(because)?;
    if bytes.len() as u64 > most {
        return Err(NotRead::TooLong);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|&&byte| byte == b'\n').count() + 1;
        NotRead::Because(format!("is not UTF-8: see line {line}"))
    })
}

impl NotRead {
    /// In words that follow the file's name.
    pub(crate) fn in_words(self, most: u64) -> String {
        match self {
            Self::TooLong => format!("is longer than {most} bytes, the most that it may have"),
            Self::Because(reason) => reason,
        }
    }
}
