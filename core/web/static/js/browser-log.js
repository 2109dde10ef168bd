// The browser's own log: the last 200 lines of errors, failed requests and events, kept in memory for «report a problem».
// Secrets are masked before a line is kept; nothing leaves the page until the agent sends it.
const MOST = 200;
const LONGEST = 500;
const lines = [];
const SECRETS = [
  [/\b(password|passwd|token|csrf\w*|secret|authorization|cookie|api[_-]?key|session\w*)("?\s*[=:]\s*"?)[^\s"&,;]+/gi, "$1$2•••"],
  [/\bbearer\s+\S+/gi, "Bearer •••"],
  [/\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{32,}\b/g, "•••"],
];

export const masked = (text) => SECRETS.reduce((line, [pattern, mask]) => line.replace(pattern, mask), text);
export const browserLog = () => [...lines];

function keep(kind, ...parts) {
  const words = parts.map((part) => (part instanceof Error ? `${part.message} ${part.stack?.split("\n")[1]?.trim() || ""}` : typeof part === "object" ? shown(part) : String(part)));
  lines.push(masked(`${new Date().toISOString().slice(11, 23)} ${kind} ${words.join(" ")}`).slice(0, LONGEST));
  if (lines.length > MOST) lines.shift();
}

function shown(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}

for (const kind of ["error", "warn"]) {
  const original = console[kind];
  console[kind] = (...parts) => {
    keep(kind, ...parts);
    original.apply(console, parts);
  };
}
addEventListener("error", ({ message, filename, lineno }) => keep("error", message, `${filename}:${lineno}`));
addEventListener("unhandledrejection", ({ reason }) => keep("rejection", reason));

const originalFetch = window.fetch;
window.fetch = async (input, options) => {
  const [method, url, began] = [options?.method || "GET", String(input?.url || input), performance.now()];
  const took = () => `${Math.round(performance.now() - began)} ms`;
  try {
    const answer = await originalFetch(input, options);
    keep("request", method, url, answer.status, took());
    return answer;
  } catch (error) {
    keep("request", method, url, error, took());
    throw error;
  }
};
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const { requestConfig: { verb, path } = {}, xhr } = detail;
  keep("request", (verb || "").toUpperCase(), path || "", xhr?.status || "no answer");
});
document.addEventListener("okno:event", ({ detail: { type, payload } }) => keep("event", type, payload));
for (const name of ["online", "offline", "pagehide"]) addEventListener(name, () => keep("page", name));
document.addEventListener("visibilitychange", () => keep("page", document.visibilityState));
keep("page", location.pathname, `${innerWidth}×${innerHeight}`, document.documentElement.lang);
