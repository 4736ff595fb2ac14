// Every name that is reachable from the global object, one line each: the path on which it was met
// first, what is there, and the attributes (w writable, e enumerable, c configurable). Prototypes are
// `__proto__`; what only syntax leads to has a root of its own.
(() => {
  const seen = new Map(); const lines = [];
  const name = (key) => (typeof key === 'symbol' ? `[${key.description}]` : key);
  const kind = (v) => (v === null ? 'null' : typeof v === 'object' || typeof v === 'function' ? (seen.has(v) ? `= ${seen.get(v)}` : typeof v) : typeof v);
  const visit = (path, v) => {
    if ((typeof v !== 'object' && typeof v !== 'function') || v === null || seen.has(v)) return;
    seen.set(v, path);
    const keys = Reflect.ownKeys(v).sort((a, b) => (name(a) < name(b) ? -1 : 1));
    for (const key of keys) {
      const d = Reflect.getOwnPropertyDescriptor(v, key);
      const at = `${path}/${name(key)}`;
      const flags = `${d.writable ? 'w' : ''}${d.enumerable ? 'e' : ''}${d.configurable ? 'c' : ''}`;
      if ('value' in d) lines.push([at, kind(d.value), flags]);
      else lines.push([at, `${d.get ? 'get' : ''}${d.set ? 'set' : ''}`, flags]);
    }
    for (const key of keys) {
      const d = Reflect.getOwnPropertyDescriptor(v, key);
      const at = `${path}/${name(key)}`;
      if ('value' in d) visit(at, d.value); else { visit(`get ${at}`, d.get); visit(`set ${at}`, d.set); }
    }
    const prototype = Reflect.getPrototypeOf(v);
    if (prototype !== null && !seen.has(prototype)) lines.push([`${path}/__proto__`, 'object', '']);
    visit(`${path}/__proto__`, prototype);
  };
  const roots = [['', globalThis], ['%ArrayIterator%', [].values()], ['%MapIterator%', new Map().values()], ['%SetIterator%', new Set().values()],
    ['%StringIterator%', ''[Symbol.iterator]()], ['%RegExpStringIterator%', 'a'.matchAll(/a/g)], ['%IteratorHelper%', [].values().map((x) => x)],
    ['%WrapForValidIterator%', Iterator.from({ next() {} })], ['%Generator%', function* () {}], ['%AsyncGenerator%', async function* () {}],
    ['%AsyncFunction%', async () => {}], ['%Function%', function () {}], ['%RegExp%', /./], ['%Error%', new Error()]];
  for (const [path, v] of roots) visit(path, v);
  return lines.filter(([path]) => !/\/(name|length)$/.test(path)).map(([path, what, flags]) => `${path.replace(/^\//, '')} ${what} ${flags}`.trim());
})()
