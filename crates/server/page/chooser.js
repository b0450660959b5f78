// A dialog to choose one of the finished clips.

import { iconButton, make, said } from "./dom.js";
import { excerpt, short } from "./format.js";
import { all, fileUrl, isComplete, more } from "./reel.js";
import { tried } from "./notice.js";

function option(video, chosen) {
  const picture = make("img", { alt: "" });
  fileUrl(video.id, "thumbnail").then(
    (url) => (picture.src = url),
    () => picture.remove(),
  );
  const text = make(
    "span",
    { class: "text" },
    excerpt(video.prompt),
    make("small", {}, said("seconds_value", { n: short(video.seconds) })),
  );
  return make("li", {}, make("button", { type: "button", onclick: () => chosen(video) }, picture, text));
}

// The clip; nothing, if the dialog is closed.
export function chooseClip(except = null) {
  return new Promise((resolve) => {
    const list = make("ul", { class: "choice" });
    const rest = make("button", { type: "button", class: "quiet", t: "show_more" });
    const head = make(
      "header",
      {},
      make("h2", { t: "choose_clip" }),
      iconButton("close", "close", () => dialog.close()),
    );
    const none = make("p", { class: "hint", t: "no_clips" });
    const dialog = make("dialog", { class: "chooser", "t-label": "choose_clip" }, head, none, list, rest);
    let chosen = null;
    const choose = (video) => {
      chosen = video;
      dialog.close();
    };
    const show = () => {
      const clips = all().filter((video) => video.status === "completed" && video.id !== except);
      list.replaceChildren(...clips.map((video) => option(video, choose)));
      none.hidden = clips.length > 0;
      rest.hidden = isComplete();
    };
    rest.addEventListener("click", async () => {
      await tried(more);
      show();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(chosen);
    });
    show();
    document.body.append(dialog);
    dialog.showModal();
  });
}
