// `fetch` and `Response`, over the host's own fetch, which receives the whole body before it answers.
(function (primordials, natives, load) {
  'use strict';
  const { TypeErrorOf, Uint8ArrayOf, jsonParse, PromiseOf, promiseThen } = primordials;
  const { fetch: send, kindOf, bufferOf, viewState } = natives;
  const { isObject, need, text, dictionary, defineInterface, Foreign, registerBrand } = load('webidl');
  const { Headers, access } = load('headers');
  const { decodeUtf8 } = load('text_decoder');
  const { encodeUtf8 } = load('text_encoder');
  const { formOf } = load('url_search_params');
  load('abort');
  const { signals } = load('event_target');
  const LIMIT = 2 ** 24;

  // What a Response carries; see the rules for subclasses in abort.js.
  class Content extends Foreign {
    #answer;
    #headers;
    #used = false;
    constructor(response, answer, headers) { super(response); this.#answer = answer; this.#headers = headers; }
    static isIn(value) { return #answer in value; }
    static answer(response) { return response.#answer; }
    static headers(response) { return response.#headers; }
    static isUsed(response) { return response.#used; }
    static take(response) {
      if (response.#used) throw new TypeErrorOf('Response: the body has been read already.');
      response.#used = true;
      return response.#answer.body;
    }
  }

  class Response {
    constructor() { throw new TypeErrorOf('Illegal constructor'); }

    get url() { return Content.answer(this).url; }
    get status() { return Content.answer(this).status; }
    get statusText() { return Content.answer(this).statusText; }
    get ok() { const { status } = Content.answer(this); return status >= 200 && status <= 299; }
    get redirected() { return Content.answer(this).redirected; }
    get headers() { return Content.headers(this); }
    get bodyUsed() { return Content.isUsed(this); }

    text() { return read(this, decodeUtf8); }
    json() { return read(this, (body) => jsonParse(decodeUtf8(body))); }
    bytes() { return read(this, (body) => body); }
    arrayBuffer() { return read(this, bufferOf); }
  }
  defineInterface(Response, 'Response');
  registerBrand(Content.isIn);

  // Functions that answer promises are no async functions themselves, to who looks.
  async function read(response, as) { return as(Content.take(response)); }

  function makeResponse(answer) {
    const headers = new Headers();
    for (let i = 0; i < answer.headers.length; i++) access.add(headers, answer.headers[i][0], answer.headers[i][1]);
    const response = { __proto__: Response.prototype };
    new Content(response, answer, headers);
    return response;
  }

  // The body as bytes, and what type it is of if nobody says.
  function bodyOf(body) {
    const content = (bytes, type) => ({ __proto__: null, bytes, type });
    if (body === undefined || body === null) return undefined;
    if (isObject(body)) {
      if (kindOf(body) === 'ArrayBuffer') return content(body, undefined);
      const view = viewState(body);
      if (view !== undefined) return content(new Uint8ArrayOf(bufferOf(body), view[0], view[1]), undefined);
      const form = formOf(body);
      if (form !== undefined) return content(encodeUtf8(form), 'application/x-www-form-urlencoded;charset=UTF-8');
    }
    return content(encodeUtf8(text(body, LIMIT, 'fetch')), 'text/plain;charset=UTF-8');
  }

  function request(input, init) {
    const members = dictionary(init, 'fetch');
    const url = text(input, 2 ** 20, 'fetch');
    const none = { __proto__: null, method: undefined, headers: undefined, body: undefined, redirect: undefined, signal: undefined };
    const { method, headers, body, redirect, signal } = members === undefined ? none : members;
    const given = new Headers(headers);
    const content = bodyOf(body);
    if (content !== undefined && content.type !== undefined && !access.has(given, 'content-type')) {
      access.add(given, 'content-type', content.type);
    }
    if (signal !== undefined && signal !== null && (!isObject(signal) || !signals.isSignal(signal))) {
      throw new TypeErrorOf('fetch: the signal is not an AbortSignal.');
    }
    const asked = {
      __proto__: null,
      url,
      method: method === undefined ? 'GET' : text(method, 2 ** 10, 'fetch'),
      headers: access.raw(given),
      redirect: redirect === undefined ? 'follow' : text(redirect, 2 ** 10, 'fetch'),
    };
    if (content !== undefined) asked.body = content.bytes;
    return { __proto__: null, asked, signal: signal === null ? undefined : signal };
  }

  async function respond(count, input, init) {
    need(count, 1, 'fetch');
    const { asked, signal } = request(input, init);
    if (signal === undefined) return makeResponse(await send(asked));
    // The request itself goes on, under its own limits; nobody hears of it.
    return new PromiseOf((resolve, reject) => {
      const abort = () => reject(signals.reason(signal));
      if (signals.isAborted(signal)) return abort();
      signals.onAbort(signal, abort);
      promiseThen(send(asked), (answer) => resolve(makeResponse(answer)), reject);
    });
  }
  const { fetch } = {
    fetch(input, init = undefined) { return respond(arguments.length, input, init); },
  };
  return { __proto__: null, fetch, Headers, Response };
})
