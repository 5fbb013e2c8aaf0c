"""Rekognition over the wire, through real boto3."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable

import boto3
import pytest

from reconciler import errors
from reconciler.core.spec.choices import DatasetType
from reconciler.ports import Description, Located, Phase, Stats
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.rebuilding import RebuildingRekognition
from tests.rekognition.conftest import CUT, Answer, Service, ok, refusal

ARN = "arn:aws:rekognition:eu-west-1:111122223333:project/flowers/dataset/train/1690476084535"
HTML = Answer(b"<html><body>Please sign in</body></html>")
UNUSABLE = [
    pytest.param(HTML, id="page-of-a-proxy"),
    pytest.param(Answer(b'{"DatasetEntries":["{}"'), id="half-an-answer"),
    pytest.param(Answer(b'["a"]'), id="a-list"),
    pytest.param(Answer(b"null"), id="null"),
    pytest.param(Answer(b'{"\xff":1}'), id="not-utf8"),
]


def dataset(project: str, kind: str) -> str:
    return f"arn:aws:rekognition:eu-west-1:111122223333:project/{project}/dataset/{kind.lower()}/1"


def project(name: str, *datasets: str) -> dict[str, object]:
    arn = f"arn:aws:rekognition:eu-west-1:111122223333:project/{name}/1690474772815"
    return {
        "ProjectArn": arn,
        "Datasets": [{"DatasetType": kind, "DatasetArn": dataset(name, kind)} for kind in datasets],
    }


class TestPages:
    def test_follow_the_token_to_the_end(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [
            ok(DatasetEntries=["a", "b"], NextToken="t1"),
            ok(DatasetEntries=[], NextToken="t2"),
            ok(DatasetEntries=["c"]),
        ]

        assert [["a", "b"], [], ["c"]] == [list(page) for page in gateway.pages(ARN)]
        assert [None, "t1", "t2"] == [body.get("NextToken") for _, body in service.asked]
        assert {100} == {body["MaxResults"] for _, body in service.asked}
        assert {ARN} == {body["DatasetArn"] for _, body in service.asked}

    @pytest.mark.parametrize(
        ("contains", "expected"), [(None, [False, True, True]), ("s3://b/", [False] * 3)]
    )
    def test_give_way_if_they_continue_a_whole_listing(
        self, service: Service, gateway: Rekognition, contains: str | None, expected: list[bool]
    ) -> None:
        """One page is all of a dataset of a hundred entries: with it an edit is planned, and proven."""
        service.answers = [ok(DatasetEntries=["a"], NextToken=token) for token in ("t1", "t2", "")]
        seen: list[bool] = []
        limiter = gateway._limiter
        gateway._client.meta.events.register(
            "before-send.rekognition",
            lambda **_: seen.append(getattr(limiter._under_way, "yields", False)) and None,
        )

        list(gateway.pages(ARN, contains))

        assert expected == seen

    def test_hold_an_entry_a_line(self, service: Service, gateway: Rekognition) -> None:
        """A backup of entries is read line by line."""
        service.answers = [ok(DatasetEntries=['{\n"a":\r\n1}'])]

        assert [['{ "a":  1}']] == list(gateway.pages(ARN))

    def test_end_with_an_empty_token(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [ok(DatasetEntries=["a"], NextToken="")]

        assert [["a"]] == list(gateway.pages(ARN))

    @pytest.mark.parametrize("tokens", [["t", "t"], ["t", "u", "t"]])
    def test_never_go_in_circles(self, service: Service, gateway: Rekognition, tokens: list[str]) -> None:
        service.answers = [ok(DatasetEntries=["a"], NextToken=token) for token in tokens]

        with pytest.raises(errors.ListingMoved, match="token twice"):
            list(gateway.pages(ARN))
        assert len(tokens) == len(service.asked)

    def test_of_projects_end_after_fifty(self, service: Service, gateway: Rekognition) -> None:
        """A search for one project is given up after fifty pages, as a service may return tokens for ever."""
        service.answers = [ok(ProjectDescriptions=[], NextToken=f"t{number}") for number in range(60)]

        with pytest.raises(errors.UnknownAnswer, match="50 pages, and no end"):
            gateway.locate("flowers", DatasetType.TRAIN)
        assert 50 == len(service.asked)

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (refusal("InvalidPaginationTokenException"), errors.ListingMoved),
            (refusal("ResourceInUseException"), errors.DatasetBusy),
            (refusal("AccessDeniedException"), errors.Denied),
            (refusal("InternalServerError", 500), errors.Unavailable),
            (Answer(CUT), errors.Unavailable),
            (Answer(b'{"DatasetEntries":["b"', missing=10), errors.Unavailable),
        ],
    )
    def test_raise_where_a_later_one_is_missing(
        self, service: Service, gateway: Rekognition, answer: Answer, expected: type[Exception]
    ) -> None:
        """A listing with a missing page raises and never counts as complete."""
        service.answers = [ok(DatasetEntries=["a"], NextToken="t"), answer]
        pages = gateway.pages(ARN)

        assert ["a"] == next(pages)
        with pytest.raises(expected):
            next(pages)

    @pytest.mark.parametrize("answer", UNUSABLE)
    def test_raise_where_an_answer_is_no_answer(
        self, service: Service, gateway: Rekognition, answer: Answer
    ) -> None:
        """Malformed pages raise, although botocore takes them for a last page without entries."""
        service.answers = [ok(DatasetEntries=["a"], NextToken="t"), answer]

        with pytest.raises((errors.Unavailable, errors.UnknownAnswer)):
            list(gateway.pages(ARN))

    def test_raise_where_an_answer_is_empty(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [Answer(b"")]

        with pytest.raises(errors.Unavailable, match="not a JSON object"):
            list(gateway.pages(ARN))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("TotalEntries", "3"),
            ("TotalEntries", -1),
            ("TotalEntries", True),
            ("LabeledEntries", float("nan")),
            ("ErrorEntries", 10**30),
            ("LastUpdatedTimestamp", []),
            ("LastUpdatedTimestamp", True),
            ("StatusMessage", 3),
            ("DatasetStats", "none"),
        ],
    )
    def test_describe_takes_nothing_for_what_it_is_not(
        self, service: Service, gateway: Rekognition, field: str, value: object
    ) -> None:
        """Fields of the wrong type or range raise, although botocore accepts them."""
        stats = {} if field in {"LastUpdatedTimestamp", "StatusMessage", "DatasetStats"} else {field: value}
        found = {"Status": "UPDATE_COMPLETE", "DatasetStats": stats} | ({} if stats else {field: value})
        service.answers = [ok(DatasetDescription=found)]

        with pytest.raises(errors.UnknownAnswer, match="DescribeDataset"):
            gateway.describe(ARN)

    @pytest.mark.parametrize("entry", [5, None, {}, ["a"]])
    def test_hold_nothing_but_text(self, service: Service, gateway: Rekognition, entry: object) -> None:
        service.answers = [ok(DatasetEntries=["a", entry])]

        with pytest.raises(errors.UnknownAnswer):
            list(gateway.pages(ARN))

    def test_survive_a_fault_that_passes(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [
            refusal("ThrottlingException"),
            refusal("InternalServerError", 500),
            Answer(CUT),
            ok(DatasetEntries=["a"]),
        ]

        assert [["a"]] == list(gateway.pages(ARN))


def test_half_a_character_of_a_status_is_replaced(service: Service, gateway: Rekognition) -> None:
    """Half of a surrogate pair in a status message is replaced, as no journal could store it."""
    status = {"Status": "UPDATE_COMPLETE", "StatusMessageCode": "\ud800", "StatusMessage": "a\udfff"}
    service.answers = [ok(DatasetDescription=status)]

    description = gateway.describe(ARN)

    assert ("?", "a?") == (description.code, description.message)


@pytest.mark.parametrize(
    "arn",
    [
        "x", "", "::::::", "arn:aws:s3:::bucket", ARN.partition("/dataset")[0],
        "arn:aws:rekognition:eu-west-1:999999999999:project/flowers/dataset/train/1",
        "arn:aws:rekognition:eu-west-1:111122223333:project/bees/dataset/train/1",
    ],
)  # fmt: skip
def test_an_arn_that_is_of_no_dataset_is_not_understood(
    service: Service, gateway: Rekognition, arn: str
) -> None:
    project = {
        "ProjectArn": "arn:aws:rekognition:eu-west-1:111122223333:project/flowers/1",
        "Datasets": [{"DatasetType": "TRAIN", "DatasetArn": arn}],
    }
    service.answers = [ok(ProjectDescriptions=[project])]

    with pytest.raises(errors.UnknownAnswer, match="is not the ARN of a dataset"):
        gateway.locate("flowers", DatasetType.TRAIN)


def test_a_project_of_another_region_is_refused(service: Service, gateway: Rekognition) -> None:
    """No call for it is signed for a Region that it does not lie in."""
    elsewhere = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/1"
    service.answers = [ok(ProjectDescriptions=[{"ProjectArn": elsewhere, "Datasets": []}])]

    with pytest.raises(errors.OtherRegion, match="Region us-east-1, and calls are signed for eu-west-1"):
        gateway.locate("flowers", DatasetType.TRAIN)


@pytest.mark.parametrize("body", [b"{}", b'{"ProjectDescriptions":null}', b'{"ProjectDescriptions":{}}'])
def test_an_answer_without_projects_is_not_that_there_is_none(
    service: Service, gateway: Rekognition, body: bytes
) -> None:
    """A project that seems to be missing may be created."""
    service.answers = [Answer(body)]

    with pytest.raises(errors.UnknownAnswer, match="ProjectDescriptions"):
        gateway.locate("flowers", DatasetType.TRAIN)


@pytest.mark.parametrize("body", [b"{}", b'{"DatasetEntries":null}', b'{"DatasetEntries":"abc"}'])
def test_a_search_without_a_list_is_not_that_nothing_was_found(
    service: Service, gateway: Rekognition, body: bytes
) -> None:
    """An entry that a search does not find is missing, and is sent again."""
    service.answers = [Answer(body)]

    with pytest.raises(errors.UnknownAnswer, match="DatasetEntries"):
        list(gateway.pages(ARN, "s3://b/a.jpg"))


@pytest.mark.parametrize("body", [b"{}", b'{"ProjectVersionDescriptions":null}'])
def test_an_answer_without_trainings_is_not_that_none_runs(
    service: Service, gateway: RebuildingRekognition, body: bytes
) -> None:
    """A dataset that no training reads may be deleted."""
    service.answers = [Answer(body)]

    with pytest.raises(errors.UnknownAnswer, match="ProjectVersionDescriptions"):
        gateway.trainings(ARN)


def test_an_error_with_the_status_of_success_is_not_understood(
    service: Service, gateway: Rekognition
) -> None:
    service.answers = [Answer(b'{"__type":"AccessDeniedException","message":"no"}')]

    with pytest.raises(errors.UnknownAnswer, match="AccessDeniedException"):
        gateway.describe(ARN)


class TestUpdate:
    def test_sends_the_payload_as_it_is(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [ok()]
        payload = '{"source-ref":"s3://b/é\U0001f33c.jpg","x":1.0}\n'.encode() + bytes(range(256))

        gateway.update(ARN, payload)

        ((operation, body),) = service.asked
        assert "UpdateDatasetEntries" == operation
        assert ARN == body["DatasetArn"]
        assert payload == base64.b64decode(body["Changes"]["GroundTruth"])

    def test_may_be_answered_with_nothing(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [Answer(b"")]

        gateway.update(ARN, b"{}\n")

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(CUT),
            refusal("InternalServerError", 500),
            Answer(b"<html>", 502),
            HTML,
            Answer(b"{", missing=5),
        ],
        ids=["cut", "500", "502", "proxy", "half"],
    )
    def test_what_has_an_unknown_outcome_is_not_sent_again(
        self, service: Service, gateway: Rekognition, answer: Answer
    ) -> None:
        """An update whose outcome is unknown is not sent again, as it may be in progress."""
        service.answers = [answer]

        with pytest.raises(errors.Unavailable):
            gateway.update(ARN, b"{}\n")
        assert ["UpdateDatasetEntries"] == service.operations

    @pytest.mark.parametrize("status", [400, 500])
    def test_that_was_throttled_is_sent_again(
        self, service: Service, gateway: Rekognition, status: int
    ) -> None:
        """A throttled update never took effect and is sent again."""
        service.answers = [refusal("ThrottlingException", status), ok()]

        gateway.update(ARN, b"{}\n")

        assert 2 == len(service.asked)

    def test_that_meets_another_is_refused_at_once(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [refusal("LimitExceededException")]

        with pytest.raises(errors.DatasetBusy):
            gateway.update(ARN, b"{}\n")
        assert 1 == len(service.asked)


class TestLocate:
    def test_finds_the_dataset_of_a_type(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [ok(ProjectDescriptions=[project("flowers", "TEST", "TRAIN")])]
        found = gateway.locate("flowers", DatasetType.TRAIN)

        assert Located(str(project("flowers")["ProjectArn"]), dataset("flowers", "TRAIN")) == found
        assert [{"ProjectNames": ["flowers"]}] == [body for _, body in service.asked]

    def test_never_takes_another_project(self, service: Service, gateway: Rekognition) -> None:
        """A project whose name only begins, ends or looks like the wanted one is never taken."""
        others = [project(name, "TRAIN") for name in ("flowers2", "my-flowers", "Flowers", "dataset")]
        service.answers = [
            ok(ProjectDescriptions=others, NextToken="t"),
            ok(ProjectDescriptions=[project("flowers", "TRAIN")]),
        ]

        assert dataset("flowers", "TRAIN") == gateway.locate("flowers", DatasetType.TRAIN).dataset_arn

    @pytest.mark.parametrize(
        ("projects", "expected"),
        [
            ([], Located(None, None)),
            ([project("flowers2", "TRAIN")], Located(None, None)),
            ([project("flowers", "TEST")], Located(str(project("flowers")["ProjectArn"]), None)),
            ([project("flowers")], Located(str(project("flowers")["ProjectArn"]), None)),
        ],
        ids=["none", "another", "other-type", "no-dataset"],
    )
    def test_says_what_does_not_exist(
        self, service: Service, gateway: Rekognition, projects: list[object], expected: Located
    ) -> None:
        service.answers = [ok(ProjectDescriptions=projects)]

        assert expected == gateway.locate("flowers", DatasetType.TRAIN)

    @pytest.mark.parametrize(
        "odd", [{}, {"ProjectArn": "nonsense"}, {"ProjectArn": "arn:aws:rekognition:r:1:x"}]
    )
    def test_does_not_guess_at_odd_arns(
        self, service: Service, gateway: Rekognition, odd: dict[str, str]
    ) -> None:
        service.answers = [ok(ProjectDescriptions=[odd])]

        with pytest.raises(errors.UnknownAnswer):
            gateway.locate("flowers", DatasetType.TRAIN)

    @pytest.mark.parametrize("answer", UNUSABLE)
    def test_does_not_take_garbage_for_a_missing_project(
        self, service: Service, gateway: Rekognition, answer: Answer
    ) -> None:
        """Garbage raises, as taking it for a missing project would create one that exists."""
        if b"DatasetEntries" in answer.body:
            answer = Answer(b'{"ProjectDescriptions":[')
        service.answers = [answer]

        with pytest.raises((errors.Unavailable, errors.UnknownAnswer)):
            gateway.locate("flowers", DatasetType.TRAIN)


class TestStanding:
    def test_is_what_describe_dataset_says(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [
            ok(
                DatasetDescription={
                    "Status": "UPDATE_FAILED",
                    "StatusMessage": "no",
                    "StatusMessageCode": "CLIENT_ERROR",
                    "LastUpdatedTimestamp": 1690476084.535,
                    "DatasetStats": {
                        "LabeledEntries": 1,
                        "TotalEntries": 2,
                        "TotalLabels": 3,
                        "ErrorEntries": 4,
                    },
                }
            )
        ]

        assert Description(
            Phase.UPDATE_FAILED, "CLIENT_ERROR", "no", 1690476084.535, Stats(2, 1, 3, 4)
        ) == gateway.describe(ARN)

    def test_may_lack_everything_but_the_status(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [ok(DatasetDescription={"Status": "CREATE_COMPLETE"})]

        assert Description(Phase.CREATE_COMPLETE) == gateway.describe(ARN)

    @pytest.mark.parametrize(
        "description",
        [
            {"Status": "ARCHIVED"},
            {},
            {"StatusMessage": "m"},
            [],
            {"Status": "CREATE_COMPLETE", "LastUpdatedTimestamp": "yesterday, or so"},
        ],
        ids=["new-status", "empty", "no-status", "list", "no-time"],
    )
    def test_that_is_not_understood_is_unknown(
        self, service: Service, gateway: Rekognition, description: object
    ) -> None:
        service.answers = [ok(DatasetDescription=description)]

        with pytest.raises(errors.UnknownAnswer):
            gateway.describe(ARN)


class TestCreation:
    def test_returns_the_new_arns(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [ok(ProjectArn="p"), ok(DatasetArn="d")]

        assert ("p", "d") == (gateway.create_project("n"), gateway.create_dataset(ARN, DatasetType.TEST))
        assert [{"ProjectName": "n"}, {"ProjectArn": ARN, "DatasetType": "TEST"}] == [
            body for _, body in service.asked
        ]

    def test_without_an_arn_is_an_unknown_answer(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [ok()]

        with pytest.raises(errors.UnknownAnswer):
            gateway.create_project("n")


class TestLimit:
    def test_is_waited_for_before_every_attempt(self, service: Service, gateway: Rekognition) -> None:
        """Every attempt waits for the rate limit, as the SDK's own retries count against the quota."""
        service.answers = [
            refusal("ThrottlingException"),
            refusal("InternalServerError", 500),
            Answer(CUT),
            ok(DatasetDescription={"Status": "CREATE_COMPLETE"}),
        ]

        gateway.describe(ARN)

        assert ["wait", "DescribeDataset"] * 4 == service.events
        assert {("111122223333", "eu-west-1", "DescribeDataset")} == set(service.waited)

    def test_is_that_of_the_account_as_soon_as_an_arn_tells_it(
        self, service: Service, gateway: Rekognition
    ) -> None:
        """Once an ARN gives the account, its limit applies, shared by all credentials of that account."""
        service.answers = [
            ok(ProjectDescriptions=[]),
            ok(),
            ok(ProjectDescriptions=[]),
        ]

        gateway.locate("n", DatasetType.TRAIN)
        gateway.update(ARN, b"x" * 4_000_000)
        gateway.locate("n", DatasetType.TRAIN)

        assert ["me", "111122223333", "111122223333"] == [account for account, _, _ in service.waited]

    def test_knows_every_operation_by_its_name(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [
            ok(ProjectArn="p"),
            ok(DatasetArn="d"),
            ok(ProjectDescriptions=[]),
            ok(DatasetEntries=[]),
            ok(),
        ]
        gateway.create_project("n")
        gateway.create_dataset(ARN, DatasetType.TRAIN)
        gateway.locate("n", DatasetType.TRAIN)
        list(gateway.pages(ARN))
        gateway.update(ARN, b"{}\n")

        assert service.operations == [operation for _, _, operation in service.waited]

    def test_is_eight_attempts(self, service: Service, gateway: Rekognition) -> None:
        service.answers = [refusal("InternalServerError", 500)]

        with pytest.raises(errors.Unavailable):
            gateway.describe(ARN)
        assert 8 == len(service.asked)

    def test_that_is_interrupted_sends_nothing_more(self, service: Service, gateway: Rekognition) -> None:
        def stop(**_: object) -> None:
            raise errors.Interrupted("stop")

        gateway._client.meta.events.register("before-send.rekognition", stop)

        with pytest.raises(errors.Interrupted):
            gateway.describe(ARN)
        assert [] == service.asked


class TestNoAnswer:
    def test_no_server_listens(self, connect: Callable[..., Rekognition]) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, but not listening
            with pytest.raises(errors.Unavailable):
                connect(f"http://127.0.0.1:{taken.getsockname()[1]}").describe(ARN)

    def test_there_are_no_credentials(
        self, service: Service, connect: Callable[..., Rekognition], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it may remember the settings of others

        gateway = connect(service.url, aws_session_token=None)
        with pytest.raises(errors.Denied):
            gateway.describe(ARN)
        assert [] == service.asked

    def test_a_request_that_cannot_be_sent_is_rejected(self, service: Service, gateway: Rekognition) -> None:
        with pytest.raises(errors.Rejected):
            gateway.describe("short")
        assert [] == service.asked


def test_the_account_is_asked_for_once(service: Service, gateway: Rekognition) -> None:
    class Sts:
        calls = 0

        def get_caller_identity(self) -> dict[str, str]:
            self.calls += 1
            return {"Account": "111122223333"}

    sts = Sts()
    asked = Rekognition(gateway._client, lambda: sts, None, "me")  # type: ignore[arg-type]

    assert ["111122223333"] * 2 == [asked.account(), asked.account()]
    assert 1 == sts.calls
