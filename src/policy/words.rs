//! What is granted, asked for and limited, in words for people: one sentence each.

use std::time::SystemTime;

use bytesize::ByteSize;

use super::grants::{CommandGrant, FileRoot, NetworkGrant, StorageGrant};
use super::{
    Clock, FileAccess, Hardening, Limit, Permission, PluginCapabilities, Randomness,
    ResourceLimits, RestartPolicy,
};

impl PluginCapabilities {
    /// What is granted, in words: each a sentence whose subject is the plugin.
    ///
    /// ```
    /// use plugin_sandbox::{FileRoot, PluginCapabilities};
    ///
    /// let granted = PluginCapabilities::none().files("notes", FileRoot::read_only("/srv/notes"));
    /// let words = granted.in_words();
    /// assert_eq!(words[0], "may read below /srv/notes, which it calls \"notes\": at most 16 MiB of a file");
    /// ```
    pub fn in_words(&self) -> Vec<String> {
        let mut words: Vec<_> = self.iter().map(|one| format!("may {}", one.in_words())).collect();
        if !self.host.is_empty() {
            words.push(format!("may call the host's functions {}", list(&self.host)));
        }
        words.extend(self.files.iter().map(|(name, root)| files(name, root)));
        words.extend(self.network.as_ref().map(network));
        words.extend(self.commands.iter().map(|(name, command)| run(name, command)));
        words.extend(self.storage.as_ref().map(storage));
        words.push(time(self.clock));
        words.extend(match self.randomness {
            Randomness::System => None,
            Randomness::Seeded(seed) => {
                Some(format!("draws the same random numbers in every run, from the seed {seed}"))
            }
            Randomness::None => Some("has no random numbers".to_owned()),
        });
        words
    }
}

fn files(name: &str, root: &FileRoot) -> String {
    let what = match root.access {
        FileAccess::Read => "read",
        FileAccess::Write => "write, and not read,",
        FileAccess::ReadWrite => "read and write",
    };
    let mut most = vec![format!("{} of a file", size(root.file_size))];
    if root.access.writes() {
        most.extend(root.total_size.at().map(|total| format!("{} in all", size(total))));
        most.extend(root.entries.at().map(|entries| format!("{entries} files")));
    }
    let path = root.path.display();
    format!("may {what} below {path}, which it calls {name:?}: at most {}", list(&most))
}

fn network(grant: &NetworkGrant) -> String {
    let mut to = list(&grant.origins);
    if !grant.private_networks.is_empty() {
        to += &format!(", also on the private networks {}", list(&grant.private_networks));
    }
    format!(
        "may send {} requests to {to}: at most {} at a time, each {:?}, {} out and {} in",
        list(&grant.methods),
        grant.concurrent,
        grant.time,
        size(grant.request_size),
        size(grant.response_size),
    )
}

fn run(name: &str, grant: &CommandGrant) -> String {
    let lists: Vec<_> = grant
        .arguments
        .iter()
        .map(|patterns| match patterns.is_empty() {
            true => "nothing".to_owned(),
            false => patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        })
        .collect();
    let asked = if grant.confirm { ", after the host was asked each time" } else { "" };
    format!(
        "may run {} in {}, which it calls {name:?}, for at most {:?}{asked}, with: {}",
        grant.program.display(),
        grant.directory.display(),
        grant.time,
        lists.join(" | "),
    )
}

fn storage(grant: &StorageGrant) -> String {
    let place = match &grant.directory {
        Some(directory) => format!("in {}", directory.display()),
        None => "in memory".to_owned(),
    };
    format!("may keep {} under {} keys, {place}", size(grant.size), grant.keys)
}

fn time(clock: Clock) -> String {
    match clock {
        Clock::Full => "sees the time as precisely as there is".to_owned(),
        Clock::Coarse(step) => format!("sees the time in steps of {step:?}"),
        Clock::Frozen(moment) => {
            let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            format!("sees the time stand still, {} s after the beginning of 1970", since.as_secs())
        }
    }
}

impl Permission {
    /// What it lets a plugin do, for people: the end of "the plugin may …".
    pub fn in_words(&self) -> String {
        match self {
            Self::Capability(capability) => capability.in_words().to_owned(),
            Self::Host(pattern) => format!("call the host's functions {pattern}"),
            Self::Files { root, access } => {
                let what = match access {
                    FileAccess::Read => "read",
                    FileAccess::Write => "write",
                    FileAccess::ReadWrite => "read and write",
                };
                format!("{what} the files that it calls {root:?}")
            }
            Self::Network(origin) => format!("send requests to {origin}"),
            Self::Command(name) => format!("run the program that it calls {name:?}"),
            Self::Storage => "keep values in a store of its own".to_owned(),
        }
    }
}

impl ResourceLimits {
    /// The limits in words: each a sentence whose subject is the plugin. Those that are off are
    /// left out.
    pub fn in_words(&self) -> Vec<String> {
        let cpu_time = self.cpu_time.at();
        let cpu_time = cpu_time.map(|time| format!(", {time:?} of it processor time"));
        let (wall_time, grace) = (self.wall_time, self.grace);
        let mut words = vec![
            format!(
                "may run for {wall_time:?} a call{}, and is given up {grace:?} later",
                cpu_time.unwrap_or_default()
            ),
            format!(
                "may use {} of heap, {} of buffers, {} of stack",
                size(self.heap),
                size(self.array_buffers),
                size(self.stack)
            ),
            format!(
                "may be given {} of source, {} of arguments, and answer {}",
                size(self.source_size),
                size(self.argument_size),
                size(self.result_size)
            ),
            format!("may have {} calls waiting, each {:?}", self.queue_length, self.queue_time),
            format!(
                "may have {} timers and {} calls of the host under way",
                self.timers, self.pending_host_calls
            ),
        ];
        if let Limit::At(calls) = self.calls_per_second {
            words.push(format!("may be called {calls} times a second"));
        }
        let console = [
            self.console_bytes_per_call.at().map(|bytes| format!("{} a call", size(bytes))),
            self.console_bytes_per_second.at().map(|bytes| format!("{} a second", size(bytes))),
        ];
        let console: Vec<_> = console.into_iter().flatten().collect();
        if !console.is_empty() {
            words.push(format!("may write {} to the console", list(&console)));
        }
        words.extend(match self.hardening {
            Hardening::Full => None,
            Hardening::AbortOnly => Some("may call builtins that cannot be interrupted".to_owned()),
            Hardening::Off => Some("may call builtins that can end the process".to_owned()),
        });
        words
    }
}

impl RestartPolicy {
    /// The policy in words: a sentence whose subject is the plugin.
    pub fn in_words(&self) -> String {
        match self {
            Self::Never => "is not started again after a fault".to_owned(),
            Self::OnFault { max, within, backoff } => {
                let after = match backoff.is_zero() {
                    true => String::new(),
                    false => format!(", {backoff:?} and longer after each"),
                };
                format!("is started again after at most {max} faults in {within:?}{after}")
            }
        }
    }
}

/// A size as people write it: without an empty fraction.
fn size(size: ByteSize) -> String {
    size.to_string().replace(".0 ", " ")
}

fn list(items: &[impl ToString]) -> String {
    let mut items: Vec<_> = items.iter().map(ToString::to_string).collect();
    match items.pop() {
        Some(last) if !items.is_empty() => format!("{} and {last}", items.join(", ")),
        last => last.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(toml: &str) -> Vec<String> {
        toml::from_str::<PluginCapabilities>(toml).unwrap().in_words()
    }

    #[test]
    fn every_grant_is_told_with_its_particulars() {
        let told = words(
            "allow = ['timers', 'editor.*']\nclock = { coarse = '100ms' }\n\
             [files.w]\npath = '/home/ada/notes'\naccess = 'read_write'\n\
             [network]\norigins = ['https://x.org', 'https://*.y.org']\n\
             private_networks = ['127.0.0.0/8']\n\
             [commands.git]\nprogram = '/usr/bin/git'\ndirectory = '/home/ada'\n\
             arguments = [['status'], ['log', '--max-count=*']]\nconfirm = true\n\
             [storage]\nsize = '1MiB'",
        );
        for said in [
            "may run code later (setTimeout, setInterval), also between calls",
            "may call the host's functions editor.*",
            "may read and write below /home/ada/notes, which it calls \"w\": at most 16 MiB of a \
             file, 64 MiB in all and 10000 files",
            "may send GET and HEAD requests to https://x.org and https://*.y.org, also on the \
             private networks 127.0.0.0/8: at most 6 at a time, each 30s, 1 MiB out and 8 MiB in",
            "may run /usr/bin/git in /home/ada, which it calls \"git\", for at most 10s, after the \
             host was asked each time, with: status | log --max-count=*",
            "may keep 1 MiB under 10000 keys, in memory",
            "sees the time in steps of 100ms",
        ] {
            assert!(told.iter().any(|told| told == said), "{said}\n{told:#?}");
        }
    }

    #[test]
    fn limits_are_told_and_those_that_are_off_are_not() {
        let told = ResourceLimits::strict().in_words().join("\n");
        assert!(told.contains("5s a call, 3s of it processor time"), "{told}");
        assert!(told.contains("64 MiB of heap, 16 MiB of buffers, 512 KiB of stack"), "{told}");
        assert!(told.contains("64 KiB a call and 256 KiB a second"), "{told}");
        let told = ResourceLimits::trusted().in_words().join("\n");
        assert!(!told.contains("console") && told.contains("cannot be interrupted"), "{told}");
        let policy = RestartPolicy::default().in_words();
        assert_eq!(policy, "is started again after at most 100 faults in 60s");
    }
}
