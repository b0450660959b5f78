// What all forms have in common: fields, and errors beside the field that they are about.

import { make } from "./dom.js";

let count = 0;

// A field of a request, under its name there, so that the server's word on it finds its place.
export function requestField(key, param, input, { unit = null, hint = null } = {}) {
  count += 1;
  const id = `field-${count}`;
  input.id = id;
  const box = unit ? make("span", { class: "with-unit" }, input, make("span", { class: "unit", t: unit })) : input;
  return make(
    "div",
    { class: "field", "data-param": param },
    make("label", { class: "name", for: id, t: key }),
    box,
    hint && make("p", { class: "hint", t: hint }),
  );
}

export const numberInput = (properties = {}) =>
  make("input", { type: "number", step: "any", inputmode: "decimal", ...properties });

// A slider from 0 to 1 with its value beside it.
export function shareInput(value) {
  const shown = make("output", {}, value.toFixed(2));
  const input = make("input", { type: "range", min: 0, max: 1, step: 0.05 });
  input.value = value;
  input.addEventListener("input", () => (shown.textContent = Number(input.value).toFixed(2)));
  return { input, row: make("span", { class: "share" }, input, shown) };
}

// A slider from 0 to 1 as a field of a request.
export function shareField(key, param, value) {
  const { input, row } = shareInput(value);
  const box = make("label", { class: "field", "data-param": param }, make("span", { class: "name", t: key }), row);
  return { input, box };
}

// The number in a field; nothing, if it is empty.
export const numberOf = (input) => (input.value.trim() === "" ? undefined : Number(input.value));

// An object without what is nothing.
export const withoutNothing = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== ""));

export function clearProblems(form) {
  form.querySelectorAll(".problem").forEach((each) => each.remove());
  form.querySelectorAll("[aria-invalid]").forEach((each) => {
    each.removeAttribute("aria-invalid");
    each.removeAttribute("aria-describedby");
  });
}

// Shows what is wrong, beside the field that it is about if there is one, and else at the end of the form.
export function showProblem(form, message, param = null) {
  count += 1;
  const problem = make("p", { class: "problem", role: "alert", id: `problem-${count}` }, message);
  const place = param && form.querySelector(`[data-param~="${CSS.escape(param)}"]`);
  if (!place) {
    form.querySelector(".problems").append(problem);
    return;
  }
  const fold = place.closest("details");
  if (fold) fold.open = true;
  place.append(problem);
  const input = place.querySelector("input, textarea, select");
  input?.setAttribute("aria-invalid", "true");
  input?.setAttribute("aria-describedby", problem.id);
  input?.focus();
}

// Does a form's work, once at a time. Whether it went well.
export async function attempt(form, work) {
  if (form.getAttribute("aria-busy") === "true") return false;
  clearProblems(form);
  form.setAttribute("aria-busy", "true");
  try {
    await work();
    return true;
  } catch (error) {
    showProblem(form, error.message, error.param);
    return false;
  } finally {
    form.removeAttribute("aria-busy");
  }
}
