"""Mastodon.py, as it comes: requests reads proxy and CA from the environment.

    mastodon_python.py read | pages | post TEXT | upload FILE | post-with TEXT MEDIA_ID | reply TEXT ID | edit TEXT ID |
        edit-alt TEXT ID MEDIA_ID ALT | schedule TEXT TIME | reschedule ID TIME | delete ID
"""

import json
import os
import sys
from datetime import datetime

import requests
from mastodon import Mastodon, MastodonError


def main(command, *given):
    session = requests.Session()
    if "SEKISHO_CLIENT" in os.environ:
        session.headers["Sekisho-Client"] = os.environ["SEKISHO_CLIENT"]
    base = os.environ.get("SNS_BASE", "https://mastodon.example")
    client = Mastodon(
        access_token=os.environ["SNS_TOKEN"], api_base_url=base, session=session, version_check_mode="none",
        ratelimit_method="throw",
    )
    if command == "read":
        return client.account_verify_credentials()["id"]
    if command == "pages":
        page = client.timeline_home(limit=1)
        return f'{page[0]["id"]},{client.fetch_next(page)[0]["id"]}'
    if command == "post":
        return client.status_post(given[0])["id"]
    if command == "upload":
        return client.media_post(given[0], mime_type="image/png", description="花の写真")["id"]
    if command == "post-with":
        return client.status_post(given[0], media_ids=[given[1]])["id"]
    if command == "reply":
        return client.status_post(given[0], in_reply_to_id=given[1])["id"]
    if command == "edit":
        return client.status_update(given[1], given[0])["id"]
    if command == "edit-alt":
        # It adds the medium of a new description to those that are shown by itself, and fails where they are named.
        described = client.generate_media_edit_attributes(given[2], description=given[3])
        return client.status_update(given[1], given[0], media_attributes=[described])["id"]
    if command == "schedule":
        return client.status_post(given[0], scheduled_at=datetime.fromisoformat(given[1]))["id"]
    if command == "reschedule":
        return client.scheduled_status_update(given[0], datetime.fromisoformat(given[1]))["id"]
    if command == "delete":
        return client.status_delete(given[0])["id"]
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except MastodonError as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
