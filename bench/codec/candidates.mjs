// The codecs that are compared, each as a function from a term to what it does with it.
//
// `encode` and `decode` are what is timed. `equals` compares what was decoded, where that is not the term itself.
import { isDeepStrictEqual } from "node:util";
import v8 from "node:v8";
import erlangJs from "erlang_js";
import erlpack from "erlpack";
import { Packr } from "msgpackr";

/** `encode` and `decode`: what a program calls. */
export const functionsOf =
  ({ encode, decode }) =>
  (term) => {
    const bytes = encode(term);
    return { encode: () => encode(term), decode: () => decode(bytes) };
  };

/** An encoder and a decoder that are kept, as a connection keeps them. */
export const classesOf = ({ Encoder, Decoder, Writer, Reader, encode }) => {
  const encoder = new Encoder();
  const decoder = new Decoder();
  const writer = new Writer(65_536);
  const reader = new Reader(new Uint8Array());
  return (term) => {
    const bytes = encode(term).slice(1);
    return {
      encode: () => {
        encoder.write(writer, term);
        writer.reuse();
      },
      decode: () => decoder.read(reader.reset(bytes)),
    };
  };
};

/** It has no atoms: keys are binaries. It decodes its own bytes. */
const erlpackOf = (term) => {
  const packed = erlpack.pack(term);
  return { encode: () => erlpack.pack(term), decode: () => erlpack.unpack(packed) };
};

/** It has classes for everything, so it is given the terms that it decodes from our bytes. */
const erlangJsOf =
  ({ encode, decode }) =>
  (term) => {
    const { binary_to_term, term_to_binary } = erlangJs.Erlang;
    const result = (call, input) => {
      let output;
      call(input, (error, value) => {
        if (error) throw error;
        output = value;
      });
      return output;
    };
    const bytes = Buffer.from(encode(term));
    const own = result(binary_to_term, bytes);
    return {
      encode: () => result(term_to_binary, own),
      decode: () => result(binary_to_term, bytes),
      equals: (decoded) => isDeepStrictEqual(decode(result(term_to_binary, decoded)), term),
    };
  };

const msgpackrOf = (options) => {
  const packr = new Packr(options);
  return (term) => {
    const packed = Buffer.from(packr.pack(term));
    return { encode: () => packr.pack(term), decode: () => packr.unpack(packed) };
  };
};

const jsonOf = (term) => {
  const text = JSON.stringify(term);
  return { encode: () => JSON.stringify(term), decode: () => JSON.parse(text) };
};

const v8Of = (term) => {
  const clone = v8.serialize(term);
  return { encode: () => v8.serialize(term), decode: () => v8.deserialize(clone) };
};

/** The other codecs, by name. `library` is the one whose bytes erlang_js reads. */
export const others = (library) => ({
  erlpack: erlpackOf,
  erlang_js: erlangJsOf(library),
  "msgpackr, records": msgpackrOf({ useRecords: true }),
  "msgpackr, plain": msgpackrOf({ useRecords: false }),
  JSON: jsonOf,
  "v8.serialize": v8Of,
});

/** What the candidate does with the term, or the reason why it is not compared. */
export function prepared(candidate, term) {
  try {
    const calls = candidate(term);
    const decoded = calls.decode();
    const isSame = calls.equals?.(decoded) ?? isDeepStrictEqual(plain(decoded), plain(term));
    return isSame ? calls : { reason: "gives something else back" };
  } catch (error) {
    return { reason: error.message };
  }
}

/** A Buffer is as good as a Uint8Array. */
const plain = (value) => (value instanceof Uint8Array ? Array.from(value) : value);
