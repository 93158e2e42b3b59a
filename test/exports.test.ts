import { expect, test } from "vitest";

const SUBPATHS = {
  ".": () => import("../src/index.ts"),
  "./etf": () => import("../src/etf/index.ts"),
  "./epmd": () => import("../src/epmd/index.ts"),
  "./observer": () => import("../src/observer/index.ts"),
  "./otel": () => import("../src/otel/index.ts"),
  "./testing": () => import("../src/testing/index.ts"),
};

/** What users can import, besides types. A change here is a change of the public interface: say so in CHANGELOG.md. */
test.each(Object.entries(SUBPATHS))("the public exports of %s", async (subpath, load) => {
  expect(Object.keys(await load()).sort()).toMatchSnapshot(subpath);
});

test("package.json and the sources name the same subpaths", async () => {
  const { default: manifest } = await import("../package.json", { with: { type: "json" } });
  expect(Object.keys(manifest.exports).filter((name) => name !== "./package.json")).toEqual(Object.keys(SUBPATHS));
});
