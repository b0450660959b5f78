// The clips that are there, as frames of film: each plays while it is pointed at or focused, opens large, and has a menu.

import { actionsOf } from "./actions.js";
import { byId, iconButton, isStill, make, said } from "./dom.js";
import { excerpt, short, sides, sizeText } from "./format.js";
import { seedOf } from "./memory.js";
import { openMenu } from "./menu.js";
import { tried } from "./notice.js";
import { all, fileUrl, isComplete, isOver, more, reel, videoOf } from "./reel.js";
import { label, languages } from "./strings.js";
import { tasksOf } from "./models.js";
import { openViewer } from "./viewer.js";

const SMALL = 320; // Pixels: what is narrower is shown in hard squares, as it is.

const cards = new Map();

// Loads a picture when it comes near to what is seen.
const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      fileUrl(target.dataset.id, "thumbnail").then(
        (url) => (target.src = url),
        () => target.remove(),
      );
    }
  },
  { rootMargin: "400px" },
);

// Plays the clip in its frame for as long as somebody looks at it.
function play(button, video) {
  let player = null;
  const begin = async () => {
    if (player || isStill()) return;
    const own = make("video", { muted: true, loop: true, playsInline: true, tabindex: -1, "aria-hidden": "true" });
    player = own;
    own.addEventListener("playing", () => own.classList.add("is-playing"));
    button.append(own);
    const url = await fileUrl(video.id).catch(() => null);
    if (url === null || player !== own) return;
    own.src = url;
    own.play().catch(() => {});
  };
  const end = () => {
    if (button.matches(":hover, :focus-visible")) return;
    player?.remove();
    player = null;
  };
  button.addEventListener("pointerenter", begin);
  button.addEventListener("focus", begin);
  button.addEventListener("pointerleave", end);
  button.addEventListener("blur", end);
}

function frame(video) {
  const [width, height] = sides(video.size);
  if (video.status === "failed") {
    const isCancelled = video.error?.code === "cancelled";
    const title = make("strong", { t: isCancelled ? "cancelled" : "failed" });
    const why = !isCancelled && make("span", {}, video.error?.message ?? "");
    return make("div", { class: "frame is-failed" }, title, why);
  }
  const picture = make("img", { alt: "", "data-id": video.id });
  const button = make("button", { type: "button", class: "frame", onclick: () => openViewer(video.id) }, picture);
  button.style.setProperty("--shape", `${width} / ${height}`);
  button.classList.toggle("is-small", width < SMALL);
  label(button, "open", { prompt: excerpt(video.prompt) });
  near.observe(picture);
  play(button, video);
  return button;
}

function build(video) {
  const facts = make(
    "p",
    { class: "facts" },
    said("seconds_value", { n: short(video.seconds) }),
    ` · ${sizeText(video.size)}`,
  );
  const seed = seedOf(video);
  if (seed !== null) facts.append(" · ", said("seed_value", { seed }));
  const menu = iconButton("more", "actions", () => {
    const now = videoOf(video.id);
    if (now)
      openMenu(
        menu,
        actionsOf(now, (tool) => openViewer(now.id, tool), tasksOf(now)),
      );
  });
  label(menu, "actions", { prompt: excerpt(video.prompt) });
  menu.removeAttribute("title");
  delete menu.dataset.ttitle;
  menu.setAttribute("aria-haspopup", "menu");
  menu.setAttribute("aria-expanded", "false");
  const film = make("div", { class: "film" }, frame(video));
  const prompt = make("p", { class: "prompt", title: video.prompt ?? "" }, video.prompt ?? "");
  const text = make("div", { class: "about" }, prompt, facts);
  return make("li", { class: "clip", "data-id": video.id }, film, make("div", { class: "caption" }, text, menu));
}

let isDrawn = false;

// Shows the cards in their order, once for all changes at the same time.
function draw() {
  if (isDrawn) return;
  isDrawn = true;
  requestAnimationFrame(() => {
    isDrawn = false;
    const over = all().filter(isOver);
    const ids = new Set(over.map((video) => video.id));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      card.remove();
      cards.delete(id);
    }
    const list = byId("clip-list");
    over.forEach((video, index) => {
      if (!cards.has(video.id)) cards.set(video.id, build(video));
      const card = cards.get(video.id);
      if (list.children[index] !== card) list.insertBefore(card, list.children[index] ?? null);
    });
    byId("no-clips").hidden = over.length > 0;
    byId("more").hidden = isComplete();
  });
}

let isLoading = false;

// Tells when the end of the list comes near.
const end = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && next(), {
  rootMargin: "600px",
});

// The next part; the end may then still be near.
async function next() {
  if (isLoading || isComplete()) return;
  isLoading = true;
  const isMore = await tried(more);
  isLoading = false;
  draw();
  end.unobserve(byId("more"));
  if (isMore) requestAnimationFrame(() => end.observe(byId("more")));
}

export function start() {
  reel.addEventListener("change", draw);
  languages.addEventListener("change", draw);
  byId("more").addEventListener("click", next);
  end.observe(byId("more"));
  draw();
}
