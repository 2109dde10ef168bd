// What draws a visitor's page at the desk.
export { Replayer } from "@rrweb/replay";
