"""python-facebook-api, as it comes, through whatever proxy and CA the environment names.

    facebook_pyfacebook.py read | pages | post TEXT | upload FILE | post-with TEXT PHOTO_ID | reply TEXT ID | delete ID |
        ig-container TEXT URL | ig-item URL | ig-carousel TEXT ID ID | ig-state ID | ig-publish ID

Prints one line of JSON: {"ok": true, "id": ...} or {"ok": false, "error": the exception's own text}.
"""

import json
import os
import sys

from pyfacebook import FacebookApi
from pyfacebook.exceptions import FacebookError


def main(command, *given):
    # It takes the version's path behind its address, so that the address ends in a slash.
    settings = {"base_url": os.environ["SNS_BASE"] + "/"} if "SNS_BASE" in os.environ else {}
    api = FacebookApi(access_token=os.environ["SNS_TOKEN"], **settings)
    if "SEKISHO_CLIENT" in os.environ:
        api.session.headers["Sekisho-Client"] = os.environ["SEKISHO_CLIENT"]
    if command == "read":
        return api.get_object("me", fields="id")["id"]
    if command == "pages":
        return ",".join(row["id"] for row in api.get_full_connections("me", "feed", count=2, limit=1)["data"])
    if command == "post":
        return api.post_object("me", "feed", data={"message": given[0]})["id"]
    if command == "upload":
        with open(given[0], "rb") as image:
            return api.post_object("me", "photos", data={"published": "false"}, files={"source": image})["id"]
    if command == "post-with":
        shown = json.dumps([{"media_fbid": given[1]}])
        return api.post_object("me", "feed", data={"message": given[0], "attached_media": shown})["id"]
    if command == "reply":
        return api.post_object(given[1], "comments", data={"message": given[0]})["id"]
    if command == "delete":
        api.delete_object(given[0])
        return given[0]
    if command.startswith("ig-"):
        return instagram(api, command, *given)
    raise SystemExit(f"unknown command: {command}")


def instagram(api, command, *given):
    """A post in two requests: the container, and its publication."""
    account = os.environ["SNS_TOKEN"].split("-")[0]
    if command == "ig-state":
        return api.get_object(given[0], fields="status_code")["status_code"]
    edge, data = {
        "ig-container": lambda: ("media", {"caption": given[0], "image_url": given[1]}),
        "ig-item": lambda: ("media", {"image_url": given[0], "is_carousel_item": "true"}),
        "ig-carousel": lambda: ("media", {"media_type": "CAROUSEL", "caption": given[0], "children": ",".join(given[1:])}),
        "ig-publish": lambda: ("media_publish", {"creation_id": given[0]}),
    }[command]()
    return api.post_object(account, edge, data=data)["id"]


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except FacebookError as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
