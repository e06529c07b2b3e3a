"""What a step on Kafka failed of, told without a broker."""

from types import SimpleNamespace

from kafka.errors import MessageSizeTooLargeError

from newsmill.bus.kafka.burst import Send, _Burst


class Answered:
    def __init__(self, exception: Exception | None) -> None:
        self.exception = exception

    def failed(self) -> bool:
        return self.exception is not None


def test_a_small_record_unsent_when_another_was_too_large_is_not_blamed() -> None:
    error = MessageSizeTooLargeError("forged")
    sends = [Send("t", n, b"%d" % n, b"x" * size, [], 100, n) for n, size in enumerate((3, 99, 5))]
    burst = _Burst(SimpleNamespace(), sends, {}, None, 1.0)
    burst._sent = [Answered(error) for _ in sends]  # the unsent are ended with the same error
    assert burst.cause(RuntimeError("in an error state")) is error
    assert burst.at is sends[1]
