"""The door to AWS. boto3 and botocore are known here, where clients are made, and in the emulator."""

from __future__ import annotations

from typing import Final

NAME: Final = "rekognition-dataset-reconciler"
"""As whom AWS sees us: in the user agent of every call, and as the session of a role."""
