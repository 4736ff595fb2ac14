// `TextEncoder`.
(function (primordials, natives, load) {
  'use strict';
  const { apply, ArrayBufferOf, Uint8ArrayOf, TypeErrorOf, arraySet } = primordials;
  const { utf8Length, writeUtf8, kindOf, isOnHeap, viewState } = natives;
  const { need, text, defineInterface, registerBrand } = load('webidl');
  const LIMIT = 2 ** 24;

  let isIn;
  class TextEncoder {
    #brand;

    get encoding() { this.#brand; return 'utf-8'; }

    encode(input = '') {
      this.#brand;
      const source = text(input, LIMIT, 'TextEncoder.encode');
      // On a buffer of its own, so that its bytes are never on the heap.
      const bytes = new Uint8ArrayOf(new ArrayBufferOf(utf8Length(source)));
      writeUtf8(source, bytes);
      return bytes;
    }

    encodeInto(source, destination) {
      this.#brand;
      need(arguments.length, 2, 'TextEncoder.encodeInto');
      const string = text(source, LIMIT, 'TextEncoder.encodeInto');
      if (kindOf(destination) !== 'Uint8Array') throw new TypeErrorOf('TextEncoder.encodeInto: the destination is not a Uint8Array.');
      if (!isOnHeap(destination)) return counts(writeUtf8(string, destination));
      // The bytes of a small array are where V8 may move them.
      const copy = new Uint8ArrayOf(new ArrayBufferOf(viewState(destination)[1]));
      arraySet(copy, destination);
      const packed = writeUtf8(string, copy);
      arraySet(destination, copy);
      return counts(packed);
    }

    static { isIn = (value) => #brand in value; }
  }
  registerBrand(isIn);
  defineInterface(TextEncoder, 'TextEncoder');

  // What was read and written, in one number: each is at most 2^26.
  function counts(packed) {
    const written = packed % 2 ** 26;
    return { read: (packed - written) / 2 ** 26, written };
  }
  const { encode } = TextEncoder.prototype;
  const encodeUtf8 = (string) => apply(encode, new TextEncoder(), [string]);
  return { __proto__: null, TextEncoder, encodeUtf8 };
})
