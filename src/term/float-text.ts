/** The shortest digits that read back as the float, and the power of ten of the first one. */
function digitsOf(value: number): { readonly digits: string; readonly exponent: number } {
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

/** From here on Elixir writes floats with an exponent; below it has all digits. */
const ELIXIR_EXPONENT_FROM = 1e16;
/** From here on not every integer is a float, so Erlang writes no digits that are not there. */
const ERLANG_EXPONENT_FROM = 2 ** 53;

/** A float as Elixir's `inspect` prints it (`Float.to_string/1` on OTP 25 and later): `1.0`, `1.0e16`, `1.2e-4`. */
export function elixirFloat(value: number): string {
  return floatText(value, (size) => size < ELIXIR_EXPONENT_FROM);
}

/** A float as Erlang's `~p` prints it: where `100000.0` is longer than `1.0e5`, the latter. */
export function erlangFloat(value: number): string {
  return floatText(value, (size, zeros, exponentCost) => size < ERLANG_EXPONENT_FROM && zeros + 1 <= exponentCost);
}

type FitsPlainly = (size: number, zeros: number, exponentCost: number) => boolean;

function floatText(value: number, fitsPlainly: FitsPlainly): string {
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const sign = value < 0 ? "-" : "";
  const size = Math.abs(value);
  const { digits, exponent } = digitsOf(size);
  // What the exponent adds: `e`, its own text, and `.0` or `.` in the mantissa.
  const exponentCost = 1 + String(exponent).length + (digits.length === 1 ? 2 : 1);
  if (exponent < 0) {
    // Before the digits come "0." and that many zeros.
    return (
      sign + (1 - exponent <= exponentCost ? `0.${"0".repeat(-exponent - 1)}${digits}` : scientific(digits, exponent))
    );
  }
  const zeros = Math.max(0, exponent + 1 - digits.length);
  if (digits.length <= exponent + 1) {
    return (
      sign +
      (fitsPlainly(size, zeros + 1, exponentCost) ? `${digits}${"0".repeat(zeros)}.0` : scientific(digits, exponent))
    );
  }
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function scientific(digits: string, exponent: number): string {
  return `${digits[0]}.${digits.slice(1) || "0"}e${exponent}`;
}
