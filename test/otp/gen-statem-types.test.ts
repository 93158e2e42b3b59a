import { describe, expectTypeOf, test } from "vitest";
import {
  type Atom,
  atom,
  type From,
  GenStatem,
  initialState,
  keepState,
  type Node,
  nextEvent,
  nextState,
  replyTo,
  type StatemEvent,
  type StateResult,
  stateTimeout,
  stop,
  stopAndReply,
  type Term,
  type Tuple,
  tuple,
} from "../../src/index.ts";

interface DoorApi {
  unlock(code: number): Atom<"ok">;
  knock(): void;
}

declare const node: Node;
declare const event: StatemEvent<DoorApi, "locked" | "open">;
declare const untyped: StatemEvent;

/** Bodies of these tests are checked by the compiler and never run. */
const checked = (_body: () => unknown) => {};

class Door extends GenStatem<DoorApi, "locked" | "open"> {
  static override readonly callbackMode = ["handle_event_function", "state_enter"] as const;
  init(_args: { code: number }) {
    return initialState("locked");
  }
  override handleEvent(_event: StatemEvent<DoorApi, "locked" | "open">, state: "locked" | "open") {
    return state === "locked" ? nextState("open", stateTimeout(1_000)) : keepState();
  }
}

describe("the events of a machine", () => {
  test("narrow by their type to what the interface says", () => {
    checked(() => {
      if (event.type === "call") {
        expectTypeOf(event.from).toEqualTypeOf<From>();
        expectTypeOf(event.content).toEqualTypeOf<Tuple<readonly [Atom<"unlock">, code: number]>>();
      }
      if (event.type === "cast") expectTypeOf(event.content.tag).toEqualTypeOf<"knock">();
      if (event.type === "enter") expectTypeOf(event.content).toEqualTypeOf<"locked" | "open">();
      if (event.type === "generic_timeout") expectTypeOf(event.name).toEqualTypeOf<unknown>();
      if (untyped.type === "call") expectTypeOf(untyped.content).toEqualTypeOf<Term>();
    });
  });
});

describe("the results of a machine", () => {
  test("name its states", () => {
    expectTypeOf(nextState("open")).toExtend<StateResult<"locked" | "open">>();
    expectTypeOf(stop(atom("normal"))).toExtend<StateResult<"open">>();
    expectTypeOf(nextState("lost")).not.toExtend<StateResult<"locked" | "open">>();
  });

  test("do not compile where they are none", () => {
    checked(() => {
      // @ts-expect-error: a reply alone is no result
      const result: StateResult = replyTo(event as unknown as From, 1);
      // @ts-expect-error: only replies go before the end
      stopAndReply(atom("normal"), stateTimeout(1));
      // @ts-expect-error: enter events are not inserted
      nextEvent("enter", 1);
      // @ts-expect-error: a time is a number, or one of two words
      stateTimeout("soon");
      return result;
    });
  });

  test("do not compile in a mode that there is none of", () => {
    // @ts-expect-error: no such mode
    class Odd extends GenStatem {
      static override readonly callbackMode = "handle_events";
      init() {
        return initialState(1);
      }
    }
    void Odd;
  });
});

describe("starting a machine", () => {
  test("takes the arguments of its init, and gives a server with its interface", () => {
    checked(async () => {
      const door = await node.start(Door, { args: { code: 1 } });
      expectTypeOf(await door.call(tuple(atom("unlock"), 1))).toEqualTypeOf<Atom<"ok">>();
      // @ts-expect-error: the arguments are missing
      void node.start(Door);
      // @ts-expect-error: no such operation
      void door.call(atom("lock"));
    });
  });
});
