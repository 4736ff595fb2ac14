// `Event` and `CustomEvent`.
(function (primordials, natives, load) {
  'use strict';
  const { defineProperty, getOwnPropertyDescriptor } = primordials;
  const { need, dictionary, defineInterface, registerBrand, append } = load('webidl');

  // The one function that every event has as the getter of its own `isTrusted`.
  let trustedGetter;
  // What EventTarget does to an event, which nobody else may.
  let internal;

  class Event {
    #type;
    #bubbles = false;
    #cancelable = false;
    #composed = false;
    #trusted = false;
    #target = null;
    #currentTarget = null;
    #phase = 0;
    #initialized = true;
    #dispatching = false;
    #stopped = false;
    #stoppedImmediately = false;
    #canceled = false;
    #passive = false;

    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, 'Event');
      const name = `${type}`;
      const members = dictionary(eventInitDict, 'Event');
      this.#type = name;
      if (members !== undefined) {
        this.#bubbles = !!members.bubbles;
        this.#cancelable = !!members.cancelable;
        this.#composed = !!members.composed;
      }
      defineProperty(this, 'isTrusted', { __proto__: null, get: trustedGetter, set: undefined, enumerable: true, configurable: false });
    }

    get type() { return this.#type; }
    get target() { return this.#target; }
    get srcElement() { return this.#target; }
    get currentTarget() { return this.#currentTarget; }
    composedPath() {
      const path = [];
      if (this.#currentTarget !== null) append(path, this.#currentTarget);
      return path;
    }
    get eventPhase() { return this.#phase; }
    stopPropagation() { this.#stopped = true; }
    get cancelBubble() { return this.#stopped; }
    set cancelBubble(value) { if (value) this.#stopped = true; else this.#stopped; }
    stopImmediatePropagation() { this.#stopped = true; this.#stoppedImmediately = true; }
    get bubbles() { return this.#bubbles; }
    get cancelable() { return this.#cancelable; }
    get returnValue() { return !this.#canceled; }
    set returnValue(value) { if (!value) this.#cancel(); else this.#canceled; }
    preventDefault() { this.#cancel(); }
    get defaultPrevented() { return this.#canceled; }
    get composed() { return this.#composed; }
    // No clock: a plugin has none finer than Date.
    get timeStamp() { this.#type; return 0; }
    initEvent(type, bubbles = false, cancelable = false) {
      this.#type;
      need(arguments.length, 1, 'Event.initEvent');
      this.#initialize(`${type}`, !!bubbles, !!cancelable);
    }

    #cancel() { if (this.#cancelable && !this.#passive) this.#canceled = true; }
    #initialize(type, bubbles, cancelable) {
      if (this.#dispatching) return false;
      this.#initialized = true;
      this.#stopped = this.#stoppedImmediately = this.#canceled = this.#trusted = false;
      this.#target = null;
      this.#type = type;
      this.#bubbles = bubbles;
      this.#cancelable = cancelable;
      return true;
    }

    static {
      trustedGetter = getOwnPropertyDescriptor({ get isTrusted() { return this.#trusted; } }, 'isTrusted').get;
      registerBrand((value) => #type in value);
      internal = {
        __proto__: null,
        isEvent: (value) => #type in value,
        initialize: (event, type, bubbles, cancelable) => event.#initialize(type, bubbles, cancelable),
        isReady: (event) => event.#initialized && !event.#dispatching,
        trust: (event) => { event.#trusted = true; },
        distrust: (event) => { event.#trusted = false; },
        begin(event, target) {
          event.#dispatching = true;
          event.#target = target;
          event.#currentTarget = target;
          event.#phase = 2;
        },
        end(event) {
          event.#phase = 0;
          event.#currentTarget = null;
          event.#dispatching = event.#stopped = event.#stoppedImmediately = event.#passive = false;
        },
        isStopped: (event) => event.#stopped,
        isStoppedImmediately: (event) => event.#stoppedImmediately,
        isCanceled: (event) => event.#canceled,
        setPassive: (event, passive) => { event.#passive = passive; },
        typeOf: (event) => event.#type,
      };
    }
  }
  defineInterface(Event, 'Event', { __proto__: null, NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });

  class CustomEvent extends Event {
    #detail = null;

    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, 'CustomEvent');
      super(type, eventInitDict);
      const members = dictionary(eventInitDict, 'CustomEvent');
      if (members !== undefined) {
        const { detail } = members;
        this.#detail = detail === undefined ? null : detail;
      }
    }

    get detail() { return this.#detail; }
    initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
      this.#detail;
      need(arguments.length, 1, 'CustomEvent.initCustomEvent');
      const name = `${type}`;
      if (internal.initialize(this, name, !!bubbles, !!cancelable)) this.#detail = detail;
    }
  }
  defineInterface(CustomEvent, 'CustomEvent');

  return { __proto__: null, Event, CustomEvent, internal };
})
