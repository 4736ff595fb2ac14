// `AbortController` and `AbortSignal`.
(function (primordials, natives, load) {
  'use strict';
  const { construct, setPrototypeOf, trunc, TypeErrorOf, iteratorKey } = primordials;
  const { report, setTimeout } = natives;
  const { need, makeList, isObject, sequence, defineInterface, Foreign, registerBrand } = load('webidl');
  const { DOMException } = load('dom_exception');
  const { EventTarget, signals, fire, setHandler } = load('event_target');

  // A signal is an event target that carries this. (`super()` would run whatever the guest has made
  // the prototype of the class.)
  class State extends Foreign {
    #aborted = false;
    #reason;
    #algorithms = makeList();
    // The signals that follow this one, made by `any`; and, for such a one, those it follows.
    #dependents = makeList();
    #sources;
    #handler = null;

    static isIn(value) { return #aborted in value; }
    static isAborted(signal) { return signal.#aborted; }
    static reason(signal) { return signal.#reason; }
    static handler(signal) { return signal.#handler; }
    static setHandler(signal, handler) { signal.#handler = handler; }
    static mark(signal, reason) { signal.#aborted = true; signal.#reason = reason; }
    static onAbort(signal, algorithm) {
      if (!signal.#aborted) signal.#algorithms[signal.#algorithms.length] = algorithm;
    }

    static follow(signal, sources) {
      signal.#sources = makeList();
      for (let i = 0; i < sources.length; i++) {
        const source = sources[i];
        // Of a signal that follows others, those others are followed: the chain stays short.
        if (source.#sources === undefined) State.#link(signal, source);
        else for (let j = 0; j < source.#sources.length; j++) State.#link(signal, source.#sources[j]);
      }
    }
    static #link(signal, source) {
      const known = signal.#sources;
      for (let i = 0; i < known.length; i++) if (known[i] === source) return;
      known[known.length] = source;
      source.#dependents[source.#dependents.length] = signal;
    }

    static abort(signal, reason) {
      if (signal.#aborted) return;
      State.mark(signal, reason === undefined ? new DOMException('signal is aborted without reason', 'AbortError') : reason);
      const dependents = signal.#dependents;
      const together = makeList();
      for (let i = 0; i < dependents.length; i++) {
        if (dependents[i].#aborted) continue;
        State.mark(dependents[i], signal.#reason);
        together[together.length] = dependents[i];
      }
      signal.#dependents = makeList();
      State.#run(signal);
      for (let i = 0; i < together.length; i++) State.#run(together[i]);
    }
    static #run(signal) {
      const algorithms = signal.#algorithms;
      signal.#algorithms = makeList();
      for (let i = 0; i < algorithms.length; i++) {
        try { algorithms[i](); } catch (error) { report(error); }
      }
      fire(signal, 'abort');
    }
  }

  class AbortSignal {
    constructor() { throw new TypeErrorOf('Illegal constructor'); }

    get aborted() { return State.isAborted(this); }
    get reason() { return State.reason(this); }
    throwIfAborted() { if (State.isAborted(this)) throw State.reason(this); }
    get onabort() { return State.handler(this); }
    set onabort(value) {
      const handler = isObject(value) ? value : null;
      State.setHandler(this, handler);
      setHandler(this, 'abort', handler);
    }

    static abort(reason = undefined) {
      const signal = makeSignal();
      State.mark(signal, reason === undefined ? new DOMException('signal is aborted without reason', 'AbortError') : reason);
      return signal;
    }

    static any(list) {
      need(arguments.length, 1, 'AbortSignal.any');
      if (!isObject(list)) throw new TypeErrorOf('AbortSignal.any: the argument is not iterable.');
      const sources = sequence(list, list[iteratorKey], 'AbortSignal.any');
      for (let i = 0; i < sources.length; i++) {
        if (!isObject(sources[i]) || !State.isIn(sources[i])) throw new TypeErrorOf('AbortSignal.any: an item is not an AbortSignal.');
      }
      const signal = makeSignal();
      for (let i = 0; i < sources.length; i++) {
        if (State.isAborted(sources[i])) {
          State.mark(signal, State.reason(sources[i]));
          return signal;
        }
      }
      State.follow(signal, sources);
      return signal;
    }

    static timeout(milliseconds) {
      need(arguments.length, 1, 'AbortSignal.timeout');
      const delay = trunc(+milliseconds);
      if (!(delay >= 0 && delay <= 2 ** 53 - 1)) throw new TypeErrorOf('AbortSignal.timeout: the time is out of range.');
      const signal = makeSignal();
      setTimeout(() => State.abort(signal, new DOMException('signal timed out', 'TimeoutError')), delay);
      return signal;
    }
  }
  if (setTimeout === undefined) delete AbortSignal.timeout;
  setPrototypeOf(AbortSignal, EventTarget);
  setPrototypeOf(AbortSignal.prototype, EventTarget.prototype);
  defineInterface(AbortSignal, 'AbortSignal');

  function makeSignal() {
    const signal = construct(EventTarget, [], AbortSignal);
    new State(signal);
    return signal;
  }

  let isController;
  class AbortController {
    #signal = makeSignal();

    constructor() {}
    get signal() { return this.#signal; }
    abort(reason = undefined) { State.abort(this.#signal, reason); }

    static { isController = (value) => #signal in value; }
  }
  registerBrand(isController);
  defineInterface(AbortController, 'AbortController');

  signals.isSignal = State.isIn;
  signals.isAborted = State.isAborted;
  signals.onAbort = State.onAbort;
  signals.reason = State.reason;
  return { __proto__: null, AbortController, AbortSignal };
})
