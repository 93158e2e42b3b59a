/**
 * A BEAM release that can be started on this machine. Plain data, so that it can be found once and handed to every
 * test file.
 */
export interface Release {
  /** "25" */
  readonly otp: string;
  /** "25.2.3" */
  readonly otpVersion: string;
  /** "1.14.0" */
  readonly elixir: string;
  /** The {@link Provider.name} of the provider that found it. */
  readonly provider: string;
  /** A folder that both sides see: its path on this machine and its path as the BEAM sees it. */
  readonly shared: { readonly here: string; readonly there: string };
  /** The root folder it runs in, when it has one of its own. */
  readonly root?: string;
  /** GenStage (and Flow where it lies beside it) compiled for this release. */
  readonly genStage?: { readonly version: string; readonly libs: string };
}

/** A program to run where a release lives; paths are those of the release's side. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running program of a release. */
export interface BeamProcess {
  /** The process id on this machine of the program itself, not of a wrapper. */
  readonly pid: number;
  /** What it printed until now, stdout and stderr together, at most the last 64 KiB. */
  output(): string;
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void;
  /** Resolves with how it ended: an exit code or the name of a signal. Never rejects. */
  readonly exited: Promise<number | string>;
}

/** A place that BEAM releases come from. */
export interface Provider {
  readonly name: string;
  /** The releases at hand now. */
  find(): Promise<Release[]>;
  /** Starts a program beside a release, without standard input. Rejects when it cannot be started at all. */
  start(release: Release, command: Command): Promise<BeamProcess>;
}
