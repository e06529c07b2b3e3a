"""The distributed bus: Kafka, through kafka-python; nothing outside this room imports that."""

from __future__ import annotations

import logging

from newsmill.bus.kafka.bus import KafkaBus

# The client library talks of every retry; what matters comes to us as an error, and to the log.
logging.getLogger("kafka").addHandler(logging.NullHandler())

__all__ = ["KafkaBus"]
