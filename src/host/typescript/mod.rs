//! TypeScript declarations of what a plugin sees, for its author's editor and for `tsc`.

mod schema;
mod type_name;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use schemars::Schema;
use serde::{Deserialize, Serialize};

use crate::policy::{Capability, PluginCapabilities, text_file};
use crate::protocol::{PluginError, Value};

/// The host functions of a program and their types, to be written to a file and read by
/// `plugin-sandbox types`; made by [`HostFunctions::describe`](crate::HostFunctions::describe).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HostDescription {
    /// The functions, by name.
    pub functions: BTreeMap<String, FunctionDescription>,
}

/// One host function and its types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FunctionDescription {
    /// What it does, in words.
    #[serde(default)]
    pub documentation: String,
    /// The names of its parameters, as far as they are known.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// What it takes: a tuple is a list of parameters, nothing is none.
    pub takes: TypeDescription,
    /// What it answers.
    pub answers: TypeDescription,
    /// Whether it gives a promise.
    #[serde(default)]
    pub is_async: bool,
}

/// A Rust type, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TypeDescription {
    /// By the name that the compiler gives it. Types of the standard library are known by it.
    Named(String),
    /// By its JSON schema.
    Schema(Schema),
}

impl TypeDescription {
    pub(super) fn of<T>() -> Self {
        Self::Named(std::any::type_name::<T>().to_owned())
    }

    /// The type as TypeScript; what it refers to is added to `declared`.
    fn write(&self, declared: &mut Declared) -> schema::Written {
        match self {
            Self::Named(name) => type_name::write(name),
            Self::Schema(schema) => schema::write(schema, declared),
        }
    }
}

/// Types that are referred to by name, with what they stand for.
type Declared = BTreeMap<String, String>;

/// What of the language's own libraries every plugin has: those of `tsc` without what needs a
/// grant.
const LANGUAGE: &[&str] = &[
    "es5",
    "es2015.core",
    "es2015.collection",
    "es2015.generator",
    "es2015.iterable",
    "es2015.promise",
    "es2015.proxy",
    "es2015.reflect",
    "es2015.symbol",
    "es2015.symbol.wellknown",
    "es2016.array.include",
    "es2017.date",
    "es2017.object",
    "es2017.string",
    "es2017.typedarrays",
    "es2018.asyncgenerator",
    "es2018.asynciterable",
    "es2018.promise",
    "es2018.regexp",
    "es2019.array",
    "es2019.object",
    "es2019.string",
    "es2019.symbol",
    "es2020.bigint",
    "es2020.date",
    "es2020.number",
    "es2020.promise",
    "es2020.string",
    "es2020.symbol.wellknown",
    "es2021.promise",
    "es2021.string",
    "es2022.array",
    "es2022.error",
    "es2022.object",
    "es2022.regexp",
    "es2022.string",
    "es2023.array",
    "es2023.collection",
    "es2024.collection",
    "es2024.object",
    "es2024.promise",
    "es2024.regexp",
    "es2024.string",
    "es2025.collection",
    "es2025.float16",
    "es2025.iterator",
    "es2025.promise",
    "es2025.regexp",
];

/// What a capability adds: libraries of `tsc`, and declarations of ours.
fn added_by(capability: Capability) -> (&'static [&'static str], &'static str) {
    match capability {
        Capability::Clock => (&[], include_str!("declarations/clock.d.ts")),
        Capability::CodeGeneration => (&[], ""),
        Capability::Encoding => (&[], include_str!("declarations/encoding.d.ts")),
        Capability::Intl => (
            &[
                "es2015.core",
                "es2016.intl",
                "es2017.intl",
                "es2018.intl",
                "es2019.intl",
                "es2020.intl",
                "es2021.intl",
                "es2022.intl",
                "es2023.intl",
                "es2025.intl",
            ],
            "",
        ),
        Capability::Random => (&[], include_str!("declarations/random.d.ts")),
        Capability::ResizableBuffers => (&["es2024.arraybuffer"], ""),
        Capability::SharedMemory => {
            (&["es2017.sharedmemory", "es2020.sharedmemory", "es2024.sharedmemory"], "")
        }
        Capability::Temporal => (&["esnext.temporal"], ""),
        Capability::Timers => (&[], include_str!("declarations/timers.d.ts")),
        Capability::Wasm => (&[], include_str!("declarations/wasm.d.ts")),
        Capability::WeakReferences => (&["es2021.weakref"], ""),
        Capability::Web => (&[], include_str!("declarations/web.d.ts")),
    }
}

impl HostDescription {
    /// Reads what another program wrote of itself, as JSON.
    ///
    /// # Errors
    ///
    /// [`PluginError::Io`] if the file cannot be read, is longer than 16 MiB, or is no
    /// description; the place is in the reason.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, PluginError> {
        const MOST: u64 = 16 << 20;
        let path = path.as_ref();
        let failed = |reason| PluginError::Io { path: path.to_owned(), reason };
        let text = text_file::read(path, MOST).map_err(|error| failed(error.in_words(MOST)))?;
        serde_json::from_str(&text)
            .map_err(|error| failed(format!("is no description of host functions: {error}")))
    }

    /// The TypeScript declarations of what a plugin with these capabilities sees: the language,
    /// what is granted by name, and of these functions those that are granted.
    ///
    /// They name the libraries they need: in `tsconfig.json` set `"lib": ["es5"]` and
    /// `"types": []`, and no more. Names
    /// that the language's own declarations have in any case (`Intl`, `eval`) are there even if
    /// they are not granted.
    ///
    /// ```
    /// use plugin_sandbox::{HostCall, HostFunctions, PluginCapabilities};
    ///
    /// let host = HostFunctions::new()
    ///     .function("editor.insert", |_: &HostCall, (_text, _at): (String, Option<u32>)| Ok(()))
    ///     .documented("editor.insert", "Inserts text.", &["text", "at"]);
    /// let capabilities = PluginCapabilities::default().host("editor.*")?;
    /// let declarations = host.describe().typescript(&capabilities);
    /// assert!(declarations.contains("function insert(text: string, at?: number | null): null;"));
    /// # Ok::<(), plugin_sandbox::PluginError>(())
    /// ```
    pub fn typescript(&self, capabilities: &PluginCapabilities) -> String {
        let mut libraries: Vec<_> = LANGUAGE.to_vec();
        let mut declarations = vec![include_str!("declarations/plugin.d.ts").to_owned()];
        for capability in capabilities.iter() {
            let (more, text) = added_by(capability);
            libraries.extend(more.iter().filter(|library| !LANGUAGE.contains(library)));
            declarations.push(text.to_owned());
        }
        declarations.extend(particulars(capabilities));
        declarations.push(self.functions_of(capabilities));
        let mut text =
            String::from("// What this plugin sees. Made by plugin-sandbox; not to be edited.\n");
        for library in libraries {
            let _ = writeln!(text, "/// <reference lib=\"{library}\" />");
        }
        for part in declarations.iter().filter(|part| !part.is_empty()) {
            let _ = write!(text, "\n{part}");
        }
        text
    }

    fn functions_of(&self, capabilities: &PluginCapabilities) -> String {
        let mut declared = Declared::new();
        let mut namespaces: BTreeMap<&str, String> = BTreeMap::new();
        for (name, function) in &self.functions {
            if !capabilities.allows_host(name) {
                continue;
            }
            let (namespace, name) = name.rsplit_once('.').unwrap_or(("", name));
            let text = namespaces.entry(namespace).or_default();
            let indent = if namespace.is_empty() { "" } else { "  " };
            for line in function.documentation.lines().filter(|line| !line.is_empty()) {
                let line = line.replace("*/", "*\u{200b}/");
                let _ = writeln!(text, "{indent}/** {line} */");
            }
            let declare = if namespace.is_empty() { "declare " } else { "" };
            let signature = function.signature(&mut declared);
            let _ = writeln!(text, "{indent}{declare}function {name}{signature};");
        }
        let mut text = String::new();
        for (name, what) in declared {
            let _ = writeln!(text, "type {name} = {what};");
        }
        for (namespace, functions) in namespaces {
            let _ = match namespace {
                "" => write!(text, "{functions}"),
                _ => write!(text, "declare namespace {namespace} {{\n{functions}}}\n"),
            };
        }
        text
    }
}

/// The declarations of what was granted with particulars.
fn particulars(capabilities: &PluginCapabilities) -> Vec<String> {
    let mut declarations = Vec::new();
    let files = &capabilities.files;
    if !files.is_empty() {
        declarations.push(include_str!("declarations/files.d.ts").to_owned());
        let roots = one_of(files.keys());
        declarations.push(format!(
            "declare namespace files {{\n    /** The roots that were granted. */\n    \
             type Root = {roots};\n    type Path = Root | `${{Root}}/${{string}}`;\n}}\n"
        ));
    }
    if capabilities.network.is_some() {
        declarations.push(include_str!("declarations/fetch.d.ts").to_owned());
    }
    if !capabilities.commands.is_empty() {
        declarations.push(include_str!("declarations/commands.d.ts").to_owned());
        let names = one_of(capabilities.commands.keys());
        declarations.push(format!(
            "declare namespace commands {{\n  /** The programs that were granted. */\n  \
             type Name = {names};\n}}\n"
        ));
    }
    if capabilities.storage.is_some() {
        declarations.push(include_str!("declarations/storage.d.ts").to_owned());
    }
    declarations
}

/// A type that is one of these texts.
fn one_of<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let quoted: Vec<_> = names.map(|name| Value::from(name.as_str()).to_string()).collect();
    quoted.join(" | ")
}

impl FunctionDescription {
    /// `(a: string, b?: number): Promise<string>`.
    fn signature(&self, declared: &mut Declared) -> String {
        let parameters = match self.takes.write(declared) {
            schema::Written::Nothing => Vec::new(),
            schema::Written::Tuple(types) => types,
            schema::Written::Type(one) => vec![one],
        };
        // Whatever comes after it can be left out too.
        let first_optional =
            parameters.iter().rposition(|one| !is_optional(one)).map_or(0, |at| at + 1);
        let mut taken = BTreeSet::new();
        let written: Vec<_> = parameters
            .iter()
            .enumerate()
            .map(|(index, one)| {
                let given = self.parameters.get(index).filter(|name| taken.insert(name.as_str()));
                let name = given.cloned().unwrap_or_else(|| format!("arg{index}"));
                let optional = if index >= first_optional { "?" } else { "" };
                format!("{name}{optional}: {one}")
            })
            .collect();
        let answer = self.answers.write(declared).into_type();
        let answer = if self.is_async { format!("Promise<{answer}>") } else { answer };
        format!("({}): {answer}", written.join(", "))
    }
}

fn is_optional(one: &str) -> bool {
    one.ends_with("| null") || one == "null"
}
