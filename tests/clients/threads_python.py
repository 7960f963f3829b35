"""threads-client, as it comes, through whatever proxy and CA the environment names.

    threads_python.py read | post TEXT | container TEXT | publish CONTAINER_ID | reply TEXT ID | delete ID |
        carousel TEXT URL URL

Prints one line of JSON: {"ok": true, "id": ...} or {"ok": false, "error": the exception's own text}.
"""

import asyncio
import json
import os
import sys

import httpx
from threads_client import ThreadsClient
from threads_client.config import DEFAULT_THREADS_API_HOST
from threads_client.exceptions import ThreadsError
from threads_client.models import CarouselMediaItem


async def main(command, *arguments):
    headers = {"Sekisho-Client": os.environ["SEKISHO_CLIENT"]} if "SEKISHO_CLIENT" in os.environ else {}
    client = ThreadsClient(
        access_token=os.environ["SNS_TOKEN"], base_url=os.environ.get("SNS_BASE", DEFAULT_THREADS_API_HOST),
        client=httpx.AsyncClient(headers=headers, timeout=30),
    )
    posts = client.posts
    if command == "read":
        await posts.list()
        return "read"
    if command == "post":
        return (await posts.create(arguments[0])).post_id
    if command == "container":
        return await posts.create_container(arguments[0])
    if command == "publish":
        return await posts.publish_container(arguments[0])
    if command == "reply":
        return (await posts.create(arguments[0], reply_to_id=arguments[1])).post_id
    if command == "delete":
        return arguments[0] if await posts.delete(arguments[0]) else "not deleted"
    if command == "carousel":
        items = [CarouselMediaItem(media_type="IMAGE", url=url) for url in arguments[1:]]
        return (await posts.create_carousel(arguments[0], items=items)).post_id
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(asyncio.run(main(*sys.argv[1:])))}
except ThreadsError as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
