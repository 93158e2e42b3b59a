import { describeBehaviours } from "../support/stage-behaviours.ts";

describeBehaviours("stages in the middle", new URL("gen-stage-middle.exs", import.meta.url));
