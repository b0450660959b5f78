// The page: sets its parts going.

import * as composer from "./composer.js";
import { byId } from "./dom.js";
import * as gallery from "./gallery.js";
import * as key from "./key.js";
import * as making from "./making.js";
import { recall } from "./memory.js";
import { loadModels } from "./models.js";
import { reel, run, wake } from "./reel.js";
import { currentLanguage, languages, setLanguage, showLanguage } from "./strings.js";

function startLanguages() {
  const buttons = [...byId("languages").querySelectorAll("button")];
  const show = () =>
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.value === currentLanguage())));
  buttons.forEach((button) => button.addEventListener("click", () => setLanguage(button.value)));
  languages.addEventListener("change", show);
  showLanguage();
  show();
}

let hasModels = false;

// Asks for the models until the server has said which there are.
async function showModels() {
  try {
    composer.setModels(await loadModels());
    hasModels = true;
  } catch {
    // The list of clips tells what is wrong; they are asked for again when the server answers.
  }
}

async function begin() {
  startLanguages();
  await recall();
  composer.start();
  making.start();
  gallery.start();
  key.start(() => {
    showModels();
    wake();
  });
  reel.addEventListener("line", ({ detail: isReached }) => {
    byId("offline").hidden = isReached;
    if (isReached && !hasModels) showModels();
  });
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", () => document.hidden || wake());
  run();
  showModels();
}

begin();
