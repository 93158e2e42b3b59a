/**
 * Makes a node show up in the tools of the BEAM: observer, etop, `Process.info/1`.
 *
 * @module tiebeam/observer
 */
export { exposeObserver, type ObserverOptions } from "./expose-observer.ts";
