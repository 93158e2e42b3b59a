import { describeBehaviours } from "../support/stage-behaviours.ts";

describeBehaviours("producers and their demand", new URL("gen-stage-producers.exs", import.meta.url));
