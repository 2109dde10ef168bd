// What the visitor's browser needs to record a page for the agent who looks at it.
export { record } from "@rrweb/record";
