import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError, decode, encode } from "../../src/etf/index.ts";
import { atom, compare, equals, phash2, type Term, tuple, tupleFrom } from "../../src/index.ts";
import { acceptedHere, inflate, LOCAL, vectorsOf } from "../../test/etf/vectors.ts";
import { canonicalTerm } from "../../test/support/arbitrary-term.ts";
import recorded from "../../test/vectors/phash2.json" with { type: "json" };
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { Echo, nodeBeside } from "../support/our-node.ts";

const RANDOM_TERMS = 20_000;
const SORTED_TERMS = 10_000;

/** Ranges of hashes: powers of two and others, to the largest. */
const RANGES = [1, 2, 7, 1_000, 2 ** 27 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32];

/** Terms that are sent in one message. */
const BATCH = 200;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const unhex = (line: string) => Buffer.from(line, "hex");
const exact = (bytes: Uint8Array) => decode(bytes, { floats: "exact", inflate });

/** Terms of lines of hexadecimal digits, as they are sent back. */
const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

describePeers("terms", {}, (release) => {
  const vectors = vectorsOf(Number(release.otp) as 23);
  const accepted = vectors.filter(({ name, decode }) => name !== LOCAL && decode !== "badarg");

  // What the flags of such a peer say.
  const peer = { wideIds: Number(release.otp) >= 24, nativeRecords: Number(release.otp) >= 29 };

  test("every vector, decoded and encoded again, is =:= to itself on the BEAM", async () => {
    await using beam = await startBeam(release);
    const lines = accepted.map(({ name, bytes }) => `${name} ${hex(encode(exact(bytes), { peer }))} ${hex(bytes)}`);

    const differences = await beam.eval("Fixtures.Vectors.differences(input)", { input: lines.join("\n") });

    expect(accepted.length).toBeGreaterThan(400);
    expect(differences).toEqual([]);
  });

  test("what the BEAM refuses is refused here by code, but for what only the BEAM can know to be wrong", async () => {
    await using beam = await startBeam(release);
    // The option `safe` and the node's own identities are no matter of the bytes alone.
    const refused = vectors.filter(
      ({ name, opts, decode }) => decode === "badarg" && opts !== "[safe]" && !name.startsWith("decode:own_node_"),
    );
    const input = refused.map(({ name, bytes }) => `${name} ${hex(bytes)}`).join("\n");

    const refusedThere = await beam.eval("Fixtures.Vectors.refused(input)", { input });

    expect(refusedThere).toEqual(refused.map(({ name }) => name));
    for (const vector of refused.filter((vector) => acceptedHere(Number(release.otp), vector) === undefined)) {
      expect(() => exact(vector.bytes), vector.name).toThrow(DecodeError);
      expect(() => exact(vector.bytes), vector.name).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ETF_/) }),
      );
    }
  });

  test("an echo server of ours returns every vector identical to a GenServer.call of the BEAM", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam, { floats: "exact" });
    await node.start(Echo, { name: "echo" });
    const input = accepted.map(({ name, bytes }) => `${name} ${hex(bytes)}`).join("\n");

    const differences = await beam.eval(`Fixtures.Vectors.echo_differences(input, {:echo, :"${node.name}"})`, {
      input,
    });

    expect(differences).toEqual([]);
  });
});

describePeers("random terms", { otp: ["25", "29"] }, (release) => {
  test("20,000 terms made by the BEAM survive: its bytes through our decoder and encoder, and its messages to our echo server", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam, { floats: "exact" });
    await node.start(Echo, { name: "echo" });
    await beam.eval(`terms = Fixtures.RandomTerms.list(${RANDOM_TERMS}, ${seed()}); nil`);

    const theirs = linesOf(await beam.eval<string>("Fixtures.Vectors.encode(terms)"));
    const input = theirs.map((line, index) => `term-${index} ${hex(encode(exact(unhex(line))))} ${line}`).join("\n");
    const differences = await beam.eval("Fixtures.Vectors.differences(input)", { input });
    const echoed = await beam.eval(`
      for batch <- Enum.chunk_every(terms, ${BATCH}),
          {back, term} <- Enum.zip(GenServer.call({:echo, :"${node.name}"}, {:echo, batch}), batch),
          back !== term,
          do: {back, term}
    `);

    expect(theirs).toHaveLength(RANDOM_TERMS);
    expect(differences).toEqual([]);
    expect(echoed).toEqual([]);
  });

  test("20,000 terms made here survive: our bytes through the BEAM's decoder and encoder, and our messages to its echo server", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam, { atomBudget: 500_000 });
    await beam.eval("{:ok, _} = Fixtures.Echo.start(name: :echo); nil");
    const terms = fc.sample(canonicalTerm, { numRuns: RANDOM_TERMS, seed: seed() });

    const input = terms.map((term) => hex(encode(term))).join("\n");
    const back = linesOf(
      await beam.eval<string>("Fixtures.Vectors.encode(Fixtures.Vectors.decode_all(input))", { input }),
    );
    const echoed: Term[] = [];
    for (let at = 0; at < terms.length; at += BATCH) {
      const request = tuple(atom("echo"), terms.slice(at, at + BATCH));
      echoed.push(...(await node.call<Term[]>({ name: "echo", node: beam.name }, request)));
    }

    expect(back).toHaveLength(RANDOM_TERMS);
    expect(echoed).toHaveLength(RANDOM_TERMS);
    terms.forEach((term, index) => {
      expect(equals(decode(unhex(back[index]!)), term), back[index]).toBe(true);
      expect(equals(echoed[index]!, term), back[index]).toBe(true);
    });
  });
});

describePeers("the order of terms", { otp: ["25", "27", "29"] }, (release) => {
  test("10,000 random terms sorted with compare come out as lists:sort sorts them", async () => {
    await using beam = await startBeam(release);
    await beam.eval(`
      terms =
        Fixtures.RandomTerms.list(${2 * SORTED_TERMS}, ${seed()}, closures: false)
        |> Enum.reject(&Fixtures.RandomTerms.odd_key?/1)
        |> Enum.take(${SORTED_TERMS})

      nil
    `);

    const unsorted = linesOf(await beam.eval<string>("Fixtures.Vectors.encode(terms)"));
    const sorted = linesOf(await beam.eval<string>("Fixtures.Vectors.encode(:lists.sort(terms))"));
    const ours = unsorted.map((line) => exact(unhex(line))).sort(compare);

    expect(ours).toHaveLength(SORTED_TERMS);
    const input = ours.map((term, index) => `place-${index} ${hex(encode(term))} ${sorted[index]}`).join("\n");
    expect(await beam.eval("Fixtures.Vectors.differences(input, &==/2)", { input })).toEqual([]);
  });
});

describePeers("phash2", {}, (release) => {
  // What the flags of such a peer say.
  const peer = { wideIds: Number(release.otp) >= 24, nativeRecords: false };
  /** The line of a term, or none where the release has no such identifiers. */
  const carried = (term: Term) => {
    try {
      return [hex(encode(term, { peer }))];
    } catch {
      return [];
    }
  };

  /** The terms of these lines whose hash there is another one than here, in any range. */
  async function differing(beam: Beam, lines: readonly string[]): Promise<unknown[]> {
    const theirs = await beam.eval<number[][]>(
      `for term <- Fixtures.Vectors.decode_all(input),
           do: [:erlang.phash2(term) | Enum.map(${JSON.stringify(RANGES)}, &:erlang.phash2(term, &1))]`,
      { input: lines.join("\n") },
    );
    expect(theirs).toHaveLength(lines.length);
    return lines.flatMap((line, index) => {
      const term = exact(unhex(line));
      const ours = [phash2(term), ...RANGES.map((range) => phash2(term, range))];
      return ours.join() === theirs[index]!.join() ? [] : [{ line, ours, theirs: theirs[index] }];
    });
  }

  // The hash is the same in every release: on the others a tenth will do.
  const count = release.otp === "25" || release.otp === "29" ? RANDOM_TERMS : RANDOM_TERMS / 10;

  test(`${count} terms made by the BEAM have the same hash here, in every range`, async () => {
    await using beam = await startBeam(release);

    const made = `Fixtures.RandomTerms.list(${count}, ${seed()})`;
    const lines = linesOf(await beam.eval<string>(`Fixtures.Vectors.encode(${made})`));

    expect(lines).toHaveLength(count);
    expect(await differing(beam, lines)).toEqual([]);
  });

  test(`up to ${count} terms made here have the same hash there, in every range`, async () => {
    await using beam = await startBeam(release);

    const lines = fc.sample(canonicalTerm, { numRuns: count, seed: seed() }).flatMap(carried);

    expect(lines.length).toBeGreaterThan(count / 2);
    expect(await differing(beam, lines)).toEqual([]);
  });

  test("its own processes, references and ports have the hash there that their copies have here", async () => {
    await using beam = await startBeam(release);

    const lines = linesOf(
      await beam.eval<string>(`
        pids = for _ <- 1..40_000, do: spawn(fn -> :ok end)
        port = Port.open({:spawn, "cat"}, [])
        monitor = Process.monitor(hd(pids))
        own = [self(), port, make_ref(), monitor, [self(), make_ref()], %{port => self()} | Enum.take_every(pids, 37)]
        Fixtures.Vectors.encode(own)
      `),
    );

    expect(lines.length).toBeGreaterThan(1_000);
    expect(await differing(beam, lines)).toEqual([]);
  });

  test("large, long and borderline terms, as recorded on OTP 25, have the same hash on each release", async () => {
    await using beam = await startBeam(release);

    const readable = recorded.terms.filter((vector) => peer.wideIds || !("wide" in vector));

    const input = readable.map(({ hex }) => hex).join("\n");
    const theirs = await beam.eval(
      "for term <- Fixtures.Vectors.decode_all(input), do: :erlang.phash2(term, 4_294_967_296)",
      { input },
    );
    expect(theirs).toEqual(readable.map(({ hash }) => hash));
  });

  test("terms that a BEAM hashes in several turns of the scheduler", async () => {
    await using beam = await startBeam(release);
    const numbers = Array.from({ length: 100_000 }, (_, i) => i + 1);

    const theirs = await beam.eval(`
      numbers = Enum.to_list(1..100_000)
      terms = [
        String.duplicate("käse", 300_000),
        numbers,
        List.duplicate(97, 1_000_003),
        Map.new(numbers, &{&1, {&1}}),
        List.to_tuple(numbers),
        Enum.reduce(numbers, nil, &[{&1, &2}])
      ]
      Enum.map(terms, &:erlang.phash2(&1, 4_294_967_296))
    `);

    const terms = [
      "käse".repeat(300_000),
      numbers,
      Array(1_000_003).fill(97),
      new Map(numbers.map((number) => [number, tuple(number)])),
      tupleFrom(numbers),
      numbers.reduce<unknown>((term, number) => [tuple(number, term as object)], null),
    ];
    expect(theirs).toEqual(terms.map((term) => phash2(term, 2 ** 32)));
  });
});

/** Another one in each run, so that more is tried in the course of time; `TIEBEAM_SEED` repeats a run. */
function seed(): number {
  const chosen = Number(process.env.TIEBEAM_SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${chosen}`);
  return chosen;
}
