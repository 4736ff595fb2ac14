//! ES modules: those the plugin was built from, and no others.

use std::collections::HashMap;

use super::Failure;
use super::failure::OrThrown as _;
use super::settle;
use super::state::State;
use super::{realm, startup};
use crate::protocol::PluginError;

/// The modules that have been compiled, by name.
#[derive(Default)]
pub(super) struct Modules {
    by_name: HashMap<String, v8::Global<v8::Module>>,
    names: HashMap<i32, String>,
}

/// Links and evaluates the module of this name, and awaits what it awaits.
pub(super) fn run(scope: &mut v8::PinScope<'_, '_>, name: &str) -> Result<(), Failure> {
    let Some(module) = compiled(scope, name)? else {
        return Err(PluginError::InvalidArgument(format!("there is no module {name:?}")).into());
    };
    module.instantiate_module(scope, resolve).or_thrown()?;
    let evaluated = module.evaluate(scope).or_thrown()?;
    settle::settle(scope, &State::of(scope), evaluated).map(drop)
}

/// The module of this name, compiled if that was not done before; `None` if there is none.
fn compiled<'s>(
    scope: &v8::PinScope<'s, '_>,
    name: &str,
) -> Result<Option<v8::Local<'s, v8::Module>>, Failure> {
    let state = State::of(scope);
    if let Some(module) = state.modules.borrow().by_name.get(name) {
        return Ok(Some(v8::Local::new(scope, module)));
    }
    let mut all = state.blueprint.scripts.iter();
    let Some(script) = all.find(|script| script.source.is_module && script.name == name) else {
        return Ok(None);
    };
    let module = startup::compile_module(scope, &state, name, &script.source)?;
    let mut modules = state.modules.borrow_mut();
    modules.names.insert(module.get_identity_hash().get(), name.to_owned());
    modules.by_name.insert(name.to_owned(), v8::Global::new(scope, module));
    Ok(Some(module))
}

/// V8 asks for what a module imports.
fn resolve<'s>(
    context: v8::Local<'s, v8::Context>,
    specifier: v8::Local<'s, v8::String>,
    _: v8::Local<'s, v8::FixedArray>,
    referrer: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    {
        // SAFETY: V8 calls this while it links, with the context it links in.
        v8::callback_scope!(unsafe scope, context);
        let specifier = specifier.to_rust_string_lossy(scope);
        let state = State::of(scope);
        let hash = referrer.get_identity_hash().get();
        let from = state.modules.borrow().names.get(&hash).cloned().unwrap_or_default();
        let name = resolve_name(&from, &specifier);
        match name.map_or(Ok(None), |name| compiled(scope, &name)) {
            Ok(Some(module)) => Some(module),
            Err(Failure::Thrown) => None,
            Err(Failure::Error(error)) => {
                realm::throw_type_error(scope, &error.to_string());
                None
            }
            Ok(None) => {
                let from = state.blueprint.script_name(&from);
                let message = format!("cannot import {specifier:?} from {from}: no such module");
                realm::throw_type_error(scope, &message);
                None
            }
        }
    }
}

/// `./lib/x.js` seen from `src/main.js` is `src/lib/x.js`. Only relative specifiers name
/// anything, and none leads above the root.
fn resolve_name(from: &str, specifier: &str) -> Option<String> {
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return None;
    }
    let mut path: Vec<_> = from.split('/').collect();
    path.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_are_relative_and_stay_inside() {
        let resolve = |from, specifier| resolve_name(from, specifier);
        assert_eq!(resolve("main.js", "./x.js").as_deref(), Some("x.js"));
        assert_eq!(resolve("src/main.js", "./lib/x.js").as_deref(), Some("src/lib/x.js"));
        assert_eq!(resolve("src/main.js", "../x.js").as_deref(), Some("x.js"));
        assert_eq!(resolve("main.js", "../x.js"), None);
        assert_eq!(resolve("main.js", "x.js"), None);
        assert_eq!(resolve("main.js", "/x.js"), None);
    }
}
