/** Programs that the host lets this plugin run. */
declare namespace commands {
  interface RunOptions {
    /** What the program reads from its standard input. Default nothing. */
    input?: string | ArrayBuffer | DataView | Uint8Array | null;
    /** Where it runs: a directory below the one that was granted. Default that one. */
    directory?: string | null;
    /** Whether its output is given as text (UTF-8; what is none becomes U+FFFD) or as bytes. */
    format?: "text" | "bytes" | null;
  }

  /** How a program has ended, and what it has written. */
  interface Ran<Output = string> {
    /** Its exit code; null if a signal has ended it. */
    readonly code: number | null;
    /** The signal that has ended it: `"SIGTERM"`. */
    readonly signal: string | null;
    readonly stdout: Output;
    readonly stderr: Output;
  }

  /**
   * Runs the program of this name. It answers when the program has ended, whatever its exit code;
   * what the program has started is killed then.
   *
   * Rejects with a `code` on the error: `E_REFUSED` if the name, these arguments or the directory
   * are not granted, or the host says no; `E_NOT_FOUND` if the directory or the program is not
   * there; `E_TOO_LARGE` if there is too much input, output or argument; `E_TIMEOUT`; `E_IO`.
   */
  function run(
    name: Name,
    args: readonly string[] | null | undefined,
    options: RunOptions & { format: "bytes" },
  ): Promise<Ran<Uint8Array>>;
  function run(
    name: Name,
    args?: readonly string[] | null,
    options?: (RunOptions & { format?: "text" | null }) | null,
  ): Promise<Ran>;
}
