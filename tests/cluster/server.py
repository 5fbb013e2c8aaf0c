"""Run a kube-apiserver and its etcd on loopback, with RBAC, tokens and no nodes."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.waiting import until

ADMINISTRATOR = "of-the-administrator"


@dataclass
class Cluster:
    """
    A running API server.

    Attributes:
        place: Its files, the certificate and the kubeconfigs among them.
        pid: Of the API server.
    """

    url: str
    place: Path
    pid: int

    def kubeconfig(self, name: str, token: str) -> Path:
        """Write the kubeconfig of one identity."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "loopback",
                    "cluster": {
                        "server": self.url,
                        "certificate-authority": str(self.place / "certs/apiserver.crt"),
                    },
                }
            ],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "loopback", "user": name}}],
            "current-context": name,
        }
        path = self.place / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return path

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator; fail with what it says."""
        config = self.kubeconfig("administrator", ADMINISTRATOR)
        command = ["kubectl", "--kubeconfig", config, f"--cache-dir={self.place}/cache", *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", "-o", "json", *words))

    def token(self, namespace: str, account: str) -> str:
        """Return a token of a service account, as a pod is given one."""
        return self.kubectl("create", "token", account, "-n", namespace).strip()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@contextmanager
def served(programs: Path, place: Path) -> Iterator[Cluster]:
    """Start both programs; end them, and nothing else, at the end."""
    client, peer, secure = (_free_port() for _ in range(3))
    etcd_url, peer_url, url = (
        f"http://127.0.0.1:{client}",
        f"http://127.0.0.1:{peer}",
        f"https://127.0.0.1:{secure}",
    )
    key = place / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (place / "tokens.csv").write_text(f'{ADMINISTRATOR},administrator,administrator,"system:masters"\n')
    etcd = [
        programs / "etcd",
        f"--data-dir={place}/etcd",
        f"--listen-client-urls={etcd_url}",
        f"--advertise-client-urls={etcd_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
    ]
    api = [
        programs / "kube-apiserver",
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={secure}",
        "--insecure-port=0",
        f"--cert-dir={place}/certs",
        f"--token-auth-file={place}/tokens.csv",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/24",
    ]
    with _running(etcd, place / "etcd.log"), _running(api, place / "apiserver.log") as pid:
        cluster = Cluster(url, place, pid)
        until(lambda: _is_ready(cluster), 180)
        try:
            yield cluster
        finally:
            cluster.thaw()


@contextmanager
def _running(command: list[object], log: Path) -> Iterator[int]:
    with log.open("wb") as stream:
        process = subprocess.Popen([str(word) for word in command], stdout=stream, stderr=stream)
        try:
            yield process.pid
        finally:
            process.kill()
            process.wait()


def _is_ready(cluster: Cluster) -> bool:
    certificate = cluster.place / "certs" / "apiserver.crt"
    if not certificate.exists():
        return False
    request = urllib.request.Request(  # noqa: S310  loopback
        f"{cluster.url}/readyz", headers={"Authorization": f"Bearer {ADMINISTRATOR}"}
    )
    try:
        context = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(request, context=context, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
