// The dialog for the API key, when the server wants one; and the way to forget it.

import { forgetKey, hasKey, line, setKey } from "./api.js";
import { byId } from "./dom.js";
import { clearProblems, showProblem } from "./forms.js";

// `changed` is called when there is another key, or none.
export function start(changed) {
  const [dialog, form, input] = [byId("key-dialog"), byId("key-form"), byId("key")];
  let isRefused = false;
  let isDismissed = false; // It does not come back of itself to somebody who has closed it.
  const show = () => {
    byId("enter-key").hidden = !isRefused;
    byId("forget-key").hidden = isRefused || !hasKey();
  };
  const open = () => {
    dialog.showModal();
    input.focus();
  };
  const begin = () => {
    [isRefused, isDismissed] = [false, false];
    show();
    changed();
  };
  line.addEventListener("refused", ({ detail: error }) => {
    isRefused = true;
    show();
    if (dialog.open || isDismissed) return;
    clearProblems(form);
    showProblem(form, error.message, "key");
    open();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(input.value.trim(), byId("key-kept").checked);
    input.value = "";
    dialog.close();
    begin();
  });
  dialog.addEventListener("close", () => (isDismissed = isRefused));
  byId("key-close").addEventListener("click", () => dialog.close());
  byId("enter-key").addEventListener("click", open);
  byId("forget-key").addEventListener("click", () => {
    forgetKey();
    begin();
  });
  show();
}
