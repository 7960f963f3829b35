"""What is told of each posting tool: chapters that a tool's kind names, and the checks that they are made of.

A chapter takes a [`Scene`]: one tool before the gate, the console of its town, and the record of the practice provider.
"""

import re
import secrets
import struct
import sys
import threading
import time
import traceback
import zlib
from pathlib import Path

from town import Tool, sha256

JAPANESE = re.compile(r"[\u3041-\u3096\u4e00-\u9fff].*(です|ます|ません|ください)")


def picture_of(greys):
    """A true PNG, 64 pixels wide, of these greys: what stands behind a picture's end is for a person to look at."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = [greys[at : at + 64] for at in range(0, len(greys), 64)]
    head = struct.pack(">IIBBBBB", 64, len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.ljust(64, b"\0") for row in rows), 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Score:
    """Counts checks and says how each went."""

    def __init__(self):
        self.passed, self.failed = 0, 0
        self.lock = threading.Lock()

    def check(self, name, holds, shown=""):
        with self.lock:
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
            tell(*arguments)
        except Exception:  # noqa: BLE001 - whatever it was, it is shown
            self.check(f"{name}: broke off", False, traceback.format_exc())


def fresh(text):
    """A text that nobody posted before."""
    return f"{text}（{secrets.token_hex(3)}）"


class Scene:
    """One tool before the gate: its account, another account's tool, and what must not change."""

    def __init__(self, score, kind, town, python):
        self.score, self.kind, self.practice, self.gate = score, kind, town.practice, town.gate
        self.directory, gate = Path(town.directory), town.gate
        # Some tools make several requests for one command.
        self.loose = not {"channel", "film"}.isdisjoint(kind.story)
        self.account = f"town-{kind.provider}"

        def tool(account, token_of, program=kind.program):
            key = gate.client_keys[account]
            settings, arguments = kind.settings(gate.port, key, gate.origins), kind.arguments(key)
            return Tool(program, gate.tokens[token_of], settings, gate.ca, python, arguments)

        self.tool = tool(self.account, self.account)
        self.uploader = tool(self.account, self.account, kind.uploader or kind.program)
        if f"{self.account}-2" in gate.tokens:
            self.other_tool = tool(f"{self.account}-2", f"{self.account}-2")
            # The same tool with the credential of the other account, which its client key may use as well.
            self.other_credential = tool(self.account, f"{self.account}-2")

    def check(self, name, holds, shown=""):
        return self.score.check(f"{self.kind.name}: {name}", holds, shown)

    def approve(self, text, picture=None):
        """The account manager approves by digest, before the post is sent."""
        shown = {
            "facebook": {"attached_media": [{"media_fbid": picture}]},
            "x": {"media": {"media_ids": [picture]}},
        }
        media = {} if picture is None else shown[self.kind.provider]
        host, path, body = {
            "facebook": ("graph.facebook.com", "/v26.0/me/feed", {"message": text, **media}),
            "x": ("api.x.com", "/2/tweets", {"text": text, **media}),
            "line": ("api.line.me", "/v2/bot/message/broadcast", {"messages": [{"type": "text", "text": text}]}),
        }[self.kind.provider]
        digest = self.gate.digest(self.account, host, path, body | dict(self.kind.adds))
        self.gate.console.approve_digest(self.account, digest)
        return digest

    def last(self):
        return self.gate.console.entries()[-1]["index"]

    def refused(self, name, code, tool, *arguments, account=None, article="11"):
        """The call is refused readably, nothing reached the provider, and one entry names the clause."""
        clause, article = f"nerima:{article}", f"練馬区SNS活用ガイドライン第{article}条"
        received, posts, last = len(self.practice.requests()), self.practice.posts(), self.last()
        went, words = tool(*arguments)
        self.check(f"{name}: refused", not went, words)
        self.check(f"{name}: the tool shows the Japanese sentence", JAPANESE.search(words), words)
        self.check(f"{name}: and the clause, as a clerk knows it and by its id", f"{article} [{clause}]" in words, words)
        if self.kind.shows:
            self.check(f"{name}: {self.kind.shows}", self.kind.shows in words, words)
        # Signing in, reading and uploading show nothing to anybody; each has its own entry.
        beside = [row for row in self.practice.requests()[received:] if self.publishes(row)]
        self.check(f"{name}: the provider got nothing of it", beside == [], beside)
        self.check(f"{name}: nothing was published", self.practice.posts() == posts)
        new = self.gate.console.entries(last)
        if self.loose:
            new = [entry for entry in new if entry["kind"] == "refusal"]
        if self.check(f"{name}: exactly one entry", len(new) == 1, new):
            entry = new[0]
            cited = entry["kind"] == "refusal" and clause in entry["clauses"] and entry["code"] == code
            self.check(f"{name}: it is a refusal that names the clause", cited, entry)
            self.check(f"{name}: and the account", entry["account"] == (account or self.account), entry)
        return words

    def publishes(self, row):
        """Whether a request is more than signing in, reading or uploading."""
        beside = ("createSession", "uploadBlob", "/api/v2/media", "upload_id=")
        return not self.loose or (row["method"] != "GET" and not any(part in row["target"] for part in beside))

    def published(self, name, text, digest, *arguments):
        """The call passes, the provider got exactly this once, and the entries were made in the right order."""
        sent, before, last = len(self.practice.publishing_requests()), len(self.practice.posts()), self.last()
        went, words = self.tool(*arguments)
        self.check(f"{name}: passed", went, words)
        new = self.practice.posts()[before:]
        self.check(f"{name}: published once, as approved", [post["text"] for post in new] == [text], new)
        self.check(f"{name}: sent once", len(self.practice.publishing_requests()) == sent + 1)
        entries = self.of_this(last, digest)
        # The outcome is durable with the next commit, which the tool does not wait for.
        for _ in range(200):
            if len(entries) > 1:
                break
            time.sleep(0.05)
            entries = self.of_this(last, digest)
        shown = [(entry["kind"], entry.get("digest")) for entry in entries]
        self.check(f"{name}: a permission, then its outcome", shown == [("permit", digest), ("outcome", None)], entries)
        return new

    def of_this(self, last, digest):
        """The entries since `last`; of a tool that makes several requests, those of this digest only."""
        entries = self.gate.console.entries(last)
        if self.loose:
            known = [entry["index"] for entry in entries if entry.get("digest") == digest]
            entries = [entry for entry in entries if entry["index"] in known or entry.get("of") in known]
        return entries

    def approve_only_ticket(self, held):
        """The manager approves what waits, by the number that the tool showed."""
        waiting = [ticket for ticket in self.gate.console.waiting() if ticket["id"] in held]
        if not self.check("the tool showed the number of the one ticket that waits", len(waiting) == 1, held):
            return None
        self.gate.console.approve_ticket(waiting[0]["id"])
        return waiting[0]["digest"]


def text(scene):
    """Read, held, approved, used up, changed, another account, approved by ticket."""
    went, words = scene.tool("read")
    scene.check("a read passes", went and words, words)

    text = fresh("防災訓練のお知らせ")
    scene.refused("without approval", "approval-missing", scene.tool, "post", text)
    digest = scene.approve(text)
    scene.published("after approval by digest", text, digest, "post", text)
    scene.refused("a second use", "approval-missing", scene.tool, "post", text)

    text = fresh("図書館は10時に開きます")
    digest = scene.approve(text)
    changed, other = text.replace("10時", "11時"), f"{scene.account}-2"
    scene.refused("one changed character", "approval-missing", scene.tool, "post", changed)
    scene.refused("another account", "approval-missing", scene.other_tool, "post", text, account=other)
    scene.refused("another credential", "approval-missing", scene.other_credential, "post", text, account=other)
    scene.published("the approved text still passes", text, digest, "post", text)

    text = fresh("粗大ごみの受付を休みます")
    held = scene.refused("held for its ticket", "approval-missing", scene.tool, "post", text)
    digest = scene.approve_only_ticket(held)
    scene.published("after approval of the ticket", text, digest, "post", text)


def two_steps(scene):
    """Held when it is made; approved by ticket; published once; a container that was made elsewhere is not."""
    went, words = scene.tool("read")
    scene.check("a read passes", went and words, words)

    text = fresh("防災訓練のお知らせ")
    held = scene.refused("without approval", "approval-missing", scene.tool, "post", text)
    digest = scene.approve_only_ticket(held)
    last, before = scene.last(), len(scene.practice.posts())
    went, words = scene.tool("post", text)
    scene.check("after approval of the ticket: passed", went, words)
    new = scene.practice.posts()[before:]
    scene.check("published once, as approved", [post["text"] for post in new] == [text], new)
    entries = [entry for entry in scene.gate.console.entries(last) if entry.get("digest")]
    shown = [(entry["kind"], entry["route"], entry["digest"]) for entry in entries]
    steps = [("permit", "container", digest), ("permit", "container-publish", digest)]
    scene.check("made and published, under one digest", shown == steps, shown)
    scene.check("the second follows the first", entries[1].get("follows") == entries[0]["index"], entries)

    held = scene.refused("again", "approval-missing", scene.tool, "container", text)
    scene.approve_only_ticket(held)
    went, container = scene.tool("container", text)
    scene.check("a container passes when approved", went, container)
    before = len(scene.practice.posts())
    went, words = scene.other_tool("publish", container)
    scene.check("another account cannot publish it", not went and JAPANESE.search(words), words)
    went, words = scene.tool("publish", "17900000000099999")
    scene.check("nor this one what was made elsewhere", not went and "sekisho:container" in words, words)
    scene.check("nothing was published", len(scene.practice.posts()) == before)
    went, words = scene.tool("publish", container)
    scene.check("this account publishes it", went and len(scene.practice.posts()) == before + 1, words)

    own, answer = words, fresh("訓練は10時からです")
    scene.refused("a reply to somebody", "individual-reply", scene.tool, "reply", answer, "123456", article="14")
    held = scene.refused("the own thread", "approval-missing", scene.tool, "reply", answer, own)
    scene.approve_only_ticket(held)
    went, words = scene.tool("reply", answer, own)
    last = scene.practice.posts()[-1]
    scene.check("the own thread goes on", went and (last["text"], last["action"]) == (answer, "reply"), (words, last))
    held = scene.refused("a deletion", "approval-missing", scene.tool, "delete", own)
    scene.approve_only_ticket(held)
    went, words = scene.tool("delete", own)
    gone = [post["deleted"] for post in scene.practice.posts() if post["id"] == own]
    scene.check("the provider has deleted it", went and words == own and gone == [True], (words, gone))

    pictures = ["https://www.city.example/1.jpg", "https://www.city.example/2.jpg"]
    went, words = scene.tool("carousel", text, *pictures)
    scene.check("a carousel is held as a whole", not went and "nerima:11" in words, words)
    scene.approve_only_ticket(words)
    went, words = scene.tool("carousel", text, *pictures)
    scene.check("and passes when approved", went, words)


def pictures(scene):
    """A picture is approved with its bytes: the same words with another picture are another post."""
    approved, changed = scene.directory / "approved.png", scene.directory / "changed.png"
    noise = secrets.token_bytes(64)
    approved.write_bytes(picture_of(noise))
    changed.write_bytes(picture_of(noise[:-1] + bytes([noise[-1] ^ 1])))
    text = fresh("花が咲きました")

    ids = []
    for picture in (approved, changed):
        went, words = scene.uploader("upload", str(picture))
        if not scene.check(f"upload of {picture.name} passes", went, words):
            return
        ids.append(words)
    scene.refused("a picture without approval", "approval-missing", scene.tool, "post-with", text, ids[0])
    digest = scene.approve(text, ids[0])
    scene.refused("one changed byte in the picture", "approval-missing", scene.tool, "post-with", text, ids[1])
    scene.refused("the words without the picture", "approval-missing", scene.tool, "post", text)
    new = scene.published("the approved picture", text, digest, "post-with", text, ids[0])
    hashes = [post["media_sha256"] for post in new]
    scene.check("the provider has the approved bytes", hashes == [[sha256(approved.read_bytes())]], hashes)
    scene.refused("the picture a second time", "approval-missing", scene.tool, "post-with", text, ids[0])


def channel(scene):
    """Text, picture, reply, deletion in short: each held, approved by its ticket, done once."""
    went, words = scene.tool("read")
    scene.check("a read passes", went and words, words)

    text = fresh("防災訓練のお知らせ")
    held = scene.refused("a text", "approval-missing", scene.tool, "post", text)
    digest = scene.approve_only_ticket(held)
    scene.refused("one changed character", "approval-missing", scene.tool, "post", text.replace("防災", "防火"))
    [own] = scene.published("the approved text", text, digest, "post", text) or [{"id": ""}]
    scene.refused("a second use", "approval-missing", scene.tool, "post", text)

    approved, changed = scene.directory / f"{scene.kind.program}.png", scene.directory / f"{scene.kind.program}-2.png"
    noise = secrets.token_bytes(64)
    approved.write_bytes(picture_of(noise))
    changed.write_bytes(picture_of(noise[:-1] + bytes([noise[-1] ^ 1])))
    text = fresh("花が咲きました")

    def with_picture(picture):
        if scene.kind.picture != "upload":
            return (scene.kind.picture, text, str(picture))
        went, medium = scene.uploader("upload", str(picture))
        scene.check(f"upload of {picture.name} passes", went, medium)
        return ("post-with", text, medium)

    right, wrong = with_picture(approved), with_picture(changed)
    held = scene.refused("a picture", "approval-missing", scene.tool, *right)
    digest = scene.approve_only_ticket(held)
    scene.refused("one changed byte in the picture", "approval-missing", scene.tool, *wrong)
    new = scene.published("the approved picture", text, digest, *right)
    hashes = [post["media_sha256"] for post in new]
    scene.check("the provider has the approved bytes", hashes == [[sha256(approved.read_bytes())]], hashes)

    goes_on(scene, own)


def thread(scene):
    """A post of one's own, its thread, a stranger's, its deletion."""
    text = fresh("防災訓練の続報です")
    digest = scene.approve(text)
    [own] = scene.published("a post to begin with", text, digest, "post", text) or [{"id": ""}]
    goes_on(scene, own)


def goes_on(scene, own):
    """A reply to somebody is refused; when approved, the own thread goes on and its first post is deleted."""
    if scene.kind.pages:
        pages(scene)
    foreign = "at://did:plc:someone/app.bsky.feed.post/3k2aaaaaaaa2a" if scene.kind.provider == "bluesky" else "123456"
    text = fresh("お問い合わせの件です")
    scene.refused("a reply to somebody", "individual-reply", scene.tool, "reply", text, foreign, article="14")
    held = scene.refused("the own thread", "approval-missing", scene.tool, "reply", text, own["id"])
    digest = scene.approve_only_ticket(held)
    scene.published("the own thread goes on", text, digest, "reply", text, own["id"])

    held = scene.refused("a deletion", "approval-missing", scene.tool, "delete", own["id"])
    scene.approve_only_ticket(held)
    went, words = scene.tool("delete", own["id"])
    scene.check("the approved deletion passes", went, words)
    gone = [post["deleted"] for post in scene.practice.posts() if post["id"] == own["id"]]
    scene.check("the provider has deleted it", gone == [True], gone)


def pages(scene):
    """The second page of what the account posted: the provider names its address, and the tool reaches it."""
    received = len(scene.practice.requests())
    went, words = scene.tool("pages")
    first, _, second = words.partition(",")
    scene.check("two pages, one post each", went and first and second and first != second, words)
    sent = [row["target"] for row in scene.practice.requests()[received:]]
    asked = [re.search("(after|max_id)=[0-9_]+", target) is not None for target in sent]
    # Some look for a page more.
    scene.check("the provider was asked for both", asked[:2] == [False, True] and all(asked[1:]), sent)


def parts(scene):
    """A picture that goes up in parts: approved with the hash of the whole, which is what the provider has."""
    picture, text = scene.directory / f"{scene.kind.program}-parts.png", fresh("花が散りました")
    picture.write_bytes(picture_of(secrets.token_bytes(2_500)))
    went, medium = scene.tool("upload-parts", str(picture))
    if not scene.check("an upload in parts passes", went, medium):
        return
    went, words = scene.tool("describe", medium, "桜の写真")
    scene.check("its alternative text passes", went, words)
    held = scene.refused("a post with it", "approval-missing", scene.tool, "post-with", text, medium)
    digest = scene.approve_only_ticket(held)
    went, words = scene.tool("describe", medium, "梅の写真")
    scene.check("another alternative text passes", went, words)
    scene.refused("and is another post", "approval-missing", scene.tool, "post-with", text, medium)
    went, words = scene.tool("describe", medium, "桜の写真")
    scene.check("the first alternative text again", went, words)
    new = scene.published("the approved post with it", text, digest, "post-with", text, medium)
    hashes = [post["media_sha256"] for post in new]
    scene.check("the provider has the bytes, joined", hashes == [[sha256(picture.read_bytes())]], hashes)


def one_to_one(scene):
    """What shows nothing to anybody passes; a message to one person is no post, and is refused."""
    before = len(scene.practice.posts())
    went, words = scene.tool("validate", fresh("点検のお知らせ"))
    scene.check("a validation passes, and publishes nothing", went and len(scene.practice.posts()) == before, words)
    text = fresh("お問い合わせの件です")
    scene.refused("a message to one person", "individual-reply", scene.tool, "push", text, "U" + "0" * 32, article="14")


def film(scene):
    """A film is approved with its words, sent as private, made public with another approval, and taken down."""
    went, words = scene.tool("read")
    scene.check("a read passes", went and words, words)
    film = scene.directory / f"{scene.kind.program}.mp4"
    film.write_bytes(secrets.token_bytes(600_000))

    text = fresh("防災訓練の動画")
    held = scene.refused("a film", "approval-missing", scene.tool, "upload", text, str(film))
    scene.approve_only_ticket(held)
    other = text.replace("防災", "防火")
    scene.refused("one changed character", "approval-missing", scene.tool, "upload", other, str(film))
    before = len(scene.practice.posts())
    went, own = scene.tool("upload", text, str(film))
    if not scene.check("the approved film passes", went, own):
        return
    scene.check("nobody sees it yet", len(scene.practice.posts()) == before, scene.practice.posts()[before:])
    scene.refused("a second use", "approval-missing", scene.tool, "upload", text, str(film))

    picture = scene.directory / f"{scene.kind.program}.png"
    picture.write_bytes(picture_of(secrets.token_bytes(64)))
    held = scene.refused("a thumbnail", "approval-missing", scene.tool, "thumbnail", own, str(picture))
    scene.approve_only_ticket(held)
    went, words = scene.tool("thumbnail", own, str(picture))
    sent = [row["body_sha256"] for row in scene.practice.requests() if "thumbnails/set" in row["target"]]
    as_approved = went and sent[-1:] == [sha256(picture.read_bytes())]
    scene.check("the approved thumbnail passes, byte for byte", as_approved, words)

    held = scene.refused("its publication", "approval-missing", scene.tool, "publish", text, own)
    scene.approve_only_ticket(held)
    scene.refused("other words at its publication", "approval-missing", scene.tool, "publish", other, own)
    went, words = scene.tool("publish", text, own)
    scene.check("the approved publication passes", went and words == own, words)
    new = [(post["id"], post["text"], post["media_sha256"]) for post in scene.practice.posts()[before:]]
    scene.check("published once, with its words and bytes", new == [(own, text, [sha256(film.read_bytes())])], new)
    scene.refused("the publication a second time", "approval-missing", scene.tool, "publish", text, own)

    held = scene.refused("a deletion", "approval-missing", scene.tool, "delete", own)
    scene.approve_only_ticket(held)
    went, words = scene.tool("delete", own)
    scene.check("the approved deletion passes", went, words)
    gone = [post["deleted"] for post in scene.practice.posts() if post["id"] == own]
    scene.check("the provider has deleted it", gone == [True], gone)


TOLD = (text, two_steps, pictures, channel, thread, parts, one_to_one, film)
CHAPTERS = {chapter.__name__: chapter for chapter in TOLD}


def without_a_gate(score, kind, practice, python, settings, directory):
    """The same tools at the practice providers themselves."""
    tool = Tool(kind.program, "1001-practice", settings, practice.ca, python)

    def check(name, holds, shown=""):
        return score.check(f"{kind.name} (direct): {name}", holds, shown)

    went, words = tool("read")
    check("a read passes", went and words, words)
    text = fresh("練習の投稿です")
    before = len(practice.posts())
    went, words = tool("post", text)
    check("a post passes", went and words, words)
    new = practice.posts()[before:]
    check("it was published once, as sent", [post["text"] for post in new] == [text], new)
    if kind.provider == "line":
        went, words = tool("post", "長" * 5001)
        check("the provider's own refusal is shown", not went and "messages[0].text" in words, words)
        return
    went, words = tool("post", text)
    # twitter-api-v2 shows only the status of a problem without a list of errors.
    check("the provider's own refusal is shown", not went and re.search("duplicate|code 403", words), words)
    picture = Path(directory) / f"{kind.program}.png"
    picture.write_bytes(picture_of(secrets.token_bytes(3_000_000)))
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


