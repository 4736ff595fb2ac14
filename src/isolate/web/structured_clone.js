// `structuredClone`. The walk keeps a stack of its own, so that no depth overflows V8's.
(function (primordials, natives, load) {
  'use strict';
  const {
    hasOwn, keysOf, getOwnPropertyDescriptor, defineProperty, ObjectOf, ArrayOf, MapOf, SetOf, DateOf, RegExpOf,
    ArrayBufferOf, DataViewOf, Uint8ArrayOf, mapGet, mapSet, mapHas, mapForEach, setAdd, setHas, setForEach,
    booleanValue, numberValue, stringValue, bigIntValue, dateValue, regExpSource, regExpFlags,
    bufferMaxLength, bufferTransfer, arraySet, typedArrays, errors, iteratorKey,
  } = primordials;
  const { createProperty, kindOf, isOnHeap, otherKeys, bufferOf, bufferState, viewState } = natives;
  const { makeList, isObject, need, dictionary, sequence, isPlatformObject } = load('webidl');
  const { DOMException, isDOMException, cloneException } = load('dom_exception');
  // Beyond it the keys of an array are not listed (see hardening.js), but counted through.
  const MAX_KEYS = 2 ** 18;
  const MAX_ELEMENTS = 2 ** 24;
  // The places in what `bufferState` and `viewState` answer.
  const LENGTH = 0; const IS_DETACHED = 1; const IS_RESIZABLE = 2; const IS_DETACHABLE = 3;
  const OFFSET = 0; const BYTES = 1; const ITEMS = 2;

  const { structuredClone } = {
    structuredClone(value, options = undefined) {
      need(arguments.length, 1, 'structuredClone');
      return new Walk(transferList(options)).clone(value);
    },
  };

  function refuse(what) { throw new DOMException(`${what} could not be cloned.`, 'DataCloneError'); }

  function transferList(options) {
    const members = dictionary(options, 'structuredClone');
    const transfer = members === undefined ? undefined : members.transfer;
    if (transfer === undefined) return makeList();
    if (!isObject(transfer)) throw new errors.TypeError('structuredClone: transfer is not iterable.');
    return sequence(transfer, transfer[iteratorKey], 'structuredClone');
  }

  function put(object, key, value, isHidden) {
    if (!isHidden && typeof key === 'string') createProperty(object, key, value);
    else defineProperty(object, key, { __proto__: null, value, writable: true, enumerable: !isHidden, configurable: true });
  }

  class Walk {
    // From what was met to its clone.
    #clones = new MapOf();
    // Containers that are being filled; the last is worked on until it is done.
    #stack = makeList();
    // Maps and Sets, which are filled at the end: only then all their keys are known.
    #collections = makeList();
    #transferred = makeList();
    #isTransferred = new SetOf();
    // Places that get something of a transferred buffer, which does not exist yet.
    #waiting = makeList();

    constructor(transfer) {
      for (let i = 0; i < transfer.length; i++) {
        const buffer = transfer[i];
        if (!isObject(buffer)) throw new errors.TypeError('structuredClone: an item of transfer is not an object.');
        if (kindOf(buffer) !== 'ArrayBuffer') refuse('An item of transfer that is not an ArrayBuffer');
        if (setHas(this.#isTransferred, buffer)) refuse('A buffer that is in transfer twice');
        setAdd(this.#isTransferred, buffer);
        this.#transferred[i] = buffer;
      }
    }

    clone(value) {
      const root = makeList();
      this.#place(root, 0, value, false);
      while (this.#stack.length > 0) {
        const frame = this.#stack[this.#stack.length - 1];
        const at = frame.at++;
        // Not kept while its last member is worked on, so that a long chain needs no long stack.
        if (frame.at >= frame.keys.length) this.#stack.length--;
        if (at < frame.keys.length) this.#step(frame, frame.keys[at]);
      }
      this.#transfer();
      for (let i = 0; i < this.#collections.length; i++) fill(this.#collections[i]);
      return root[0];
    }

    #step(frame, key) {
      // A getter may have removed what comes after it.
      if (hasOwn(frame.source, key)) this.#place(frame.target, key, frame.source[key], frame.isHidden);
    }

    // Puts the clone of `value` at a key of a clone, or has it put there when it can be made.
    #place(target, key, value, isHidden) {
      if (typeof value === 'symbol' || typeof value === 'function') refuse(typeof value === 'symbol' ? 'A symbol' : 'A function');
      if (!isObject(value)) return put(target, key, value, isHidden);
      if (mapHas(this.#clones, value)) return put(target, key, mapGet(this.#clones, value), isHidden);
      const kind = kindOf(value);
      if (this.#transferred.length > 0 && this.#waits(target, key, isHidden, kind, value)) return undefined;
      return put(target, key, this.#make(kind, value), isHidden);
    }

    // Whether this is, or is a view of, a buffer that is to be transferred.
    #waits(target, key, isHidden, kind, value) {
      const buffer = isArrayView(kind) && !isOnHeap(value) ? bufferOf(value) : value;
      if (!setHas(this.#isTransferred, buffer)) return false;
      put(target, key, undefined, isHidden);
      const view = buffer === value ? undefined : shapeOf(kind, value);
      this.#waiting[this.#waiting.length] = { __proto__: null, target, key, isHidden, value, buffer, view };
      return true;
    }

    #make(kind, value) {
      switch (kind) {
        case 'Object':
          if (isPlatformObject(value)) refuse('An object of this class');
          return this.#container(value, {}, keysOf(value));
        case 'Array': return this.#array(value);
        case 'Map': return this.#collection(value, new MapOf(), 'map');
        case 'Set': return this.#collection(value, new SetOf(), 'set');
        case 'Error': return isDOMException(value) ? this.#known(value, cloneException(value)) : this.#error(value);
        default: return this.#known(value, this.#leaf(kind, value));
      }
    }

    // Clones of what holds nothing that has to be cloned.
    #leaf(kind, value) {
      switch (kind) {
        case 'Boolean': return ObjectOf(booleanValue(value));
        case 'Number': return ObjectOf(numberValue(value));
        case 'String': return ObjectOf(stringValue(value));
        case 'BigInt': return ObjectOf(bigIntValue(value));
        case 'Date': return new DateOf(dateValue(value));
        case 'RegExp': return new RegExpOf(regExpSource(value), flagsOf(value));
        case 'ArrayBuffer': return cloneBuffer(value);
        default:
          if (isArrayView(kind)) return this.#view(kind, value);
          return refuse(kind === 'Proxy' ? 'A proxy' : 'An object of this kind');
      }
    }

    #known(source, target) {
      mapSet(this.#clones, source, target);
      return target;
    }

    #container(source, target, keys) {
      this.#stack[this.#stack.length] = { source, target, keys, at: 0, isHidden: false };
      return this.#known(source, target);
    }

    #array(source) {
      const { length } = source;
      const target = new ArrayOf(length);
      if (length <= MAX_KEYS) return this.#container(source, target, keysOf(source));
      if (length > MAX_ELEMENTS) {
        throw new errors.RangeError(`plugin-sandbox: structuredClone on ${length} elements exceeds the limit of ${MAX_ELEMENTS}`);
      }
      const keys = makeList();
      for (let i = 0; i < length; i++) if (hasOwn(source, i)) keys[keys.length] = i;
      const others = otherKeys(source);
      for (let i = 0; i < others.length; i++) keys[keys.length] = others[i];
      return this.#container(source, target, keys);
    }

    #collection(source, target, kind) {
      const before = makeList();
      if (kind === 'map') mapForEach(source, (value, key) => { before[before.length] = key; before[before.length] = value; });
      else setForEach(source, (value) => { before[before.length] = value; });
      const entries = makeList();
      const keys = makeList();
      for (let i = 0; i < before.length; i++) keys[i] = i;
      this.#collections[this.#collections.length] = { __proto__: null, target, entries, kind };
      this.#stack[this.#stack.length] = { __proto__: null, source: before, target: entries, keys, at: 0, isHidden: false };
      return this.#known(source, target);
    }

    #error(source) {
      const name = source.name === undefined ? 'Error' : `${source.name}`;
      const Class = hasOwn(errors, name) ? errors[name] : errors.Error;
      const descriptor = getOwnPropertyDescriptor(source, 'message');
      const hasMessage = descriptor !== undefined && hasOwn(descriptor, 'value');
      const message = hasMessage ? `${descriptor.value}` : undefined;
      const target = new Class(message);
      const stack = source.stack;
      if (typeof stack === 'string') {
        defineProperty(target, 'stack', { __proto__: null, value: stack, writable: true, enumerable: false, configurable: true });
      }
      if (!hasOwn(source, 'cause')) return this.#known(source, target);
      const cause = getOwnPropertyDescriptor(source, 'cause');
      this.#known(source, target);
      if (!hasOwn(cause, 'value')) return target;
      const holder = { __proto__: null, cause: cause.value };
      this.#stack[this.#stack.length] = { __proto__: null, source: holder, target, keys: ['cause'], at: 0, isHidden: true };
      return target;
    }

    #view(kind, value) {
      if (kind !== 'DataView' && isOnHeap(value)) {
        // Small, and nobody else can see its bytes.
        const copy = new typedArrays[kind](viewState(value)[ITEMS]);
        arraySet(copy, value);
        return copy;
      }
      const source = bufferOf(value);
      if (kindOf(source) !== 'ArrayBuffer') refuse('Shared memory');
      const shape = shapeOf(kind, value);
      const buffer = mapHas(this.#clones, source) ? mapGet(this.#clones, source) : this.#known(source, cloneBuffer(source));
      return viewOf(shape, buffer);
    }

    #transfer() {
      const moved = new MapOf();
      for (let i = 0; i < this.#transferred.length; i++) {
        const state = bufferState(this.#transferred[i]);
        if (state[IS_DETACHED] || !state[IS_DETACHABLE]) refuse('An ArrayBuffer that cannot be detached');
      }
      for (let i = 0; i < this.#transferred.length; i++) {
        mapSet(moved, this.#transferred[i], bufferTransfer(this.#transferred[i]));
      }
      for (let i = 0; i < this.#waiting.length; i++) {
        const { target, key, isHidden, value, buffer, view } = this.#waiting[i];
        let clone = mapGet(moved, buffer);
        if (view !== undefined) clone = mapGet(this.#clones, value) ?? this.#known(value, viewOf(view, clone));
        put(target, key, clone, isHidden);
      }
    }
  }

  function fill({ target, entries, kind }) {
    if (kind === 'map') for (let i = 0; i < entries.length; i += 2) mapSet(target, entries[i], entries[i + 1]);
    else for (let i = 0; i < entries.length; i++) setAdd(target, entries[i]);
  }

  function flagsOf(regExp) {
    let flags = '';
    for (let i = 0; i < regExpFlags.length; i++) if (regExpFlags[i][1](regExp)) flags += regExpFlags[i][0];
    return flags;
  }

  function isArrayView(kind) { return kind === 'DataView' || hasOwn(typedArrays, kind); }

  function cloneBuffer(source) {
    const state = bufferState(source);
    if (state[IS_DETACHED]) refuse('A detached ArrayBuffer');
    const length = state[LENGTH];
    const target = state[IS_RESIZABLE]
      ? new ArrayBufferOf(length, { __proto__: null, maxByteLength: bufferMaxLength(source) })
      : new ArrayBufferOf(length);
    arraySet(new Uint8ArrayOf(target), new Uint8ArrayOf(source));
    return target;
  }

  // What it takes to make the same view of another buffer. One to the end of a buffer that can be
  // resized is taken for one that follows its length.
  function shapeOf(kind, view) {
    const buffer = bufferState(bufferOf(view));
    if (buffer[IS_DETACHED]) refuse('A view of a detached ArrayBuffer');
    const state = viewState(view);
    const follows = buffer[IS_RESIZABLE] && state[OFFSET] + state[BYTES] === buffer[LENGTH];
    return { __proto__: null, kind, offset: state[OFFSET], length: follows ? undefined : state[ITEMS] };
  }

  function viewOf(shape, buffer) {
    const Class = shape.kind === 'DataView' ? DataViewOf : typedArrays[shape.kind];
    return new Class(buffer, shape.offset, shape.length);
  }

  return { __proto__: null, structuredClone };
})
