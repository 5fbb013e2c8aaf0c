"""
The codes of problems of images in S3: RKD4xxx, where AWS has no code.

AWS has ``ERROR_INVALID_IMAGE`` and ``ERROR_INVALID_IMAGE_DIMENSION`` for most of what may be wrong with an image.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.validation.spec_codes import Code

WRONG_SIZE: Final = Code(
    "RKD4001",
    "A line states another size than its image has",
    "Its boxes were drawn for another version of the image, such as a scaled one, or the sides are swapped.",
    "developer guide, object localization in manifest files",
)
TURNED_IMAGE: Final = Code(
    "RKD4002",
    "A line with boxes on an image that is stored turned",
    "The EXIF orientation swaps width and height when the image is shown. Whether the service turns it is not "
    "documented.",
    "EXIF 2.3, tag 0x0112",
)
NO_BUCKET: Final = Code(
    "RKD4003",
    "The bucket of the images does not exist",
    "Every image in it is missing.",
    "API reference, NoSuchBucket",
)
OTHER_REGION: Final = Code(
    "RKD4004",
    "The bucket of the images is in another Region than the dataset",
    "Rekognition reads images from buckets of its own Region.",
    "API reference, InvalidS3ObjectException",
)
SAME_CONTENT: Final = Code(
    "RKD4005",
    "The same image is in the training and in the test dataset, under two names",
    "Both have one ETag and size. The model is examined on what it learnt.",
    "developer guide, validation rules for manifest files",
)

IMAGE_CODES: Final = tuple(sorted(value for value in list(globals().values()) if isinstance(value, Code)))
"""Every code of this module, in order."""
