import type { MissingRelease } from "./missing.ts";

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
  /** The container it runs in. */
  readonly container?: string;
  /** The host it runs on, when it has one of its own. Without, it shares this machine's network. */
  readonly host?: Host;
  /** GenStage (and Flow where it lies beside it) compiled for this release. */
  readonly genStage?: { readonly version: string; readonly libs: string };
}

/** A place in a network with an address of its own, and an epmd at the standard port. */
export interface Host {
  /** "otp-25.tiebeam": on every host of the network this is that address. */
  readonly name: string;
  readonly address: string;
  /** The address at which programs there reach the harness. */
  readonly harness: string;
  /** What comes before a command of this machine that is to run there. */
  readonly enter?: readonly [string, ...string[]];
}

/** Releases on hosts of their own, and one more host for our side. All of it is gone when disposed. */
export interface HostNetwork extends AsyncDisposable {
  /** The name of what made it: "netns", "docker". */
  readonly name: string;
  readonly releases: readonly Release[];
  readonly ours: {
    readonly host: Host;
    /** The Node.js there. */
    readonly node: string;
    /** Starts a program of our side there; paths are those of this machine. */
    start(command: Command): Promise<BeamProcess>;
  };
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
  /** The releases at hand now, of these ones where that saves work. */
  find(otps?: readonly string[]): Promise<Release[]>;
  /** Starts a program beside a release, without standard input. Rejects when it cannot be started at all. */
  start(release: Release, command: Command): Promise<BeamProcess>;
  /** The wanted releases (default: all that it knows) that it does not have. */
  missing?(found: readonly string[], wanted?: readonly string[]): Promise<MissingRelease[]>;
  /** Gives back what {@link find} took. */
  stop?(): Promise<void>;
}
