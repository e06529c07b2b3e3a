"""A call in a thread of its own, since it may take long, or for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Aside:
    """Starts the call at once. Daemonic: a call that never returns keeps no process alive."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True, name="kafka")
        self._thread.start()

    def is_over(self, within_s: float) -> bool:
        """Whether it came to its end, raising what the call raised; False while it goes on."""
        self._thread.join(max(0.0, within_s))
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True

    def _run(self, call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # carried to the thread that waits for it
            self._error = error
