// A menu that opens at a button: arrow keys go through it, Escape and a press elsewhere close it.

import { make } from "./dom.js";

const GAP = 4;

function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const isBelow = at.bottom + GAP + height <= innerHeight || at.top < height;
  const top = isBelow ? Math.min(at.bottom + GAP, innerHeight - height - GAP) : at.top - GAP - height;
  menu.style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
  menu.style.top = `${Math.max(GAP, top)}px`;
}

function onKey(event, items) {
  const index = items.indexOf(document.activeElement);
  const to = { ArrowDown: index + 1, ArrowUp: index - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items[to % items.length].focus();
}

// Opens it with these actions; a line is drawn between those of different kinds.
export function openMenu(button, actions) {
  const menu = make("div", { class: "menu", role: "menu", popover: "auto" });
  const items = actions.map(({ key, run }) =>
    make("button", {
      type: "button",
      role: "menuitem",
      t: key,
      tabindex: -1,
      onclick: () => {
        menu.hidePopover();
        run();
      },
    }),
  );
  items.forEach((item, index) => {
    const { kind } = actions[index];
    if (index > 0 && kind !== actions[index - 1].kind) menu.append(make("hr"));
    if (kind === "delete") item.classList.add("is-danger");
    menu.append(item);
  });
  menu.addEventListener("keydown", (event) => onKey(event, items));
  menu.addEventListener("toggle", ({ newState }) => {
    button.setAttribute("aria-expanded", String(newState === "open"));
    if (newState === "open") return;
    removeEventListener("scroll", follow);
    menu.remove();
  });
  const follow = () => place(menu, button);
  addEventListener("scroll", follow, { passive: true });
  button.after(menu);
  menu.showPopover();
  place(menu, button);
  items[0].focus({ preventScroll: true });
}
