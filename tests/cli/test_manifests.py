"""Entries that a spec keeps in S3, as every command reads them, against the S3 of the emulator."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import structlog

from reconciler.cli.main import main
from tests.builders import classified, named

KEY = "manifests/train.manifest"
ADDRESS = f"s3://acme/{KEY}"
HEAD = (
    "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: flowers}\nspec:\n"
    "  target: {project: flowers, type: TRAIN, create: true}\n  policy: {mode: upsert}\n  entries:\n"
)

pytestmark = pytest.mark.usefixtures("quick_sessions", "rekognition_env")


def manifest(*names: str, label: str = "rose") -> bytes:
    return b"".join(line + b"\n" for line in named(names, label))


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


class Office:
    """A directory with a spec, a bucket, and the command."""

    def __init__(self, root: Path, s3: Any, rekognition: Any, emulator: Any, read: Any) -> None:
        self.root, self.s3, self.rekognition, self.emulator = root, s3, rekognition, emulator
        self._read = read
        s3.create_bucket(Bucket="acme")
        (root / "specs").mkdir()

    def put(self, content: bytes, key: str = KEY) -> str | None:
        version: str | None = self.s3.put_object(Bucket="acme", Key=key, Body=content).get("VersionId")
        return version

    def spec(self, *entries: str) -> None:
        text = HEAD + "".join(f"    - {one}\n" for one in entries)
        (self.root / "specs/flowers.yaml").write_text(text)

    def pin(self, content: bytes, more: str = "") -> None:
        self.spec(f"{{s3: {ADDRESS}, sha256: {digest(content)}{more}}}")

    def text(self, *words: str, code: int = 0) -> str:
        """Return what a command prints, stdout before stderr."""
        assert code == main([*words])
        found = self._read()
        return str(found.out + found.err)

    def document(self, *words: str, code: int = 0) -> Any:
        assert code == main([*words, "-o", "json"])
        return json.loads(self._read().out)

    def downloads(self) -> int:
        return sum(call.operation == "GetObject" for call in self.emulator.calls)


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rekognition_emulator: Any,
    rekognition_s3_client: Any,
    rekognition_client: Any,
    capfdbinary: Any,
) -> Iterator[Office]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def read() -> Any:
        found = capfdbinary.readouterr()
        return type(found)(found.out.decode(), found.err.decode())

    yield Office(tmp_path, rekognition_s3_client, rekognition_client, rekognition_emulator.emulator, read)
    structlog.reset_defaults()


def test_every_command_sees_the_same_entries_and_one_of_them_downloads_them(office):
    """Offline commands do without a connection from then on; places are lines of the object."""
    office.put(manifest("a", "b", "c"))
    office.pin(manifest("a", "b", "c"))

    (refused,) = office.document("validate", code=3)["problems"]
    (planned,) = office.document("plan")["datasets"]
    checked = office.document("validate")
    (applied,) = office.document("apply", "--yes")["datasets"]
    (once,) = office.document("run", "--once", "specs")["datasets"]

    assert ("RKD5030", "specs/flowers.yaml", 8) == (refused["code"], refused["file"], refused["line"])
    assert [f"{ADDRESS}:{line}" for line in (1, 2, 3)] == [one["origin"] for one in planned["changes"]]
    assert (3, {"warning"}) == (checked["entries"], {one["severity"] for one in checked["problems"]})
    assert ("converged", "converged") == (applied["verdict"], once["verdict"])
    assert "in_sync" == office.document("drift")["datasets"][0]["verdict"]
    assert f"{ADDRESS}:2" in office.text("explain", "specs", "s3://b/b.jpg")
    assert 3 == office.document("stats")["datasets"][0]["images"]["total"]
    assert 2 == office.downloads()  # by plan, and by the controller, which keeps them in its state directory


def test_swapped_bytes_are_refused_and_nothing_is_sent(office):
    """The error names the place in the spec, and both digests; the refused bytes are not kept."""
    ours, other = manifest("a", "b"), manifest("a", "x")
    office.put(other)
    office.pin(ours)

    (dataset,) = office.document("apply", "--yes", code=5)["datasets"]

    (error,) = dataset["errors"]
    assert ("RKD5032", "failed") == (error["code"], dataset["verdict"])
    assert "specs/flowers.yaml:8" == error["origin"]
    assert digest(ours) in error["message"]
    assert digest(other) in error["message"]
    assert [] == [call for call in office.emulator.calls.writes() if call.service == "rekognition"]
    assert [] == list((office.root / "cache/reconciler/manifests").iterdir())


def test_a_version_is_read_although_the_object_was_replaced(office):
    """The digest in capitals is the same digest."""
    office.s3.put_bucket_versioning(Bucket="acme", VersioningConfiguration={"Status": "Enabled"})
    ours = manifest("a", "b")
    version = office.put(ours)
    office.put(manifest("z"))
    office.spec(f'{{s3: {ADDRESS}, versionId: {version}, sha256: "{digest(ours).upper()}"}}')

    assert 2 == office.document("plan")["datasets"][0]["counts"]["add"]


@pytest.mark.parametrize(
    ("entry", "code", "expected"),
    [
        ("{s3: s3://acme/gone.manifest, sha256: %s}", 3, "s3://acme/gone.manifest cannot be read: GetObject: N"),
        ("{s3: s3://nobody/a.manifest, sha256: %s}", 3, "NoSuchBucket"),
        (f"{{s3: {ADDRESS}, versionId: other, sha256: %s}}", 3, "(version other) cannot be read: GetObject: NoSu"),
        (f"{{s3: {ADDRESS}}}", 5, "sha256 is missing: without it git would not say"),
        (f"{{s3: {ADDRESS}, sha256: abc}}", 5, "sha256 must be the 64 hexadecimal digits"),
        (f"{{file: a.jsonl, s3: {ADDRESS}, sha256: %s}}", 5, "not both"),
        ("{s3: s3://acme, sha256: %s}", 5, "s3 must be the S3 address of one object"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_clear_error(office, entry, code, expected):
    """3 if the desired state is unknown, 5 if a commit must mend the spec."""
    office.put(manifest("a"))
    office.spec(entry.replace("%s", digest(manifest("a"))))

    found = office.text("plan", code=code)

    assert expected in " ".join(found.split())
    assert "specs/flowers.yaml:8:" in found


def test_an_object_that_is_no_json_lines_is_named_once(office):
    """Not once for each of its lines."""
    office.put(b"\x1f\x8b" + bytes(5_000))
    office.pin(b"\x1f\x8b" + bytes(5_000))

    (error,) = office.document("plan", code=5)["datasets"][0]["errors"]

    assert f"{ADDRESS}: the file is compressed (gzip); unpack it" == error["message"]


def test_a_dataset_that_cannot_be_downloaded_stops_no_other(office):
    """Nor does it become a plan to remove anything."""
    (office.root / "specs/other.yaml").write_text(
        HEAD.replace("name: flowers", "name: other").replace("TRAIN", "TEST") + "    - {file: other.jsonl}\n"
    )
    (office.root / "specs/other.jsonl").write_bytes(manifest("t"))
    office.pin(manifest("a"))

    flowers, other = office.document("apply", "--yes", code=3)["datasets"]

    assert ("unknown", "converged") == (flowers["verdict"], other["verdict"])


def test_a_change_in_the_console_is_not_proposed_for_an_object_but_for_files_of_git(office):
    """The refusal names the object and the digest to change; a line that is in git is still proposed."""
    office.put(manifest("a", "b"))
    office.spec(f"{{s3: {ADDRESS}, sha256: {digest(manifest('a', 'b'))}}}", "{file: more.jsonl}")
    (office.root / "specs/more.jsonl").write_bytes(manifest("m"))
    office.text("apply", "--yes")
    changed = b"\n".join([classified("a", "tulip"), classified("m", "tulip"), classified("a2", "tulip")])
    arn = office.document("plan")["datasets"][0]["arn"]
    office.rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": changed})

    (found,) = office.document("propose", "--patch", "p.diff", code=4)["datasets"]

    (refused,) = found["refused"]
    assert "s3://b/a.jpg" == refused["source_ref"]
    assert (
        f"its line is kept in {ADDRESS}, outside git; change it and its digest in specs/flowers.yaml:8"
        in refused["reason"]
    )
    assert {"s3://b/m.jpg", "s3://b/a2.jpg"} == {one["source_ref"] for one in found["proposed"]}
    assert b"more.jsonl" in (office.root / "p.diff").read_bytes()


LARGE = [f"large/{number:05}" for number in range(5_000)]  # so much is remembered


@pytest.mark.slow
def test_a_manifest_that_is_remembered_and_gone_is_never_a_smaller_desired_state(office):
    """What was found in its lines does not stand in for them when a plan needs them."""
    content = manifest(*LARGE)
    office.put(content)
    office.pin(content)
    office.text("apply", "--yes")
    arn = office.document("plan")["datasets"][0]["arn"]
    drifted = classified(LARGE[0], "tulip")
    office.rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": drifted})
    office.text("validate")
    shutil.rmtree(office.root / "cache/reconciler/manifests")
    office.s3.delete_object(Bucket="acme", Key=KEY)

    (dataset,) = office.document("plan", code=3)["datasets"]

    assert [] == dataset["changes"]
    assert "cannot be read" in dataset["errors"][0]["message"]


def test_a_manifest_that_was_missing_once_is_not_remembered_as_missing(office):
    """Beside a large file of git, whose lines are remembered."""
    (office.root / "specs/more.jsonl").write_bytes(manifest(*LARGE))
    office.spec(f"{{s3: {ADDRESS}, sha256: {digest(manifest('a'))}}}", "{file: more.jsonl}")
    office.text("validate", "--download", code=3)
    office.put(manifest("a"))

    office.text("validate", "--download")

    assert len(LARGE) + 1 == office.document("plan")["datasets"][0]["counts"]["desired"]


def test_the_policy_allows_reading_exactly_these_objects(office):
    """A version needs another action; the policy is printed before it can be read."""
    office.spec(
        f"{{s3: {ADDRESS}, sha256: {'0' * 63}a}}",
        f"{{s3: 's3://acme/a*b.manifest', versionId: v1, sha256: {'0' * 63}b}}",
    )

    document = json.loads(office.text("iam", "read"))

    found = {one["Sid"]: (one["Action"], one["Resource"]) for one in document["Statement"]}
    assert (["s3:GetObject"], [f"arn:aws:s3:::acme/{KEY}"]) == found["ReadManifests"]
    assert (["s3:GetObjectVersion"], ["arn:aws:s3:::acme/a${*}b.manifest"]) == found["ReadManifestVersions"]


def test_revisions_with_different_digests_are_compared_by_their_entries(office):
    """Offline once both were downloaded."""
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    subprocess.run([*git, "init", "--quiet", "."], check=True)
    for names in (("a", "b"), ("b", "c")):
        office.put(manifest(*names))
        office.pin(manifest(*names))
        office.text("plan")
        subprocess.run([*git, "add", "specs"], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", " ".join(names)], check=True)

    (dataset,) = office.document("diff", "HEAD~1", "HEAD", code=2)["datasets"]

    assert {"s3://b/a.jpg": "removed", "s3://b/c.jpg": "added"} == {
        change["source_ref"]: change["action"] for change in dataset["changes"]
    }


def test_a_controller_that_follows_git_reads_the_object_once_it_is_there(office):
    """Without a new commit; until then the dataset is unknown, for the reason that S3 gives."""
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    office.pin(manifest("a", "b"))
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "specs"],
        ["commit", "--quiet", "-m", "x"],
    ):
        subprocess.run([*git, *words], check=True)
    followed = "run", "--once", "--git", office.root.as_uri(), "specs"

    (before,) = office.document(*followed, code=3)["datasets"]
    office.put(manifest("a", "b"))
    (after,) = office.document(*followed)["datasets"]

    assert ("unknown", "RKD5030") == (before["verdict"], before["errors"][0]["code"])
    assert ("converged", 2) == (after["verdict"], after["counts"]["added"])
