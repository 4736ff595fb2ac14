//! `NotGranted`: what becomes of a plugin that asks for more than it is granted.

use std::fmt;
use std::sync::Arc;

use crate::policy::{Permission, PluginCapabilities, PluginManifest};
use crate::protocol::PluginError;

/// What becomes of a plugin whose manifest asks for something that is not granted.
///
/// ```
/// use std::sync::Arc;
/// use plugin_sandbox::{Answer, Capability, NotGranted, Permission, PluginSandbox};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// # std::fs::write(path.join("plugin.toml"), "name = \"p\"\nversion = \"1.0.0\"\n\
/// #     permissions = [\"timers\", \"intl\"]")?;
/// # std::fs::write(path.join("main.js"), "")?;
/// let ask = NotGranted::Ask(Arc::new(|asked| {
///     // A program would show a person what is missing.
///     if asked.missing.contains(&Permission::Capability(Capability::Timers)) {
///         Answer::Grant(asked.granted.clone().grant(Capability::Timers))
///     } else {
///         Answer::Refuse
///     }
/// }));
/// let plugin = PluginSandbox::builder().when_not_granted(ask).load(path)?;
/// assert_eq!(plugin.not_granted().len(), 1);
/// assert_eq!(plugin.not_granted()[0].to_string(), "intl");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum NotGranted {
    /// It is not loaded: [`PluginError::NotGranted`].
    #[default]
    Refuse,
    /// It is loaded with what it is granted, and what it asked for besides is absent.
    LoadWithout,
    /// The host is asked, on the thread that loads the plugin, which waits for the answer.
    Ask(Arc<dyn Fn(&Asked<'_>) -> Answer + Send + Sync>),
}

impl fmt::Debug for NotGranted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "Refuse",
            Self::LoadWithout => "LoadWithout",
            Self::Ask(_) => "Ask",
        })
    }
}

/// What the host is asked about.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The plugin; every text in it is of the plugin's author.
    pub manifest: &'a PluginManifest,
    /// What it is granted so far.
    pub granted: &'a PluginCapabilities,
    /// What it asks for besides, in the order of the manifest.
    pub missing: &'a [Permission],
}

/// What the host answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made when a plugin is loaded, and moved once"
)]
pub enum Answer {
    /// Not to load the plugin: [`PluginError::NotGranted`].
    Refuse,
    /// To load it with what it is granted.
    Without,
    /// To load it with these capabilities instead, whether they are all that it asks for or
    /// not.
    Grant(PluginCapabilities),
}

impl NotGranted {
    /// What the plugin is to be loaded with, if anything is missing.
    pub(super) fn decide(
        &self,
        manifest: &PluginManifest,
        granted: &PluginCapabilities,
    ) -> Result<Answer, PluginError> {
        let missing = manifest.not_granted(granted);
        if missing.is_empty() {
            return Ok(Answer::Without);
        }
        let answer = match self {
            Self::Refuse => Answer::Refuse,
            Self::LoadWithout => Answer::Without,
            Self::Ask(ask) => ask(&Asked { manifest, granted, missing: &missing }),
        };
        match answer {
            Answer::Refuse => {
                let missing = missing.iter().map(ToString::to_string).collect();
                Err(PluginError::NotGranted { plugin: manifest.name.clone(), missing })
            }
            answer => Ok(answer),
        }
    }
}
