// Elements: made, found, and filled with text. Text is never read as markup.

import { say, translate } from "./strings.js";

export const byId = (id) => document.getElementById(id);

// An element. Of its properties, `t` and `t…` are keys of strings, `on…` are handlers, and the rest are attributes;
// what is null or false is left out.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "t") say(element, value);
    else if (name.startsWith("t-")) element.dataset[name.replace("-", "")] = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  translate(element);
  return element;
}

// A text with values that follows the language.
export function said(key, values) {
  const text = document.createElement("span");
  say(text, key, values);
  return text;
}

const SHAPES = {
  again: "M4 10a6 6 0 1 1 1.8 4.3M4 10V5.5M4 10h4.5",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  close: "M5 5l10 10M15 5L5 15",
  dice: "M4 4h12v12H4zM7.4 7.4h.01M12.6 7.4h.01M10 10h.01M7.4 12.6h.01M12.6 12.6h.01",
  back: "M12 4l-6 6 6 6",
  way: "M4 10h12M11 5l5 5-5 5",
};

// A small drawing that says what a button does; the button's label says it too.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

// A button with nothing but a drawing on it.
export function iconButton(name, label, onclick) {
  return make(
    "button",
    { type: "button", class: "icon-button", "t-label": label, "t-title": label, onclick },
    icon(name),
  );
}

const motion = matchMedia("(prefers-reduced-motion: reduce)");

// Whether things that move are unwelcome.
export const isStill = () => motion.matches;
