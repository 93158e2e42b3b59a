import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { TlsRole } from "../../src/index.ts";
import { Authority, type Issued, type IssueOptions } from "../../test/support/certificates.ts";
import { type Beam, type BeamOptions, startBeam } from "../harness/index.ts";
import type { Release } from "../providers/index.ts";

export interface TlsBeamOptions extends BeamOptions {
  /** The BEAM's certificate. Default: a good one. */
  readonly certificate?: Issued;
  /** Default: the release's own. */
  readonly versions?: string;
  /** More options of both sides, in Erlang. */
  readonly both?: readonly string[];
  /** More options of the client's side, in Erlang. */
  readonly client?: string;
  /** One that was written before, in place of all these. */
  readonly optfile?: string;
}

/** Certificates in a folder that a release sees too, and BEAM nodes that use them in both roles. */
export class TlsPeers implements Disposable {
  readonly authority: Authority;
  /** An authority that nobody trusts. */
  readonly stranger: Authority;
  readonly #release: Release;
  #optfiles = 0;

  constructor(release: Release) {
    this.#release = release;
    this.authority = new Authority("interop authority", release.shared.here);
    this.stranger = new Authority("another authority", release.shared.here);
  }

  /** Our side's role: a good certificate unless another is given. */
  role(issued: Issued = this.issue("ours"), more: TlsRole = {}): TlsRole {
    return { cert: issued.cert, key: issued.key, ca: this.authority.ca, ...more };
  }

  /** A certificate that both sides find in order. OTP 25 looks for the address among the names of DNS. */
  issue(name: string, options: IssueOptions = {}): Issued {
    return this.authority.issue(name, { names: "DNS:localhost,IP:127.0.0.1,DNS:127.0.0.1", ...options });
  }

  /** The same certificate with its key encrypted. */
  lock(issued: Issued, password: string): Issued {
    const keyFile = `${issued.keyFile}.locked`;
    const how = ["-topk8", "-in", issued.keyFile, "-out", keyFile, "-passout", `pass:${password}`];
    execFileSync("openssl", ["pkcs8", ...how], { stdio: "pipe" });
    return { ...issued, keyFile, key: readFileSync(keyFile, "utf8") };
  }

  /** A BEAM that demands certificates of others and shows its own, as `-proto_dist inet_tls` starts it. */
  startBeam(options: TlsBeamOptions = {}): Promise<Beam> {
    const optfile = options.optfile ?? this.optfile(options);
    const args = ["-proto_dist", "inet_tls", "-ssl_dist_optfile", this.there(optfile), ...(options.args ?? [])];
    return startBeam(this.#release, { ...options, args });
  }

  /** Writes an `ssl_dist_optfile`. Its paths are those of the release's side. */
  optfile({ certificate = this.issue("beam"), versions, both = [], client }: TlsBeamOptions = {}): string {
    const common = [
      `{cacertfile, "${this.there(this.authority.root.certFile)}"}`,
      `{certfile, "${this.there(certificate.certFile)}"}`,
      `{keyfile, "${this.there(certificate.keyFile)}"}`,
      "{verify, verify_peer}",
      ...(versions ? [`{versions, [${versions}]}`] : []),
      ...both,
    ];
    const server = [...common, "{fail_if_no_peer_cert, true}"].join(",\n  ");
    const clients = [...common, ...(client ? [client] : [])].join(",\n  ");
    return this.file(`%% Of both sides.\n[{server, [${server}]}, % listens\n {client, [${clients}]}].\n`);
  }

  /** The same file for our side: itself, or where the release has its folders elsewhere, one that differs in those. */
  ours(optfile: string): string {
    const { here, there } = this.#release.shared;
    return here === there ? optfile : this.file(readFileSync(optfile, "utf8").replaceAll(there, here));
  }

  /** A file as the release sees it. */
  there(file: string): string {
    const { here, there } = this.#release.shared;
    return join(there, relative(here, file));
  }

  /** Writes a file of this content. */
  file(text: string): string {
    const file = join(this.authority.folder, `optfile-${this.#optfiles++}`);
    writeFileSync(file, text);
    return file;
  }

  [Symbol.dispose](): void {
    this.authority[Symbol.dispose]();
    this.stranger[Symbol.dispose]();
  }
}
