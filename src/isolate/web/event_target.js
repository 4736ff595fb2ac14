// `EventTarget`. There is no tree of targets here: an event has one target, and its capturing
// listeners are called before the others.
(function (primordials, natives, load) {
  'use strict';
  const { apply, MapOf, mapGet, mapSet, TypeErrorOf } = primordials;
  const { report } = natives;
  const { need, makeList, isObject, defineInterface, registerBrand } = load('webidl');
  const { DOMException } = load('dom_exception');
  const { Event, internal: events } = load('event');

  // Filled in by abort.js, before which no value is an AbortSignal.
  const signals = { __proto__: null, isSignal: () => false, isAborted: undefined, onAbort: undefined, reason: undefined };
  let fire;
  let setHandler;

  class EventTarget {
    // From a type to the list of its listeners.
    #listeners = new MapOf();

    constructor() {}

    addEventListener(type, callback, options = undefined) {
      this.#listeners;
      need(arguments.length, 2, 'EventTarget.addEventListener');
      const name = `${type}`;
      const listener = asCallback(callback, 'EventTarget.addEventListener');
      let capture = false; let once = false; let passive = false; let signal;
      if (isOptions(options)) {
        if (options !== undefined && options !== null) {
          capture = !!options.capture;
          once = !!options.once;
          passive = !!options.passive;
          signal = options.signal;
          if (signal !== undefined && !(isObject(signal) && signals.isSignal(signal))) {
            throw new TypeErrorOf('EventTarget.addEventListener: the signal is not an AbortSignal.');
          }
        }
      } else capture = !!options;
      if (signal !== undefined && signals.isAborted(signal)) return;
      if (listener === null) return;
      const list = this.#listOf(name);
      if (find(list, listener, capture) >= 0) return;
      const record = { __proto__: null, callback: listener, isHandler: false, capture, once, passive, removed: false };
      list[list.length] = record;
      if (signal !== undefined) signals.onAbort(signal, () => this.#remove(name, record));
    }

    removeEventListener(type, callback, options = undefined) {
      this.#listeners;
      need(arguments.length, 2, 'EventTarget.removeEventListener');
      const name = `${type}`;
      const listener = asCallback(callback, 'EventTarget.removeEventListener');
      const capture = isOptions(options) ? options !== undefined && options !== null && !!options.capture : !!options;
      const list = mapGet(this.#listeners, name);
      const at = list === undefined ? -1 : find(list, listener, capture);
      if (at >= 0) this.#remove(name, list[at]);
    }

    dispatchEvent(event) {
      this.#listeners;
      need(arguments.length, 1, 'EventTarget.dispatchEvent');
      if (!isObject(event) || !events.isEvent(event)) throw new TypeErrorOf('EventTarget.dispatchEvent: the argument is not an Event.');
      if (!events.isReady(event)) throw new DOMException('The event is being dispatched already.', 'InvalidStateError');
      events.distrust(event);
      return this.#dispatch(event);
    }

    #listOf(type) {
      let list = mapGet(this.#listeners, type);
      if (list === undefined) mapSet(this.#listeners, type, list = makeList());
      return list;
    }

    // Makes a new list: the old one may be on its way through `#dispatch`.
    #remove(type, record) {
      if (record.removed) return;
      record.removed = true;
      const list = mapGet(this.#listeners, type);
      const rest = makeList();
      for (let i = 0; i < list.length; i++) if (list[i] !== record) rest[rest.length] = list[i];
      mapSet(this.#listeners, type, rest);
    }

    #dispatch(event) {
      events.begin(event, this);
      const list = mapGet(this.#listeners, events.typeOf(event));
      if (list !== undefined) {
        // Those that are added from here on are not called.
        const { length } = list;
        const type = events.typeOf(event);
        this.#invoke(event, type, list, length, true);
        this.#invoke(event, type, list, length, false);
      }
      events.end(event);
      return !events.isCanceled(event);
    }

    #invoke(event, type, list, length, capture) {
      if (events.isStopped(event)) return;
      for (let i = 0; i < length; i++) {
        const record = list[i];
        if (record.removed || record.capture !== capture) continue;
        if (record.once) this.#remove(type, record);
        if (record.passive) events.setPassive(event, true);
        try { call(record, event, this); } catch (error) { report(error); }
        events.setPassive(event, false);
        if (events.isStoppedImmediately(event)) return;
      }
    }

    // An event handler is a listener that is first set where it stays, and replaced in place.
    #setHandler(type, callback) {
      const list = this.#listOf(type);
      for (let i = 0; i < list.length; i++) {
        const record = list[i];
        if (!record.isHandler) continue;
        if (callback === null) this.#remove(type, record);
        else record.callback = callback;
        return;
      }
      if (callback !== null) {
        list[list.length] = { __proto__: null, callback, isHandler: true, capture: false, once: false, passive: false, removed: false };
      }
    }

    static {
      registerBrand((value) => #listeners in value);
      fire = (target, type) => {
        const event = new Event(type);
        events.trust(event);
        target.#dispatch(event);
      };
      setHandler = (target, type, callback) => target.#setHandler(type, callback);
    }
  }
  defineInterface(EventTarget, 'EventTarget');

  function isOptions(options) { return options === undefined || options === null || isObject(options); }

  function asCallback(callback, where) {
    if (callback === undefined || callback === null) return null;
    if (!isObject(callback)) throw new TypeErrorOf(`${where}: the callback is not an object.`);
    return callback;
  }

  function find(list, callback, capture) {
    for (let i = 0; i < list.length; i++) {
      const record = list[i];
      if (record.callback === callback && record.capture === capture && !record.isHandler) return i;
    }
    return -1;
  }

  function call(record, event, target) {
    const { callback } = record;
    if (typeof callback === 'function') {
      // (No event with a handler here can be canceled, so its answer says nothing.)
      apply(callback, target, [event]);
      return;
    }
    if (record.isHandler) return;
    const { handleEvent } = callback;
    if (typeof handleEvent !== 'function') throw new TypeErrorOf('EventTarget: handleEvent is not a function.');
    apply(handleEvent, callback, [event]);
  }

  return { __proto__: null, EventTarget, signals, fire, setHandler };
})
