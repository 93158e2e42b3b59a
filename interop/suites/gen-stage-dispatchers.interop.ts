import { describeBehaviours } from "../support/stage-behaviours.ts";

describeBehaviours("dispatchers", new URL("gen-stage-dispatchers.exs", import.meta.url));
