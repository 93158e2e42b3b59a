/** How many restarts a supervisor bears: `maxRestarts` within `maxSeconds`. */
export interface Intensity {
  readonly maxRestarts: number;
  readonly maxSeconds: number;
}

/**
 * Counts one more restart: the restarts that still count, and whether they are too many. `nowMs` is cut to whole seconds, as
 * OTP's supervisor does, and a restart that is exactly `maxSeconds` old still counts.
 */
export function addRestart(
  restarts: readonly number[],
  nowMs: number,
  { maxRestarts, maxSeconds }: Intensity,
): { readonly restarts: readonly number[]; readonly exceeded: boolean } {
  const now = Math.floor(nowMs / 1000);
  const counting = [now, ...restarts.filter((then) => now <= then + maxSeconds)];
  return { restarts: counting, exceeded: counting.length > maxRestarts };
}
