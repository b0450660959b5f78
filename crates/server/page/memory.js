// What this browser asked for, by the name of the video it became: the server does not give a request back, and without it
// neither the seed is known nor can the same be asked for again.

const MOST = 500;
const requests = new Map();

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("kinora", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("requests", { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// A browser may keep nothing at all; then it is known until the page is closed.
const database = opened().catch(() => null);

const store = async (mode) => (await database)?.transaction("requests", mode).objectStore("requests");

// Reads all of it.
export async function recall() {
  const kept = await store("readonly");
  if (!kept) return;
  const all = await new Promise((resolve) => {
    const request = kept.getAll();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve([]);
  });
  all.sort((one, other) => one.at - other.at);
  const tooMany = Math.max(all.length - MOST, 0);
  for (const { id } of all.slice(0, tooMany)) forget(id);
  for (const each of all.slice(tooMany)) requests.set(each.id, each);
}

// Keeps a request: its path and its body.
export async function remember(id, path, body) {
  const each = { id, path, body, at: Date.now() };
  requests.set(id, each);
  (await store("readwrite"))?.put(each);
}

export async function forget(id) {
  requests.delete(id);
  (await store("readwrite"))?.delete(id);
}

export const requestOf = (id) => requests.get(id);

// The seed that a video was made with, if anybody has said it.
export const seedOf = (video) => video.kinora?.seed ?? requestOf(video.id)?.body.seed ?? null;

// Few digits, so that it can be read and told.
const SEEDS = 1_000_000;

export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % SEEDS;
