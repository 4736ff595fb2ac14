// The hardening prelude: one expression, evaluated to a function that the host calls once in a fresh
// realm, before any guest code, with 'full' or 'abort-only', and whether buffers may be resizable. Every
// isolate pays for what this does at once: what is rarely needed is made when it is first needed.
//
// WHAT HOLDS AFTERWARDS ('full'): no call of a single built-in aborts the process or runs for long
// without polling V8's interrupt flag. Refused calls throw a RangeError that starts with
// "plugin-sandbox:". 'abort-only' closes only what ends the process although the heap callbacks of the
// host are armed ("invalid array length", "invalid size error").
//
// HOW. Facts about V8 15.0 that everything below leans on (measured; the tests named below hold them):
//   1. Built-ins written in Torque or C++ do not poll while they walk indices or characters. JavaScript
//      polls at every function entry (and at a loop's back-edge when optimized; the interpreter and
//      Sparkplug do that only every few hundred rounds), so a loop written here can be terminated.
//   2. Every step of a built-in on a Proxy polls, with or without traps. So a Proxy may lie about its
//      length to a *walking* built-in; only those that allocate by length need the truth. A giant
//      that must not be refused is therefore walked through a Proxy of our own (`facade`).
//   3. A plain data property `length` of a non-Proxy cannot change between our read and the built-in's.
//      An own accessor is refused; anything else (inherited, an object with valueOf) is read once and
//      pinned in a facade.
//   4. Each wrapper owns its source text: V8 keeps type feedback per function literal, and wrappers
//      stamped out of one factory would share it and lose inlining (measured: 20 times on `reduce`).
//
// RULES FOR EDITING. After this function returned, the guest may replace anything it can reach. So
// nothing here looks up a property of a built-in object at call time: use the captured names. No spread,
// no for-of and no destructuring of our own arrays in wrappers: they go through Array.prototype.
// Descriptors get a null prototype. tests/all/hardening.rs compares with a stock realm; corpus.rs and generated.rs attack.
(function harden(level, resizable) {
  'use strict';

  const full = level === 'full';
  if (!full && level !== 'abort-only') throw new RangeError(`plugin-sandbox: unknown hardening level: ${level}`);

  // ---------------------------------------------------------------------------------------- limits
  const UNCHECKED = 1024; // arrays up to here go straight to V8, whatever their prototypes are
  const UNPOLLED = 2 ** 20; // elements a built-in may walk without polling: 0.01-0.1 s, sparse arrays 0.4 s
  const MAX_ELEMENTS = 2 ** 24; // elements of an array-like; beyond this a call is refused
  const MAX_LIST = 2 ** 18; // arguments of apply and construct; the stack overflows at about 2^17
  const MAX_KEYS = 2 ** 18; // index keys listed by Object.keys and its kin: 1.2 us each
  const MAX_PATTERN = 2 ** 16; // characters of a dynamic regular expression: 0.25 s, native memory
  const MAX_TEXT = 2 ** 22; // characters given to a parser or an encoder: 0.1-0.7 s
  const MAX_CASE_TEXT = 2 ** 24; // characters to upper or lower case, to compare or to escape quotes in
  const SMALL_TEXT = 2 ** 12; // characters searched without looking at the needle
  const SHORT_WALK = 2 ** 18; // characters a built-in may cut into pieces without polling: 0.45 us each
  const SEARCH_STEPS = 2 ** 26; // haystack x needle walked without polling: 0.25 s at worst
  const MAX_SEARCH_STEPS = 2 ** 36; // haystack x needle; beyond this a search is refused
  const MAX_WASM_PAGES = 2 ** 12; // 64 KiB each: 256 MiB

  // -------------------------------------------------------------------------------------- captured
  const { apply, construct, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, set } = Reflect;
  const { isArray, from: arrayFrom } = Array;
  const { create, hasOwn, setPrototypeOf } = Object;
  const { trunc, min, max, floor } = Math;
  const { isView } = ArrayBuffer;
  const ObjectOf = Object;
  const RangeErrorOf = RangeError;
  const TypeErrorOf = TypeError;
  const ProxyOf = Proxy;
  const ArrayOf = Array;
  const objectPrototype = Object.prototype;
  const arrayPrototype = Array.prototype;
  const stringPrototype = String.prototype;
  const functionPrototype = Function.prototype;
  const functionToString = functionPrototype.toString;
  const typedArrayOf = getPrototypeOf(Int8Array);
  const typedArrayPrototype = typedArrayOf.prototype;
  const { iterator: iteratorKey, species: speciesKey, isConcatSpreadable: spreadableKey, toPrimitive: toPrimitiveKey } = Symbol;
  const { match: matchKey, matchAll: matchAllKey, replace: replaceKey, split: splitKey, search: searchKey } = Symbol;
  // uncurry(f)(receiver, ...args) calls f; a bound function is immune to a replaced Function.prototype.call.
  const uncurry = functionPrototype.bind.bind(functionPrototype.call);
  const typedArrayLength = uncurry(getOwnPropertyDescriptor(typedArrayPrototype, 'length').get);
  const slice = uncurry(stringPrototype.slice);
  const charCodeAt = uncurry(stringPrototype.charCodeAt);
  const nativeIndexOf = uncurry(stringPrototype.indexOf);
  const nativeLastIndexOf = uncurry(stringPrototype.lastIndexOf);

  // ------------------------------------------------------------------------------- brands, installing
  // Private fields are stamped on foreign objects through the constructor's return value. They cannot be
  // seen, forged or trapped.
  const Foreign = class { constructor(object) { return object; } };
  // Wrappers and what they stand for, in turn: a Map is made of them when it is first asked for.
  const pairs = [];
  let originals;
  const MapOf = Map;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  function originalOf(f) {
    if (originals === undefined) {
      const map = new MapOf();
      for (let i = 0; i < pairs.length; i += 2) mapSet(map, pairs[i], pairs[i + 1]);
      originals = map; // only now: the call may be stopped in the loop
    }
    const original = mapGet(originals, f);
    return original === undefined ? f : original;
  }
  // Which objects are Proxies, and of what. The map is made with the first Proxy: until then the
  // question costs nothing.
  const WeakMapOf = WeakMap;
  const weakHas = uncurry(WeakMap.prototype.has);
  const weakGet = uncurry(WeakMap.prototype.get);
  const weakSet = uncurry(WeakMap.prototype.set);
  let proxies;
  function isProxy(object) { return proxies !== undefined && weakHas(proxies, object); }
  let giantExists = false; // a typed array, or a Proxy's target, with more than MAX_KEYS index keys
  function noteGiant(object) {
    if (!giantExists && hasOwn(object, MAX_KEYS)) giantExists = true;
    return object;
  }
  function rememberProxy(proxy, target) {
    proxies ??= new WeakMapOf();
    if (!isProxy(target)) noteGiant(target);
    weakSet(proxies, proxy, target);
    return proxy;
  }

  // Replaces owner[key], which is writable, and so keeps its attributes. A name the host has already
  // removed stays removed.
  function replace(owner, key, wrapper) {
    if (!hasOwn(owner, key)) return;
    pairs[pairs.length] = wrapper;
    pairs[pairs.length] = owner[key];
    owner[key] = wrapper;
  }

  function install(owner, methods) {
    const keys = ownKeys(methods);
    for (let i = 0; i < keys.length; i++) replace(owner, keys[i], methods[keys[i]]);
  }

  // Makes `wrapper` stand for the constructor owner[name]: same statics, same prototype object, and the
  // prototype's `constructor` leads to it, so that the original cannot be reached from an instance.
  function replaceConstructor(owner, name, wrapper) {
    const original = owner[name];
    for (const key of ownKeys(original)) {
      if (key === 'prototype') defineProperty(wrapper, key, { __proto__: null, value: original.prototype, writable: false });
      else if (key !== 'length' && key !== 'name') defineProperty(wrapper, key, getOwnPropertyDescriptor(original, key));
    }
    setPrototypeOf(wrapper, getPrototypeOf(original));
    original.prototype.constructor = wrapper;
    replace(owner, name, wrapper);
  }

  // ----------------------------------------------------------------------------------------- helpers
  function refuse(what, size, limit) {
    throw new RangeErrorOf(`plugin-sandbox: ${what} exceeds the limit of ${limit} (got ${size})`);
  }
  function refuseElements(name, length, limit = MAX_ELEMENTS) {
    throw new RangeErrorOf(`plugin-sandbox: ${name} on ${length} elements exceeds the limit of ${limit}`);
  }
  function isObject(value) { return typeof value === 'object' ? value !== null : typeof value === 'function'; }
  function toLength(value) {
    const n = trunc(+value);
    return n > 0 ? min(n, 2 ** 53 - 1) : 0;
  }
  function toInteger(value) { const n = trunc(+value); return n === n ? n : 0; } // NaN is 0
  function toText(value) { return typeof value === 'string' ? value : `${value}`; } // throws for a symbol, as ToString does

  function toObject(value) {
    if (value === undefined || value === null) throw new TypeErrorOf('Cannot convert undefined or null to object');
    return ObjectOf(value);
  }

  // Is a lookup that misses on `object` cheap? A chain of prototypes may be a million long, or lead
  // through a Proxy whose own chain is: each hole of an array then costs milliseconds, unpolled.
  function hasShortChain(object) {
    let at = object;
    for (let i = 0; i < 8; i++) {
      if (isProxy(at)) return false;
      at = getPrototypeOf(at);
      if (at === null) return true;
    }
    return false;
  }

  // The length that a built-in will see if that is certain, else -1. An own accessor, which no ordinary
  // array-like has, is refused; inherited ones (typed arrays, classes) get pinned by the caller.
  function ownLength(object, name) {
    if (isProxy(object)) return -1;
    const descriptor = getOwnPropertyDescriptor(object, 'length');
    if (descriptor === undefined) return -1;
    if (!hasOwn(descriptor, 'value')) refuseAccessor(name); // (`descriptor.value` might be inherited)
    return isObject(descriptor.value) ? -1 : toLength(descriptor.value);
  }
  function refuseAccessor(name) {
    throw new RangeErrorOf(`plugin-sandbox: ${name} on an object whose length is an accessor property`);
  }

  // `object` as a Proxy with a pinned length. Its traps are JavaScript, so whatever walks it polls.
  function facade(object, length) {
    return new ProxyOf(isArray(object) ? [] : {}, {
      __proto__: null,
      get: (_, key) => (key === 'length' ? length : object[key]),
      set: (_, key, value) => set(object, key, value),
      has: (_, key) => key in object,
      deleteProperty: (_, key) => deleteProperty(object, key),
    });
  }

  // A true array: its length cannot lie.
  function isPlainArray(object) { return isArray(object) && !isProxy(object); }

  // An array-like argument, fit to be handed to a built-in: itself, or a facade, or a RangeError.
  function tame(object, name, limit = MAX_ELEMENTS) {
    if (isPlainArray(object) && object.length <= UNPOLLED && getPrototypeOf(object) === arrayPrototype
      && getPrototypeOf(arrayPrototype) === objectPrototype) return object; // the usual case, quickly
    const own = ownLength(object, name);
    const length = own < 0 ? toLength(object.length) : own;
    if (length > limit) refuseElements(name, length, limit);
    const cheap = isArray(object) ? UNPOLLED : UNPOLLED / 4; // elements of plain objects sit in a hash table
    if (own >= 0 && (length <= UNCHECKED || (length <= cheap && hasShortChain(object)))) return object;
    return facade(object, length);
  }

  // Array.prototype methods on anything that is not a small array. `takesCallback`: the callback's last
  // argument is the receiver, which must not be our facade.
  function walk(original, receiver, list, name, takesCallback) {
    if (receiver === undefined || receiver === null) return apply(original, receiver, list);
    const object = ObjectOf(receiver);
    const tamed = tame(object, name);
    if (tamed === object) return apply(original, object, list);
    if (takesCallback && typeof list[0] === 'function') {
      const callback = list[0];
      list[0] = function () {
        if (arguments[arguments.length - 1] === tamed) arguments[arguments.length - 1] = object;
        return apply(callback, this, arguments);
      };
    }
    const result = apply(original, tamed, list);
    return result === tamed ? object : result;
  }

  // ------------------------------------------------------------------- lists, species, text searching
  // The elements of an array-like as a plain array, each read once, in JavaScript. Array.from with a
  // null-prototype source defines its elements, so setters on Array.prototype do not see them.
  function listOf(object, length) {
    return apply(arrayFrom, undefined, [{ __proto__: null, length }, (_, i) => object[i]]);
  }

  function define(object, key, value) {
    defineProperty(object, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  }

  function speciesOf(object, fallback) {
    const constructor = object.constructor;
    if (constructor === undefined) return fallback;
    if (!isObject(constructor)) throw new TypeErrorOf('object.constructor is not an object');
    const species = constructor[speciesKey];
    return species === undefined || species === null ? fallback : species;
  }

  function arraySpeciesCreate(object) { // of length 0; undefined stands for a plain array
    if (!isArray(object)) return undefined;
    let constructor = object.constructor;
    if (isObject(constructor)) {
      constructor = constructor[speciesKey];
      if (constructor === null) constructor = undefined;
    }
    return constructor === undefined || constructor === ArrayOf ? undefined : construct(constructor, [0]);
  }

  // V8's searches are quadratic at worst and do not poll: 3 ns for each of haystack x needle. Large ones
  // go window by window; substrings of this size are views, not copies.
  function searchWindow(name, text, needle) {
    const steps = text.length * needle.length;
    if (steps > MAX_SEARCH_STEPS) refuse(`${name} with a needle of ${needle.length} characters`, steps, MAX_SEARCH_STEPS);
    return max(floor(SEARCH_STEPS / max(needle.length, 1)), 1);
  }
  function indexOf(name, text, needle, position) {
    if (needle.length > text.length - position) return -1;
    const window = searchWindow(name, text, needle);
    for (let at = position; ; at += window) {
      const end = at + window + needle.length - 1;
      if (end >= text.length) return at === 0 ? nativeIndexOf(text, needle) : nativeIndexOf(text, needle, at);
      const found = nativeIndexOf(slice(text, at, end), needle);
      if (found >= 0) return at + found;
    }
  }
  function lastIndexOf(name, text, needle, position) {
    const window = searchWindow(name, text, needle);
    for (let last = min(position, text.length - needle.length); last >= 0; last -= window) {
      const first = max(last - window + 1, 0);
      const found = nativeLastIndexOf(slice(text, first, last + needle.length), needle);
      if (found >= 0) return first + found;
    }
    return -1;
  }

  // GetSubstitution of the specification, for the replace functions below. `result` is a match, or
  // undefined when a string was searched.
  function expand(template, text, position, matched, result, groups) {
    let at = nativeIndexOf(template, '$');
    if (at < 0) return template;
    const captures = result === undefined ? 0 : max(toLength(result.length) - 1, 0);
    let out = '';
    let done = 0;
    for (; at >= 0 && at + 1 < template.length; at = nativeIndexOf(template, '$', at)) {
      const code = charCodeAt(template, at + 1);
      let width = 2;
      let piece;
      if (code === 0x24) piece = '$';
      else if (code === 0x26) piece = matched;
      else if (code === 0x60) piece = slice(text, 0, position);
      else if (code === 0x27) piece = slice(text, min(position + matched.length, text.length));
      else if (code === 0x3c && groups !== undefined) {
        const close = nativeIndexOf(template, '>', at);
        if (close >= 0) {
          width = close + 1 - at;
          const capture = groups[slice(template, at + 2, close)];
          piece = capture === undefined ? '' : toText(capture);
        }
      } else if (code >= 0x30 && code <= 0x39) {
        let index = code - 0x30;
        const second = at + 2 < template.length ? charCodeAt(template, at + 2) - 0x30 : -1;
        if (second >= 0 && second <= 9 && index * 10 + second >= 1 && index * 10 + second <= captures) {
          index = index * 10 + second;
          width = 3;
        }
        if (index >= 1 && index <= captures) piece = result[index] === undefined ? '' : toText(result[index]);
      }
      if (piece === undefined) at += 1;
      else {
        out += slice(template, done, at) + piece;
        done = at += width;
      }
    }
    return out + slice(template, done);
  }

  const regexpPrototype = RegExp.prototype;
  const getSource = uncurry(getOwnPropertyDescriptor(regexpPrototype, 'source').get);
  function isRegExp(value) { // has it the internal slots?
    if (!isObject(value) || value === regexpPrototype) return false;
    try { getSource(value); return true; } catch { return false; }
  }
  function looksLikeRegExp(value) { // IsRegExp of the specification
    if (!isObject(value)) return false;
    const matcher = value[matchKey];
    return matcher === undefined ? isRegExp(value) : !!matcher;
  }

  // =============================================================================== abort-only and full
  // What follows allocates a FixedArray by a length that the guest chooses ("invalid array length"), or
  // grows one past its maximum ("invalid size error", which no handler of the host sees).

  // Proxies get known here, because facts 2 and 3 and `sort` need to know them. The wrapper is a Proxy of
  // the constructor: like the original it is a constructor without a `prototype`.
  {
    const original = Proxy;
    const wrapper = new ProxyOf(original, {
      __proto__: null,
      construct: (_, list, target) => rememberProxy(construct(original, list, target), list[0]),
    });
    const { revocable } = original;
    replace(globalThis, 'Proxy', wrapper);
    install(original, {
      revocable(target, handler) {
        const result = revocable(target, handler);
        rememberProxy(result.proxy, target);
        return result;
      },
    });
  }

  // ------------------------------------------------------------------------------------ sort, flat
  // The default order compares as strings inside V8, unpolled: a comparator in JavaScript polls.
  const defaultOrder = (a, b) => { // undefined never gets here
    const x = toText(a);
    const y = toText(b);
    return x < y ? -1 : y < x ? 1 : 0;
  };
  const LONG_TEXT = 2 ** 12; // an element whose comparison is no longer cheap
  function comparatorFor(array, length, comparator) {
    if (comparator !== undefined || !full) return comparator;
    if (length > 2 ** 16) return defaultOrder;
    for (let i = 0; i < length; i++) {
      const element = array[i];
      if (typeof element === 'string' && element.length > LONG_TEXT) return defaultOrder;
    }
    return undefined;
  }
  {
    const sort = uncurry(arrayPrototype.sort);
    const toSorted = arrayPrototype.toSorted && uncurry(arrayPrototype.toSorted);
    const isSortable = (array) => isPlainArray(array) && array.length <= UNPOLLED && (array.length <= UNCHECKED || hasShortChain(array));
    install(arrayPrototype, {
      sort(comparator) {
        if (comparator !== undefined && typeof comparator !== 'function') return sort(this, comparator);
        if (isSortable(this)) return sort(this, comparatorFor(this, this.length, comparator));
        if (this === undefined || this === null) return sort(this);
        const object = ObjectOf(this);
        const length = toLength(object.length);
        if (length > MAX_ELEMENTS) refuseElements('Array.prototype.sort', length);
        const items = [];
        let count = 0;
        for (let i = 0; i < length; i++) if (i in object) define(items, count++, object[i]);
        sort(items, comparatorFor(items, count, comparator));
        for (let i = 0; i < count; i++) object[i] = items[i];
        for (let i = count; i < length; i++) if (i in object) delete object[i];
        return object;
      },
      toSorted(comparator) {
        if (comparator !== undefined && typeof comparator !== 'function') return toSorted(this, comparator);
        if (isSortable(this)) return toSorted(this, comparatorFor(this, this.length, comparator));
        if (this === undefined || this === null) return toSorted(this);
        const object = ObjectOf(this);
        const length = toLength(object.length);
        if (length > MAX_ELEMENTS) refuseElements('Array.prototype.toSorted', length);
        const items = listOf(object, length);
        return sort(items, comparatorFor(items, length, comparator));
      },
    });
  }
  {
    const { flat } = arrayPrototype;
    // `[].flat` sums up lengths of inner arrays: 45 MB of them are enough to pass the maximum.
    // Counted before anything is made, and to the end: a nest that doubles at every level is walked
    // until it is stopped, and fills no heap meanwhile.
    const tally = (source, length, depth) => {
      let total = 0;
      for (let i = 0; i < length; i++) {
        const element = source[i];
        if (depth === 0 || !isPlainArray(element)) total++;
        else total += depth > 1 ? tally(element, element.length, depth - 1) : element.length;
      }
      return total;
    };
    const flatten = (target, plain, count, source, length, depth) => {
      for (let i = 0; i < length; i++) {
        if (!(i in source)) continue;
        const element = source[i];
        if (depth > 0 && isArray(element)) {
          count = flatten(target, plain, count, element, toLength(element.length), depth - 1);
        } else {
          if (count >= MAX_ELEMENTS) refuseElements('Array.prototype.flat', count + 1);
          if (plain) target[count++] = element;
          else define(target, count++, element);
        }
      }
      return count;
    };
    install(arrayPrototype, {
      flat() {
        if (this === undefined || this === null) return apply(flat, this, []);
        const object = ObjectOf(this);
        const length = toLength(object.length);
        if (length > MAX_ELEMENTS) refuseElements('Array.prototype.flat', length);
        const depth = arguments.length === 0 || arguments[0] === undefined ? 1 : toInteger(arguments[0]);
        if (depth > 0 && isPlainArray(object)) {
          const total = tally(object, length, depth);
          if (total > MAX_ELEMENTS) refuseElements('Array.prototype.flat', total);
        }
        const made = arraySpeciesCreate(object);
        const target = made === undefined ? [] : made;
        flatten(target, made === undefined, 0, object, length, depth);
        return target;
      },
    });
  }

  // ---------------------------------------------------------------------------- regular expressions
  // Parsing and compiling a pattern takes native memory outside every heap limit (240 bytes a character),
  // does not poll, and `new RegExp('a|'.repeat(2**23)).test('')` aborts; so dynamic patterns are capped.
  // That needs another RegExp.prototype.constructor, which invalidates V8's species protector and sends
  // every RegExp method down a path 6-30 times slower. `exec` and `test` are not affected: the methods are
  // therefore written here on top of `exec`, following the specification. They poll, and so need no cap.
  // One deviation: on a direct instance they ask `global` and the like instead of `flags`, as V8 does.
  {
    const original = RegExp;
    const prototype = regexpPrototype;
    const nativeExec = prototype.exec;
    const exec = uncurry(nativeExec);
    const iteratorPrototype = getPrototypeOf(prototype[matchAllKey](''));
    const nativeNext = uncurry(iteratorPrototype.next);
    const compile = prototype.compile && uncurry(prototype.compile);

    const checkedPattern = (pattern) => {
      const text = pattern === undefined ? '' : toText(pattern);
      if (text.length > MAX_PATTERN) refuse('the length of a regular expression', text.length, MAX_PATTERN);
      return text;
    };

    const wrapper = function RegExp(pattern, flags) {
      let target = new.target;
      if (isObject(pattern)) {
        const like = looksLikeRegExp(pattern);
        if (target === undefined && like && flags === undefined && pattern.constructor === wrapper) return pattern;
        if (!isRegExp(pattern)) {
          const source = like ? pattern.source : pattern;
          if (like && flags === undefined) flags = pattern.flags;
          pattern = checkedPattern(source);
        }
      } else pattern = checkedPattern(pattern);
      if (target === undefined || target === wrapper) return new original(pattern, flags);
      return construct(original, [pattern, flags], target);
    };
    replaceConstructor(globalThis, 'RegExp', wrapper);

    const execOn = (regexp, text) => { // RegExpExec of the specification
      const method = regexp.exec;
      if (method === nativeExec || typeof method !== 'function') return exec(regexp, text);
      const result = apply(method, regexp, [text]);
      if (result !== null && !isObject(result)) throw new TypeErrorOf(`object null is not a function`);
      return result;
    };
    // By name, not with a key: V8 learns each place of a name by itself.
    const hasFlag = (regexp, letter) => nativeIndexOf(toText(regexp.flags), letter) >= 0;
    const isGlobal = (regexp) => (getPrototypeOf(regexp) === prototype ? !!regexp.global : hasFlag(regexp, 'g'));
    const isUnicode = (regexp) => (getPrototypeOf(regexp) === prototype
      ? !!regexp.unicode || !!regexp.unicodeSets : hasFlag(regexp, 'u') || hasFlag(regexp, 'v'));
    const advance = (text, index, unicode) => {
      if (!unicode || index + 1 >= text.length) return index + 1;
      const lead = charCodeAt(text, index);
      if (lead < 0xd800 || lead > 0xdbff) return index + 1;
      const trail = charCodeAt(text, index + 1);
      return trail < 0xdc00 || trail > 0xdfff ? index + 1 : index + 2;
    };
    const skipEmpty = (regexp, text) => { regexp.lastIndex = advance(text, toLength(regexp.lastIndex), isUnicode(regexp)); };
    class Match { // fields are defined, not set: setters on prototypes do not see them
      result;
      next = null;
      constructor(result) { this.result = result; }
    }
    // Nothing in here runs guest code between two matches, so they need not be collected first.
    const replaceLiterally = (regexp, text, template, global) => {
      let out = '';
      let done = 0;
      do {
        const result = exec(regexp, text);
        if (result === null) break;
        out += slice(text, done, result.index) + template;
        done = result.index + result[0].length;
        if (global && result[0] === '') skipEmpty(regexp, text);
      } while (global);
      return done >= text.length ? out : out + slice(text, done);
    };
    const callReplace = (replacer, result, matched, position, text, groups) => {
      const captures = max(toLength(result.length) - 1, 0);
      if (groups === undefined) {
        if (captures === 0) return replacer(matched, position, text);
        if (captures === 1) return replacer(matched, textOrUndefined(result[1]), position, text);
        if (captures === 2) return replacer(matched, textOrUndefined(result[1]), textOrUndefined(result[2]), position, text);
      }
      const list = [matched];
      for (let i = 1; i <= captures; i++) define(list, i, textOrUndefined(result[i]));
      define(list, captures + 1, position);
      define(list, captures + 2, text);
      if (groups !== undefined) define(list, captures + 3, groups);
      return apply(replacer, undefined, list);
    };
    const textOrUndefined = (value) => (value === undefined ? undefined : toText(value));
    const wrongReceiver = (method, receiver) => {
      throw new TypeErrorOf(`Method RegExp.prototype.${method} called on incompatible receiver ${toText(receiver)}`);
    };

    install(prototype, {
      [matchKey](string) {
        if (!isObject(this)) wrongReceiver('@@match', this);
        const text = toText(string);
        if (!isGlobal(this)) return execOn(this, text);
        this.lastIndex = 0;
        const matches = [];
        let count = 0;
        for (;;) {
          const result = execOn(this, text);
          if (result === null) return count === 0 ? null : matches;
          const matched = toText(result[0]);
          matches[count++] = matched;
          if (matched === '') skipEmpty(this, text);
        }
      },

      [replaceKey](string, replaceValue) {
        if (!isObject(this)) wrongReceiver('@@replace', this);
        const text = toText(string);
        const functional = typeof replaceValue === 'function';
        const template = functional ? '' : toText(replaceValue);
        const global = isGlobal(this);
        if (global) this.lastIndex = 0;
        if (!functional && nativeIndexOf(template, '$') < 0 && getPrototypeOf(this) === prototype && this.exec === nativeExec) {
          return replaceLiterally(this, text, template, global);
        }
        const matches = new Match(); // all of them come before the first call of replaceValue
        let last = matches;
        for (;;) {
          const result = execOn(this, text);
          if (result === null) break;
          last = last.next = new Match(result);
          if (!global) break;
          if (toText(result[0]) === '') skipEmpty(this, text);
        }
        let out = '';
        let done = 0;
        for (let match = matches.next; match !== null; match = match.next) {
          const { result } = match;
          const matched = toText(result[0]);
          const position = max(min(toInteger(result.index), text.length), 0);
          let { groups } = result;
          let replacement;
          if (functional) replacement = toText(callReplace(replaceValue, result, matched, position, text, groups));
          else {
            if (groups !== undefined) groups = ObjectOf(groups);
            replacement = expand(template, text, position, matched, result, groups);
          }
          if (position >= done) {
            out += slice(text, done, position) + replacement;
            done = position + matched.length;
          }
        }
        return done >= text.length ? out : out + slice(text, done);
      },

      [splitKey](string, limit) {
        if (!isObject(this)) wrongReceiver('@@split', this);
        const text = toText(string);
        const constructor = speciesOf(this, wrapper);
        const flags = toText(this.flags);
        // A plain regular expression is searched for; others are tried at each index, as specified.
        const plain = constructor === wrapper && isRegExp(this) && prototype.exec === nativeExec;
        const sticky = nativeIndexOf(flags, 'y') >= 0;
        let splitter;
        if (!plain) splitter = construct(constructor, [this, sticky ? flags : `${flags}y`]);
        else if (sticky) splitter = new original(getSource(this), withoutSticky(flags));
        else splitter = new original(this, nativeIndexOf(flags, 'g') >= 0 ? flags : `${flags}g`);
        const unicode = nativeIndexOf(flags, 'u') >= 0 || nativeIndexOf(flags, 'v') >= 0;
        const pieces = [];
        let count = 0;
        const wanted = limit === undefined ? 2 ** 32 - 1 : limit >>> 0;
        if (wanted === 0) return pieces;
        const size = text.length;
        if (size === 0) {
          if ((plain ? exec(splitter, text) : execOn(splitter, text)) === null) pieces[0] = text;
          return pieces;
        }
        let done = 0;
        let at = 0;
        while (at < size) {
          splitter.lastIndex = at;
          const result = plain ? exec(splitter, text) : execOn(splitter, text);
          if (plain) {
            if (result === null) break;
            at = result.index;
            if (at >= size) break;
          }
          const end = result === null ? done : min(toLength(splitter.lastIndex), size);
          if (result === null || end === done) {
            at = advance(text, at, unicode);
            continue;
          }
          pieces[count++] = slice(text, done, at);
          if (count === wanted) return pieces;
          done = end;
          const captures = max(toLength(result.length) - 1, 0);
          for (let i = 1; i <= captures; i++) {
            pieces[count++] = result[i];
            if (count === wanted) return pieces;
          }
          at = done;
        }
        pieces[count] = slice(text, done);
        return pieces;
      },

      [matchAllKey](string) {
        if (!isObject(this)) wrongReceiver('@@matchAll', this);
        const text = toText(string);
        const constructor = speciesOf(this, wrapper);
        const flags = toText(this.flags);
        const matcher = construct(constructor, [this, flags]);
        matcher.lastIndex = toLength(this.lastIndex);
        return MatchIterator.make(matcher, text, nativeIndexOf(flags, 'g') >= 0);
      },

      compile(pattern, flags) {
        if (isRegExp(this) && !isRegExp(pattern)) pattern = checkedPattern(pattern);
        return compile(this, pattern, flags);
      },
    });
    // The iterators of matchAll; the state is a private field on an ordinary object.
    class MatchIterator extends Foreign {
      #matcher; // undefined when done
      #text;
      #global;
      static make(matcher, text, global) {
        const iterator = new MatchIterator(create(iteratorPrototype, undefined));
        iterator.#matcher = matcher;
        iterator.#text = text;
        iterator.#global = global;
        return iterator;
      }
      static next(iterator) {
        if (!isObject(iterator) || !(#matcher in iterator)) return nativeNext(iterator); // throws
        const matcher = iterator.#matcher;
        if (matcher === undefined) return { value: undefined, done: true };
        const result = execOn(matcher, iterator.#text);
        if (result === null || !iterator.#global) iterator.#matcher = undefined;
        if (result === null) return { value: undefined, done: true };
        if (iterator.#global && toText(result[0]) === '') skipEmpty(matcher, iterator.#text);
        return { value: result, done: false };
      }
    }
    install(iteratorPrototype, { next() { return MatchIterator.next(this); } });

    const withoutSticky = (flags) => {
      const y = nativeIndexOf(flags, 'y');
      const rest = slice(flags, 0, y) + slice(flags, y + 1);
      return nativeIndexOf(rest, 'g') >= 0 ? rest : `${rest}g`;
    };

    // `match`, `matchAll` and `search` compile a pattern that is not an object; the object's own method
    // comes first. (`null` and `undefined` receivers get V8's own error.)
    const dispatch = (key, native, flags) => (receiver, pattern) => {
      if (receiver === undefined || receiver === null) return apply(native, receiver, [pattern]);
      if (isObject(pattern)) {
        if (key === matchAllKey && looksLikeRegExp(pattern)) {
          const { flags: own } = pattern;
          if (own === undefined || own === null || nativeIndexOf(toText(own), 'g') < 0) return nativeMatchAllOf('', /a/); // throws
        }
        const method = pattern[key];
        if (method !== undefined && method !== null) return apply(method, pattern, [receiver]);
      }
      const text = toText(receiver);
      const regexp = new original(checkedPattern(pattern), flags);
      return regexp[key](text);
    };
    const nativeMatchAllOf = uncurry(stringPrototype.matchAll);
    const match = dispatch(matchKey, stringPrototype.match);
    const matchAll = dispatch(matchAllKey, stringPrototype.matchAll, 'g');
    const searchFor = dispatch(searchKey, stringPrototype.search);
    install(stringPrototype, {
      match(regexp) { return match(this, regexp); },
      matchAll(regexp) { return matchAll(this, regexp); },
      search(regexp) { return searchFor(this, regexp); },
    });
  }

  // ----------------------------------------------------------------------------- String.prototype.split
  {
    const native = uncurry(stringPrototype.split);
    const splitText = (text, separator, wanted) => {
      const pieces = [];
      let count = 0;
      const step = max(separator.length, 1);
      if (separator === '') {
        if (min(text.length, wanted) > MAX_ELEMENTS) refuse('String.prototype.split into characters', text.length, MAX_ELEMENTS);
        for (let at = 0; at < text.length && count < wanted; at++) pieces[count++] = slice(text, at, at + 1);
        return pieces;
      }
      let done = 0;
      for (; count < wanted;) {
        const at = indexOf('String.prototype.split', text, separator, done);
        if (at < 0) break;
        pieces[count++] = slice(text, done, at);
        done = at + step;
      }
      if (count < wanted) pieces[count] = slice(text, done);
      return pieces;
    };
    install(stringPrototype, {
      split(separator, limit) {
        if (typeof this === 'string' && typeof separator === 'string' && this.length <= SMALL_TEXT) return native(this, separator, limit);
        if (this === undefined || this === null) return native(this, separator, limit);
        if (isObject(separator)) {
          const method = separator[splitKey];
          if (method !== undefined && method !== null) return apply(method, separator, [this, limit]);
        }
        const text = toText(this);
        const wanted = limit === undefined ? 2 ** 32 - 1 : limit >>> 0;
        const by = toText(separator);
        if (separator === undefined || wanted === 0) return native(text, undefined, wanted);
        const cheap = text.length <= SHORT_WALK && text.length * by.length <= SEARCH_STEPS;
        return cheap ? native(text, by, wanted) : splitText(text, by, wanted);
      },
    });
  }

  // ------------------------------------------------------------------------------------------- JSON
  // The parser collects elements in a FixedArray of its own: 2^27 of them abort.
  {
    const parse = JSON.parse;
    install(JSON, {
      parse(text, reviver) {
        const source = toText(text);
        if (source.length > MAX_TEXT) refuse('the length of a JSON text', source.length, MAX_TEXT);
        return reviver === undefined ? parse(source) : parse(source, reviver);
      },
    });
  }

  // A Function.prototype.toString that shows V8's own text for wrappers, and for itself.
  install(functionPrototype, {
    toString() { return apply(functionToString, typeof this === 'function' ? originalOf(this) : this, []); },
  });

  if (!full) return;

  // ========================================================================================= full only

  // ------------------------------------------------------------- Array.prototype: walks over an index
  // Written out one by one for fact 4. The `= undefined` keeps a parameter out of `length`. An argument that
  // was not given is not given on where V8 has a fast way without it: `undefined` would not do for that.
  {
    const { splice: spliceArray, unshift } = arrayPrototype;
    const [every, some, forEach, filter, map, find, findIndex, findLast, findLastIndex, flatMap,
      reduce, reduceRight, reverse, indexOfElement, lastIndexOfElement, includes, fill, copyWithin, shift, sliceArray, join, toLocaleString, withElement, toReversed] = [
      'every', 'some', 'forEach', 'filter', 'map', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flatMap',
      'reduce', 'reduceRight', 'reverse', 'indexOf', 'lastIndexOf', 'includes', 'fill', 'copyWithin', 'shift', 'slice', 'join', 'toLocaleString', 'with', 'toReversed',
    ].map((name) => uncurry(arrayPrototype[name]));
    const native = { __proto__: null };
    for (const name of ownKeys(arrayPrototype)) if (typeof name === 'string') native[name] = arrayPrototype[name];

    // Comparing with a long string costs its length: then each step has to poll.
    const isLong = (value) => typeof value === 'string' && value.length > LONG_TEXT;
    const isSame = (a, b) => a === b; // a call polls; a back-edge does so only when a budget is used up
    const searchLong = (receiver, start, step, wanted, holesToo, name) => {
      const object = ObjectOf(receiver);
      const length = toLength(object.length);
      if (length > MAX_ELEMENTS) refuseElements(name, length);
      let at = toInteger(start);
      at = at >= 0 ? min(at, step > 0 ? length : length - 1) : step > 0 ? max(length + at, 0) : length + at;
      for (; at >= 0 && at < length; at += step) if ((holesToo || at in object) && isSame(object[at], wanted)) return at;
      return -1;
    };

    install(arrayPrototype, {
      every(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? every(this, callback, self) : walk(native.every, this, arguments, 'Array.prototype.every', true);
      },
      some(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? some(this, callback, self) : walk(native.some, this, arguments, 'Array.prototype.some', true);
      },
      forEach(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? forEach(this, callback, self) : walk(native.forEach, this, arguments, 'Array.prototype.forEach', true);
      },
      filter(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? filter(this, callback, self) : walk(native.filter, this, arguments, 'Array.prototype.filter', true);
      },
      map(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? map(this, callback, self) : walk(native.map, this, arguments, 'Array.prototype.map', true);
      },
      find(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? find(this, callback, self) : walk(native.find, this, arguments, 'Array.prototype.find', true);
      },
      findIndex(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? findIndex(this, callback, self) : walk(native.findIndex, this, arguments, 'Array.prototype.findIndex', true);
      },
      findLast(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? findLast(this, callback, self) : walk(native.findLast, this, arguments, 'Array.prototype.findLast', true);
      },
      findLastIndex(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? findLastIndex(this, callback, self) : walk(native.findLastIndex, this, arguments, 'Array.prototype.findLastIndex', true);
      },
      flatMap(callback, self = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? flatMap(this, callback, self) : walk(native.flatMap, this, arguments, 'Array.prototype.flatMap', true);
      },
      reduce(callback) {
        return isArray(this) && this.length <= UNCHECKED ? (arguments.length > 1 ? reduce(this, callback, arguments[1]) : reduce(this, callback)) : walk(native.reduce, this, arguments, 'Array.prototype.reduce', true);
      },
      reduceRight(callback) {
        return isArray(this) && this.length <= UNCHECKED ? (arguments.length > 1 ? reduceRight(this, callback, arguments[1]) : reduceRight(this, callback)) : walk(native.reduceRight, this, arguments, 'Array.prototype.reduceRight', true);
      },
      indexOf(element, from = undefined) {
        if (isLong(element) && this !== undefined && this !== null) return searchLong(this, from, 1, element, false, 'Array.prototype.indexOf');
        return isArray(this) && this.length <= UNCHECKED ? (from === undefined ? indexOfElement(this, element) : indexOfElement(this, element, from)) : walk(native.indexOf, this, arguments, 'Array.prototype.indexOf');
      },
      lastIndexOf(element) {
        if (isLong(element) && this !== undefined && this !== null) {
          return searchLong(this, arguments.length > 1 ? arguments[1] : Infinity, -1, element, false, 'Array.prototype.lastIndexOf');
        }
        return isArray(this) && this.length <= UNCHECKED ? (arguments.length > 1 ? lastIndexOfElement(this, element, arguments[1]) : lastIndexOfElement(this, element)) : walk(native.lastIndexOf, this, arguments, 'Array.prototype.lastIndexOf');
      },
      includes(element, from = undefined) {
        if (isLong(element) && this !== undefined && this !== null) return searchLong(this, from, 1, element, true, 'Array.prototype.includes') >= 0;
        return isArray(this) && this.length <= UNCHECKED ? (from === undefined ? includes(this, element) : includes(this, element, from)) : walk(native.includes, this, arguments, 'Array.prototype.includes');
      },
      slice(start, end) {
        return isArray(this) && this.length <= UNCHECKED ? (start === undefined && end === undefined ? sliceArray(this) : sliceArray(this, start, end)) : walk(native.slice, this, arguments, 'Array.prototype.slice');
      },
      splice(start, count) {
        return isArray(this) && this.length <= UNCHECKED ? apply(spliceArray, this, arguments) : walk(native.splice, this, arguments, 'Array.prototype.splice');
      },
      shift() {
        return isArray(this) && this.length <= UNCHECKED ? shift(this) : walk(native.shift, this, arguments, 'Array.prototype.shift');
      },
      unshift(element) {
        return isArray(this) && this.length <= UNCHECKED ? apply(unshift, this, arguments) : walk(native.unshift, this, arguments, 'Array.prototype.unshift');
      },
      join(separator) {
        return isArray(this) && this.length <= UNCHECKED ? join(this, separator) : walk(native.join, this, arguments, 'Array.prototype.join');
      },
      fill(value, start = undefined, end = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? fill(this, value, start, end) : walk(native.fill, this, arguments, 'Array.prototype.fill');
      },
      reverse() {
        return isArray(this) && this.length <= UNCHECKED ? reverse(this) : walk(native.reverse, this, arguments, 'Array.prototype.reverse');
      },
      copyWithin(target, start, end = undefined) {
        return isArray(this) && this.length <= UNCHECKED ? copyWithin(this, target, start, end) : walk(native.copyWithin, this, arguments, 'Array.prototype.copyWithin');
      },
      toLocaleString() {
        return isArray(this) && this.length <= UNCHECKED ? apply(native.toLocaleString, this, arguments) : walk(native.toLocaleString, this, arguments, 'Array.prototype.toLocaleString');
      },
      with(index, value) {
        return isArray(this) && this.length <= UNCHECKED ? withElement(this, index, value) : walk(native.with, this, arguments, 'Array.prototype.with');
      },
      toReversed() {
        return isArray(this) && this.length <= UNCHECKED ? toReversed(this) : walk(native.toReversed, this, arguments, 'Array.prototype.toReversed');
      },
      toSpliced(start, count) {
        return isArray(this) && this.length <= UNCHECKED ? apply(native.toSpliced, this, arguments) : walk(native.toSpliced, this, arguments, 'Array.prototype.toSpliced');
      },
    });

    // concat walks its arguments too, and anything may call itself spreadable.
    const concat = uncurry(native.concat);
    const isSpreadable = (value) => {
      if (!isObject(value)) return false;
      const spreadable = value[spreadableKey];
      return spreadable === undefined ? isArray(value) : !!spreadable;
    };
    const concatLarge = (receiver, list) => {
      let total = 0;
      let direct = hasShortChain(arrayPrototype);
      for (let i = -1; i < list.length && direct; i++) {
        const part = i < 0 ? receiver : list[i];
        if (!isObject(part)) continue;
        direct = isPlainArray(part) && (total += part.length) <= SHORT_WALK && hasShortChain(part);
      }
      if (direct) return apply(native.concat, receiver, list);
      const target = arraySpeciesCreate(receiver) ?? [];
      let count = 0;
      for (let i = -1; i < list.length; i++) {
        const part = i < 0 ? receiver : list[i];
        if (!isSpreadable(part)) {
          define(target, count++, part);
          continue;
        }
        const length = toLength(part.length);
        if (count + length > MAX_ELEMENTS) refuseElements('Array.prototype.concat', count + length);
        for (let k = 0; k < length; k++, count++) if (k in part) define(target, count, part[k]);
      }
      target.length = count;
      return target;
    };
    install(arrayPrototype, {
      concat(item) {
        if (arguments.length === 1 && isArray(this) && this.length <= UNCHECKED) {
          if (isArray(item) ? item.length <= UNCHECKED : !isObject(item)) return concat(this, item);
        }
        if (this === undefined || this === null) return concat(this);
        return concatLarge(ObjectOf(this), arguments);
      },
    });
  }

  // ---------------------------------------------------------------- sources: iterables and array-likes
  // Iteration polls, and walking an array-like does not. What must not happen is that an iterable turns
  // into an array-like at V8's second look, so its method is looked up once, here.
  const spread = {}; // stands for [...items], which takes nothing but iterables, and fast
  function tameSource(items, name, maySpread = false) {
    if (!isObject(items)) {
      if (typeof items !== 'string' || items.length <= SHORT_WALK) return items;
      const iterate = items[iteratorKey]; // V8's short cut for strings does not poll
      return { __proto__: null, [iteratorKey]: () => apply(iterate, items, []) };
    }
    if (isView(items)) return items;
    const own = ownLength(items, name);
    if (own >= 0 && own <= UNCHECKED) return items;
    const iterate = items[iteratorKey];
    if (iterate === undefined || iterate === null) return tame(items, name);
    if (own >= 0 && own <= UNPOLLED && hasShortChain(items)) return items;
    return maySpread ? spread : { __proto__: null, [iteratorKey]: () => apply(iterate, items, []) };
  }
  {
    const from = uncurry(arrayFrom);
    install(Array, {
      from(items, mapper = undefined, self = undefined) {
        if (arguments.length === 1) { // V8's own fast paths want exactly one argument
          if (isArray(items) && items.length <= UNCHECKED) return from(this, items);
          const source = tameSource(items, 'Array.from', this === ArrayOf);
          return source === spread ? [...items] : from(this, source);
        }
        return from(this, isArray(items) && items.length <= UNCHECKED ? items : tameSource(items, 'Array.from'), mapper, self);
      },
    });
  }

  // -------------------------------------------------------------------- argument lists: apply, construct
  // A list is copied here unless it is a small array, so an accessor `length` cannot grow.
  {
    const lengthOf = (list) => {
      if (!isObject(list)) throw new TypeErrorOf('CreateListFromArrayLike called on non-object');
      return list.length;
    };
    const argumentList = (name, list) => {
      const length = lengthOf(list);
      switch (length) {
        case 0: return [];
        case 1: return [list[0]];
        case 2: return [list[0], list[1]];
        case 3: return [list[0], list[1], list[2]];
        default: return longList(name, list, toLength(length));
      }
    };
    // Without a list where it is short: `f.apply(this, arguments)` is what much compiled code is made of.
    const applyTo = (name, target, self, list) => {
      const length = lengthOf(list);
      switch (length) {
        case 0: return nativeCall(target, self);
        case 1: return nativeCall(target, self, list[0]);
        case 2: return nativeCall(target, self, list[0], list[1]);
        case 3: return nativeCall(target, self, list[0], list[1], list[2]);
        default: return apply(target, self, longList(name, list, toLength(length)));
      }
    };
    const longList = (name, list, length) => {
      if (length > MAX_LIST) refuseElements(name, length, MAX_LIST);
      return length <= UNCHECKED && isPlainArray(list) ? list : listOf(list, length);
    };
    const nativeApply = uncurry(functionPrototype.apply);
    const nativeCall = uncurry(functionPrototype.call);
    install(functionPrototype, {
      apply(self, list) {
        if (list === undefined || list === null || typeof this !== 'function') return nativeApply(this, self);
        return applyTo('Function.prototype.apply', this, self, list);
      },
    });
    install(Reflect, {
      apply(target, self, list) {
        if (typeof target !== 'function') return apply(target, self, []); // throws
        return applyTo('Reflect.apply', target, self, list);
      },
      construct(target, list) {
        const tamed = argumentList('Reflect.construct', list);
        return arguments.length > 2 ? construct(target, tamed, arguments[2]) : construct(target, tamed);
      },
    });
  }

  // -------------------------------------------------------------------------- String.prototype: searches
  {
    const nativeIncludes = uncurry(stringPrototype.includes);
    const nativeReplace = uncurry(stringPrototype.replace);
    const nativeReplaceAll = uncurry(stringPrototype.replaceAll);
    const isSearchable = (receiver, needle) => typeof receiver === 'string' && typeof needle === 'string' && receiver.length <= SMALL_TEXT;
    const isTemplate = (value) => (typeof value === 'string' ? value.length <= SMALL_TEXT : typeof value === 'function');
    const atMost = (position, size) => min(max(toInteger(position), 0), size);

    // A string pattern for replace and replaceAll. Templates can multiply what they are given.
    const replaceText = (name, receiver, pattern, replaceValue, all) => {
      const text = toText(receiver);
      const needle = toText(pattern);
      const functional = typeof replaceValue === 'function';
      const template = functional ? '' : toText(replaceValue);
      if (text.length <= SHORT_WALK && text.length * needle.length <= SEARCH_STEPS && template.length <= SHORT_WALK) {
        return (all ? nativeReplaceAll : nativeReplace)(text, needle, functional ? replaceValue : template);
      }
      let out = '';
      let done = 0;
      for (let at = indexOf(name, text, needle, 0); at >= 0;) {
        const piece = functional ? toText(replaceValue(needle, at, text)) : expand(template, text, at, needle);
        out += slice(text, done, at) + piece;
        done = at + needle.length;
        const next = at + max(needle.length, 1);
        if (!all || next > text.length) break;
        at = indexOf(name, text, needle, next);
      }
      return out + slice(text, done);
    };

    install(stringPrototype, {
      indexOf(needle, position = undefined) {
        if (typeof this === 'string' && typeof needle === 'string' && this.length <= SMALL_TEXT) {
          return position === undefined ? nativeIndexOf(this, needle) : nativeIndexOf(this, needle, position);
        }
        if (this === undefined || this === null) return nativeIndexOf(this, needle);
        const text = toText(this);
        const wanted = toText(needle);
        return indexOf('String.prototype.indexOf', text, wanted, atMost(position, text.length));
      },
      includes(needle, position = undefined) {
        if (typeof this === 'string' && typeof needle === 'string' && this.length <= SMALL_TEXT) {
          return position === undefined ? nativeIncludes(this, needle) : nativeIncludes(this, needle, position);
        }
        if (this === undefined || this === null) return nativeIncludes(this, needle);
        const text = toText(this);
        if (isObject(needle)) nativeIncludes('', needle); // throws for a regular expression
        const wanted = toText(needle);
        return indexOf('String.prototype.includes', text, wanted, atMost(position, text.length)) >= 0;
      },
      lastIndexOf(needle, position = undefined) {
        if (typeof this === 'string' && typeof needle === 'string' && this.length <= SMALL_TEXT) {
          return position === undefined ? nativeLastIndexOf(this, needle) : nativeLastIndexOf(this, needle, position);
        }
        if (this === undefined || this === null) return nativeLastIndexOf(this, needle);
        const text = toText(this);
        const wanted = toText(needle);
        const number = +position;
        return lastIndexOf('String.prototype.lastIndexOf', text, wanted, number === number ? atMost(number, text.length) : text.length);
      },
      replace(pattern, replaceValue) {
        if (isSearchable(this, pattern) && isTemplate(replaceValue)) return nativeReplace(this, pattern, replaceValue);
        if (this === undefined || this === null) return nativeReplace(this, pattern, replaceValue);
        if (isObject(pattern)) {
          const method = pattern[replaceKey];
          if (method !== undefined && method !== null) return apply(method, pattern, [this, replaceValue]);
        }
        return replaceText('String.prototype.replace', this, pattern, replaceValue, false);
      },
      replaceAll(pattern, replaceValue) {
        if (isSearchable(this, pattern) && isTemplate(replaceValue)) return nativeReplaceAll(this, pattern, replaceValue);
        if (this === undefined || this === null) return nativeReplaceAll(this, pattern, replaceValue);
        if (isObject(pattern)) {
          if (looksLikeRegExp(pattern)) {
            const { flags } = pattern;
            if (flags === undefined || flags === null || nativeIndexOf(toText(flags), 'g') < 0) return nativeReplaceAll('', /a/); // throws
          }
          const method = pattern[replaceKey];
          if (method !== undefined && method !== null) return apply(method, pattern, [this, replaceValue]);
        }
        return replaceText('String.prototype.replaceAll', this, pattern, replaceValue, true);
      },
    });
  }

  // A list of locales is an array-like, walked in C++ without polling. (Removing `Intl` leaves these methods.)
  const localeToString = globalThis.Intl?.Locale && uncurry(Intl.Locale.prototype.toString);
  function isLocale(value) {
    if (localeToString === undefined) return false;
    try { localeToString(value); return true; } catch { return false; }
  }
  function checkTag(tag) {
    if (typeof tag === 'string' && tag.length > UNCHECKED) refuse('the length of a locale', tag.length, UNCHECKED);
    return tag;
  }
  function withLocales(list, index) {
    const locales = list[index];
    if (index >= list.length) return list;
    if (!isObject(locales) || isLocale(locales)) {
      checkTag(locales);
      return list;
    }
    const length = toLength(locales.length);
    if (length > UNCHECKED) refuseElements('a list of locales', length, UNCHECKED);
    const copy = [];
    for (let i = 0; i < length; i++) if (i in locales) define(copy, copy.length, checkTag(locales[i]));
    list[index] = copy;
    return list;
  }
  for (const owner of [Number, BigInt, Date]) {
    for (const name of ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']) {
      const native = owner.prototype[name];
      if (native !== undefined && hasOwn(owner.prototype, name)) {
        install(owner.prototype, { [name]() { return apply(native, this, withLocales(arguments, 0)); } });
      }
    }
  }

  // ------------------------------------------------------------------ String: other work by the character
  {
    const capped = (name, limit) => {
      const native = stringPrototype[name];
      return (receiver, list) => {
        if (receiver === undefined || receiver === null) return apply(native, receiver, list);
        const text = toText(receiver);
        if (text.length > limit) refuse(`the length of a string given to ${name}`, text.length, limit);
        return apply(native, text, list);
      };
    };
    const [toUpperCase, toLowerCase, toLocaleUpperCase, toLocaleLowerCase, localeCompare] = [
      'toUpperCase', 'toLowerCase', 'toLocaleUpperCase', 'toLocaleLowerCase', 'localeCompare',
    ].map((name) => capped(name, MAX_CASE_TEXT));
    const upper = uncurry(stringPrototype.toUpperCase);
    const lower = uncurry(stringPrototype.toLowerCase);
    const compare = uncurry(stringPrototype.localeCompare);
    const isCheap = (text) => typeof text === 'string' && text.length <= SMALL_TEXT;
    install(stringPrototype, {
      toUpperCase() { return isCheap(this) ? upper(this) : toUpperCase(this, arguments); },
      toLowerCase() { return isCheap(this) ? lower(this) : toLowerCase(this, arguments); },
      toLocaleUpperCase() { return toLocaleUpperCase(this, withLocales(arguments, 0)); },
      toLocaleLowerCase() { return toLocaleLowerCase(this, withLocales(arguments, 0)); },
      localeCompare(that) {
        if (arguments.length === 1 && isCheap(this) && isCheap(that)) return compare(this, that);
        if (arguments.length > 0) arguments[0] = toText(that);
        if (arguments.length > 0 && arguments[0].length > MAX_CASE_TEXT) refuse('the length of a string given to localeCompare', arguments[0].length, MAX_CASE_TEXT);
        return localeCompare(this, withLocales(arguments, 1));
      },
    });

    // Sorting a run of combining marks is quadratic in its length; long runs occur in attacks only.
    const nativeNormalize = uncurry(stringPrototype.normalize);
    const exec = uncurry(regexpPrototype.exec);
    install(stringPrototype, {
      normalize() {
        if (this === undefined || this === null) return nativeNormalize(this);
        const text = toText(this);
        if (text.length > 2 * SMALL_TEXT) {
          if (text.length > MAX_TEXT) refuse('the length of a string given to normalize', text.length, MAX_TEXT);
          if (exec(/\p{M}{33}/u, text) !== null) refuse('a run of combining marks in a long string', 33, 32);
        }
        return arguments.length === 0 ? nativeNormalize(text) : nativeNormalize(text, arguments[0]);
      },
    });

    // HTML methods escape the quotes of their argument.
    for (const name of ['anchor', 'fontcolor', 'fontsize', 'link']) {
      const native = stringPrototype[name];
      if (native === undefined) continue;
      install(stringPrototype, {
        [name](value) {
          if (this === undefined || this === null) return apply(native, this, []);
          const text = toText(this);
          const attribute = toText(value);
          if (attribute.length > MAX_TEXT) refuse(`the length of a string given to ${name}`, attribute.length, MAX_TEXT);
          return apply(native, text, [attribute]);
        },
      });
    }

    install(String, {
      raw(template) {
        const literals = toObject(toObject(template).raw);
        const length = toLength(literals.length);
        if (length > MAX_ELEMENTS) refuseElements('String.raw', length);
        let out = '';
        for (let i = 0; i < length; i++) {
          out += toText(literals[i]);
          if (i + 1 < length && i + 1 < arguments.length) out += toText(arguments[i + 1]);
        }
        return out;
      },
    });
  }

  // ------------------------------------------------------------------------ giants whose keys are indices
  // Listing keys makes a string of each. A String object cannot be told from another without calling into
  // it, but a dense giant of any kind owns the index just past the cap.
  function checkKeys(value, name) {
    let count = 0;
    while (isObject(value) && isProxy(value)) value = weakGet(proxies, value);
    if (typeof value === 'string') count = value.length;
    else if (!isObject(value)) return;
    else if (isArray(value)) count = value.length;
    else if (hasOwn(value, MAX_KEYS)) count = MAX_KEYS + 1;
    if (count > MAX_KEYS) refuseElements(name, count, MAX_KEYS);
  }

  // ---------------------------------------------------------------------- parsers and encoders of strings
  {
    const capped = (owner, name, limit) => {
      const native = owner[name];
      if (native === undefined) return;
      install(owner, {
        [name](text) {
          const source = toText(text);
          if (source.length > limit) refuse(`the length of a string given to ${name}`, source.length, limit);
          return apply(native, this, [source]);
        },
      });
    };
    for (const name of ['encodeURI', 'encodeURIComponent', 'decodeURI', 'decodeURIComponent', 'escape', 'unescape']) {
      capped(globalThis, name, MAX_TEXT / 2);
    }
    if (JSON.rawJSON !== undefined) capped(JSON, 'rawJSON', MAX_TEXT);
    if (RegExp.escape !== undefined) {
      const { escape } = RegExp;
      install(RegExp, {
        escape(text) {
          if (typeof text === 'string' && text.length > MAX_TEXT / 2) refuse('the length of a string given to escape', text.length, MAX_TEXT / 2);
          return escape(text);
        },
      });
    }

    // V8's fallback date parser takes 30 ns a character. Long texts are no dates: they get NaN.
    const native = Date;
    const { parse } = native;
    const isDate = (value) => {
      try { getTime(value); return true; } catch { return false; }
    };
    const getTime = uncurry(native.prototype.getTime);
    const shortText = (text) => (text.length > 2 ** 16 ? 'Invalid Date' : text);
    const toPrimitive = (object) => {
      const convert = object[toPrimitiveKey];
      if (convert !== undefined && convert !== null) {
        const value = apply(convert, object, ['default']);
        if (!isObject(value)) return value;
      } else {
        for (let i = 0; i < 2; i++) {
          const method = i === 0 ? object.valueOf : object.toString;
          const value = typeof method === 'function' ? apply(method, object, []) : object;
          if (!isObject(value)) return value;
        }
      }
      throw new TypeErrorOf('Cannot convert object to primitive value');
    };
    const wrapper = function Date(year, month, date, hours, minutes, seconds, ms) {
      const target = new.target;
      if (target === undefined) return native();
      const count = arguments.length;
      if (count === 0) return target === wrapper ? new native() : construct(native, [], target);
      if (count > 1) return construct(native, arguments, target === wrapper ? native : target);
      let value = year;
      if (isObject(value) && !isDate(value)) value = toPrimitive(value);
      if (typeof value === 'string') value = shortText(value);
      return target === wrapper ? new native(value) : construct(native, [value], target);
    };
    replaceConstructor(globalThis, 'Date', wrapper);
    install(wrapper, { parse(string) { return parse(shortText(toText(string))); } });
  }
  {
    // The stringifier polls, but not while it lists the keys of a giant typed array or of a Proxy of one.
    // Once such an object exists (`noteGiant`), each value is looked at by a replacer.
    const { stringify } = JSON;
    const checkValue = (value) => { if (isObject(value)) checkKeys(value, 'JSON.stringify'); return value; };
    const checkedReplacer = (replacer) => (typeof replacer === 'function'
      ? function (key, value) { return checkValue(apply(replacer, this, [key, value])); }
      : (_, value) => checkValue(value));
    install(JSON, {
      stringify(value, replacer, space) {
        if (isArray(replacer)) {
          const length = toLength(replacer.length);
          if (length > 2 ** 16) refuseElements('the property list of JSON.stringify', length, 2 ** 16);
          if (isProxy(replacer)) replacer = listOf(replacer, length);
        } else if (giantExists) replacer = checkedReplacer(replacer);
        return stringify(value, replacer, space);
      },
    });
  }

  // ------------------------------------------------------------ Object: listing the index keys of a giant
  {
    // These do not list the keys of an ordinary giant, but they do list those of a Proxy's target.
    const checkProxyKeys = (value, name) => { if (isObject(value) && isProxy(value)) checkKeys(value, name); };
    const { keys, values, entries, getOwnPropertyNames, getOwnPropertyDescriptors, assign, defineProperties } = Object;
    const { getOwnPropertySymbols, freeze, seal, isFrozen, isSealed } = Object;
    const { ownKeys: reflectOwnKeys } = Reflect;
    install(Object, {
      keys(object) { checkKeys(object, 'Object.keys'); return keys(object); },
      values(object) { checkKeys(object, 'Object.values'); return values(object); },
      entries(object) { checkKeys(object, 'Object.entries'); return entries(object); },
      getOwnPropertyNames(object) { checkKeys(object, 'Object.getOwnPropertyNames'); return getOwnPropertyNames(object); },
      getOwnPropertyDescriptors(object) { checkKeys(object, 'Object.getOwnPropertyDescriptors'); return getOwnPropertyDescriptors(object); },
      assign(target, source) {
        for (let i = 1; i < arguments.length; i++) checkKeys(arguments[i], 'Object.assign');
        return arguments.length === 2 ? assign(target, source) : apply(assign, this, arguments);
      },
      defineProperties(object, properties) { checkKeys(properties, 'Object.defineProperties'); return defineProperties(object, properties); },
      getOwnPropertySymbols(object) { checkProxyKeys(object, 'Object.getOwnPropertySymbols'); return getOwnPropertySymbols(object); },
      freeze(object) { checkProxyKeys(object, 'Object.freeze'); return freeze(object); },
      seal(object) { checkProxyKeys(object, 'Object.seal'); return seal(object); },
      isFrozen(object) { checkProxyKeys(object, 'Object.isFrozen'); return isFrozen(object); },
      isSealed(object) { checkProxyKeys(object, 'Object.isSealed'); return isSealed(object); },
      create(prototype, properties) { checkKeys(properties, 'Object.create'); return create(prototype, properties); },
    });
    install(Reflect, { ownKeys(target) { checkKeys(target, 'Reflect.ownKeys'); return reflectOwnKeys(target); } });
  }

  // ---------------------------------------------------------------- buffers, typed arrays, WebAssembly
  // Resizable buffers bypass the embedder's allocator and so its quota.
  const getByteLength = [];
  for (const name of ['ArrayBuffer', 'SharedArrayBuffer']) {
    const native = globalThis[name];
    if (native === undefined) continue;
    define(getByteLength, getByteLength.length, uncurry(getOwnPropertyDescriptor(native.prototype, 'byteLength').get));
    const wrapper = {
      [name]: function (length) {
        if (new.target === undefined) return native(); // throws
        const options = arguments.length > 1 ? arguments[1] : undefined;
        if (isObject(options)) {
          const { maxByteLength } = options;
          if (maxByteLength === undefined) return new.target === wrapper ? new native(length) : construct(native, [length], new.target);
          if (resizable) return construct(native, [length, { __proto__: null, maxByteLength }], new.target === wrapper ? native : new.target);
          throw new RangeErrorOf(`plugin-sandbox: a resizable ${name} is not available`);
        }
        return new.target === wrapper ? new native(length) : construct(native, [length], new.target);
      },
    }[name];
    replaceConstructor(globalThis, name, wrapper);
  }
  function isBuffer(value) {
    for (let i = 0; i < getByteLength.length; i++) {
      try { getByteLength[i](value); return true; } catch { /* the other kind, or neither */ }
    }
    return false;
  }

  // new Uint8Array({ length }) walks without polling: 80 ns and 16 bytes an element.
  for (const name of ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
    'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array']) {
    const native = globalThis[name];
    if (native === undefined) continue;
    const wrapper = {
      [name]: function (source, offset, length) {
        const target = new.target === wrapper ? native : new.target;
        if (target === undefined) return native(); // throws
        if (!isObject(source)) return noteGiant(construct(native, arguments.length === 0 ? [] : [source], target));
        if (isArray(source) && source.length <= UNCHECKED) return construct(native, [source], target);
        if (isView(source) || isBuffer(source)) return noteGiant(construct(native, [source, offset, length], target));
        return noteGiant(construct(native, [tameSource(source, name)], target));
      },
    }[name];
    replaceConstructor(globalThis, name, wrapper);
  }
  for (const name of ['fromBase64', 'fromHex']) {
    const native = Uint8Array[name];
    if (native === undefined) continue;
    install(globalThis.Uint8Array, {
      [name](text) {
        if (typeof text === 'string' && text.length > MAX_CASE_TEXT) refuse(`the length of a string given to ${name}`, text.length, MAX_CASE_TEXT);
        return noteGiant(apply(native, this, arguments));
      },
    });
  }
  {
    const { from } = typedArrayOf;
    const { set: setElements, sort, toSorted, join, toLocaleString } = typedArrayPrototype;
    install(typedArrayOf, {
      from(source) {
        if (arguments.length > 0) arguments[0] = tameSource(source, '%TypedArray%.from');
        return apply(from, this, arguments);
      },
    });
    // The built-in order is sorted without polling: 0.1 us an element.
    const numericOrder = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const totalOrder = (a, b) => { // -0 before 0, NaN last
      if (a < b) return -1;
      if (a > b) return 1;
      if (a === b) return a !== 0 || typeof a === 'bigint' ? 0 : numericOrder(1 / a, 1 / b);
      return a === a ? -1 : b === b ? 1 : 0;
    };
    const ordered = (native, name) => (array, comparator) => {
      const length = typedArrayLength(array);
      if (length > MAX_ELEMENTS) refuseElements(name, length);
      return apply(native, array, [comparator === undefined && length > 2 * UNPOLLED ? totalOrder : comparator]);
    };
    const sortElements = ordered(sort, '%TypedArray%.prototype.sort');
    const sortedElements = ordered(toSorted, '%TypedArray%.prototype.toSorted');
    const joined = (native, array, list, name) => {
      const length = typedArrayLength(array);
      if (length > 2 * UNPOLLED) refuseElements(name, length, 2 * UNPOLLED);
      return apply(native, array, list);
    };
    install(typedArrayPrototype, {
      set(source) {
        if (arguments.length > 0 && !isView(source) && source !== undefined && source !== null) {
          arguments[0] = tame(ObjectOf(source), '%TypedArray%.prototype.set');
        }
        return apply(setElements, this, arguments);
      },
      sort(comparator) { return sortElements(this, comparator); },
      toSorted(comparator) { return sortedElements(this, comparator); },
      join(separator) { return joined(join, this, [separator], '%TypedArray%.prototype.join'); },
    });
    install(typedArrayPrototype, {
      toLocaleString() { return joined(toLocaleString, this, arguments, '%TypedArray%.prototype.toLocaleString'); },
    });
  }

  if (globalThis.WebAssembly !== undefined) {
    const native = WebAssembly.Memory;
    const pages = (value) => {
      const count = +value;
      if (count > MAX_WASM_PAGES) refuse('the pages of a WebAssembly.Memory', count, MAX_WASM_PAGES);
      return count;
    };
    const wrapper = function Memory(descriptor) {
      if (new.target === undefined || !isObject(descriptor)) return construct(native, arguments, new.target); // throws
      const { initial, minimum, maximum, shared } = descriptor;
      const clean = { __proto__: null, maximum: maximum === undefined ? MAX_WASM_PAGES : pages(maximum), shared };
      if (initial !== undefined) clean.initial = pages(initial);
      if (minimum !== undefined) clean.minimum = pages(minimum);
      return construct(native, [clean], new.target === wrapper ? native : new.target);
    };
    replaceConstructor(WebAssembly, 'Memory', wrapper);
  }
})
