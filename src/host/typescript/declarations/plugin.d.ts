/** This plugin: its hooks, and events between it and its host. */
declare namespace plugin {
  /** The plugin's id. */
  const id: string;
  /** Registers a hook that the host may call; a later one of the same name replaces it. */
  function on(name: string, hook: (argument: any) => unknown): void;
  /** Whether there was such a hook. */
  function off(name: string): boolean;
  /** Has `listener` called for every event of this name that the host tells of. */
  function listen(name: string, listener: (payload: any) => unknown): void;
  /** Whether it listened. */
  function unlisten(name: string, listener: (payload: any) => unknown): boolean;
  /** Tells the host of an event. False if too many wait and it was dropped. */
  function emit(name: string, payload?: unknown): boolean;
}

/** Goes to wherever the host has it go. */
declare namespace console {
  function trace(...data: unknown[]): void;
  function debug(...data: unknown[]): void;
  function log(...data: unknown[]): void;
  function info(...data: unknown[]): void;
  function warn(...data: unknown[]): void;
  function error(...data: unknown[]): void;
}
