"""Generate least-privilege IAM policies: the exact actions that a command uses, on the exact resources."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from reconciler.core.spec.choices import PinnedObject
from reconciler.core.spec.documents import Target


class AccessLevel(StrEnum):
    """What a policy allows; each of the first three holds the one before it."""

    READ = "read"  # doctor, plan, drift, propose, explain, export, mode observe
    WRITE = "write"  # apply, restore, run
    REBUILD = "rebuild"  # delete and recreate a dataset
    IMAGES = "check-images"  # read images, and nothing of Rekognition


_READ: Final = ("rekognition:DescribeDataset", "rekognition:ListDatasetEntries")
_WRITE: Final = ("rekognition:UpdateDatasetEntries",)
_REBUILD: Final = ("rekognition:DeleteDataset", "rekognition:ListTagsForResource")
_OBJECTS: Final = ("s3:GetObject", "s3:PutObject")
_QUEUE: Final = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
)


def policy(
    level: AccessLevel,
    targets: Iterable[Target],
    places: Iterable[str] = ("*",),
    images: Iterable[str] = (),
    queue: str | None = None,
    manifests: Iterable[PinnedObject] = (),
) -> dict[str, Any]:
    """
    Return an IAM policy for these targets.

    DescribeProjects cannot be restricted to a resource. Where a spec leaves Region or account to the
    environment, the policy has ``*``. Creating a dataset uses the caller's permissions, which must allow
    reading the manifest, and tagging if the dataset had tags.

    Args:
        places: Where a rebuild stores its manifests, or where images are, each as ``bucket`` or ``bucket/prefix``.
        images: Where the images are that plans check, written likewise.
        queue: The ARN of the queue of events that a controller reads.
        manifests: Entries that are kept in S3.
    """
    targets = list(targets)
    common = [*_manifests(list(manifests)), *_roles(targets)]
    if level is AccessLevel.IMAGES:
        return _policy([*_images(places), *common])
    writes, rebuilds = level is not AccessLevel.READ, level is AccessLevel.REBUILD
    data = [*_READ, *(_WRITE if writes else ()), *(_REBUILD if rebuilds else ())]
    statements: list[Mapping[str, Any]] = [
        _allow("FindDatasets", ["rekognition:DescribeProjects"], ["*"]),
        _allow("Datasets", data, [_dataset(target) for target in targets]),
    ]
    if writes and (made := [target for target in targets if target.create]):
        actions = ["rekognition:CreateDataset", "rekognition:CreateProject"]
        statements.append(_allow("CreateWhatIsMissing", actions, [_project(target) for target in made]))
    if queue:
        statements.append(_allow("ReadEvents", _QUEUE, [queue]))
    if rebuilds:
        statements += _rebuild(targets, places)
    return _policy([*statements, *_images(images), *common])


def _rebuild(targets: Sequence[Target], places: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Allow what deleting and recreating datasets takes beyond writing to them."""
    projects = [_project(target) for target in targets]
    yield _allow("CreateAnew", ["rekognition:CreateDataset", "rekognition:TagResource"], projects)
    yield _allow("SeeTrainings", ["rekognition:DescribeProjectVersions"], projects)
    if objects := [f"arn:aws:s3:::{place.rstrip('/')}/*" for place in places]:
        yield _allow("KeepManifests", _OBJECTS, objects)


def _policy(statements: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _roles(targets: Iterable[Target]) -> Iterator[Mapping[str, Any]]:
    if roles := sorted({target.role_arn for target in targets if target.role_arn}):
        yield _allow("AssumeRoles", ["sts:AssumeRole"], roles)


def _manifests(objects: Collection[PinnedObject]) -> Iterator[Mapping[str, Any]]:
    """Allow reading exactly these objects; a version that is named needs an action of its own."""
    latest = [one for one in objects if one.version_id is None]
    versions = [one for one in objects if one.version_id is not None]
    if latest:
        yield _allow("ReadManifests", ["s3:GetObject"], map(_object, latest))
    if versions:
        yield _allow("ReadManifestVersions", ["s3:GetObjectVersion"], map(_object, versions))


def _object(pinned: PinnedObject) -> str:
    """Return the ARN of one object; what would be a wildcard or a variable in a policy is written as IAM says."""
    key = re.sub(r"[*?$]", r"${\g<0>}", pinned.key)
    return f"arn:aws:s3:::{pinned.bucket}/{key}"


def _images(places: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Allow listing and reading; without the permission to list, S3 calls a missing image denied."""
    folders = sorted({place.rstrip("/") for place in places})
    if buckets := [f"arn:aws:s3:::{folder.partition('/')[0]}" for folder in folders]:
        yield _allow("ListImages", ["s3:ListBucket"], buckets)
        yield _allow("ReadImages", ["s3:GetObject"], [f"arn:aws:s3:::{folder}/*" for folder in folders])


def _allow(sid: str, actions: Iterable[str], resources: Iterable[str]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(set(resources)),
    }


def _dataset(target: Target) -> str:
    if target.dataset_arn:
        return str(target.dataset_arn)
    return f"{_project(target)[:-2]}/dataset/{str(target.type).lower()}/*"


def _project(target: Target) -> str:
    region, account = target.home_region or "*", target.home_account or "*"
    return f"arn:aws:rekognition:{region}:{account}:project/{target.identity[0]}/*"
