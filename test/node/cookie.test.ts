import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { cookieSource } from "../../src/node/index.ts";

const folder = mkdtempSync(join(tmpdir(), "tiebeam-cookie-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string, mode = 0o400): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("the cookie", () => {
  test("is the one given, then the file's, then the environment's", () => {
    const cookieFile = file("plain", "FILE\n");
    const env = { TIEBEAM_COOKIE: "ENV" };
    expect(cookieSource({ cookie: "GIVEN", cookieFile }, env)("a@host")).toBe("GIVEN");
    expect(cookieSource({ cookieFile }, env)("a@host")).toBe("FILE");
    expect(cookieSource({}, env)("a@host")).toBe("ENV");
  });

  test("is never empty: a variable without text is none", () => {
    const own = process.env.HOME;
    process.env.HOME = folder;
    writeFileSync(join(folder, ".erlang.cookie"), "HOME", { mode: 0o400 });
    try {
      expect(cookieSource({}, { TIEBEAM_COOKIE: "" })("a@host")).toBe("HOME");
    } finally {
      process.env.HOME = own;
    }
  });

  test("can be another one for certain peers", () => {
    const cookieFor = cookieSource({ cookie: "OWN", cookies: { "b@host": "THEIRS" } }, {});
    expect([cookieFor("a@host"), cookieFor("b@host"), cookieFor("constructor")]).toEqual(["OWN", "THEIRS", "OWN"]);
  });

  test.each([
    ["a file that others may read", () => file("open", "SECRET", 0o644), "COOKIE_FILE_MODE"],
    ["an empty file", () => file("empty", " \n"), "COOKIE_FILE"],
    ["no file", () => join(folder, "none"), "COOKIE_FILE"],
  ])("of %s is refused, and not in the message", (_, path, code) => {
    const cookieFile = path();
    expect(() => cookieSource({ cookieFile }, {})).toThrow(expect.objectContaining({ code, file: cookieFile }));
    expect(() => cookieSource({ cookieFile }, {})).not.toThrow(/SECRET/);
  });
});
