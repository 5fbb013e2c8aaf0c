#!/usr/bin/env bash
# Tell the controller beside git-sync that there is a new commit: git-sync --exechook-command=/hook/exechook.sh
#
# git-sync's own --webhook-url cannot do it: it sends the hash of the commit and no header of ours, so that the
# controller could not authenticate it, and it accepts one fixed status as success, 200 by default.
#
# The image of git-sync has no curl; bash makes the request where there is none.
set -euo pipefail

host=${RECONCILER_HOST:-127.0.0.1}
port=${RECONCILER_PORT:-8080}
token=$(<"${RECONCILER_TOKEN_FILE:-/hook-token/token}")

if command -v curl >/dev/null; then
    # Not as an argument, which everyone sees who lists the processes.
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl --config - --silent --show-error --fail --max-time 10 --output /dev/null \
            --request POST "http://$host:$port/hooks/git"
else
    exec 3<>"/dev/tcp/$host/$port"
    printf 'POST /hooks/git HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n' "$host" "$token" >&3
    printf 'Content-Length: 0\r\nConnection: close\r\n\r\n' >&3
    read -r -t 10 _ status _ <&3
    if [ "$status" != 202 ]; then
        echo "the controller answers $status" >&2
        exit 1
    fi
fi
