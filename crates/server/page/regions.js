// Regions on a picture, in its own pixels: drawn, moved and resized by mouse, touch and keyboard.

import { iconButton, make } from "./dom.js";
import { label, say, t } from "./strings.js";

const SMALLEST = 4;
const between = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

export class Regions {
  #width;
  #height;
  #seconds;
  #regions = [];
  #elements = new Map();
  #rows = new Map();

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
    return this.#regions.map(({ x, y, width, height, from, to }) => ({
      x,
      y,
      width,
      height,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
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
    const element = make(
      "div",
      { class: "region", tabindex: 0, role: "group" },
      make("span", { class: "number", "aria-hidden": "true" }),
      handle,
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
    this.#elements.set(region, element);
    this.#rows.set(region, this.#row(region));
    this.layer.append(element);
    this.list.append(this.#rows.get(region));
    this.#draw();
    return element;
  }

  // A line of the list: the region's number and place, the time that it is there, and a way to remove it.
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
    return make("li", {}, make("strong"), gone, place, times);
  }

  #remove(region) {
    this.#regions = this.#regions.filter((other) => other !== region);
    this.#elements.get(region).remove();
    this.#rows.get(region).remove();
    this.#elements.delete(region);
    this.#rows.delete(region);
    this.#draw();
    const last = this.#regions.at(-1);
    if (last) this.#elements.get(last).focus();
    else this.layer.dispatchEvent(new Event("emptied"));
  }

  #draw() {
    this.none.hidden = this.#regions.length > 0;
    this.#regions.forEach((region, index) => {
      const { x, y, width, height } = region;
      const n = index + 1;
      const element = this.#elements.get(region);
      element.style.left = `${(100 * x) / this.#width}%`;
      element.style.top = `${(100 * y) / this.#height}%`;
      element.style.width = `${(100 * width) / this.#width}%`;
      element.style.height = `${(100 * height) / this.#height}%`;
      element.querySelector(".number").textContent = n;
      label(element, "region_label", { n, x, y, width, height });
      const row = this.#rows.get(region);
      say(row.querySelector("strong"), "region", { n });
      say(row.querySelector(".place"), "region_place", { x, y, width, height });
      label(row.querySelector("button"), "region_remove", { n });
    });
  }

  #move(region, x, y) {
    region.x = Math.round(between(x, 0, this.#width - region.width));
    region.y = Math.round(between(y, 0, this.#height - region.height));
    this.#draw();
  }

  #resize(region, width, height) {
    region.width = Math.round(between(width, SMALLEST, this.#width - region.x));
    region.height = Math.round(between(height, SMALLEST, this.#height - region.y));
    this.#draw();
  }

  #key(event, region) {
    const step = Math.max(1, Math.round(this.#width / 64));
    const [right, down] =
      { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [];
    if (right !== undefined) {
      event.preventDefault();
      if (event.shiftKey) this.#resize(region, region.width + right, region.height + down);
      else this.#move(region, region.x + right, region.y + down);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.#remove(region);
    }
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
