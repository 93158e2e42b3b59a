export * from "./signals.ts";
