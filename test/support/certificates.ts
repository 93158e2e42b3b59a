import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate with its key, as files and as their content. */
export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** In the words of OpenSSL: `DNS:localhost,IP:127.0.0.1` (default), empty for none. */
  readonly names?: string;
  /** Negative: it has expired. Default 2. */
  readonly days?: number;
}

/** A certificate authority for one test run, in a temporary folder that is gone when it is disposed. */
export class Authority implements Disposable {
  readonly folder: string;
  readonly root: Issued;
  #serial = 1;

  constructor(name = "tiebeam test authority", parent?: string) {
    this.folder = mkdtempSync(join(parent ?? tmpdir(), "tiebeam-ca-"));
    this.root = this.#files("root");
    const { keyFile, certFile } = this.root;
    openssl("req", "-x509", ...NEW_KEY, "-keyout", keyFile, "-out", certFile, "-days", "2", "-subj", `/CN=${name}`);
  }

  /** The root certificate's text. */
  get ca(): string {
    return this.root.cert;
  }

  issue(name: string, { names = "DNS:localhost,IP:127.0.0.1,IP:::1", days = 2 }: IssueOptions = {}): Issued {
    const serial = this.#serial++;
    const issued = this.#files(`${name}-${serial}`);
    const request = join(this.folder, `${serial}.csr`);
    const extensions = join(this.folder, `${serial}.ext`);
    writeFileSync(extensions, names === "" ? "basicConstraints=CA:FALSE\n" : `subjectAltName=${names}\n`);
    openssl("req", ...NEW_KEY, "-keyout", issued.keyFile, "-out", request, "-subj", `/CN=${name}`);
    const signing = ["-CA", this.root.certFile, "-CAkey", this.root.keyFile, "-set_serial", String(serial)];
    const how = ["-in", request, "-out", issued.certFile, "-days", String(days), "-extfile", extensions];
    openssl("x509", "-req", ...signing, ...how);
    return issued;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #files(name: string): Issued {
    const certFile = join(this.folder, `${name}.pem`);
    const keyFile = join(this.folder, `${name}.key.pem`);
    return {
      certFile,
      keyFile,
      get cert() {
        return readFileSync(certFile, "utf8");
      },
      get key() {
        return readFileSync(keyFile, "utf8");
      },
    };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
