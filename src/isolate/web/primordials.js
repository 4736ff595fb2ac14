// The pristine functions of the language as the scripts of this folder use them: a function of what
// primordials.rs has captured, which answers one frozen object without a prototype.
//
// RULES FOR THE FILES OF THIS FOLDER. They run when the guest may have replaced anything it can
// reach. So nothing looks up a property of a built-in object: methods come from here, uncurried
// (the receiver is the first argument). No spread, no for-of and no destructuring of arrays: they
// go through Array.prototype. Lists of our own are made by `makeList`, which have no prototype, so
// that `list[list.length] = x` meets no setter; arrays for the guest are filled by `append`.
// Object literals that are read by name have `__proto__: null`. Nothing that is in here, in the
// natives or in a module's exports may reach the guest. tests/all/web.rs attacks.
(function (captured) {
  'use strict';
  const call = captured['Function.prototype.call'];
  const apply = captured['Reflect.apply'];
  const bind = captured['Function.prototype.bind'];
  // A bound `call` is immune to a replaced Function.prototype.call.
  const uncurry = (f) => apply(bind, call, [f]);
  const method = (name) => uncurry(captured[name]);
  const getter = (name) => uncurry(captured[`get ${name}`]);
  const flag = (name) => getter(`RegExp.prototype.${name}`);
  return captured['Object.freeze']({
    __proto__: null,
    apply,
    construct: captured['Reflect.construct'],
    defineProperty: captured['Reflect.defineProperty'],
    getOwnPropertyDescriptor: captured['Reflect.getOwnPropertyDescriptor'],
    getPrototypeOf: captured['Reflect.getPrototypeOf'],
    ownKeys: captured['Reflect.ownKeys'],
    setPrototypeOf: captured['Object.setPrototypeOf'],
    hasOwn: captured['Object.hasOwn'],
    keysOf: captured['Object.keys'],
    isArray: captured['Array.isArray'],
    trunc: captured['Math.trunc'],
    iteratorKey: captured['Symbol.iterator'],
    toStringTagKey: captured['Symbol.toStringTag'],
    errorPrototype: captured['Error.prototype'],
    iteratorPrototype: captured['Iterator.prototype'],
    ArrayOf: captured.Array,
    ObjectOf: captured.Object,
    MapOf: captured.Map,
    SetOf: captured.Set,
    DateOf: captured.Date,
    RegExpOf: captured.RegExp,
    ArrayBufferOf: captured.ArrayBuffer,
    DataViewOf: captured.DataView,
    Uint8ArrayOf: captured.Uint8Array,
    ErrorOf: captured.Error,
    TypeErrorOf: captured.TypeError,
    RangeErrorOf: captured.RangeError,
    jsonParse: captured['JSON.parse'],
    PromiseOf: captured.Promise,
    promiseThen: method('Promise.prototype.then'),
    slice: method('String.prototype.slice'),
    charCodeAt: method('String.prototype.charCodeAt'),
    toLowerCase: method('String.prototype.toLowerCase'),
    toWellFormed: method('String.prototype.toWellFormed'),
    mapGet: method('Map.prototype.get'),
    mapSet: method('Map.prototype.set'),
    mapHas: method('Map.prototype.has'),
    mapForEach: method('Map.prototype.forEach'),
    setAdd: method('Set.prototype.add'),
    setHas: method('Set.prototype.has'),
    setForEach: method('Set.prototype.forEach'),
    booleanValue: method('Boolean.prototype.valueOf'),
    numberValue: method('Number.prototype.valueOf'),
    stringValue: method('String.prototype.valueOf'),
    bigIntValue: method('BigInt.prototype.valueOf'),
    dateValue: method('Date.prototype.getTime'),
    bufferTransfer: method('ArrayBuffer.prototype.transfer'),
    bufferMaxLength: getter('ArrayBuffer.prototype.maxByteLength'),
    arraySet: method('Int8Array.prototype.set'),
    regExpSource: flag('source'),
    regExpFlags: [
      ['d', flag('hasIndices')], ['g', flag('global')], ['i', flag('ignoreCase')], ['m', flag('multiline')],
      ['s', flag('dotAll')], ['u', flag('unicode')], ['v', flag('unicodeSets')], ['y', flag('sticky')],
    ],
    errors: {
      __proto__: null,
      EvalError: captured.EvalError,
      RangeError: captured.RangeError,
      ReferenceError: captured.ReferenceError,
      SyntaxError: captured.SyntaxError,
      TypeError: captured.TypeError,
      URIError: captured.URIError,
      Error: captured.Error,
    },
    typedArrays: {
      __proto__: null,
      Int8Array: captured.Int8Array,
      Uint8Array: captured.Uint8Array,
      Uint8ClampedArray: captured.Uint8ClampedArray,
      Int16Array: captured.Int16Array,
      Uint16Array: captured.Uint16Array,
      Int32Array: captured.Int32Array,
      Uint32Array: captured.Uint32Array,
      Float16Array: captured.Float16Array,
      Float32Array: captured.Float32Array,
      Float64Array: captured.Float64Array,
      BigInt64Array: captured.BigInt64Array,
      BigUint64Array: captured.BigUint64Array,
    },
  });
})
