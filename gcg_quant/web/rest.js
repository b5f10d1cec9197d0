// Questions and commands to /api/v1. What the server refuses is an Error whose message is its one sentence.

const BASE = "/api/v1";

/** Why a request failed: `status` is the HTTP status, 0 if the server could not be reached. */
export class RestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(method, path, body, { query, signal, type = "application/json" } = {}) {
  const words = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  const options = { method, signal, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = type;
    options.body = type === "application/json" ? JSON.stringify(body) : body;
  }
  const answer = await fetch(`${BASE}${path}${words.size ? `?${words}` : ""}`, options).catch((error) => {
    throw error.name === "AbortError" ? error : new RestError("The server cannot be reached.", 0);
  });
  const json = /json/.test(answer.headers.get("content-type") ?? "") ? await answer.json() : null;
  if (!answer.ok) throw new RestError(json?.detail ?? `${answer.status} ${answer.statusText}`, answer.status);
  return { json, total: Number(answer.headers.get("x-total-count") ?? NaN) };
}

/** Ask: `await get("/orders", { query: { open: true } })`. */
export const get = async (path, options) => (await ask("GET", path, undefined, options)).json;

/** Ask for one page of a list: { rows, total }. */
export async function page(path, options) {
  const { json, total } = await ask("GET", path, undefined, options);
  return { rows: json, total: Number.isNaN(total) ? json.length : total };
}

export const post = async (path, body = {}, options) => (await ask("POST", path, body, options)).json;
export const put = async (path, body = {}, options) => (await ask("PUT", path, body, options)).json;
export const patch = async (path, body = {}, options) => (await ask("PATCH", path, body, options)).json;
export const remove = async (path, options) => (await ask("DELETE", path, undefined, options)).json;
