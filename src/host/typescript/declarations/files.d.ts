/**
 * Files below directories that the host granted.
 *
 * A path is `root/directory/file`: first the name of a root, as the host gave it, then names
 * joined by `/`. There is no `.`, no `..`, no `\`, and no current directory.
 *
 * Every function gives a promise. When it is rejected, the error has a `code`:
 *
 * - `E_REFUSED`: not granted, no path, or it leads out of its root; a device, pipe or socket
 * - `E_NOT_FOUND`: it, or the directory that it should be in, does not exist
 * - `E_EXISTS`: something else is there already
 * - `E_NOT_A_FILE`, `E_NOT_A_DIRECTORY`, `E_NOT_EMPTY`: it is of the wrong kind
 * - `E_TOO_LARGE` (a `RangeError`): larger than what can be read or written at once
 * - `E_QUOTA` (a `RangeError`): the root would hold more than it may
 * - `E_ENCODING`: it was to be text, and is not UTF-8
 * - `E_IO`: the file system failed
 *
 * Present if the host granted at least one root.
 */
declare namespace files {
    /** What is at a path; `"other"` is a link, in a list, and else a device, pipe or socket. */
    type Kind = "file" | "directory" | "other";

    /** An entry of a directory. */
    interface Entry {
        readonly name: string;
        readonly kind: Kind;
        /** Of a file, in bytes; else 0. */
        readonly size: number;
    }

    /** What is known of a file or directory. */
    interface Stat {
        readonly kind: Kind;
        /** Of a file, in bytes; else 0. */
        readonly size: number;
        /** When it was last changed, in milliseconds since 1970; absent if time stands still. */
        readonly modified?: number;
    }

    interface RemoveOptions {
        /** Remove a directory with all that is in it. Default `false`: only an empty one. */
        recursive?: boolean;
    }

    /** All of a file: as text in UTF-8, unless bytes are asked for. */
    function readFile(path: Path, format?: "text"): Promise<string>;
    function readFile(path: Path, format: "bytes"): Promise<Uint8Array>;

    /**
     * Makes a file with this content, in place of the one that is there: whoever reads it
     * sees the old or the new, whole. Its directory must exist. A link is replaced, not followed.
     */
    function writeFile(path: Path, content: string | Uint8Array | ArrayBuffer | DataView): Promise<void>;

    /** The entries of a directory in the order of their names, at most 10,000. */
    function listFiles(path: Path): Promise<Entry[]>;

    /** What is at a path, or where the link there leads. */
    function stat(path: Path): Promise<Stat>;

    /** Removes a file, a link, or a directory. */
    function remove(path: Path, options?: RemoveOptions): Promise<void>;

    /** Makes a directory, and those that it is in. One that is there already is none the worse. */
    function mkdir(path: Path): Promise<void>;
}
