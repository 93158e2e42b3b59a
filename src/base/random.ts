/** Where all randomness comes from: {@link systemRandom} in production, a seeded one in tests. */
export interface Random {
  /** An unsigned 32-bit integer. Unpredictable in production: challenges, creations and first references are made of it. */
  u32(): number;
}

/** The host's cryptographic randomness. */
export const systemRandom: Random = { u32: () => crypto.getRandomValues(new Uint32Array(1))[0]! };
