/** The escapes that Elixir and Erlang share, in texts of any kind. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\b": "\\b",
  "\f": "\\f",
  "\x1b": "\\e",
  "\\": "\\\\",
};

/** Elixir has two more, and an end-of-file mark that nobody sees. */
const ELIXIR_ESCAPES: Readonly<Record<string, string>> = {
  ...ESCAPES,
  "\x07": "\\a",
  "\x7f": "\\d",
  "\0": "\\0",
  "\ufeff": "\\uFEFF",
};

/** What `String.printable?/1` takes: a text with anything else is printed as bytes. */
const isElixirPrintableCode = (code: number) =>
  isElixirCharlistCode(code) || code === 127 || (code >= 160 && code !== 0xfffe && code !== 0xffff);

const isElixirCharlistCode = (code: number) => (code >= 32 && code <= 126) || (code >= 7 && code <= 13) || code === 27;

/** What `io_lib:printable_list/1` takes with Erlang's default settings: Latin-1 without control characters. */
const erlangUnprintable = (code: number) =>
  !((code >= 32 && code <= 126) || (code >= 160 && code <= 255) || (code >= 8 && code <= 13) || code === 27);

export function isElixirPrintable(text: string): boolean {
  // By UTF-16 units: the two halves of anything beyond U+FFFF are printable, as it is itself.
  for (let i = 0; i < text.length; i++) {
    if (!isElixirPrintableCode(text.charCodeAt(i))) return false;
  }
  return true;
}

/** Whether a list prints as `~c"abc"`. */
export const isElixirCharlist = (items: readonly unknown[]): boolean =>
  items.length > 0 &&
  items.every((code) => typeof code === "number" && Number.isInteger(code) && isElixirCharlistCode(code));

/** Whether a list prints as `"abc"` in Erlang. */
export const isErlangString = (items: ArrayLike<unknown>): boolean => {
  for (let i = 0; i < items.length; i++) {
    const code = items[i];
    if (typeof code !== "number" || !Number.isInteger(code) || erlangUnprintable(code)) return false;
  }
  return items.length > 0;
};

/** A text in double quotes as Elixir writes it, without the quotes. */
export function escapeElixir(text: string): string {
  let escaped = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    const code = text.charCodeAt(i);
    if (ELIXIR_ESCAPES[character] !== undefined) escaped += ELIXIR_ESCAPES[character];
    else if (character === '"' || (character === "#" && text[i + 1] === "{")) escaped += `\\${character}`;
    else escaped += isElixirPrintableCode(code) ? character : hexEscape(code);
  }
  return escaped;
}

/** A text as Erlang writes it between quotes of that kind, without them. */
export function escapeErlang(text: string, quote: '"' | "'"): string {
  let escaped = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character === quote) escaped += `\\${quote}`;
    else if (ESCAPES[character] !== undefined) escaped += ESCAPES[character];
    else if (code < 32 || (code >= 127 && code < 160)) escaped += `\\${code.toString(8).padStart(3, "0")}`;
    else escaped += character;
  }
  return escaped;
}

const hexEscape = (code: number) => {
  const hex = code.toString(16).toUpperCase();
  return code <= 0xff ? `\\x${hex.padStart(2, "0")}` : `\\x{${hex}}`;
};

/**
 * A regular expression for texts that need no quotes after Elixir's colon. Letters beyond Latin are left to the scripts
 * that Elixir recommends, one at a time; where this quotes and Elixir would not, both read back as the same atom.
 */
export const ELIXIR_ATOM = `(?:${[
  "[A-Za-z_À-ÖØ-öø-ıĴ-ľŁ-ňŊ-ž][\\w@À-ÖØ-öø-ıĴ-ľŁ-ňŊ-ž]*",
  "[Ά-ΡΣ-ώ][\\dΆ-ΡΣ-ώ_@]*",
  "[Ѐ-џ][\\dЀ-џ_@]*",
  "[ぁ-ゖァ-ヺー一-鿿々][\\dぁ-ゖァ-ヺー一-鿿々_@]*",
  "[가-힣][\\d가-힣_@]*",
].join("|")})[?!]?`;
const ELIXIR_PLAIN = new RegExp(`^${ELIXIR_ATOM}$`, "u");

/** Operators that are atoms without quotes. */
export const ELIXIR_OPERATORS = new Set(
  (
    "! @ . + - ++ -- * / ** && || == != === !== =~ < > <= >= | <> .. ... ..// <<< >>> ~>> <<~ <~ ~> <~> |> & ^ &&& ||| " +
    "+++ --- <- -> % %{} {} <<>> ="
  ).split(" "),
);

const ALIAS = /^[A-Z]\w*(?:\.[A-Z]\w*)*$/;

/** An Elixir module's name as an alias, without `Elixir.`; `undefined` when the atom is none that can be written so. */
export function elixirAlias(atom: string): string | undefined {
  if (atom === "Elixir") return atom;
  if (!atom.startsWith("Elixir.")) return undefined;
  const alias = atom.slice("Elixir.".length);
  // Elixir.Elixir.X would be read as the alias of X.
  return ALIAS.test(alias) && !/^Elixir(?:\.|$)/.test(alias) ? alias : undefined;
}

const isPlainElixirAtom = (text: string) =>
  (ELIXIR_PLAIN.test(text) && text === text.normalize("NFC")) || ELIXIR_OPERATORS.has(text);

/** An atom as Elixir writes it: `:ok`, `nil`, `Shop.Orders`, `:"with space"`. */
export function elixirAtom(text: string): string {
  if (text === "nil" || text === "true" || text === "false") return text;
  return elixirAlias(text) ?? (isPlainElixirAtom(text) ? `:${text}` : `:"${escapeElixir(text)}"`);
}

/** An atom as a key of a keyword list or map in Elixir: `ok:`, `"with space":`. */
export function elixirKey(text: string): string {
  return isPlainElixirAtom(text) ? `${text}:` : `"${escapeElixir(text)}":`;
}

/** A function's name after the dot in Elixir: `map`, `+`, `"with space"`. */
export function elixirFunction(text: string): string {
  const plain =
    (ELIXIR_PLAIN.test(text) && !/^\p{Lu}/u.test(text) && !text.includes("@")) || CALLABLE_OPERATORS.has(text);
  return plain ? text : `"${escapeElixir(text)}"`;
}

const CALLABLE_OPERATORS = new Set(
  [...ELIXIR_OPERATORS].filter((text) => !"-> <- . = % %{} {} <<>> &".split(" ").includes(text)),
);

const ERLANG_PLAIN = /^[a-zß-öø-ÿ][\w@À-ÖØ-öø-ÿ]*$/;
const ERLANG_RESERVED = new Set(
  (
    "after and andalso band begin bnot bor bsl bsr bxor case catch cond div else end fun if let maybe not of or orelse " +
    "receive rem try when xor"
  ).split(" "),
);

/** An atom as Erlang writes it: `ok`, `'with space'`. Words that any current release reserves are quoted. */
export function erlangAtom(text: string): string {
  return ERLANG_PLAIN.test(text) && !ERLANG_RESERVED.has(text) ? text : `'${escapeErlang(text, "'")}'`;
}
