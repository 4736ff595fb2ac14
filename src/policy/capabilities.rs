//! `PluginCapabilities`: what a plugin is granted beyond the bare language.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::grants::{CommandGrant, FileRoot, NetworkGrant, StorageGrant};
use super::misfit::Misfit;
use super::written_capabilities::WrittenCapabilities;
use super::{Capability, Clock, FileAccess, HostPattern, Permission, Randomness};
use crate::protocol::PluginError;

/// What the host grants to one plugin. What is not granted is absent.
///
/// The default is the language with the pure web APIs ([`Capability::Web`],
/// [`Capability::Encoding`]), `console` and `plugin`; [`none`](Self::none) is without the web
/// APIs.
///
/// ```
/// use plugin_sandbox::{Capability, FileRoot, NetworkGrant, PluginCapabilities};
///
/// let capabilities = PluginCapabilities::default()
///     .grant(Capability::Timers)
///     .host("editor.*")?
///     .files("workspace", FileRoot::read_write("/home/ada/notes"))
///     .network(NetworkGrant::to(["https://api.example.com"])?);
/// assert!(capabilities.has(Capability::Timers));
/// assert!(capabilities.allows_host("editor.getContent"));
/// assert!(!capabilities.has(Capability::Wasm));
/// # Ok::<(), plugin_sandbox::PluginError>(())
/// ```
///
/// In a config file, `allow` names what is granted by name alone, beyond the default, and `deny`
/// what of the default is not:
///
/// ```toml
/// allow = ["timers", "editor.*"]
/// deny = ["web"]
/// clock = { coarse = "100ms" }
/// randomness = { seeded = 42 }
///
/// [files.workspace]
/// path = "notes"
/// access = "read_write"
///
/// [network]
/// origins = ["https://api.example.com"]
///
/// [commands.git]
/// program = "/usr/bin/git"
/// arguments = [["status"], ["log", "--max-count=*"]]
/// directory = "notes"
///
/// [storage]
/// size = "1MiB"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenCapabilities", into = "WrittenCapabilities")]
#[non_exhaustive]
pub struct PluginCapabilities {
    pub(super) granted: BTreeSet<Capability>,
    /// The host functions that may be called. Default none.
    pub host: Vec<HostPattern>,
    /// How precisely the time is seen. Default: to the millisecond.
    pub clock: Clock,
    /// Where random numbers come from. Default: the system.
    pub randomness: Randomness,
    /// Directories that may be used, by the names that the plugin knows them under. Default
    /// none.
    pub files: BTreeMap<String, FileRoot>,
    /// Where requests may be sent. Default nowhere.
    pub network: Option<NetworkGrant>,
    /// Programs that may be run, by the names that the plugin knows them under. Default none.
    pub commands: BTreeMap<String, CommandGrant>,
    /// A key-value store of the plugin's own. Default none.
    pub storage: Option<StorageGrant>,
}

impl Default for PluginCapabilities {
    fn default() -> Self {
        Self::PURE.into_iter().fold(Self::none(), Self::grant)
    }
}

impl PluginCapabilities {
    /// What is pure, and therefore granted by default.
    pub(super) const PURE: [Capability; 2] = [Capability::Encoding, Capability::Web];

    /// Nothing but the language, `console` and `plugin`.
    pub fn none() -> Self {
        Self {
            granted: BTreeSet::new(),
            host: Vec::new(),
            clock: Clock::default(),
            randomness: Randomness::default(),
            files: BTreeMap::new(),
            network: None,
            commands: BTreeMap::new(),
            storage: None,
        }
    }

    /// These, and `capability`.
    #[must_use]
    pub fn grant(mut self, capability: Capability) -> Self {
        self.granted.insert(capability);
        self
    }

    /// These, without `capability`.
    #[must_use]
    pub fn revoke(mut self, capability: Capability) -> Self {
        self.granted.remove(&capability);
        self
    }

    /// These, and the host functions that `pattern` means: a name, or a glob as `"editor.*"`.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidArgument`] if it is no [`HostPattern`].
    pub fn host(mut self, pattern: &str) -> Result<Self, PluginError> {
        self.host.push(pattern.parse()?);
        Ok(self)
    }

    /// These, with a clock of this precision.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// These, with random numbers from this source.
    #[must_use]
    pub fn randomness(mut self, randomness: Randomness) -> Self {
        self.randomness = randomness;
        self
    }

    /// These, and a directory for files.
    #[must_use]
    pub fn files(mut self, name: impl Into<String>, root: FileRoot) -> Self {
        self.files.insert(name.into(), root);
        self
    }

    /// These, and requests to the network.
    #[must_use]
    pub fn network(mut self, grant: NetworkGrant) -> Self {
        self.network = Some(grant);
        self
    }

    /// These, and a program to run.
    #[must_use]
    pub fn command(mut self, name: impl Into<String>, grant: CommandGrant) -> Self {
        self.commands.insert(name.into(), grant);
        self
    }

    /// These, and a key-value store.
    #[must_use]
    pub fn storage(mut self, grant: StorageGrant) -> Self {
        self.storage = Some(grant);
        self
    }

    /// Whether `capability` is granted.
    pub fn has(&self, capability: Capability) -> bool {
        self.granted.contains(&capability)
    }

    /// Whether the host function of this name may be called.
    pub fn allows_host(&self, function: &str) -> bool {
        self.host.iter().any(|pattern| pattern.matches(function))
    }

    /// Whether all that `asked` asks for is granted.
    pub fn allows(&self, asked: &Permission) -> bool {
        match asked {
            Permission::Capability(capability) => self.has(*capability),
            Permission::Host(pattern) => self.host.iter().any(|wide| wide.covers(pattern)),
            Permission::Files { root, access } => self.files.get(root).is_some_and(|root| {
                (root.access.reads() || *access == FileAccess::Write)
                    && (root.access.writes() || *access == FileAccess::Read)
            }),
            Permission::Network(origin) => self
                .network
                .as_ref()
                .is_some_and(|grant| grant.origins.iter().any(|wide| wide.covers(origin))),
            Permission::Command(name) => self.commands.contains_key(name),
            Permission::Storage => self.storage.is_some(),
        }
    }

    /// What is granted by name alone, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.granted.iter().copied()
    }

    /// Whether this grants nothing that `other` does not. Clock and randomness are no matter of
    /// more or less, and must be the same.
    pub fn is_within(&self, other: &Self) -> bool {
        fn all_within<G>(
            these: &BTreeMap<String, G>,
            those: &BTreeMap<String, G>,
            is_within: impl Fn(&G, &G) -> bool,
        ) -> bool {
            these
                .iter()
                .all(|(name, this)| those.get(name).is_some_and(|that| is_within(this, that)))
        }
        fn within<G>(this: &Option<G>, that: &Option<G>, is_within: fn(&G, &G) -> bool) -> bool {
            match (this, that) {
                (None, _) => true,
                (Some(this), Some(that)) => is_within(this, that),
                (Some(_), None) => false,
            }
        }
        self.granted.is_subset(&other.granted)
            && self.host.iter().all(|pattern| other.host.iter().any(|wide| wide.covers(pattern)))
            && self.clock == other.clock
            && self.randomness == other.randomness
            && all_within(&self.files, &other.files, FileRoot::is_within)
            && within(&self.network, &other.network, NetworkGrant::is_within)
            && all_within(&self.commands, &other.commands, CommandGrant::is_within)
            && within(&self.storage, &other.storage, StorageGrant::is_within)
    }

    /// Checks each grant by itself and against the others.
    ///
    /// # Errors
    ///
    /// [`PluginError::InvalidArgument`] names the grant and says what to do.
    pub fn validate(&self) -> Result<(), PluginError> {
        Ok(self.check()?)
    }

    /// [`validate`](Self::validate), telling which key it is.
    pub(crate) fn check(&self) -> Result<(), Misfit> {
        self.clock.validate().map_err(|misfit| misfit.below("clock"))?;
        if self.randomness == Randomness::None && self.has(Capability::Random) {
            let reason =
                "`random` is granted and `randomness` is \"none\": take one of them away".into();
            return Err(Misfit::of("randomness", reason));
        }
        for (name, root) in &self.files {
            root.validate(name).map_err(|misfit| misfit.below(name).below("files"))?;
        }
        for (name, command) in &self.commands {
            command.validate(name).map_err(|misfit| misfit.below(name).below("commands"))?;
        }
        let network = self.network.as_ref().map_or(Ok(()), NetworkGrant::validate);
        network.map_err(|misfit| misfit.below("network"))
    }
}

impl FromIterator<Capability> for PluginCapabilities {
    /// The default, and these.
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::default(), Self::grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PluginCapabilities {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_file_adds_to_the_default_and_takes_away_from_it() {
        assert_eq!(read(""), PluginCapabilities::default());
        let read = read("allow = ['timers', 'editor.*', 'host:who']\ndeny = ['web']");
        assert!(read.has(Capability::Timers) && read.has(Capability::Encoding));
        assert!(!read.has(Capability::Web));
        assert!(read.allows_host("editor.a.b") && read.allows_host("who"));
        assert!(!read.allows_host("other.x"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let capabilities = PluginCapabilities::none()
            .grant(Capability::Intl)
            .host("a.*")
            .unwrap()
            .clock(Clock::Frozen(std::time::UNIX_EPOCH))
            .randomness(Randomness::Seeded(7))
            .files("w", FileRoot::read_write("/tmp"))
            .network(NetworkGrant::to(["https://x.org"]).unwrap())
            .command("git", CommandGrant::new("/usr/bin/git", "/tmp"))
            .storage(StorageGrant::default());
        let json = serde_json::to_string(&capabilities).unwrap();
        assert_eq!(serde_json::from_str::<PluginCapabilities>(&json).unwrap(), capabilities);
    }

    #[test]
    fn what_is_granted_allows_what_is_narrower() {
        let granted = read(
            "allow = ['editor.*']\n[files.w]\npath = '/tmp'\n[network]\norigins = \
             ['https://*.x.org']\n[commands.git]\nprogram = '/bin/git'\ndirectory = '/'",
        );
        for (asked, allowed) in [
            ("editor.get", true),
            ("ui.get", false),
            ("files:w", true),
            ("files:w:write", false),
            ("network:https://a.x.org", true),
            ("network:https://x.org", false),
            ("commands:git", true),
            ("commands:sh", false),
            ("storage", false),
            ("web", true),
            ("wasm", false),
        ] {
            assert_eq!(granted.allows(&asked.parse().unwrap()), allowed, "{asked}");
        }
    }

    #[test]
    fn narrower_is_less_and_never_more() {
        let wide =
            read("allow = ['timers', 'a.*']\n[files.w]\npath = '/tmp'\naccess = 'read_write'");
        assert!(wide.is_within(&wide) && PluginCapabilities::none().is_within(&wide));
        assert!(read("allow = ['a.b']\n[files.w]\npath = '/tmp'").is_within(&wide));
        for wider in [
            "allow = ['intl']",
            "allow = ['b.c']",
            "[files.w]\npath = '/'",
            "[files.w]\npath = '/tmp'\nfile_size = '1GiB'",
            "[files.v]\npath = '/tmp'",
            "clock = 'full'",
            "[storage]",
        ] {
            assert!(!read(wider).is_within(&wide), "{wider}");
        }
    }

    #[test]
    fn what_needs_particulars_is_not_granted_by_a_name() {
        let error = toml::from_str::<PluginCapabilities>("allow = ['files:w']").unwrap_err();
        assert!(error.to_string().contains("[files.name]"), "{error}");
    }

    #[test]
    fn contradictions_are_refused() {
        let none = read("allow = ['random']\nrandomness = 'none'");
        assert!(none.validate().unwrap_err().to_string().contains("randomness"));
        assert!(read("clock = { coarse = '0s' }").validate().is_err());
        assert!(read("[network]").validate().is_err());
        assert!(read("[files.'a/b']\npath = '/'").validate().is_err());
        assert!(read("[commands.sh]\nprogram = 'sh'\ndirectory = '/'").validate().is_err());
    }
}
