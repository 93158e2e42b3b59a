/**
 * What processes of other nodes may ask of the OTP processes here, beyond their own calls and messages. What is refused is
 * answered as a request that is not known.
 */
export interface OtpRules {
  /**
   * Requests of `:sys`, `GenServer.stop` among them: `"all"` (default), `"inspect"`: only those that change nothing (state,
   * status, the log, statistics), `"none"`.
   */
  readonly sys?: "all" | "inspect" | "none";
  /** Requests of supervisors: `"all"` (default), or `"inspect"`: only those that list children, not those that change them. */
  readonly supervisors?: "all" | "inspect";
}
