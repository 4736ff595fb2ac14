// Every fact about every value that is reachable from the globals: own keys, attributes, prototypes,
// source texts, whether it can be constructed; values are named by the path on which they were met
// first. The facts of a hardened realm are those of a stock one.
(() => {
  const paths = new Map(); const lines = [];
  const constructible = (f) => { try { Reflect.construct(Object, [], f); return 'new'; } catch { return 'no-new'; } };
  const show = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function' ? paths.get(v) : typeof v + ' ' + String(v);
  const visit = (path, v) => {
    if ((typeof v !== 'object' && typeof v !== 'function') || v === null || paths.has(v)) return;
    paths.set(v, path);
    for (const key of Reflect.ownKeys(v)) {
      const d = Reflect.getOwnPropertyDescriptor(v, key);
      const name = path + '/' + String(key);
      if ('value' in d) visit(name, d.value); else { visit('get ' + name, d.get); visit('set ' + name, d.set); }
    }
    visit(path + '/__proto__', Reflect.getPrototypeOf(v));
  };
  const roots = [['global', globalThis], ['%ArrayIterator%', [].values()], ['%RegExpStringIterator%', 'a'.matchAll(/a/g)], ['%Generator%', function* () {}], ['%AsyncFunction%', async () => {}]];
  for (const [path, v] of roots) visit(path, v);
  for (const [v, path] of paths) {
    const keys = Reflect.ownKeys(v).map(String).join();
    lines.push(path + ' keys ' + keys + ' proto ' + show(Reflect.getPrototypeOf(v)) + ' ' + Object.isExtensible(v) + ' ' + Object.prototype.toString.call(v)
      + (typeof v === 'function' ? ' ' + constructible(v) + ' ' + Function.prototype.toString.call(v) : ''));
    for (const key of Reflect.ownKeys(v)) {
      const d = Reflect.getOwnPropertyDescriptor(v, key);
      if (path.endsWith('/RegExp') && typeof d.value === 'string') continue;
      lines.push(path + '/' + String(key) + ' ' + d.writable + d.enumerable + d.configurable + ' ' + ('value' in d ? show(d.value) : show(d.get) + ' ' + show(d.set)));
    }
  }
  return lines;
})()
