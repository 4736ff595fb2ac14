// What the classes have in common: lists, dictionaries, and the shape that WebIDL gives to classes.
(function (primordials) {
  'use strict';
  const {
    apply, defineProperty, getOwnPropertyDescriptor, ownKeys, setPrototypeOf, keysOf,
    TypeErrorOf, RangeErrorOf, toStringTagKey,
  } = primordials;

  // A list of our own: indices and `length`, and no prototype for the guest to meddle with.
  function makeList() { return setPrototypeOf([], null); }

  // Adds to an array that the guest will see.
  function append(array, value) {
    defineProperty(array, array.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  }

  function isObject(value) { return typeof value === 'object' ? value !== null : typeof value === 'function'; }

  function need(count, least, where) {
    if (count < least) {
      throw new TypeErrorOf(`${where}: ${least} argument${least > 1 ? 's' : ''} required, but only ${count} present.`);
    }
  }

  // ToString, with a bound on what is done with it afterwards.
  function text(value, limit, where) {
    const string = typeof value === 'string' ? value : `${value}`;
    if (string.length > limit) {
      throw new RangeErrorOf(`plugin-sandbox: the length of a string given to ${where} exceeds the limit of ${limit} (got ${string.length})`);
    }
    return string;
  }

  // A value as a dictionary: something to read members of, or undefined for "all defaults".
  function dictionary(value, where) {
    if (value === undefined || value === null) return undefined;
    if (!isObject(value)) throw new TypeErrorOf(`${where}: the options are not an object.`);
    return value;
  }

  // The items of an iterable, as WebIDL's sequence<any>; `method` is its @@iterator, read already.
  function sequence(iterable, method, where) {
    if (typeof method !== 'function') throw new TypeErrorOf(`${where}: the value is not iterable.`);
    const iterator = apply(method, iterable, []);
    if (!isObject(iterator)) throw new TypeErrorOf(`${where}: the iterator is not an object.`);
    const next = iterator.next;
    const list = makeList();
    for (;;) {
      const result = apply(next, iterator, []);
      if (!isObject(result)) throw new TypeErrorOf(`${where}: the iterator's result is not an object.`);
      if (result.done) return list;
      list[list.length] = result.value;
    }
  }

  function makeEnumerable(owner, key) {
    const descriptor = setPrototypeOf(getOwnPropertyDescriptor(owner, key), null);
    descriptor.enumerable = true;
    defineProperty(owner, key, descriptor);
  }

  function tag(prototype, name) {
    defineProperty(prototype, toStringTagKey, { __proto__: null, value: name, writable: false, enumerable: false, configurable: true });
  }

  // Makes a class look like the interface `name`: its members are enumerable, unlike a class's.
  function defineInterface(Class, name, constants) {
    const { prototype } = Class;
    const members = ownKeys(prototype);
    for (let i = 0; i < members.length; i++) {
      if (members[i] !== 'constructor' && typeof members[i] === 'string') makeEnumerable(prototype, members[i]);
    }
    const statics = ownKeys(Class);
    for (let i = 0; i < statics.length; i++) {
      const key = statics[i];
      if (key !== 'length' && key !== 'name' && key !== 'prototype') makeEnumerable(Class, key);
    }
    tag(prototype, name);
    if (constants !== undefined) {
      const keys = keysOf(constants);
      for (let i = 0; i < keys.length; i++) {
        const constant = { __proto__: null, value: constants[keys[i]], writable: false, enumerable: true, configurable: false };
        defineProperty(Class, keys[i], constant);
        defineProperty(prototype, keys[i], constant);
      }
    }
  }

  // Stamps private fields on an object that something else has made: see the subclasses.
  class Foreign { constructor(object) { return object; } }

  // Tests whether an object is an instance of one of our classes, which a clone cannot be made of.
  const brands = makeList();
  function registerBrand(test) { brands[brands.length] = test; }
  function isPlatformObject(object) {
    for (let i = 0; i < brands.length; i++) if (brands[i](object)) return true;
    return false;
  }

  return {
    __proto__: null,
    makeList, append, isObject, need, text, dictionary, sequence, tag, defineInterface, Foreign,
    registerBrand, isPlatformObject,
  };
})
