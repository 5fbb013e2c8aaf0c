"""An application that makes its own client, as most do."""

import json

import botocore.session


def add_image(dataset: str, uri: str) -> None:
    client = botocore.session.Session().create_client("rekognition")
    line = json.dumps({"source-ref": uri})
    client.update_dataset_entries(DatasetArn=dataset, Changes={"GroundTruth": line.encode()})
