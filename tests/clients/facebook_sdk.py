"""facebook-sdk, as it comes, through whatever proxy and CA the environment names.

    facebook_sdk.py read | post TEXT | upload FILE | post-with TEXT PHOTO_ID | reply TEXT ID | delete ID

Prints one line of JSON: {"ok": true, "id": ...} or {"ok": false, "error": the exception's own text}.
"""

import json
import os
import sys

import facebook
import requests


def main(command, *arguments):
    session = requests.Session()
    if "SNS_BASE" in os.environ:
        facebook.FACEBOOK_GRAPH_URL = os.environ["SNS_BASE"] + "/"
    if "SEKISHO_CLIENT" in os.environ:
        session.headers["Sekisho-Client"] = os.environ["SEKISHO_CLIENT"]
    graph = facebook.GraphAPI(access_token=os.environ["SNS_TOKEN"], session=session)
    if command == "read":
        return graph.get_object("me")["id"]
    if command == "post":
        return graph.put_object("me", "feed", message=arguments[0])["id"]
    if command == "upload":
        with open(arguments[0], "rb") as image:
            return graph.put_photo(image=image, published=False)["id"]
    if command == "post-with":
        shown = json.dumps([{"media_fbid": arguments[1]}])
        return graph.put_object("me", "feed", message=arguments[0], attached_media=shown)["id"]
    if command == "reply":
        return graph.put_comment(arguments[1], message=arguments[0])["id"]
    if command == "delete":
        graph.delete_object(arguments[0])
        return arguments[0]
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except facebook.GraphAPIError as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
