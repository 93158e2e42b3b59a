import { Exit } from "../../runtime/index.ts";
import { atom, type Term, tuple } from "../../term/index.ts";
import type { Intensity } from "./restart-intensity.ts";
import type { IntensityOptions, SuperviseOptions } from "./supervise.ts";
import type { Rules } from "./supervision.ts";

const STRATEGIES: readonly unknown[] = ["one_for_one", "one_for_all", "rest_for_one"];
const AUTO_SHUTDOWNS: readonly unknown[] = ["never", "any_significant", "all_significant"];

/** The options with their defaults. @throws Exit `{supervisor_data, Problem}`, as OTP's supervisor ends for them. */
export function checkRules(options: SuperviseOptions): Rules {
  const { strategy = "one_for_one", autoShutdown = "never" } = options;
  if (!STRATEGIES.includes(strategy)) throw invalid("strategy", strategy);
  if (!AUTO_SHUTDOWNS.includes(autoShutdown)) throw invalid("auto_shutdown", autoShutdown);
  return { strategy, autoShutdown, ...checkIntensity(options) };
}

/** @throws Exit `{supervisor_data, {invalid_intensity, N}}` or `{..., {invalid_period, N}}`. */
export function checkIntensity({ maxRestarts = 3, maxSeconds = 5 }: IntensityOptions): Intensity {
  if (!(Number.isInteger(maxRestarts) && maxRestarts >= 0)) throw invalid("intensity", maxRestarts);
  if (!(Number.isInteger(maxSeconds) && maxSeconds > 0)) throw invalid("period", maxSeconds);
  return { maxRestarts, maxSeconds };
}

function invalid(what: string, value: Term): Exit {
  return new Exit(tuple(atom("supervisor_data"), tuple(atom(`invalid_${what}`), value as object)));
}
