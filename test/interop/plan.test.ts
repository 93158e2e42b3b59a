import { expect, test } from "vitest";
import { CONSTRAINTS } from "../../interop/matrix/dimensions.ts";
import { readOptions, wrongIn } from "../../interop/matrix/options.ts";
import { plan } from "../../interop/matrix/plan.ts";
import type { Release } from "../../interop/providers/index.ts";

const release = (otp: string, genStage: string): Release => ({
  otp,
  otpVersion: otp,
  elixir: "1",
  provider: "test",
  shared: { here: "/", there: "/" },
  genStage: { version: genStage, libs: "/" },
});
const releases = [release("23", "1.1.2"), release("25", "1.3.2"), release("29", "1.3.2")];
const runtimes = [`node-${process.versions.node.split(".")[0]}`, "node-99", "bun"];

test("the usual run has each release with TCP and both kinds of TLS, connected from either side", () => {
  const cells = plan(releases, runtimes, "usual");
  const seen = new Set(cells.map(({ otp, transport, connects }) => [otp, transport, connects].join()));

  for (const otp of ["23", "25", "29"]) {
    for (const transport of ["tcp", "tls-1.2", "tls-1.3"]) {
      for (const connects of ["ours", "beam"]) expect(seen).toContain([otp, transport, connects].join());
    }
  }
});

test("no cell breaks a constraint, and each release has its own GenStage", () => {
  for (const size of ["short", "usual", "full"] as const) {
    const cells = plan(releases, runtimes, size);

    expect(cells.filter((cell) => CONSTRAINTS.some(({ forbids }) => forbids(cell)))).toEqual([]);
    expect(cells.filter(({ otp, genStage }) => (otp === "23") !== (genStage === "1.1"))).toEqual([]);
  }
});

test("the short run has every fault, transport and runtime, and fewer cells than the usual one", () => {
  const cells = plan(releases, runtimes, "short");

  expect(new Set(cells.map(({ fault }) => fault)).size).toBe(9);
  expect(new Set(cells.map(({ transport }) => transport)).size).toBe(4);
  expect(new Set(cells.map(({ runtime }) => runtime))).toEqual(new Set(runtimes));
  expect(cells.length).toBeLessThan(plan(releases, runtimes, "usual").length / 2);
});

test("with only some values there are no others", () => {
  const { only } = readOptions(["--only", "otp=25|29,fault=link-cut", "--only", "transport=tcp"]);

  const cells = plan(releases, runtimes, "usual", only);

  expect(cells.length).toBeGreaterThan(0);
  for (const cell of cells)
    expect(cell).toMatchObject({ otp: expect.stringMatching(/25|29/), fault: "link-cut", transport: "tcp" });
});

test("options say what is run: all of it by default, otherwise what they name", () => {
  const runs = (...args: string[]) => {
    const { matrix, suites, whole } = readOptions(args);
    return { matrix, suites, whole };
  };

  expect(runs()).toEqual({ matrix: true, suites: true, whole: true });
  expect(runs("--full")).toEqual({ matrix: true, suites: true, whole: true });
  expect(runs("--short")).toEqual({ matrix: true, suites: false, whole: false });
  expect(runs("--only", "otp=25")).toEqual({ matrix: true, suites: false, whole: false });
  expect(runs("--suites", "ties")).toEqual({ matrix: false, suites: true, whole: false });
  expect(runs("--short", "--suites", "ties")).toEqual({ matrix: true, suites: true, whole: false });
});

test("what is wrong with options is said in one line", () => {
  const dimensions = { otp: ["25"], transport: ["tcp"] } as never;

  expect(() => readOptions(["--short", "--full"])).toThrow("either --short or --full");
  expect(() => readOptions(["--only", "otp"])).toThrow("--only takes dimension=value, not otp");
  expect(wrongIn({ otp: ["26"] }, dimensions)).toBe("otp is not 26 here, but one of 25");
  expect(wrongIn({ colour: ["red"] } as never, dimensions)).toBe("no dimension colour; there are otp, transport");
});
