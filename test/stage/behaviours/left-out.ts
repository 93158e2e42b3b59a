/** Behaviours of GenStage that are not tested, with the reason: they cannot apply here, or are different on purpose. */
export const LEFT_OUT: Readonly<Record<number, string>> = {
  12: "names of Elixir's global and via are not looked up here: nobody has them, with or without options beside them",
  46: "different on purpose: an info keeps its place behind events that are held back, see docs/differences.md",
  178: "different on purpose: the end of a producer in order ends a loop without an error, see docs/differences.md",
  189: "the init helper brings child specs into one form; here a function makes one for each event",
  190: "code change: a running class of JavaScript is not replaced",
  242: "compares releases of GenStage with each other",
};

/** Behaviours of a Flow, to which stages here are strangers: they are tested with a real one only. */
export const FLOW_ONLY: readonly number[] = [
  211, 212, 213, 214, 215, 216, 217, 220, 223, 224, 225, 226, 227, 228, 229, 230,
];
