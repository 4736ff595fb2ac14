// `atob` and `btoa`.
(function (primordials, natives, load) {
  'use strict';
  const { decodeBase64, encodeBase64 } = natives;
  const { need, text } = load('webidl');
  const { DOMException } = load('dom_exception');
  const LIMIT = 2 ** 24;

  const { atob, btoa } = {
    atob(data) {
      need(arguments.length, 1, 'atob');
      const decoded = decodeBase64(text(data, LIMIT, 'atob'));
      if (decoded === undefined) throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
      return decoded;
    },
    btoa(data) {
      need(arguments.length, 1, 'btoa');
      const encoded = encodeBase64(text(data, LIMIT, 'btoa'));
      if (encoded === undefined) {
        throw new DOMException('The string to be encoded contains characters outside of the Latin1 range.', 'InvalidCharacterError');
      }
      return encoded;
    },
  };
  return { __proto__: null, atob, btoa };
})
