// `queueMicrotask`: what the callback throws is told to the console.
(function (primordials, natives, load) {
  'use strict';
  const { apply, TypeErrorOf } = primordials;
  const { enqueueMicrotask, report } = natives;
  const { need } = load('webidl');

  const { queueMicrotask } = {
    queueMicrotask(callback) {
      need(arguments.length, 1, 'queueMicrotask');
      if (typeof callback !== 'function') throw new TypeErrorOf('queueMicrotask: the callback is not a function.');
      enqueueMicrotask(() => {
        try { apply(callback, undefined, []); } catch (error) { report(error); }
      });
    },
  };
  return { __proto__: null, queueMicrotask };
})
