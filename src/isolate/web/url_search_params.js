// `URLSearchParams`: two lists, of names and of values; and, for one that belongs to a URL, what to
// do when they change.
(function (primordials, natives, load) {
  'use strict';
  const {
    apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys, setPrototypeOf, slice, toWellFormed,
    mapGet, mapSet, MapOf, TypeErrorOf, iteratorKey, iteratorPrototype,
  } = primordials;
  const { parseForm, encodeForm } = natives;
  const {
    makeList, append, isObject, need, text, sequence, tag, defineInterface, Foreign, registerBrand,
  } = load('webidl');
  const LIMIT = 2 ** 20;

  const usv = (value, where) => toWellFormed(text(value, LIMIT, where));
  // For url.js: the params of a URL, made and filled from its query.
  let attach;
  let refill;
  let access;
  // The form of what may be params, else undefined.
  let formOf;

  class URLSearchParams {
    #names = makeList();
    #values = makeList();
    #changed = undefined;

    constructor(init = '') {
      const where = 'URLSearchParams';
      if (!isObject(init)) {
        const query = text(init, LIMIT, where);
        this.#parse(query.length > 0 && query[0] === '?' ? slice(query, 1) : query);
        return;
      }
      const method = init[iteratorKey];
      if (method === undefined || method === null) this.#fromRecord(init, where);
      else this.#fromPairs(sequence(init, method, where), where);
    }

    get size() { return this.#names.length; }

    append(name, value) {
      this.#names;
      need(arguments.length, 2, 'URLSearchParams.append');
      const key = usv(name, 'URLSearchParams.append');
      this.#add(key, usv(value, 'URLSearchParams.append'));
      this.#update();
    }

    delete(name, value = undefined) {
      this.#names;
      need(arguments.length, 1, 'URLSearchParams.delete');
      const key = usv(name, 'URLSearchParams.delete');
      const wanted = value === undefined ? undefined : usv(value, 'URLSearchParams.delete');
      this.#keep((i) => this.#names[i] !== key || (wanted !== undefined && this.#values[i] !== wanted));
      this.#update();
    }

    get(name) {
      this.#names;
      need(arguments.length, 1, 'URLSearchParams.get');
      const at = this.#find(usv(name, 'URLSearchParams.get'), undefined);
      return at < 0 ? null : this.#values[at];
    }

    getAll(name) {
      this.#names;
      need(arguments.length, 1, 'URLSearchParams.getAll');
      const key = usv(name, 'URLSearchParams.getAll');
      const all = [];
      for (let i = 0; i < this.#names.length; i++) if (this.#names[i] === key) append(all, this.#values[i]);
      return all;
    }

    has(name, value = undefined) {
      this.#names;
      need(arguments.length, 1, 'URLSearchParams.has');
      const key = usv(name, 'URLSearchParams.has');
      return this.#find(key, value === undefined ? undefined : usv(value, 'URLSearchParams.has')) >= 0;
    }

    set(name, value) {
      this.#names;
      need(arguments.length, 2, 'URLSearchParams.set');
      const key = usv(name, 'URLSearchParams.set');
      const wanted = usv(value, 'URLSearchParams.set');
      const first = this.#find(key, undefined);
      if (first < 0) this.#add(key, wanted);
      else {
        this.#values[first] = wanted;
        this.#keep((i) => i === first || this.#names[i] !== key);
      }
      this.#update();
    }

    // Stable, by UTF-16 code units, as `<` compares.
    sort() {
      const order = sorted(this.#names);
      const names = makeList(); const values = makeList();
      for (let i = 0; i < order.length; i++) {
        names[i] = this.#names[order[i]];
        values[i] = this.#values[order[i]];
      }
      this.#names = names;
      this.#values = values;
      this.#update();
    }

    toString() {
      let out = '';
      for (let i = 0; i < this.#names.length; i++) {
        out += (i > 0 ? '&' : '') + encodeForm(this.#names[i]) + '=' + encodeForm(this.#values[i]);
      }
      return out;
    }

    entries() { this.#names; return makeIterator(this, 'entries'); }

    forEach(callback, thisArg = undefined) {
      this.#names;
      need(arguments.length, 1, 'URLSearchParams.forEach');
      if (typeof callback !== 'function') throw new TypeErrorOf('URLSearchParams.forEach: the callback is not a function.');
      for (let i = 0; i < this.#names.length; i++) apply(callback, thisArg, [this.#values[i], this.#names[i], this]);
    }

    keys() { this.#names; return makeIterator(this, 'keys'); }
    values() { this.#names; return makeIterator(this, 'values'); }

    #parse(query) {
      const pairs = parseForm(query);
      for (let i = 0; i < pairs.length; i += 2) this.#add(pairs[i], pairs[i + 1]);
    }

    #fromPairs(pairs, where) {
      for (let i = 0; i < pairs.length; i++) {
        const item = pairs[i];
        if (!isObject(item)) throw new TypeErrorOf(`${where}: an item is not a pair.`);
        const pair = sequence(item, item[iteratorKey], where);
        for (let j = 0; j < pair.length; j++) pair[j] = usv(pair[j], where);
        if (pair.length !== 2) throw new TypeErrorOf(`${where}: an item is not a pair.`);
        this.#add(pair[0], pair[1]);
      }
    }

    #fromRecord(record, where) {
      const keys = ownKeys(record);
      const places = new MapOf();
      for (let i = 0; i < keys.length; i++) {
        const descriptor = getOwnPropertyDescriptor(record, keys[i]);
        if (descriptor === undefined || !descriptor.enumerable) continue;
        const name = usv(keys[i], where);
        const value = usv(record[keys[i]], where);
        // Two keys may be one when their surrogates are mended.
        const place = mapGet(places, name);
        if (place === undefined) {
          mapSet(places, name, this.#names.length);
          this.#add(name, value);
        } else this.#values[place] = value;
      }
    }

    #add(name, value) {
      this.#names[this.#names.length] = name;
      this.#values[this.#values.length] = value;
    }

    #find(name, value) {
      for (let i = 0; i < this.#names.length; i++) {
        if (this.#names[i] === name && (value === undefined || this.#values[i] === value)) return i;
      }
      return -1;
    }

    #keep(test) {
      const names = makeList(); const values = makeList();
      for (let i = 0; i < this.#names.length; i++) {
        if (!test(i)) continue;
        names[names.length] = this.#names[i];
        values[values.length] = this.#values[i];
      }
      this.#names = names;
      this.#values = values;
    }

    #update() { if (this.#changed !== undefined) this.#changed(); }

    static {
      registerBrand((value) => #names in value);
      const serialize = this.prototype.toString;
      attach = (query, changed) => {
        const params = construct(URLSearchParams, []);
        params.#parse(query);
        params.#changed = () => changed(apply(serialize, params, []));
        return params;
      };
      formOf = (value) => (#names in value ? apply(serialize, value, []) : undefined);
      refill = (params, query) => {
        params.#names = makeList();
        params.#values = makeList();
        params.#parse(query);
      };
      access = {
        __proto__: null,
        size: (params) => params.#names.length,
        name: (params, i) => params.#names[i],
        value: (params, i) => params.#values[i],
      };
    }
  }
  defineInterface(URLSearchParams, 'URLSearchParams');
  defineProperty(URLSearchParams.prototype, iteratorKey, {
    __proto__: null, value: URLSearchParams.prototype.entries, writable: true, enumerable: false, configurable: true,
  });

  // The order of the indices of a list that sorts it: a merge sort, from the bottom up.
  function sorted(list) {
    const { length } = list;
    let from = makeList(); let to = makeList();
    for (let i = 0; i < length; i++) from[i] = i;
    for (let width = 1; width < length; width *= 2) {
      for (let start = 0; start < length; start += 2 * width) {
        const middle = start + width < length ? start + width : length;
        const end = start + 2 * width < length ? start + 2 * width : length;
        let left = start; let right = middle;
        for (let i = start; i < end; i++) {
          const takeRight = left === middle || (right < end && list[from[right]] < list[from[left]]);
          to[i] = takeRight ? from[right++] : from[left++];
        }
      }
      const spare = from;
      from = to;
      to = spare;
    }
    return from;
  }

  class Position extends Foreign {
    #params;
    #kind;
    #at = 0;
    constructor(iterator, params, kind) { super(iterator); this.#params = params; this.#kind = kind; }
    static next(iterator) {
      const params = iterator.#params;
      const at = iterator.#at;
      if (at >= access.size(params)) return { value: undefined, done: true };
      iterator.#at++;
      if (iterator.#kind === 'keys') return { value: access.name(params, at), done: false };
      if (iterator.#kind === 'values') return { value: access.value(params, at), done: false };
      return { value: [access.name(params, at), access.value(params, at)], done: false };
    }
  }
  const positions = setPrototypeOf({ next() { return Position.next(this); } }, iteratorPrototype);
  tag(positions, 'URLSearchParams Iterator');

  function makeIterator(params, kind) {
    const iterator = setPrototypeOf({}, positions);
    new Position(iterator, params, kind);
    return iterator;
  }

  return { __proto__: null, URLSearchParams, attach, refill, formOf };
})
