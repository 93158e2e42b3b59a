import { readFileSync } from "node:fs";
import { ArgumentError } from "../base/index.ts";
import { Atom, isList, isTuple, parse, TermSyntaxError } from "../term/index.ts";
import { opensslCipher } from "./tls-ciphers.ts";
import type { TlsRole, TlsRoles, TlsVersion } from "./tls-options.ts";

/**
 * Reads a file that BEAM nodes take with `-ssl_dist_optfile`: `[{server, Options}, {client, Options}].`
 *
 * Its options mean what they mean there: `cacertfile`, `certfile`, `keyfile`, `password`, `verify`, `fail_if_no_peer_cert`,
 * `versions` and `ciphers`. Those that only tune are passed over. Everything else is refused, an unknown option as well as an
 * odd value or one that is given twice, since what is left out could let in whom it should not. Where `verify` is missing, a
 * client verifies (as on OTP 26 and later) and a server does not.
 *
 * @throws ArgumentError `tls`, with the path and what it is about. What stands in the file is not in the message, since a
 * password may be.
 */
export function readTlsOptfile(path: string): TlsRoles {
  const file = new Optfile(path);
  return { client: file.role("client"), server: file.role("server") };
}

/** Options that change neither who is let in nor what is spoken. */
const TUNING = new Set([
  "client_renegotiation", "hibernate_after", "honor_cipher_order", "honor_ecc_order", "keep_secrets", "key_update_at", "ktls",
  "log_level", "middlebox_comp_mode", "renegotiate_at", "reuse_sessions", "secure_renegotiate", "session_tickets",
]); // biome-ignore format: a list

/** What may stand in `versions`. Where others beside them are allowed, the older ones are not spoken all the same. */
const VERSIONS = new Map<string, TlsVersion | undefined>([
  ["tlsv1", undefined],
  ["tlsv1.1", undefined],
  ["tlsv1.2", "TLSv1.2"],
  ["tlsv1.3", "TLSv1.3"],
]);

type VersionRange = Pick<TlsRole, "minVersion" | "maxVersion">;
type Options = ReadonlyMap<string, unknown>;
type MutableRole = { -readonly [K in keyof TlsRole]: TlsRole[K] };

/** One such file; its path is in every error. */
class Optfile {
  readonly #path: string;
  readonly #roles: Options;

  constructor(path: string) {
    this.#path = path;
    this.#roles = this.#pairs(this.#parsed(), "the file");
    for (const name of this.#roles.keys()) {
      if (name !== "server" && name !== "client") throw this.#error(`${name} is neither server nor client`);
    }
  }

  role(name: "client" | "server"): TlsRole {
    const options = this.#pairs(this.#roles.get(name) ?? [], name);
    const role: MutableRole = { verifyPeer: this.#verify(name, options) };
    for (const [key, value] of options) this.#apply(role, key, value);
    role.key ??= role.cert; // a file may hold both
    if (role.ciphers !== undefined) Object.assign(role, this.#versionsWith(role.ciphers, role));
    return role;
  }

  /** Whether the other side has to show a certificate. Impossible pairs are those that OTP refuses too. */
  #verify(name: "client" | "server", options: Options): boolean | "if-given" {
    const asked = options.get("verify");
    const required = options.get("fail_if_no_peer_cert") ?? false;
    if (typeof required !== "boolean") throw this.#error("fail_if_no_peer_cert has to be true or false");
    const verify = asked === undefined ? name === "client" : VERIFY.get(asked instanceof Atom ? asked.tag : "");
    if (verify === undefined) throw this.#error("verify has to be verify_peer or verify_none");
    if (required && !verify) throw this.#error(`fail_if_no_peer_cert needs {verify, verify_peer}, in ${name}`);
    return name === "server" && verify && !required ? "if-given" : verify;
  }

  #apply(role: MutableRole, key: string, value: unknown): void {
    switch (key) {
      case "cacertfile":
        role.ca = this.#read(key, value);
        return;
      case "certfile":
        role.cert = this.#read(key, value);
        return;
      case "keyfile":
        role.key = this.#read(key, value);
        return;
      case "password":
        role.passphrase = this.#text(key, value);
        return;
      case "versions":
        Object.assign(role, this.#versions(value));
        return;
      case "ciphers":
        role.ciphers = this.#ciphers(value);
        return;
      case "verify":
      case "fail_if_no_peer_cert":
        return; // see #verify
      default:
        if (!TUNING.has(key)) throw this.#error(`the option ${key} is not known here`);
    }
  }

  #versions(value: unknown): VersionRange {
    const names = isList(value) ? value.map((one) => (one instanceof Atom ? one.tag : "")) : [""];
    if (!names.every((name) => VERSIONS.has(name))) throw this.#error("versions has to be a list of versions");
    return this.#range(names.flatMap((name) => VERSIONS.get(name) ?? []).sort(), "versions has");
  }

  /** A version that none of the ciphers is of is not spoken. Node.js by itself would speak TLS 1.3 with other ciphers. */
  #versionsWith(ciphers: string, { minVersion = "TLSv1.2", maxVersion = "TLSv1.3" }: TlsRole): VersionRange {
    const names = ciphers.split(":");
    const having = (version: TlsVersion) => names.some((name) => name.startsWith("TLS_") === (version === "TLSv1.3"));
    const allowed = [...new Set([minVersion, maxVersion])].filter(having);
    return this.#range(allowed, "with these versions and ciphers there is");
  }

  /** @param versions - in their order. */
  #range(versions: readonly TlsVersion[], where: string): VersionRange {
    const [minVersion] = versions;
    const maxVersion = versions.at(-1);
    if (minVersion && maxVersion) return { minVersion, maxVersion };
    throw this.#error(`${where} neither tlsv1.2 nor tlsv1.3`);
  }

  /** A list of names, or one text with colons between them; an empty one stands for the default. */
  #ciphers(value: unknown): string | undefined {
    const one = textOf(value);
    const names = one === undefined ? this.#texts("ciphers", value) : one.split(":").filter((name) => name !== "");
    const known = names.map((name) => {
      const cipher = opensslCipher(name);
      if (cipher === undefined) throw this.#error(`the cipher ${name} is not known here`);
      return cipher;
    });
    return known.length === 0 ? undefined : known.join(":");
  }

  #read(key: string, value: unknown): string {
    const path = this.#text(key, value);
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      throw this.#error(`${key}: ${(cause as Error).message}`, cause);
    }
  }

  #texts(key: string, value: unknown): string[] {
    if (!isList(value)) throw this.#error(`${key} has to be a list of strings`);
    return value.map((one) => this.#text(key, one));
  }

  #text(key: string, value: unknown): string {
    const text = textOf(value);
    if (text === undefined) throw this.#error(`${key} has to be a string`);
    return text;
  }

  /** Pairs `{Name, Value}` with an atom each, and each atom once. */
  #pairs(value: unknown, where: string): Options {
    if (!isList(value)) throw this.#error(`${where} has to be a list`);
    const pairs = new Map<string, unknown>();
    for (const pair of value) {
      if (!isTuple(pair) || pair.length !== 2 || pair.tag === undefined) {
        throw this.#error(`${where} may have pairs {Name, Value} only`);
      }
      if (pairs.has(pair.tag)) throw this.#error(`${where} has ${pair.tag} twice`);
      pairs.set(pair.tag, pair[1]);
    }
    return pairs;
  }

  #parsed(): unknown {
    const text = this.#contents();
    try {
      return parse(withoutComments(text), { syntax: "erlang" });
    } catch (error) {
      if (!(error instanceof TermSyntaxError)) throw error;
      const line = text.slice(0, error.offset).split("\n").length;
      throw this.#error(`line ${line} has no term as Erlang writes it, expected ${error.expected}`);
    }
  }

  #contents(): string {
    try {
      return readFileSync(this.#path, "utf8");
    } catch (cause) {
      throw this.#error((cause as Error).message, cause);
    }
  }

  #error(problem: string, cause?: unknown): ArgumentError {
    return new ArgumentError("tls", `${this.#path} cannot be used: ${problem}`, { cause });
  }
}

const VERIFY = new Map([
  ["verify_peer", true],
  ["verify_none", false],
]);

/** A binary, or Erlang's list of characters. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!isList(value) || value.length === 0 || !value.every(isCharacter)) return undefined;
  return value.map((one) => String.fromCodePoint(one)).join("");
}

const isCharacter = (one: unknown): one is number => typeof one === "number" && one >= 0 && one <= 0x10ffff;

/** Comments become space, so that what comes behind them stays where it is. Quotes may hold a `%`. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|%[^\n]*/gs,
    (found, quoted?: string) => quoted ?? " ".repeat(found.length),
  );
}
