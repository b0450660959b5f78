// Regions on a picture, in its own pixels: drawn, moved and resized by mouse, touch and keyboard. One that moves has a goal,
// the place of its corner in the end, with an arrow that leads there.

import { icon, iconButton, make } from "./dom.js";
import { label, say, t } from "./strings.js";

const SMALLEST = 4;
const between = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Regions {
  #width;
  #height;
  #seconds;
  #regions = [];
  #elements = new Map();
  #rows = new Map();
  #goals = new Map(); // Of each region that moves: the element of its goal, and of the way there.

  // For a picture of that size and that many seconds. `layer` lies over it, and `list` names the regions.
  constructor(width, height, seconds) {
    [this.#width, this.#height, this.#seconds] = [width, height, seconds];
    this.layer = make("div", { class: "regions" });
    this.list = make("ol", { class: "region-list" });
    this.none = make("p", { class: "hint", t: "no_regions" });
    this.layer.addEventListener("pointerdown", (press) => this.#begin(press));
  }

  // As a request has them.
  request() {
    return this.#regions.map(({ x, y, width, height, from, to, goal }) => ({
      x,
      y,
      width,
      height,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(goal ? { moves_to: [goal.x, goal.y] } : {}),
    }));
  }

  // A region in the middle, for those who do not draw.
  addInMiddle() {
    const [width, height] = [Math.round(this.#width / 2), Math.round(this.#height / 2)];
    const region = { x: Math.round(this.#width / 4), y: Math.round(this.#height / 4), width, height };
    this.#add(region).focus();
  }

  #add(region) {
    this.#regions.push(region);
    const handle = make("span", { class: "corner", "aria-hidden": "true" });
    const aim = make("span", { class: "aim", "aria-hidden": "true" }, icon("way"));
    const element = make(
      "div",
      { class: "region", tabindex: 0, role: "group" },
      make("span", { class: "number", "aria-hidden": "true" }),
      handle,
      aim,
    );
    element.addEventListener("keydown", (event) => this.#key(event, region));
    element.addEventListener("pointerdown", (press) => {
      const { x, y } = region;
      this.#drag(press, (right, down) => this.#move(region, x + right, y + down));
      element.focus({ preventScroll: true });
    });
    handle.addEventListener("pointerdown", (press) => {
      const { width, height } = region;
      this.#drag(press, (right, down) => this.#resize(region, width + right, height + down));
    });
    aim.addEventListener("pointerdown", (press) => {
      const { x, y } = region.goal ?? region;
      this.#drag(press, (right, down) => this.#aim(region, x + right, y + down));
    });
    this.#elements.set(region, element);
    this.#rows.set(region, this.#row(region));
    this.layer.append(element);
    this.list.append(this.#rows.get(region));
    this.#draw();
    return element;
  }

  // A line of the list: the region's number and place, the time that it is there, whether it moves, and a way to remove it.
  #row(region) {
    const time = (key, name, placeholder) => {
      const input = make("input", { type: "number", min: 0, max: this.#seconds, step: 0.1, inputmode: "decimal" });
      if (placeholder) input.placeholder = t(placeholder);
      input.addEventListener("change", () => (region[name] = input.value === "" ? undefined : Number(input.value)));
      return make("label", {}, make("span", { t: key }), input);
    };
    const gone = iconButton("close", "remove", () => this.#remove(region));
    const place = make("span", { class: "place" });
    const times = make("span", { class: "times" }, time("from_second", "from"), time("to_second", "to", "video_end"));
    const moves = make("input", { type: "checkbox" });
    moves.addEventListener("change", () => {
      if (!moves.checked) this.#stay(region);
      else this.#aim(region, region.x + region.width / 2, region.y).focus();
    });
    const movement = make("label", { class: "check" }, moves, make("span", { t: "region_moves" }));
    return make("li", {}, make("strong"), gone, place, times, movement);
  }

  #remove(region) {
    this.#regions = this.#regions.filter((other) => other !== region);
    this.#stay(region);
    this.#elements.get(region).remove();
    this.#rows.get(region).remove();
    this.#elements.delete(region);
    this.#rows.delete(region);
    this.#draw();
    const last = this.#regions.at(-1);
    if (last) this.#elements.get(last).focus();
    else this.layer.dispatchEvent(new Event("emptied"));
  }

  // Lets a region end elsewhere.
  #aim(region, x, y) {
    if (!region.goal) {
      const goal = make("div", { class: "goal", tabindex: 0, role: "group" });
      const way = make("span", { class: "way", "aria-hidden": "true" });
      goal.addEventListener("keydown", (event) => this.#goalKey(event, region));
      goal.addEventListener("pointerdown", (press) => {
        const { x: left, y: top } = region.goal;
        this.#drag(press, (right, down) => this.#aim(region, left + right, top + down));
        goal.focus({ preventScroll: true });
      });
      this.#goals.set(region, { goal, way });
      // Below the regions, which stay within reach.
      this.layer.prepend(way, goal);
    }
    region.goal = this.#within(region, x, y);
    this.#draw();
    return this.#goals.get(region).goal;
  }

  // Lets a region end where it begins.
  #stay(region) {
    const { goal, way } = this.#goals.get(region) ?? {};
    goal?.remove();
    way?.remove();
    this.#goals.delete(region);
    region.goal = undefined;
    this.#draw();
  }

  // The place nearest to one at which all of a region is on the picture.
  #within({ width, height }, x, y) {
    return {
      x: Math.round(between(x, 0, this.#width - width)),
      y: Math.round(between(y, 0, this.#height - height)),
    };
  }

  // Puts an element over a part of the picture.
  #place(element, { x, y, width, height }) {
    element.style.left = `${(100 * x) / this.#width}%`;
    element.style.top = `${(100 * y) / this.#height}%`;
    element.style.width = `${(100 * width) / this.#width}%`;
    element.style.height = `${(100 * height) / this.#height}%`;
  }

  #drawGoal(region, n) {
    const { goal, way } = this.#goals.get(region);
    const { width, height } = region;
    region.goal = this.#within(region, region.goal.x, region.goal.y);
    this.#place(goal, { ...region.goal, width, height });
    const [right, down] = [region.goal.x - region.x, region.goal.y - region.y];
    const length = Math.hypot(right, down);
    this.#place(way, { x: region.x + width / 2, y: region.y + height / 2, width: length, height: 0 });
    way.style.rotate = `${Math.atan2(down, right)}rad`;
    way.hidden = length === 0;
    label(goal, "region_goal", { n, ...region.goal });
  }

  #draw() {
    this.none.hidden = this.#regions.length > 0;
    this.#regions.forEach((region, index) => {
      const { x, y, width, height } = region;
      const n = index + 1;
      const element = this.#elements.get(region);
      this.#place(element, region);
      if (region.goal) this.#drawGoal(region, n);
      element.querySelector(".number").textContent = n;
      label(element, "region_label", { n, x, y, width, height });
      const row = this.#rows.get(region);
      say(row.querySelector("strong"), "region", { n });
      const { x: toX, y: toY } = region.goal ?? {};
      say(row.querySelector(".place"), region.goal ? "region_way" : "region_place", { x, y, width, height, toX, toY });
      row.querySelector("[type=checkbox]").checked = region.goal !== undefined;
      label(row.querySelector("button"), "region_remove", { n });
    });
  }

  #move(region, x, y) {
    Object.assign(region, this.#within(region, x, y));
    this.#draw();
  }

  #resize(region, width, height) {
    region.width = Math.round(between(width, SMALLEST, this.#width - region.x));
    region.height = Math.round(between(height, SMALLEST, this.#height - region.y));
    this.#draw();
  }

  // Calls `move` with how far an arrow key goes, or `remove` for a key that deletes.
  #onKey(event, move, remove) {
    const step = Math.max(1, Math.round(this.#width / 64));
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    if (arrow) move(...arrow.map((part) => part * step));
    else remove();
  }

  #key(event, region) {
    const move = (right, down) => {
      if (event.shiftKey) this.#resize(region, region.width + right, region.height + down);
      else this.#move(region, region.x + right, region.y + down);
    };
    this.#onKey(event, move, () => this.#remove(region));
  }

  #goalKey(event, region) {
    const move = (right, down) => this.#aim(region, region.goal.x + right, region.goal.y + down);
    this.#onKey(event, move, () => {
      this.#stay(region);
      this.#elements.get(region).focus();
    });
  }

  // Where a pointer is, in pixels of the picture.
  #at(event) {
    const box = this.layer.getBoundingClientRect();
    const part = (value, from, length) => between((value - from) / length, 0, 1);
    return [
      part(event.clientX, box.left, box.width) * this.#width,
      part(event.clientY, box.top, box.height) * this.#height,
    ];
  }

  // Follows a pointer until it is let go: `move` gets how far it has gone.
  #drag(press, move, end = () => {}) {
    press.preventDefault();
    press.stopPropagation();
    const [x, y] = this.#at(press);
    this.layer.setPointerCapture(press.pointerId);
    const onmove = (event) => {
      const [toX, toY] = this.#at(event);
      move(toX - x, toY - y);
    };
    const onend = () => {
      for (const name of ["pointerup", "pointercancel"]) this.layer.removeEventListener(name, onend);
      this.layer.removeEventListener("pointermove", onmove);
      end();
    };
    for (const name of ["pointerup", "pointercancel"]) this.layer.addEventListener(name, onend);
    this.layer.addEventListener("pointermove", onmove);
  }

  // Draws a new one from where it is pressed.
  #begin(press) {
    if (press.button !== 0) return;
    const [x, y] = this.#at(press).map(Math.round);
    let region = null;
    this.#drag(
      press,
      (right, down) => {
        if (!region && Math.max(Math.abs(right), Math.abs(down)) < SMALLEST / 2) return;
        if (!region) {
          region = { x, y, width: SMALLEST, height: SMALLEST };
          this.#add(region);
        }
        const [toX, toY] = [between(x + right, 0, this.#width), between(y + down, 0, this.#height)].map(Math.round);
        [region.x, region.y] = [Math.min(x, toX), Math.min(y, toY)];
        this.#resize(region, Math.abs(toX - x), Math.abs(toY - y));
      },
      () => region && this.#elements.get(region).focus({ preventScroll: true }),
    );
  }
}
