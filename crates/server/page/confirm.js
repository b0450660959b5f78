// A question before something is gone.

import { make } from "./dom.js";

// Whether the answer is yes; the texts are keys of strings.
export function confirmed(question, reason, yes, no) {
  return new Promise((resolve) => {
    const close = (answer) => () => dialog.close(answer);
    const buttons = make(
      "div",
      { class: "buttons" },
      make("button", { type: "button", class: "quiet", t: no, autofocus: true, onclick: close("no") }),
      make("button", { type: "button", class: "danger", t: yes, onclick: close("yes") }),
    );
    const dialog = make(
      "dialog",
      { class: "small-dialog", "t-label": question },
      make("h2", { t: question }),
      make("p", { t: reason }),
      buttons,
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
