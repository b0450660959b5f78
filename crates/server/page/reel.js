// The videos that the page knows of, kept as they are on the server: parts of the list as they are wanted, the newest again
// and again while something is being made, and the events of what is being made now.

import { Refused, Unreached, events, get, hasKey, post, remove } from "./api.js";
import { forget, remember } from "./memory.js";
import { t } from "./strings.js";

const PART = 24;
const WATCHED = 2; // Browsers open few connections to one server, and a stream holds one.
const PREVIEWS = 12;
const BUSY_MS = 1500;
const IDLE_MS = 10000;
const LAST_SECONDS = 120; // Of a link: what is begun then may not end in time.

// Tells of "change" (a video, by its id), "ended" (one is completed or has failed), and "line" (the server is reached or not).
export const reel = new EventTarget();

const videos = new Map();
let order = []; // Names, the newest first.
let last = null; // The name behind which the next part begins.
let hasMore = true;
let added = 0; // Counts what was added or removed here, which an answer on its way does not know of.
let isReached = true;
const plans = new Map();
const previews = new Map();
const streams = new Map();

export const isOver = (video) => video.status === "completed" || video.status === "failed";
export const all = () => order.map((id) => videos.get(id));
export const videoOf = (id) => videos.get(id);
export const planOf = (id) => plans.get(id);
export const previewsOf = (id) => previews.get(id) ?? [];
export const isComplete = () => !hasMore || last === null;

const tell = (name, detail) => reel.dispatchEvent(new CustomEvent(name, { detail }));

// Takes what the server says of some videos; those that are new come at one end of the order.
function take(data, place = (ids) => [...ids, ...order]) {
  const before = new Map(data.map((video) => [video.id, videos.get(video.id)]));
  data.forEach((video) => videos.set(video.id, video));
  const ids = data.map((video) => video.id);
  order = place(ids.filter((id) => !order.includes(id)));
  for (const video of data) {
    const old = before.get(video.id);
    if (JSON.stringify(old) === JSON.stringify(video)) continue;
    if (isOver(video)) plans.delete(video.id);
    tell("change", video.id);
    if (old && !isOver(old) && isOver(video)) tell("ended", video);
  }
}

function drop(id) {
  videos.delete(id);
  order = order.filter((other) => other !== id);
  plans.delete(id);
  previews.delete(id);
  streams.get(id)?.abort();
  tell("change", id);
}

function reached(is) {
  if (is === isReached) return;
  isReached = is;
  tell("line", is);
}

// Runs a request and notices whether the server is there.
async function noticing(work) {
  try {
    const result = await work();
    reached(true);
    return result;
  } catch (error) {
    if (error instanceof Unreached) reached(false);
    else reached(true);
    throw error;
  }
}

// The newest of the list, and what has gone from among them.
async function refresh() {
  const then = added;
  const part = await noticing(() => get(`/v1/videos?limit=${PART}`));
  const ids = part.data.map((video) => video.id);
  if (then === added) {
    const end = part.has_more ? order.indexOf(part.last_id) : order.length - 1;
    order
      .slice(0, end + 1)
      .filter((id) => !ids.includes(id))
      .forEach(drop);
  }
  const isKnown = part.data.some((video) => videos.has(video.id));
  if (!isKnown && order.length > 0 && part.has_more) {
    // So much is new that there is a gap: begin anew.
    order.forEach(drop);
  }
  if (order.length === 0) [last, hasMore] = [part.last_id, part.has_more];
  take(part.data);
  const others = order.filter((id) => !ids.includes(id) && !isOver(videos.get(id)));
  await Promise.all(others.map(fetchOne));
}

async function fetchOne(id) {
  try {
    take([await noticing(() => get(`/v1/videos/${id}`))]);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) drop(id);
    else throw error;
  }
}

// The next part of the list. Whether it brought anything.
export async function more() {
  if (isComplete()) return false;
  const part = await noticing(() => get(`/v1/videos?limit=${PART}&after=${encodeURIComponent(last)}`));
  [last, hasMore] = [part.last_id ?? last, part.has_more];
  take(part.data, (ids) => [...order, ...ids]);
  return part.data.length > 0;
}

// Where a file of a video can be had without the key, which a browser sends with no picture or clip: the server's link to it,
// asked for anew when its time is nearly over.
export async function fileUrl(id, variant = "video") {
  const isOver = () => !(videoOf(id)?.kinora.links?.expires_at > Date.now() / 1000 + LAST_SECONDS);
  if (isOver()) await fetchOne(id);
  const url = videoOf(id)?.kinora.links?.[variant];
  if (!url) throw new Error(t("unplayable"));
  return url;
}

// How long each waiting video will wait.
async function plan() {
  for (const video of all()
    .filter((video) => video.status === "queued")
    .slice(-8)) {
    plans.set(video.id, await noticing(() => get(`/v1/videos/${video.id}/plan`)));
    tell("change", video.id);
  }
}

// Listens to what happens to a video until it is over.
async function watch(id) {
  const stop = new AbortController();
  streams.set(id, stop);
  try {
    for await (const { name, data } of events(`/v1/videos/${id}/events`, stop.signal)) {
      if (name !== "preview") {
        take([data]);
        continue;
      }
      previews.set(id, [...previewsOf(id), data.image_url].slice(-PREVIEWS));
      tell("change", id);
    }
    wake();
  } catch {
    // It is listened to again when the list has been read again.
  } finally {
    streams.delete(id);
  }
}

let sleeping = null;

// Looks at once, and not when it would have.
export function wake() {
  clearTimeout(sleeping?.timer);
  sleeping?.resolve();
}

function sleep(ms) {
  return new Promise((resolve) => {
    sleeping = { resolve, timer: setTimeout(resolve, ms) };
  });
}

// Keeps the videos as they are on the server, for as long as the page is open.
export async function run() {
  for (let failures = 0; ;) {
    try {
      await refresh();
      await plan();
      failures = 0;
    } catch (error) {
      failures += 1;
      // Without a right key there is nothing to see until one is given.
      if (error instanceof Refused && error.status === 401) order.forEach(drop);
    }
    const busy = all().filter((video) => !isOver(video));
    const made = busy.filter((video) => video.status === "in_progress");
    const unwatched = made.filter((video) => !streams.has(video.id));
    unwatched.slice(0, WATCHED - streams.size).forEach((video) => watch(video.id));
    const usual = busy.length > 0 ? BUSY_MS : IDLE_MS;
    await sleep(failures > 0 ? Math.min(500 * 2 ** failures, 8000) : usual);
  }
}

// Asks for a video; the answer is kept, and what was asked.
export async function request(path, body) {
  const video = await noticing(() => post(path, body));
  added += 1;
  await remember(video.id, path, body);
  take([video]);
  wake();
  return video;
}

export const cancel = async (id) => take([await noticing(() => post(`/v1/videos/${id}/cancel`))]);

export async function discard(id) {
  await noticing(() => remove(`/v1/videos/${id}`));
  added += 1;
  drop(id);
  await forget(id);
}

// A request as a command line, which names the key and does not show it.
export function asCurl({ path, body }) {
  const shown = `'${`${location.origin}${path}`.replaceAll("'", "'\\''")}'`;
  const auth = hasKey() ? ['  -H "Authorization: Bearer $KINORA_API_KEY"'] : [];
  const head = [`curl ${shown}`, ...auth, "  -H 'Content-Type: application/json'", "  -d @- <<'END'"];
  return `${head.join(" \\\n")}\n${JSON.stringify(body, null, 2)}\nEND\n`;
}
