"""A tool that asks its proxy for `POST https://... HTTP/1.1` without a tunnel, as some HTTP libraries do (axios with
its own `proxy` setting among them). Bytes on a socket: what is sent is what stands here.

    x_absolute_form.py read | post TEXT
"""

import base64
import http.client
import json
import os
import socket
import sys
from urllib.parse import urlsplit


def ask(method, path, body=b""):
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    pair = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    head = (
        f"{method} https://api.x.com{path} HTTP/1.1\r\nHost: api.x.com\r\nProxy-Authorization: Basic {pair}\r\n"
        f"Authorization: Bearer {os.environ['SNS_TOKEN']}\r\nConnection: close\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((proxy.hostname, proxy.port), timeout=30) as wire:
        wire.sendall(head.encode() + b"\r\n" + body)
        answer = http.client.HTTPResponse(wire, method=method)
        answer.begin()
        return answer.status, json.loads(answer.read())


def main(command, *arguments):
    if command == "read":
        status, found = ask("GET", "/2/users/me")
    elif command == "post":
        status, found = ask("POST", "/2/tweets", json.dumps({"text": arguments[0]}).encode())
    else:
        raise SystemExit(f"unknown command: {command}")
    if status < 300:
        return {"ok": True, "id": found["data"]["id"]}
    return {"ok": False, "error": f"{status} {found['detail']}"}


print(json.dumps(main(*sys.argv[1:]), ensure_ascii=False))
