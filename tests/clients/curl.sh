#!/usr/bin/env bash
# curl, as it comes: HTTPS_PROXY (or http_proxy) and CURL_CA_BUNDLE are its settings. What it prints is what a person
# sees. The options of curl itself stand before `--`.
#
#     curl.sh [CURL_OPTION... --] read | post TEXT | upload FILE | post-with TEXT MEDIA_ID |
#         reply TEXT ID | delete ID
#
# SNS_BASE takes the place of https://api.x.com, for the reverse proxy's path and for plain HTTP to the proxy.
# Exit code 22 (HTTP status 400 and above) with the provider's or the gate's answer on standard output.
set -euo pipefail

options=()
if [[ " $* " == *" -- "* ]]; then
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
fi
base=${SNS_BASE:-https://api.x.com}

ask() {
  curl --silent --show-error --fail-with-body --max-time 30 --header "Authorization: Bearer $SNS_TOKEN" \
    "${options[@]}" "$@"
}

as_json() {
  python3 -c 'import json, sys; print(json.dumps({"text": sys.argv[1], **({"media": {"media_ids": [sys.argv[2]]}} if sys.argv[2:] else {})}))' "$@"
}

as_reply() {
  python3 -c 'import json, sys; print(json.dumps({"text": sys.argv[1], "reply": {"in_reply_to_tweet_id": sys.argv[2]}}))' "$@"
}

case "$1" in
  read) ask "$base/2/users/me" ;;
  post | post-with) ask --json "$(as_json "${@:2}")" "$base/2/tweets" ;;
  reply) ask --json "$(as_reply "${@:2}")" "$base/2/tweets" ;;
  delete) ask --request DELETE "$base/2/tweets/$2" ;;
  upload) ask --form media_category=tweet_image --form "media=@$2;type=image/png" "$base/2/media/upload" ;;
  *)
    echo "unknown command: $1" >&2
    exit 2
    ;;
esac
