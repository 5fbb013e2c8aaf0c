"""
The gateway to AWS.

Invariant: boto3 and botocore are imported only here, where the CLI makes clients, and in the emulator.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "rekognition-dataset-reconciler"
"""The name of this program in the user agent of every call, and as the session name of an assumed role."""
