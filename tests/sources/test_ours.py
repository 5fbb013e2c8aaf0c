"""What looks like ours is read, or is an error; the YAML of others is skipped, and counted."""

from __future__ import annotations

import pytest

from reconciler.sources.ours import as_list, is_ours, seems_ours
from tests.sources.builders import DATASET, ENTRIES, LINE, dataset, loaded, problems_in, write

GOOD = {"good_yaml": dataset("good", "good.jsonl"), "good_jsonl": LINE}
SPEC = DATASET.format(name="lost", file="good.jsonl", project="lost")


def near(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


OURS = {
    "a misspelt apiVersion": near(SPEC, "reconciler/v1", "reconcilr/v1"),
    "one with a domain": near(SPEC, "reconciler/v1", "reconciler.dev/v1"),
    "one of Kubernetes": near(SPEC, "reconciler/v1", "v1"),
    "one of another group": near(SPEC, "reconciler/v1", "apps/v1"),
    "one in capitals": near(SPEC, "reconciler/v1", "Reconciler/V1"),
    "a number": near(SPEC, "reconciler/v1", "1"),
    "no slash": near(SPEC, "reconciler/v1", "reconciler-v1"),
    "a later version": near(SPEC, "reconciler/v1", "reconciler/v2alpha1"),
    "no apiVersion": near(SPEC, "apiVersion: reconciler/v1\n", ""),
    "a misspelt key": near(SPEC, "apiVersion", "apiVerison"),
    "a misspelt key and value": near(near(SPEC, "apiVersion", "apiversion"), "reconciler/v1", "v1"),
    "a misspelt kind": near(near(SPEC, "kind: Dataset", "kind: Datset"), "reconciler/v1", "v1"),
    "a kind in lower case": near(near(SPEC, "kind: Dataset", "kind: dataset"), "reconciler/v1", "v1"),
    "no kind": near(SPEC, "kind: Dataset\n", ""),
    "neither": near(near(SPEC, "kind: Dataset\n", ""), "apiVersion: reconciler/v1\n", ""),
    "both misspelt": near(near(SPEC, "kind: Dataset", "kind: Set"), "reconciler/v1", "example.com/v1"),
    "entries": near(ENTRIES, "reconciler/v1", "v1") + "- {image: a.jpg}\n",
    "entries without a kind": near(near(ENTRIES, "kind: Entries\n", ""), "apiVersion: reconciler/v1\n", ""),
    "an acknowledgement": "apiVersion: v1\nkind: Acknowledgement\ndataset: good\n",
    "behind another document": "apiVersion: v1\nkind: ConfigMap\n---\n" + near(SPEC, "reconciler/v1", "v1"),
    "in braces": '{"apiVersion": "v1", "kind": "Dataset", "metadata": {"name": "lost"}}',
    "a template": "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {{ .Values.name }}: [\n",
    "a template with one line that tells": "apiVersion: reconciler/v1\nmetadata: {{ .Values.name }}: [\n",
    "a template behind another": "a: 1\n---\napiVersion: reconciler/v1\nmetadata: {{ .Values.name }}: [\n",
    "a template of a misspelt one": "apiVersion: v1\nkind: Dataset\nmetadata: {{ .Values.name }}: [\n",
    "behind what cannot be parsed": "a: [\n---\n" + SPEC,
    "a pointer of Git LFS": "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n",
    "a pointer of before": "version https://hawser.github.com/spec/v1\noid sha256:aa\nsize 1\n",
    "a link as text": "../base/d.yaml",
    "UTF-16": near(SPEC, "reconciler/v1", "v1").encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + near(SPEC, "reconciler/v1", "v1").encode(),
}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("suffix", ["yaml", "YML"])
def test_what_looks_like_ours_is_an_error_with_its_place(tmp_path, name, suffix):
    """Never less desire without a word: its dataset would count as removed."""
    write(tmp_path, **GOOD, **{f"lost_{suffix}": OURS[name]})

    specs = loaded(tmp_path)

    assert any(p.is_error and p.origin.file == f"specs/lost.{suffix}" for p in specs.problems), problems_in(
        specs
    )
    assert ["good"] == [one.name for one in specs.datasets if one.usable]
    entries = name.startswith(("entries", "an ack"))
    assert (
        entries
        or ["lost" if "metadata:\n  name: lost" in str(OURS[name]) else "specs"]
        == [one.name.partition("/")[0] for one in specs.broken]
        or name in {"in braces", "UTF-16", "a byte order mark", "behind what cannot be parsed"}
    )


THEIRS = {
    "a ConfigMap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {dataset: x, entries: y}\n",
    "a kustomization": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n"
    "images:\n- {name: reconciler, newName: ghcr.io/acme/reconciler/app}\n",
    "a Dataset of Fluid": "apiVersion: data.fluid.io/v1alpha1\nkind: Dataset\nmetadata: {name: x}\n"
    "spec:\n  mounts:\n  - {mountPoint: 's3://x', name: x}\n",
    "a Dataset of Datashim": "apiVersion: com.ie.ibm.hpsys/v1alpha1\nkind: Dataset\nmetadata: {name: x}\n"
    "spec:\n  local: {type: COS, bucket: x}\n",
    "a database": "apiVersion: v1\nkind: Database\nmetadata: {name: x}\nspec: {}\n",
    "a DaemonSet": "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x}\nspec: {}\n",
    "a data package": "id: dataset:x\nkind: dataset\ntitle: X\naccess: {level: public}\n",
    "a template of Helm": "{{- if .Values.reconciler }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n"
    '  name: {{ include "reconciler/name" . }}\nspec:\n  image: x/reconciler/y:{{ .Values.tag }}\n{{- end }}\n',
    "values": "image:\n  repository: ghcr.io/acme/reconciler/app\nentries: []\n",
    "a lock of DVC": "schema: '2.0'\nstages:\n  train:\n    cmd: x\n    deps: [{path: data, md5: a.dir}]\n",
    "data of YOLO": "path: ../datasets/coco\ntrain: images/train\nval: images/val\nnames: {0: person}\n",
    "a Bundle": "apiVersion: trust.cert-manager.io/v1\nkind: Bundle\nspec:\n  target: {configMap: {key: x}}\n",
    "a definition": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n"
    "  names: {kind: Dataset, plural: datasets}\n",
    "tags": "Resources: !Ref x\nentries: [a\n",
    "a list": "- a.yaml\n- b.yaml\n",
    "a word": "hello\n",
}


@pytest.mark.parametrize("name", THEIRS)
def test_the_yaml_of_others_is_skipped_and_counted(tmp_path, name):
    """Without noise, however much there is; whoever misses something finds the place."""
    write(tmp_path, **GOOD, theirs_yaml=THEIRS[name])

    specs = loaded(tmp_path)

    assert ([], []) == (problems_in(specs), list(specs.broken))
    assert ["specs/theirs.yaml"] == [origin.file for origin in specs.skipped]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("recnociler/v1", True),
        ("rekonciler/v1", True),
        ("recociler/v1", True),
        ("reconcil.example/v9", True),
        ("receiver/v1", False),
        ("apps/v1", False),
        ("v1", False),
    ],
)
def test_a_version_alone_tells_whose_a_document_is(version, expected):
    """One or two wrong letters are a mistake; another word is another program, whatever the rest holds."""
    assert expected is is_ours({"apiVersion": version, "kind": "Set"})
    assert expected is seems_ours(f"apiVersion: {version}\nkind: Set\n")


def test_a_file_in_capitals_is_read(tmp_path):
    """A camera and Windows write .JPG, and some write .YAML."""
    write(tmp_path, d_YAML=dataset("d", "Labels.YML"), Labels_YML=ENTRIES + "- {image: a.jpg}\n")

    (found,) = loaded(tmp_path).datasets

    assert found.usable
    assert b"a.jpg" in found.files[0].open().read()


def test_each_document_of_others_is_counted(tmp_path):
    """Those beside ours as well; what a dataset names is nobody else's."""
    write(
        tmp_path,
        d_yaml="a: 1\n---\n" + dataset("d", "labels.yaml") + "---\nb: 2\n",
        labels_yaml=ENTRIES.replace("apiVersion: reconciler/v1\nkind: Entries\n", "") + "- {image: a.jpg}\n",
    )

    assert ["specs/d.yaml:1", "specs/d.yaml:11"] == list(map(str, loaded(tmp_path).skipped))


FLUID, OWN = "apiVersion: data.fluid.io/v1alpha1\n", "apiVersion: v1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Dataset\n" + OWN, True),
        ("kind: Dataset\n" + FLUID, False),
        ("kind: Dataset\n" + FLUID + OWN, True),
        ("kind: Dataset\nspec: [\n", True),
        ("kind: Dataset\ntitle: [\n", False),
        ("kind: ConfigMap\n" + OWN + "spec: [\n", False),
        ("entries: [\ntarget: x\n", True),
        ("entries: [\n", False),
        ("images: [\ncreatedAt: x\n", True),
        ("images: [\n", False),
    ],
)
def test_a_text_that_cannot_be_parsed_is_judged_by_its_lines(text: str, expected: bool):
    """By kind and version, or by fields that only ours have together; a version of another group is not ours."""
    assert expected is seems_ours(text)


def test_only_a_list_holds_documents():
    """As kubectl prints several; a list of one kind alone has items that are none of ours."""
    items = [{"a": 1}, "x", {"b": 2}]

    assert [{"a": 1}, {"b": 2}] == as_list(items) == as_list({"kind": "List", "items": items})
    assert None is as_list({"kind": "PodList", "items": items})
    assert None is as_list({"kind": "ConfigMapList", "items": items})
    assert None is as_list({"kind": "List"})
