import type { LogFacts, Logger } from "../../src/base/index.ts";
import { GenServer, type Node, type NodeOptions, noReply, reply, startNode, type Term } from "../../src/index.ts";
import { type Beam, uniqueName } from "../harness/index.ts";

/** Keeps what a node logs, so that a test can look at it and a passing run stays silent. */
export class KeptLog implements Logger {
  readonly lines: { readonly message: string; readonly facts: LogFacts }[] = [];

  debug(): void {}
  info(_message: string): void {}

  warn(message: string, facts: LogFacts = {}): void {
    this.lines.push({ message, facts });
  }

  error(message: string, facts: LogFacts = {}): void {
    this.lines.push({ message, facts });
  }
}

/** A node of ours that shares cookie and epmd with a BEAM. */
export function nodeBeside(beam: Pick<Beam, "cookie" | "epmdPort">, options: Partial<NodeOptions> = {}): Promise<Node> {
  return startNode({
    name: `${uniqueName("ours")}@127.0.0.1`,
    cookie: beam.cookie,
    epmd: "require",
    epmdPort: beam.epmdPort,
    logger: new KeptLog(),
    ...options,
  });
}

/** Answers `{echo, Term}` with the term. Everything else that it gets is kept in `seen`. */
export class Echo extends GenServer {
  readonly seen: Term[] = [];

  override handleCall(request: Term) {
    return reply((request as Term[])[1]);
  }

  override handleCast(request: Term) {
    this.seen.push(request);
    return noReply();
  }

  override handleInfo(message: Term) {
    this.seen.push(message);
  }
}
