/**
 * OpenTelemetry for a node: needs `@opentelemetry/api` beside it.
 *
 * @module tiebeam/otel
 */
export { type InstrumentOptions, instrumentNode } from "./instrument-node.ts";
