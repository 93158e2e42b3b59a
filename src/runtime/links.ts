import type { Pid } from "../term/index.ts";
import type { Tie } from "./peer-ties.ts";

interface Link extends Tie {
  readonly peer: Pid;
  active: boolean;
  /** Not 0 while an unlink of that number awaits its acknowledgement. */
  unlinkId: number;
}

/**
 * One process's links, with the unlink protocol of erl_dist_protocol, "Link Protocol": an entry that was unlinked stays,
 * inactive, until the peer acknowledges, so that an exit which crossed the unlink on its way has no effect.
 *
 * Says what to send, sends nothing.
 */
export class Links {
  readonly #links = new Map<string, Link>();
  #unlinkIds = 0;

  /** Links from this side. True when a `link` signal has to go to the peer. */
  link(peer: Pid): boolean {
    if (this.#links.get(peer.key)?.active) return false;
    this.#remove(peer);
    this.#add(peer);
    return true;
  }

  /** Unlinks from this side. The number to send with `unlink`, undefined when there is no link. */
  unlink(peer: Pid): number | undefined {
    const link = this.#links.get(peer.key);
    if (!link?.active) return undefined;
    link.active = false;
    link.unlinkId = ++this.#unlinkIds;
    return link.unlinkId;
  }

  /** The peer linked. Gives the link, unless there was one. */
  onLink(peer: Pid): Tie | undefined {
    return this.#links.has(peer.key) ? undefined : this.#add(peer);
  }

  /** The peer unlinked. The acknowledgement is the caller's to send, whatever there was. */
  onUnlink(peer: Pid): void {
    if (this.#links.get(peer.key)?.active) this.#remove(peer);
  }

  /** The peer acknowledged an unlink of ours. */
  onUnlinkAck(peer: Pid, id: number | bigint): void {
    const link = this.#links.get(peer.key);
    if (link !== undefined && !link.active && BigInt(id) === BigInt(link.unlinkId)) this.#remove(peer);
  }

  /** The peer ended. True when the link was active, so that the exit concerns this process. */
  onExit(peer: Pid): boolean {
    const active = this.#links.get(peer.key)?.active === true;
    this.#remove(peer);
    return active;
  }

  /** Forgets all links to a node that is gone, and returns the peers of the active ones. */
  takeNode(node: string): Pid[] {
    const links = [...this.#links.values()].filter((link) => link.peer.node === node);
    for (const link of links) this.#remove(link.peer);
    return links.filter((link) => link.active).map((link) => link.peer);
  }

  /** Forgets all links. Returns the peers of the active ones. */
  takeAll(): Pid[] {
    const peers = this.peers();
    for (const { peer } of this.#links.values()) this.#remove(peer);
    return peers;
  }

  /** The processes linked to. */
  peers(): Pid[] {
    return [...this.#links.values()].filter((link) => link.active).map((link) => link.peer);
  }

  #add(peer: Pid): Link {
    const link: Link = { peer, active: true, unlinkId: 0, countedBy: undefined };
    this.#links.set(peer.key, link);
    return link;
  }

  #remove(peer: Pid): void {
    this.#links.get(peer.key)?.countedBy?.release();
    this.#links.delete(peer.key);
  }
}
