"""The unmodified `openai` package for Python against the server at OPENAI_BASE_URL. `run` starts it."""

import base64
import http.server
import sys
import tempfile
import threading
import time
import warnings

import openai

# The package says of each of its video methods that OpenAI has shut down the server.
warnings.simplefilter("ignore", DeprecationWarning)

CHECKS = []
STAND_IN = "fake-1"


def check(function):
    CHECKS.append((function, False))
    return function


def check_of_stand_in(function):
    """One that tells the stand-in engine in its prompts what to do, or knows what it makes."""
    CHECKS.append((function, True))
    return function


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what webhooks are told."""

    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def raises(kind, work):
    try:
        work()
    except kind as error:
        assert type(error) is kind, type(error)
        return error
    raise AssertionError(f"expected {kind.__name__}")


def make(client, prompt, **options):
    video = client.videos.create_and_poll(prompt=prompt, seconds="1", size="64x64", **options)
    assert video.status == "completed", video
    return video


@check
def create_and_poll(client):
    video = client.videos.create_and_poll(model="sora-2", prompt="a ball", seconds="4", size="720x1280")
    assert (video.status, video.progress, video.error) == ("completed", 100, None), video
    assert (video.object, video.model, video.seconds, video.size) == ("video", "sora-2", "4", "720x1280")
    assert video.id.startswith("video_") and video.completed_at >= video.created_at and video.expires_at
    assert client.videos.retrieve(video.id).id == video.id


@check_of_stand_in
def first_answer_says_when_to_ask_again(client):
    # Once a step is done, what is left is told by that: none is within two seconds.
    raw = client.videos.with_raw_response.create(prompt="slow steps=2 pause=2000 estimate=100")
    assert raw.headers["openai-poll-after-ms"] == "5000", raw.headers
    assert raw.headers["x-request-id"].startswith("req_"), raw.headers
    raw.parse()
    client.post(f"/videos/{raw.parse().id}/cancel", cast_to=object)


@check
def defaults_and_extensions(client):
    video = client.videos.create(prompt="a ball", extra_body={"seed": 5, "num_frames": 18, "loop": True, "fps": 12})
    assert (video.seconds, video.kinora["num_frames"], video.kinora["fps"]) == ("1.5", 18, 12.0), video


@check
def content_variants(client):
    video = make(client, "a ball")
    movie = client.videos.download_content(video.id)
    assert movie.response.headers["content-type"] == "video/mp4" and movie.read()[4:8] == b"ftyp"
    thumbnail = client.videos.download_content(video.id, variant="thumbnail").read()
    assert thumbnail[:4] == b"RIFF" and thumbnail[8:12] == b"WEBP"
    sheet = client.videos.download_content(video.id, variant="spritesheet").read()
    assert sheet[:3] == b"\xff\xd8\xff"
    with tempfile.NamedTemporaryFile() as file:
        client.videos.download_content(video.id).write_to_file(file.name)
        assert file.read() == client.videos.download_content(video.id).read()


@check
def input_reference(client):
    picture = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg=="
    )
    for file in [picture, ("first.png", picture), ("first.png", picture, "image/png")]:
        video = client.videos.create(prompt="it moves", input_reference=file, size="64x64", seconds="1")
        assert video.status in ("queued", "in_progress"), video
    error = raises(openai.BadRequestError, lambda: client.videos.create(prompt="it moves", input_reference=b"text"))
    assert error.param == "input_reference", error


@check
def auto_paging(client):
    ids = [client.videos.create(prompt=f"ball {index}", seconds="1").id for index in range(7)]
    listed = [video.id for video in client.videos.list(limit=3, order="asc")]
    assert listed[-7:] == ids and len(set(listed)) == len(listed)
    assert [video.id for video in client.videos.list(limit=2)] == listed[::-1]
    page = client.videos.list(limit=3)
    assert page.has_more and page.first_id == page.data[0].id and page.last_id == page.data[-1].id
    for index in ids:
        client.videos.poll(index)


@check
def remix(client):
    first = make(client, "a ball")
    second = client.videos.remix(first.id, prompt="a cube")
    assert second.remixed_from_video_id == first.id
    assert client.videos.poll(second.id).status == "completed"


@check
def edit(client):
    movie = client.videos.download_content(make(client, "a ball").id).read()
    video = client.videos.edit(prompt="a cube", video=movie)
    assert client.videos.poll(video.id).status == "completed"
    video = client.videos.edit(prompt="a cube", video=("clip.mp4", movie, "video/mp4"), extra_body={"model": "sora-2"})
    assert client.videos.poll(video.id).status == "completed"


@check
def extend(client):
    movie = client.videos.download_content(make(client, "a ball").id).read()
    video = client.videos.extend(prompt="it goes on", seconds="4", video=movie)
    assert video.seconds == "5", video
    assert client.videos.poll(video.id).status == "completed"


@check
def raw_json(client):
    """What the package cannot send: its methods fail on objects."""
    first = make(client, "a ball")
    post = lambda path, body: client.post(path, body=body, cast_to=object)
    edited = post("/videos/edits", {"prompt": "a cube", "video": {"id": first.id}})
    assert edited["kinora"]["source_video_id"] == first.id
    extended = post("/videos/extensions", {"prompt": "on", "seconds": "4", "video": {"id": first.id}})
    assert extended["seconds"] == "5"
    url = "data:image/png;base64," + base64.b64encode(
        client.images.generate(prompt="a ball", size="64x64").data[0].b64_json.encode()
    ).decode()
    error = raises(
        openai.BadRequestError,
        lambda: post("/videos", {"prompt": "x", "input_reference": {"image_url": url}}),
    )
    assert error.param == "input_reference"
    picture = client.images.generate(prompt="a ball", size="64x64").data[0].b64_json
    post("/videos", {"prompt": "x", "seconds": 1, "input_reference": {"image_url": f"data:image/png;base64,{picture}"}})
    for video in (edited, extended):
        client.videos.poll(video["id"])


@check_of_stand_in
def characters(client):
    movie = client.videos.download_content(make(client, "a cat").id).read()
    character = client.videos.create_character(name="Mimi", video=movie)
    assert character.name == "Mimi" and character.created_at
    assert client.videos.get_character(character.id).to_dict() == character.to_dict()
    video = client.videos.create(prompt="Mimi jumps", extra_body={"characters": [{"id": character.id}]}, seconds="1")
    assert client.videos.poll(video.id).status == "completed"


@check
def delete(client):
    video = make(client, "a ball")
    gone = client.videos.delete(video.id)
    assert (gone.id, gone.deleted, gone.object) == (video.id, True, "video.deleted")
    raises(openai.NotFoundError, lambda: client.videos.retrieve(video.id))
    # A loop that deletes what it lists comes to its end.
    for video in client.videos.list(limit=2):
        client.videos.poll(video.id)
        client.videos.delete(video.id)
    assert client.videos.list().data == []


@check_of_stand_in
def failures(client):
    video = client.videos.create_and_poll(prompt="fail")
    assert video.status == "failed" and video.error.code == "out_of_memory" and video.error.message
    raises(openai.NotFoundError, lambda: client.videos.download_content(video.id))


@check_of_stand_in
def errors(client):
    error = raises(openai.BadRequestError, lambda: client.videos.create(prompt=""))
    assert (error.param, error.code, error.type) == ("prompt", "invalid_value", "invalid_request_error")
    assert error.request_id.startswith("req_")
    raises(openai.NotFoundError, lambda: client.videos.create(prompt="x", model="gpt-5"))
    raises(openai.UnprocessableEntityError, lambda: client.videos.create(prompt="refuse"))
    raises(openai.AuthenticationError, lambda: client.with_options(api_key="wrong").videos.list())
    waiting = client.videos.create(prompt="slow steps=1000 pause=20")
    raises(openai.ConflictError, lambda: client.videos.delete(waiting.id))
    raises(openai.NotFoundError, lambda: client.videos.download_content(waiting.id))
    impatient = client.with_options(max_retries=0)
    error = raises(
        openai.RateLimitError,
        lambda: [impatient.videos.create(prompt=f"slow steps=1000 pause=20 {index}") for index in range(99)],
    )
    assert int(error.response.headers["retry-after"]) >= 1
    for video in client.videos.list(limit=100):
        if video.status in ("queued", "in_progress"):
            client.post(f"/videos/{video.id}/cancel", cast_to=object)


@check_of_stand_in
def models_and_images(client):
    assert {STAND_IN, "sora-2", "sora-2-pro"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("sora-2").object == "model"
    answer = client.images.generate(prompt="a ball", size="64x64", n=2)
    assert all(base64.b64decode(image.b64_json)[1:4] == b"PNG" for image in answer.data) and len(answer.data) == 2


@check
def provenance(client):
    movie = client.videos.download_content(make(client, "a ball").id).read()
    found = client.content_provenance_checks.create(file=movie)
    assert found.object == "content_provenance_check" and found.results[0].type == "c2pa"
    # The stand-in knows no signers.
    assert found.results[0].outcome == "detected" and found.results[0].validation_state in ("valid", "trusted"), found


@check
def webhooks(client):
    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    endpoint = client.webhooks.create(name="mine", url=url, event_types=["video.completed", "video.failed"])
    assert endpoint.object == "webhook_endpoint" and endpoint.signing_secret.startswith("whsec_")
    assert endpoint.id in [other.id for other in client.webhooks.list().data]
    assert client.webhooks.retrieve(endpoint.id).name == "mine"
    assert client.webhooks.update(endpoint.id, name="other").name == "other"
    assert "video.completed" in client.webhooks.event_types.list().data
    video = make(client, "a ball")
    # The stand-in is slow if it is told so, that the video is not there before it is cancelled.
    failed = client.videos.create(prompt="a ball, slow steps=1000 pause=20", seconds="60")
    client.post(f"/videos/{failed.id}/cancel", cast_to=object)
    wait(lambda: len(Hook.received) == 2)
    for (headers, body), expected in zip(Hook.received, [("video.completed", video), ("video.failed", failed)]):
        event = client.webhooks.unwrap(body, headers, secret=endpoint.signing_secret)
        assert (event.type, event.data.id) == (expected[0], expected[1].id), event
        raises(
            openai.InvalidWebhookSignatureError,
            lambda: client.webhooks.unwrap(body + b" ", headers, secret=endpoint.signing_secret),
        )
    rotated = client.webhooks.rotate_secret(endpoint.id, keep_old_secret_active_for_24_hours=True)
    result = client.webhooks.test(endpoint.id, event_type="video.completed")
    assert result.success and result.status_code == 200
    for secret in (endpoint.signing_secret, rotated.signing_secret):
        client.webhooks.verify_signature(Hook.received[-1][1], Hook.received[-1][0], secret=secret)
    assert client.webhooks.delete(endpoint.id).deleted
    raises(openai.NotFoundError, lambda: client.webhooks.retrieve(endpoint.id))


def wait(is_so):
    for _ in range(6000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


def main():
    client = openai.OpenAI()
    models = {model.id for model in client.models.list()}
    chosen = [function for function, needs_stand_in in CHECKS if not needs_stand_in or STAND_IN in models]
    failed = 0
    for function in chosen:
        try:
            function(client)
            print(f"ok      {function.__name__}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED  {function.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"openai {openai.__version__}")
    print(f"{len(chosen) - failed} passed, {failed} failed, {len(CHECKS) - len(chosen)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
