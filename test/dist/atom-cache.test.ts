import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { abilitiesOf, ourFlags } from "../../src/dist/index.ts";
import { PacketReader } from "../../src/dist/packet-reader.ts";
import { PacketWriter } from "../../src/dist/packet-writer.ts";
import { Decoder, Encoder, Writer } from "../../src/etf/index.ts";
import { type Atom, atom } from "../../src/term/index.ts";
import { A, pidOfA, pidOfB } from "./links.ts";

const LIMITS = { maxMessageBytes: 1 << 24, maxPendingBytes: 1 << 25, maxSequences: 100 };
const numbered = (from: number, count: number) => Array.from({ length: count }, (_, i) => atom(`atom_${from + i}`));

/** One direction of a connection: what is sent, and what the other side makes of it. */
class Direction {
  readonly #abilities = abilitiesOf(ourFlags());
  readonly #writer = new Writer();
  readonly #packets = new PacketWriter(this.#abilities, new Encoder({ peer: this.#abilities }));
  readonly #reader = new PacketReader({
    peer: A.name,
    abilities: this.#abilities,
    decoder: new Decoder(),
    limits: LIMITS,
  });

  /** The frame's body. */
  write(message: unknown): Uint8Array {
    this.#packets.write(this.#writer, { op: "send", from: pidOfA, to: pidOfB, message });
    return this.#writer.take().slice(4);
  }

  read(body: Uint8Array): unknown {
    const signal = this.#reader.read(body);
    return signal?.op === "send" ? signal.message : undefined;
  }

  pass(message: unknown): unknown {
    return this.read(this.write(message));
  }
}

test("an atom travels as text once, then as two bytes", () => {
  const direction = new Direction();
  const message = { a_rather_long_key: atom("a_rather_long_value") };

  const first = direction.write(message);
  const second = direction.write(message);

  expect(Buffer.from(first).toString("latin1")).toContain("a_rather_long_value");
  expect(Buffer.from(second).toString("latin1")).not.toContain("a_rather");
  expect(direction.read(first)).toEqual(message);
  expect(direction.read(second)).toEqual(message);
});

test("the bytes are those of the worked example: a name in a new slot, then an old one", () => {
  const direction = new Direction();
  direction.write(atom("x"));

  const body = Buffer.from(direction.write(atom("x")));

  // N = 3 (a@host, b@host, x), all old, in the slots 0 to 2: two bytes of nibbles, three of slots.
  expect(body.subarray(0, 8).toString("hex")).toBe("8344030000000102");
  expect(body.subarray(-2).toString("hex")).toBe("5202");
});

test("5,000 distinct atoms go through 2,048 slots, in any order, again and again", () => {
  const direction = new Direction();
  for (let round = 0; round < 3; round++) {
    for (let from = 0; from < 5_000; from += 100) {
      const message = numbered(from, 100);
      expect(direction.pass(message)).toEqual(message);
    }
  }
});

test("more than 255 atoms in one message: the rest is written in full", () => {
  const direction = new Direction();
  const message = numbered(0, 700);

  const body = direction.write(message);

  expect(body[2]).toBe(255);
  expect(direction.read(body)).toEqual(message);
  expect(direction.pass([...message].reverse())).toEqual([...message].reverse());
});

test("atoms of more than 255 bytes make all lengths of their packet two bytes, and only of theirs", () => {
  const direction = new Direction();
  const long = atom("\u{10348}".repeat(255));

  for (const message of [atom("before"), [long, atom("beside")], [long, atom("old")], atom("after")]) {
    expect(direction.pass(message)).toEqual(message);
  }
});

describe("a message that cannot be encoded", () => {
  test("teaches the peer no atoms, and we know that", () => {
    const direction = new Direction();

    for (let i = 0; i < 3; i++) {
      expect(() => direction.write([...numbered(i * 300, 300), () => {}])).toThrow();
      expect(direction.pass(numbered(i * 300, 20))).toEqual(numbered(i * 300, 20));
    }
  });

  test("does not bring back what its atoms took the slots of", () => {
    const direction = new Direction();
    for (let from = 0; from < 2_040; from += 120) direction.pass(numbered(from, 120));

    expect(() => direction.write([...numbered(5_000, 250), () => {}])).toThrow();

    expect(direction.pass(numbered(0, 250))).toEqual(numbered(0, 250));
    expect(direction.pass(numbered(5_000, 250))).toEqual(numbered(5_000, 250));
  });
});

test("any sequence of messages, some of which fail, is read as it was written", () => {
  const index = fc.nat(3_000);
  const messages = fc.array(fc.record({ atoms: fc.array(index, { maxLength: 300 }), fails: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(messages, (list) => {
      const direction = new Direction();
      for (const { atoms, fails } of list) {
        const message: Atom[] = atoms.map((i) => atom(`atom_${i}`));
        if (fails) expect(() => direction.write([...message, Symbol("no term")])).toThrow();
        else expect(direction.pass(message)).toEqual(message);
      }
    }),
    { numRuns: 30 },
  );
});

test("so is any sequence of a few messages that come again and again, and differ in little", () => {
  const few = fc.array(fc.array(fc.nat(4_000), { maxLength: 8 }), { minLength: 1, maxLength: 3 });
  const sequence = fc.array(fc.record({ which: fc.nat(2), swapped: fc.boolean(), fails: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(few, sequence, (kinds, list) => {
      const direction = new Direction();
      for (const { which, swapped, fails } of list) {
        const indexes = kinds[which % kinds.length]!;
        const message = (swapped ? indexes.toReversed() : indexes).map((i) => atom(`atom_${i}`));
        if (fails) expect(() => direction.write([...message, Symbol("no term")])).toThrow();
        else expect(direction.pass(message)).toEqual(message);
      }
    }),
  );
});
