"""What each provider has beside text, picture, reply and deletion: one chapter a provider, told of every client that
offers the step. Chapters take a `Scene` of `stories`.
"""

import base64
import json
import secrets
from datetime import datetime, timedelta, timezone

from stories import JAPANESE, fresh, picture_of
from town import sha256

SITE = "https://www.city.example"
# Of somebody else.
FOREIGN = "1234567890123456789"


def step(scene, name, *command, code="approval-missing", article="11"):
    """Held, approved by its ticket, carried out; gives what the tool got and what was published by it."""
    held = scene.refused(name, code, scene.tool, *command, article=article)
    scene.approve_only_ticket(held)
    return passes(scene, f"{name}, approved", *command)


def passes(scene, name, *command):
    """The command goes through; gives what the tool got and what was published by it."""
    before = len(scene.practice.posts())
    went, words = scene.tool(*command)
    scene.check(f"{name}: passes", went, words)
    return words, scene.practice.posts()[before:]


def blocked(scene, name, shows, tool, *command):
    """Something that no approval opens: the tool shows why, and the provider's record does not change."""
    before, received = scene.practice.posts(), len(scene.practice.requests())
    went, words = tool(*command)
    scene.check(f"{name}: refused readably", not went and JAPANESE.search(words) and shows in words, words)
    beside = [row for row in scene.practice.requests()[received:] if scene.publishes(row)]
    scene.check(f"{name}: the provider got nothing of it", beside == [] and scene.practice.posts() == before, beside)


def shown(posts):
    """What readers see of posts."""
    return [(post["action"], post["text"]) for post in posts]


def written(scene, part):
    """The last request at an address, as the provider got it: its body."""
    rows = [row for row in scene.practice.requests() if part in row["target"] and row["method"] != "GET"]
    return base64.b64decode(rows[-1]["body_base64"] or "") if rows else b""


def own_post(scene, text):
    """A post of one's own to begin with; gives its id."""
    own, new = step(scene, "a post to begin with", "post", text)
    scene.check("a post to begin with: published", shown(new) == [("publish", text)], new)
    return own


def relations(scene):
    """X: quoting and passing on need the manager's judgement; an edit is approved with its new words."""
    own = own_post(scene, fresh("防災訓練のお知らせ"))
    text = fresh("県の発表です")
    _, new = step(scene, "a quote", "quote", text, FOREIGN)
    told = [(post["action"], post["text"], post["body"].get("quote_tweet_id")) for post in new]
    scene.check("a quote: of this post, with these words", told == [("quote", text, FOREIGN)], new)
    scene.refused("a quote of another post", "approval-missing", scene.tool, "quote", text, own)
    _, new = step(scene, "a repost", "repost", FOREIGN)
    told = [(post["action"], post["body"].get("tweet_id")) for post in new]
    scene.check("a repost: of this post", told == [("repost", FOREIGN)], new)
    scene.refused("a repost of another post", "approval-missing", scene.tool, "repost", own)
    if not scene.kind.edits:
        return
    text = fresh("防災訓練の時刻を改めました")
    _, new = step(scene, "an edit", "edit", text, own)
    told = [(post["action"], post["text"], post["body"]["edit_options"]["previous_post_id"]) for post in new]
    scene.check("an edit: of the own post, with these words", told == [("edit", text, own)], new)
    scene.refused("an edit a second time", "approval-missing", scene.tool, "edit", text, own)


def menu(scene):
    """LINE: a rich menu is approved with its words, and again, with its picture, when everybody is to see it."""
    text = fresh("防災")
    made, new = step(scene, "a rich menu", "menu", text)
    scene.check("a rich menu: nobody sees it yet", new == [], new)
    as_sent = json.loads(written(scene, "/v2/bot/richmenu"))
    bar = (as_sent["chatBarText"], as_sent["areas"][0]["action"]["uri"])
    scene.check("a rich menu: made as approved", bar == (text, f"{SITE}/bosai"), as_sent)
    scene.refused("a rich menu with other words", "approval-missing", scene.tool, "menu", fresh("防火"))

    blocked(scene, "a menu whose picture nobody saw", "", scene.tool, "menu-default", made)
    picture = scene.directory / f"{scene.kind.program}-menu.png"
    picture.write_bytes(picture_of(secrets.token_bytes(2_500)))
    passes(scene, "the menu's picture", "menu-image", made, str(picture))
    rows = [row for row in scene.practice.requests() if row["target"].endswith(f"{made}/content")]
    sent = [(row["host"], row["body_sha256"]) for row in rows]
    expected = [("api-data.line.me", sha256(picture.read_bytes()))]
    scene.check("the menu's picture: at the data host, byte for byte", sent == expected, sent)
    blocked(scene, "a menu made elsewhere", "", scene.tool, "menu-default", "richmenu-" + "0" * 32)
    _, new = step(scene, "the menu for everybody", "menu-default", made)
    told = [(post["action"], post["id"], post["text"], post["media_sha256"]) for post in new]
    as_approved = [("profile", made, text, [sha256(picture.read_bytes())])]
    scene.check("the menu for everybody: with its words and its picture", told == as_approved, new)


def batch(scene):
    """Facebook: two posts in one request are approved together, and refused together."""
    first, second = fresh("防災訓練のお知らせ"), fresh("図書館は10時に開きます")
    held = scene.refused("a batch", "approval-missing", scene.tool, "batch", first, second)
    scene.approve_only_ticket(held)
    changed = second.replace("10時", "11時")
    scene.refused("a batch with one character changed in one", "approval-missing", scene.tool, "batch", first, changed)
    ids, new = passes(scene, "the approved batch", "batch", first, second)
    scene.check("the approved batch: both, once", shown(new) == [("publish", first), ("publish", second)], new)
    given = [post["id"] for post in new]
    scene.check("the approved batch: the tool has both ids", ids.split(",") == given, (ids, given))
    scene.refused("the batch a second time", "approval-missing", scene.tool, "batch", first, second)


def instagram(scene):
    """Instagram: container, then publication; carousels of parts. The picture is the gate's own copy of the site's."""
    passes(scene, "a read", "read")
    text, picture = fresh("花が咲きました"), f"/{secrets.token_hex(4)}.png"
    scene.refused("a container", "approval-missing", scene.tool, "ig-container", text, SITE + picture)
    other = fresh("花が散りました")
    scene.refused("a container with other words", "approval-missing", scene.tool, "ig-container", other, SITE + picture)
    made, new = step(scene, "a container again", "ig-container", text, SITE + picture)
    scene.check("a container: nobody sees it yet", new == [], new)
    state, _ = passes(scene, "its state", "ig-state", made)
    scene.check("its state: ready", state == "FINISHED", state)
    blocked(scene, "by another account", "", scene.other_tool, "ig-publish", made)
    blocked(scene, "what was made elsewhere", "sekisho:container", scene.tool, "ig-publish", "17900000000099999")
    _, new = passes(scene, "its publication", "ig-publish", made)
    scene.check("its publication: once, with its words", shown(new) == [("publish", text)], new)
    copies = [scene.gate.copy(post["body"]["image_url"]) for post in new]
    scene.check("its publication: the picture byte for byte", copies == [scene.practice.site(picture)], len(copies))
    blocked(scene, "its publication a second time", "sekisho:container", scene.tool, "ig-publish", made)

    pictures = [f"/{secrets.token_hex(4)}.png" for _ in range(2)]
    parts = [passes(scene, "a part of a carousel", "ig-item", SITE + each)[0] for each in pictures]
    blocked(scene, "a part by itself", "sekisho:container", scene.tool, "ig-publish", parts[0])
    text = fresh("公園の花です")
    held = scene.refused("a carousel", "approval-missing", scene.tool, "ig-carousel", text, *parts)
    scene.approve_only_ticket(held)
    scene.refused("its parts in another order", "approval-missing", scene.tool, "ig-carousel", text, *reversed(parts))
    made, _ = passes(scene, "the approved carousel", "ig-carousel", text, *parts)
    _, new = passes(scene, "its publication", "ig-publish", made)
    scene.check("a carousel: once, with its words", shown(new) == [("publish", text)], new)
    sent = [json.dumps(post["body"]["children"]) for post in new]
    in_order = all(0 <= row.find(parts[0]) < row.find(parts[1]) for row in sent) and len(sent) == 1
    scene.check("a carousel: its parts in their order", in_order, sent)


def later(scene):
    """Mastodon: a status for later, another time for it, an edit, other words for what a picture shows."""
    soon, then = [(datetime.now(timezone.utc) + timedelta(hours=hours)).replace(microsecond=0) for hours in (3, 5)]
    text = fresh("明日の防災訓練のお知らせ")
    made, new = step(scene, "a status for later", "schedule", text, soon.isoformat())
    scene.check("a status for later: nobody sees it yet", new == [], new)
    scene.refused("at another time", "approval-missing", scene.tool, "schedule", text, then.isoformat())
    _, new = step(scene, "another time for it", "reschedule", made, then.isoformat())
    waits = scene.practice.mastodon(f"/api/v1/scheduled_statuses/{made}")
    kept = (waits["params"]["text"], datetime.fromisoformat(waits["scheduled_at"].replace("Z", "+00:00")))
    scene.check("another time for it: as approved", (new, kept) == ([], (text, then)), waits)

    own = own_post(scene, fresh("図書館は10時に開きます"))
    text = fresh("図書館は9時に開きます")
    _, new = step(scene, "an edit", "edit", text, own)
    scene.check("an edit: with these words", [(*row, post["id"]) for row, post in zip(shown(new), new)] == [("edit", text, own)], new)
    scene.refused("an edit a second time", "approval-missing", scene.tool, "edit", text, own)

    picture = scene.directory / f"{scene.kind.program}-alt.png"
    picture.write_bytes(picture_of(secrets.token_bytes(2_500)))
    medium, _ = passes(scene, "a picture", "upload", str(picture))
    text = fresh("花が咲きました")
    own, new = step(scene, "a status with it", "post-with", text, medium)
    scene.check("a status with it: its bytes", [post["media_sha256"] for post in new] == [[sha256(picture.read_bytes())]], new)
    held = scene.refused("its alternative text", "approval-missing", scene.tool, "edit-alt", text, own, medium, "桜の写真")
    scene.approve_only_ticket(held)
    scene.refused("another alternative text", "approval-missing", scene.tool, "edit-alt", text, own, medium, "梅の写真")
    _, new = passes(scene, "the approved alternative text", "edit-alt", text, own, medium, "桜の写真")
    alt = [json.dumps(post["body"], ensure_ascii=False) for post in new]
    scene.check("the approved alternative text: as approved", len(alt) == 1 and "桜の写真" in alt[0], new)


def writes(scene):
    """Bluesky: two posts in one transaction are approved together, and refused together."""
    first, second = fresh("防災訓練のお知らせ"), fresh("図書館は10時に開きます")
    held = scene.refused("two writes", "approval-missing", scene.tool, "writes", first, second)
    scene.approve_only_ticket(held)
    changed = second.replace("10時", "11時")
    scene.refused("two writes, one character changed", "approval-missing", scene.tool, "writes", first, changed)
    uris, new = passes(scene, "the approved writes", "writes", first, second)
    scene.check("the approved writes: both, once", shown(new) == [("publish", first), ("publish", second)], new)
    given = [post["id"] for post in new]
    scene.check("the approved writes: the tool has both", uris.split(",") == given, (uris, given))
    scene.refused("the writes a second time", "approval-missing", scene.tool, "writes", first, second)


def captions(scene):
    """YouTube: subtitles are words. They are approved with their name and every line of the file."""
    film = scene.directory / f"{scene.kind.program}-told.mp4"
    film.write_bytes(secrets.token_bytes(300_000))
    own, _ = step(scene, "a film", "upload", fresh("防災訓練の動画"), str(film))
    told, changed = (scene.directory / f"{scene.kind.program}-{name}.srt" for name in ("told", "changed"))
    words = "1\n00:00:01,000 --> 00:00:04,000\n" + fresh("訓練は10時からです") + "\n"
    told.write_text(words, encoding="utf-8")
    changed.write_text(words.replace("10時", "11時"), encoding="utf-8")
    name = fresh("日本語字幕")
    held = scene.refused("subtitles", "approval-missing", scene.tool, "caption", own, name, str(told))
    scene.approve_only_ticket(held)
    scene.refused("one character changed in them", "approval-missing", scene.tool, "caption", own, name, str(changed))
    passes(scene, "the approved subtitles", "caption", own, name, str(told))
    sent = written(scene, "/captions")
    scene.check("the approved subtitles: byte for byte", told.read_bytes() in sent and name in sent.decode(), sent[:600])
    scene.refused("the subtitles a second time", "approval-missing", scene.tool, "caption", own, name, str(told))


CHAPTERS = {told.__name__: told for told in (relations, menu, batch, instagram, later, writes, captions)}
