"""The door to AWS. boto3 and botocore are known here, where clients are made, and in the emulator."""
