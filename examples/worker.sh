#!/usr/bin/env bash
# A worker of ten lines: claims one job at a time and runs it in this shell. Needs psql only.
# DATABASE_URL=postgres://… examples/worker.sh [queue]; it ends when no job is due.
set -euo pipefail
forge() { psql "${DATABASE_URL:?}" -XqAt -v ON_ERROR_STOP=1 -v q="${1-}" -v id="${2-}" -v lease="${3-}" -v text="${4-}"; }
while job=$(forge "${1:-default}" <<<"select id, lease, payload->>'say' from forge.dequeue(:'q', 'worker.sh', types => '{shell}')") && [[ $job ]]; do
    IFS='|' read -r id lease say <<<"$job"
    if result=$([[ $say ]] && printf '%s, said the shell' "$say" 2>&1); then
        forge "" "$id" "$lease" "$result" <<<"select forge.complete(:id, :'lease', to_jsonb(:'text'::text))" >/dev/null
    else
        forge "" "$id" "$lease" "nothing to say" <<<"select forge.fail(:id, :'lease', :'text', retryable => false)" >/dev/null
    fi
done
