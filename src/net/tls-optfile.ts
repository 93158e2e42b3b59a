import { readFileSync } from "node:fs";
import { ArgumentError } from "../base/index.ts";
import { Atom, isList, isTuple, parse } from "../term/index.ts";
import type { TlsRole, TlsRoles, TlsVersion } from "./tls-options.ts";

/**
 * Reads a file that BEAM nodes take with `-ssl_dist_optfile`: `[{server, Options}, {client, Options}].`
 *
 * Its options mean what they mean there: `cacertfile`, `certfile`, `keyfile`, `password`, `verify`, `fail_if_no_peer_cert`
 * and `versions`. Those that only tune are passed over. Any other is refused, since one that is
 * missing could make TLS let in whom it should not. Where `verify` is missing, a client verifies (as on OTP 26 and later)
 * and a server does not.
 *
 * @throws ArgumentError `tls`.
 */
export function readTlsOptfile(path: string): TlsRoles {
  const file = new Optfile(path);
  return { client: file.role("client"), server: file.role("server") };
}

/** Options that change neither who is let in nor what is spoken. */
const TUNING = new Set([
  "depth", "handshake", "hibernate_after", "honor_cipher_order", "honor_ecc_order", "keep_secrets", "ktls", "log_level",
  "reuse_session", "reuse_sessions", "secure_renegotiate", "client_renegotiation", "session_tickets",
]); // biome-ignore format: a list

const VERSIONS = new Map<string, TlsVersion>([
  ["tlsv1.2", "TLSv1.2"],
  ["tlsv1.3", "TLSv1.3"],
]);

type MutableRole = { -readonly [K in keyof TlsRole]: TlsRole[K] };

/** One such file; its path is in every error. */
class Optfile {
  readonly #path: string;
  readonly #roles: readonly unknown[];

  constructor(path: string) {
    this.#path = path;
    const roles = this.#parsed();
    if (!isList(roles)) throw this.#error("it has to be a list of {server, Options} and {client, Options}");
    this.#roles = roles;
  }

  role(name: "client" | "server"): TlsRole {
    const found = this.#roles.find((role) => isTuple(role) && role.tag === name);
    const list = isTuple(found) && isList(found[1]) ? found[1] : [];
    const options = new Map(list.map((option) => this.#option(option)));
    const role: MutableRole = { verifyPeer: name === "client" };
    for (const [key, value] of options) this.#apply(role, key, value);
    const lenient = name === "server" && role.verifyPeer && options.get("fail_if_no_peer_cert") !== true;
    return lenient ? { ...role, verifyPeer: "if-given" } : role;
  }

  #apply(role: MutableRole, key: string, value: unknown): void {
    switch (key) {
      case "cacertfile":
        role.ca = this.#read(value);
        return;
      case "certfile":
        role.cert = this.#read(value);
        role.key ??= role.cert; // a file may hold both
        return;
      case "keyfile":
        role.key = this.#read(value);
        return;
      case "password":
        role.passphrase = this.#text(value);
        return;
      case "verify":
        role.verifyPeer = value instanceof Atom && value.tag === "verify_peer";
        return;
      case "versions":
        Object.assign(role, this.#versions(value));
        return;
      case "fail_if_no_peer_cert":
        return;
      default:
        if (!TUNING.has(key)) throw this.#error(`the option ${key} is not known here`);
    }
  }

  #versions(value: unknown): Pick<TlsRole, "minVersion" | "maxVersion"> {
    const known = isList(value)
      ? value.flatMap((one) => (one instanceof Atom ? (VERSIONS.get(one.tag) ?? []) : []))
      : [];
    const [minVersion] = known.sort();
    const maxVersion = known.at(-1);
    if (minVersion === undefined || maxVersion === undefined)
      throw this.#error("versions has neither tlsv1.2 nor tlsv1.3");
    return { minVersion, maxVersion };
  }

  #option(option: unknown): [string, unknown] {
    if (isTuple(option) && option.length === 2 && option.tag !== undefined) return [option.tag, option[1]];
    throw this.#error("an option has to be a pair {Name, Value}");
  }

  #read(value: unknown): string {
    const path = this.#text(value);
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      throw this.#error((cause as Error).message, cause);
    }
  }

  #text(value: unknown): string {
    if (typeof value === "string") return value;
    if (isList(value) && value.every((one) => typeof one === "number")) return String.fromCodePoint(...value);
    throw this.#error("a path or word has to be a string");
  }

  #parsed(): unknown {
    try {
      const text = readFileSync(this.#path, "utf8").replaceAll(/^\s*%.*$/gm, "");
      return parse(text.trim().replace(/\.$/, ""), { syntax: "erlang" });
    } catch (cause) {
      throw this.#error((cause as Error).message, cause);
    }
  }

  #error(problem: string, cause?: unknown): ArgumentError {
    return new ArgumentError("tls", `${this.#path} cannot be used: ${problem}`, { cause });
  }
}
