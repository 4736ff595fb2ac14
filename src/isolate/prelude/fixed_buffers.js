// One expression, evaluated to a function that the host calls once in a fresh realm that is not
// hardened: buffers keep their length. A hardened realm has that from hardening.js, whose rules for
// editing hold here too.
(function fixBuffers() {
  'use strict';

  const { construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { setPrototypeOf } = Object;
  const RangeErrorOf = RangeError;
  for (const name of ['ArrayBuffer', 'SharedArrayBuffer']) {
    const native = globalThis[name];
    if (native === undefined) continue;
    const wrapper = {
      [name]: function (length) {
        if (new.target === undefined) return native(); // throws
        const options = arguments.length > 1 ? arguments[1] : undefined;
        if (typeof options === 'object' && options !== null && options.maxByteLength !== undefined) {
          throw new RangeErrorOf(`plugin-sandbox: a resizable ${name} is not available`);
        }
        return construct(native, [length], new.target === wrapper ? native : new.target);
      },
    }[name];
    for (const key of ownKeys(native)) {
      const descriptor = getOwnPropertyDescriptor(native, key);
      if (key === 'prototype') defineProperty(wrapper, key, { __proto__: null, value: native.prototype, writable: false });
      else defineProperty(wrapper, key, descriptor);
    }
    setPrototypeOf(wrapper, getPrototypeOf(native));
    for (const [owner, key] of [[native.prototype, 'constructor'], [globalThis, name]]) {
      const descriptor = getOwnPropertyDescriptor(owner, key);
      descriptor.value = wrapper;
      defineProperty(owner, key, descriptor);
    }
  }
})
