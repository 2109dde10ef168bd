// What the softphone asks of the server: JSON there and back; a refusal is an Error with the words for people and their code.
import { csrf, signedOut } from "/static/js/app.js";

export async function ask(method, path, body) {
  const headers = { "X-CSRF-Token": csrf(), Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // A network that is away has no words of its own: the caller says what failed.
  const answer = await fetch(`/voice/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => new Response("", { status: 503 }));
  if (answer.status === 401) signedOut();
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw Object.assign(new Error(said.error?.text || ""), { code: said.error?.code || "", status: answer.status });
}

export const post = (path, body = {}) => ask("POST", path, body);
