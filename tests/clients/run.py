#!/usr/bin/env python3
"""Real, unmodified posting tools through the gate's forward proxy, with only proxy and CA settings.

    run.py [--binary target/debug/sekisho] [--python PYTHON] [--only PROGRAM] [--direct]

`--direct` leaves the gate out: the tools speak to the practice providers through a bare CONNECT proxy, which shows
that the tools and the practice providers understand each other. `--python` is the interpreter that has the SDKs.
The last line is `N passed, N failed`; the exit code is 1 when anything failed.
"""

import argparse
import re
import secrets
import sys
import tempfile
import traceback
from pathlib import Path

from town import Forwarder, Gate, Practice, Tool, sha256, show_log

ROOT = Path(__file__).resolve().parents[2]
X_PROGRAMS = ["x_tweepy.py", "x_twitter_api_v2.mjs", "curl.sh"]
LINE_PROGRAMS = ["line_python.py", "line_node.mjs"]
JAPANESE = re.compile(r"[\u3041-\u3096\u4e00-\u9fff].*(です|ます|ません|ください)")
CLAUSE = re.compile(r"第\s*[0-9０-９一二三四五六七八九十]+\s*条|[a-z]+:\d+")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Score:
    """Counts checks and says how each went."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, name, holds, shown=""):
        if holds:
            self.passed += 1
            print(f"ok      {name}")
        else:
            self.failed += 1
            print(f"FAILED  {name}\n        {shown}")
        sys.stdout.flush()
        return holds

    def story(self, name, tell, *arguments):
        """A story that breaks off counts as one failure and does not take the others along."""
        try:
            tell(self, *arguments)
        except Exception:  # noqa: BLE001 - whatever it was, it is shown
            self.failed += 1
            print(f"FAILED  {name}: broke off\n{traceback.format_exc()}")


def fresh(text):
    """A text that nobody posted before."""
    return f"{text}（{secrets.token_hex(3)}）"


class Scene:
    """One tool before the gate: its account, another account's tool, and what must not change."""

    def __init__(self, score, program, practice, gate, python):
        self.score, self.program, self.practice, self.gate = score, program, practice, gate
        self.provider = "x" if program in X_PROGRAMS else "line"
        self.account = f"town-{self.provider}"

        def tool(account, token):
            proxy = f"http://{account}:{gate.client_keys[account]}@127.0.0.1:{gate.port}"
            return Tool(program, token, proxy, gate.ca, python)

        self.tool = tool(self.account, "1001-practice")
        self.other = tool(f"{self.account}-2", "1002-practice")

    def check(self, name, holds, shown=""):
        return self.score.check(f"{self.program}: {name}", holds, shown)

    def approve(self, text):
        host, path, body = {
            "x": ("api.x.com", "/2/tweets", {"text": text}),
            "line": ("api.line.me", "/v2/bot/message/broadcast", {"messages": [{"type": "text", "text": text}]}),
        }[self.provider]
        self.gate.console.approve_digest(self.account, self.gate.digest(host, path, body))

    def refused(self, name, tool, *arguments):
        """The call is refused readably, nothing reached the provider, and one entry names the clause."""
        sent, posts = len(self.practice.publishing_requests()), self.practice.posts()
        last = max((entry["index"] for entry in self.gate.console.entries()), default=-1)
        went, words = tool(*arguments)
        self.check(f"{name}: refused", not went, words)
        self.check(f"{name}: the tool shows the Japanese sentence", JAPANESE.search(words), words)
        self.check(f"{name}: and the clause", CLAUSE.search(words), words)
        self.check(f"{name}: the provider got nothing", len(self.practice.publishing_requests()) == sent)
        self.check(f"{name}: nothing was published", self.practice.posts() == posts)
        new = [entry for entry in self.gate.console.entries(last) if "refus" in str(entry) or "held" in str(entry)]
        self.check(f"{name}: one entry, which names the clause", len(new) == 1 and CLAUSE.search(str(new[0])), new)

    def published(self, name, text, *arguments):
        """The call passes, and the provider got exactly this once."""
        sent, before = len(self.practice.publishing_requests()), len(self.practice.posts())
        went, words = self.tool(*arguments)
        self.check(f"{name}: passed", went, words)
        new = self.practice.posts()[before:]
        self.check(f"{name}: published once, as approved", [post["text"] for post in new] == [text], new)
        self.check(f"{name}: sent once", len(self.practice.publishing_requests()) == sent + 1)
        return new


def at_the_gate(score, program, practice, gate, python):
    """Read, held, approved, replayed, changed, another account."""
    scene = Scene(score, program, practice, gate, python)
    went, words = scene.tool("read")
    scene.check("a read passes", went, words)

    text = fresh("防災訓練のお知らせ")
    scene.refused("without approval", scene.tool, "post", text)
    scene.approve(text)
    scene.published("after approval", text, "post", text)
    scene.refused("a second use", scene.tool, "post", text)

    text = fresh("図書館は10時に開きます")
    scene.approve(text)
    scene.refused("one changed character", scene.tool, "post", text.replace("10時", "11時"))
    scene.refused("another account", scene.other, "post", text)
    scene.published("the approved text still passes", text, "post", text)


def media_at_the_gate(score, program, practice, gate, python, directory):
    """A picture is approved with its bytes: the same words with another picture are another post."""
    scene = Scene(score, program, practice, gate, python)
    approved, changed = Path(directory) / "approved.png", Path(directory) / "changed.png"
    noise = secrets.token_bytes(64)
    approved.write_bytes(PIXEL + noise)
    changed.write_bytes(PIXEL + noise[:-1] + bytes([noise[-1] ^ 1]))
    text = fresh("花が咲きました")

    ids = []
    for picture in (approved, changed):
        went, words = scene.tool("upload", str(picture))
        if not scene.check(f"upload of {picture.name} passes", went, words):
            return
        ids.append(words)
    before = set(gate.console.waiting())
    scene.refused("a picture without approval", scene.tool, "post-with", text, ids[0])
    tickets = set(gate.console.waiting()) - before
    if not scene.check("one ticket waits for it", len(tickets) == 1, tickets):
        return
    gate.console.approve_ticket(tickets.pop())
    scene.refused("one changed byte in the picture", scene.tool, "post-with", text, ids[1])
    new = scene.published("the approved picture", text, "post-with", text, ids[0])
    hashes = [post["media_sha256"] for post in new]
    scene.check("the provider has the approved bytes", hashes == [[sha256(approved.read_bytes())]], hashes)


def without_a_gate(score, program, practice, python, proxy, directory):
    """The same tools at the practice providers themselves."""
    tool = Tool(program, "1001-practice", proxy, practice.ca, python)

    def check(name, holds, shown=""):
        return score.check(f"{program} (direct): {name}", holds, shown)

    went, words = tool("read")
    check("a read passes", went and words, words)
    text = fresh("練習の投稿です")
    before = len(practice.posts())
    went, words = tool("post", text)
    check("a post passes", went and words, words)
    new = practice.posts()[before:]
    check("it was published once, as sent", [post["text"] for post in new] == [text], new)
    if program in LINE_PROGRAMS:
        went, words = tool("post", "長" * 5001)
        check("the provider's own refusal is shown", not went and "messages[0].text" in words, words)
        return
    went, words = tool("post", text)
    # twitter-api-v2 shows only the status of a problem without a list of errors.
    check("the provider's own refusal is shown", not went and re.search("duplicate|code 403", words), words)
    picture = Path(directory) / f"{program}.png"
    picture.write_bytes(PIXEL + secrets.token_bytes(3_000_000))
    went, media = tool("upload", str(picture))
    if not check("an upload passes", went, media):
        return
    before = len(practice.posts())
    went, words = tool("post-with", fresh("写真です"), media)
    check("a post with it passes", went, words)
    hashes = [post["media_sha256"] for post in practice.posts()[before:]]
    check("the provider has the bytes", hashes == [[sha256(picture.read_bytes())]], hashes)
    went, words = tool("post-with", fresh("写真です"), "12345")
    # twitter-api-v2 shows the problem's detail, the others each error.
    known = re.search("media IDs are invalid|One or more parameters to your request was invalid", words)
    check("an unknown picture is refused", not went and known, words)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=ROOT / "target" / "debug" / "sekisho", type=Path)
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--only", choices=X_PROGRAMS + LINE_PROGRAMS)
    options.add_argument("--direct", action="store_true")
    given = options.parse_args()
    binary = given.binary.resolve()
    programs = [given.only] if given.only else X_PROGRAMS + LINE_PROGRAMS

    score, running = Score(), []
    with tempfile.TemporaryDirectory(prefix="sekisho-clients-") as directory:
        try:
            practice = Practice(binary, directory)
            running.append(practice)
            if given.direct:
                proxy = f"http://user:key@127.0.0.1:{Forwarder(practice.address).port}"
                for program in programs:
                    score.story(program, without_a_gate, program, practice, given.python, proxy, directory)
            else:
                gate = Gate(binary, directory, practice)
                running.append(gate)
                for program in programs:
                    score.story(program, at_the_gate, program, practice, gate, given.python)
                    if program in X_PROGRAMS:
                        score.story(program, media_at_the_gate, program, practice, gate, given.python, directory)
        except Exception:  # noqa: BLE001 - the stage itself did not stand
            score.failed += 1
            traceback.print_exc()
        finally:
            if score.failed:
                for process in running:
                    show_log(process)
            for process in reversed(running):
                process.stop()
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
