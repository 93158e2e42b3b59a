import { TiebeamError } from "../base/index.ts";

/** A text is no term. Code `TERM_SYNTAX`; `offset` is where in the text, `expected` what should have been there. */
export class TermSyntaxError extends TiebeamError {
  readonly offset: number;
  readonly expected: string;

  constructor(text: string, offset: number, expected: string, options?: ErrorOptions) {
    const rest = text.slice(offset, offset + 20);
    const found = rest === "" ? "the end" : JSON.stringify(rest.length < text.length - offset ? `${rest}…` : rest);
    super("TERM_SYNTAX", `cannot read the term: expected ${expected} at offset ${offset}, found ${found}`, options);
    this.offset = offset;
    this.expected = expected;
  }
}

/** Reads a text from left to right. Methods that look for something skip the space before it. */
export class Scanner {
  readonly text: string;
  offset = 0;
  readonly #maxDepth: number;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.#maxDepth = maxDepth;
  }

  /** Consumes `token` if it comes next. */
  eat(token: string): boolean {
    this.skipSpace();
    return this.eatHere(token);
  }

  /** Like {@link Scanner.eat}, with no space allowed. */
  eatHere(token: string): boolean {
    if (!this.text.startsWith(token, this.offset)) return false;
    this.offset += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.eat(token)) throw this.error(`"${token}"`);
  }

  /** Consumes what a sticky pattern finds right here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  /** The character at the offset, whole even when it is beyond U+FFFF; `undefined` at the end. */
  character(): string | undefined {
    const code = this.text.codePointAt(this.offset);
    if (code === undefined) return undefined;
    const character = String.fromCodePoint(code);
    this.offset += character.length;
    return character;
  }

  skipSpace(): void {
    while (this.offset < this.text.length && " \n\t\r\f".includes(this.text[this.offset]!)) this.offset++;
  }

  /** Reads items until `close`, which is consumed. A comma may follow the last one. */
  items(close: string, readItem: () => void): void {
    if (++this.#depth > this.#maxDepth) throw this.error(`nesting of at most ${this.#maxDepth} levels`);
    while (!this.eat(close)) {
      readItem();
      if (this.eat(",")) continue;
      if (this.eat(close)) break;
      throw this.error(`"," or "${close}"`);
    }
    this.#depth--;
  }

  error(expected: string, offset = this.offset): TermSyntaxError {
    return new TermSyntaxError(this.text, offset, expected);
  }
}
