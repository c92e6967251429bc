"""Small processors that the bots of the tests are made of."""

import asyncio

from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMTextFrame,
    MetricsFrame,
    StartFrame,
    SystemFrame,
    TextFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
)
from pipecat.pipeline.sync_parallel_pipeline import SyncFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

UP = FrameDirection.UPSTREAM
DOWN = FrameDirection.DOWNSTREAM


class Emit(FrameProcessor):
    """Answers each text with `count` others, the first after `delay` seconds; passes everything else."""

    def __init__(self, delay=0.0, count=1, on=TextFrame, keep=False, between=0.0):
        super().__init__()
        self.delay, self.count, self.on, self.keep, self.between = delay, count, on, keep, between

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if type(frame) is not self.on or direction != DOWN:
            await self.push_frame(frame, direction)
            return
        await asyncio.sleep(self.delay)
        for index in range(self.count):
            if index and self.between:
                await asyncio.sleep(self.between)
            await self.push_frame(LLMTextFrame(f"{frame.text} {self.name} {index}"))
        if self.keep:
            await self.push_frame(frame, direction)


class Pass(FrameProcessor):
    """Passes everything, after `delay` seconds for the types in `on`."""

    def __init__(self, delay=0.0, on=(TextFrame,)):
        super().__init__()
        self.delay, self.on = delay, on

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if self.delay and isinstance(frame, self.on):
            await asyncio.sleep(self.delay)
        await self.push_frame(frame, direction)


class Swallow(FrameProcessor):
    """Forwards everything but the types in `types`."""

    def __init__(self, *types):
        super().__init__()
        self.types = types

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if not isinstance(frame, self.types):
            await self.push_frame(frame, direction)


class Flush(FrameProcessor):
    """Puts a text out before it forwards the EndFrame."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, EndFrame):
            await self.push_frame(TextFrame("left over"))
        await self.push_frame(frame, direction)


class Echo(FrameProcessor):
    """Sends a frame upstream, or downstream, for each text that comes the other way, besides forwarding it."""

    def __init__(self, direction, on=TextFrame, of=TranscriptionFrame):
        super().__init__()
        self.direction, self.on, self.of = direction, on, of

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if type(frame) is self.on and direction != self.direction:
            answer = TranscriptionFrame("heard", "user", "now") if self.of is TranscriptionFrame else self.of("heard")
            await self.push_frame(answer, self.direction)
        await self.push_frame(frame, direction)


class Repeat(FrameProcessor):
    """Forwards the first frame of the types in `types` twice."""

    def __init__(self, *types):
        super().__init__()
        self.types, self.done = types, False

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, self.types) and not self.done:
            self.done = True
            await self.push_frame(type(frame)(), direction)


class SlowToInterrupt(FrameProcessor):
    """Takes its time over an interruption."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        if isinstance(frame, InterruptionFrame):
            await asyncio.sleep(0.15)
        await super().process_frame(frame, direction)
        if type(frame) is TextFrame:
            await asyncio.sleep(0.05)
        await self.push_frame(frame, direction)


class Interrupt(FrameProcessor):
    """Interrupts from inside, for each text."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if type(frame) is TextFrame:
            await asyncio.sleep(0.05)
            await self.broadcast_interruption()
        await self.push_frame(frame, direction)


class Raise(FrameProcessor):
    """Raises for each text."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if type(frame) is TextFrame:
            raise RuntimeError("no words left")
        await self.push_frame(frame, direction)


class Later(FrameProcessor):
    """Answers each text from a task of its own, `delay` seconds later, and forwards everything at once."""

    def __init__(self, delay=0.05):
        super().__init__()
        self.delay = delay

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if type(frame) is TextFrame:
            self.create_task(self.answer(frame))

    async def answer(self, frame):
        await asyncio.sleep(self.delay)
        await self.push_frame(LLMTextFrame(f"late {frame.text}"))


class Eager(FrameProcessor):
    """Puts a text out before it forwards the StartFrame."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            await self.push_frame(LLMTextFrame("too early"))
        await self.push_frame(frame, direction)


class Measure(FrameProcessor):
    """Reports metrics for each text, a system frame born in the branch."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if type(frame) is TextFrame:
            await self.push_frame(MetricsFrame(data=[]))
            await asyncio.sleep(0.03)
        await self.push_frame(frame, direction)


class SameID(FrameProcessor):
    """Replaces each text by another that has its id."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if type(frame) is TextFrame:
            other = LLMTextFrame(f"not {frame.text}")
            other.id = frame.id
            frame = other
        await self.push_frame(frame, direction)


class WaitForRelease(FrameProcessor):
    """Waits, after each text, until something outside says that it was released."""

    released = None

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if type(frame) is TextFrame:
            await WaitForRelease.released.wait()


class Tick(FrameProcessor):
    """Pushes a system frame ten times a second, as a microphone does."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, EndFrame):
            self.create_task(self.tick())

    async def tick(self):
        while True:
            await asyncio.sleep(0.1)
            await self.push_frame(UserStartedSpeakingFrame())


class Own(SystemFrame):
    """A system type that Pipecat does not know."""


class OwnData(TextFrame):
    """A data type that Pipecat does not know."""


__all__ = [name for name in dir() if not name.startswith("_")] + ["SyncFrame"]
