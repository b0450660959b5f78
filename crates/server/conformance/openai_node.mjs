// The unmodified `openai` package for Node against the server at OPENAI_BASE_URL. `run` starts it, in the folder where the
// package is installed.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "index.js"));
const openai = require("openai");
const { OpenAI, toFile } = openai;
const { VERSION } = require("openai/version");

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function ended(client, id) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status === "completed" || video.status === "failed") return video;
    await sleep(20);
  }
}

async function make(client, prompt) {
  const { id } = await client.videos.create({ prompt, seconds: "1", size: "64x64" });
  const video = await ended(client, id);
  assert.equal(video.status, "completed");
  return video;
}

async function movie(client, id) {
  const bytes = Buffer.from(await (await client.videos.downloadContent(id)).arrayBuffer());
  return toFile(bytes, "clip.mp4", { type: "video/mp4" });
}

const STAND_IN = "fake-1";

const checks = {
  async create(client) {
    const { id } = await client.videos.create({ model: "sora-2", prompt: "a ball", seconds: "4", size: "720x1280" });
    const video = await ended(client, id);
    assert.deepEqual(
      [video.object, video.model, video.status, video.progress, video.seconds, video.size, video.error],
      ["video", "sora-2", "completed", 100, "4", "720x1280", null],
    );
  },
  async content(client) {
    const { id } = await make(client, "a ball");
    const types = { video: "video/mp4", thumbnail: "image/webp", spritesheet: "image/jpeg" };
    for (const [variant, type] of Object.entries(types)) {
      const answer = await client.videos.downloadContent(id, { variant });
      assert.equal(answer.headers.get("content-type"), type);
      assert.ok((await answer.arrayBuffer()).byteLength > 20);
    }
  },
  async list(client) {
    const ids = [];
    for (let index = 0; index < 7; index++) ids.push((await client.videos.create({ prompt: `ball ${index}` })).id);
    const listed = [];
    for await (const video of client.videos.list({ limit: 3, order: "asc" })) listed.push(video.id);
    assert.deepEqual(listed.slice(-7), ids);
    assert.equal(new Set(listed).size, listed.length);
    for (const id of ids) await ended(client, id);
  },
  async derived(client) {
    const { id } = await make(client, "a ball");
    const remix = await client.videos.remix(id, { prompt: "a cube" });
    assert.equal(remix.remixed_from_video_id, id);
    for (const video of [{ id }, await movie(client, id)]) {
      const edit = await client.videos.edit({ prompt: "a cube", video });
      assert.equal((await ended(client, edit.id)).status, "completed");
      const extended = await client.videos.extend({ prompt: "on", seconds: "4", video });
      assert.equal(extended.seconds, "5");
      assert.equal((await ended(client, extended.id)).status, "completed");
    }
  },
  async references(client) {
    const picture = (await client.images.generate({ prompt: "a ball", size: "64x64" })).data[0].b64_json;
    for (const input_reference of [
      { image_url: `data:image/png;base64,${picture}` },
      await toFile(Buffer.from(picture, "base64"), "first.png", { type: "image/png" }),
    ]) {
      const video = await client.videos.create({ prompt: "it moves", seconds: "1", input_reference });
      assert.equal((await ended(client, video.id)).status, "completed");
    }
    const { id } = await make(client, "a cat");
    const character = await client.videos.createCharacter({ name: "Mimi", video: await movie(client, id) });
    assert.deepEqual(await client.videos.getCharacter(character.id), character);
    const video = await client.videos.create({ prompt: "Mimi jumps", characters: [{ id: character.id }] });
    assert.equal((await ended(client, video.id)).status, "completed");
  },
  async remove(client) {
    const { id } = await make(client, "a ball");
    const gone = await client.videos.delete(id);
    assert.deepEqual(gone, { id, object: "video.deleted", deleted: true });
    await assert.rejects(client.videos.retrieve(id), openai.NotFoundError);
  },
  async errors(client) {
    await assert.rejects(client.videos.create({ prompt: "" }), (error) => {
      assert.ok(error instanceof openai.BadRequestError);
      assert.deepEqual([error.param, error.code, error.type], ["prompt", "invalid_value", "invalid_request_error"]);
      assert.match(error.requestID, /^req_/);
      return true;
    });
    await assert.rejects(client.videos.create({ prompt: "refuse" }), openai.UnprocessableEntityError);
    const stranger = client.withOptions({ apiKey: "wrong" });
    await assert.rejects(stranger.videos.list(), openai.AuthenticationError);
    const waiting = await client.videos.create({ prompt: "slow steps=1000 pause=20" });
    await assert.rejects(client.videos.delete(waiting.id), openai.ConflictError);
    await assert.rejects(client.videos.downloadContent(waiting.id), openai.NotFoundError);
    await client.post(`/videos/${waiting.id}/cancel`);
    assert.equal((await ended(client, waiting.id)).error.code, "cancelled");
  },
  async models(client) {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes("sora-2") && ids.includes("sora-2-pro"));
  },
  async webhooks(client) {
    const received = [];
    const hook = createServer((request, answer) => {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", () => {
        received.push([request.headers, body]);
        answer.end();
      });
    });
    await new Promise((done) => hook.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${hook.address().port}/`;
    const endpoint = await client.post("/webhook_endpoints", {
      body: { name: "mine", url, event_types: ["video.completed"] },
    });
    const path = `/webhook_endpoints/${endpoint.id}`;
    assert.equal((await client.get(path)).name, "mine");
    assert.equal((await client.post(path, { body: { name: "ours" } })).name, "ours");
    assert.equal((await client.get("/webhook_endpoints")).data[0].id, endpoint.id);
    const { id } = await make(client, "a ball");
    while (!received.length) await sleep(10);
    hook.close();
    const [headers, body] = received[0];
    const event = await client.webhooks.unwrap(body, headers, endpoint.signing_secret);
    assert.deepEqual([event.type, event.data.id], ["video.completed", id]);
    await assert.rejects(
      client.webhooks.unwrap(`${body} `, headers, endpoint.signing_secret),
      openai.InvalidWebhookSignatureError,
    );
    const { signing_secret: renewed } = await client.post(`${path}/rotate_secret`, { body: {} });
    assert.notEqual(renewed, endpoint.signing_secret);
    assert.equal((await client.delete(path)).deleted, true);
    await assert.rejects(client.get(path), openai.NotFoundError);
  },
};

// These tell the stand-in engine in their prompts what to do, or know what it makes.
const ofStandIn = ["references", "errors"];

const client = new OpenAI();
const models = (await client.models.list()).data.map((model) => model.id);
const chosen = Object.entries(checks).filter(([name]) => models.includes(STAND_IN) || !ofStandIn.includes(name));
let failed = 0;
for (const [name, check] of chosen) {
  try {
    await check(client);
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.stack}`);
  }
}
console.log(`openai ${VERSION}`);
const left = Object.keys(checks).length - chosen.length;
console.log(`${chosen.length - failed} passed, ${failed} failed, ${left} skipped`);
process.exit(failed ? 1 : 0);
