"""What an apply does before its first update: create what is missing, wait for what may still arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from reconciler.core.planning.plan import Creation
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.engine.dataset.observe import as_text
from reconciler.engine.dataset.prepare import OPEN_SECONDS, create, creation, resume, watch
from reconciler.errors import AlreadyExists, DatasetBusy, Denied, PlanOutdated, Unavailable
from reconciler.ports import Description, Located, OpenUpdate, Phase

OURS, THEIRS = "111122223333", "999988887777"
DATASET = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/2"


def project_of(account: str) -> str:
    return f"arn:aws:rekognition:us-east-1:{account}:project/flowers/1"


class Account:
    """A gateway to an account that holds a project and a dataset, or neither; it is its own clock."""

    region = "us-east-1"

    def __init__(self, project: str | None = None, dataset: str | None = None, account: str = OURS) -> None:
        self.project, self.dataset, self._account = project, dataset, account
        self.made: list[str] = []
        self.first: dict[str, Callable[[], object]] = {}
        self.ready_at = 0.0
        self.time = 1_000.0
        self.asked = 0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def draw(self) -> float:
        return 0.0

    def account(self) -> str:
        self.asked += 1
        return self._account

    def locate(self, project: str, kind: DatasetType) -> Located:
        assert ("flowers", DatasetType.TRAIN) == (project, kind)
        return Located(self.project, self.dataset)

    def create_project(self, project: str) -> str:
        self._begin("project")
        self.project = project_of(self._account)
        return self.project

    def create_dataset(self, project_arn: str, kind: DatasetType) -> str:
        assert (self.project, DatasetType.TRAIN) == (project_arn, kind)
        self._begin("dataset")
        self.dataset, self.ready_at = DATASET, self.time + 10
        return DATASET

    def _begin(self, what: str) -> None:
        """Let another client come first, if the test says so."""
        if theirs := self.first.pop(what, None):
            theirs()
            raise AlreadyExists(f"the {what} is there")
        self.made.append(what)

    def describe(self, _arn: str) -> Description:
        return Description(Phase.CREATE_COMPLETE if self.time >= self.ready_at else Phase.CREATE_IN_PROGRESS)


def made(account: Account, timeout: float = 60.0, expected: str | None = None) -> str:
    context: Any = SimpleNamespace(gateway=account, clock=account)
    return create(wanted(expected), context, timeout)


def wanted(expected: str | None = None) -> Any:
    return SimpleNamespace(target=Target(project="flowers", type=DatasetType.TRAIN, accountId=expected))


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (Account(), ["project", "dataset"]),
        (Account(project_of(OURS)), ["dataset"]),
        (Account(project_of(OURS), DATASET), []),
    ],
    ids=["nothing", "a project", "a dataset"],
)
def test_only_what_is_missing_is_made(account: Account, expected: list[str]):
    assert (DATASET, expected) == (made(account), account.made)


def test_a_new_dataset_is_used_once_it_is_there():
    """No update is sent to one that is still being created, nor is one waited for longer than allowed."""
    account = Account()
    made(account)
    assert account.time >= account.ready_at

    with pytest.raises(DatasetBusy):
        made(Account(), timeout=5.0)


@pytest.mark.parametrize(
    ("account", "asked"),
    [(Account(account=THEIRS), 1), (Account(project_of(THEIRS)), 0)],
    ids=["of the credentials", "of the project"],
)
def test_nothing_is_made_in_another_account_than_the_expected_one(account: Account, asked: int):
    """The ARN of a project names its account, so that STS is not asked."""
    text = f"credentials are of account {THEIRS}, spec.target.accountId says {OURS}"
    with pytest.raises(Denied, match=text):
        made(account, expected=OURS)

    assert ([], asked) == (account.made, account.asked)


def test_the_expected_account_is_made_use_of():
    account = Account()

    assert DATASET == made(account, expected=OURS)
    assert (["project", "dataset"], 1) == (account.made, account.asked)


@pytest.mark.parametrize("what", ["project", "dataset"])
def test_what_another_client_makes_at_the_same_moment_is_used(what: str):
    """It says AlreadyExists, and is found by its name."""
    account = Account()

    def theirs() -> None:
        account.project = account.project or project_of(OURS)
        account.dataset = DATASET if what == "dataset" else None

    account.first[what] = theirs

    assert DATASET == made(account)
    assert {"project": ["dataset"], "dataset": ["project"]}[what] == account.made


@pytest.mark.parametrize("what", ["project", "dataset"])
def test_what_exists_and_cannot_be_found_is_an_error(what: str):
    """Such as a project that is being deleted: nothing is known that could be used."""
    account = Account()
    account.first[what] = lambda: None

    with pytest.raises(AlreadyExists):
        made(account)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (Account(), Creation(OURS, "us-east-1", "flowers", DatasetType.TRAIN)),
        (Account(project_of(THEIRS)), Creation(THEIRS, "us-east-1", None, DatasetType.TRAIN)),
    ],
    ids=["nothing", "a project"],
)
def test_a_plan_says_what_would_be_made_and_where(account: Account, expected: Creation):
    """Without making it; the account is that of the project, if there is one."""
    context: Any = SimpleNamespace(gateway=account, clock=account)

    assert (expected, []) == (creation(wanted(), context), account.made)


def test_a_plan_is_good_although_the_account_of_the_credentials_is_unknown():
    """It still says that there will be a new project."""
    account = Account()
    account.account = raising  # type: ignore[method-assign]
    context: Any = SimpleNamespace(gateway=account, clock=account)

    assert Creation(OURS, "us-east-1", "flowers", DatasetType.TRAIN) == creation(wanted(OURS), context)


def raising() -> str:
    raise Unavailable("STS does not answer")


class TestWatch:
    """An update may arrive long after it was sent: for a minute and a half it is open whether it does."""

    @pytest.mark.parametrize(
        ("begun_at", "moves_at", "deadline", "expected", "until"),
        [
            (1_000.0, 1_020.0, None, True, 1_040.0),
            (1_000.0, 1_000.0, None, True, 1_000.0),
            (1_000.0, None, None, False, 1_000 + OPEN_SECONDS),
            (950.0, None, None, False, 950 + OPEN_SECONDS),
            (5_000.0, None, None, False, 1_000 + OPEN_SECONDS),
            (1_000.0, None, 1_030.0, False, 1_030.0),
            (1_000.0, None, 5_000.0, False, 1_000 + OPEN_SECONDS),
        ],
        ids=[
            "it moves",
            "it has moved",
            "never",
            "begun before",
            "a clock set back",
            "deadline",
            "late deadline",
        ],
    )
    def test_a_dataset_is_watched_for_as_long_as_the_update_may_arrive(
        self, begun_at: float, moves_at: float | None, deadline: float | None, expected: bool, until: float
    ):
        account = Account()
        context: Any = SimpleNamespace(gateway=account, clock=account)

        def moved(_: Description) -> bool:
            return moves_at is not None and account.time >= moves_at

        assert expected is watch(DATASET, context, begun_at, moved, deadline)
        if expected:
            assert moves_at is not None
            assert moves_at <= account.time <= until
        else:
            assert until == account.time


class Journal:
    """The open updates of a dataset."""

    def __init__(self, *begun: OpenUpdate) -> None:
        self.begun, self.ended = begun, dict[int, str]()

    def unfinished(self, dataset: str) -> tuple[OpenUpdate, ...]:
        assert "roses" == dataset
        return self.begun

    def end(self, number: int, result: str) -> None:
        self.ended[number] = result


BEFORE = Description(Phase.UPDATE_COMPLETE, "SUCCESS", "", 10.0)
BEGUN = OpenUpdate(7, "arn:1", 1_000.0, ("s3://b/a.jpg",), as_text(BEFORE))


def resumed(
    *begun: OpenUpdate, at: float | None = None, description: Description = BEFORE
) -> Mapping[int, str]:
    """Return which open updates a start closes that observed the dataset at a time, and how."""
    journal: Any = Journal(*begun)
    seen: Any = None if at is None else SimpleNamespace(description=description, at=at)
    context: Any = SimpleNamespace(memory=SimpleNamespace(journal=journal))
    resume("roses", "arn:1", seen, context)
    found: Mapping[int, str] = journal.ended
    return found


def test_an_open_update_is_closed_once_it_can_no_longer_arrive():
    """Its effect was observed: the dataset has moved since, or a minute and a half are over."""
    closed = {7: "unknown: the process ended first"}
    late, moved = 1_000 + OPEN_SECONDS, replace(BEFORE, updated_at=11.0)

    assert closed == resumed(BEGUN, at=late)
    assert closed == resumed(BEGUN, at=1_000.0, description=moved)
    assert {} == resumed(at=0.0)
    for at in (1_000.0, late - 0.1, None):
        with pytest.raises(PlanOutdated, match="an update of an earlier process was still open"):
            resumed(BEGUN, at=at)


def test_an_open_update_of_another_dataset_of_the_name_is_closed():
    """Such as one that was deleted: it cannot arrive any more."""
    other = BEGUN._replace(arn="arn:2")

    with capture_logs() as events:
        assert {7} == set(resumed(other))
    assert [("update.resumed", 1, False)] == [
        (event["event"], event["entries"], event["same_dataset"]) for event in events
    ]


def test_an_update_is_open_for_a_minute_and_a_half():
    """As the documentation says of a process that was killed."""
    assert OPEN_SECONDS == 90
