#!/usr/bin/env python3
"""Real, unmodified posting tools through the real gate, with only proxy and CA settings, or with the gateway's address.

    run.py [--binary target/debug/sekisho] [--python PYTHON] [--only NAME]... [--jobs N] [--direct]

`--direct` leaves the gate out: the tools speak to the practice providers through a bare CONNECT proxy, which shows
that the tools and the practice providers understand each other. `--python` is the interpreter that has the SDKs. Each
of the `--jobs` towns has practice providers and a gate of its own, so that their tools do not see each other.
The last line is `N passed, N failed`; the exit code is 1 when anything failed.
"""

import argparse
import queue
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

import steps
import stories
from town import Forwarder, Gate, Practice, show_log

ROOT = Path(__file__).resolve().parents[2]
TELL_VERSION = ["--write-out", "%{stderr}HTTP/%{http_version} %{response_code}\n"]


@dataclass
class Kind:
    """A kind of posting tool, by which door it comes to the gate, and what is told of it."""

    name: str
    program: str
    provider: str = "x"
    # Chapters of `stories` and `steps`.
    story: tuple = ("text",)
    # `tunnel`: a proxy setting. `http_proxy`: without a tunnel. `path`, `origin`: the gateway's own address in the
    # place of the provider's.
    door: str = "tunnel"
    options: tuple = ()
    # What a refusal shows beside the sentence.
    shows: str = ""
    # What the SDK puts into a post by itself; it is part of what is approved.
    adds: tuple = ()
    direct: bool = False
    # What the tool does to put up a picture: `upload` and `post-with`, or one command.
    picture: str = "upload"
    # Whether the tool can change what it posted.
    edits: bool = False
    # Whether the tool can turn pages of what the account posted.
    pages: bool = False
    # The program that puts up pictures for a tool that cannot.
    uploader: str = ""

    def settings(self, port, key, origins=None):
        """What is set in the tool's environment, for a client key and the gateway's port."""
        proxy = f"http://tool:{key}@127.0.0.1:{port}"
        if self.door == "path":
            return {"SNS_BASE": f"https://localhost:{port}/x", "NO_PROXY": "localhost"}
        if self.door == "origin":
            base = f"https://localhost:{origins[self.provider]}"
            return {"SNS_BASE": base, "SEKISHO_CLIENT": key, "NO_PROXY": "localhost"}
        if self.door == "http_proxy":
            return {"SNS_BASE": "http://api.x.com", "http_proxy": proxy}
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy}

    def arguments(self, key):
        """curl's own options."""
        options = [*self.options, *(["--header", f"Sekisho-Client: {key}"] if self.door == "path" else [])]
        return [*options, "--"] if options else []


SILENT = (("notificationDisabled", False),)
X = ("text", "pictures", "thread", "relations")
LINE = ("text", "one_to_one", "menu")
CHAPTERS = stories.CHAPTERS | steps.CHAPTERS
PAGE = ("text", "pictures", "thread")
# Whoever takes a base URL (fifteen SDKs and curl) comes by both doors, tweepy and twitter-api-v2 by the proxy only.
KINDS = [
    Kind("googleapis", "youtube_node.mjs", "youtube", ("film", "captions")),
    Kind("googleapis-origin", "youtube_node.mjs", "youtube", ("film", "captions"), door="origin"),
    Kind("google-api-python-client", "youtube_python.py", "youtube", ("film", "captions")),
    Kind("google-api-python-client-origin", "youtube_python.py", "youtube", ("film", "captions"), door="origin"),
    Kind("tweepy", "x_tweepy.py", story=(*X, "parts"), direct=True),
    Kind("twitter-api-v2", "x_twitter_api_v2.mjs", story=(*X, "parts"), direct=True),
    Kind("xdk-python", "x_xdk_python.py", story=(*X, "parts"), edits=True),
    Kind("xdk-python-origin", "x_xdk_python.py", story=("channel", "relations"), edits=True, door="origin"),
    Kind("xdk-typescript", "x_xdk_node.mjs", story=(*X, "parts"), edits=True),
    Kind("xdk-typescript-origin", "x_xdk_node.mjs", story=("channel", "relations"), edits=True, door="origin"),
    Kind("curl", "curl.sh", story=X[:3], options=("--http1.1", *TELL_VERSION), shows="HTTP/1.1 403", direct=True),
    Kind("curl-h2", "curl.sh", story=X[:3], options=("--http2", *TELL_VERSION), shows="HTTP/2 403"),
    Kind("curl-path", "curl.sh", story=X[:3], door="path"),
    Kind("curl-http-proxy", "curl.sh", door="http_proxy"),
    Kind("absolute-form", "x_absolute_form.py"),
    Kind("line-bot-sdk", "line_python.py", "line", LINE, adds=SILENT, direct=True),
    Kind("line-bot-sdk-origin", "line_python.py", "line", LINE[:2], adds=SILENT, door="origin"),
    Kind("@line/bot-sdk", "line_node.mjs", "line", LINE, direct=True),
    Kind("@line/bot-sdk-origin", "line_node.mjs", "line", LINE[:2], door="origin"),
    Kind("Mastodon.py", "mastodon_python.py", "mastodon", ("channel", "later"), pages=True),
    Kind("Mastodon.py-origin", "mastodon_python.py", "mastodon", ("channel", "later"), pages=True, door="origin"),
    Kind("masto", "mastodon_node.mjs", "mastodon", ("channel", "later"), pages=True),
    Kind("masto-origin", "mastodon_node.mjs", "mastodon", ("channel", "later"), pages=True, door="origin"),
    Kind("atproto", "bluesky_python.py", "bluesky", ("channel", "writes"), picture="post-picture"),
    Kind("atproto-origin", "bluesky_python.py", "bluesky", ("channel", "writes"), picture="post-picture", door="origin"),
    Kind("@atproto/api", "bluesky_node.mjs", "bluesky", ("channel", "writes"), picture="post-picture"),
    Kind("@atproto/api-origin", "bluesky_node.mjs", "bluesky", ("channel", "writes"), picture="post-picture", door="origin"),
    Kind("facebook-sdk", "facebook_sdk.py", "facebook", PAGE),
    Kind("facebook-sdk-origin", "facebook_sdk.py", "facebook", ("channel",), door="origin"),
    Kind("facebook_business", "facebook_business_sdk.py", "facebook", (*PAGE, "batch")),
    Kind("facebook_business-origin", "facebook_business_sdk.py", "facebook", ("channel", "batch"), door="origin"),
    Kind("python-facebook-api", "facebook_pyfacebook.py", "facebook", PAGE, pages=True),
    Kind("python-facebook-api-origin", "facebook_pyfacebook.py", "facebook", ("channel",), pages=True, door="origin"),
    Kind(
        "facebook-nodejs-business-sdk", "facebook_node.mjs", "facebook", PAGE, pages=True, adds=(("id", "me"),),
        uploader="facebook_sdk.py",
    ),
    Kind(
        "facebook-nodejs-business-sdk-origin", "facebook_node.mjs", "facebook", ("channel",), pages=True, door="origin",
        uploader="facebook_sdk.py",
    ),
    *(
        Kind(f"{name}-instagram{suffix}", program, "instagram", ("instagram",), door=door)
        for name, program in [
            ("facebook_business", "facebook_business_sdk.py"), ("python-facebook-api", "facebook_pyfacebook.py"),
            ("facebook-nodejs-business-sdk", "facebook_node.mjs"),
        ]
        for suffix, door in [("", "tunnel"), ("-origin", "origin")]
    ),
    Kind("threads-client", "threads_python.py", "threads", ("two_steps",)),
    Kind("threads-client-origin", "threads_python.py", "threads", ("two_steps",), door="origin"),
]


class Town:
    """Practice providers and a gate of their own, until the work is done."""

    def __init__(self, directory):
        self.directory, self.running, self.gate = directory, [], None

    def start(self, binary, gated):
        """The processes, each in `running` before it is waited for."""
        self.directory.mkdir()
        self.practice = Practice(binary, self.directory)
        self.running.append(self.practice)
        self.practice.ready()
        if gated:
            self.gate = Gate(binary, self.directory, self.practice)
            self.running.append(self.gate)
            self.gate.ready()

    def work(self, score, kinds, python):
        """Takes one kind after the other until there are no more."""
        port = None if self.gate else Forwarder(self.practice.address).port
        while True:
            try:
                kind = kinds.get_nowait()
            except queue.Empty:
                return
            if self.gate is None:
                settings = kind.settings(port, "key")
                story = (stories.without_a_gate, score, kind, self.practice, python, settings, self.directory)
                score.story(kind.name, *story)
                continue
            for chapter in kind.story:
                scene = stories.Scene(score, kind, self, python)
                score.story(f"{kind.name}, {chapter}", CHAPTERS[chapter], scene)

    def stop(self):
        for process in reversed(self.running):
            process.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=ROOT / "target" / "debug" / "sekisho", type=Path)
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--only", action="append", choices=[kind.name for kind in KINDS])
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--direct", action="store_true")
    given = options.parse_args()
    kinds = queue.SimpleQueue()
    for kind in KINDS:
        if (given.only is None or kind.name in given.only) and (kind.direct or not given.direct):
            kinds.put(kind)

    score, towns = stories.Score(), []
    with tempfile.TemporaryDirectory(prefix="sekisho-clients-") as directory:
        try:
            for number in range(max(1, min(given.jobs, kinds.qsize()))):
                # One after the other: a port that one has found free is taken before the next one looks.
                towns.append(Town(Path(directory) / str(number)))
                towns[-1].start(given.binary.resolve(), not given.direct)
            workers = [threading.Thread(target=town.work, args=(score, kinds, given.python)) for town in towns]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        except Exception:  # noqa: BLE001 - the stage itself did not stand
            score.failed += 1
            traceback.print_exc()
        finally:
            for town in towns:
                if score.failed:
                    for process in town.running:
                        show_log(process)
                town.stop()
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
