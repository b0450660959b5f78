// What can be done with a clip, beside looking at it.

import { requestFor, withNewSeed } from "./again.js";
import { confirmed } from "./confirm.js";
import { make } from "./dom.js";
import { notice, announce, tried } from "./notice.js";
import { excerpt } from "./format.js";
import { seedOf } from "./memory.js";
import { asCurl, discard, fileUrl, request } from "./reel.js";
import { addClip } from "./storyboard.js";
import { t } from "./strings.js";

async function askAgain({ path, body }) {
  const video = await tried(() => request(path, body));
  if (!video) return;
  const text = { prompt: excerpt(video.prompt) };
  announce("said_asked", text);
  notice(t("said_asked", text));
}

async function download(video) {
  const href = await tried(() => fileUrl(video.id));
  if (href) make("a", { href, download: `${video.id}.mp4` }).click();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    notice(t("copied"));
  } catch {
    notice(t("not_copied"), true);
  }
}

async function discardIfSure(video) {
  if (!(await confirmed("sure_delete", "delete_for_good", "delete", "keep"))) return false;
  const isGone = await tried(() => discard(video.id).then(() => true));
  if (isGone) notice(t("deleted"));
  return isGone;
}

// The tools, and what a model must be able to do for them.
const TOOLS = { remix: "remix", extend: "extend", loop: "create", connect: "create", edit: "edit" };

// Each with the key of its name, what it does, and the kind that it is. `openTool` shows the form of a tool; `tasks` are those
// of the model, if they are known.
export function actionsOf(video, openTool, tasks = null) {
  const again = requestFor(video);
  const isDone = video.status === "completed";
  const actions = [];
  if (again) actions.push({ key: "rerun_new", kind: "again", run: () => askAgain(withNewSeed(again)) });
  if (again && seedOf(video) !== null) actions.push({ key: "rerun_same", kind: "again", run: () => askAgain(again) });
  if (isDone) {
    const tools = Object.keys(TOOLS).filter((tool) => !tasks || tasks.includes(TOOLS[tool]));
    actions.push(...tools.map((key) => ({ key, kind: "tool", run: () => openTool(key) })));
    actions.push({ key: "to_storyboard", kind: "file", run: () => addClip(video), leaves: true });
    actions.push({ key: "download", kind: "file", run: () => download(video) });
  }
  if (again) actions.push({ key: "copy_curl", kind: "file", run: () => copy(asCurl(again)) });
  actions.push({ key: "delete", kind: "delete", run: () => discardIfSure(video) });
  return actions;
}
