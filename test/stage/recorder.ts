import type { DispatcherConsumer, Outlet } from "../../src/stage/dispatcher.ts";
import { SeededRandom } from "../../src/testing/index.ts";

/** Notes what a dispatcher does. */
export class Recorder implements Outlet<number> {
  readonly random = new SeededRandom(1);
  readonly delivered: [consumer: unknown, events: readonly number[]][] = [];
  readonly asked: [consumer: unknown, count: number][] = [];
  readonly infos: unknown[] = [];
  readonly warnings: string[] = [];
  discardedCount = 0;
  readonly errors: string[] = [];

  deliver(consumer: DispatcherConsumer, events: readonly number[]): void {
    this.delivered.push([consumer.key, events]);
  }

  info(message: unknown): void {
    this.infos.push(message);
  }

  askAgain(consumer: DispatcherConsumer, count: number): void {
    this.asked.push([consumer.key, count]);
  }

  discarded(count: number): void {
    this.discardedCount += count;
  }

  warn(text: string): void {
    this.warnings.push(text);
  }

  error(text: string): void {
    this.errors.push(text);
  }
}
