declare class Headers implements Iterable<[string, string]> {
  constructor(init?: Headers | Iterable<[string, string]> | Record<string, string>);
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, parent: Headers) => void, thisArg?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

declare class Response {
  private constructor();
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly redirected: boolean;
  readonly headers: Headers;
  /** Whether the body has been read: it can be once. */
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Sends a request to an origin that was granted; the whole body is received before it answers. */
declare function fetch(
  url: string | { toString(): string },
  init?: {
    method?: string;
    headers?: Headers | Iterable<[string, string]> | Record<string, string>;
    body?: string | ArrayBuffer | ArrayBufferView | null;
    redirect?: "follow" | "error" | "manual";
    signal?: { readonly aborted: boolean; readonly reason: any } | null;
  },
): Promise<Response>;
