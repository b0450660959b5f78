// A clip's own request, to be made again: the one that this browser sent, or as much of it as the server tells.

import { newSeed, requestOf, seedOf } from "./memory.js";

// The path and the body; null, if too little is known to ask for the like of it.
export function requestFor(video) {
  const kept = requestOf(video.id);
  if (kept) return { path: kept.path, body: kept.body };
  const { task, source_video_id: source } = video.kinora ?? {};
  const seed = seedOf(video);
  const known = { prompt: video.prompt, ...(seed === null ? {} : { seed }) };
  if (task === "remix" && source) return { path: `/v1/videos/${source}/remix`, body: known };
  if (task !== "create") return null;
  const body = { ...known, model: video.model, size: video.size, seconds: video.seconds, fps: video.kinora.fps };
  return { path: "/v1/videos", body };
}

// The same with another seed.
export function withNewSeed({ path, body }) {
  return { path, body: { ...body, seed: newSeed() } };
}
