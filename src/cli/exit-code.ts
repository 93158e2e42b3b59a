/** What the command line ends with. */
export const ExitCode = {
  ok: 0,
  /** The peer, or what was asked for there, said no. */
  refused: 1,
  /** The command line, a term or the set-up on this side is wrong. */
  usage: 2,
  unreachable: 3,
  handshake: 4,
  timeout: 5,
  /** Something that should not happen, here or in the system: a defect, a full disk (EX_SOFTWARE of sysexits). */
  failure: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
