import { expect, test } from "vitest";
import { runHere } from "./fake-io.ts";

const COMMANDS = ["names", "epmd", "ping", "call", "cast", "send", "consume", "produce", "encode", "decode"];

test.each(COMMANDS)("the help of %s ends with examples", async (command) => {
  const { code, stdout, stderr } = await runHere([command, "--help"]);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.slice(stdout.indexOf("Examples:")).match(/^ {2}\$ .*tiebeam /gm)?.length).toBeGreaterThanOrEqual(2);
});

test("the help lists every command and the exit codes, the version stands alone", async () => {
  const { code, stdout } = await runHere(["--help"]);

  expect(code).toBe(0);
  for (const command of COMMANDS) expect(stdout).toContain(`\n  ${command} `);
  expect(stdout).toContain("130 interrupted");
  expect(await runHere(["--version"])).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
});

test.each([
  [[], "no command was given"],
  [["pong"], "unknown command 'pong'"],
  [["ping"], "missing required argument 'node'"],
  [["ping", "shop"], "shop is no node name"],
  [["ping", "a@b", "--what"], "unknown option '--what'"],
  [["ping", "a@b", "--timeout", "0"], "0 is no time"],
  [["ping", "a@b", "--timeout", "soon"], "soon is no time"],
  [["ping", "a@b", "--name", "a@b", "--cookie", "c"], "--name a@b is the node to talk to"],
  [["ping", "a@b", "--cookie", "c", "--tls"], "TLS needs authorities to trust"],
  [["ping", "a@b", "--cookie", "c", "--tls-cert", "/nowhere"], "TLS needs authorities to trust"],
  [["ping", "a@b", "--cookie", "c", "--tls-ca", "/nowhere"], "--tls-ca cannot be read: ENOENT"],
  [
    ["ping", "a@b", "--cookie", "c", "--tls-ca", "/nowhere", "--tls-key", "/nowhere"],
    "--tls-key is without --tls-cert",
  ],
  [["ping", "a@b", "--cookie", "c", "--tls-optfile", "/nowhere"], "/nowhere cannot be used: ENOENT"],
  [["ping", "a@b", "--tls-optfile", "a", "--tls-ca", "b"], "cannot be used with option '--tls-ca <file>'"],
  [["produce", "lines", "--cookie", "c", "--tls-ca", "/nowhere"], "that others connect to with TLS needs --tls-cert"],
  [["call", "cart", ":total"], "cart names no node"],
  [["call", "cart@web@127.0.0.1", "{:total"], "cannot read the term"],
  [["consume", "cart@web@127.0.0.1", "-n", "0"], "0 is no whole number from 1 on"],
  [["consume", "cart@web@127.0.0.1", "--max-demand", "5", "--min-demand", "5"], "has to be below --max-demand 5"],
  [["epmd", "--port", "70000"], "70000 is no whole number from 1 to 65535"],
])("the command line %j is refused with exit code 2", async (args, problem) => {
  const { code, stdout, stderr } = await runHere(args);

  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(problem);
});

test("with --json an error is JSON on standard error, one of the command line too", async () => {
  const { code, stdout, stderr } = await runHere(["ping", "--json"]);

  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: "USAGE",
      message: "missing required argument 'node'",
      hint: expect.stringContaining("tiebeam --help"),
      exitCode: 2,
    },
  });
});
