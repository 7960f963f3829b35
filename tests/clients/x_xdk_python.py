"""xdk for Python, as it comes: requests reads proxy and CA from the environment. Its exception shows the status line only;
the gate's words are in the answer that the exception carries.

    x_xdk_python.py read | post TEXT | upload FILE | upload-parts FILE | post-with TEXT MEDIA_ID |
        describe MEDIA_ID TEXT | reply TEXT ID | quote TEXT ID | edit TEXT ID | repost ID | delete ID
"""

import base64
import json
import os
import sys

import requests
from xdk import Client
from xdk.media.models import AppendUploadRequest, CreateMetadataRequest, InitializeUploadRequest, UploadRequest
from xdk.posts.models import CreateRequest
from xdk.users.models import RepostPostRequest

PART = 1000


def text_of(data):
    return base64.b64encode(data).decode()


def main(command, *given):
    settings = {"base_url": os.environ["SNS_BASE"]} if "SNS_BASE" in os.environ else {}
    client = Client(access_token=os.environ["SNS_TOKEN"], **settings)
    if "SEKISHO_CLIENT" in os.environ:
        client.session.headers["Sekisho-Client"] = os.environ["SEKISHO_CLIENT"]
    if command == "read":
        return client.users.get_me().data.id
    if command == "post":
        return client.posts.create(CreateRequest(text=given[0])).data.id
    if command == "post-with":
        return client.posts.create(CreateRequest(text=given[0], media={"media_ids": [given[1]]})).data.id
    if command == "reply":
        return client.posts.create(CreateRequest(text=given[0], reply={"in_reply_to_tweet_id": given[1]})).data.id
    if command == "quote":
        return client.posts.create(CreateRequest(text=given[0], quote_tweet_id=given[1])).data.id
    if command == "edit":
        return client.posts.create(CreateRequest(text=given[0], edit_options={"previous_post_id": given[1]})).data.id
    if command == "repost":
        own = os.environ["SNS_TOKEN"].split("-")[0]
        return client.users.repost_post(own, RepostPostRequest(tweet_id=given[0])).data.rest_id
    if command == "delete":
        client.posts.delete(given[0])
        return given[0]
    if command == "upload":
        with open(given[0], "rb") as image:
            body = UploadRequest(media=text_of(image.read()), media_category="tweet_image")
        return client.media.upload(body).data.id
    if command == "describe":
        client.media.create_metadata(CreateMetadataRequest(id=given[0], metadata={"alt_text": {"text": given[1]}}))
        return given[0]
    if command == "upload-parts":
        with open(given[0], "rb") as image:
            data = image.read()
        opening = InitializeUploadRequest(media_category="tweet_image", media_type="image/png", total_bytes=len(data))
        medium = client.media.initialize_upload(opening).data.id
        for index, start in enumerate(range(0, len(data), PART)):
            part = AppendUploadRequest(media=text_of(data[start : start + PART]), segment_index=index)
            client.media.append_upload(medium, part)
        return client.media.finalize_upload(medium).data.id
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except requests.HTTPError as problem:
    answer = {"ok": False, "error": f"{problem}\n{problem.response.json().get('detail')}"}
print(json.dumps(answer, ensure_ascii=False))
