// `TextDecoder`. What a stream has begun and not finished is kept here, as bytes; only the old
// encodings of East Asia have a decoder that lives on, see encoding.rs.
(function (primordials, natives, load) {
  'use strict';
  const { apply, TypeErrorOf, RangeErrorOf } = primordials;
  const { encodingFor, byteLength, decode } = natives;
  const { text, dictionary, defineInterface, registerBrand } = load('webidl');

  // Decoded at a time: V8 can stop a plugin only in between.
  const PART = 2 ** 20;
  let isIn;
  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    // What `decode` says of the stream; 0 at its beginning.
    #state = 0;

    constructor(label = 'utf-8', options = undefined) {
      const name = text(label, 2 ** 10, 'TextDecoder');
      const members = dictionary(options, 'TextDecoder');
      const fatal = members === undefined ? false : !!members.fatal;
      const ignoreBOM = members === undefined ? false : !!members.ignoreBOM;
      const encoding = encodingFor(name);
      if (encoding === undefined) throw new RangeErrorOf(`TextDecoder: '${name}' is no encoding.`);
      this.#encoding = encoding;
      this.#fatal = fatal;
      this.#ignoreBOM = ignoreBOM;
    }

    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }

    decode(input = undefined, options = undefined) {
      this.#encoding;
      const members = dictionary(options, 'TextDecoder.decode');
      const stream = members === undefined ? false : !!members.stream;
      const length = byteLength(input);
      if (length === undefined) throw new TypeErrorOf('TextDecoder.decode: the input is not an ArrayBuffer or a view of one.');
      let state = this.#state;
      this.#state = 0;
      let text = '';
      for (let at = 0; ; at += PART) {
        const end = at + PART < length ? at + PART : length;
        const goesOn = stream || end < length;
        const answer = decode(this.#encoding, input, state, this.#fatal, this.#ignoreBOM, goesOn, at, end);
        if (answer === undefined) throw new TypeErrorOf(`TextDecoder.decode: the bytes are not valid ${this.#encoding}.`);
        text += answer[0];
        state = answer[1];
        if (end === length) break;
      }
      if (stream) this.#state = state;
      return text;
    }

    static { isIn = (value) => #encoding in value; }
  }
  registerBrand(isIn);
  defineInterface(TextDecoder, 'TextDecoder');

  const { decode: decodeBytes } = TextDecoder.prototype;
  const decodeUtf8 = (bytes) => apply(decodeBytes, new TextDecoder(), [bytes]);
  return { __proto__: null, TextDecoder, decodeUtf8 };
})
