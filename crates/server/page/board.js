// What is on the storyboard: prompts, each for a span of time, and stills and clips, each with its place. No elements here.

export const STEP = 0.1;
const SHORTEST = 0.2;

export const rounded = (seconds) => Math.round(seconds * 100) / 100;
const between = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

let count = 0;
const named = (block) => {
  count += 1;
  return { id: `block-${count}`, ...block };
};

export class Board {
  blocks = [];
  total = 4;

  get spans() {
    return this.blocks.filter((block) => block.kind === "span").sort((one, other) => one.from - other.from);
  }

  get pictures() {
    return this.blocks.filter((block) => block.kind !== "span");
  }

  // The longest time without a prompt.
  gap() {
    const ends = [0, ...this.spans.map((span) => span.to)];
    const begins = [...this.spans.map((span) => span.from), this.total];
    const gaps = ends.map((from, index) => ({ from, to: begins[index] }));
    return gaps.reduce((best, gap) => (gap.to - gap.from > best.to - best.from ? gap : best));
  }

  // A new prompt: in the longest gap, or in the second half of the longest prompt. Nothing, if there is no room.
  addSpan(prompt) {
    let room = this.gap();
    if (room.to - room.from < SHORTEST) {
      const longest = this.spans.reduce((best, span) => (span.to - span.from > best.to - best.from ? span : best));
      if (longest.to - longest.from < 2 * SHORTEST) return null;
      const middle = rounded((longest.from + longest.to) / 2);
      room = { from: middle, to: longest.to };
      longest.to = middle;
    }
    return this.#add({ kind: "span", from: rounded(room.from), to: rounded(room.to), prompt });
  }

  addStill(image, from = 0) {
    return this.#add({ kind: "still", image, from: this.#within(from, 0), length: 0, strength: 0, isAtEnd: false });
  }

  // A clip of the server's, behind the clips that are there if there is room.
  addClip(video) {
    const length = Number(video.seconds);
    const behind = Math.max(0, ...this.pictures.map((block) => block.from + block.length));
    const block = { kind: "clip", video: video.id, prompt: video.prompt ?? "", length, strength: 0, isAtEnd: false };
    return this.#add({ ...block, from: this.#within(behind, length) });
  }

  #add(block) {
    const whole = named(block);
    this.blocks.push(whole);
    return whole;
  }

  remove(block) {
    this.blocks = this.blocks.filter((other) => other !== block);
  }

  #within(from, length) {
    return rounded(between(from, 0, this.total - length));
  }

  // Where a prompt may be: between those beside it.
  #room(span) {
    const others = this.spans.filter((other) => other !== span);
    const before = others.filter((other) => other.from < span.from).at(-1);
    const behind = others.find((other) => other.from > span.from);
    return [before?.to ?? 0, behind?.from ?? this.total];
  }

  move(block, from) {
    if (block.kind !== "span") {
      block.isAtEnd = false;
      block.from = this.#within(from, block.length);
      return;
    }
    const [low, high] = this.#room(block);
    const length = block.to - block.from;
    block.from = rounded(between(from, low, high - length));
    block.to = rounded(block.from + length);
  }

  // Puts the beginning or the end of a prompt elsewhere.
  resize(span, edge, to) {
    const [low, high] = this.#room(span);
    if (edge === "from") span.from = rounded(between(to, low, span.to - SHORTEST));
    else span.to = rounded(between(to, span.from + SHORTEST, high));
  }

  // Another length of the video: what no longer fits is moved or cut, and a prompt that has no room left goes.
  fit(total) {
    this.total = total;
    for (const span of this.spans) {
      span.to = Math.min(span.to, total);
      if (span.to - span.from < SHORTEST) this.remove(span);
    }
    for (const block of this.pictures) {
      block.from = block.isAtEnd ? Math.max(0, rounded(total - block.length)) : this.#within(block.from, block.length);
    }
  }

  // The fields of a request.
  request() {
    const spans = this.spans.map(({ from, to, prompt }) => ({ from, to, prompt: prompt.trim() }));
    const known = this.pictures.map(({ kind, image, video, from, isAtEnd, strength }) => ({
      ...(kind === "still" ? { image_url: image } : { video: { id: video } }),
      at: isAtEnd ? "end" : from,
      ...(strength > 0 ? { strength } : {}),
    }));
    const prompt =
      spans.map((span) => span.prompt).join(" · ") || this.pictures.find((block) => block.prompt)?.prompt || "";
    return { prompt, spans: spans.length > 0 ? spans : undefined, known: known.length > 0 ? known : undefined };
  }
}
