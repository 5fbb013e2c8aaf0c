"""What only a rebuild needs: delete a dataset, create one from a manifest, and put and get whole objects in S3."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from botocore.config import Config

from reconciler import errors
from reconciler.core.spec.choices import DatasetType
from reconciler.errors import NotFound
from reconciler.private import temporary_file
from reconciler.rekognition.gateway import MAX_ANSWERS, Rekognition
from reconciler.rekognition.settings import sdk_config
from reconciler.rekognition.translate import translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


OPERATIONS: Final = ("CreateDataset", "DeleteDataset", "DescribeProjectVersions", "ListTagsForResource")


class RebuildingRekognition(Rekognition):
    """`ports.RebuildGateway` through boto3 clients."""

    def trainings(self, project_arn: str) -> Sequence[str]:
        names: list[str] = []
        call = self._client.describe_project_versions
        asked = {"ProjectArn": project_arn}
        for answer in self._answers("DescribeProjectVersions", call, asked, MAX_ANSWERS):
            with translated("DescribeProjectVersions"):
                names += (
                    version["ProjectVersionArn"].split("/")[3]
                    for version in answer["ProjectVersionDescriptions"]
                    if version["Status"] == "TRAINING_IN_PROGRESS"
                )
        return names

    def tags(self, arn: str) -> Mapping[str, str]:
        """
        Return the tags of a dataset.

        The API reference does not list datasets for this operation, though a dataset is created with tags: if the
        service refuses, there are none to carry over.
        """
        try:
            with translated("ListTagsForResource"):
                return dict(self._client.list_tags_for_resource(ResourceArn=arn).get("Tags", {}))
        except (errors.NotFound, errors.Rejected):
            return {}

    def delete_dataset(self, arn: str) -> None:
        with translated("DeleteDataset"):
            self._client.delete_dataset(DatasetArn=arn)

    def create_dataset_from(
        self,
        project_arn: str,
        dataset_type: DatasetType,
        manifest: tuple[str, str] | None,
        tags: Mapping[str, str],
    ) -> str:
        request: dict[str, Any] = {"ProjectArn": project_arn, "DatasetType": dataset_type.value}
        if manifest is not None:
            place = dict(zip(("Bucket", "Name"), manifest, strict=True))
            request["DatasetSource"] = {"GroundTruthManifest": {"S3Object": place}}
        if tags:
            request["Tags"] = dict(tags)
        with translated("CreateDataset"):
            answer = self._client.create_dataset(**request)
            return answer["DatasetArn"]


_CHUNK_BYTES: Final = 1 << 20


def s3_config(endpoint: str | None) -> Config:
    """Return the SDK settings; a custom endpoint, unlike AWS, has no host name per bucket."""
    return sdk_config(s3={"addressing_style": "path"} if endpoint else None)


class S3:
    """
    `ports.Objects`. One call per object: a manifest has at most 1 GB, a call accepts 5 GB.

    Args:
        makes_buckets: Whether to create a missing bucket, as in the emulator.
    """

    def __init__(self, client: S3Client, *, makes_buckets: bool = False) -> None:
        self._client = client
        self._makes_buckets = makes_buckets

    def put(self, bucket: str, key: str, content: BinaryIO) -> None:
        try:
            self._put(bucket, key, content)
        except NotFound:
            if not self._makes_buckets:
                raise
            with translated("CreateBucket"):
                self._client.create_bucket(Bucket=bucket)
            content.seek(0)
            self._put(bucket, key, content)

    def _put(self, bucket: str, key: str, content: BinaryIO) -> None:
        with translated("PutObject"):
            self._client.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/x-ndjson")

    def open(self, bucket: str, key: str) -> BinaryIO:
        stream = temporary_file()
        try:
            with translated("GetObject"):
                body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
                shutil.copyfileobj(body, stream, _CHUNK_BYTES)
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return stream
