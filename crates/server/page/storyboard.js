// The storyboard: a strip on which prompts, stills and clips are placed, moved and resized, by mouse, touch and keyboard.

import { Board, STEP, rounded } from "./board.js";
import { chooseClip } from "./chooser.js";
import { byId, make } from "./dom.js";
import { attempt, shareInput } from "./forms.js";
import { excerpt, short } from "./format.js";
import { onDrop, readPicture } from "./picture.js";
import { fileUrl } from "./reel.js";
import { label, languages, t } from "./strings.js";

const TICKS = [0.5, 1, 2, 5, 10, 30, 60, 300];
const MOST_TICKS = 12;
const LATE = 80; // Percent.

const board = new Board();
const elements = new Map();
let selected = null;

export const parts = () => board.request();

// A prompt without words, if there is one.
export const emptySpan = () => board.spans.find((span) => span.prompt.trim() === "");

// The length of the video; as before, while the field holds none.
function seconds() {
  const value = Number(byId("seconds").value);
  return value >= STEP ? value : board.total;
}

function describe(block, element) {
  const [from, to] = [short(block.from), short(block.kind === "span" ? block.to : block.from + block.length)];
  label(element, `${block.kind}_label`, { from, to, text: excerpt(block.prompt) });
}

function place(block) {
  const element = elements.get(block.id);
  const length = block.kind === "span" ? block.to - block.from : block.length;
  const at = (100 * block.from) / board.total;
  // A still takes no time: it stands behind its moment, or before it where the strip ends.
  const isLate = block.kind === "still" && at > LATE;
  element.classList.toggle("is-late", isLate);
  element.style.left = isLate ? "" : `${at}%`;
  element.style.right = isLate ? `${100 - at}%` : "";
  element.style.width = block.kind === "still" ? "" : `${(100 * length) / board.total}%`;
  element.classList.toggle("is-selected", block === selected);
  element.setAttribute("aria-pressed", String(block === selected));
  element.querySelector(".text")?.replaceChildren(block.prompt || "…");
  describe(block, element);
}

// Follows a pointer from its press on an element: `move` gets how many seconds it has gone.
function drag(element, press, move) {
  press.preventDefault();
  press.stopPropagation();
  element.focus();
  element.setPointerCapture(press.pointerId);
  const perPixel = board.total / byId("strip").getBoundingClientRect().width;
  const onmove = (event) => {
    move((event.clientX - press.clientX) * perPixel);
    changed();
  };
  const end = () => {
    element.removeEventListener("pointermove", onmove);
    element.removeEventListener("pointerup", end);
    element.removeEventListener("pointercancel", end);
  };
  element.addEventListener("pointermove", onmove);
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
}

function handle(block, edge) {
  const onpointerdown = (press) => {
    const before = block[edge];
    select(block);
    drag(elements.get(block.id), press, (by) => board.resize(block, edge, before + by));
  };
  return make("span", { class: `handle is-${edge}`, "aria-hidden": "true", onpointerdown });
}

function onKey(event, block) {
  const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
  if (by !== undefined) {
    event.preventDefault();
    if (!event.shiftKey) board.move(block, block.from + by);
    else if (block.kind === "span") board.resize(block, "to", block.to + by);
    changed();
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    removeBlock(block);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    byId("inspector").querySelector("textarea, input")?.focus();
  }
}

function build(block) {
  const element = make("div", {
    class: `block is-${block.kind}`,
    id: block.id,
    tabindex: 0,
    role: "button",
    "aria-describedby": "storyboard-about",
    onfocus: () => select(block),
    onkeydown: (event) => onKey(event, block),
    onpointerdown: (press) => {
      const before = block.from;
      drag(element, press, (by) => board.move(block, before + by));
    },
  });
  if (block.kind === "still") element.append(make("img", { src: block.image, alt: "", draggable: false }));
  else element.append(make("span", { class: "text" }));
  if (block.kind === "clip") {
    const picture = make("img", { alt: "", draggable: false });
    element.prepend(picture);
    fileUrl(block.video, "thumbnail").then(
      (url) => (picture.src = url),
      () => picture.remove(),
    );
  }
  if (block.kind === "span") element.append(handle(block, "from"), handle(block, "to"));
  elements.set(block.id, element);
  byId(`lane-${block.kind}`).append(element);
}

function drawTicks() {
  const every = TICKS.find((each) => board.total / each <= MOST_TICKS) ?? TICKS.at(-1);
  const count = Math.floor(board.total / every + 1e-9) + 1;
  const ticks = [...Array(count).keys()].map((index) => {
    const tick = make("span", { class: "tick" }, short(index * every));
    const at = (100 * index * every) / board.total;
    tick.style.left = `${at}%`;
    tick.classList.toggle("is-last", at > 97);
    return tick;
  });
  byId("ticks").replaceChildren(...ticks);
  label(byId("strip"), "strip", { n: short(board.total) });
  byId("strip").style.minWidth = `${Math.min(board.total * 3, 240)}rem`;
}

// Shows the strip as it is.
export function draw() {
  board.fit(seconds());
  const ids = board.blocks.map((block) => block.id);
  for (const [id, element] of elements) {
    if (ids.includes(id)) continue;
    element.remove();
    elements.delete(id);
  }
  board.blocks.filter((block) => !elements.has(block.id)).forEach(build);
  if (!board.blocks.includes(selected)) select(null);
  board.blocks.forEach(place);
  drawTicks();
  byId("storyboard-count").textContent = board.blocks.length || "";
  byId("clear").hidden = board.blocks.length === 0;
}

// Something has moved.
function changed() {
  board.blocks.forEach(place);
  fillInspector();
}

function select(block) {
  if (block === selected) return;
  selected = block;
  board.blocks.filter((each) => elements.has(each.id)).forEach(place);
  showInspector();
}

function removeBlock(block) {
  board.remove(block);
  draw();
  const next = board.blocks.at(-1);
  (next ? elements.get(next.id) : byId("add-prompt")).focus();
}

// Fields of what is selected, and what fills them in anew.
let fillInspector = () => {};

function timeField(key, read, write) {
  const input = make("input", { type: "number", step: STEP, min: 0, inputmode: "decimal" });
  input.addEventListener("change", () => {
    write(Number(input.value));
    changed();
  });
  const fill = () => (input.value = short(read()));
  return { box: make("label", { class: "field is-short" }, make("span", { class: "name", t: key }), input), fill };
}

function spanFields(block) {
  const prompt = make("textarea", { rows: 2, maxlength: 32000 });
  prompt.value = block.prompt;
  prompt.addEventListener("input", () => {
    block.prompt = prompt.value;
    place(block);
  });
  const from = timeField(
    "span_from",
    () => block.from,
    (value) => board.resize(block, "from", value),
  );
  const to = timeField(
    "span_to",
    () => block.to,
    (value) => board.resize(block, "to", value),
  );
  const words = make("label", { class: "field is-wide" }, make("span", { class: "name", t: "span_prompt" }), prompt);
  return { boxes: [words, from.box, to.box], fills: [from.fill, to.fill] };
}

function pictureFields(block) {
  const at = timeField(
    "at",
    () => block.from,
    (value) => board.move(block, value),
  );
  const atEnd = make("input", { type: "checkbox" });
  atEnd.addEventListener("change", () => {
    block.isAtEnd = atEnd.checked;
    board.fit(board.total);
    changed();
  });
  const { input, row } = shareInput(block.strength);
  input.addEventListener("input", () => (block.strength = Number(input.value)));
  const end = make("label", { class: "check" }, atEnd, make("span", { t: "at_end" }));
  const strength = make("label", { class: "field" }, make("span", { class: "name", t: "remade" }), row);
  return { boxes: [at.box, strength, end], fills: [at.fill, () => (atEnd.checked = block.isAtEnd)] };
}

function showInspector() {
  const block = selected;
  const { boxes, fills } =
    block === null ? { boxes: [], fills: [] } : block.kind === "span" ? spanFields(block) : pictureFields(block);
  fillInspector = () => fills.forEach((fill) => fill());
  const gone =
    block && make("button", { type: "button", class: "quiet", t: "remove", onclick: () => removeBlock(block) });
  byId("inspector").replaceChildren(...boxes, ...(gone ? [gone] : []));
  byId("inspector").hidden = block === null;
  fillInspector();
}

// Puts something on the strip and goes there.
function added(block) {
  draw();
  elements.get(block.id).focus();
}

const trying = (work) =>
  attempt(byId("composer"), async () => {
    try {
      await work();
    } catch (error) {
      throw Object.assign(error, { param: "known" });
    }
  });

function addSpan() {
  const prompt = board.spans.length === 0 ? byId("prompt").value.trim() : "";
  trying(() => {
    const span = board.addSpan(prompt);
    if (!span) throw new Error(t("no_room"));
    added(span);
    byId("inspector").querySelector("textarea").focus();
  });
}

const addStill = (file, at) => trying(async () => added(board.addStill(await readPicture(file), at)));

// Makes room for a clip and puts it there.
export function addClip(video) {
  const behind = Math.max(0, ...board.pictures.map((block) => block.from + block.length));
  const wanted = behind + Number(video.seconds);
  const most = Number(byId("seconds").max) || Infinity;
  if (wanted > seconds()) byId("seconds").value = rounded(Math.min(wanted, most));
  byId("storyboard").open = true;
  draw();
  added(board.addClip(video));
}

// Makes the strip work.
export function start() {
  byId("add-prompt").addEventListener("click", addSpan);
  byId("add-still").addEventListener("change", async ({ target }) => {
    for (const file of target.files) await addStill(file);
    target.value = "";
  });
  byId("add-clip").addEventListener("click", async () => {
    const video = await chooseClip();
    if (video) addClip(video);
  });
  // In these fields, Enter does not send the whole form.
  byId("inspector").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change"));
  });
  byId("clear").addEventListener("click", () => {
    board.blocks = [];
    draw();
    byId("add-prompt").focus();
  });
  onDrop(byId("strip"), (file, event) => {
    const { left, width } = byId("strip").getBoundingClientRect();
    addStill(file, rounded((board.total * (event.clientX - left)) / width));
  });
  languages.addEventListener("change", draw);
  draw();
}
