"""Makes the clients of one bus: the same brokers and credentials, and the settings that must hold.

The defaults of kafka-python that are wrong for us (``read_uncommitted``, commits of its own, a
position picked silently where there is none) are set here, once.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import (
    AuthorizationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    UnknownBrokerIdError,
)

from newsmill.bus.base import BusUnknown
from newsmill.bus.kafka.knock import knock
from newsmill.bus.kafka.options import Options
from newsmill.errors import Misconfigured

CONNECT_MS = 10_000
REQUEST_MS = 10_000
GIVE_UP_S = 1.0  # for a producer that is closed to give up what is unsent
BATCH_BYTES = 512 << 10
MAX_REQUEST_BYTES = 32 << 20
FETCH_BYTES = 16 << 20  # of one answer; with one answer waiting, what a consumer may hold
PARTITION_BYTES = 2 << 20

_AWAY = (
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    UnknownBrokerIdError,  # a partition has no leader now
)


def is_passing(error: KafkaError) -> bool:
    """Whether the same call may go well a moment later: brokers are away, or change places."""
    return isinstance(error, _AWAY) or bool(getattr(error, "retriable", False))


class Clients:
    """The clients of one bus; the admin client is made at its first use, and locked in use."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._common = {
            "bootstrap_servers": list(options.servers),
            "client_id": f"newsmill-{options.namespace}",
            "bootstrap_timeout_ms": CONNECT_MS,
            "request_timeout_ms": REQUEST_MS,
            "reconnect_backoff_max_ms": 1000,
            **options.security(),
        }
        self._where = f"kafka://{','.join(options.servers)}"
        self._admin: Any = None
        self._lock = threading.Lock()

    def enter(self) -> None:
        """See that the brokers let us in; raises Misconfigured, with the reason, where not."""
        knock(self.options, self._common)

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """The admin client, for one thread at a time.

        What is done with it may raise Misconfigured for want of a right, and BusUnknown where the
        brokers are away.
        """
        with self._lock:
            if self._admin is None:
                with self._making():
                    self._admin = KafkaAdminClient(**self._common)
            try:
                yield self._admin
            except AuthorizationError as error:
                who = f"user {self.options.user}" if self.options.user else "this client"
                raise Misconfigured(f"bus {self._where}: {who} has no right: {error}") from error
            except KafkaError as error:
                if not is_passing(error):
                    raise
                self._admin.close()
                self._admin = None  # it may not find its way back
                raise BusUnknown(f"bus {self._where}: brokers are away: {error}") from error

    @contextmanager
    def asking(self) -> Iterator[None]:
        """What is asked within may raise BusUnknown while brokers are away, or change places."""
        try:
            yield
        except KafkaError as error:
            if not is_passing(error):
                raise
            raise BusUnknown(f"bus {self._where}: brokers are away: {error!r}") from error

    def consumer(self, **settings: Any) -> Any:
        """A consumer at read_committed that never commits and never picks a position itself."""
        with self._making():
            return KafkaConsumer(
                **self._common
                | {
                    "isolation_level": "read_committed",
                    "enable_auto_commit": False,
                    "auto_offset_reset": "none",
                    "fetch_max_wait_ms": 100,
                    "fetch_max_bytes": FETCH_BYTES,
                    "max_partition_fetch_bytes": PARTITION_BYTES,
                    "retry_backoff_ms": 20,
                    "allow_auto_create_topics": False,
                    "metrics_enabled": False,
                }
                | settings
            )

    def member(self, group: str, instance: str, assignor: object) -> Any:
        """The consumer of a static member of a group."""
        session = self.options.session_ms
        return self.consumer(
            group_id=group,
            group_instance_id=instance,
            session_timeout_ms=session,
            heartbeat_interval_ms=min(500, session // 4),
            max_poll_interval_ms=self.options.poll_ms,
            partition_assignment_strategy=(assignor,),
        )

    def producer(self, transactional_id: str) -> Any:
        """A transactional producer, not initialised yet.

        It does not compress: topics say how they are kept, and page bodies are compressed already.
        """
        with self._making():
            return KafkaProducer(
                **self._common
                | {
                    "transactional_id": transactional_id,
                    "transaction_timeout_ms": self.options.transaction_ms,
                    "delivery_timeout_ms": self.options.transaction_ms,
                    "request_timeout_ms": min(REQUEST_MS, self.options.transaction_ms // 2),
                    "max_block_ms": self.options.transaction_ms,
                    "batch_size": BATCH_BYTES,
                    "linger_ms": 2,
                    "max_request_size": MAX_REQUEST_BYTES,
                    "retry_backoff_ms": 10,
                    "allow_auto_create_topics": False,
                    "metrics_enabled": False,
                }
            )

    def close(self) -> None:
        """Close the admin client."""
        with self._lock:
            if self._admin is not None:
                self._admin.close()
                self._admin = None

    @contextmanager
    def _making(self) -> Iterator[None]:
        """A client is made: BusUnknown where brokers have gone since they let us in."""
        try:
            yield
        except (KafkaError, OSError, AssertionError) as error:
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            told = f"bus {self._where}: {type(error).__name__}: {what}"
            if isinstance(error, KafkaError) and is_passing(error):
                raise BusUnknown(told) from error
            raise Misconfigured(told) from error


def close_anyhow(client: Any) -> None:
    """Close a consumer or producer without waiting for brokers that may not answer."""
    sender = getattr(client, "_sender", None)
    if sender is not None:
        # close() alone waits for what is unsent, and logs an error where a transaction is open;
        # and it raises for what the sender has not yet given up
        sender.force_close()
        sender.join(GIVE_UP_S)
        with contextlib.suppress(KafkaTimeoutError):
            client.close(timeout=0)
    else:
        client.close(autocommit=False, timeout_ms=1000)
