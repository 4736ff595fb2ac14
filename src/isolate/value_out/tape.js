// Reads a plain value as the walk in walk.rs does, and hands what it has read to `take`, many
// pieces in one call:
//
//   a string, number, boolean or null   itself
//   undefined, a number, ...            an array of so many items, which follow
//   undefined, an object, ..., undefined
//                                       this object; its keys and members follow in turn
//   any other object                    itself: `take` walks it
//
// An exception, whoever throws it, has the walk begin anew without this script.
(isArray, getPrototypeOf, apply, objectPrototype, take, tape) => {
  'use strict';
  // Its first place is for how many of the others are filled.
  const end = tape.length;
  let at = 1;
  // How far it was filled for this value.
  let longest = 1;

  const handOver = () => {
    const filled = at - 1;
    if (at > longest) longest = at;
    at = 1;
    if (filled <= 8) {
      take(filled, tape[1], tape[2], tape[3], tape[4], tape[5], tape[6], tape[7], tape[8]);
    } else {
      tape[0] = filled;
      apply(take, undefined, tape);
    }
  };

  const put = piece => {
    if (at === end) handOver();
    tape[at++] = piece;
  };

  const read = (value, depth) => {
    switch (typeof value) {
      case 'string':
      case 'number':
      case 'boolean':
        return put(value);
      case 'undefined':
        return put(null);
      case 'object':
        if (value !== null) break;
        return put(null);
      default:
        throw undefined;
    }
    if (typeof value.toJSON === 'function') return put(value);
    if (depth === 0) throw undefined;
    if (isArray(value)) {
      const { length } = value;
      if (length >>> 0 !== length) throw undefined;
      put(undefined);
      put(length);
      for (let index = 0; index < length; index++) read(value[index], depth - 1);
      return;
    }
    const prototype = getPrototypeOf(value);
    if (prototype !== objectPrototype && prototype !== null) return put(value);
    put(undefined);
    put(value);
    for (const key in value) {
      const member = value[key];
      if (member === undefined) continue;
      put(key);
      read(member, depth - 1);
    }
    put(undefined);
  };

  return (value, depth) => {
    // It would be a member of every object, as `in` has it.
    for (const polluted in objectPrototype) throw undefined;
    at = longest = 1;
    try {
      read(value, depth);
      handOver();
    } finally {
      // Or what the plugin has let go would live until the next time.
      if (at > longest) longest = at;
      for (let index = 1; index < longest; index++) tape[index] = null;
    }
  };
}
