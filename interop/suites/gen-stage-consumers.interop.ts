import { describeBehaviours } from "../support/stage-behaviours.ts";

describeBehaviours("consumers and subscriptions", new URL("gen-stage-consumers.exs", import.meta.url));
