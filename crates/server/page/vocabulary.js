// The words that a model knows, where its description has them (`kinora.vocabulary`: groups of words, by language): as chips,
// and as completions while a prompt is written.

import { byId, make } from "./dom.js";
import { currentLanguage, languages, t } from "./strings.js";

const MOST_COMPLETIONS = 8;
const HAN = /\p{Script=Han}/u;

let groups = {};

export function setVocabulary(vocabulary) {
  groups = vocabulary ?? {};
  showChips();
}

function wordsOf(group) {
  return group[currentLanguage()] ?? [];
}

// Puts a word where the caret is, or in place of what has been written of it.
function insert(prompt, word, written = "") {
  const caret = prompt.selectionStart;
  const before = prompt.value.slice(0, caret - written.length);
  const isApart = /[\p{L}\p{N},.;]$/u.test(before) && !HAN.test(word);
  prompt.setRangeText(`${isApart ? " " : ""}${word}`, caret - written.length, prompt.selectionEnd, "end");
  prompt.dispatchEvent(new InputEvent("input", { bubbles: true }));
  prompt.focus();
}

function showChips() {
  const prompt = byId("prompt");
  const rows = Object.entries(groups).map(([name, group]) => {
    const key = `group_${name}`;
    const title = t(key) === key ? name : t(key);
    const chips = wordsOf(group).map((word) =>
      make("button", { type: "button", class: "chip", onclick: () => insert(prompt, word) }, word),
    );
    const row = make("div", { class: "chips", role: "group", "aria-label": title }, ...chips);
    return chips.length > 0 && make("div", { class: "word-group" }, make("h3", {}, title), row);
  });
  const shown = rows.filter(Boolean);
  byId("word-groups").replaceChildren(...shown);
  byId("words").hidden = shown.length === 0;
}

// What has been written of words, longest first: the last words of a text, or its last Chinese letters.
function written(text) {
  const han = text.match(/\p{Script=Han}{1,6}$/u)?.[0];
  if (han) return [...Array(han.length).keys()].map((index) => han.slice(index));
  const words = text.match(/(?:[\p{L}-]+ ){0,2}[\p{L}-]+$/u)?.[0] ?? "";
  const starts = [0, ...[...words.matchAll(/ /g)].map((space) => space.index + 1)];
  return starts.map((index) => words.slice(index)).filter(Boolean);
}

function completions(text) {
  const all = [...new Set(Object.values(groups).flatMap(wordsOf))];
  for (const part of written(text)) {
    const small = part.toLowerCase();
    const found = all.filter((word) => word.toLowerCase().startsWith(small) && word.length > part.length);
    if (found.length > 0) return { part, found: found.slice(0, MOST_COMPLETIONS) };
  }
  return { part: "", found: [] };
}

// Offers words under the prompt while it is written: arrow keys choose, Tab or Enter takes, Escape closes.
export function completePrompt() {
  const [prompt, list] = [byId("prompt"), byId("completions")];
  let offered = { part: "", found: [] };
  let chosen = -1;
  const show = () => {
    const options = offered.found.map((word, index) =>
      make(
        "li",
        {
          id: `completion-${index}`,
          role: "option",
          "aria-selected": String(index === chosen),
          onpointerdown: (event) => take(event, word),
        },
        word,
      ),
    );
    list.replaceChildren(...options);
    list.hidden = options.length === 0;
    if (chosen >= 0) prompt.setAttribute("aria-activedescendant", `completion-${chosen}`);
    else prompt.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    [offered, chosen] = [{ part: "", found: [] }, -1];
    show();
  };
  const take = (event, word) => {
    event.preventDefault();
    const { part } = offered;
    insert(prompt, word, part);
    close();
  };
  prompt.addEventListener("input", (event) => {
    if (event.isComposing) return;
    offered = completions(prompt.value.slice(0, prompt.selectionStart));
    chosen = -1;
    show();
  });
  prompt.addEventListener("keydown", (event) => {
    const { length } = offered.found;
    if (length === 0 || event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      chosen = event.key === "ArrowDown" ? (chosen + 1) % length : (Math.max(chosen, 0) + length - 1) % length;
      show();
    } else if ((event.key === "Tab" || event.key === "Enter") && chosen >= 0) {
      take(event, offered.found[chosen]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  prompt.addEventListener("blur", close);
  languages.addEventListener("change", () => {
    close();
    showChips();
  });
}
