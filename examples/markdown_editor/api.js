// The editor's plugin API, made of what the sandbox has: run in every plugin's isolate before the
// plugin itself. It belongs to the plugin's realm, and has no powers that the plugin has not.
(() => {
  'use strict';
  const handlers = new Map();

  // The handlers of a hook. Each gets what the one before it made of the value.
  const handlersOf = (name) => {
    if (!handlers.has(name)) {
      handlers.set(name, []);
      plugin.on(name, async (value) => {
        for (const handler of handlers.get(name)) value = (await handler(value)) ?? value;
        return value;
      });
    }
    return handlers.get(name);
  };

  globalThis.registerHook = (name, handler) => {
    if (typeof handler !== 'function') throw new TypeError(`registerHook: the handler of ${name} is not a function`);
    handlersOf(name).push(handler);
  };

  globalThis.onActivate = (handler) => registerHook('onActivate', handler);
  globalThis.onDeactivate = (handler) => registerHook('onDeactivate', handler);
  // A plugin without such a hook has it all the same: else the functions just above, which have its
  // name, would be taken for it.
  handlersOf('onActivate');
  handlersOf('onDeactivate');

  // A command of the editor's menu; the host calls the hook `command:<id>`.
  globalThis.registerCommand = (id, title, handler) => {
    registerHook(`command:${id}`, handler);
    ui.addCommand(id, title);
  };
})();
