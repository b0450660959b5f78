// The forms that make a new clip of another: each says what it asks for, and builds the request.

import { chooseClip } from "./chooser.js";
import { make, said } from "./dom.js";
import { attempt, numberInput, requestField, shareField } from "./forms.js";
import { excerpt, short } from "./format.js";
import { newSeed } from "./memory.js";
import { announce, notice } from "./notice.js";
import { fileUrl, request } from "./reel.js";
import { t } from "./strings.js";

const STRENGTH = 0.7;

const frames = (seconds, fps) => Math.max(1, Math.round(seconds * fps));

function promptField(key, text) {
  const input = make("textarea", { rows: 3, maxlength: 32000 });
  input.value = text ?? "";
  return { box: requestField(key, "prompt", input), value: () => input.value.trim() };
}

function secondsField(key, value, param = "seconds") {
  const input = numberInput({ min: 0.1, step: 0.1 });
  input.value = value;
  return { box: requestField(key, param, input, { unit: "seconds_unit" }), value: () => Number(input.value) };
}

function remix(video) {
  const prompt = promptField("prompt", video.prompt);
  const { input, box } = shareField("strength", "strength", STRENGTH);
  const build = () => ({
    path: `/v1/videos/${video.id}/remix`,
    body: { prompt: prompt.value(), strength: Number(input.value), seed: newSeed() },
  });
  return { boxes: [prompt.box, box], build };
}

function extend(video) {
  const prompt = promptField("prompt", video.prompt);
  const seconds = secondsField("extend_seconds", 2);
  const side = (value) => {
    const input = make("input", { type: "radio", name: "side", value, checked: value === "forward" });
    return make("label", { class: "check" }, input, make("span", { t: value }));
  };
  const sides = make(
    "fieldset",
    { class: "field", "data-param": "side" },
    make("legend", { class: "name", t: "direction" }),
    side("forward"),
    side("backward"),
  );
  const build = () => ({
    path: "/v1/videos/extensions",
    body: {
      prompt: prompt.value(),
      video: { id: video.id },
      seconds: String(seconds.value()),
      side: sides.querySelector(":checked").value,
      seed: newSeed(),
    },
  });
  return { boxes: [prompt.box, sides, seconds.box], build };
}

// What is common to clips that are made around others.
function around(video, prompt) {
  const { kinora, model, size } = video;
  return { prompt, model, size, fps: kinora.fps, seed: newSeed() };
}

function loop(video) {
  const prompt = promptField("prompt", video.prompt);
  const seconds = secondsField("loop_seconds", 1, "seconds num_frames");
  const build = () => {
    const { num_frames: own, fps } = video.kinora;
    const known = [{ video: { id: video.id }, at: 0 }];
    const num_frames = own + frames(seconds.value(), fps);
    return { path: "/v1/videos", body: { ...around(video, prompt.value()), num_frames, known, loop: true } };
  };
  return { boxes: [prompt.box, seconds.box], build };
}

function connect(video) {
  const prompt = promptField("prompt", video.prompt);
  const seconds = secondsField("connect_seconds", 1, "seconds num_frames");
  const shown = make("span", { class: "chosen" });
  let other = null;
  const choose = make("button", { type: "button", class: "quiet", t: "choose_clip" });
  choose.addEventListener("click", async () => {
    other = (await chooseClip()) ?? other;
    if (!other) return;
    const picture = make("img", { alt: "", src: await fileUrl(other.id, "thumbnail") });
    shown.replaceChildren(
      picture,
      `${excerpt(other.prompt, 40)} · `,
      said("seconds_value", { n: short(other.seconds) }),
    );
  });
  const box = make(
    "div",
    { class: "field", "data-param": "known" },
    make("span", { class: "name", t: "connect_with" }),
    shown,
    choose,
  );
  const build = () => {
    if (!other) throw Object.assign(new Error(t("choose_clip")), { param: "known" });
    const { fps, num_frames: own } = video.kinora;
    const known = [
      { video: { id: video.id }, at: 0 },
      { video: { id: other.id }, at: "end" },
    ];
    const num_frames = own + frames(seconds.value(), fps) + frames(Number(other.seconds), fps);
    return { path: "/v1/videos", body: { ...around(video, prompt.value()), num_frames, known } };
  };
  return { boxes: [box, prompt.box, seconds.box], build };
}

function edit(video, regions) {
  const prompt = promptField("edit_prompt", video.prompt);
  const { input, box } = shareField("strength", "strength", 1);
  const add = make("button", { type: "button", class: "quiet", t: "add_region", onclick: () => regions.addInMiddle() });
  regions.layer.addEventListener("emptied", () => add.focus());
  const all = make("div", { class: "field", "data-param": "regions" }, regions.none, regions.list, add);
  const build = () => ({
    path: "/v1/videos/edits",
    body: {
      prompt: prompt.value(),
      video: { id: video.id },
      regions: regions.request(),
      strength: Number(input.value),
      seed: newSeed(),
    },
  });
  return { boxes: [all, prompt.box, box], build };
}

const TOOLS = { remix, extend, loop, connect, edit };

// The form of a tool. `sent` is called when the server has taken the request.
export function toolForm(name, video, regions, sent) {
  const { boxes, build } = TOOLS[name](video, regions);
  const button = make("button", { class: "primary", t: "send" });
  const form = make(
    "form",
    { class: "tool", novalidate: true },
    make("p", { class: "hint", t: `${name}_about` }),
    ...boxes,
    make("div", { class: "problems" }),
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isSent = await attempt(form, async () => {
      const { path, body } = build();
      const made = await request(path, body);
      const text = { prompt: excerpt(made.prompt) };
      announce("said_asked", text);
      notice(t("said_asked", text));
    });
    if (isSent) sent();
  });
  return form;
}
