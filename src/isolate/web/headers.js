// `Headers`: names in lower case and values, in the order in which they came.
(function (primordials, natives, load) {
  'use strict';
  const {
    apply, defineProperty, getOwnPropertyDescriptor, ownKeys, setPrototypeOf, slice, charCodeAt, toLowerCase,
    TypeErrorOf, iteratorKey, iteratorPrototype,
  } = primordials;
  const { makeList, append, isObject, need, text, sequence, tag, defineInterface, Foreign, registerBrand } = load('webidl');
  const LIMIT = 2 ** 16;
  let access;

  // RFC 9110, section 5.6.2: what a name may be made of.
  function isNameCharacter(code) {
    return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 94 && code <= 122)
      || code === 33 || (code >= 35 && code <= 39) || code === 42 || code === 43 || code === 45 || code === 46
      || code === 124 || code === 126;
  }

  function headerName(value, where) {
    const name = text(value, LIMIT, where);
    if (name.length === 0) throw new TypeErrorOf(`${where}: the name is empty.`);
    for (let i = 0; i < name.length; i++) {
      if (!isNameCharacter(charCodeAt(name, i))) throw new TypeErrorOf(`${where}: the name is not a header's name.`);
    }
    return toLowerCase(name);
  }

  const isBlank = (code) => code === 9 || code === 10 || code === 13 || code === 32;
  function headerValue(value, where) {
    const whole = text(value, LIMIT, where);
    let start = 0;
    let end = whole.length;
    while (start < end && isBlank(charCodeAt(whole, start))) start++;
    while (end > start && isBlank(charCodeAt(whole, end - 1))) end--;
    for (let i = start; i < end; i++) {
      const code = charCodeAt(whole, i);
      if (code === 0 || code === 10 || code === 13 || code > 255) throw new TypeErrorOf(`${where}: the value is not a header's value.`);
    }
    return slice(whole, start, end);
  }

  class Headers {
    #names = makeList();
    #values = makeList();

    constructor(init = undefined) {
      if (init === undefined) return;
      if (!isObject(init)) throw new TypeErrorOf('Headers: the argument is not an object.');
      const method = init[iteratorKey];
      if (method === undefined || method === null) this.#fromRecord(init);
      else this.#fromPairs(sequence(init, method, 'Headers'));
    }

    append(name, value) {
      this.#names;
      need(arguments.length, 2, 'Headers.append');
      this.#add(headerName(name, 'Headers.append'), headerValue(value, 'Headers.append'));
    }

    delete(name) {
      this.#names;
      need(arguments.length, 1, 'Headers.delete');
      this.#remove(headerName(name, 'Headers.delete'));
    }

    get(name) {
      this.#names;
      need(arguments.length, 1, 'Headers.get');
      return this.#joined(headerName(name, 'Headers.get'));
    }

    getSetCookie() {
      const all = [];
      for (let i = 0; i < this.#names.length; i++) if (this.#names[i] === 'set-cookie') append(all, this.#values[i]);
      return all;
    }

    has(name) {
      this.#names;
      need(arguments.length, 1, 'Headers.has');
      return this.#joined(headerName(name, 'Headers.has')) !== null;
    }

    set(name, value) {
      this.#names;
      need(arguments.length, 2, 'Headers.set');
      const key = headerName(name, 'Headers.set');
      const wanted = headerValue(value, 'Headers.set');
      this.#remove(key);
      this.#add(key, wanted);
    }

    forEach(callback, thisArg = undefined) {
      this.#names;
      need(arguments.length, 1, 'Headers.forEach');
      if (typeof callback !== 'function') throw new TypeErrorOf('Headers.forEach: the callback is not a function.');
      const pairs = access.pairs(this);
      for (let i = 0; i < pairs.length; i += 2) apply(callback, thisArg, [pairs[i + 1], pairs[i], this]);
    }

    entries() { return makeIterator(access.pairs(this), 'entries'); }
    keys() { return makeIterator(access.pairs(this), 'keys'); }
    values() { return makeIterator(access.pairs(this), 'values'); }

    #fromPairs(pairs) {
      for (let i = 0; i < pairs.length; i++) {
        if (!isObject(pairs[i])) throw new TypeErrorOf('Headers: an item is not a pair.');
        const pair = sequence(pairs[i], pairs[i][iteratorKey], 'Headers');
        if (pair.length !== 2) throw new TypeErrorOf('Headers: an item is not a pair.');
        this.#add(headerName(pair[0], 'Headers'), headerValue(pair[1], 'Headers'));
      }
    }

    #fromRecord(record) {
      const keys = ownKeys(record);
      for (let i = 0; i < keys.length; i++) {
        const descriptor = getOwnPropertyDescriptor(record, keys[i]);
        if (descriptor === undefined || !descriptor.enumerable) continue;
        const name = headerName(keys[i], 'Headers');
        this.#add(name, headerValue(record[keys[i]], 'Headers'));
      }
    }

    #add(name, value) {
      this.#names[this.#names.length] = name;
      this.#values[this.#values.length] = value;
    }

    #remove(name) {
      const names = makeList(); const values = makeList();
      for (let i = 0; i < this.#names.length; i++) {
        if (this.#names[i] === name) continue;
        names[names.length] = this.#names[i];
        values[values.length] = this.#values[i];
      }
      this.#names = names;
      this.#values = values;
    }

    #joined(name) {
      let joined = null;
      for (let i = 0; i < this.#names.length; i++) {
        if (this.#names[i] === name) joined = joined === null ? this.#values[i] : `${joined}, ${this.#values[i]}`;
      }
      return joined;
    }

    static {
      registerBrand((value) => #names in value);
      access = {
        __proto__: null,
        // Names and values in turn: sorted, and those of one name joined, but for cookies.
        pairs(headers) {
          const order = makeList();
          for (let i = 0; i < headers.#names.length; i++) {
            const name = headers.#names[i];
            let at = 0;
            while (at < order.length && order[at] < name) at++;
            if (order[at] === name) continue;
            for (let j = order.length; j > at; j--) order[j] = order[j - 1];
            order[at] = name;
          }
          const pairs = makeList();
          for (let i = 0; i < order.length; i++) {
            if (order[i] !== 'set-cookie') {
              pairs[pairs.length] = order[i];
              pairs[pairs.length] = headers.#joined(order[i]);
              continue;
            }
            for (let j = 0; j < headers.#names.length; j++) {
              if (headers.#names[j] !== 'set-cookie') continue;
              pairs[pairs.length] = 'set-cookie';
              pairs[pairs.length] = headers.#values[j];
            }
          }
          return pairs;
        },
        // As they came, for the host.
        raw(headers) {
          const pairs = makeList();
          for (let i = 0; i < headers.#names.length; i++) {
            const pair = makeList();
            pair[0] = headers.#names[i];
            pair[1] = headers.#values[i];
            pairs[i] = pair;
          }
          return pairs;
        },
        has: (headers, name) => headers.#joined(name) !== null,
        add: (headers, name, value) => headers.#add(name, value),
        isIn: (value) => #names in value,
      };
    }
  }
  defineInterface(Headers, 'Headers');
  defineProperty(Headers.prototype, iteratorKey, {
    __proto__: null, value: Headers.prototype.entries, writable: true, enumerable: false, configurable: true,
  });

  class Position extends Foreign {
    #pairs;
    #kind;
    #at = 0;
    constructor(iterator, pairs, kind) { super(iterator); this.#pairs = pairs; this.#kind = kind; }
    static next(iterator) {
      const at = iterator.#at;
      if (at >= iterator.#pairs.length) return { value: undefined, done: true };
      iterator.#at += 2;
      const name = iterator.#pairs[at];
      const value = iterator.#pairs[at + 1];
      if (iterator.#kind === 'keys') return { value: name, done: false };
      return { value: iterator.#kind === 'values' ? value : [name, value], done: false };
    }
  }
  const positions = setPrototypeOf({ next() { return Position.next(this); } }, iteratorPrototype);
  tag(positions, 'Headers Iterator');

  function makeIterator(pairs, kind) {
    const iterator = setPrototypeOf({}, positions);
    new Position(iterator, pairs, kind);
    return iterator;
  }

  return { __proto__: null, Headers, access };
})
