"""A spec tree, loaded: what is read, what is refused, and where."""

import io
import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SourceError
from reconciler.sources.load import load, problem_of
from tests.sources.builders import ENTRIES, LINE, dataset, loaded, opened, problems_in, write


def names(specs):
    return [dataset.name for dataset in specs.datasets]


def files(dataset):
    return [file.name for file in dataset.files]


def content(file):
    with file.open() as stream:
        return stream.read()


def test_every_document_of_every_file_is_read(tmp_path):
    """Several documents a file; any depth; .yml too; ordered by place."""
    write(
        tmp_path,
        b_yaml=dataset("b1") + "---\n" + dataset("b2"),
        a__x_yml=dataset("a"),
        a__train_jsonl=LINE,
        train_jsonl=LINE,
    )

    specs = loaded(tmp_path)

    assert ["a", "b1", "b2"] == names(specs)
    assert ["specs/a/train.jsonl"] == files(specs.datasets[0])
    assert [] == problems_in(specs)


def test_yaml_of_others_is_ignored_whatever_it_holds(tmp_path):
    """Templates, unknown tags, binary: none of our business unless somebody names it."""
    write(
        tmp_path,
        specs_yaml=dataset(),
        train_jsonl=LINE,
        template_yaml="a: {{ .Values }}: [\n",
        cloud_yaml="Ref: !Ref x\nRef: 1\n",
        binary_yaml=b"\0\xff",
        deploy_yaml="apiVersion: apps/v1\nkind: Deployment\n",
    )

    assert (["flowers"], []) == (names(loaded(tmp_path)), problems_in(loaded(tmp_path)))


def test_documents_of_others_beside_ours_are_ignored(tmp_path):
    write(tmp_path, x_yaml="a: !Ref x\na: on\n---\n" + dataset() + "---\n---\n", train_jsonl=LINE)

    assert (["flowers"], []) == (names(loaded(tmp_path)), problems_in(loaded(tmp_path)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: reconciler/v2\nkind: Dataset\n", "1:13 RKD1201"),
        ("apiVersion: reconciler/v1\nkind: Datset\n", "2:7 RKD1202"),
        ("apiVersion: reconciler/v1\nmetadata: {name: a}\n", "1:1 RKD1204"),
        ("apiVerson: reconciler/v1\nkind: Dataset\nmetadata: {name: a}\n", "1:1 RKD1203"),
        ("apiVersion: reconciler/v1\nkind: [Dataset]\n", "2:7 RKD1202"),
        ("\ufeffapiVersion: reconciler/v1\n", "1:1 RKD1004"),
        ("apiVersion: reconciler/v1\n\tkind: Dataset\n", "2:1 RKD1101"),
        (b"apiVersion: reconciler/v1\nname: a\xff\n", "2:8 RKD1003"),
        ("apiVersion: reconciler/v1\nname: a\x07\n", "2:8 RKD1003"),
        (b"apiVersion: reconciler/v1\nname: \0\n", "1:1 RKD1003"),
        ("apiVersion: reconciler/v1\n".encode("utf-16"), "1:1 RKD1003"),
        ("apiVersion: reconciler/v1\n".encode("utf-16-le"), "1:1 RKD1003"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_problem_with_its_place(tmp_path, text, expected):
    """Never a traceback, and never silently another meaning."""
    write(tmp_path, bad_yaml=text)

    specs = loaded(tmp_path)

    assert f"specs/bad.yaml:{expected}" in problems_in(specs)
    assert 1 == len(specs.broken)


def test_all_problems_of_all_files_are_reported_at_once_in_order(tmp_path):
    write(
        tmp_path,
        b_yaml=dataset().replace("type: TRAIN", "typ: TRAIN") + "  suspend: yes\n  polcy: {}\n",
        a_yaml="apiVersion: reconciler/v1\nkind: Dataset\nkind: x\nmetadata: {name: 7}\nspec: {}\n",
    )

    assert [
        "specs/a.yaml:3:1 RKD1102",
        "specs/a.yaml:4:18 RKD1205",
        "specs/a.yaml:5:1 RKD1204",
        "specs/a.yaml:5:1 RKD1204",
        "specs/b.yaml:6:30 RKD1203",
        "specs/b.yaml:7:20 RKD1402",
        "specs/b.yaml:8:12 RKD1103",
        "specs/b.yaml:9:3 RKD1203",
    ] == problems_in(loaded(tmp_path))


def test_the_files_of_a_broken_document_are_read_too(tmp_path):
    """Whoever mends the document must not meet the next error only then."""
    broken = dataset("A", file="cut.jsonl").replace("]\n", ", {file: gone.jsonl}, {file: b.jsonl}, 5]\n")
    write(tmp_path, a_yaml=broken, cut_jsonl=LINE + LINE[:9], b_jsonl=LINE)

    specs = loaded(tmp_path)

    assert [
        "specs/a.yaml:4:9 RKD1206",
        "specs/a.yaml:7:41 RKD1402",
        "specs/a.yaml:7:71 RKD1205",
        "specs/cut.jsonl:2 RKD1405",
    ] == problems_in(specs)
    assert [["specs/b.jsonl"]] == [[file.name for file in item.files] for item in specs.broken]


def test_a_key_of_megabytes_is_not_quoted_in_full(tmp_path):
    write(tmp_path, a_yaml=dataset() + f"  ? {'x' * 3_000_000}\n  : 1\n", train_jsonl=LINE)

    (problem,) = loaded(tmp_path).problems

    assert "RKD1203" == problem.code
    assert 1_000 > len(problem.message)


def test_of_a_document_that_is_not_ours_no_file_is_read(tmp_path):
    """What `entries` means in another version is not known here."""
    write(tmp_path, a_yaml=dataset(file="gone.jsonl").replace("/v1", "/v2"))

    assert ["specs/a.yaml:1:13 RKD1201"] == problems_in(loaded(tmp_path))


def test_one_broken_dataset_stops_no_other(tmp_path):
    """Not in its tree, and not in its file."""
    write(
        tmp_path,
        a_yaml=dataset("a") + "---\n" + dataset("b").replace("TRAIN", "train") + "---\n" + dataset("c"),
        cut_yaml=dataset("d") + "---\napiVersion: reconciler/v1\nspec: [",
        train_jsonl=LINE,
    )

    specs = loaded(tmp_path)

    assert ["a", "c", "d"] == [d.name for d in specs.datasets if d.usable]
    assert ["b", "specs/cut.yaml"] == [d.name for d in specs.broken]


@pytest.mark.parametrize(
    ("more", "expected"),
    [("", []), (f"---\n{dataset('b')}", ["specs/images.yaml"])],
    ids=["entries", "dataset"],
)
def test_a_broken_file_of_entries_is_no_dataset(more, expected, tmp_path):
    """It breaks the dataset that names it; only where a dataset may be lost in it does it stand for one."""
    write(tmp_path, a_yaml=dataset("a", file="images.yaml"), images_yaml=f"{ENTRIES}  - [a\n{more}")

    specs = loaded(tmp_path)

    assert expected == [d.name for d in specs.broken]
    assert ["a"] == [d.name for d in specs.datasets if not d.usable]
    assert ["RKD1101"] == [problem.code for problem in specs.problems if problem.is_error]


@pytest.mark.parametrize("text", ["", "# nothing\n", "a: 1\n"])
def test_a_tree_without_datasets_is_an_unusable_source(tmp_path, text):
    """An emptied tree must not read as "nothing is desired"."""
    write(tmp_path, a_yaml=text)

    with pytest.raises(SourceError, match="no document with apiVersion reconciler/v1"):
        loaded(tmp_path)


def test_an_unusable_source_can_be_reported_as_a_problem(tmp_path):
    """`validate` reports where others give up."""
    with pytest.raises(SourceError) as refused:
        opened(tmp_path / "nowhere")

    assert problem_of(refused.value).is_error


def test_an_empty_yaml_file_is_a_warning(tmp_path):
    """It may have been cut, but it may also be somebody else's."""
    write(tmp_path, a_yaml=dataset(), b_yaml="", train_jsonl=LINE)

    (problem,) = loaded(tmp_path).problems

    assert ("RKD1005", False) == (problem.code, problem.is_error)


def test_of_a_single_file_only_its_datasets_are_read(tmp_path):
    write(tmp_path, a_yaml=dataset("a", "*.jsonl"), b_yaml="apiVersion: reconciler/v1\n", x_jsonl=LINE)

    specs = opened(tmp_path / "a.yaml")

    assert (["a"], []) == (names(specs), problems_in(specs))
    assert [f"{tmp_path}/x.jsonl"] == files(specs.datasets[0])


def test_a_path_that_is_no_spec_file_is_an_unusable_source(tmp_path):
    write(tmp_path, train_jsonl=LINE)

    with pytest.raises(SourceError, match=r"ends in \.yaml"):
        opened(tmp_path / "train.jsonl")


class TestEntries:
    """What a dataset names under `entries`."""

    def load(self, root, file, **more):
        write(root, **({"sub__a_yaml": dataset(file=file)} | more))
        specs = loaded(root)
        (found,) = specs.datasets
        return files(found), problems_in(specs)

    def test_patterns_are_relative_to_the_spec_and_sorted(self, tmp_path):
        found, problems = self.load(
            tmp_path,
            "shots/**/*.jsonl",
            sub__shots__b_jsonl=LINE,
            sub__shots__x__y__a_jsonl=LINE,
            sub__shots__a_txt=LINE,
            shots__c_jsonl=LINE,
        )

        assert ["specs/sub/shots/b.jsonl", "specs/sub/shots/x/y/a.jsonl"] == found
        assert [] == problems

    def test_a_star_stays_within_a_directory(self, tmp_path):
        found, _ = self.load(tmp_path, "*.jsonl", sub__a_jsonl=LINE, sub__b__c_jsonl=LINE)

        assert ["specs/sub/a.jsonl"] == found

    def test_a_neighbouring_directory_of_the_tree_may_be_used(self, tmp_path):
        found, problems = self.load(tmp_path, "../other/a.jsonl", other__a_jsonl=LINE)

        assert (["specs/other/a.jsonl"], []) == (found, problems)

    def test_a_file_whose_name_looks_like_a_pattern_is_that_file(self, tmp_path):
        found, _ = self.load(tmp_path, "a[1].jsonl", **{"sub__a[1]_jsonl": LINE, "sub__a1_jsonl": LINE})

        assert ["specs/sub/a[1].jsonl"] == found

    @pytest.mark.parametrize(
        ("file", "code"),
        [
            ("gone.jsonl", "RKD1402"),
            ("*.csv", "RKD1402"),
            ("../../out.jsonl", "RKD1401"),
            ("../..", "RKD1401"),
            ("/etc/passwd", "RKD1401"),
            ("link.jsonl", "RKD1002"),
            ("dir.yaml", "RKD1002"),
            ("dir", "RKD1002"),
            ("dangling.yaml", "RKD1402"),
            ("circle.jsonl", "RKD1002"),
            (".", "RKD1002"),
        ],
    )
    def test_what_cannot_be_read_is_reported_at_the_item_that_names_it(self, tmp_path, file, code):
        write(tmp_path, out_jsonl=LINE)
        root = write(tmp_path / "specs", sub__x_txt="", sub__dir_yaml__x_txt="")
        (root / "sub" / "dir.yaml").mkdir()
        (root / "sub" / "dir").mkdir()
        (root / "sub" / "link.jsonl").symlink_to("../../out.jsonl")
        (root / "sub" / "dangling.yaml").symlink_to("nowhere")
        (root / "sub" / "circle.jsonl").symlink_to("circle.jsonl")

        _, problems = self.load(root, file)

        assert f"specs/sub/a.yaml:7:20 {code}" in problems

    def test_a_file_that_two_items_name_is_read_once(self, tmp_path):
        """Patterns overlap easily; repeating every line would be an error a line."""
        text = dataset().replace('[{file: "train.jsonl"}]', "[{file: a.jsonl}, {file: '*.jsonl'}]")
        found, problems = self.load(tmp_path, "", sub__a_yaml=text, sub__a_jsonl=LINE, sub__b_jsonl=LINE)

        assert ["specs/sub/a.jsonl", "specs/sub/b.jsonl"] == found
        assert ["specs/sub/a.yaml:7:37 RKD1403"] == problems

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (b"\xef\xbb\xbf" + LINE.encode(), "1 RKD1004"),
            (LINE.encode("utf-16"), "1 RKD1003"),
            (b"\x1f\x8b\x08rest", "1 RKD1003"),
            (b"PK\x03\x04\0\0", "1 RKD1003"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "1 RKD1003"),
            ((LINE + LINE)[:-2], "2 RKD1405"),
            (LINE[:10], "1 RKD1405"),
            (LINE + "\0" * 9_000, "1 RKD1003"),
            (LINE * 300 + "\0" * 9_000, "301 RKD1405"),
            (LINE + '{"a":"' + "x" * 500_000, "2 RKD1405"),
            ("", "1 RKD1404"),
            (" \n\n", "1 RKD1404"),
            ("\n" * 8_192, "1 RKD1404"),
            ('{\n  "source-ref": "s3://b/a.jpg"\n}\n{\n  "source-ref": "s3://b/b.jpg"\n}', "1 RKD1408"),
            (f"[{LINE[:-1]}]", "1 RKD1408"),
            ("image,label\na.jpg,cow\nb.jpg,dog\n", "1 RKD1408"),
            ("apiVersion: reconciler/v1\nkind: Entries\nimages: []\n", "1 RKD1408"),
            ("<!DOCTYPE html>\n<html>\n<body>log in\n", "1 RKD1408"),
        ],
    )
    def test_a_file_that_looks_damaged_makes_the_dataset_unusable(self, tmp_path, text, expected):
        """A half-written file must never become a plan."""
        write(tmp_path, a_yaml=dataset(), train_jsonl=text)

        specs = loaded(tmp_path)

        assert [f"specs/train.jsonl:{expected}"] == problems_in(specs)
        assert not specs.datasets[0].usable

    @pytest.mark.parametrize(
        "text", [LINE, LINE[:-1], LINE.replace("\n", "\r\n"), "x" * 9_000 + "\n", "\n" * 9_000 + LINE]
    )
    def test_a_complete_file_is_taken_as_it_is(self, tmp_path, text):
        """The last newline may be missing; what the lines hold is judged elsewhere."""
        write(tmp_path, a_yaml=dataset(), train_jsonl=text)

        (found,) = loaded(tmp_path).datasets

        assert found.usable
        assert text.encode() == content(found.files[0])

    @pytest.mark.parametrize("file", ["train.jsonl", "entries.yaml"])
    def test_an_empty_file_may_be_meant(self, tmp_path, file):
        text = dataset(file=file) + "  policy: {allowEmpty: true}\n"
        write(tmp_path, a_yaml=text, train_jsonl="", entries_yaml=ENTRIES.rstrip() + " []\n")

        specs = loaded(tmp_path)

        assert (True, 1) == (specs.datasets[0].usable, len(specs.datasets[0].files))

    def test_a_file_that_changes_after_loading_is_refused(self, tmp_path):
        """Offsets into the old file would be wrong."""
        write(tmp_path, a_yaml=dataset(), train_jsonl=LINE)
        (file,) = loaded(tmp_path).datasets[0].files
        write(tmp_path, train_jsonl=LINE * 2)

        with pytest.raises(SourceError, match=r"train\.jsonl: the file changed"):
            file.open()


class TestShorthand:
    """YAML files under `entries`."""

    def test_lines_know_the_lines_of_their_images(self, tmp_path):
        """A problem of a compiled line is told where its author wrote it."""
        text = ENTRIES + "  - image: a.jpg\n\n  - image: b.jpg\n    labels: [x]\n---\n" + ENTRIES
        text += "  - {image: c.jpg}\n"
        write(tmp_path, a_yaml=dataset(file="x.yaml"), x_yaml=text)

        specs = loaded(tmp_path)
        (file,) = specs.datasets[0].files

        assert [] == problems_in(specs)
        assert [6, 8, 16] == [file.line_number(line) for line in (1, 2, 3)]
        assert b'{"source-ref":"s3://bucket/train/a.jpg"}' == content(file).splitlines()[0]

    def test_a_dataset_and_its_entries_may_share_a_file(self, tmp_path):
        write(tmp_path, a_yaml=dataset(file="a.yaml") + "---\n" + ENTRIES + "  - {image: a.jpg}\n")

        specs = loaded(tmp_path)

        assert (["specs/a.yaml"], []) == (files(specs.datasets[0]), problems_in(specs))

    def test_problems_of_images_have_their_places(self, tmp_path):
        """All at once, and the dataset waits: its author meant more than what is left."""
        text = ENTRIES + "  - image: /a.jpg\n  - image: b.jpg\n    labels: [x, x]\n    boxes: []\n"
        write(tmp_path, a_yaml=dataset(file="x.yaml"), x_yaml=text)

        specs = loaded(tmp_path)

        assert [
            "specs/x.yaml:6:12 RKD1501",
            "specs/x.yaml:8:17 RKD1502",
            "specs/x.yaml:9:5 RKD1503",
        ] == problems_in(specs)
        assert (False, ()) == (specs.datasets[0].usable, specs.datasets[0].files)

    @pytest.mark.parametrize(
        ("images", "sound"),
        [
            pytest.param("  - image: /a.jpg\n  - image: b.jpg\n", [7], id="no address"),
            pytest.param("  - {image: a.jpg, lables: [x]}\n  - image: b.jpg\n  - 5\n", [7], id="no field"),
            pytest.param("  - image: a.jpg\n  - {image: b.jpg, labels: [on]}\n", [6], id="a trap of YAML"),
            pytest.param(
                "  - {image: a.jpg, size: [1]}\n  - image: b.jpg\nkind: Entries\n", None, id="outside"
            ),
            pytest.param("  - &a {image: a.jpg, size: [1]}\n  - *a\n  - image: b.jpg\n", None, id="an alias"),
        ],
    )
    def test_a_bad_image_hides_nothing_of_the_others(self, tmp_path, images, sound):
        """They are judged with it, so that all is told at once; the dataset waits all the same."""
        write(tmp_path, a_yaml=dataset(file="x.yaml"), x_yaml=ENTRIES + images)

        (found,) = loaded(tmp_path).datasets

        judged = [
            [file.line_number(n + 1) for n in range(content(file).count(b"\n"))] for file in found.files
        ]
        assert (False, [sound] if sound else []) == (found.usable, judged)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a: 1\n", "1:1 RKD1204"),
            ("[1]\n", "1:1 RKD1205"),
            ("", "1:1 RKD1005"),
            ("# only\n", "1 RKD1406"),
            (ENTRIES.replace("createdAt", "created"), "4:1 RKD1203"),
            (ENTRIES + "  - image: a.jpg\n    labels: [on, 012, 5]\n", "7:14 RKD1103"),
        ],
    )
    def test_a_yaml_file_that_is_named_must_be_the_shorthand(self, tmp_path, text, expected):
        write(tmp_path, a_yaml=dataset(file="x.yaml"), x_yaml=text)

        specs = loaded(tmp_path)

        assert f"specs/x.yaml:{expected}" in problems_in(specs)
        assert not specs.datasets[0].usable

    def test_a_trap_where_text_belongs_says_to_quote_it(self, tmp_path):
        text = ENTRIES + "  - image: a.jpg\n    labels: [on, 012, 5]\n"
        write(tmp_path, a_yaml=dataset(file="x.yaml"), x_yaml=text)

        assert all("quotes" in problem.message for problem in loaded(tmp_path).problems)

    def test_a_spec_named_as_entries_is_not_the_shorthand(self, tmp_path):
        write(tmp_path, a_yaml=dataset(file="*.yaml"))

        assert ["specs/a.yaml:1 RKD1406"] == problems_in(loaded(tmp_path))

    def test_entries_that_no_spec_names_are_a_warning(self, tmp_path):
        """Somebody forgot them, and would wait for ever."""
        write(tmp_path, a_yaml=dataset(), train_jsonl=LINE, x_yaml=ENTRIES + "  - {image: a.jpg}\n")

        (problem,) = loaded(tmp_path).problems

        assert ("RKD1407", False) == (problem.code, problem.is_error)


class TestClashes:
    """Two datasets that cannot both be."""

    ARN = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1690476084535"

    def load(self, root, *targets):
        for index, target in enumerate(targets):
            text = dataset(f"d{index}", project="x").replace("project: x, type: TRAIN", target)
            write(root, **{f"{index}_yaml": text})
        write(root, train_jsonl=LINE)
        return loaded(root)

    def test_one_name_is_reported_in_both_places(self, tmp_path):
        write(tmp_path, a_yaml=dataset("x", project="p"), b_yaml=dataset("x", project="q"), train_jsonl=LINE)

        specs = loaded(tmp_path)

        assert ["specs/a.yaml:4:9 RKD1301", "specs/b.yaml:4:9 RKD1301"] == problems_in(specs)
        assert "specs/b.yaml:4:9" in specs.problems[0].message
        assert not any(dataset.usable for dataset in specs.datasets)

    def test_one_target_is_reported_in_both_places(self, tmp_path):
        specs = self.load(tmp_path, "project: p, type: TRAIN", "project: p, type: TRAIN")

        assert ["specs/0.yaml:6:3 RKD1302", "specs/1.yaml:6:3 RKD1302"] == problems_in(specs)
        assert "dataset d1 in specs/1.yaml:6:3 has the same target" == specs.problems[0].message

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (f"datasetArn: '{ARN}'", f"datasetArn: '{ARN}'"),
            (
                f"datasetArn: '{ARN}'",
                "project: p, type: TRAIN, region: us-east-1, accountId: '111122223333'",
            ),
            ("project: p, type: TRAIN, accountId: '111122223333'", "project: p, type: TRAIN"),
            (f"datasetArn: '{ARN}'", "project: p, type: TRAIN"),
            ("project: p, type: TRAIN", "project: p, type: TRAIN, region: eu-west-1"),
        ],
    )
    def test_one_target_is_seen_through_its_spellings(self, tmp_path, one, other):
        assert 2 == len(problems_in(self.load(tmp_path, one, other)))

    def test_a_region_left_to_the_sdk_is_the_way_out(self, tmp_path):
        specs = self.load(tmp_path, "project: p, type: TRAIN", "project: p, type: TRAIN, region: eu-west-1")

        assert "give both a spec.target.region" in specs.problems[0].message

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("project: p, type: TRAIN", "project: p, type: TEST"),
            ("project: p, type: TRAIN", "project: q, type: TRAIN"),
            ("project: p, type: TRAIN, region: eu-west-1", "project: p, type: TRAIN, region: us-east-1"),
            (
                "project: p, type: TRAIN, accountId: '111111111111'",
                "project: p, type: TRAIN, accountId: '222222222222'",
            ),
            (
                "project: p, type: TRAIN",
                "project: p, type: TRAIN, roleArn: 'arn:aws:iam::111122223333:role/x'",
            ),
        ],
    )
    def test_different_targets_are_no_clash(self, tmp_path, one, other):
        assert [] == problems_in(self.load(tmp_path, one, other))


def test_loading_does_not_read_the_lines(tmp_path):
    """A file of 250 MB costs its first and its last bytes (here a sparse one, with an end)."""
    write(tmp_path, a_yaml=dataset(), train_jsonl=LINE.rstrip() + " " * 10_000)
    path = tmp_path / "train.jsonl"
    os.truncate(path, 250_000_000)
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\n")
    started = time.process_time()

    (found,) = loaded(tmp_path).datasets

    assert found.usable
    assert time.process_time() - started < 0.1


def test_shorthand_costs_about_what_reading_it_as_yaml_costs(tmp_path):
    """Strictness, places and compilation together: never much more than the bare parser, in the same run."""
    item = "    size: [640, 480]\n    boxes:\n      - {label: x, left: 8, top: 6, width: 2, height: 3}\n"
    images = "".join(f"  - image: {n}.jpg\n    labels: [a, b]\n{item}" for n in range(300))
    write(tmp_path, a_yaml=dataset(file="x.yaml"), x_yaml=ENTRIES + images)

    bare = cpu_seconds(lambda: yaml.load(ENTRIES + images, yaml.CSafeLoader))
    whole = cpu_seconds(lambda: loaded(tmp_path))

    assert whole < 4 * bare
    assert 300 == content(loaded(tmp_path).datasets[0].files[0]).count(b"\n")


def cpu_seconds(work):
    """Return the least of three runs."""
    took = []
    for _ in range(3):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def test_the_example_tree_is_sound():
    """What people copy has no errors and no warnings, and may be applied to an empty account."""
    specs = opened(Path(__file__).parents[2] / "specs")

    assert [] == problems_in(specs)
    assert ["circuit-boards-train", "flowers-train", "flowers-test"] == names(specs)
    assert all(d.target.create and d.policy.mode == "upsert" for d in specs.datasets)


class Memory:
    """A tree in memory."""

    name = "specs"
    revision = None

    def __init__(self, **files):
        self.content = {key.replace("_", "."): content for key, content in files.items()}

    def files(self):
        return sorted(self.content)

    def open(self, path):
        if path not in self.content:
            raise FileNotFoundError(2, "No such file or directory", path)
        return io.BytesIO(self.content[path])

    def refused(self):
        return {}

    def canonical(self, path):
        return path

    def display(self, path):
        return path

    def identity(self, path):
        return None


SAMPLE = (dataset("a") + "---\n" + dataset("b", "x.yaml") + "---\n" + ENTRIES + "  - {image: a}\n").encode()
PIECES = [
    b"",
    b"\t",
    b"\0",
    b"\xff",
    b": ",
    b"- ",
    b"&a ",
    b"*a ",
    b"<<: ",
    b"!x ",
    b"[",
    b"}",
    b"'",
    b"\n---\n",
]


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SAMPLE)), st.integers(0, 9), st.sampled_from(PIECES) | st.binary(max_size=3)
        ),
        max_size=4,
    )
)
def test_whatever_a_file_holds_it_ends_in_problems_with_places(edits):
    """No content of a tree leads to a traceback, and every problem names its line."""
    text = SAMPLE
    for at, cut, piece in edits:
        text = text[:at] + piece + text[at + cut :]
    tree = Memory(a_yaml=text, x_yaml=text, train_jsonl=LINE.encode())

    try:
        specs = load(tree)
    except SourceError:
        return

    assert all(problem.origin and problem.origin.line > 0 for problem in specs.problems)
    assert list(specs.problems) == sorted(specs.problems, key=lambda p: p.origin and p.origin[:2])


ACKNOWLEDGEMENT = """\
---
apiVersion: reconciler/v1
kind: Acknowledgement
dataset: a
match: s3://b/**
classes: [unmanaged]
until: 2026-12-31
reason: labelling party
"""


def test_acknowledgements_are_read_beside_the_datasets(tmp_path):
    """In the same file or in one of their own."""
    write(tmp_path, a_yaml=dataset("a") + ACKNOWLEDGEMENT, known_yaml=ACKNOWLEDGEMENT, train_jsonl=LINE)

    specs = loaded(tmp_path)

    assert ["labelling party"] * 2 == [found.reason for found in specs.acknowledgements]
    assert () == specs.problems


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2026-12-31", "2026-02-30", "must be a date such as 2026-12-31"),
        ("[unmanaged]", "[unmanagd]", "classes"),
        ("dataset: a", "dataset: b", "no dataset is called b"),
    ],
)
def test_a_bad_acknowledgement_breaks_no_dataset(tmp_path, old, new, expected):
    """It is named as a problem; the dataset that it is about is as usable as before."""
    write(tmp_path, a_yaml=dataset("a"), known_yaml=ACKNOWLEDGEMENT.replace(old, new), train_jsonl=LINE)

    specs = loaded(tmp_path)

    assert (["a"], ()) == (names(specs), specs.broken)
    assert expected in "".join(problem.message for problem in specs.problems)


class TestPartners:
    """The training and the test dataset of one project, which must share no image."""

    ARN = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/test/1690476084535"

    def names(self, root, *targets):
        """Return the names of each dataset's partners."""
        return [[other.name for other in d.partners] for d in TestClashes().load(root, *targets).datasets]

    @pytest.mark.parametrize(
        "other",
        [
            "project: p, type: TEST",
            "project: p, type: TEST, region: us-east-1",
            "project: p, type: TEST, accountId: '111122223333'",
            f"datasetArn: '{ARN}'",
        ],
    )
    def test_know_each_other_however_they_are_named(self, tmp_path, other):
        assert [["d1"], ["d0"]] == self.names(tmp_path, "project: p, type: TRAIN", other)

    @pytest.mark.parametrize(
        "other",
        [
            "project: q, type: TEST",
            "project: p, type: TEST, region: eu-west-1",
            "project: p, type: TEST, accountId: '999988887777'",
        ],
    )
    def test_of_another_project_are_none(self, tmp_path, other):
        assert [[], []] == self.names(tmp_path, f"datasetArn: '{self.ARN.replace('test', 'train')}'", other)


def test_globs_and_paths_are_known_with_their_places(tmp_path):
    """So that a plan can say which of them match nothing; acknowledgements count to their dataset."""
    more = (
        "  protect: [s3://b/*, s3://c/*]\n"
        "  ignore:\n    - {paths: [/x, /y]}\n    - {paths: [/z], match: s3://d/*}\n"
    )
    known = ACKNOWLEDGEMENT.replace("dataset: a", "dataset: flowers")
    write(
        tmp_path,
        a_yaml=dataset() + more,
        b_yaml=known + known.replace("s3://b/**", "s3://f/*"),
        train_jsonl=LINE,
    )
    specs = loaded(tmp_path)
    (found,) = specs.datasets

    assert [
        ("protect", "s3://b/*", "specs/a.yaml:8:13"),
        ("protect", "s3://c/*", "specs/a.yaml:8:23"),
        ("ignore.match", "s3://d/*", "specs/a.yaml:11:28"),
        ("match", "s3://b/**", "specs/b.yaml:5:8"),
        ("match", "s3://f/*", "specs/b.yaml:13:8"),
    ] == [(one[0], one[1], str(one[2])) for one in found.patterns]
    assert [("/x", None, "10:16"), ("/y", None, "10:20"), ("/z", "s3://d/*", "11:16")] == [
        (one[0], one[1], str(one[2]).removeprefix("specs/a.yaml:")) for one in found.paths
    ]


def test_whatever_is_wrong_with_one_file_the_next_ones_are_read(tmp_path):
    """One that leads out of the tree, one that is not there, one that is named twice."""
    names = ["../x.jsonl", "gone.jsonl", "a.jsonl", "a.jsonl", "no*.jsonl", "b.jsonl"]
    items = ", ".join(f"{{file: '{name}'}}" for name in names)
    text = dataset().replace('{file: "train.jsonl"}', items)
    write(tmp_path, d_yaml=text, a_jsonl=LINE, b_jsonl="{}\n")

    specs = loaded(tmp_path)

    assert [
        "specs/d.yaml:7:20 RKD1401",
        "specs/d.yaml:7:42 RKD1402",
        "specs/d.yaml:7:83 RKD1403",
        "specs/d.yaml:7:102 RKD1402",
    ] == problems_in(specs)
    assert ["specs/a.jsonl", "specs/b.jsonl"] == files(specs.datasets[0])
