import { describeBehaviours } from "../support/stage-behaviours.ts";

describeBehaviours("consumer supervisors", new URL("gen-stage-supervisors.exs", import.meta.url));
