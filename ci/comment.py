"""
Keep one comment of a GitHub pull request up to date: comment.py FILE.md

The comment is found again by the file's first line, an HTML comment, and by its author; what is pushed next
replaces it. Needs Python alone, and `pull-requests: write`.

    GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL    as GitHub sets them
    PULL_REQUEST       its number (default: that of GITHUB_EVENT_PATH)
    COMMENT_AUTHOR     whose comment is replaced (default: github-actions[bot]); no other account can put words
                       into it by posting the same first line before
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 30
PAGE = 100


def call(method: str, url: str, body: dict[str, str] | None = None) -> Any:
    """Call GitHub's API, and return what it answers."""
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{url}: a token is sent only over https")
    request = urllib.request.Request(  # noqa: S310  the scheme was just checked
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "reconciler",
        },
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        return json.load(answer)


def comments(issue: str) -> Iterator[dict[str, Any]]:
    number = 1
    while page := call("GET", f"{issue}/comments?per_page={PAGE}&page={number}"):
        yield from page
        if len(page) < PAGE:
            return
        number += 1


def keep(body: str, repository: str, number: int) -> str:
    """Post *body*, or put it where the last one stood; return what was done."""
    api = f"{os.environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{repository}/issues"
    author = os.environ.get("COMMENT_AUTHOR", "github-actions[bot]")
    marker = body.partition("\n")[0].strip()
    if not (marker.startswith("<!--") and marker.endswith("-->")):
        raise ValueError("its first line is not an HTML comment by which it could be found again")
    for found in comments(f"{api}/{number}"):
        if found["user"]["login"] == author and found["body"].partition("\n")[0].strip() == marker:
            if found["body"].replace("\r\n", "\n").strip() == body.strip():
                return "left as it is"
            call("PATCH", f"{api}/comments/{found['id']}", {"body": body})
            return "replaced"
    call("POST", f"{api}/{number}/comments", {"body": body})
    return "posted"


def pull_request() -> int | None:
    """Return the number of the pull request that this run is about; None if it is about none."""
    if given := os.environ.get("PULL_REQUEST"):
        return int(given)
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = event.get("pull_request", {}).get("number")
    return None if number is None else int(number)


def main() -> int:
    if len(sys.argv) != 2:
        print(str(__doc__).strip(), file=sys.stderr)
        return 64
    number = pull_request()
    if number is None:
        print("this run is about no pull request: nothing is posted")
        return 0
    try:
        done = keep(Path(sys.argv[1]).read_text(encoding="utf-8"), os.environ["GITHUB_REPOSITORY"], number)
    except urllib.error.HTTPError as exc:
        if exc.code == 403:
            # As it is for forks: their runs may not write. The summary of the run holds the same text.
            print("::notice::no right to comment on this pull request; the plan is in the run's summary")
            return 0
        print(f"comment: {exc.url}: {exc.code} {exc.reason}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as exc:
        print(f"comment: {exc}", file=sys.stderr)
        return 1
    print(f"comment: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
