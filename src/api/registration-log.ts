import type { Logger } from "../base/index.ts";
import { EpmdError, type RegistrationEvent } from "../epmd/index.ts";

/**
 * Logs what happens to the name of a node at its epmd: without it nobody new finds the node, and one whose name was taken while
 * the epmd was away tries for ever. Of failures in a row only the first of each kind is a line.
 */
export function registrationLog(name: string, logger: Logger): (event: RegistrationEvent) => void {
  let told: string | undefined;
  return (event) => {
    switch (event.type) {
      case "lost":
        return logger.info(`the epmd that knew ${name} is gone, it is to be registered again`);
      case "restored":
        told = undefined;
        return logger.info(`${name} is registered again`);
      case "failed": {
        const code = event.error instanceof EpmdError ? event.error.code : event.error.name;
        if (code === told) return;
        told = code;
        logger.warn(`${name} could not be registered again, and goes on trying: ${event.error.message}`, { code });
      }
    }
  };
}
