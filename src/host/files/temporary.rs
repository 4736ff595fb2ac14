//! `Temporary`: a file in the making, under a name that nobody can guess.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use cap_std::fs::{Dir, OpenOptions};

const PREFIX: &str = ".plugin-sandbox-";
const SUFFIX: &str = ".tmp";
/// Of random numbers, in bytes.
const RANDOM: usize = 16;

/// Whether files in the making are named so, in any case of the letters: plugins cannot name
/// them, and do not see what is left of one when the process ends in the middle.
pub(super) fn is_temporary(name: &str) -> bool {
    let is = |part: Option<&str>, what: &str| part.is_some_and(|p| p.eq_ignore_ascii_case(what));
    name.len() == PREFIX.len() + 2 * RANDOM + SUFFIX.len()
        && is(name.get(..PREFIX.len()), PREFIX)
        && is(name.get(name.len() - SUFFIX.len()..), SUFFIX)
}

/// A file in the making; gone when it is dropped before it has its name.
struct Temporary<'a> {
    dir: &'a Dir,
    name: String,
    named: bool,
}

/// Puts a file with this content at `name` in `dir`, in place of what is there: all of it or
/// nothing, on disk before it has its name.
pub(super) fn put(dir: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    let mut temporary = Temporary { dir, name: random_name()?, named: false };
    let mut file =
        match dir.open_with(&temporary.name, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => file,
            Err(error) => {
                // Not ours.
                temporary.named = true;
                return Err(error);
            }
        };
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    dir.rename(&temporary.name, dir, name)?;
    temporary.named = true;
    Ok(())
}

fn random_name() -> io::Result<String> {
    let mut random = [0; RANDOM];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let mut name = String::from(PREFIX);
    for byte in random {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(SUFFIX);
    Ok(name)
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.named {
            let _ = self.dir.remove_file(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_in_the_making_are_known_as_such() {
        let name = random_name().unwrap();
        assert!(is_temporary(&name) && is_temporary(&name.to_uppercase()));
        assert_ne!(name, random_name().unwrap());
        for other in ["", ".plugin-sandbox-.tmp", "ü", &name[1..], &format!("{name}x")] {
            assert!(!is_temporary(other), "{other}");
        }
        // Cut inside of a character.
        assert!(!is_temporary(&format!("{}ü{}", &name[..15], &name[17..])));
    }
}
