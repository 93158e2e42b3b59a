import { inspect, type Term } from "../../../src/term/index.ts";
import { SimulatedClock } from "../../../src/testing/index.ts";
import { TestNode } from "../harness.ts";
import { Stages } from "./stages.ts";

/** Stages on two nodes under one clock, which are connected; what they send each other arrives in a later turn. */
export class TwoNodes {
  readonly clock = new SimulatedClock();
  readonly here = new Stages(new TestNode("here@127.0.0.1", this.clock));
  readonly there = new Stages(new TestNode("there@127.0.0.1", this.clock));
  #isUp = false;

  constructor() {
    this.#wire(this.here.node, this.there.node);
    this.#wire(this.there.node, this.here.node);
    this.connect();
  }

  connect(): void {
    this.#isUp = true;
    this.here.node.connected.add("there@127.0.0.1");
    this.there.node.connected.add("here@127.0.0.1");
  }

  /** The connection is lost, and both learn of it. */
  async cut(): Promise<void> {
    this.#isUp = false;
    this.here.node.connected.clear();
    this.there.node.connected.clear();
    this.here.node.runtime.nodeDown("there@127.0.0.1");
    this.there.node.runtime.nodeDown("here@127.0.0.1");
    await this.clock.settle();
  }

  /** What `here` has sent to processes of `there` from now on, each as its kind and its message: `sendName {:ask, 5}`. */
  watch(from: Stages = this.here): string[] {
    const seen: string[] = [];
    const { sent } = from.node;
    const push = sent.push.bind(sent);
    sent.push = (entry) => {
      const { signal } = entry;
      const message = "message" in signal ? (signal.message as unknown as Term[])[2] : undefined;
      seen.push(message === undefined ? signal.op : `${signal.op} ${inspect(message)}`);
      return push(entry);
    };
    return seen;
  }

  #wire(from: TestNode, to: TestNode): void {
    from.onSignal = (signal) => {
      if (this.#isUp && from.sent.at(-1)?.node === to.runtime.identity.node) {
        this.clock.defer(() => to.runtime.accept(signal));
      }
    };
  }
}
