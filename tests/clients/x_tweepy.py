"""tweepy, as it comes, through whatever proxy and CA the environment names.

    x_tweepy.py read | post TEXT | upload FILE | upload-parts FILE | post-with TEXT MEDIA_ID |
        describe MEDIA_ID TEXT | reply TEXT ID | quote TEXT ID | repost ID | delete ID

Prints one line of JSON: {"ok": true, "id": ...} or {"ok": false, "error": the exception's own text}.
"""

import json
import os
import sys

import tweepy


def main(command, *arguments):
    keys = {
        "consumer_key": "practice-consumer",
        "consumer_secret": "practice-consumer-secret",
        "access_token": os.environ["SNS_TOKEN"],
        "access_token_secret": "practice-token-secret",
    }
    client = tweepy.Client(**keys)
    if command == "read":
        return client.get_me(user_auth=True).data.id
    if command == "post":
        return client.create_tweet(text=arguments[0]).data["id"]
    if command == "upload":
        auth = tweepy.OAuth1UserHandler(*keys.values())
        return tweepy.API(auth).media_upload(arguments[0]).media_id_string
    if command == "post-with":
        return client.create_tweet(text=arguments[0], media_ids=[arguments[1]]).data["id"]
    if command == "upload-parts":
        auth = tweepy.OAuth1UserHandler(*keys.values())
        return tweepy.API(auth).media_upload(arguments[0], chunked=True, media_category="tweet_image").media_id_string
    if command == "describe":
        tweepy.API(tweepy.OAuth1UserHandler(*keys.values())).create_media_metadata(*arguments)
        return arguments[0]
    if command == "reply":
        return client.create_tweet(text=arguments[0], in_reply_to_tweet_id=arguments[1]).data["id"]
    if command == "quote":
        return client.create_tweet(text=arguments[0], quote_tweet_id=arguments[1]).data["id"]
    if command == "repost":
        return client.retweet(arguments[0]).data["rest_id"]
    if command == "delete":
        client.delete_tweet(arguments[0])
        return arguments[0]
    raise SystemExit(f"unknown command: {command}")


try:
    answer = {"ok": True, "id": str(main(*sys.argv[1:]))}
except tweepy.TweepyException as problem:
    answer = {"ok": False, "error": str(problem)}
print(json.dumps(answer, ensure_ascii=False))
