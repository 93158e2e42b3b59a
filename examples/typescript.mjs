// Lets Node.js 20 run the TypeScript of the examples: node --import ./examples/typescript.mjs examples/cart/cart.ts
import { register } from "node:module";

register("./typescript-hooks.mjs", import.meta.url);
