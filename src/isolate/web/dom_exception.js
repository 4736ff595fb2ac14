// `DOMException`: a real error, so that it has a stack and the host sees an error, with its name and
// message out of the guest's reach.
(function (primordials, natives, load) {
  'use strict';
  const { construct, setPrototypeOf, ErrorOf, errorPrototype } = primordials;
  const { headline } = natives;
  const { defineInterface, Foreign } = load('webidl');

  const CODES = {
    __proto__: null, IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
    NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
    InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15,
    TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21,
    QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
  };
  const CONSTANTS = {
    __proto__: null, INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4,
    INVALID_CHARACTER_ERR: 5, NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8,
    NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10, INVALID_STATE_ERR: 11, SYNTAX_ERR: 12,
    INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15, VALIDATION_ERR: 16,
    TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21,
    QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
  };

  class State extends Foreign {
    #name;
    #message;
    constructor(error, name, message) { super(error); this.#name = name; this.#message = message; }
    static isIn(value) { return #name in value; }
    static name(error) { return error.#name; }
    static message(error) { return error.#message; }
  }

  class DOMException {
    constructor(message = '', name = 'Error') {
      const text = `${message}`;
      const kind = `${name}`;
      const error = construct(ErrorOf, [], new.target);
      new State(error, kind, text);
      headline(error, text === '' ? kind : `${kind}: ${text}`);
      return error;
    }

    get name() { return State.name(this); }
    get message() { return State.message(this); }
    get code() { return CODES[State.name(this)] ?? 0; }
  }
  defineInterface(DOMException, 'DOMException', CONSTANTS);
  setPrototypeOf(DOMException.prototype, errorPrototype);

  const isDOMException = (value) => State.isIn(value);
  const cloneException = (error) => new DOMException(State.message(error), State.name(error));
  return { __proto__: null, DOMException, isDOMException, cloneException };
})
