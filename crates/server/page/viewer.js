// A clip at large: to play and to seek in, a strip of its frames, what is known of it, and the tools.

import { actionsOf } from "./actions.js";
import { icon, iconButton, isStill, make } from "./dom.js";
import { duration, moment, short, sides, sizeText } from "./format.js";
import { seedOf } from "./memory.js";
import { tasksOf } from "./models.js";
import { notice } from "./notice.js";
import { Regions } from "./regions.js";
import { fileUrl, reel, videoOf } from "./reel.js";
import { label, t } from "./strings.js";
import { toolForm } from "./tools.js";

// As the server makes its sheet of pictures.
const SHEET_FRAMES = 20;
const SHEET_COLUMNS = 5;
const SMALL = 512; // Pixels: what is narrower is shown in hard squares, as it is.

// The strip under the clip: a slider over its frames.
function frameStrip(video, player) {
  const { num_frames: total, fps } = video.kinora;
  const count = Math.min(total, SHEET_FRAMES);
  const columns = Math.min(count, SHEET_COLUMNS);
  const rows = Math.ceil(count / columns);
  const [width, height] = sides(video.size);
  const at = (place, places) => (places > 1 ? (100 * place) / (places - 1) : 0);
  const pictures = [...Array(count).keys()].map((index) => {
    const picture = make("span", { class: "picture" });
    picture.style.aspectRatio = `${width} / ${height}`;
    picture.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    picture.style.backgroundPosition = `${at(index % columns, columns)}% ${at(Math.floor(index / columns), rows)}%`;
    return picture;
  });
  const cells = pictures.map((picture) => make("span", { class: "cell" }, picture));
  const head = make("span", { class: "head" });
  const strip = make(
    "div",
    { class: "strip", tabindex: 0, role: "slider", "aria-valuemin": 1, "aria-valuemax": String(total) },
    ...cells,
    head,
  );
  label(strip, "frames");
  fileUrl(video.id, "spritesheet").then(
    (url) => pictures.forEach((picture) => (picture.style.backgroundImage = `url("${url}")`)),
    () => {},
  );
  const now = () => Math.min(Math.floor(player.currentTime * fps + 0.01), total - 1);
  const show = () => {
    head.style.left = `${Math.min((100 * player.currentTime * fps) / total, 100)}%`;
    const n = now() + 1;
    strip.setAttribute("aria-valuenow", String(n));
    strip.setAttribute("aria-valuetext", t("frame_of", { n, total }));
  };
  const seek = (frame) => {
    player.pause();
    player.currentTime = (Math.min(Math.max(frame, 0), total - 1) + 0.5) / fps;
  };
  const follow = (event) => {
    const box = strip.getBoundingClientRect();
    seek(Math.floor(((event.clientX - box.left) / box.width) * total));
  };
  strip.addEventListener("pointerdown", (press) => {
    strip.setPointerCapture(press.pointerId);
    follow(press);
  });
  strip.addEventListener("pointermove", (event) => strip.hasPointerCapture(event.pointerId) && follow(event));
  strip.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: now() - 1, ArrowRight: now() + 1, Home: 0, End: total - 1 }[event.key];
    if (to === undefined && event.key !== " ") return;
    event.preventDefault();
    if (event.key !== " ") seek(to);
    else if (player.paused) player.play();
    else player.pause();
  });
  const frame = () => {
    if (!strip.isConnected) return;
    show();
    requestAnimationFrame(frame);
  };
  return { strip, begin: frame };
}

function facts(video, openOther) {
  const { kinora } = video;
  const source = kinora.source_video_id && videoOf(kinora.source_video_id);
  const link =
    source &&
    make("button", { type: "button", class: "link", onclick: () => openOther(source.id) }, source.prompt ?? source.id);
  const took = kinora.timings.reduce((sum, timing) => sum + timing.seconds, 0);
  const rows = [
    ["seed", seedOf(video) ?? t("seed_unknown")],
    ["size", sizeText(video.size)],
    ["length", t("length_value", { seconds: short(video.seconds), frames: kinora.num_frames, fps: short(kinora.fps) })],
    ["made_with", video.model],
    ["made_of", link ?? kinora.source_video_id],
    ["took", took > 0 && duration(took)],
    ["kept_until", video.expires_at && moment(video.expires_at)],
    ["notes", kinora.notes.join("; ")],
  ];
  const shown = rows.filter(([, value]) => value !== null && value !== false && value !== "" && value !== undefined);
  return make(
    "dl",
    { class: "fact-list" },
    ...shown.flatMap(([key, value]) => [make("dt", { t: key }), make("dd", {}, value)]),
  );
}

// Opens a clip, at once with the form of a tool if one is named.
export function openViewer(id, tool = null) {
  const video = videoOf(id);
  if (!video) return;
  const [width, height] = sides(video.size);
  const player = make("video", { controls: true, loop: true, playsInline: true, preload: "auto" });
  player.muted = true;
  player.classList.toggle("is-small", width < SMALL);
  player.addEventListener("error", () => player.isConnected && notice(t("unplayable"), true));
  const screen = make("div", { class: "screen" }, player);
  screen.style.aspectRatio = `${width} / ${height}`;
  screen.style.setProperty("--ratio", width / height);
  const { strip, begin } = frameStrip(video, player);
  const side = make("div", { class: "side" });
  const stage = make("div", { class: "stage" }, make("div", { class: "gate" }, screen), strip);
  const close = iconButton("close", "close", () => dialog.close());
  const dialog = make("dialog", { class: "viewer" }, stage, side, close);
  dialog.setAttribute("aria-label", video.prompt ?? video.id);

  let regions = null;
  const setRegions = (are) => {
    regions?.layer.remove();
    regions = are ? new Regions(width, height, Number(video.seconds)) : null;
    player.controls = !are;
    if (!are) return;
    player.pause();
    screen.append(regions.layer);
  };
  const openOther = (other) => {
    dialog.close();
    openViewer(other);
  };
  const showTool = (name) => {
    setRegions(name === "edit");
    const back = make(
      "button",
      { type: "button", class: "back", onclick: () => showActions(name) },
      icon("back"),
      make("span", { t: "back" }),
    );
    const form = toolForm(name, video, regions, () => dialog.close());
    side.replaceChildren(back, make("h2", { t: name }), form);
    (form.querySelector("button.quiet, textarea") ?? back).focus();
  };
  const showActions = (focused = null) => {
    setRegions(false);
    const buttons = actionsOf(video, showTool, tasksOf(video)).map(({ key, kind, run, leaves }) => {
      const onclick = () => {
        if (leaves) dialog.close();
        run();
      };
      return make("button", {
        type: "button",
        class: kind === "delete" ? "quiet is-danger" : "quiet",
        t: key,
        "data-key": key,
        onclick,
      });
    });
    const prompt = make("p", { class: "prompt", tabindex: -1 }, video.prompt ?? "");
    side.replaceChildren(prompt, facts(video, openOther), make("div", { class: "tools" }, ...buttons));
    side.querySelector(`[data-key="${focused}"]`)?.focus();
  };
  // One that is gone is not shown any more.
  const onchange = ({ detail }) => detail === id && !videoOf(id) && dialog.close();
  reel.addEventListener("change", onchange);
  dialog.addEventListener("close", () => {
    reel.removeEventListener("change", onchange);
    player.removeAttribute("src");
    dialog.remove();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  showActions();
  dialog.showModal();
  begin();
  if (tool) showTool(tool);
  else player.focus();
  show(player, id, !tool && !isStill());
}

// Gives a player its clip.
async function show(player, id, isToPlay) {
  try {
    player.src = await fileUrl(id);
  } catch (error) {
    notice(error.message, true);
    return;
  }
  // A browser may refuse to begin of itself; then there is the button.
  if (isToPlay) player.play().catch(() => {});
}
