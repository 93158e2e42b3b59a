import type { TlsRole } from "../../src/index.ts";
import type { Issued } from "../../test/support/certificates.ts";
import type { Beam } from "../harness/beam.ts";
import type { Release } from "../providers/index.ts";
import { type TlsBeamOptions, TlsPeers } from "../support/tls.ts";

/** Every address that a node of the matrix has. OTP 25 looks for them among the names of DNS. */
const NAMES = ["DNS:localhost", ...["127.0.0.1", "127.0.0.2"].flatMap((ip) => [`IP:${ip}`, `DNS:${ip}`])].join();

/** One certificate that all nodes of a run's cells beside a release show, made when the first of them needs it. */
export class Certificates implements Disposable {
  readonly #release: Release;
  #made: { readonly peers: TlsPeers; readonly issued: Issued } | undefined;

  constructor(release: Release) {
    this.#release = release;
  }

  /** What our node shows and trusts. */
  get role(): TlsRole {
    const { peers, issued } = this.#make();
    const { cert, key, ca } = peers.role(issued) as { cert: string; key: string; ca: string };
    return { cert, key, ca };
  }

  /** A BEAM that demands certificates of others and shows this one. */
  startBeam(options: TlsBeamOptions): Promise<Beam> {
    const { peers, issued } = this.#make();
    return peers.startBeam({ ...options, certificate: issued });
  }

  [Symbol.dispose](): void {
    this.#made?.peers[Symbol.dispose]();
  }

  #make() {
    if (!this.#made) {
      const peers = new TlsPeers(this.#release);
      this.#made = { peers, issued: peers.issue("node", { names: NAMES }) };
    }
    return this.#made;
  }
}
