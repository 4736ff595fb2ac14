/**
 * A key-value store of the plugin's own, which it finds again the next time.
 *
 * Every function answers at once. What was set is on disk when the function returns, if the
 * host gave the store a place on disk: so put what belongs together into one value.
 *
 * Keys have at most 1024 bytes of UTF-8. Errors have a `code`:
 *
 * - `E_TOO_LARGE` (a `RangeError`): the key is longer, or the value nested more than 127 deep
 * - `E_QUOTA` (a `RangeError`): the store would hold more than it may; nothing was changed
 * - `E_REFUSED`: storage is not granted any more
 * - `E_IO`: the store failed
 *
 * Present if the host granted it.
 */
declare namespace storage {
    /** What JSON can carry. */
    export type Value = null | boolean | number | string | Value[] | { [name: string]: Value };

    export interface Size {
        /** Of all keys, as UTF-8, and values, as JSON text, together. */
        readonly bytes: number;
        readonly keys: number;
    }

    /** The value of this key; `null` also if there is none. */
    export function get(key: string): Value;

    /** Whether there is a value of this key, be it `null`. */
    export function has(key: string): boolean;

    /** Keeps a value under this key, in place of the one that was there. */
    export function set(key: string, value: Value): void;

    /** Removes a key; whether it was there. */
    function delete_(key: string): boolean;
    export { delete_ as delete };

    /** The keys that begin with `prefix`, or all, in the order of their UTF-8. */
    export function keys(prefix?: string): string[];

    /** Removes all keys. */
    export function clear(): void;

    /** What the store holds. */
    export function size(): Size;
}
