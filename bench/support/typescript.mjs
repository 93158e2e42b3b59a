// Imported first: lets what follows import TypeScript.
import { register } from "node:module";

register("./typescript-loader.mjs", import.meta.url);
