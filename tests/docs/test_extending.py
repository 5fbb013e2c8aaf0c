"""
CONTRIBUTING says what to touch for each kind of addition; here a made-up member of each kind is added.

The package is copied, only the files that CONTRIBUTING names are edited, and the real command line is run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.convert.formats import READERS, WRITERS
from reconciler.core.status.notices import WAIT_SECONDS
from reconciler.notify.registry import CHANNELS
from reconciler.reports.registry import FORMATS
from reconciler.state import State
from tests.docs.pages import ROOT

ROW = re.compile(r"^\| (?P<what>[^|`]+) \| (?P<touch>.*`.*) \| (?P<files>\d) \|$", re.MULTILINE)
TABLE = {row["what"]: row for row in ROW.finditer((ROOT / "CONTRIBUTING.md").read_text("utf-8"))}
NEW = re.compile(r"\b(FORMAT|DOCUMENT|NAME|AREA)\b")
SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: bees}
spec:
  target: {project: bees, type: TRAIN, create: true}
  entries: [{file: bees.jsonl}]
  policy: {mode: upsert}
  IGNORE
"""
LINE = (
    '{"source-ref": "s3://acme-bees/hive1.jpg", "bee": 0, "bee-metadata": {"class-name": "bee", '
    '"confidence": 1, "type": "groundtruth/image-classification", "human-annotated": "yes", '
    '"creation-date": "2026-03-01T12:00:00", "job-name": "JOB"}}\n'
)


class Copy:
    """A copy of the package, in which each edit is checked against the row of CONTRIBUTING."""

    def __init__(self, directory: Path, what: str) -> None:
        shutil.copytree(
            ROOT / "reconciler", directory / "reconciler", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.directory = directory
        self.touch = TABLE[what]["touch"]
        self.most = int(TABLE[what]["files"])
        self.touched: set[str] = set()

    def write(self, name: str, text: str) -> None:
        """Write a new module."""
        assert not (self.directory / "reconciler" / name).exists()
        self._put(name, text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace one place of a module."""
        text = (self.directory / "reconciler" / name).read_text("utf-8")
        assert 1 == text.count(old)
        self._put(name, text.replace(old, new))

    def _put(self, name: str, text: str) -> None:
        known = re.findall(r"`([\w/]+\.py)`", self.touch)
        named = [re.compile(rf"(.*/)?{NEW.sub('[a-z]+', path)}") for path in known]
        assert any(path.fullmatch(name) for path in named), f"CONTRIBUTING does not name {name}"
        self.touched.add(name)
        (self.directory / "reconciler" / name).write_text(text, "utf-8")

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command of the copy and return what it printed."""
        assert len(self.touched) <= self.most <= 3
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *words],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(self.directory)},
            capture_output=True,
            text=True,
        )
        assert code == done.returncode, done.stderr
        return done.stdout + done.stderr

    def specs(self, ignore: str = "", line: str = LINE) -> None:
        """Write a spec tree of one image."""
        (self.directory / "specs").mkdir(exist_ok=True)
        (self.directory / "specs" / "bees.yaml").write_text(SPEC.replace("IGNORE", ignore))
        (self.directory / "specs" / "bees.jsonl").write_text(line)


def test_a_report_format_is_one_module_and_its_name(tmp_path):
    copy = Copy(tmp_path, "a format of a report")
    copy.specs()
    copy.write(
        "reports/stats/shout.py",
        "def render(result, options):\n    yield f'{len(result.datasets)} DATASETS!'\n",
    )
    copy.edit("reports/registry.py", '"stats": ("text", "json"', '"stats": ("text", "json", "shout"')

    assert "1 DATASETS!" == copy.run("stats", "-o", "shout")


def test_a_label_format_is_one_module_and_its_name(tmp_path):
    copy = Copy(tmp_path, "a label format")
    copy.write(
        "convert/readers/names.py",
        "import json\n\n"
        "from reconciler.convert.recognition import InputFormat\n"
        "from reconciler.convert.record import LabelledImage\n"
        "from reconciler.core.validation.problem import Origin\n\n\n"
        "def read_names(path, options):\n"
        "    for number, name in enumerate(json.loads(path.read_text())['names'], 1):\n"
        "        yield LabelledImage(name, Origin(path.name, number), labels=('bee',))\n\n\n"
        "INPUT = InputFormat(read_names, keys=('names',))\n",
    )
    copy.edit("convert/formats.py", "    labelme,\n", "    labelme,\n    names,\n")
    copy.edit(
        "convert/formats.py",
        '    "coco": coco.INPUT,\n',
        '    "coco": coco.INPUT,\n    "names": names.INPUT,\n',
    )
    (tmp_path / "in.json").write_text('{"names": ["hive1.jpg", "hive2.jpg"]}')

    base = ("--base", "s3://acme-bees/", "--created-at", "2026-03-01T12:00:00")
    assert "it has names" in copy.run("convert", "auto", "in.json", *base, "-o", "out.jsonl")
    assert 2 == len((tmp_path / "out.jsonl").read_text().splitlines())


def test_an_export_format_is_one_module_and_its_line(tmp_path):
    """What the format does not claim to carry is in the report without a further line of code."""
    copy = Copy(tmp_path, "an export format")
    copy.specs()
    copy.write(
        "convert/writers/names.py",
        "from contextlib import contextmanager\n\n"
        "from reconciler.convert.export.format import Format\n"
        "from reconciler.convert.export.losses import LossKind\n\n\n"
        "@contextmanager\n"
        "def _split(context):\n"
        "    with context.files.create(f'{context.split}.txt') as out:\n"
        "        def add(image):\n"
        "            out.write(f'{image.name} {image.content.labels[0].label}\\n'.encode())\n"
        "            return ()\n\n"
        "        yield add\n\n\n"
        "NAMES = Format(_split, frozenset({LossKind.LABEL}))\n",
    )
    copy.edit(
        "convert/formats.py",
        "\nWRITERS: Final",
        "from reconciler.convert.writers.names import NAMES\n\nWRITERS: Final",
    )
    copy.edit("convert/formats.py", '    "coco": COCO,\n', '    "coco": COCO,\n    "names": NAMES,\n')

    printed = copy.run("export", "--from-specs", "--format", "names", "-d", "out")
    assert "hive1.jpg bee\n" == (tmp_path / "out" / "train.txt").read_text()
    assert "creation-date: creation dates: 1 image" in printed


@pytest.mark.slow
def test_a_notification_channel_is_one_module_and_its_line(tmp_path):
    """A pass over specs that are refused reports that, once it has lasted for a minute."""
    copy = Copy(tmp_path, "a notification channel")
    copy.write(
        "notify/files.py",
        "from reconciler.ports import Delivery, Receipt\n\n\n"
        "class Files:\n"
        "    def __init__(self, name, url, source):\n"
        "        self.name, self._path = name, url.removeprefix('files://')\n\n"
        "    def send(self, message):\n"
        "        with open(self._path, 'a') as out:\n"
        "            out.write(message.title)\n"
        "        return Delivery(Receipt.SENT)\n",
    )
    copy.edit(
        "notify/registry.py",
        "\nMaker =",
        "from reconciler.notify.files import Files\n\nMaker =",
    )
    copy.edit(
        "notify/registry.py", '    "cloudevents+http://"', '    "files://": Files,\n    "cloudevents+http://"'
    )
    copy.specs(line="{}\n")
    words = ("run", "specs", "--once", "--local", "--notify", "files://sent")
    copy.run(*words, code=5)
    with State(tmp_path / ".reconciler") as state:  # a minute passes
        incidents = json.loads(state.notified.read("incidents"))
        incidents["SpecInvalid"]["members"]["bees"]["since"] -= WAIT_SECONDS
        state.notified.write({"incidents": json.dumps(incidents)})
    assert not (tmp_path / "sent").exists()
    copy.run(*words, code=5)

    assert "bees: not ready (SpecInvalid)" == (tmp_path / "sent").read_text()


def test_a_command_is_one_module(tmp_path):
    copy = Copy(tmp_path, "a command")
    copy.write(
        "cli/commands/hello.py",
        "from reconciler.cli.commands import Command\n\n"
        "def work(args):\n    print('hi')\n    return 0\n\n\n"
        "COMMAND = Command('hello', 'greet', 'reconciler hello', (), lambda parser: None, work)\n",
    )

    assert "hi\n" == copy.run("hello")
    assert "hello" in copy.run("--help")


def test_a_rule_is_one_code_and_one_function(tmp_path):
    copy = Copy(tmp_path, "a rule about lines")
    copy.specs()
    copy.edit(
        "core/validation/codes.py",
        "    # One line, AWS's codes\n",
        '    NO_BEES = "RKD2999"\n\n    # One line, AWS\'s codes\n',
    )
    copy.edit(
        "core/validation/dataset.py",
        "        *_buckets(facts),\n",
        '        *([error(Code.NO_BEES, "bees are not allowed")] if "bee" in facts.labels else []),\n'
        "        *_buckets(facts),\n",
    )

    assert "bees are not allowed (RKD2999)" in copy.run("validate", code=5)


def test_a_way_to_ignore_differences_is_a_field_and_its_meaning(tmp_path):
    """Differences in a job name stop to count for `jobs: true`."""
    copy = Copy(tmp_path, "a way to ignore differences")
    copy.edit(
        "core/spec/documents.py",
        '    match: SourceGlob | None = described("Only for images whose address matches.", None)\n',
        '    match: SourceGlob | None = described("Only for images whose address matches.", None)\n'
        '    jobs: bool = described("Also the name of the job.", False)\n',
    )
    copy.edit(
        "core/entries/equality.py",
        "    match: str | None = None\n",
        "    match: str | None = None\n    jobs: bool = False\n",
    )
    copy.edit(
        "core/entries/equality.py",
        "                yield place, text_of(path)\n",
        "                yield place, text_of(path)\n"
        "        if self.jobs:\n"
        "            for place in places(fields, ('*-metadata', 'job-name')):\n"
        "                yield place, 'ignore.jobs'\n",
    )
    copy.edit("core/spec/documents.py", ", self.match)", ", self.match, self.jobs)")
    (tmp_path / "listed.jsonl").write_text(LINE)
    other = LINE.replace("JOB", "ANOTHER")

    copy.specs(line=other)
    assert "1 to update" in copy.run("plan", "--observed", "listed.jsonl")
    copy.specs("ignore: [{paths: [/nothing], jobs: true}]", other)
    assert "No changes" in copy.run("plan", "--observed", "listed.jsonl")
    assert "`docs/specs.md`" in copy.touch  # an example there shows every field


def test_a_policy_that_withholds_changes_is_a_field_and_its_rule(tmp_path):
    """New images wait for `newImages: false` to go."""
    copy = Copy(tmp_path, "a policy that withholds changes")
    copy.edit(
        "core/spec/policy.py",
        "    compare: Compare = choice(\n",
        '    new_images: bool = described("Whether images are added.", True)\n    compare: Compare = choice(\n',
    )
    copy.edit(
        "core/planning/withholding.py",
        '    CREATE_ONLY = "mode: create-only"\n',
        '    CREATE_ONLY = "mode: create-only"\n    NEW_IMAGES = "newImages: false"\n',
    )
    copy.edit(
        "core/planning/withholding.py",
        "    if closed is not None:  # last",
        "    if action is Action.ADD and not policy.new_images:\n"
        "        return Withheld.NEW_IMAGES\n"
        "    if closed is not None:  # last",
    )
    copy.specs()
    spec = tmp_path / "specs" / "bees.yaml"
    spec.write_text(spec.read_text().replace("mode: upsert", "mode: upsert, newImages: false"))

    assert "1 not sent: new in git (policy newImages: false)" in copy.run("plan", "--local")
    assert "`docs/specs.md`" in copy.touch  # an example there shows every field


def test_a_column_of_status_is_one_line(tmp_path):
    copy = Copy(tmp_path, "a column of the status table")
    copy.specs()
    copy.edit(
        "reports/status/text.py",
        '    "REVISION": lambda',
        '    "ERRORS": lambda dataset: str(len(dataset["errors"])),\n    "REVISION": lambda',
    )
    copy.run("apply", "--local")

    heading, row = copy.run("status").splitlines()
    assert ("ERRORS", "0") == (heading.split()[-2], row.split()[-2])
    assert "`docs/commands.md`" in copy.touch  # a session there shows the table


@pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))
def test_the_files_that_are_named_exist(row):
    """No addition takes more than three files besides its test, and every file named is there."""
    named = re.findall(r"`([\w/]+\.(?:py|md|yaml))`", row["touch"])
    known = [
        path.relative_to(ROOT).as_posix()
        for folder in ("reconciler", "tests", "docs")
        for path in (ROOT / folder).rglob("*.*")
    ]

    assert int(row["files"]) <= 3
    for name in named:
        pattern = re.compile(f"(^|/){NEW.sub('[a-z_]+', re.escape(name))}$")
        assert any(map(pattern.search, known)), name


@pytest.mark.parametrize(
    "members",
    [set(FORMATS["drift"]) - {"text", "json"}, set(READERS), set(WRITERS)],
    ids=["reports", "labels", "exports"],
)
def test_only_the_registries_name_their_members(members):
    """No other module lists the formats of reports, or those of labels."""
    listing = [
        path.name
        for path in (ROOT / "reconciler").rglob("*.py")
        if members <= set(re.findall(r'"(\w+)"', path.read_text("utf-8")))
    ]

    assert [] == [name for name in listing if name not in ("registry.py", "formats.py")]


@pytest.mark.parametrize(
    ("page", "members"),
    [
        ("convert.md", READERS),
        ("convert.md", WRITERS),
        ("notifications.md", [prefix.removesuffix("://") for prefix in CHANNELS]),
    ],
    ids=["labels", "exports", "channels"],
)
def test_every_member_is_documented(page, members):
    """The page that CONTRIBUTING names for a format or a channel shows its name."""
    text = (ROOT / "docs" / page).read_text("utf-8")

    assert [] == [name for name in members if not re.search(rf"`{re.escape(name)}\b", text)]


def test_three_files_that_tell_the_product_are_short():
    """README names the three files to read first: together fewer than 300 lines."""
    readme = (ROOT / "README.md").read_text("utf-8")
    sentence = readme[readme.index("Three files show the whole product") :].partition("Then")[0]
    files = [ROOT / name for name in re.findall(r"`([\w/-]+\.\w+)`", sentence)]

    assert 3 == len(files)
    assert 300 > sum(len(path.read_text("utf-8").splitlines()) for path in files)
