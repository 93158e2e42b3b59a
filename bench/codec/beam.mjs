// `term_to_binary` and `binary_to_term` of a BEAM, as a candidate beside those of this process.
import "../support/typescript.mjs";

export const { findReleases } = await import("../../interop/providers/index.ts");
const { startBeam } = await import("../../interop/harness/beam.ts");
const { startEpmd } = await import("../../interop/harness/epmd.ts");

/** One scheduler that does not spin while it waits, so that processor time is what the codec takes. */
const FLAGS = ["+S", "1:1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"];

/** Only compiled code runs in a timing: `lists:foreach/2` and the function itself. */
const TIMED = `
  rate = fn fun, value, calls ->
    values = List.duplicate(value, calls)
    :erlang.garbage_collect()
    {_, _} = :erlang.statistics(:runtime)
    start = System.monotonic_time(:microsecond)
    :lists.foreach(fun, values)
    wall = System.monotonic_time(:microsecond) - start
    {_, cpu} = :erlang.statistics(:runtime)
    [wall / 1000, cpu]
  end
  term = :erlang.binary_to_term(input)
`;
const CALLS = {
  encode: "rate.(&:erlang.term_to_binary/1, term, calls)",
  decode: "rate.(&:erlang.binary_to_term/1, input, calls)",
};

/** Calls in one go: a list of them has to be made first. */
const MAX_CALLS = 200_000;

export class BeamCodec {
  #beam;
  #epmd;

  static async start(release) {
    const codec = new BeamCodec();
    codec.#epmd = await startEpmd(release);
    codec.#beam = await startBeam(release, { epmdPort: codec.#epmd.port, args: FLAGS });
    return codec;
  }

  async [Symbol.asyncDispose]() {
    await this.#beam.kill();
    await this.#epmd[Symbol.asyncDispose]();
  }

  /** The bytes that the BEAM makes of the term in `bytes`. */
  reencoded(bytes) {
    return this.#beam.evalBytes(":erlang.binary_to_term(input)", { input: bytes });
  }

  /** Wall and processor milliseconds of that many calls. */
  async time(direction, bytes, calls) {
    const chunk = Math.min(calls, MAX_CALLS);
    const code = `calls = ${chunk}\n${TIMED}\n${CALLS[direction]}`;
    const total = { calls: 0, wallMs: 0, cpuMs: 0 };
    while (total.calls < calls) {
      const [wallMs, cpuMs] = await this.#beam.eval(code, { input: bytes, timeoutMs: 60_000 });
      total.calls += chunk;
      total.wallMs += wallMs;
      total.cpuMs += cpuMs;
    }
    return total;
  }
}
