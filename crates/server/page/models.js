// What the models can, as the server describes them.

import { get } from "./api.js";

let models = [];

export async function loadModels() {
  models = (await get("/v1/models")).data;
  return models;
}

// The tasks of the model that made a video, if it is still there.
export function tasksOf(video) {
  return models.find((model) => model.id === (video.kinora?.model ?? video.model))?.kinora?.tasks ?? null;
}
