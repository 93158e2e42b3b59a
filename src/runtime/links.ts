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
  /** By the keys of the peers; made for the first one. */
  #links: Map<string, Link> | undefined;
  #unlinkIds = 0;

  /** Links from this side. True when a `link` signal has to go to the peer. */
  link(peer: Pid): boolean {
    if (this.#find(peer)?.active) return false;
    this.#remove(peer);
    this.#add(peer);
    return true;
  }

  /** Unlinks from this side. The number to send with `unlink`, undefined when there is no link. */
  unlink(peer: Pid): number | undefined {
    const link = this.#find(peer);
    if (!link?.active) return undefined;
    link.active = false;
    link.unlinkId = ++this.#unlinkIds;
    return link.unlinkId;
  }

  /** The peer linked. Gives the link, unless there was one. */
  onLink(peer: Pid): Tie | undefined {
    return this.#find(peer) === undefined ? this.#add(peer) : undefined;
  }

  /** The peer unlinked. The acknowledgement is the caller's to send, whatever there was. */
  onUnlink(peer: Pid): void {
    if (this.#find(peer)?.active) this.#remove(peer);
  }

  /** The peer acknowledged an unlink of ours. */
  onUnlinkAck(peer: Pid, id: number | bigint): void {
    const link = this.#find(peer);
    if (link !== undefined && !link.active && BigInt(id) === BigInt(link.unlinkId)) this.#remove(peer);
  }

  /** The peer ended. True when the link was active, so that the exit concerns this process. */
  onExit(peer: Pid): boolean {
    const active = this.#find(peer)?.active === true;
    this.#remove(peer);
    return active;
  }

  /** Forgets all links to a node that is gone, and returns the peers of the active ones. */
  takeNode(node: string): Pid[] {
    const links = this.#all().filter((link) => link.peer.node === node);
    for (const link of links) this.#remove(link.peer);
    return links.filter((link) => link.active).map((link) => link.peer);
  }

  /** Forgets all links. Returns the peers of the active ones. */
  takeAll(): Pid[] {
    const peers = this.peers();
    for (const { peer } of this.#all()) this.#remove(peer);
    return peers;
  }

  /** The processes linked to. */
  peers(): Pid[] {
    return this.#all().flatMap((link) => (link.active ? [link.peer] : []));
  }

  #all(): Link[] {
    return this.#links === undefined ? [] : [...this.#links.values()];
  }

  #find(peer: Pid): Link | undefined {
    return this.#links?.get(peer.key);
  }

  #add(peer: Pid): Link {
    const link: Link = { peer, active: true, unlinkId: 0, countedBy: undefined };
    this.#links ??= new Map();
    this.#links.set(peer.key, link);
    return link;
  }

  #remove(peer: Pid): void {
    this.#find(peer)?.countedBy?.release();
    this.#links?.delete(peer.key);
  }
}
