"""The pages, as a real server gives them."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from hashlib import sha256
from typing import NamedTuple

import pytest

from reconciler.core.drift.foreign_calls import AddressClass, ForeignCall, PrincipalKind
from reconciler.core.planning.calls import Calls
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.conditions import (
    FailureReason,
    Health,
    Reason,
)
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary
from reconciler.core.status.suspension import Suspension
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.guarded_gateway import Work
from reconciler.engine.controller.registry import QueueHealth, Registry
from reconciler.engine.controller.views import DriftView, QuarantineView
from reconciler.server.app import Secrets, application
from reconciler.server.listening import listening
from reconciler.server.metrics import Metrics
from reconciler.server.timeline import timeline
from reconciler.server.views import dataset_views
from tests.reports.drift.builders import AT, dataset, entry, item
from tests.server.builders import AWAY, DENIED, dataset_state, labelled, registry
from tests.server.test_app import Asked

MOVED = item(
    entry("desk.png", boxes=(("Echo", 86, 65, 220, 334),)),
    entry("desk.png", boxes=(("Echo", 126, 65, 220, 334),)),
)
QUARANTINED = Quarantined(
    "s3://b/x.jpg", b"x", QuarantineReason.ISOLATED, "the image cannot be read", 2, AT - 7_200, AT + 5_400
)


class Answer(NamedTuple):
    code: int
    text: str
    headers: Message

    def words(self) -> str:
        """The page as text, without what is markup."""
        bare = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", self.text, flags=re.DOTALL)
        return " ".join(bare.split())


@contextmanager
def served(made: Registry) -> Iterator[str]:
    with listening(application(Asked(), made, Metrics("1"), Secrets()), "127.0.0.1", 0) as url:
        yield url


def ask(made: Registry, path: str) -> Answer:
    with served(made) as url:
        try:
            with urllib.request.urlopen(url + path) as found:  # noqa: S310  loopback
                return Answer(found.status, found.read().decode(), found.headers)
        except urllib.error.HTTPError as exc:
            with exc:
                return Answer(exc.code, exc.read().decode(), exc.headers)


def test_the_list_gives_the_health_of_each_dataset():
    """State in words, the gravest first; the age of what is known; how much drifted, and where to see it."""
    made = registry(
        dataset_state("fine"),
        dataset_state("moved", drift={"box_moved": 2}),
        dataset_state("denied", Verdict.UNKNOWN, failure=DENIED),
    )

    answer = ask(made, "/")

    order = [answer.text.index(f">{name}</a>") for name in ("denied", "moved", "fine")]
    assert sorted(order) == order
    assert "1 of 3 datasets is as git says." in answer.words()
    for said in ("needs attention", "AWS denies", "drifted", "in sync", "observed 40 seconds ago"):
        assert said in answer.words()
    assert 'href="/drift/moved"' in answer.text


def test_an_image_that_git_does_not_know_is_no_drift_of_what_was_applied():
    """The list, the trend and the condition agree: an image that git took out counts, and can be opened."""
    made = registry(dataset_state("stray", drift={"unmanaged": 1}))

    words = ask(made, "/").words()
    assert "1 image not in git" in words
    assert "drifted" not in words.replace("had drifted", "")
    assert 'class="drifted"' not in ask(made, "/").text
    assert "See the images" in ask(made, "/dataset/stray").words()


@pytest.mark.parametrize("path", ["/", "/dataset/roses"])
def test_a_page_without_scripts_refreshes_itself(path: str):
    """Else an hour-old green would still be shown; with scripts, only the content is replaced."""
    refresh = '<noscript><meta http-equiv="refresh" content="30"></noscript>'
    assert refresh in ask(registry(dataset_state("roses")), path).text


def test_the_list_can_be_searched_and_limited_to_one_health():
    """Each tally is a link; an unknown health shows all."""
    made = registry(
        dataset_state("roses", drift={"missing": 1}), dataset_state("moss"), dataset_state("mint")
    )

    def names(path: str) -> list[str]:
        return re.findall(r'<h2><a href="/dataset/(\w+)"', ask(made, path).text)

    assert ["roses", "mint", "moss"] == names("/") == names("/?state=other")
    assert ["roses"] == names("/?state=drifted")
    assert ["mint"] == names("/?q=MIN")
    assert [] == names("/?state=drifted&q=mint")
    assert "No dataset matches" in ask(made, "/?q=none").words()
    assert 'href="/?state=drifted"' in ask(made, "/").text


def test_many_datasets_in_sync_are_folded():
    """Those that need a person come first, whatever their number; a limited list is not folded."""
    states = [dataset_state(f"fine-{number}") for number in range(30)]
    made = registry(dataset_state("roses", drift={"missing": 1}), *states)

    html = ask(made, "/").text
    before, folded = html.split('<details id="folded"')
    assert "roses" in before
    assert "fine-" not in before
    assert 30 == folded.count("/dataset/fine-")
    assert "<details" not in ask(made, "/?state=in_sync").text


def test_datasets_are_grouped_by_a_label_of_their_specs():
    """Each group keeps the order of severity; those without the label come last; no other label is a group."""
    made = registry(
        dataset_state("a", loaded=labelled("a", team="b&b")),
        dataset_state("b", drift={"missing": 1}, loaded=labelled("b", team="b&b")),
        dataset_state("c", loaded=labelled("c", team="apes", tier="1")),
        dataset_state("d"),
    )

    page = ask(made, "/?group=team").text
    order = [page.index(text) for text in ("team: apes", "team: b&amp;b", "without team")]
    places = [page.index(f'/dataset/{name}"') for name in "cbad"]

    assert order == sorted(order)
    assert places == sorted(places)
    assert places[0] < order[1] < places[1] < places[2] < order[2] < places[3]
    assert 'href="/?state=drifted&amp;group=team"' in page
    assert 'href="/?group=tier"' in ask(made, "/").text
    assert "without" not in ask(made, "/?group=nothing").words()


def test_a_source_that_cannot_be_read_is_one_banner():
    """Each dataset keeps its own state and reason; git's age and commit are shown."""
    made = registry(
        dataset_state("roses", drift={"missing": 2}), dataset_state("denied", Verdict.UNKNOWN, failure=DENIED)
    )
    made.source_read_at = AT - 7_200
    made.source_failure = FailureReason(Reason.SOURCE_UNAVAILABLE, "could not resolve host")
    for state in made.states.values():
        state.judge(made.source_failure, AT)

    words = ask(made, "/").words()

    assert 1 == words.count("could not resolve host")
    assert "read 2 hours ago at 4f1c2d3e5a" in words
    assert "AWS differs from what was applied" in words
    assert "AWS denies" in words


def test_equal_cycles_in_a_row_are_one_line():
    """The newest, how many they are, and since when; one that differs stands alone."""
    made = registry(dataset_state("roses", before=(3, 0, 0, 0, 0)))
    view = dataset_views(made)[0]

    assert [(0, 5), (3, 1)] == [(line.drifted, line.number) for line in view.lines]
    assert "5 cycles since" in ask(made, "/dataset/roses").words()


def test_every_quarantined_image_is_on_a_page():
    """A hundred a page, and their number by reason."""
    many = tuple(QUARANTINED._replace(source_ref=f"s3://b/{number:03}.jpg") for number in range(345))
    made = registry(dataset_state("weeds", Verdict.PARTIAL, quarantined=QuarantineView(many, 345)))

    def images(page: str) -> list[str]:
        return re.findall(r"<code>(s3://b/\d+\.jpg)</code>", ask(made, f"/dataset/weeds{page}").text)

    assert [entry.source_ref for entry in many] == [ref for n in range(1, 5) for ref in images(f"?page={n}")]
    assert images("?page=4") == images("?page=99") != images("?page=x") == images("")
    assert images("") == images("?page=" + 5_000 * "9")
    assert "345 an update with only this entry failed" in ask(made, "/dataset/weeds").words()


def steps(made: DatasetState) -> list[tuple[str, str]]:
    made_registry = registry(made)
    made_registry.source_read_at = AT - 20
    (view,) = dataset_views(made_registry)
    return [(step.state, step.text) for step in timeline(view, made_registry)]


def test_the_timeline_shows_the_running_step():
    """From the specs to the proof; what comes after the running step is open."""
    found = Summary(Verdict.UNKNOWN, {"observed": 9}, {"relabelled": 2}, pending=True)
    sending = dataset_state(
        "roses", running=True, work=Work(AT - 195, 5, 3, 2, 0, 12_400_000, AT - 21, found)
    )
    verifying = dataset_state("roses", running=True, work=Work(AT - 195, 5, 5, 5, 0, 12_400_000, None, found))

    listed = Work(AT - 695, sent=3, finished=2, in_flight_since=AT - 21, found=found)
    listed.plan(5, Calls(), AT - 195)

    assert ["done", "open", "open", "open", "open"] == [
        state for state, _ in steps(dataset_state("roses", None))
    ]
    assert ("now", "reading AWS") == steps(dataset_state("roses", running=True))[1]
    assert ("now", "update 3 of 5, about 5 minutes left") == steps(sending)[3]
    assert ("now", "update 3 of 5, about 5 minutes left") == steps(
        dataset_state("roses", running=True, work=listed)
    )[3]
    assert ("open", "") == steps(sending)[4]
    assert [("done", "5 updates"), ("now", "reading AWS again")] == steps(verifying)[3:]
    assert ["done"] * 5 == [state for state, _ in steps(dataset_state("roses"))]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(95, "1,453 calls or more in 5 minutes; proof in about 3 minutes"), (400, "it takes longer than that")],
)
def test_the_forecast_of_an_apply_is_counted_down(seconds: int, expected: str):
    """What the plan said that it costs, less the time since; the listing before it, of eight minutes, is over."""
    work = Work(AT - seconds - 500, sent=3, finished=2, in_flight_since=AT - 21)
    work.plan(5, Calls({}, {"UpdateDatasetEntries": 3, "ListDatasetEntries": 1_450}), AT - seconds)
    made = dataset_state("roses", running=True, work=work)

    assert expected in ask(registry(made), "/dataset/roses").words()


def test_a_name_keeps_its_letters_where_a_sentence_begins():
    """A message begins with a capital, but no field of a spec is spelt otherwise than it is."""
    made = registry(
        dataset_state(
            "one", Verdict.UNKNOWN, failure=FailureReason(Reason.INVALID, "spec.target is missing")
        ),
        dataset_state("two", Verdict.UNKNOWN, failure=AWAY),
    )
    words = ask(made, "/").words()

    assert "spec.target is missing" in words
    assert "AWS did not answer" in words


def test_a_source_without_commits_has_no_revision():
    """A directory has no revision: nothing is said of it, and no column is empty."""
    made = registry(dataset_state("plain", revision=None, applied=None))
    for line in made.states["plain"].history:
        line["revision"] = None

    text = ask(made, "/dataset/plain").words()

    assert "Git is at" not in text
    assert "Revision" not in text


CALL = ForeignCall(
    "1", "UpdateDatasetEntries", "Admin/<alice>", PrincipalKind.ROLE, AddressClass.PRIVATE, AT - 60
)


def test_calls_of_others_are_on_the_page_of_their_dataset():
    """The newest calls, with what people want to know of each; names are escaped."""
    made = registry(dataset_state("roses"), dataset_state("tulips"))
    made.states["roses"].foreign_calls = (CALL,)

    answer = ask(made, "/dataset/roses")

    assert "UpdateDatasetEntries by role Admin/&lt;alice&gt;, from a private address" in answer.words()
    assert "Calls of others" not in ask(made, "/dataset/tulips").words()


def test_a_queue_of_events_that_cannot_be_read_is_one_banner():
    """Until it was tried once, and without one, there is none."""
    made = registry(dataset_state("roses"))
    made.queue = QueueHealth("arn:aws:sqs:us-east-1:111122223333:changes")
    assert "queue of events" not in ask(made, "/").words()

    made.queue.reason, made.queue.message = "Denied", "ReceiveMessage: AccessDenied"

    assert "by the schedule alone: ReceiveMessage: AccessDenied" in ask(made, "/").words()


def test_all_is_well_in_one_sentence():
    """Whoever comes by for a second sees it."""
    assert (
        "All 2 datasets are as git says."
        in ask(registry(dataset_state("a"), dataset_state("b")), "/").words()
    )
    assert (
        "The state of the dataset is not known yet." in ask(registry(dataset_state("a", None)), "/").words()
    )


@pytest.mark.parametrize(
    "made",
    [
        dataset_state("roses", None),
        dataset_state("roses", Verdict.UNKNOWN, failure=AWAY),
        dataset_state("roses", Verdict.UNKNOWN, failure=DENIED),
    ],
)
def test_an_unknown_state_is_never_green(made: DatasetState):
    """Neither before the first observation, nor when AWS cannot be observed; no drift count is invented either."""
    answer = ask(registry(made), "/")

    assert 'class="verdict in_sync"' not in answer.text
    assert "drift unknown" in answer.words()
    assert "0 images" not in answer.words()


def test_a_suspension_is_shown_with_its_reason():
    """On the list and on the page of the dataset, as text; credentials that fail meanwhile come first."""
    suspension = Suspension("<b>audit</b>", AT, AT + 7_200)
    one = dataset_state("roses", drift={"missing": 2}, suspension=suspension)
    one.judge(None, AT)
    two = dataset_state("tulips", Verdict.UNKNOWN, failure=DENIED, suspension=suspension)
    two.judge(None, AT)
    made = registry(one, two)

    for path in ("/", "/dataset/roses"):
        html = ask(made, path).text
        assert "pplying is suspended until 2" in html
        assert "Z: &lt;b&gt;audit&lt;/b&gt;" in html
    assert [Health.FAILING, Health.SUSPENDED] == [view.health for view in dataset_views(made)]


def test_a_dataset_page_shows_its_history():
    """Conditions, history, quarantined images with reasons, and the next cycle."""
    made = dataset_state(
        "roses", Verdict.PARTIAL, before=(0, 3), quarantined=QuarantineView((QUARANTINED,), 1)
    )

    words = ask(registry(made), "/dataset/roses").words()

    for said in (
        "SourceReady",
        "in 2 minutes",
        "s3://b/x.jpg the image cannot be read",
        "in 1 hour",
        "3 images",
    ):
        assert said in words


def test_a_running_apply_shows_how_far_it_is():
    """And what is being changed is called neither in sync, nor free of drift, nor done."""
    found = Summary(Verdict.UNKNOWN, {"observed": 9}, {"relabelled": 2}, pending=True)
    made = dataset_state("roses", running=True, work=Work(AT - 95, 5, 3, 2, 0, 12_400_000, AT - 21, found))
    made.judge(None, AT)

    words = ask(registry(made), "/dataset/roses").words()
    status = made.document(AT, None)

    assert "roses working" in words
    assert "Update 3 of 5" in words
    assert "12.4 MB" in words
    assert "Drift 2 images" in words
    assert "nothing is left to do" not in words
    truth = {one["type"]: one["status"] for one in status["conditions"]}
    expected = {"Ready": "Unknown", "Reconciling": "True", "InSync": "False", "Drifted": "True"}
    assert expected == {kind: truth[kind] for kind in expected}
    assert ("unknown", {"relabelled": 2}) == (status["verdict"], status["drift"])


@pytest.mark.parametrize("path", ["/", "/dataset/roses", "/drift/roses", "/dataset/none"])
def test_the_style_of_a_page_is_the_one_that_its_policy_allows(path: str):
    """The browser refuses any other."""
    answer = ask(registry(dataset_state("roses", report=dataset(MOVED))), path)

    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


def test_the_report_is_served_under_its_own_policy():
    """The very page that the command writes: its style and script are let in by hash, and nothing else is."""
    answer = ask(registry(dataset_state("roses", report=dataset(MOVED))), "/drift/roses")

    policy = answer.headers["content-security-policy"]
    scripts = re.findall(r'<script type="module">(.*?)</script>', answer.text, flags=re.DOTALL)
    hashes = [b64encode(sha256(script.encode()).digest()).decode() for script in scripts]
    assert [True] == [f"'sha256-{found}'" in policy for found in hashes]
    assert "unsafe" not in policy
    assert "desk.png" in answer.text


def test_the_report_says_what_was_set_back():
    """Else it would alarm about what is no longer so."""
    made = dataset_state("roses", drift_view=DriftView(dataset(MOVED), 1, set_back=1))

    assert "Since then 1 image that had changed was reverted" in ask(registry(made), "/drift/roses").words()


def test_the_report_claims_no_revert_where_the_side_that_changed_is_unknown():
    """The first apply of a controller may add images: nobody had changed them."""
    made = dataset_state("roses", drift_view=DriftView(dataset(MOVED), 3, set_back=1, updated=2))

    assert (
        "Since then 1 image that had changed was reverted and 2 images were updated to what git says; "
        "they are shown as found."
    ) in ask(registry(made), "/drift/roses").words()


def test_the_report_says_that_an_apply_is_running():
    """It shows what that apply changes, and not what the one before it reverted."""
    found = Summary(Verdict.UNKNOWN, {"update": 1}, {"box_moved": 1}, pending=True)
    view = DriftView(dataset(MOVED), 1, set_back=1)
    made = dataset_state("roses", drift_view=view, work=Work(AT, found=found), running=True)

    shown = ask(registry(made), "/drift/roses").words()

    assert ("AWS is being updated to match git" in shown, "reverted" in shown) == (True, False)


@pytest.mark.parametrize("path", ["/", "/dataset/roses"])
def test_drift_is_not_zero_where_the_side_that_changed_is_unknown(path: str):
    """The condition Drifted is Unknown then."""
    found = Summary(Verdict.UNKNOWN, {"desired": 9, "add": 3}, pending=True, unattributed=True)
    made = dataset_state("roses", work=Work(AT, planned=1, sent=1, found=found), running=True)
    made.judge(None, AT)

    shown = ask(registry(made), path).words()

    assert ({"/": "? drift unknown", "/dataset/roses": "Not known"}[path]) in shown
    assert "0 images drifted" not in shown
    assert path == "/" or "Differences found it is not known which side changed" in shown


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (dataset_state("roses", None), "roses has not been observed yet"),
        (dataset_state("roses"), "before this process started"),
        (dataset_state("roses", drift_view=DriftView(None, 70_000)), "70,000 images of roses differ"),
    ],
)
def test_without_a_report_the_page_gives_the_reason(made: DatasetState, expected: str):
    """Before the first observation, after a restart, and where too much differs to be drawn."""
    answer = ask(registry(made), "/drift/roses")

    assert (200, True) == (answer.code, expected in answer.words())


@pytest.mark.parametrize("path", ["/drift/weeds", "/dataset/weeds", "/drift/%3Cb%3E"])
def test_an_unknown_name_is_not_found(path: str):
    """As a page that leads back."""
    answer = ask(registry(dataset_state("roses")), path)

    assert (404, True) == (answer.code, 'href="/"' in answer.text)
    assert "<b>" not in answer.text


@pytest.mark.parametrize("path", ["/", "/dataset/{}", "/drift/{}"])
def test_everything_is_escaped(path: str):
    """A name, a message, a reason: nothing from outside is markup, nor turns the text around."""
    bad = "<script>x\u202e"
    quarantined = QuarantineView((QUARANTINED._replace(source_ref=bad, reason=bad),), 1)
    made = registry(
        dataset_state(bad, Verdict.UNKNOWN, failure=AWAY._replace(message=bad), quarantined=quarantined)
    )
    made.source_failure = FailureReason(Reason.SOURCE_UNAVAILABLE, bad)
    made.source_name = bad

    answer = ask(made, path.format("%3Cscript%3Ex%E2%80%AE"))

    assert 200 == answer.code
    assert "<script>x" not in answer.text
    assert "\u202e" not in answer.text


def test_the_pages_change_nothing_about_the_status():
    """What they show beyond it stays in memory: status/v1 is for programs, and holds no entry."""
    made = dataset_state("roses", report=dataset(MOVED), quarantined=QuarantineView((QUARANTINED,), 1))

    status = json.loads(ask(registry(made), "/status").text)

    assert "desk.png" not in str(status)
    assert {"drift_view", "held", "work", "trend"}.isdisjoint(status["datasets"][0])
