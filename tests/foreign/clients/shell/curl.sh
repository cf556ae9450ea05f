#!/usr/bin/env bash
# `curl -N` and a loop over lines that knows `data:` only. A shell parses no JSON.
set -uo pipefail

curl -sN "$1" | while IFS= read -r line; do
    case $line in
        data:*)
            data=${line#data:}
            data=${data# }
            data=${data//\\/\\\\}
            printf '{"event":null,"data":"%s","id":null}\n' "${data//\"/\\\"}"
            ;;
    esac
done
status=("${PIPESTATUS[@]}")
[ "${status[0]}" -eq 0 ] || printf '{"error":"curl ends with %d"}\n' "${status[0]}"
printf '{"ended":true}\n'
