#!/usr/bin/env bash
# A worker without a driver of SQL: curl and jq. It waits for jobs, runs one at a time, ends one that is
# cancelled, and when it is told to stop it gives back what it has.
# FORGE_API=http://localhost:8080 FORGE_TOKEN=… examples/worker-http.sh [queue]
set -uom pipefail # m: each job in a process group of its own, so that all of it can be ended

queue=${1:-default}
worker="worker-http.sh $HOSTNAME $$"
beat_seconds=${BEAT_SECONDS:-20} # a third of the lease, which is 60 seconds

# A job on stdin; its result goes to stdout, an error to stderr.
handle() {
    local job
    job=$(cat)
    sleep "$(jq '.payload.after // 0' <<<"$job")"
    jq -ej '.payload.say | strings + ", said the shell"' <<<"$job" || { echo "nothing to say" >&2; return 1; }
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf 'Authorization: Bearer %s\n' "${FORGE_TOKEN-}" >"$dir/token" # not in the list of processes
# 429 and 503 are tried again, after as long as the answer says
curl=(curl -sS --fail-with-body --retry 5 -H @"$dir/token" -H 'Content-Type: application/json' --data-binary @-)
url=${FORGE_API:-http://localhost:8080}/worker
post() { "${curl[@]}" "$url/$1"; }
end() { # process groups, without a word
    for group; do kill -- "-$group"; wait "$group"; done
} 2>/dev/null

stop() {
    trap '' TERM INT
    end $(jobs -p)
    # whoever hangs up while waiting has claimed nothing; this is what had come before (what is on its
    # way just now comes back when its lease ends)
    jq -c '.items[] | {id, lease}' "$dir/claimed" 2>/dev/null |
        while read -r held; do post release <<<"$held"; done >/dev/null
    jq -n --arg worker "$worker" '{$worker}' | post unregister >/dev/null
    exit 0
}
trap stop TERM INT

# Extends the lease while the task runs; ends it when the job is cancelled, or another's. What it sends is
# there beforehand: whoever ends it in the middle must not leave a curl behind that sends half of it.
keep() {
    local beat
    beat=$(jq -c --arg worker "$worker" '{$worker, jobs: [{id, lease}]}' <<<"$1")
    while sleep "$beat_seconds"; do
        post heartbeat <<<"$beat" | jq -e '.items[0]' >/dev/null && kill -- "-$2" && return
    done
}

jq -n --arg worker "$worker" --arg queue "$queue" '{$worker, queues: [$queue], types: ["shell"]}' | post register >/dev/null
while :; do
    : >"$dir/claimed"
    jq -n --arg worker "$worker" --arg queue "$queue" \
        '{$worker, $queue, types: ["shell"], wait_seconds: 25, lease_seconds: 60}' >"$dir/claim"
    "${curl[@]}" "$url/dequeue" <"$dir/claim" >"$dir/claimed" &
    wait $! || { cat "$dir/claimed" >&2; sleep 5 & wait $!; continue; } # wait, as a signal does not interrupt sleep
    job=$(jq -c '.items[]' "$dir/claimed")
    if [[ ! $job ]]; then # none came: say that this worker is still there
        jq -n --arg worker "$worker" '{$worker}' | post heartbeat >/dev/null
        continue
    fi
    handle <<<"$job" >"$dir/result" 2>"$dir/error" &
    task=$!
    keep "$job" "$task" &
    if { wait "$task"; } 2>/dev/null; then # bash would tell that it was killed
        jq -c --rawfile result "$dir/result" '{id, lease, $result}' <<<"$job" | post complete
    else
        jq -c --rawfile error "$dir/error" '{id, lease, $error}' <<<"$job" | post fail
    fi >"$dir/answer" || cat "$dir/answer" >&2
    : >"$dir/claimed"
    end $!
done
