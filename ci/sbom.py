#!/usr/bin/env python3
"""Print what a release ships, as pinned, in CycloneDX 1.6: python3 ci/sbom.py vX.Y.Z > sbom.cdx.json."""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# All extras included.
LOCK = "requirements.k8s.lock.txt"

_PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;\\]+)[^\n]*((?:\n    --hash=sha256:[0-9a-f]{64}[ \\]*)+)", re.MULTILINE
)


def components(lock: str) -> Iterator[dict[str, object]]:
    """Yield each pinned package with the hashes of all its files."""
    for name, version, hashes in _PIN.findall(lock):
        purl = f"pkg:pypi/{name}@{version}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": one} for one in re.findall(r"[0-9a-f]{64}", hashes)],
        }


def main(version: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name, number = project["name"], version.removeprefix("v")
    purl = f"pkg:pypi/{name}@{number}"
    parts = list(components((ROOT / LOCK).read_text()))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": purl,
                "name": name,
                "version": number,
                "purl": purl,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": parts,
        "dependencies": [{"ref": purl, "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    # From the content, so that the same release has the same number wherever it is built.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    json.dump({"serialNumber": f"urn:uuid:{serial}", **document}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: ci/sbom.py vX.Y.Z")
    main(sys.argv[1])
