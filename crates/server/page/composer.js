// The form that asks for a clip: prompt, size, length, seed, first frame, and what is seldom needed. The storyboard adds to it.

import { byId, iconButton } from "./dom.js";
import { attempt, numberOf, showProblem, withoutNothing } from "./forms.js";
import { excerpt, short, sides, sizeText } from "./format.js";
import { newSeed } from "./memory.js";
import { announce } from "./notice.js";
import { onDrop, readPicture } from "./picture.js";
import { request } from "./reel.js";
import * as storyboard from "./storyboard.js";
import { languages, say, t } from "./strings.js";
import { completePrompt, setVocabulary } from "./vocabulary.js";

const OTHER = "other";

let models = [];
let picture = null;

const details = () => (models.find((model) => model.id === byId("model").value) ?? models[0])?.kinora;

// Offers what the models can.
export function setModels(all) {
  models = all.filter((model) => !model.kinora?.alias_of);
  const before = byId("model").value;
  byId("model").replaceChildren(...models.map((model) => new Option(model.id, model.id)));
  if (models.some((model) => model.id === before)) byId("model").value = before;
  byId("model-field").hidden = models.length < 2;
  showModel();
}

// Offers what the chosen model can.
function showModel() {
  const model = models.find((each) => each.id === byId("model").value);
  setVocabulary(model?.kinora.vocabulary);
  const can = details();
  if (!can) return;
  const size = byId("size");
  const before = size.value;
  const own = can.native_size;
  const others = can.sizes.filter((each) => each !== own);
  size.replaceChildren(
    new Option(t("size_own", { size: sizeText(own) }), own),
    ...others.map((each) => new Option(sizeText(each), each)),
    new Option(t("size_other"), OTHER),
  );
  size.value = [own, ...others, OTHER].includes(before) ? before : own;
  const seconds = byId("seconds");
  const longest = Math.min(can.max_seconds, can.max_frames / (numberOf(byId("fps")) ?? can.fps));
  [seconds.min, seconds.max] = [can.min_seconds, longest];
  if (!seconds.value) seconds.value = Math.min(can.default_seconds, longest);
  byId("fps").placeholder = can.fps;
  const [width, height] = sides(own);
  if (!byId("width").value) [byId("width").value, byId("height").value] = [width, height];
  say(byId("size-limit"), "size_limit", { n: short(can.max_pixels / 1e6, 1) });
  showOtherSize();
  storyboard.draw();
}

function showOtherSize() {
  byId("other-size").hidden = byId("size-limit").hidden = byId("size").value !== OTHER;
}

function showPicture() {
  byId("first-frame-empty").hidden = picture !== null;
  byId("first-frame-shown").hidden = picture === null;
  if (picture) byId("first-frame-picture").src = picture;
  else byId("first-frame-picture").removeAttribute("src");
}

async function takePicture(file) {
  await attempt(byId("composer"), async () => {
    try {
      picture = await readPicture(file);
    } catch (error) {
      throw Object.assign(error, { param: "input_reference" });
    }
  });
  byId("first-frame").value = "";
  showPicture();
}

// A seed as a number, or as text where it has more digits than numbers here.
function seedOf(text) {
  if (text.trim() === "") return newSeed();
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text.trim();
}

// The request as it stands.
function body() {
  const isOther = byId("size").value === OTHER;
  const board = storyboard.parts();
  const prompt = byId("prompt").value.trim() || board.prompt;
  return withoutNothing({
    prompt,
    model: byId("model").value,
    seconds: byId("seconds").value,
    size: isOther ? `${byId("width").value}x${byId("height").value}` : byId("size").value,
    seed: seedOf(byId("seed").value),
    input_reference: picture ? { image_url: picture } : undefined,
    num_inference_steps: numberOf(byId("steps")),
    guidance_scale: numberOf(byId("guidance")),
    negative_prompt: byId("negative").value.trim(),
    fps: numberOf(byId("fps")),
    loop: byId("loop").checked || undefined,
    strict: byId("strict").checked || undefined,
    spans: board.spans,
    known: board.known,
  });
}

async function send() {
  const form = byId("composer");
  const isSent = await attempt(form, async () => {
    const video = await request("/v1/videos", body());
    announce("said_asked", { prompt: excerpt(video.prompt) });
  });
  if (isSent) byId("making").scrollIntoView({ block: "nearest" });
}

// Makes the form work.
export function start() {
  const form = byId("composer");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const empty = storyboard.emptySpan();
    if (empty) showProblem(form, t("empty_span"), "spans");
    else send();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  completePrompt();
  byId("model").addEventListener("change", showModel);
  byId("size").addEventListener("change", showOtherSize);
  byId("fps").addEventListener("change", showModel);
  byId("seconds").addEventListener("change", storyboard.draw);
  byId("seed").after(iconButton("dice", "seed_new", () => (byId("seed").value = newSeed())));
  byId("first-frame").addEventListener("change", ({ target }) => target.files[0] && takePicture(target.files[0]));
  byId("first-frame-shown").append(
    iconButton("close", "first_frame_remove", () => {
      picture = null;
      showPicture();
      byId("first-frame").focus();
    }),
  );
  onDrop(byId("first-frame-field"), takePicture);
  storyboard.start();
  languages.addEventListener("change", showModel);
}
