// Short messages: seen for a moment at the foot of the page, or only heard by those who listen to it.

import { byId, make } from "./dom.js";
import { t } from "./strings.js";

const SECONDS = 5;

// Says it to everybody.
export function notice(text, isProblem = false) {
  const shown = make(
    "p",
    { class: isProblem ? "notice is-problem" : "notice", role: isProblem ? "alert" : "status" },
    text,
  );
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  (open ?? byId("notices")).append(shown);
  setTimeout(() => shown.remove(), SECONDS * 1000);
}

// Says it to those who listen.
export function announce(key, values) {
  byId("announcements").textContent = t(key, values);
}

// Does something and says what went wrong.
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    notice(error.message, true);
    return null;
  }
}
