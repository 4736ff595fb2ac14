declare namespace crypto {
  /** Fills a typed array of integers, of at most 65,536 bytes, and answers it. */
  function getRandomValues<
    T extends Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array,
  >(array: T): T;
  function randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
}
