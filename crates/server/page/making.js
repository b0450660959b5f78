// What is waiting and what is being made: a strip of film that fills with previews, how far it is, and a way to stop it.

import { byId, make, said } from "./dom.js";
import { excerpt, short, sides, sizeText, stageText, timeLeft } from "./format.js";
import { announce, tried } from "./notice.js";
import { all, cancel, isOver, planOf, previewsOf, reel, videoOf } from "./reel.js";
import { label, languages, say, t } from "./strings.js";

const SLOTS = 8;
const SAID_EVERY = 25; // Percent.

const rows = new Map();
const announced = new Map();
const cancelled = new Set();

function build(video) {
  const slots = [...Array(SLOTS).keys()].map(() => make("span", { class: "slot" }));
  const [width, height] = sides(video.size);
  slots.forEach((slot) => (slot.style.aspectRatio = `${width} / ${height}`));
  const parts = {
    slots,
    prompt: make("p", { class: "prompt" }, video.prompt ?? ""),
    progress: make("progress", { max: 100 }),
    state: make("span", { class: "state" }),
    left: make("span", { class: "left" }),
    stop: make("button", { type: "button", class: "quiet", t: "cancel" }),
  };
  parts.stop.addEventListener("click", () => stop(video.id));
  const film = make("div", { class: "film", "aria-hidden": "true" }, make("div", { class: "slots" }, ...slots));
  const facts = make(
    "p",
    { class: "facts" },
    `${sizeText(video.size)} · `,
    said("seconds_value", { n: short(video.seconds) }),
  );
  const line = make("p", { class: "line" }, parts.state, parts.left);
  const about = make("div", { class: "about" }, parts.prompt, line, parts.progress, facts);
  const element = make("li", { class: "job", "data-id": video.id }, film, about, parts.stop);
  return { element, parts };
}

async function stop(id) {
  cancelled.add(id);
  fill(videoOf(id));
  if ((await tried(() => cancel(id).then(() => true))) === null) {
    cancelled.delete(id);
    fill(videoOf(id));
  }
}

function showState(video, { state, left }) {
  const { stage, step, total, seconds_left: own } = video.kinora ?? {};
  const plan = planOf(video.id);
  const seconds = own ?? plan?.seconds_left;
  if (cancelled.has(video.id)) say(state, "cancelling");
  else if (video.status === "queued") {
    const before = plan?.jobs_before;
    const key =
      before === undefined
        ? "queued"
        : before === 0
          ? "queued_next"
          : before === 1
            ? "queued_before_one"
            : "queued_before";
    say(state, key, { n: before });
  } else if (stage)
    state.textContent = total > 0 ? `${stageText(stage)} ${t("steps_done", { step, total })}` : stageText(stage);
  else say(state, "starting");
  if (Number.isFinite(seconds) && !cancelled.has(video.id)) say(left, ...timeLeft(seconds));
  else left.textContent = "";
}

function showPreviews(video, slots) {
  const pictures = previewsOf(video.id).slice(-SLOTS);
  slots.forEach((slot, index) => {
    const picture = pictures[index];
    if (!picture) slot.replaceChildren();
    else if (slot.firstChild) slot.firstChild.src = picture;
    else slot.append(make("img", { src: picture, alt: "" }));
    slot.classList.toggle("is-newest", index === pictures.length - 1);
  });
}

function fill(video) {
  const row = rows.get(video?.id);
  if (!row) return;
  const { progress, stop: button, slots } = row.parts;
  row.element.classList.toggle("is-waiting", video.status === "queued");
  if (video.status === "queued") progress.value = 0;
  else progress.value = video.progress;
  label(progress, "progress_of", { prompt: excerpt(video.prompt) });
  button.disabled = cancelled.has(video.id);
  showState(video, row.parts);
  showPreviews(video, slots);
  tellProgress(video);
}

// Says the beginning and each quarter aloud, and not each step.
function tellProgress(video) {
  if (video.status !== "in_progress") return;
  const mark = Math.floor(video.progress / SAID_EVERY) * SAID_EVERY;
  if (announced.get(video.id) === mark) return;
  announced.set(video.id, mark);
  announce(mark === 0 ? "said_begun" : "said_percent", { n: mark, prompt: excerpt(video.prompt) });
}

function showTitle(made) {
  const first = made.find((video) => video.status === "in_progress");
  document.title = first ? `${first.progress} % · ${t("title")}` : t("title");
}

// Shows the rows in their order: what comes first is at the top.
function draw() {
  const made = all()
    .filter((video) => !isOver(video))
    .reverse();
  const ids = made.map((video) => video.id);
  for (const [id, { element }] of rows) {
    if (ids.includes(id)) continue;
    element.remove();
    [rows, announced].forEach((map) => map.delete(id));
    cancelled.delete(id);
  }
  made.forEach((video, index) => {
    if (!rows.has(video.id)) rows.set(video.id, build(video));
    const { element } = rows.get(video.id);
    const list = byId("making-list");
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
    fill(video);
  });
  byId("making").hidden = made.length === 0;
  showTitle(made);
}

export function start() {
  reel.addEventListener("change", draw);
  reel.addEventListener("ended", ({ detail: video }) => {
    announce(video.status === "completed" ? "said_done" : "said_failed", { prompt: excerpt(video.prompt) });
  });
  languages.addEventListener("change", draw);
}
