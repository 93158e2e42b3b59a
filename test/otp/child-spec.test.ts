import { describe, expect, test } from "vitest";
import { type AutoShutdown, checkSpec, readSpec } from "../../src/otp/supervisor/child-spec.ts";
import { specTerm } from "../../src/otp/supervisor/child-terms.ts";
import { Exit } from "../../src/runtime/index.ts";
import { atom, inspect, parse, type Term } from "../../src/term/index.ts";

function problem(spec: string, autoShutdown: AutoShutdown): string {
  try {
    readSpec(parse(spec), autoShutdown, () => () => {});
    return ":ok";
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    return inspect(error.reason as Term);
  }
}

const START = "start: {:m, :f, []}";

describe("a child spec is judged as OTP judges it", () => {
  // [X || {error, X} <- [supervisor:check_childspecs([Spec], never | any_significant)]] on OTP 25
  test.each([
    [":foo", "{:invalid_child_spec, :foo}", "{:invalid_child_spec, :foo}"],
    ["%{}", ":missing_id", ":missing_id"],
    ["%{id: :a}", ":missing_start", ":missing_start"],
    [`%{${START}}`, ":missing_id", ":missing_id"],
    ["%{id: :a, start: :x}", "{:invalid_mfa, :x}", "{:invalid_mfa, :x}"],
    ["%{id: :a, start: {:m, :f, :x}}", "{:invalid_mfa, {:m, :f, :x}}", "{:invalid_mfa, {:m, :f, :x}}"],
    [`%{id: :a, ${START}, restart: :x}`, "{:invalid_restart_type, :x}", "{:invalid_restart_type, :x}"],
    [
      `%{id: :a, ${START}, significant: true}`,
      "{:bad_combination, [auto_shutdown: :never, significant: true]}",
      "{:bad_combination, [restart: :permanent, significant: true]}",
    ],
    [
      `%{id: :a, ${START}, significant: true, restart: :transient}`,
      "{:bad_combination, [auto_shutdown: :never, significant: true]}",
      ":ok",
    ],
    [`%{id: :a, ${START}, significant: :x}`, "{:invalid_significant, :x}", "{:invalid_significant, :x}"],
    [`%{id: :a, ${START}, type: :x}`, "{:invalid_child_type, :x}", "{:invalid_child_type, :x}"],
    [`%{id: :a, ${START}, shutdown: :x}`, "{:invalid_shutdown, :x}", "{:invalid_shutdown, :x}"],
    [`%{id: :a, ${START}, shutdown: -1}`, "{:invalid_shutdown, -1}", "{:invalid_shutdown, -1}"],
    [`%{id: :a, ${START}, modules: :x}`, "{:invalid_modules, :x}", "{:invalid_modules, :x}"],
    [`%{id: :a, ${START}, modules: [1]}`, "{:invalid_module, 1}", "{:invalid_module, 1}"],
    [`%{id: :a, ${START}, extra: 1}`, ":ok", ":ok"],
    ["{:a, {:m, :f, []}, :permanent, 5000, :worker, [:m]}", ":ok", ":ok"],
    [
      "{:a, {:m, :f, []}, :permanent, 5000, :worker}",
      "{:invalid_child_spec, {:a, {:m, :f, []}, :permanent, 5000, :worker}}",
      "{:invalid_child_spec, {:a, {:m, :f, []}, :permanent, 5000, :worker}}",
    ],
  ])("%s", (spec, never, anySignificant) => {
    expect([problem(spec, "never"), problem(spec, "any_significant")]).toEqual([never, anySignificant]);
  });
});

test("what is left out gets OTP's defaults", () => {
  const filled = (spec: string) => inspect(specTerm(readSpec(parse(spec), "never", () => () => {})));
  expect(parse(filled(`%{id: :a, ${START}}`))).toEqual(
    parse(
      "%{id: :a, start: {:m, :f, []}, restart: :permanent, significant: false, shutdown: 5000, type: :worker, modules: [:m]}",
    ),
  );
  expect(parse(filled(`%{id: :a, ${START}, type: :supervisor}`))).toMatchObject({ shutdown: atom("infinity") });
});

test("a spec written here has the same defaults, and a string as id is an atom", () => {
  const { id, shutdown, restart } = checkSpec({ id: "cart", start: () => undefined as never }, "never");
  expect([id, shutdown, restart]).toEqual([atom("cart"), 5000, "permanent"]);
});
