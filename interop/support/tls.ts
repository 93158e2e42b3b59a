import { writeFileSync } from "node:fs";
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
  /** More options of the client's side, in Erlang. */
  readonly client?: string;
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

  /** A BEAM that demands certificates of others and shows its own, as `-proto_dist inet_tls` starts it. */
  startBeam(options: TlsBeamOptions = {}): Promise<Beam> {
    const optfile = this.optfile(options);
    const args = ["-proto_dist", "inet_tls", "-ssl_dist_optfile", this.there(optfile), ...(options.args ?? [])];
    return startBeam(this.#release, { ...options, args });
  }

  /** Writes an `ssl_dist_optfile`. Its paths are those of the release's side. */
  optfile(options: TlsBeamOptions = {}, see: (file: string) => string = (file) => this.there(file)): string {
    const { certificate = this.issue("beam"), versions, client } = options;
    const both = [
      `{cacertfile, "${see(this.authority.root.certFile)}"}`,
      `{certfile, "${see(certificate.certFile)}"}`,
      `{keyfile, "${see(certificate.keyFile)}"}`,
      "{verify, verify_peer}",
      ...(versions ? [`{versions, [${versions}]}`] : []),
    ];
    const file = join(this.authority.folder, `optfile-${this.#optfiles++}`);
    const server = [...both, "{fail_if_no_peer_cert, true}"].join(",\n  ");
    writeFileSync(
      file,
      `[{server, [${server}]},\n {client, [${[...both, ...(client ? [client] : [])].join(",\n  ")}]}].\n`,
    );
    return file;
  }

  /** A file as the release sees it. */
  there(file: string): string {
    const { here, there } = this.#release.shared;
    return join(there, relative(here, file));
  }

  [Symbol.dispose](): void {
    this.authority[Symbol.dispose]();
    this.stranger[Symbol.dispose]();
  }
}
