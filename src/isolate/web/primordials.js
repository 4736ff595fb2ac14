// The pristine functions of the language: an expression whose value is one frozen object without a
// prototype. It runs in every new realm, after the hardening and before any guest code, so it only
// captures; everything else of the web APIs is compiled when the plugin first touches it.
//
// RULES FOR THE FILES OF THIS FOLDER. They run when the guest may have replaced anything it can
// reach. So nothing looks up a property of a built-in object: methods come from here, uncurried
// (the receiver is the first argument). No spread, no for-of and no destructuring of arrays: they
// go through Array.prototype. Lists of our own are made by `makeList`, which have no prototype, so
// that `list[list.length] = x` meets no setter; arrays for the guest are filled by `append`.
// Object literals that are read by name have `__proto__: null`. Nothing that is in here, in the
// natives or in a module's exports may reach the guest. tests/all/web.rs attacks.
(() => {
  'use strict';
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const getter = (owner, key) => uncurry(getOwnPropertyDescriptor(owner, key).get);
  const typedArrays = { __proto__: null };
  const names = ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array',
    'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'];
  for (const name of names) typedArrays[name] = globalThis[name];
  const errors = { __proto__: null };
  for (const name of ['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError', 'Error']) {
    errors[name] = globalThis[name];
  }
  const typedArray = getPrototypeOf(Int8Array.prototype);
  const buffer = ArrayBuffer.prototype;
  const view = DataView.prototype;
  const map = Map.prototype;
  const set = Set.prototype;
  const regExp = RegExp.prototype;
  return Object.freeze({
    __proto__: null,
    apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys,
    setPrototypeOf: Object.setPrototypeOf,
    hasOwn: Object.hasOwn,
    keysOf: Object.keys,
    freeze: Object.freeze,
    isArray: Array.isArray,
    ArrayOf: Array, ObjectOf: Object, MapOf: Map, SetOf: Set, DateOf: Date, RegExpOf: RegExp,
    ArrayBufferOf: ArrayBuffer, DataViewOf: DataView, Uint8ArrayOf: Uint8Array,
    ErrorOf: Error, TypeErrorOf: TypeError, RangeErrorOf: RangeError,
    functionPrototype: Function.prototype,
    errorPrototype: Error.prototype,
    iteratorPrototype: Iterator.prototype,
    iteratorKey: Symbol.iterator,
    toStringTagKey: Symbol.toStringTag,
    trunc: Math.trunc,
    slice: uncurry(String.prototype.slice),
    toWellFormed: uncurry(String.prototype.toWellFormed),
    mapGet: uncurry(map.get), mapSet: uncurry(map.set), mapHas: uncurry(map.has),
    mapDelete: uncurry(map.delete), mapForEach: uncurry(map.forEach),
    setAdd: uncurry(set.add), setHas: uncurry(set.has), setForEach: uncurry(set.forEach),
    booleanValue: uncurry(Boolean.prototype.valueOf),
    numberValue: uncurry(Number.prototype.valueOf),
    stringValue: uncurry(String.prototype.valueOf),
    bigIntValue: uncurry(BigInt.prototype.valueOf),
    dateValue: uncurry(Date.prototype.getTime),
    regExpSource: getter(regExp, 'source'),
    regExpFlags: [
      ['d', getter(regExp, 'hasIndices')], ['g', getter(regExp, 'global')], ['i', getter(regExp, 'ignoreCase')],
      ['m', getter(regExp, 'multiline')], ['s', getter(regExp, 'dotAll')], ['u', getter(regExp, 'unicode')],
      ['v', getter(regExp, 'unicodeSets')], ['y', getter(regExp, 'sticky')],
    ],
    bufferLength: getter(buffer, 'byteLength'),
    bufferMaxLength: getter(buffer, 'maxByteLength'),
    bufferIsResizable: getter(buffer, 'resizable'),
    bufferIsDetached: getter(buffer, 'detached'),
    bufferTransfer: uncurry(buffer.transfer),
    viewBuffer: getter(view, 'buffer'), viewOffset: getter(view, 'byteOffset'), viewLength: getter(view, 'byteLength'),
    arrayBufferOf: getter(typedArray, 'buffer'),
    arrayOffset: getter(typedArray, 'byteOffset'),
    arrayLength: getter(typedArray, 'length'),
    arrayBytes: getter(typedArray, 'byteLength'),
    arraySet: uncurry(typedArray.set),
    typedArrays, errors,
  });
})()
