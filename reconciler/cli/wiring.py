"""Create clients and contexts: the only place that knows credentials, Regions, roles and the emulator."""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import boto3
import botocore.session
from botocore.config import Config

from reconciler.cli.clock import SystemClock
from reconciler.cli.embedded import LOCAL_ACCOUNT, LOCAL_REGION, NO_CONFIGURATION, emulator_in
from reconciler.cli.output.terminal import progress
from reconciler.cli.telemetry import tracing
from reconciler.core.runtime.quotas import CALLS_PER_SECOND
from reconciler.core.spec.choices import Arn, PinnedObject
from reconciler.core.spec.documents import Target
from reconciler.engine.dataset.context import Context, always
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.log import log
from reconciler.errors import GatewayError, NoCredentials, Rejected
from reconciler.ports import Access, Memory, Permit, Progress, Tracer, Untraced
from reconciler.rekognition.access import (
    Caller,
    RekognitionAccess,
    Skew,
    ambient,
    assuming,
    source_of,
)
from reconciler.rekognition.calls import CallMeter, Limiter
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.image_store import ImageReader, ImageStore, image_config
from reconciler.rekognition.manifest_store import ManifestStore
from reconciler.rekognition.rebuilding import S3, RebuildingRekognition, s3_config
from reconciler.rekognition.settings import sdk_config
from reconciler.rekognition.translate import CONFIGURATION, translated
from reconciler.state import State

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from reconciler.engine.usecases.rebuild.steps import RebuildContext

RekognitionT = TypeVar("RekognitionT", bound=Rekognition)


@dataclass(frozen=True, slots=True)
class CallSettings:
    """
    Settings of the calls to AWS.

    Attributes:
        count: Number of threads that call concurrently.
        sleep: Sleeps for the limiter, in seconds.
        meter: Notified of every attempt.
        attempts: Maximum attempts of the SDK for each call.
        permit: Called before every attempt for a target; raises to refuse it.
        call_seconds: Timeout of one attempt; None for the default.
        called: Called with the ARN and the request ID of each writing call.
    """

    count: int = 10
    sleep: Callable[[float], object] = time.sleep
    meter: CallMeter | None = None
    attempts: int = 8
    permit: Permit | None = None
    call_seconds: float | None = None
    called: Callable[[str, str], object] = always


SINGLE: Final = CallSettings()


class Wiring:
    """
    Creates the context of each dataset; clients are shared by Region and role.

    Args:
        endpoint: URL of the embedded emulator; None for AWS.
    """

    def __init__(
        self,
        memory: Memory,
        progress: Progress,
        endpoint: str | None = None,
        calls_per_second: int | None = None,
        calling: CallSettings = SINGLE,
        tracer: Tracer | None = None,
    ) -> None:
        self.memory = memory
        self.progress = progress
        self.endpoint = endpoint
        calls = calls_per_second or (None if endpoint else CALLS_PER_SECOND)  # the emulator needs no limit
        self._calling = calling
        self._limiter = Limiter(calls, time.monotonic, calling.sleep)
        self._gateways: dict[tuple[str | None, ...], Rekognition] = {}
        self._sessions: dict[tuple[str | None, ...], boto3.Session] = {}
        self._accesses: dict[tuple[str | None, ...], RekognitionAccess] = {}
        self.skew = Skew(time.time)
        self._making = threading.Lock()
        self.tracer = tracer or Untraced()
        self.trust_listing = self.full = self.checks_images = False
        self.region: str | None = None  # in place of every other one

    def has_credentials(self, target: Target) -> bool:
        """Return whether the SDK finds any credentials, usable or not; True if something else is wrong."""
        try:
            with translated(CONFIGURATION):
                return self.session(target).get_credentials() is not None
        except NoCredentials:
            return False
        except GatewayError:
            return True

    def context(self, desired: Desired) -> Context:
        """Return the context of a dataset; errors as `context_of`."""
        return self.context_of(desired.target)

    def context_of(self, target: Target) -> Context:
        """
        Return the context of a target.

        Raises:
            Denied, Rejected: There are no credentials, or no Region, to create clients with.
        """
        key = self._key(target)
        with self._making, translated(CONFIGURATION):
            gateway = self._gateways[key] = self._gateways.get(key) or self._gateway_of_kind(
                Rekognition, target
            )
        return self._context_with(gateway)

    def _context_with(self, gateway: Rekognition) -> Context:
        context = Context(gateway, SystemClock(), self.memory, self.progress, tracer=self.tracer)
        images = self.images if self.checks_images else None
        return replace(context, trust_listing=self.trust_listing, full=self.full, images=images)

    def access_of(self, desired: Desired) -> Access:
        """Return the access checks of a dataset; errors as `context_of`."""
        key = self._key(target := desired.target)
        with translated(CONFIGURATION):
            access = self._accesses[key] = self._accesses.get(key) or self._access(target)
        return access

    def rebuild_context_of(self, desired: Desired) -> RebuildContext:
        """Return the context of a rebuild, with clients of its own: only it may delete. Errors as `context_of`."""
        from reconciler.engine.usecases.rebuild.steps import RebuildContext

        with translated(CONFIGURATION):
            gateway = self._gateway_of_kind(RebuildingRekognition, desired.target)
        objects = S3(self._s3(desired.target), makes_buckets=self.endpoint is not None)
        seconds = desired.schedule.update_timeout_seconds
        return RebuildContext(self._context_with(gateway), gateway, objects, seconds)

    def _s3(self, target: Target) -> S3Client:
        with self._making, translated(CONFIGURATION):
            config = self.direct(s3_config(self.endpoint))
            return self.session(target).client("s3", endpoint_url=self.endpoint, config=config)

    def download(self, pinned: PinnedObject, target: Target, into: Callable[[bytes], object]) -> None:
        """`ports.Download`."""
        ManifestStore(partial(self._s3, target)).download(pinned, into)

    def pictures(self, target: Target) -> ImageReader:
        """
        Return the reader of the images of a dataset.

        Raises:
            Denied, Rejected: As `context_of`.
        """
        with translated(CONFIGURATION):
            config, client = self.direct(image_config()), self.session(target).client
            make = partial(client, endpoint_url=self.endpoint, config=config)
            return ImageReader(make("s3"), make("rekognition"))

    def images(self, target: Target) -> ImageStore:
        """Return the door to the images of a dataset; errors as `context_of`."""
        return ImageStore(self._s3(target))

    def _key(self, target: Target) -> tuple[str | None, ...]:
        account = target.home_account if self._calling.permit else self._local_key(target)  # as fleets permit
        return self._home(target), target.role_arn, target.external_id, account

    def _access(self, target: Target) -> RekognitionAccess:
        session = self.session(target)
        assumes = target.role_arn is not None and self.endpoint is None
        own = self.session(target.model_copy(update={"role_arn": None})) if assumes else session
        gateway = self._gateway_of_kind(Rekognition, target)
        region = str(session.region_name), self._region_from(target)
        assumed = self._caller(session) if assumes else None
        return RekognitionAccess(gateway, self._caller(own), assumed, region)

    def _caller(self, session: boto3.Session) -> Caller:
        make = partial(session.client, "sts", endpoint_url=self.endpoint, config=self._config(attempts=3))
        return Caller(make, partial(source_of, session), self.skew)

    def _home(self, target: Target) -> str | None:
        return Arn.parse(target.dataset_arn).region if target.dataset_arn else self.region or target.region

    def _region_from(self, target: Target) -> str:
        if self._home(target):
            return "--region" if self.region and not target.dataset_arn else "spec.target"
        if self.endpoint is not None:
            return "the embedded emulator"
        return "AWS_REGION" if os.environ.get("AWS_REGION") else "the SDK's configuration"

    def _gateway_of_kind(self, kind: type[RekognitionT], target: Target) -> RekognitionT:
        session = self.session(target)
        config, permit = self._config(), self._calling.permit
        if (most := self._calling.call_seconds) is not None:
            config = config.merge(Config(connect_timeout=most / 4, read_timeout=most * 3 / 4))
        client = session.client("rekognition", endpoint_url=self.endpoint, config=config)
        identity = Arn.parse(target.role_arn).account if target.role_arn else "ambient"
        return kind(
            client,
            lambda: session.client("sts", endpoint_url=self.endpoint, config=self._config(attempts=3)),
            self._limiter,
            identity,
            self._calling.meter,
            partial(permit, target) if permit else None,
            self._calling.called,
        )

    def _config(self, attempts: int = 8) -> Config:
        most = min(attempts, self._calling.attempts)
        return self.direct(sdk_config(attempts=most, max_pool_connections=self._calling.count))

    def direct(self, config: Config) -> Config:
        """Bypass any proxy of the environment for the emulator, which listens on loopback."""
        return config if self.endpoint is None else config.merge(Config(proxies={}))

    def session(self, target: Target) -> boto3.Session:
        """Return the session of a target; it searches for credentials, which may start a program, once."""
        key = self._key(target)
        session = self._sessions[key] = self._sessions.get(key) or self._new_session(target)
        return session

    def _new_session(self, target: Target) -> boto3.Session:
        if key := self._local_key(target):
            return boto3.Session(
                aws_access_key_id=key,
                aws_secret_access_key="local",  # noqa: S106  the emulator checks no signature
                region_name=self._home(target) or LOCAL_REGION,
                botocore_session=botocore.session.Session(session_vars=NO_CONFIGURATION),
            )
        # Unlike other AWS SDKs, botocore reads only AWS_DEFAULT_REGION.
        region = self._home(target) or os.environ.get("AWS_REGION") or None
        session = ambient(region)
        if session.region_name is None:
            raise Rejected("no Region: set AWS_REGION, or spec.target.region; --local needs none")
        if target.role_arn is None:
            return session
        return assuming(session, target.role_arn, target.external_id, self._config(attempts=3))

    def _local_key(self, target: Target) -> str | None:
        """Return the access key for the emulator, which takes it as the account ID; None for AWS."""
        if self.endpoint is None:
            return None
        role_account = Arn.parse(target.role_arn).account if target.role_arn else None
        return target.account_id or role_account or LOCAL_ACCOUNT


@contextmanager
def connected(
    args: argparse.Namespace, *, read_only: bool, calling: CallSettings = SINGLE, checks_images: bool = False
) -> Iterator[Wiring]:
    """
    Yield the wiring for a command line: memory, progress, tracer, and with --local the emulator.

    Args:
        read_only: Change nothing in the state directory, except for the emulator.
        checks_images: Whether plans check images, where the policy asks for it.

    Raises:
        StateUnusable: The state directory cannot be used.
        StateError: The state directory cannot be used now, though its path is valid.
    """
    directory = Path(args.state_dir)
    with ExitStack() as stack:
        memory = stack.enter_context(closing(State(directory, read_only=read_only)))
        if memory.damage:
            log.warning("state.damaged", reason=memory.damage)
        watched, tracer = stack.enter_context(progress(args)), stack.enter_context(tracing())
        endpoint = stack.enter_context(emulator_in(directory / "local")) if args.local else None
        wiring = Wiring(memory, watched, endpoint, args.calls_per_second, calling, tracer)
        wiring.trust_listing, wiring.full = args.trust_listing, getattr(args, "full", False)
        wiring.region, wiring.checks_images = getattr(args, "region", None), checks_images
        yield wiring
