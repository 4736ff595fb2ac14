//! `PluginCapabilities` as a config file has them: what is added to the default, and taken away.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grants::{CommandGrant, FileRoot, NetworkGrant, StorageGrant};
use super::{Capability, Clock, HostPattern, Permission, PluginCapabilities, Randomness, schema};

/// The capabilities as a config file has them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PluginCapabilities")]
pub(super) struct WrittenCapabilities {
    /// What is granted by name alone: capabilities ("timers") and host functions, by name or
    /// glob ("editor.*").
    #[schemars(with = "Vec<schema::Allowed>")]
    allow: Vec<Allowed>,
    /// What of the default is not granted: "web", "encoding".
    deny: Vec<Capability>,
    /// How precisely the time is seen.
    clock: Clock,
    /// Where random numbers come from.
    randomness: Randomness,
    /// Directories that may be used, by the names that the plugin knows them under.
    files: BTreeMap<String, FileRoot>,
    /// Where requests may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkGrant>,
    /// Programs that may be run, by the names that the plugin knows them under.
    commands: BTreeMap<String, CommandGrant>,
    /// A key-value store of the plugin's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<StorageGrant>,
}

impl Default for WrittenCapabilities {
    fn default() -> Self {
        PluginCapabilities::default().into()
    }
}

/// An entry of `allow`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Permission", into = "Permission")]
enum Allowed {
    Capability(Capability),
    Host(HostPattern),
}

impl TryFrom<Permission> for Allowed {
    type Error = String;

    fn try_from(permission: Permission) -> Result<Self, String> {
        match permission {
            Permission::Capability(capability) => Ok(Self::Capability(capability)),
            Permission::Host(pattern) => Ok(Self::Host(pattern)),
            other => Err(format!(
                "\"{other}\" needs to be told more of: grant it in a table of its own \
                 ([files.name], [network], [commands.name], [storage])"
            )),
        }
    }
}

impl From<Allowed> for Permission {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::Capability(capability) => Self::Capability(capability),
            Allowed::Host(pattern) => Self::Host(pattern),
        }
    }
}

impl From<WrittenCapabilities> for PluginCapabilities {
    fn from(written: WrittenCapabilities) -> Self {
        let WrittenCapabilities {
            allow,
            deny,
            clock,
            randomness,
            files,
            network,
            commands,
            storage,
        } = written;
        let mut granted: BTreeSet<_> = PluginCapabilities::PURE.into();
        let mut host = Vec::new();
        for allowed in allow {
            match allowed {
                Allowed::Capability(capability) => drop(granted.insert(capability)),
                Allowed::Host(pattern) => host.push(pattern),
            }
        }
        granted.retain(|capability| !deny.contains(capability));
        Self { granted, host, clock, randomness, files, network, commands, storage }
    }
}

impl From<PluginCapabilities> for WrittenCapabilities {
    fn from(capabilities: PluginCapabilities) -> Self {
        let PluginCapabilities {
            granted,
            host,
            clock,
            randomness,
            files,
            network,
            commands,
            storage,
        } = capabilities;
        let deny =
            PluginCapabilities::PURE.into_iter().filter(|pure| !granted.contains(pure)).collect();
        let named =
            granted.into_iter().filter(|capability| !PluginCapabilities::PURE.contains(capability));
        let allow = named.map(Allowed::Capability).chain(host.into_iter().map(Allowed::Host));
        Self { allow: allow.collect(), deny, clock, randomness, files, network, commands, storage }
    }
}

impl JsonSchema for PluginCapabilities {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        WrittenCapabilities::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        WrittenCapabilities::json_schema(generator)
    }
}
