//! `PluginPath`: a path as a plugin writes it, checked.

use std::path::Path;

use super::failure::refused;
use crate::host::error::HostError;

/// `root/rest/of/path`: a root's name, and a path below it that goes down only.
///
/// The same text means the same on every system, so what is special on one of them is refused
/// on all: backslashes, colons on Windows, control characters.
#[derive(Debug)]
pub(super) struct PluginPath {
    text: String,
    /// Where the name of the root ends.
    root: usize,
}

impl PluginPath {
    /// The longest path, in bytes.
    const MAX_LENGTH: usize = 4096;
    /// The most parts of a path. Also bounds how deep a plugin can nest directories.
    const MAX_PARTS: usize = 64;

    pub(super) fn parse(text: String) -> Result<Self, HostError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(refused(format!("the path is longer than {} bytes", Self::MAX_LENGTH)));
        }
        if text.split('/').count() > Self::MAX_PARTS {
            return Err(refused(format!("the path has more than {} parts", Self::MAX_PARTS)));
        }
        if let Some(part) = text.split('/').find(|part| !is_name(part)) {
            return Err(refused(format!(
                "{text:?} is no path: {part:?} cannot be a part of it; paths are \
                 \"root/directory/file\""
            )));
        }
        let root = text.find('/').unwrap_or(text.len());
        Ok(Self { text, root })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the root.
    pub(super) fn root(&self) -> &str {
        &self.text[..self.root]
    }

    /// The path below the root; `.` for the root itself.
    pub(super) fn inside(&self) -> &Path {
        Path::new(self.below().unwrap_or("."))
    }

    /// The path of the directory that it is in, and its name there; none for the root itself.
    pub(super) fn split(&self) -> Option<(&Path, &str)> {
        let (parent, name) = self.below().map(|all| all.rsplit_once('/').unwrap_or((".", all)))?;
        Some((Path::new(parent), name))
    }

    /// The paths below the root of the directories that lead to it, and its own.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &Path> {
        let all = self.below().unwrap_or_default();
        let ends = all.match_indices('/').map(|(index, _)| index);
        let last = (!all.is_empty()).then_some(all.len());
        ends.chain(last).map(|end| Path::new(&all[..end]))
    }

    fn below(&self) -> Option<&str> {
        self.text.get(self.root + 1..)
    }
}

/// Whether a path may have this part.
pub(super) fn is_name(part: &str) -> bool {
    const MAX_LENGTH: usize = 255;
    let special = |c: char| {
        c.is_control() || c == '\\' || (cfg!(windows) && matches!(c, ':' | '<' | '>' | '|' | '"'))
    };
    // On Windows, `a.` and `a ` are the file `a`.
    let is_alias = cfg!(windows) && part.ends_with(['.', ' ']);
    let is_special = matches!(part, "" | "." | "..") || part.contains(special) || is_alias;
    !is_special && part.len() <= MAX_LENGTH && !super::temporary::is_temporary(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PluginPath, HostError> {
        PluginPath::parse(text.into())
    }

    #[test]
    fn a_path_is_a_root_and_names_below_it() {
        let path = parse("w/a b/ü.md").unwrap();
        assert_eq!((path.root(), path.inside()), ("w", Path::new("a b/ü.md")));
        assert_eq!(path.split(), Some((Path::new("a b"), "ü.md")));
        assert_eq!(path.prefixes().collect::<Vec<_>>(), [Path::new("a b"), Path::new("a b/ü.md")]);
        let root = parse("w").unwrap();
        assert_eq!((root.root(), root.inside(), root.split()), ("w", Path::new("."), None));
        assert_eq!(root.prefixes().count(), 0);
        assert_eq!(parse("w/a").unwrap().split(), Some((Path::new("."), "a")));
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_path() {
        let long = format!("w/{}", "x".repeat(256));
        let longer = format!("w/{}", "xy/".repeat(2000));
        let deep = format!("w{}", "/x".repeat(64));
        for text in [
            "",
            "/",
            "/etc/passwd",
            "w/",
            "w//a",
            "w/.",
            "w/..",
            "w/../x",
            "w/a/../../x",
            "..",
            ".",
            "w/a\\b",
            "C:\\x",
            "w/a\0b",
            "w/a\nb",
            "~/../x",
            &long,
            &longer,
            &deep,
            "w/.plugin-sandbox-00000000000000000000000000000000.tmp",
            "w/.PLUGIN-SANDBOX-00000000000000000000000000000000.TMP/x",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("E_REFUSED"), "{text}");
            assert!(error.message.len() < 3 * PluginPath::MAX_LENGTH);
        }
    }
}
