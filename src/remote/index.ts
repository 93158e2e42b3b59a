export { serveErpc } from "./erpc-server.ts";
