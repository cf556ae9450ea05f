#!/bin/sh
# Streams the whole git log of a repository through a hub in one open-ended request, lets a second client join in the
# middle from the beginning, and checks that all of it arrived there, once and in order.
#
# usage: show.sh [REPOSITORY [HUB]]
set -eu

here=$(dirname "$0")
repository=${1:-.}
hub=${2:-http://127.0.0.1:8080}
topic=git-log/$(date +%s)-$$
url=$hub/events/$topic

work=$(mktemp -d)
reader=
trap 'test -z "$reader" || kill "$reader" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

"$here/git-log.sh" "$repository" >"$work/stream"
sed -n 's/^id: //p' "$work/stream" >"$work/sent"
: >"$work/received"
commits=$(wc -l <"$work/sent" | tr -d ' ')
test "$commits" -ge 2 || { echo "$repository has fewer than two commits: there is no middle to join in" >&2; exit 2; }
# The line after which one half of the commits is out.
middle=$(grep -n '^event: commit$' "$work/stream" | sed -n "$((commits / 2 + 1))s/:.*//p")
echo "publishing $commits commits, $(wc -c <"$work/stream") bytes"
echo "watch them in a browser: $url?since=earliest"

# What the reader has got: the log has events when it comes, so it is told no place beside theirs.
received() { sed -n 's/^id: //p' "$work/received"; }

# Holds the second half back until the reader is there.
feed() {
  sed -n "1,$((middle - 1))p" "$work/stream"
  until test -n "$(received)"; do sleep 0.1; done
  sed -n "$middle,\$p" "$work/stream"
}
feed | curl --silent --show-error --fail-with-body --max-time 120 \
  --request POST --header 'Content-Type: text/event-stream' --upload-file - "$url" >"$work/answer" &
publisher=$!

# In the middle: the hub has events, and the publisher has not finished.
until curl --silent --fail --header 'Accept: application/json' "$url" | grep -q '"id"'; do
  kill -0 "$publisher" 2>/dev/null || { wait "$publisher" || exit 1; }
  sleep 0.1
done
curl --silent --show-error --no-buffer --max-time 120 --output "$work/received" \
  --header 'Accept: text/event-stream' "$url?since=earliest" &
reader=$!

wait "$publisher" || { cat "$work/answer" >&2; exit 1; }
until test "$(received | wc -l)" -ge "$commits" || ! kill -0 "$reader" 2>/dev/null; do sleep 0.1; done

received >"$work/got"
if ! cmp "$work/sent" "$work/got"; then
  echo "sent $commits commits, received $(wc -l <"$work/got"): lost, repeated or out of order" >&2
  exit 1
fi
echo "received $commits commits by a reader that joined in the middle: none lost, none repeated, in order"
