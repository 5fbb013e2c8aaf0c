#!/usr/bin/env bash
# Tell a pull request what merging it would do: ci/pull-request.sh [PATH]. Reads only; a role with what
# `reconciler iam read PATH` prints is enough. Runs on any build server; on GitHub, problems also stand at
# their lines. Posting the comment is another step: ci/comment.py.
#
#   RECONCILER        the program (default: reconciler)
#   RECONCILER_OUT    where validate.json, plan.json, comment.md and drift.html go (default: reconciler-results)
#   RECONCILER_PLAN   false: only validate, for whoever has no credentials, such as forks
#   RECONCILER_DRIFT  true: also the drift report, for which every dataset is listed a second time
#
# Exits as validate, else as plan: 0, 3 not all could be seen, 5 invalid specs, 8 credentials.
set -euo pipefail
path=${1:-specs}
reconciler=${RECONCILER:-reconciler}
out=${RECONCILER_OUT:-reconciler-results}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
comment=$out/comment.md
report=

mkdir -p "$out"
rm -f "$out"/{validate.json,plan.json,comment.md,drift.html}

code=0
"$reconciler" validate "$path" -o json >"$out/validate.json" || code=$?
if [ "${GITHUB_ACTIONS:-}" = true ]; then
    python3 -I "$here/problems.py" annotations "$out/validate.json"
else
    "$reconciler" validate "$path" || true
fi

if [ "$code" -ne 0 ] || [ "${RECONCILER_PLAN:-true}" = false ]; then
    python3 -I "$here/problems.py" comment "$out/validate.json" >"$comment"
else
    "$reconciler" plan "$path" --no-progress -o markdown --out "$out/plan.json" >"$comment" || code=$?
    if [ ! -s "$comment" ]; then
        printf '<!-- reconciler-plan -->\n### There is no plan: exit code %s. The log says why.\n' "$code" >"$comment"
    fi
    if [ "${RECONCILER_DRIFT:-false}" = true ]; then
        # What changed outside git is no fault of this pull request: it is shown, and fails nothing.
        drift=0
        "$reconciler" drift "$path" --no-progress --report "$out/drift.html" >/dev/null || drift=$?
        [ "$drift" -eq 0 ] || [ "$drift" -eq 4 ] || echo "the drift report is not whole: exit code $drift" >&2
        [ ! -s "$out/drift.html" ] || report=$out/drift.html
    fi
fi

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$comment" >>"$GITHUB_STEP_SUMMARY"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf '%s\n' "code=$code" "comment=$comment" "report=$report" >>"$GITHUB_OUTPUT"
fi
exit "$code"
