"""google-api-python-client, as it comes: httplib2 reads its proxy from the environment, its CA is HTTPLIB2_CA_CERTS.

    youtube_python.py read | upload TEXT FILE | thumbnail ID FILE | caption ID NAME FILE | publish TEXT ID | delete ID
"""

import json
import os
import sys

import httplib2
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload

# The smallest part that the provider takes: a small film goes in several.
PART = 256 * 1024


class WithKey(httplib2.Http):
    """The SDK's own transport with one header more, the client's key: a `requestBuilder` does not reach the parts of a film."""

    def request(self, uri, method="GET", body=None, headers=None, **more):
        headers = dict(headers or {}) | {"Sekisho-Client": os.environ["SEKISHO_CLIENT"]}
        return super().request(uri, method=method, body=body, headers=headers, **more)


def main(command, *given):
    credentials = Credentials(os.environ["SNS_TOKEN"])
    settings = {"credentials": credentials}
    if "SNS_BASE" in os.environ:
        http = WithKey()
        # As the SDK does it itself: a 308 is no redirection here.
        http.redirect_codes = http.redirect_codes - {308}
        settings = {
            "http": AuthorizedHttp(credentials, http=http), "client_options": {"api_endpoint": os.environ["SNS_BASE"]},
        }
    client = build("youtube", "v3", static_discovery=True, **settings)
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
    if command == "thumbnail":
        image = MediaFileUpload(given[1], mimetype="image/png")
        return client.thumbnails().set(videoId=given[0], media_body=image).execute()["kind"]
    if command == "caption":
        body = {"snippet": {"videoId": given[0], "language": "ja", "name": given[1]}}
        words = MediaFileUpload(given[2], mimetype="application/octet-stream")
        return client.captions().insert(part="snippet", body=body, media_body=words).execute()["id"]
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
