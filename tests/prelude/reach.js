// What granted functions lead to. `granted` are their paths; each is called with several argument lists, and
// what it answers, throws, or settles to is walked through own properties, getters and prototypes. Every
// function and every prototype that is met must be one that the realm had before.
(async (granted) => {
  const isObject = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function';
  const known = new Set();
  const learn = (v) => {
    if (!isObject(v) || known.has(v)) return;
    known.add(v);
    for (const key of Reflect.ownKeys(v)) {
      const d = Reflect.getOwnPropertyDescriptor(v, key);
      if ('value' in d) learn(d.value); else { learn(d.get); learn(d.set); }
    }
    learn(Reflect.getPrototypeOf(v));
  };
  for (const root of [globalThis, [].values(), new Map().values(), new Set().values(), ''[Symbol.iterator](), 'a'.matchAll(/a/g),
    [].values().map((x) => x), Iterator.from({ next() {} }), function* () {}, async function* () {}, async () => {},
    new Error(), (() => { try { null.x; } catch (error) { return error; } })()]) learn(root);

  const findings = []; const seen = new Set(); let looked = 0;
  const look = (path, v) => {
    if (!isObject(v) || known.has(v) || seen.has(v)) return;
    seen.add(v); looked++;
    if (typeof v === 'function') findings.push(`${path}: a function`);
    const prototype = Reflect.getPrototypeOf(v);
    if (prototype !== null && !known.has(prototype)) findings.push(`${path}: a prototype`);
    if (v.constructor !== undefined && !known.has(v.constructor)) findings.push(`${path}: a constructor`);
    for (const key of Reflect.ownKeys(v)) {
      const d = Reflect.getOwnPropertyDescriptor(v, key);
      const at = `${path}.${String(key)}`;
      if ('value' in d) look(at, d.value); else { look(`${at} (get)`, d.get); look(`${at} (set)`, d.set); }
    }
    // Getters on the way up, as they are meant to be read.
    for (let owner = prototype; owner !== null; owner = Reflect.getPrototypeOf(owner)) {
      for (const key of Reflect.ownKeys(owner)) {
        const d = Reflect.getOwnPropertyDescriptor(owner, key);
        if (d.get === undefined) continue;
        try { look(`${path}.${String(key)}`, Reflect.apply(d.get, v, [])); } catch (error) { look(`${path}.${String(key)} threw`, error); }
      }
    }
    // What a host could have bound to something of its own.
    try { findings.push(`${path}: code from text: ${v.constructor.constructor('return 1')()}`); } catch { /* as it must be */ }
  };
  const lists = [[], [undefined], ['x'], ['workspace/a.txt'], ['workspace/a.txt', 'text'], [{}], [{ url: 'http://127.0.0.1:1/', headers: [] }],
    ['http://127.0.0.1:1/'], ['key', { a: 1 }], ['echo', ['x']], [new Proxy({}, {})], [Symbol()], [() => 1], [new Uint8Array(2)], [1e9]];
  for (const path of granted) {
    const names = path.split('.');
    const holder = names.slice(0, -1).reduce((object, name) => object[name], globalThis);
    const f = holder[names.at(-1)];
    if (typeof f !== 'function') { findings.push(`${path}: is absent`); continue; }
    if (Reflect.getPrototypeOf(f) !== Function.prototype) findings.push(`${path}: its prototype`);
    if (Reflect.getPrototypeOf(holder) !== Object.prototype && holder !== globalThis) findings.push(`${path}: its namespace`);
    for (const key of Reflect.ownKeys(f)) if (key !== 'name' && key !== 'length') findings.push(`${path}.${String(key)}`);
    for (const list of lists) {
      try {
        const answer = f(...list);
        look(`${path}()`, answer);
        if (answer instanceof Promise) {
          await answer.then((value) => look(`${path}() fulfilled`, value), (error) => look(`${path}() rejected`, error));
        }
      } catch (error) { look(`${path}() threw`, error); }
      try { new f(...list); findings.push(`new ${path}()`); } catch (error) { look(`new ${path}() threw`, error); }
    }
  }
  return { looked, findings };
})(GRANTED)
