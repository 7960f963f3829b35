"""line-bot-sdk for Python, as it comes. It reads no proxy from the environment: both settings are its own.

    line_python.py read | post TEXT | validate TEXT | push TEXT USER_ID | menu TEXT | menu-image MENU_ID FILE |
        menu-default MENU_ID
"""

import json
import os
import sys
from urllib.parse import urlsplit

import urllib3
from linebot.v3.messaging import (
    ApiClient, ApiException, BroadcastRequest, Configuration, MessagingApi, MessagingApiBlob, PushMessageRequest,
    RichMenuArea, RichMenuBounds, RichMenuRequest, RichMenuSize, TextMessage, URIAction, ValidateMessageRequest,
)


def main(command, *arguments):
    proxy = urlsplit(os.environ.get("HTTPS_PROXY", ""))
    configuration = Configuration(access_token=os.environ["SNS_TOKEN"], ssl_ca_cert=os.environ["SSL_CERT_FILE"])
    if proxy.hostname:
        configuration.proxy = f"http://{proxy.hostname}:{proxy.port}"
    if proxy.username:
        configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=f"{proxy.username}:{proxy.password}")
    with ApiClient(configuration) as client:
        line = MessagingApi(client)
        if "SNS_BASE" in os.environ:
            line.line_base_path = os.environ["SNS_BASE"]
        if "SEKISHO_CLIENT" in os.environ:
            client.set_default_header("Sekisho-Client", os.environ["SEKISHO_CLIENT"])
        if command == "read":
            return line.get_bot_info().user_id
        if command == "validate":
            line.validate_broadcast(ValidateMessageRequest(messages=[TextMessage(text=arguments[0])]))
            return "valid"
        if command == "push":
            return line.push_message(PushMessageRequest(to=arguments[1], messages=[TextMessage(text=arguments[0])]))
        if command == "menu":
            action = URIAction(label="防災情報", uri="https://www.city.example/bosai")
            areas = [RichMenuArea(bounds=RichMenuBounds(x=0, y=0, width=2500, height=843), action=action)]
            size = RichMenuSize(width=2500, height=843)
            menu = RichMenuRequest(size=size, selected=True, name="練習町", chat_bar_text=arguments[0], areas=areas)
            return line.create_rich_menu(menu).rich_menu_id
        if command == "menu-image":
            with open(arguments[1], "rb") as image:
                content = image.read()
            headers = {"Content-Type": "image/png"}
            MessagingApiBlob(client).set_rich_menu_image(arguments[0], bytearray(content), _headers=headers)
            return arguments[0]
        if command == "menu-default":
            line.set_default_rich_menu(arguments[0])
            return arguments[0]
        if command == "post":
            request = BroadcastRequest(messages=[TextMessage(text=arguments[0])])
            return line.broadcast_with_http_info(request).headers.get("x-line-request-id")
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except (ApiException, urllib3.exceptions.HTTPError) as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
