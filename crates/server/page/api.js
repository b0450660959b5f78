// The server, as its public API has it: requests, their errors, the key, and events as they come.

import { t } from "./strings.js";

const KEPT = "kinora.key";
let key = sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT) ?? "";

export const hasKey = () => key !== "";

// Keeps the key for this tab, or on this computer too.
export function setKey(value, isKept) {
  forgetKey();
  key = value;
  (isKept ? localStorage : sessionStorage).setItem(KEPT, value);
}

export function forgetKey() {
  key = "";
  sessionStorage.removeItem(KEPT);
  localStorage.removeItem(KEPT);
}

// The server's no, in its own words.
export class Refused extends Error {
  constructor(status, { message, param = null, code = null }) {
    super(message);
    Object.assign(this, { status, param, code });
  }
}

// The server was not reached.
export class Unreached extends Error {
  constructor() {
    super(t("lost"));
  }
}

// What happens on the line: `refused` when there is no key or a wrong one.
export const line = new EventTarget();

async function answer(path, { method = "GET", body, headers = {}, signal } = {}) {
  const own = { ...headers };
  if (key) own.Authorization = `Bearer ${key}`;
  if (body !== undefined) own["Content-Type"] = "application/json";
  const options = { method, headers: own, signal, body: body === undefined ? undefined : JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Unreached();
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  const refused = new Refused(response.status, error ?? { message: t("unclear", { status: response.status }) });
  if (response.status === 401) line.dispatchEvent(new CustomEvent("refused", { detail: refused }));
  throw refused;
}

export const get = async (path, options) => (await answer(path, options)).json();

const HEX = (byte) => byte.toString(16).padStart(2, "0");
const newName = () => [...crypto.getRandomValues(new Uint8Array(16))].map(HEX).join("");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks for something once: under one name, so that it can be said again when the answer was lost.
export async function post(path, body = {}) {
  const headers = { "Idempotency-Key": newName() };
  for (let wait = 500; ; wait *= 2) {
    try {
      return await (await answer(path, { method: "POST", body, headers })).json();
    } catch (error) {
      if (!(error instanceof Unreached) || wait > 2000) throw error;
      await pause(wait);
    }
  }
}

export const remove = (path) => answer(path, { method: "DELETE" });

// Events of a stream, one after the other, until it ends.
export async function* events(path, signal) {
  const response = await answer(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = { event: "message", data: "" };
      for (const row of block.split("\n")) {
        const [, name, content] = row.match(/^(\w+): ?(.*)$/) ?? [];
        if (name) fields[name] = content;
      }
      if (fields.data) yield { name: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
