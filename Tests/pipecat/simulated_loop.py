"""An asyncio event loop on simulated time: a sleep costs nothing, and time moves only when nothing else is left to do."""

import asyncio
import heapq
import selectors


class _NoWaiting(selectors.SelectSelector):
    """Never waits: reports how long it was asked to, so that the loop can move its clock by that."""

    def __init__(self):
        super().__init__()
        self.skipped = 0.0

    def select(self, timeout=None):
        events = super().select(0)
        if not events and timeout:
            self.skipped += timeout
        return events


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._no_waiting = _NoWaiting()
        super().__init__(self._no_waiting)
        self._clock_resolution = 1e-9

    def time(self):
        return self._no_waiting.skipped

    def call_at(self, when, callback, *args, context=None):
        # Timers of one moment end in the order in which they were set; asyncio leaves that open.
        self._ties = getattr(self, "_ties", 0) + 1
        timer = super().call_at(when + self._ties * 1e-9, callback, *args, context=context)
        heapq.heapify(self._scheduled)
        return timer


def run(coroutine):
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
