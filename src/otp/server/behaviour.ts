import type { ProcessCore } from "../../runtime/index.ts";
import type { OtpProcess } from "./otp-process.ts";

/** The static method by which a class says what runs it in a process. Each behaviour has one of its own. */
export const behaviour: unique symbol = Symbol("behaviour");

/** The static property of classes that supervise: `child` makes their spec that of a supervisor. */
export const supervises: unique symbol = Symbol("supervises");

/** Where a class carries the interface of its operations; in types only. */
export declare const api: unique symbol;

/** A class whose instances run in processes, made by {@link OtpProcess} of its behaviour. */
export interface BehaviourClass {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each behaviour makes its own classes only
  [behaviour](core: ProcessCore, serverClass: any): OtpProcess;
}

/** An instance of any behaviour, whatever its interface: what can be started. */
export interface AnyServer {
  readonly [api]: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class
  init(args: any): unknown;
}

/** The interface of a server class's instances. */
export type ApiOf<S> = S extends { readonly [api]: infer Api } ? Api : never;

/** What `init` of a server class takes. */
export type InitArgs<S> = S extends { init(args: infer A): unknown } ? A : never;
