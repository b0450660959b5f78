"""The server under faults, with figures: many clients at once, clients that are slow or send too much, a full disk, and a soak.

    crates/server/conformance/run --only faults [--long]

Kills and damaged requests are tried by `cargo test -p kinora-server` (`kill.rs`, `malformed.rs`). The disk is a file system in
memory, mounted for the purpose; where that is not allowed, the check is left out and says so.
"""

import argparse
import collections
import hashlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from serving import Serving

MIB = 1 << 20
PATIENCE = 300  # Seconds, for what always comes in the end.
CLIENTS = 200


class Client:
    """One connection, which is opened again when the server has closed it."""

    def __init__(self, url):
        self.address = urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=()):
        """The status, the headers and the body of the answer."""
        headers = dict(headers)
        if body is not None:
            body, headers["content-type"] = json.dumps(body).encode(), "application/json"
        for is_last in (False, True):
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # A connection that was kept and is not kept any more; what is asked twice is named.
                self.connection.close()
                if is_last:
                    raise

    def json(self, method, path, body=None):
        status, _, answer = self.ask(method, path, body)
        assert status == 200, (method, path, status, answer)
        return json.loads(answer)

    def create(self, name, prompt, refused=lambda code: None, **fields):
        """A video, asked for until there is room in the queue."""
        for tries in range(PATIENCE):
            headers = {"idempotency-key": name}
            status, headers, answer = self.ask("POST", "/v1/videos", {"prompt": prompt, **fields}, headers)
            answer = json.loads(answer)
            if status == 200:
                return answer["id"]
            refused(answer["error"]["code"])
            assert status == 429 and int(headers["retry-after"]) >= 1, (status, answer)
            time.sleep(0.2)
        raise AssertionError(f"no room in the queue for {name}")

    def ended(self, id):
        end = time.monotonic() + PATIENCE
        while (video := self.json("GET", f"/v1/videos/{id}"))["status"] in ("queued", "in_progress"):
            assert time.monotonic() < end, f"not made in time: {video}"
            time.sleep(0.1)
        return video

    def file(self, video):
        """The file of a video that is completed, as the server has hashed it."""
        assert video["status"] == "completed", video
        status, _, body = self.ask("GET", f"/v1/videos/{video['id']}/content")
        assert status == 200 and hashlib.sha256(body).hexdigest() == video["kinora"]["sha256"], (status, video)
        return body

    def all(self):
        """All videos, part by part."""
        videos, after = [], ""
        while True:
            page = self.json("GET", f"/v1/videos?limit=100{after}")
            videos += page["data"]
            if not page["has_more"]:
                return videos
            after = f"&after={page['last_id']}"


def mib(count):
    return f"{count / MIB:.1f} MiB"


def together(count, work):
    """Does the work in so many threads at once, and gives what each returns."""
    results, errors, gate = [None] * count, [], threading.Barrier(count)

    def one(index):
        try:
            gate.wait()
            results[index] = work(index)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]
    return results


def logged(serving, folder):
    """Has the stand-in engine say what it makes, in a file; gives how often each was made."""
    path = folder / "made"
    serving.environment["KINORA_FAKE_LOG"] = str(path)
    return lambda: collections.Counter(path.read_text().split() if path.exists() else [])


def many_clients(command, folder):
    serving = Serving(command, folder)
    made = logged(serving, folder)
    refusals = collections.Counter()
    with serving:
        before, _ = serving.memory()
        begun = time.monotonic()

        def one(index):
            client = Client(serving.url)
            id = client.create(f"c{index}", f"ball {index}", lambda code: refusals.update([code]), seconds="2")
            return id, len(client.file(client.ended(id)))

        done = together(CLIENTS, one)
        seconds = time.monotonic() - begun
        after, most = serving.memory()
        listed = {video["id"]: video["prompt"] for video in Client(serving.url).all()}
        assert len(listed) == CLIENTS and len(set(listed.values())) == CLIENTS, "a request is a video once"
        assert set(listed) == {id for id, _ in done} == set(made()), "what is asked for is made"
        assert set(made().values()) == {1}, "a file is made once"
        asked = [event["job"] for event in serving.events("request") if event.get("job") and event["method"] == "POST"]
        assert set(asked) == set(listed), "the log tells which request a video is of"
        assert most < before + 128 * MIB, (before, most)
    return (
        f"{CLIENTS} clients: {len(done)} videos asked for, made once each and fetched whole in {seconds:.1f} s; refused with "
        f"429 meanwhile and asked for again: {sum(refusals.values())} times; memory {mib(before)} before, {mib(most)} at most, "
        f"{mib(after)} after"
    )


def tells(client, data):
    """How many bytes a connection takes: none when the other end has closed it."""
    try:
        return client.send(data)
    except ConnectionError:
        return 0


def until_closed(client):
    """Waits for the end of a connection: it comes with an answer before it (408), or with none, or as a reset."""
    try:
        while client.recv(1000):
            pass
    except ConnectionError:
        pass


def slow_clients(command, folder):
    """Clients that never finish their heads hold connections, and not the server."""
    slow, seconds = 300, 5
    with Serving(command, folder, "--header-seconds", str(seconds)) as serving:
        before, _ = serving.memory()
        host, port = urlsplit(serving.url).netloc.split(":")
        begun, times, client = time.monotonic(), [], Client(serving.url)
        sockets = [socket.create_connection((host, int(port)), timeout=60) for _ in range(slow)]
        head, sent = b"GET / HTTP/1.1\r\nslow: " + b"x" * 10000, 0
        # A byte to each, as long as the server is to wait for more; it may close first where this is slower than that.
        while time.monotonic() - begun < 0.8 * seconds:
            for each in sockets:
                sent += tells(each, head[len(times) : len(times) + 1])
            asked = time.monotonic()
            client.json("GET", "/v1/videos")
            times.append(1000 * (time.monotonic() - asked))
            time.sleep(0.02)
        assert sent >= slow, "each has begun to speak"
        for each in sockets:
            until_closed(each)
        closed = time.monotonic() - begun
        assert closed >= seconds, f"closed after {closed:.1f} s"
        _, most = serving.memory()
        assert most < before + 64 * MIB, (before, most)
    return (
        f"{slow} connections that send a head byte by byte: others are answered in {statistics.median(times):.1f} ms (median) and "
        f"{max(times):.1f} ms (worst); all closed after {closed:.1f} s with --header-seconds {seconds}; memory {mib(before)} "
        f"before, {mib(most)} at most"
    )


def large_bodies(command, folder):
    """More than is taken is refused, said or not, and is not kept in memory."""
    with Serving(command, folder, "--max-body-mib", "8") as serving:
        before, _ = serving.memory()
        address = urlsplit(serving.url).netloc.split(":")
        kinds = ["application/json", "multipart/form-data; boundary=x"]

        def one(index):
            is_said = index % 2 == 0
            head = "content-length: 1073741824" if is_said else "transfer-encoding: chunked"
            form = b'--x\r\ncontent-disposition: form-data; name="input_reference"; filename="a"\r\n\r\n'
            with socket.create_connection((address[0], int(address[1])), timeout=60) as client:
                kind = kinds[index // 2 % 2]
                client.sendall(f"POST /v1/videos HTTP/1.1\r\nhost: localhost\r\n{head}\r\ncontent-type: {kind}\r\n\r\n".encode())
                piece, sent = form + b"x" * (MIB - len(form)), 0
                try:
                    for _ in range(32):
                        client.sendall(piece if is_said else b"%x\r\n" % len(piece) + piece + b"\r\n")
                        sent += 1
                        piece = b"x" * MIB
                except OSError:
                    pass  # The server has closed.
                try:
                    return client.recv(1000).split(b" ")[1:2], sent
                except OSError:
                    return [], sent

        answers = together(40, one)
        statuses = collections.Counter(status[0].decode() if status else "closed" for status, _ in answers)
        assert set(statuses) <= {"413", "closed"} and statuses["413"], statuses
        Client(serving.url).json("GET", "/v1/videos")
        after, most = serving.memory()
        assert most < before + 256 * MIB, (before, most)
        left = list((folder / "data/incoming").iterdir())
        assert left == [], left
    return (
        f"40 bodies at once of 1 GiB or without end, with --max-body-mib 8: {statuses['413']} answered with 413, "
        f"{statuses['closed']} closed; memory {mib(before)} before, {mib(most)} at most, {mib(after)} after; nothing left on the disk"
    )


def full_disk(command, folder):
    """A disk that others fill: no more is accepted, what was is made when there is room again."""
    data = folder / "data"
    data.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "kinora", data], capture_output=True, text=True)
    if mounted.returncode != 0:
        return f"left out, as no file system may be mounted here: {mounted.stderr.strip()}"
    try:
        serving = Serving(command, folder, "--spare-mib", "2")
        made = logged(serving, folder)
        with serving:
            client = Client(serving.url)
            accepted = [client.create(f"a{index}", f"ball {index} steps=20 pause=20") for index in range(12)]
            client.ended(accepted[0])
            # Whole pages, until not one is left.
            filler = os.open(data / "filler", os.O_CREAT | os.O_WRONLY)
            filled = 0
            try:
                while True:
                    filled += os.write(filler, bytes(4096))
            except OSError:
                os.close(filler)
            codes = collections.Counter()
            for index in range(20):
                status, headers, answer = client.ask("POST", "/v1/videos", {"prompt": f"refused {index}"})
                assert (status, headers["x-should-retry"]) == (507, "false"), (status, answer)
                codes.update([json.loads(answer)["error"]["code"]])
            assert set(codes) == {"disk_full"}, codes
            during = [client.json("GET", f"/v1/videos/{id}") for id in accepted]
            client.file(during[0])
            lost = [video for video in during if video["status"] == "failed"]
            assert not lost, lost
            waiting = sum(video["status"] != "completed" for video in during)
            time.sleep(3)
            (data / "filler").unlink()
            ended = [client.ended(id) for id in accepted]
            for video in ended:
                client.file(video)
            later = client.create("later", "ball later")
            client.file(client.ended(later))
            assert {video["id"] for video in client.all()} == {*accepted, later}
            # Work that was done when the record had no room for its end is found done.
            assert set(made()) == {*accepted, later}, made()
            again = sum(made().values()) - len(made())
            assert again == 0, made()
        # And the record is whole.
        with Serving(command, folder, "--spare-mib", "2") as serving:
            assert len(Client(serving.url).all()) == len(accepted) + 1
        return (
            f"a disk of 32 MiB, filled by another program while 12 videos are made: 20 of 20 requests refused with 507 "
            f"disk_full, what is there is read, none of the {waiting} that were waiting is lost; with room again all 12 are "
            "completed, each file made once, and new ones are accepted"
        )
    finally:
        subprocess.run(["umount", data], check=True)


def soak(command, folder, seconds=600):
    """Small jobs, one after the other, that are deleted: memory stays."""
    with Serving(command, folder) as serving:
        client, count, seen = Client(serving.url), 0, []
        end, next_look = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            ids = [client.create(f"s{count + index}", f"ball {count + index}", seconds="1") for index in range(8)]
            for id in ids:
                client.file(client.ended(id))
                assert client.ask("DELETE", f"/v1/videos/{id}")[0] == 200
            count += len(ids)
            if time.monotonic() > next_look:
                next_look = time.monotonic() + seconds / 10
                seen.append(serving.memory()[0])
        last, most = serving.memory()
        # What the first jobs took is not yet what all of them take.
        assert last < seen[1] + 16 * MIB, seen
        assert client.all() == []
    return (
        f"{seconds} s of small videos, {count} made, fetched and deleted: memory {mib(seen[0])} at first, {mib(seen[1])} after a "
        f"tenth of it, {mib(last)} at the end, {mib(most)} at most"
    )


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--long", action="store_true", help="with the soak, which takes ten minutes")
    options.add_argument("--only", default="", help="a part of the name of the one to run")
    options.add_argument("command", nargs="+", help="the server over the stand-in engine")
    args = options.parse_args()
    checks = [many_clients, slow_clients, large_bodies, full_disk] + ([soak] if args.long else [])
    chosen = [check for check in checks if args.only in check.__name__]
    failed = 0
    for check in chosen:
        with tempfile.TemporaryDirectory(prefix="kinora-") as folder:
            try:
                print(f"ok      {check.__name__}: {check(args.command, Path(folder))}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"FAILED  {check.__name__}: {error}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
