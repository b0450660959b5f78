// Pictures of the user's: read from a file or a drop as a data URL, which is how requests carry them.

import { t } from "./strings.js";

// A picture file as a data URL.
export function readPicture(file) {
  return new Promise((resolve, reject) => {
    if (!file.type.startsWith("image/")) {
      reject(new Error(t("not_a_picture")));
      return;
    }
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

// Calls `take` with each file that is dropped on an element, and the drop.
export function onDrop(element, take) {
  const mark = (is) => element.classList.toggle("is-target", is);
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");
  element.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) mark(false);
  });
  element.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    [...event.dataTransfer.files].forEach((file) => take(file, event));
  });
}
