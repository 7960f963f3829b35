"""facebook_business, as it comes, through whatever proxy and CA the environment names.

    facebook_business_sdk.py read | post TEXT | upload FILE | post-with TEXT PHOTO_ID | reply TEXT ID | delete ID |
        batch TEXT TEXT | ig-container TEXT URL | ig-item URL | ig-carousel TEXT ID ID | ig-state ID | ig-publish ID

Prints one line of JSON: {"ok": true, "id": ...} or {"ok": false, "error": what Graph said, as the SDK gives it}.
"""

import json
import os
import sys

from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession


def main(command, *arguments):
    FacebookSession.GRAPH = os.environ.get("SNS_BASE", FacebookSession.GRAPH)
    api = FacebookAdsApi.init(
        app_id="1", app_secret="practice-secret", access_token=os.environ["SNS_TOKEN"], crash_log=False
    )
    if "SEKISHO_CLIENT" in os.environ:
        api._session.requests.headers["Sekisho-Client"] = os.environ["SEKISHO_CLIENT"]
    if command == "read":
        return User("me").api_get()["id"]
    if command == "post":
        return Page("me").create_feed(params={"message": arguments[0]})["id"]
    if command == "upload":
        # `create_photo` sends the file's path as a text; this is the call that sends a file.
        with open(arguments[0], "rb") as image:
            return api.call("POST", ("me", "photos"), params={"published": False}, files={"source": image}).json()["id"]
    if command == "post-with":
        shown = [{"media_fbid": arguments[1]}]
        return Page("me").create_feed(params={"message": arguments[0], "attached_media": shown})["id"]
    if command == "reply":
        return PagePost(arguments[1]).create_comment(params={"message": arguments[0]})["id"]
    if command == "delete":
        PagePost(arguments[0]).api_delete()
        return arguments[0]
    if command == "batch":
        return several(api, *arguments)
    if command.startswith("ig-"):
        return instagram(api, command, *arguments)
    raise SystemExit(f"unknown command: {command}")


def several(api, *texts):
    """A post each, in one request; Graph answers each for itself."""
    batch, ids = api.new_batch(), []

    def fails(answer):
        raise answer.error()

    for text in texts:
        Page("me").create_feed(
            params={"message": text}, batch=batch, success=lambda answer: ids.append(answer.json()["id"]), failure=fails
        )
    batch.execute()
    return ",".join(ids)


def instagram(api, command, *arguments):
    """A post in two requests: the container, and its publication."""
    account = IGUser(os.environ["SNS_TOKEN"].split("-")[0])
    if command == "ig-container":
        return account.create_media(params={"caption": arguments[0], "image_url": arguments[1]})["id"]
    if command == "ig-item":
        return account.create_media(params={"image_url": arguments[0], "is_carousel_item": True})["id"]
    if command == "ig-carousel":
        shown = {"media_type": "CAROUSEL", "caption": arguments[0], "children": arguments[1:]}
        return account.create_media(params=shown)["id"]
    if command == "ig-state":
        return api.call("GET", (arguments[0],), params={"fields": "status_code"}).json()["status_code"]
    if command == "ig-publish":
        return account.create_media_publish(params={"creation_id": int(arguments[0])})["id"]
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except FacebookRequestError as problem:
    answer = {"ok": False, "error": problem.api_error_message() or str(problem)}
print(json.dumps(answer, ensure_ascii=False))
