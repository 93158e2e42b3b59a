import { ArgumentError } from "./errors.ts";
import type { Random } from "./random.ts";

/** How long to wait before something that failed is tried again. */
export interface BackoffOptions {
  /** The first wait; it doubles with each try that fails. Default 1,000. */
  readonly minDelayMs?: number;
  /** The longest wait. Default 30,000. */
  readonly maxDelayMs?: number;
  /** The part of a wait that is random, from 0 to 1, so that many do not come back at once. Default 0.5. */
  readonly jitter?: number;
}

/** The waits with their defaults. @throws ArgumentError named `argument` for those that cannot be. */
export function backoffOf(options: BackoffOptions, argument: string): Required<BackoffOptions> {
  const { minDelayMs = 1_000, maxDelayMs = 30_000, jitter = 0.5 } = options;
  if (!(minDelayMs > 0 && maxDelayMs >= minDelayMs)) {
    throw new ArgumentError(argument, "minDelayMs has to be above 0 and at most maxDelayMs");
  }
  if (!(jitter >= 0 && jitter <= 1)) throw new ArgumentError(argument, "jitter has to be from 0 to 1");
  return { minDelayMs, maxDelayMs, jitter };
}

/** How long to wait after so many failures. */
export function backoffMs(
  { minDelayMs, maxDelayMs, jitter }: Required<BackoffOptions>,
  failures: number,
  random: Random,
) {
  const whole = Math.min(minDelayMs * 2 ** Math.min(failures, 30), maxDelayMs);
  return whole * (1 - jitter * (random.u32() / 2 ** 32));
}
