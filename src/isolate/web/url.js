// `URL`: its parts as the parser gives them, all anew after each change.
(function (primordials, natives, load) {
  'use strict';
  const { slice, construct, TypeErrorOf } = primordials;
  const { parseUrl, changeUrl } = natives;
  const { need, text, defineInterface, registerBrand } = load('webidl');
  const { attach, refill } = load('url_search_params');
  const LIMIT = 2 ** 20;
  // The places in what the natives answer; `changeUrl` is given the place of what it is to change.
  const HREF = 0; const ORIGIN = 1; const PROTOCOL = 2; const USERNAME = 3; const PASSWORD = 4; const HOST = 5;
  const HOSTNAME = 6; const PORT = 7; const PATHNAME = 8; const SEARCH = 9; const HASH = 10; const QUERY = 11;
  // What `new URL` is given from within, where nothing is left to parse.
  class Parsed {
    #parts;
    constructor(parts) { this.#parts = parts; }
    static isIn(value) { return typeof value === 'object' && value !== null && #parts in value; }
    static parts(parsed) { return parsed.#parts; }
  }
  let isURL;

  class URL {
    #parts;
    #params;

    constructor(url, base = undefined) {
      if (Parsed.isIn(url)) {
        this.#parts = Parsed.parts(url);
        return;
      }
      need(arguments.length, 1, 'URL');
      const parts = read(url, base, 'URL');
      if (parts === undefined) throw new TypeErrorOf('Invalid URL');
      this.#parts = parts;
    }

    get href() { return this.#parts[HREF]; }
    set href(value) {
      this.#parts;
      const parts = parseUrl(text(value, LIMIT, 'URL.href'), undefined);
      if (parts === undefined) throw new TypeErrorOf('Invalid URL');
      this.#become(parts);
    }
    get origin() { return this.#parts[ORIGIN]; }
    get protocol() { return this.#parts[PROTOCOL]; }
    set protocol(value) { this.#change(PROTOCOL, value, 'URL.protocol'); }
    get username() { return this.#parts[USERNAME]; }
    set username(value) { this.#change(USERNAME, value, 'URL.username'); }
    get password() { return this.#parts[PASSWORD]; }
    set password(value) { this.#change(PASSWORD, value, 'URL.password'); }
    get host() { return this.#parts[HOST]; }
    set host(value) { this.#change(HOST, value, 'URL.host'); }
    get hostname() { return this.#parts[HOSTNAME]; }
    set hostname(value) { this.#change(HOSTNAME, value, 'URL.hostname'); }
    get port() { return this.#parts[PORT]; }
    set port(value) { this.#change(PORT, value, 'URL.port'); }
    get pathname() { return this.#parts[PATHNAME]; }
    set pathname(value) { this.#change(PATHNAME, value, 'URL.pathname'); }
    get search() { return this.#parts[SEARCH]; }
    set search(value) { this.#change(SEARCH, value, 'URL.search'); }
    get searchParams() {
      this.#parts;
      this.#params ??= attach(slice(this.#parts[SEARCH], 1), (query) => {
        this.#parts = changeUrl(this.#parts[HREF], QUERY, query) ?? this.#parts;
      });
      return this.#params;
    }
    get hash() { return this.#parts[HASH]; }
    set hash(value) { this.#change(HASH, value, 'URL.hash'); }
    toJSON() { return this.#parts[HREF]; }
    toString() { return this.#parts[HREF]; }

    #change(place, value, where) {
      this.#parts;
      const parts = changeUrl(this.#parts[HREF], place, text(value, LIMIT, where));
      if (parts !== undefined) this.#become(parts);
    }
    #become(parts) {
      const before = this.#parts[SEARCH];
      this.#parts = parts;
      if (this.#params !== undefined && parts[SEARCH] !== before) refill(this.#params, slice(parts[SEARCH], 1));
    }

    static canParse(url, base = undefined) {
      need(arguments.length, 1, 'URL.canParse');
      return read(url, base, 'URL.canParse') !== undefined;
    }
    static parse(url, base = undefined) {
      need(arguments.length, 1, 'URL.parse');
      const parts = read(url, base, 'URL.parse');
      if (parts === undefined) return null;
      return construct(URL, [new Parsed(parts)]);
    }
    static { isURL = (value) => #parts in value; }
  }
  registerBrand(isURL);
  defineInterface(URL, 'URL');

  function read(url, base, where) {
    const input = text(url, LIMIT, where);
    return parseUrl(input, base === undefined ? undefined : text(base, LIMIT, where));
  }

  return { __proto__: null, URL };
})
