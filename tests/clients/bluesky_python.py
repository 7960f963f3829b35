"""atproto for Python, as it comes: httpx reads proxy and CA from the environment. It goes on to the account's own server.

    bluesky_python.py read | post TEXT | post-picture TEXT FILE | reply TEXT URI | writes TEXT TEXT | delete URI
"""

import json
import os
import sys

from atproto import Client, models
from atproto.exceptions import AtProtocolError


def main(command, *given):
    client = Client(base_url=os.environ.get("SNS_BASE"))
    if "SEKISHO_CLIENT" in os.environ:
        client.request.add_additional_header("Sekisho-Client", os.environ["SEKISHO_CLIENT"])
    client.login(f"{os.environ['SNS_TOKEN']}.example", "practice-password")
    if command == "read":
        return client.me.did
    if command == "post":
        return client.send_post(given[0]).uri
    if command == "post-picture":
        with open(given[1], "rb") as picture:
            return client.send_image(given[0], picture.read(), "花の写真").uri
    if command == "reply":
        parent = models.ComAtprotoRepoStrongRef.Main(uri=given[1], cid="bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
        return client.send_post(given[0], reply_to=models.AppBskyFeedPost.ReplyRef(parent=parent, root=parent)).uri
    if command == "writes":
        made = models.ComAtprotoRepoApplyWrites.Create
        now = client.get_current_time_iso()
        posts = [models.AppBskyFeedPost.Record(text=text, created_at=now) for text in given]
        writes = [made(collection="app.bsky.feed.post", value=post) for post in posts]
        data = models.ComAtprotoRepoApplyWrites.Data(repo=client.me.did, writes=writes)
        return ",".join(result.uri for result in client.com.atproto.repo.apply_writes(data).results)
    if command == "delete":
        return client.delete_post(given[0])
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except AtProtocolError as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
