/** As precise as the host lets it be. */
declare namespace performance {
  /** Milliseconds since `timeOrigin`. */
  function now(): number;
  /** When this plugin was started, in milliseconds since 1970. */
  const timeOrigin: number;
}
