// Numbers and times as people read them.

import { currentLanguage, t } from "./strings.js";

// A number with no more digits than it needs.
export const short = (number, digits = 2) => String(Number(Number(number).toFixed(digits)));

// The key and the values of a text for a time that is left.
export function timeLeft(seconds) {
  if (seconds < 2) return ["left_soon", {}];
  if (seconds < 90) return ["left_seconds", { n: Math.round(seconds) }];
  if (seconds < 5400) return ["left_minutes", { n: Math.round(seconds / 60) }];
  return ["left_hours", { n: short(seconds / 3600, 1) }];
}

// How long something took.
export function duration(seconds) {
  const whole = Math.floor(seconds / 60);
  const unit = (value, name) =>
    new Intl.NumberFormat(currentLanguage(), {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: 1,
    }).format(value);
  return whole === 0 ? unit(seconds, "second") : `${unit(whole, "minute")} ${unit(Math.round(seconds % 60), "second")}`;
}

export const moment = (seconds) =>
  new Intl.DateTimeFormat(currentLanguage() === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(seconds * 1000);

// Width and height of "64x48".
export const sides = (size) => size.split("x").map(Number);

// A size as it is printed.
export const sizeText = (size) => size.replace("x", "×");

// How much room a prompt may take where there is little.
export const excerpt = (text, most = 60) => {
  const letters = [...(text ?? "")];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
};

// The words of a stage, or the engine's own for one that is not known here.
export function stageText(stage) {
  const key = `stage_${stage}`;
  const text = t(key);
  return text === key ? stage : text;
}
