"""Its tests: no set-up but the names of two fixtures, which the plugin brings."""

from labels import add_image


def test_an_image_is_added(rekognition_env, rekognition_client):
    project = rekognition_client.create_project(ProjectName="flowers")["ProjectArn"]
    dataset = rekognition_client.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]

    add_image(dataset, "s3://acme-flowers/1.jpg")

    (line,) = rekognition_client.list_dataset_entries(DatasetArn=dataset)["DatasetEntries"]
    assert '"source-ref":"s3://acme-flowers/1.jpg"' in line
    assert "UpdateDatasetEntries" in rekognition_env.emulator.calls.names()
