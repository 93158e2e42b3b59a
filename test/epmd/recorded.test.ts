import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { NameTable } from "../../src/epmd/name-table.ts";
import { decodeAliveReply, decodePortReply, encodeAliveReply, encodePortReply } from "../../src/epmd/replies.ts";
import { decodeRequest, encodeRequest } from "../../src/epmd/requests.ts";
import { epmdService, ServerConnection } from "../../src/epmd/server-connection.ts";

interface Case {
  label: string;
  request_hex: string;
  response_hex: string;
  connection_after: "open" | "closed";
}

// Recorded from the epmd and nodes of OTP 25; `about` in the file says how.
const recorded: { exchanges: { req: string; resp: string }[]; cases: Case[] } = JSON.parse(
  readFileSync(new URL("../vectors/epmd.json", import.meta.url), "utf8"),
);

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");

/** The daemon's file descriptors are its own. */
const withoutFds = (hex: string) =>
  Buffer.from(hex, "hex")
    .toString("latin1")
    .replaceAll(/fd = \d+/g, "fd = N");

/** The connections that the recording client held on to, and before which request it closed them. */
const HELD_UNTIL: Record<string, string> = {
  "alive2 h1n1 dist 6..5": "dump after h1n1 closed",
  "alive2 h1old dist 5..5": "alive2 h1old re-registered dist 5",
  "alive2 h1hid hidden with extra": "",
  "alive2 h1n1 re-registered": "",
  "alive2 h1old re-registered dist 5": "",
};

test("the recorded requests get the recorded answers, one after the other", () => {
  let seconds = 0;
  const service = epmdService(new NameTable(() => seconds * 1_000), 26_500, false);
  const held = new Map<string, ServerConnection>();

  recorded.cases.forEach((recording, at) => {
    for (const [opened, until] of Object.entries(HELD_UNTIL)) if (until === recording.label) held.get(opened)?.closed();
    // A new name starts its creations at the time, which the recorded answer tells.
    const answer = recording.response_hex;
    if (answer.startsWith("7600")) seconds = Number.parseInt(answer.slice(4), 16);
    if (answer.startsWith("7900")) seconds = 3 * 600_000_000 + Number.parseInt(answer.slice(4), 16) - 1;
    const connection = new ServerConnection(service, at, true);

    const step = connection.data(bytesOf(recording.request_hex));

    const open = step.next === "wait" || step.next === "keep";
    expect({ label: recording.label, answer: withoutFds(hexOf(step.reply)), after: open ? "open" : "closed" }).toEqual({
      label: recording.label,
      answer: withoutFds(answer),
      after: recording.connection_after,
    });
    if (recording.label === "alive2 then extra data")
      expect(connection.data(Uint8Array.of(0))).toEqual({ next: "close" });
    if (recording.label in HELD_UNTIL) held.set(recording.label, connection);
    else connection.closed();
  });
});

test.each(recorded.exchanges)("the client writes $req and reads $resp as the nodes did", ({ req, resp }) => {
  const body = bytesOf(req);
  const reply = bytesOf(resp);

  const request = decodeRequest(body);

  if (request === undefined || request.op === "unfit") throw new Error("a recorded request was not understood");
  expect(hexOf(encodeRequest(request).subarray(2))).toBe(req);
  if (request.op === "register") {
    const answer = decodeAliveReply(reply, false)!.value;
    expect(hexOf(encodeAliveReply(request.entry.highest, answer === "refused" ? undefined : answer))).toBe(resp);
  } else {
    expect(hexOf(encodePortReply(decodePortReply(reply, false)!.value))).toBe(resp);
  }
});
