// Replaces everything that can be replaced before the first touch of any of the web's names, then
// uses them. The value is what they did, and each call of a replacement that was ours to make.
(() => {
  'use strict';
  const called = [];
  const evil = function () { called[called.length] = 'called'; return 1; };
  const define = Reflect.defineProperty;
  const describe = Reflect.getOwnPropertyDescriptor;
  const keysOf = Reflect.ownKeys;
  const parentOf = Reflect.getPrototypeOf;
  const stringify = JSON.stringify;
  const isMap = (value) => parentOf(value) === mapPrototype;
  const mapPrototype = Map.prototype;
  const objectPrototype = Object.prototype;
  const arrayPrototype = Array.prototype;
  const map = new Map([[1, 2]]);
  const names = ['String', 'Array', 'Map', 'Set', 'Object', 'Function', 'RegExp', 'Date', 'Error', 'TypeError', 'RangeError',
    'Symbol', 'Reflect', 'JSON', 'Number', 'Boolean', 'BigInt', 'ArrayBuffer', 'Uint8Array', 'DataView', 'Promise', 'Iterator',
    'Proxy', 'WeakMap', 'Math'];
  const victims = [parentOf(Int8Array), parentOf(Int8Array.prototype), parentOf([].values()), parentOf(parentOf([].values()))];
  for (const name of names) {
    victims.push(globalThis[name]);
    if (globalThis[name].prototype) victims.push(globalThis[name].prototype);
  }
  for (let i = 0; i < victims.length; i++) {
    const keys = keysOf(victims[i]);
    for (let j = 0; j < keys.length; j++) {
      const descriptor = describe(victims[i], keys[j]);
      if (!descriptor.configurable || keys[j] === 'constructor' || (victims[i] === Function && keys[j] === 'name')) continue;
      if (typeof descriptor.value === 'function') define(victims[i], keys[j], { __proto__: null, value: evil, configurable: true, writable: true });
      else if (descriptor.get) define(victims[i], keys[j], { __proto__: null, get: evil, set: evil, configurable: true });
    }
  }
  const members = ['get', 'set', 'value', 'writable', 'enumerable', 'configurable', 'done', 'next', 'type', 'once', 'capture', 'signal',
    'passive', 'callback', 'removed', 'bubbles', 'fatal', 'ignoreBOM', 'stream', 'transfer', 'isHandler', 'then', 'toString',
    'handleEvent', 'detail', 'kind', 'keys', 'at', 'source', 'target', 'isHidden', 'maxByteLength', 0, 1, 2, 3, 4, 5];
  const trap = (owner, key) => define(owner, key, {
    __proto__: null, configurable: true,
    get() { called[called.length] = 'got ' + key; },
    set() { called[called.length] = 'set ' + key; },
  });
  const log = { __proto__: null };
  const plain = { __proto__: null, a: 1, b: { __proto__: null }, map, self: null };
  plain.self = plain;
  const noOptions = { __proto__: null };
  // (What follows makes no array and no object with a prototype of its own.)
  for (let i = 0; i < members.length; i++) trap(objectPrototype, members[i]);
  for (let i = 0; i < 6; i++) trap(arrayPrototype, i);
  for (let i = 0; i < names.length; i++) globalThis[names[i]] = undefined;

  const bytes = new TextEncoder().encode('h\u00e9');
  log.bytes = bytes[0] + ' ' + bytes[1] + ' ' + bytes[2];
  log.text = new TextDecoder('utf-8', noOptions).decode(bytes, noOptions);
  log.base64 = btoa('hi') + ' ' + atob('aGk=');
  const url = new URL('?b=2&a=1', 'http://x.y/z');
  url.searchParams.append('q', 'r s');
  url.searchParams.sort();
  url.searchParams.delete('b');
  url.hash = 'x';
  log.url = url.href;
  const entry = url.searchParams.entries().next();
  log.entry = entry.value[0] + entry.value[1] + entry.done;
  const target = new EventTarget();
  target.addEventListener('x', (event) => { log.event = event.type + event.eventPhase; });
  target.dispatchEvent(new Event('x'));
  const controller = new AbortController();
  controller.signal.addEventListener('abort', () => { log.aborted = true; });
  controller.abort();
  log.reason = controller.signal.reason.name;
  const copy = structuredClone(plain);
  log.clone = copy.a === 1 && copy !== plain && copy.self === copy && isMap(copy.map);
  log.called = '';
  for (let i = 0; i < called.length; i++) log.called += called[i] + ', ';
  return stringify(log);
})()
