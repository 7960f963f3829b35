"""google-api-python-client, as it comes: httplib2 reads its proxy from the environment, its CA is HTTPLIB2_CA_CERTS.

    youtube_python.py read | upload TEXT FILE | publish TEXT ID | delete ID
"""

import json
import os
import sys

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaFileUpload

# The smallest part that the provider takes: a small film goes in several.
PART = 256 * 1024


class WithKey(HttpRequest):
    """A request with one header more: the client's key, for the gateway's own address."""

    def __init__(self, *given, headers=None, **named):
        super().__init__(*given, headers=(headers or {}) | {"Sekisho-Client": os.environ["SEKISHO_CLIENT"]}, **named)


def main(command, *given):
    reverse = {}
    if "SNS_BASE" in os.environ:
        reverse = {"requestBuilder": WithKey, "client_options": {"api_endpoint": os.environ["SNS_BASE"]}}
    client = build(
        "youtube", "v3", credentials=Credentials(os.environ["SNS_TOKEN"]), static_discovery=True, **reverse
    )
    if command == "read":
        return client.channels().list(part="id,snippet", mine=True).execute()["items"][0]["id"]
    if command == "upload":
        body = {"snippet": {"title": given[0], "categoryId": "22"}, "status": {"privacyStatus": "private"}}
        film = MediaFileUpload(given[1], mimetype="video/mp4", chunksize=PART, resumable=True)
        request = client.videos().insert(part="snippet,status", body=body, media_body=film)
        answer = None
        while answer is None:
            _, answer = request.next_chunk()
        return answer["id"]
    if command == "publish":
        body = {
            "id": given[1], "snippet": {"title": given[0], "categoryId": "22"}, "status": {"privacyStatus": "public"},
        }
        return client.videos().update(part="snippet,status", body=body).execute()["id"]
    if command == "delete":
        client.videos().delete(id=given[0]).execute()
        return given[0]
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except HttpError as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
