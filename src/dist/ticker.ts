import type { Clock, Timer } from "../base/index.ts";

/** How often a connection is looked at, and for how long a peer may be silent. */
export interface TickOptions {
  /** The net tick time: a peer that is silent for this long (and up to a quarter longer) is lost. Default 60,000 ms. */
  readonly timeMs?: number;
  /** Looks per tick time, default 4. */
  readonly intensity?: number;
}

export const DEFAULT_TICK_TIME_MS = 60_000;
export const DEFAULT_TICK_INTENSITY = 4;

/** What a {@link Ticker} looks at and does. */
export interface Ticked {
  /** Packets that have come and gone so far; any packet is a sign of life. */
  readonly packetsRead: number;
  readonly packetsWritten: number;
  /** True while bytes wait to be sent. */
  readonly sending: boolean;
  sendTick(): void;
  /** Nothing came for the whole tick time. */
  silent(): void;
}

/** Silence is looked for so many times as often as ticks are due. */
const LOOKS_PER_TICK = 2;

/**
 * Sends ticks and notices silence, as the BEAM counts it (erl_dist_protocol has no word about it; kernel's
 * `net_ticktime` and `net_tickintensity` are the source).
 *
 * `intensity` times per tick time a tick is sent when nothing was written since the last time and nothing waits; on a hidden
 * link also when nothing was read. Silence is looked for twice as often, so that a silent peer is lost between 1 and 1.125
 * times the tick time: well within the 1.25 that a BEAM may take, timers that fire late included.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #target: Ticked;
  readonly #hidden: boolean;
  readonly #intensity: number;
  #timeMs: number;
  #periodMs: number;
  /** How long the peer may be silent. */
  #limitMs: number;
  #timer: Timer;
  #transition: Timer | undefined;
  #lastRead = 0;
  #lastWritten = 0;
  #silentLooks = 0;
  #looks = 0;

  constructor(clock: Clock, target: Ticked, hidden: boolean, options: TickOptions = {}) {
    this.#clock = clock;
    this.#target = target;
    this.#hidden = hidden;
    this.#intensity = options.intensity ?? DEFAULT_TICK_INTENSITY;
    this.#timeMs = options.timeMs ?? DEFAULT_TICK_TIME_MS;
    this.#limitMs = this.#timeMs;
    this.#periodMs = this.#periodOf(this.#timeMs);
    this.#timer = this.#nextLook();
  }

  /**
   * Changes the tick time. The peer has to be told to do the same, since nothing of it goes over the wire; until
   * `transitionMs` are over, ticks are sent as the shorter of the two times wants it, and silence is borne as the longer does.
   */
  change(timeMs: number, transitionMs: number): void {
    this.#transition?.cancel();
    this.#use(Math.min(this.#timeMs, timeMs), Math.max(this.#limitMs, timeMs));
    this.#timeMs = timeMs;
    this.#transition = this.#clock.setTimer(transitionMs, () => this.#use(timeMs, timeMs));
  }

  stop(): void {
    this.#timer.cancel();
    this.#transition?.cancel();
  }

  #use(tickMs: number, limitMs: number): void {
    this.#timer.cancel();
    this.#periodMs = this.#periodOf(tickMs);
    this.#limitMs = limitMs;
    this.#silentLooks = 0;
    this.#timer = this.#nextLook();
  }

  #periodOf(timeMs: number): number {
    return timeMs / this.#intensity / LOOKS_PER_TICK;
  }

  #nextLook(): Timer {
    return this.#clock.setTimer(this.#periodMs, () => {
      this.#timer = this.#nextLook();
      this.#look();
    });
  }

  #look(): void {
    const { packetsRead } = this.#target;
    this.#silentLooks = packetsRead === this.#lastRead ? this.#silentLooks + 1 : 0;
    this.#lastRead = packetsRead;
    if (this.#silentLooks >= Math.round(this.#limitMs / this.#periodMs)) this.#target.silent();
    else if (++this.#looks % LOOKS_PER_TICK === 0) this.#tick();
  }

  #tick(): void {
    const { packetsWritten, sending } = this.#target;
    const idle = packetsWritten === this.#lastWritten && !sending;
    if (idle || (this.#hidden && this.#silentLooks >= LOOKS_PER_TICK)) this.#target.sendTick();
    this.#lastWritten = this.#target.packetsWritten;
  }
}
