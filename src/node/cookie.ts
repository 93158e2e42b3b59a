import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { TiebeamError } from "../base/index.ts";

/**
 * There is no usable cookie. Codes: `COOKIE_MISSING` none was given and the default file does not exist, `COOKIE_FILE` the
 * file cannot be read or is empty, `COOKIE_FILE_MODE` others than its owner may read it. `file` is its path.
 */
export class CookieError extends TiebeamError {
  readonly file: string;

  constructor(code: "COOKIE_MISSING" | "COOKIE_FILE" | "COOKIE_FILE_MODE", message: string, file: string) {
    super(code, message);
    this.file = file;
  }
}

/** Where a node's cookie comes from; the first that is given counts. */
export interface CookieOptions {
  readonly cookie?: string;
  /** A path; `~` is the home directory. */
  readonly cookieFile?: string;
  /** Cookies for certain peers, by node name, in place of the one above; both sides must use the same. */
  readonly cookies?: Readonly<Record<string, string>>;
}

const DEFAULT_FILE = "~/.erlang.cookie";

/** Bits of a file's mode that let anybody but its owner in. */
const NOT_OWNER = 0o077;

/**
 * Gives the cookie for each peer: from `cookies`, else the node's own from option, `TIEBEAM_COOKIE`, or file
 * (default `~/.erlang.cookie`). A variable that is empty, as of a container that was not given one, is none.
 *
 * @throws CookieError `COOKIE_MISSING`, `COOKIE_FILE`, `COOKIE_FILE_MODE`.
 */
export function cookieSource(options: CookieOptions, env: NodeJS.ProcessEnv): (peer: string) => string {
  const own = options.cookie ?? fromFile(options.cookieFile) ?? (env.TIEBEAM_COOKIE || fromDefaultFile());
  const cookies = new Map(Object.entries(options.cookies ?? {}));
  return (peer) => cookies.get(peer) ?? own;
}

function fromFile(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readCookie(expandHome(file));
}

function fromDefaultFile(): string {
  const file = expandHome(DEFAULT_FILE);
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return readCookie(file);
  throw new CookieError("COOKIE_MISSING", `no cookie was given, and there is no ${DEFAULT_FILE}`, file);
}

/** Reads a cookie file as the BEAM does: its text without surrounding white space, and only if it is its owner's alone. */
function readCookie(file: string): string {
  try {
    const { mode } = statSync(file);
    if (process.platform !== "win32" && (mode & NOT_OWNER) !== 0) {
      throw new CookieError("COOKIE_FILE_MODE", `cookie file ${file} must be accessible by its owner only`, file);
    }
    const cookie = readFileSync(file, "latin1").trim();
    if (cookie !== "") return cookie;
  } catch (error) {
    if (error instanceof CookieError) throw error;
    throw new CookieError("COOKIE_FILE", `cookie file ${file} cannot be read: ${(error as Error).message}`, file);
  }
  throw new CookieError("COOKIE_FILE", `cookie file ${file} is empty`, file);
}

function expandHome(file: string): string {
  return file === "~" || file.startsWith("~/") ? join(homedir(), file.slice(1)) : file;
}
