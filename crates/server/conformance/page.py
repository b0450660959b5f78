"""The page in a real browser, used as people use it: by mouse, by touch and by keyboard.

`run` starts what it needs: two servers over the stand-in engine, of which one wants a key. By hand:

    cargo run -p kinora-server --example fake_server -- --port 8000 --data data
    venv/bin/python crates/server/conformance/page.py --url http://127.0.0.1:8000 --screenshots shots

It takes Debian's `chromium` (or --chromium PATH), and needs `curl` for one check. Checks whose prompts hold words that slow the
stand-in engine down are left out with another one. Lengths are counted at 8 frames a second.
Clips that are there stay there; those that it makes are left, but for the ones that it deletes. `--only NAME` runs
some of the checks, by a part of their name.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Error, expect, sync_playwright

QUICK = "a red ball rolls on the grass"
SLOW = " steps=60 pause=150 estimate=9"
ENDLESS = " steps=4000 pause=150 estimate=600"  # Until it is cancelled.
LONG_MS = 240_000  # For what is made.
USUAL_MS = 20_000
PNG = bytes.fromhex(  # 16x12 pixels of one green.
    "89504e470d0a1a0a0000000d49484452000000100000000c0802000000e485aad6000000154944415478da63b0591045"
    "126218d530aa013b0200fe62e8817eb0d8050000000049454e44ae426082"
)

STAND_IN = "fake-1"
CHECKS, OF_STAND_IN = [], []


def check(work):
    CHECKS.append(work)
    return work


def check_of_stand_in(work):
    """One that tells the stand-in engine in its prompts what to do, or knows its frames."""
    OF_STAND_IN.append(work)
    return check(work)


class Visit:
    """A window of the browser on the page. Whatever the page reports as an error fails the run."""

    def __init__(self, run, url=None, **options):
        self.run, self.errors, self.requests = run, [], []
        self.url = url or run.url
        options = {"viewport": {"width": 1400, "height": 950}, "locale": "en-GB", **options}
        self.context = run.browser.new_context(**options)
        self.context.set_default_timeout(USUAL_MS)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.heard)
        self.page.on("request", lambda request: self.requests.append(request))

    def heard(self, message):
        # A browser reports an answer that is a refusal; the page shows it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def __enter__(self):
        self.page.goto(self.url)
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                assert not self.errors, self.errors
                elsewhere = [
                    request.url
                    for request in self.requests
                    if not request.url.startswith((self.url, "data:"))
                ]
                assert not elsewhere, f"third parties: {elsewhere}"
            else:
                self.shot("failure")
        finally:
            self.context.close()

    def shot(self, name, full=False):
        self.page.wait_for_timeout(250)
        self.page.screenshot(path=self.run.folder / f"{self.run.name}-{name}.png", full_page=full)

    def posted(self, path):
        """The bodies that were posted to a path, in order."""
        are = [request for request in self.requests if request.method == "POST" and request.url == self.url + path]
        return [request.post_data_json for request in are]

    def ask(self, prompt, seconds=2):
        """Asks for a clip through the form and gives its id."""
        self.page.fill("#prompt", prompt)
        self.page.fill("#seconds", str(seconds))
        with self.page.expect_response(
            lambda answer: answer.url == self.url + "/v1/videos" and answer.request.method == "POST"
        ) as answer:
            self.page.click("#composer .primary")
        return answer.value.json()["id"]

    def job(self, id):
        return self.page.locator(f'.job[data-id="{id}"]')

    def card(self, id):
        return self.page.locator(f'.clip[data-id="{id}"]')

    def made(self, prompt=QUICK, seconds=2):
        """A clip that is completed."""
        id = self.ask(prompt, seconds)
        expect(self.card(id).locator("button.frame")).to_be_visible(timeout=LONG_MS)
        return id

    def menu(self, id, item):
        self.card(id).locator(".icon-button").click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def tool(self, id, item, path, fill=lambda dialog: None):
        """Opens a tool by the menu, fills its form, and gives the body that was sent and the clip that it made."""
        self.menu(id, item)
        dialog = self.page.locator("dialog.viewer")
        fill(dialog)
        self.shot(item.lower().replace(" ", "-"))
        with self.page.expect_response(
            lambda answer: answer.url == self.url + path and answer.request.method == "POST"
        ) as answer:
            dialog.get_by_role("button", name="Send").click()
        expect(dialog).to_have_count(0)
        made = answer.value.json()
        assert answer.value.ok, made
        expect(self.card(made["id"]).locator("button.frame")).to_be_visible(timeout=LONG_MS)
        return self.posted(path)[-1], made


class Run:
    """What all checks have in common."""

    def __init__(self, browser, url, folder, locked_url, key):
        self.browser, self.url, self.folder, self.name = browser, url.rstrip("/"), folder, ""
        with urlopen(f"{self.url}/v1/models") as answer:
            self.is_stand_in = any(model["id"] == STAND_IN for model in json.load(answer)["data"])
        # A server that wants a key, and the key.
        self.locked_url, self.key = locked_url, key

    def visit(self, url=None, **options):
        return Visit(self, url, **options)


def until(page, holds, milliseconds=USUAL_MS):
    """Waits until an expression is true in the page, or a function says so. Playwright's own way needs `eval`, which the
    policy forbids."""
    end = time.monotonic() + milliseconds / 1000
    while not (holds() if callable(holds) else page.evaluate(holds)):
        assert time.monotonic() < end, f"not true in time: {holds}"
        page.wait_for_timeout(50)


def place_of(locator):
    """Where something is once it stands still: dialogs rise when they open."""
    locator.wait_for()
    locator.page.evaluate("Promise.allSettled(document.getAnimations().map((each) => each.finished))")
    return locator.bounding_box()


def is_playing(video):
    """Waits until a clip's time goes on."""
    first = video.evaluate("video => video.currentTime")
    end = time.monotonic() + USUAL_MS / 1000
    while (now := video.evaluate("video => video.currentTime")) in (0, first):
        assert time.monotonic() < end, f"it stands at {now} s"
        video.page.wait_for_timeout(50)


def brightest(video):
    """The brightest value of a frame as it is shown."""
    return video.evaluate("""video => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
          const context = canvas.getContext("2d");
          context.drawImage(video, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          return Math.max(...data.filter((_, index) => index % 4 < 3));
        }""")


@check
def make_and_watch(run):
    with run.visit() as visit:
        visit.shot("start", full=True)
        page = visit.page
        # Slow enough to be watched.
        id = visit.ask(QUICK + SLOW, 3 if run.is_stand_in else 20)
        job = visit.job(id)
        expect(job).to_contain_text("left")
        until(page, "document.querySelector('.job progress').value > 20")
        # More than one look at what forms; a model makes few steps at a time.
        expect(job.locator(".slot img").nth(7 if run.is_stand_in else 1)).to_be_visible()
        assert re.match(r"\d+ % · Kinora", page.title()), page.title()
        visit.shot("progress", full=True)
        expect(visit.card(id)).to_be_visible(timeout=LONG_MS)
        expect(page.locator("#announcements")).to_contain_text("Finished")
        expect(page).to_have_title("Kinora")
        body = visit.posted("/v1/videos")[-1]
        expect(visit.card(id)).to_contain_text(f"seed {body['seed']}")
        expect(page.locator("#making")).to_be_hidden()


@check
def play_and_seek(run):
    with run.visit() as visit:
        page = visit.page
        id = visit.made()
        visit.card(id).locator("button.frame").hover()
        is_playing(visit.card(id).locator("video"))
        page.mouse.move(5, 5)
        page.wait_for_timeout(200)
        visit.card(id).locator("button.frame").press("Enter")
        dialog = page.locator("dialog.viewer")
        video = dialog.locator("video")
        is_playing(video)
        assert brightest(video) > 100, "a black frame"
        assert video.evaluate("video => video.seekable.end(0)") > 1
        strip = dialog.get_by_role("slider", name="Frames")
        strip.press("End")
        until(page, "document.querySelector('dialog.viewer video').currentTime > 1.8")
        expect(strip).to_have_attribute("aria-valuetext", "Frame 16 of 16")
        strip.press("ArrowLeft")
        expect(strip).to_have_attribute("aria-valuetext", "Frame 15 of 16")
        page.wait_for_timeout(200)
        assert brightest(video) > 100, "a black frame"
        box = place_of(strip)
        page.mouse.click(box["x"] + box["width"] * 0.26, box["y"] + box["height"] / 2)
        expect(strip).to_have_attribute("aria-valuetext", "Frame 5 of 16")
        visit.shot("viewer")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        until(page, "document.activeElement.className.startsWith('frame')")


@check
def tools(run):
    with run.visit() as visit:
        page = visit.page
        visit.made("a blue cube falls")
        first = visit.made()

        body, made = visit.tool(
            first,
            "Remix",
            f"/v1/videos/{first}/remix",
            lambda dialog: dialog.get_by_role("textbox", name="What is seen").fill("a green ball"),
        )
        assert (body["prompt"], body["strength"]) == ("a green ball", 0.7), body

        def backward(dialog):
            dialog.get_by_label("Before its beginning").check()
            dialog.get_by_label("Seconds to add").fill("1")

        body, made = visit.tool(first, "Extend", "/v1/videos/extensions", backward)
        assert (body["side"], body["seconds"], made["seconds"]) == ("backward", "1", "3"), (body, made)

        body, made = visit.tool(first, "Loop", "/v1/videos")
        assert body["loop"] and body["num_frames"] == 24 and body["known"] == [{"video": {"id": first}, "at": 0}], body

        def choose(dialog):
            dialog.get_by_role("button", name="Choose a clip").click()
            visit.shot("choose")
            page.locator("dialog.chooser li button").filter(has_text="a blue cube falls").first.click()

        body, made = visit.tool(first, "Connect", "/v1/videos", choose)
        assert [known["at"] for known in body["known"]] == [0, "end"] and body["num_frames"] == 40, body

        page.reload()
        expect(visit.card(made["id"])).to_contain_text(f"seed {body['seed']}")


@check_of_stand_in
def edit_regions(run):
    with run.visit() as visit:
        page = visit.page
        id = visit.made()

        def draw(dialog):
            box = place_of(dialog.locator(".regions"))
            page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.75, steps=5)
            page.mouse.up()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("Shift+ArrowDown")
            dialog.get_by_role("button", name="Add a region").click()
            for key in ["ArrowDown", "Shift+ArrowLeft", "Shift+ArrowLeft"]:
                page.keyboard.press(key)
            dialog.get_by_role("button", name="Add a region").click()
            page.keyboard.press("Delete")
            dialog.locator(".region-list").get_by_label("From").first.fill("0.5")
            dialog.get_by_role("textbox", name="What is seen then").fill("a green ball")

        body, made = visit.tool(id, "Edit a region", "/v1/videos/edits", draw)
        first, second = body["regions"]
        assert first == {"x": 17, "y": 12, "width": 16, "height": 25, "from": 0.5}, first
        assert second == {"x": 16, "y": 13, "width": 30, "height": 24}, second
        assert made["kinora"]["task"] == "edit" and body["video"] == {"id": id}, made

        def aim(dialog):
            dialog.get_by_role("button", name="Add a region").click()
            box = place_of(dialog.locator(".regions"))
            handle = place_of(dialog.locator(".aim"))
            page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
            page.mouse.down()
            for part in [0.1, 0.25]:
                page.mouse.move(
                    handle["x"] + handle["width"] / 2 + box["width"] * part,
                    handle["y"] + handle["height"] / 2 + box["height"] * part,
                )
            page.mouse.up()
            goal = dialog.locator(".goal")
            expect(goal).to_have_attribute("aria-label", re.compile("Where region 1 is in the end: 32, 24"))
            visit.shot("moves")
            goal.press("ArrowLeft")
            # The other by keyboard alone: its goal, taken back, and set again.
            dialog.get_by_role("button", name="Add a region").click()
            page.keyboard.press("ArrowLeft")
            moves = dialog.get_by_label("It moves")
            moves.nth(1).press("Space")
            expect(dialog.locator(".goal")).to_have_count(2)
            page.keyboard.press("Delete")
            expect(moves.nth(1)).not_to_be_checked()
            moves.nth(1).press("Space")
            for key in ["ArrowUp", "ArrowUp", "ArrowRight"]:
                page.keyboard.press(key)
            dialog.get_by_role("textbox", name="What is seen then").fill("a green ball")

        body, made = visit.tool(id, "Edit a region", "/v1/videos/edits", aim)
        ways = [(region["x"], region["y"], *region["moves_to"]) for region in body["regions"]]
        assert ways == [(16, 12, 31, 24), (15, 12, 32, 10)], body

    with run.visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as visit:
        visit.menu(id, "Edit a region")
        layer = visit.page.locator(".regions")
        box = place_of(layer)
        cdp = visit.context.new_cdp_session(visit.page)
        points = [(0.2, 0.2), (0.4, 0.5), (0.6, 0.7)]
        for kind, (x, y) in zip(["touchStart", "touchMove", "touchMove"], points):
            point = {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}
            cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(visit.page.locator(".region")).to_have_count(1)
        visit.shot("touch")


@check
def again_and_curl(run):
    with run.visit(permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = visit.page
        id = visit.made('it\'s a "red" ball')
        seed = visit.posted("/v1/videos")[-1]["seed"]
        visit.menu(id, "Again, the same seed")
        until(page, "document.querySelectorAll('.notice').length > 0")
        visit.menu(id, "Again, another seed")
        until(page, lambda: len(visit.posted("/v1/videos")) == 3)
        seeds = [body["seed"] for body in visit.posted("/v1/videos")]
        assert seeds[1] == seed != seeds[2], seeds
        names = {request.headers["idempotency-key"] for request in visit.requests if request.method == "POST"}
        assert len(names) == 3, names
        visit.menu(id, "Copy as curl")
        expect(page.locator(".notice").last).to_have_text("Copied.")
        command = page.evaluate("navigator.clipboard.readText()")
        answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout)
        assert answer["prompt"] == 'it\'s a "red" ball', answer
        with page.expect_download() as download:
            visit.menu(id, "Download")
        assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"
        assert download.value.suggested_filename == f"{id}.mp4"


@check_of_stand_in
def queue_cancel_delete(run):
    with run.visit() as visit:
        page = visit.page
        ids = [visit.ask(f"{QUICK} {number}{ENDLESS}") for number in range(3)]
        expect(visit.job(ids[2])).to_contain_text("1 before it")
        expect(visit.job(ids[1])).to_contain_text("Next in line")
        visit.shot("queue", full=True)
        for id in reversed(ids):
            visit.job(id).get_by_role("button", name="Cancel").click()
            expect(visit.card(id)).to_contain_text("Cancelled")
        visit.shot("cancelled", full=True)
        visit.menu(ids[0], "Delete")
        page.get_by_role("button", name="Keep it").click()
        expect(visit.card(ids[0])).to_be_visible()
        for id in ids:
            visit.menu(id, "Delete")
            visit.shot("sure")
            page.locator("dialog[open]").get_by_role("button", name="Delete").click()
            expect(visit.card(id)).to_have_count(0)


@check_of_stand_in
def reload_in_the_middle(run):
    with run.visit() as visit:
        id = visit.ask(QUICK + SLOW)
        until(visit.page, "document.querySelector('.job progress')?.value > 15")
        visit.page.reload()
        expect(visit.job(id).locator(".slot img").first).to_be_visible()
        assert visit.job(id).locator("progress").evaluate("progress => progress.value") >= 15
        visit.shot("reloaded", full=True)
        expect(visit.card(id)).to_contain_text("seed ", timeout=LONG_MS)


@check_of_stand_in
def offline_and_back(run):
    with run.visit() as visit:
        id = visit.ask(QUICK + SLOW)
        expect(visit.job(id).locator(".slot img").first).to_be_visible()
        visit.context.set_offline(True)
        banner = visit.page.locator("#offline")
        visit.page.route("**/v1/**", lambda route: route.abort())
        expect(banner).to_be_visible()
        visit.shot("offline")
        visit.page.unroute("**/v1/**")
        visit.context.set_offline(False)
        expect(banner).to_be_hidden()
        expect(visit.card(id)).to_be_visible(timeout=LONG_MS)


@check
def first_frame(run):
    with run.visit() as visit:
        page = visit.page
        page.set_input_files("#first-frame", {"name": "words.txt", "mimeType": "text/plain", "buffer": b"no picture"})
        expect(page.locator("#first-frame-field .problem")).to_have_text("This file is not a picture.")
        page.set_input_files("#first-frame", {"name": "green.png", "mimeType": "image/png", "buffer": PNG})
        expect(page.locator("#first-frame-picture")).to_be_visible()
        page.get_by_role("button", name="Remove the picture").click()
        drop = page.evaluate_handle(
            """bytes => {
              const drop = new DataTransfer();
              drop.items.add(new File([new Uint8Array(bytes)], "green.png", { type: "image/png" }));
              return drop;
            }""",
            list(PNG),
        )
        page.dispatch_event("#first-frame-field", "dragover", {"dataTransfer": drop})
        page.dispatch_event("#first-frame-field", "drop", {"dataTransfer": drop})
        expect(page.locator("#first-frame-picture")).to_be_visible()
        visit.shot("first-frame")
        visit.made()
        assert visit.posted("/v1/videos")[-1]["input_reference"]["image_url"].startswith("data:image/png;base64,")


@check
def storyboard(run):
    with run.visit() as visit:
        page = visit.page
        visit.made("a blue cube falls", 1)
        page.fill("#prompt", "")
        page.fill("#seconds", "6")
        page.locator("#storyboard summary").click()
        page.get_by_role("button", name="Prompt", exact=True).click()
        words = page.locator("#inspector textarea")
        words.fill("a red ball rolls")
        page.get_by_role("button", name="Prompt", exact=True).click()
        words.fill("a red ball jumps")
        page.set_input_files("#add-still", {"name": "green.png", "mimeType": "image/png", "buffer": PNG})
        still = page.locator(".block.is-still")
        for _ in range(5):
            still.press("ArrowRight")
        page.get_by_role("button", name="Clip", exact=True).click()
        page.locator("dialog.chooser li button").filter(has_text="a blue cube falls").first.click()
        clip = page.locator(".block.is-clip")
        page.get_by_label("Ends with the video").check()
        second = page.locator(".block.is-span").nth(1)
        second.focus()
        for key in ["Shift+ArrowLeft", "Shift+ArrowLeft", "ArrowRight"]:
            page.keyboard.press(key)
        box = place_of(page.locator("#strip"))
        handle = page.locator(".block.is-span").first.locator(".handle.is-to")
        at = place_of(handle)
        page.mouse.move(at["x"] + 4, at["y"] + 20)
        page.mouse.down()
        page.mouse.move(at["x"] + 4 - box["width"] / 6, at["y"] + 20, steps=4)
        page.mouse.up()
        second.click(position={"x": 60, "y": 20})
        visit.shot("strip", full=True)
        expect(clip).to_have_attribute("aria-label", "Clip from 5 to 6 s: a blue cube falls")
        with page.expect_response(
            lambda answer: answer.url == run.url + "/v1/videos" and answer.request.method == "POST"
        ) as answer:
            page.click("#composer .primary")
        assert answer.value.ok, answer.value.text()
        body = visit.posted("/v1/videos")[-1]
        spans = body["spans"]
        assert [span["prompt"] for span in spans] == ["a red ball rolls", "a red ball jumps"], spans
        assert spans[0]["from"] == 0 and abs(spans[0]["to"] - 2) < 0.1, spans
        assert (spans[1]["from"], spans[1]["to"]) == (3.1, 5.9), spans
        assert [known["at"] for known in body["known"]] == [0.5, "end"], body["known"]
        assert body["prompt"] == "a red ball rolls · a red ball jumps", body["prompt"]
        expect(visit.card(answer.value.json()["id"])).to_be_visible(timeout=LONG_MS)
        still.press("Delete")
        expect(still).to_have_count(0)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".block")).to_have_count(0)


@check
def errors_in_their_place(run):
    with run.visit() as visit:
        page = visit.page
        page.click("#composer .primary")
        expect(page.locator('[data-param="prompt"] .problem')).to_contain_text("'prompt'")
        expect(page.locator("#prompt")).to_be_focused()
        page.fill("#prompt", QUICK)
        page.fill("#seconds", "-1")
        page.click("#composer .primary")
        expect(page.locator('[data-param~="seconds"] .problem')).to_contain_text("Invalid value for 'seconds'")
        page.fill("#seconds", "2")
        page.locator("summary", has_text="Advanced").click()
        page.fill("#fps", "2000")
        page.locator("summary", has_text="Advanced").click()
        page.click("#composer .primary")
        expect(page.locator('[data-param="fps"] .problem')).to_be_visible()
        visit.shot("fps", full=True)
        page.fill("#fps", "")
        page.select_option("#size", "other")
        page.fill("#width", "0")
        page.click("#composer .primary")
        expect(page.locator("#composer .problem")).to_be_visible()
        visit.shot("size", full=True)


@check
def keys(run):
    with run.visit(run.locked_url) as visit:
        page = visit.page
        dialog = page.locator("#key-dialog")
        expect(dialog).to_contain_text("You did not provide an API key")
        visit.shot("asked")
        page.keyboard.press("Escape")
        page.wait_for_timeout(3000)
        expect(dialog).to_be_hidden()
        page.get_by_role("button", name="Enter an API key").click()
        page.fill("#key", "sk-wrong")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("Incorrect API key provided.")
        visit.shot("wrong")
        page.fill("#key", run.key)
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        # Pictures and clips are had by links: a browser sends no key for them, and seeks by asking for parts.
        id = visit.made(seconds=6)
        picture = visit.card(id).locator("img")
        expect(picture).to_have_attribute("src", re.compile("^/v1/links/.*signature="))
        until(page, f"document.querySelector('.clip[data-id=\"{id}\"] img').naturalWidth > 0")
        kept = "[sessionStorage.getItem('kinora.key'), localStorage.getItem('kinora.key')]"
        assert page.evaluate(kept) == [run.key, None]
        visit.card(id).locator("button.frame").click()
        video = page.locator("dialog.viewer video")
        is_playing(video)
        assert video.evaluate("video => video.seekable.end(0)") > 5.5
        page.get_by_role("slider", name="Frames").press("End")
        until(page, "document.querySelector('dialog.viewer video').currentTime > 5.8")
        assert brightest(video) > 100, "a black frame"
        assert video.evaluate("video => video.currentSrc").startswith(f"{run.locked_url}/v1/links/{id}?")
        page.keyboard.press("Escape")
        with page.expect_download() as download:
            visit.menu(id, "Download")
        assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"
        page.get_by_role("button", name="Forget the API key").click()
        expect(dialog).to_be_visible()
        page.fill("#key", run.key)
        page.get_by_label("Keep it on this computer").check()
        page.get_by_role("button", name="Use this key").click()
        expect(visit.card(id)).to_be_visible()
        assert page.evaluate(kept) == [None, run.key]


@check
def links_are_renewed(run):
    with run.visit() as visit:
        page = visit.page
        id = visit.made()

        def old(route):
            answer = route.fetch()
            page = answer.json()
            for video in page["data"]:
                if video["kinora"]["links"]:
                    video["kinora"]["links"] = {"video": "/v1/links/gone", "thumbnail": "/v1/links/gone", "expires_at": 9}
            route.fulfill(response=answer, json=page)

        page.route("**/v1/videos?**", old)
        page.reload()
        visit.card(id).locator("button.frame").click()
        is_playing(page.locator("dialog.viewer video"))


@check_of_stand_in
def strict_and_limits(run):
    with run.visit() as visit:
        page = visit.page
        model = page.request.get(run.url + "/v1/models").json()["data"][0]["kinora"]
        expect(page.locator("#seconds")).to_have_value(f"{model['default_seconds']:g}")
        page.fill("#prompt", QUICK)
        page.select_option("#size", "other")
        width, height = model["native_size"].split("x")
        expect(page.locator("#width")).to_have_value(width)
        expect(page.locator("#height")).to_have_value(height)
        expect(page.locator("#size-limit")).to_have_text("Up to 8.3 million pixels")
        page.fill("#width", "128")
        page.locator("summary", has_text="Advanced").click()
        page.get_by_label("Refuse what cannot be made exactly as asked").check()
        page.click("#composer .primary")
        expect(page.locator("#composer .problem")).to_have_text("only 64x48 is made")
        assert visit.posted("/v1/videos")[-1]["strict"] is True
        visit.shot("strict", full=True)
        page.get_by_label("Refuse what cannot be made exactly as asked").uncheck()
        with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
            page.click("#composer .primary")
        assert answer.value.ok and "strict" not in visit.posted("/v1/videos")[-1]
        expect(visit.card(answer.value.json()["id"])).to_be_visible(timeout=LONG_MS)


@check
def vocabulary(run):
    with run.visit() as visit:
        page = visit.page
        page.locator("#words summary").click()
        page.get_by_role("button", name="red", exact=True).click()
        page.get_by_role("button", name="ball", exact=True).click()
        expect(page.locator("#prompt")).to_have_value("red ball")
        page.locator("#prompt").press("End")
        page.locator("#prompt").press_sequentially(" in the mo")
        options = page.locator("#completions li")
        expect(options).to_have_text(["in the morning"])
        visit.shot("completions")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        expect(page.locator("#prompt")).to_have_value("red ball in the morning")
        page.get_by_role("button", name="中文").click()
        page.fill("#prompt", "")
        page.locator("#prompt").press_sequentially("红")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("#prompt")).to_have_value("红色")
        page.get_by_role("button", name="船", exact=True).click()
        expect(page.locator("#prompt")).to_have_value("红色船")
        visit.shot("chinese")


@check
def by_keyboard(run):
    with run.visit(reduced_motion="reduce") as visit:
        page = visit.page
        id = visit.made()
        button = visit.card(id).locator("button.frame")
        button.hover()
        page.wait_for_timeout(500)
        expect(visit.card(id).locator("video")).to_have_count(0)
        more = visit.card(id).locator(".icon-button")
        more.press("Enter")
        menu = page.get_by_role("menu")
        expect(menu.get_by_role("menuitem").first).to_be_focused()
        visit.shot("menu")
        page.keyboard.press("ArrowUp")
        expect(menu.get_by_role("menuitem").last).to_be_focused()
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        expect(more).to_be_focused()
        more.press("Enter")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]")).to_contain_text("Delete this clip?")
        page.keyboard.press("Escape")
        page.locator("#prompt").fill(QUICK)
        page.locator("#prompt").press("Control+Enter")
        expect(page.locator(".notice, .job, .clip").first).to_be_visible()
        page.locator("body").press("Home")
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        unnamed = page.evaluate(
            """[...document.querySelectorAll("button, input, select, textarea, [tabindex='0']")].filter((each) => {
              const name = each.getAttribute("aria-label") || each.labels?.[0]?.textContent || each.textContent;
              return each.checkVisibility() && !name.trim();
            }).map((each) => each.outerHTML)"""
        )
        assert not unnamed, unnamed


@check
def endless_list(run):
    with run.visit() as visit:
        page = visit.page
        listed = page.request.get(run.url + "/v1/videos?limit=100").json()["data"]
        for number in range(max(0, 60 - len(listed))):
            body = {"prompt": f"{QUICK} {number}", "seconds": "1", "seed": number}
            while not page.request.post(run.url + "/v1/videos", data=body).ok:
                time.sleep(1)
        while any(
            video["status"] in ("queued", "in_progress")
            for video in page.request.get(run.url + "/v1/videos?limit=100").json()["data"]
        ):
            time.sleep(0.5)
        page.reload()
        expect(page.locator(".clip")).not_to_have_count(0)
        before = page.locator(".clip").count()
        assert before < 60, before

        def scrolled():
            page.mouse.wheel(0, 4000)
            return page.locator(".clip").count() >= 60

        until(page, scrolled)
        visit.shot("end")


@check
def languages(run):
    with run.visit(locale="zh-CN") as visit:
        page = visit.page
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        expect(page.get_by_role("heading", name="片段")).to_be_visible()
        table = page.request.get(run.url + "/strings.js").text()
        tables = [set(re.findall(r'^  "?([\w ]+)"?:(?= "|$)', part, re.M)) for part in table.split("const zh = {")]
        assert tables[0] == tables[1], tables[0] ^ tables[1]
        latin = page.evaluate(
            """[...document.querySelectorAll("[data-t]")]
              .filter((each) => each.translate && !/\\p{Script=Han}/u.test(each.textContent))
              .map((each) => each.dataset.t)"""
        )
        assert set(latin) <= {"make_hint"}, latin
        id = visit.made("傍晚，一个红色的球在草地上弹跳")
        visit.shot("chinese", full=True)
        visit.card(id).locator("button.frame").click()
        expect(page.locator("dialog.viewer")).to_contain_text("改编")
        visit.shot("viewer")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="Clips")).to_be_visible()
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")


@check
def widths_and_themes(run):
    for scheme in ["light", "dark"]:
        for width in [390, 1400]:
            for locale in ["en-GB", "zh-CN"]:
                options = {"color_scheme": scheme, "locale": locale, "viewport": {"width": width, "height": 900}}
                with run.visit(**options) as visit:
                    page, name = visit.page, f"{scheme}-{width}-{locale[:2]}"
                    id = visit.ask(QUICK + SLOW)
                    if run.is_stand_in:
                        expect(visit.job(id).locator(".slot img").nth(7)).to_be_visible()
                    page.locator("summary").nth(1).click()
                    page.locator("#storyboard summary").click()
                    page.locator("#add-prompt").click()
                    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    assert wide <= 0, f"{name}: {wide} pixels too wide"
                    visit.shot(name, full=True)
                    expect(visit.card(id)).to_be_visible(timeout=LONG_MS)
                    visit.card(id).locator("button.frame").click()
                    is_playing(page.locator("dialog.viewer video"))
                    visit.shot(f"{name}-viewer")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", default="http://127.0.0.1:8000", help="where the server is")
    options.add_argument("--screenshots", type=Path, default=Path("shots"), help="a folder for pictures of the page")
    options.add_argument("--locked-url", help="where a server is that wants a key; without it, keys are not tried")
    options.add_argument("--key", help="the key of that server")
    options.add_argument("--chromium", default=shutil.which("chromium"), help="the browser")
    options.add_argument("--only", default="", help="a part of the names of the checks to run")
    args = options.parse_args()
    args.screenshots.mkdir(parents=True, exist_ok=True)
    failures = []
    expect.set_options(timeout=USUAL_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        run = Run(browser, args.url, args.screenshots, args.locked_url, args.key)
        left_out = [*([] if args.locked_url else [keys]), *([] if run.is_stand_in else OF_STAND_IN)]
        chosen = [work for work in CHECKS if args.only in work.__name__ and work not in left_out]
        for work in chosen:
            run.name = work.__name__
            begun = time.monotonic()
            try:
                work(run)
                print(f"ok      {run.name} ({time.monotonic() - begun:.1f} s)", flush=True)
            except (AssertionError, LookupError, Error) as error:
                failures.append(run.name)
                print(f"FAILED  {run.name}: {error}", flush=True)
        browser.close()
    print(f"{len(chosen) - len(failures)} passed, {len(failures)} failed, {len(CHECKS) - len(chosen)} skipped")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
