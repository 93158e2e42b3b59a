import type { Io } from "./io.ts";

/** Tells the user what goes on, on standard error: a line of text, or the same as JSON. */
export function notice({ stderr }: Io, { json }: { readonly json: boolean }, text: string, data: object): void {
  void stderr.write(`${json ? JSON.stringify(data) : text}\n`);
}
