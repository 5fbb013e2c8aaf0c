"""The calls that only a rebuild needs: delete a dataset, and create one from a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler import errors
from reconciler.core.spec.choices import DatasetType
from reconciler.rekognition.gateway import MOST_ANSWERS, Rekognition
from reconciler.rekognition.translate import translated

OPERATIONS: Final = ("CreateDataset", "DeleteDataset", "DescribeProjectVersions", "ListTagsForResource")


class RebuildingRekognition(Rekognition):
    """`ports.RebuildGateway` through boto3 clients."""

    def trainings(self, project_arn: str) -> Sequence[str]:
        names: list[str] = []
        call = self._client.describe_project_versions
        asked = {"ProjectArn": project_arn}
        for answer in self._answers("DescribeProjectVersions", call, asked, MOST_ANSWERS):
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
