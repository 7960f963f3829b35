#!/usr/bin/env bash
# curl, as it comes: HTTPS_PROXY and CURL_CA_BUNDLE are its settings. What it prints is what a person sees.
#
#     curl.sh read | post TEXT | upload FILE | post-with TEXT MEDIA_ID
#
# Exit code 22 (HTTP status 400 and above) with the provider's or the gate's answer on standard output.
set -euo pipefail

ask() {
  curl --silent --show-error --fail-with-body --max-time 30 --header "Authorization: Bearer $SNS_TOKEN" "$@"
}

as_json() {
  python3 -c 'import json, sys; print(json.dumps({"text": sys.argv[1], **({"media": {"media_ids": [sys.argv[2]]}} if sys.argv[2:] else {})}))' "$@"
}

case "$1" in
  read) ask https://api.x.com/2/users/me ;;
  post | post-with)
    ask --json "$(as_json "${@:2}")" https://api.x.com/2/tweets
    ;;
  upload)
    ask --form media_category=tweet_image --form "media=@$2;type=image/png" https://api.x.com/2/media/upload
    ;;
  *)
    echo "unknown command: $1" >&2
    exit 2
    ;;
esac
