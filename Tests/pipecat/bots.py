"""The bots of the tests: healthy ones, and one for each known defect."""

import asyncio
from dataclasses import dataclass, field
from typing import Awaitable, Callable

from pipecat.frames.frames import (
    EndFrame,
    InterruptionFrame,
    TextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    UninterruptibleFrame,
    UserStartedSpeakingFrame,
)
from pipecat.pipeline.parallel_pipeline import ParallelPipeline
from pipecat.pipeline.sync_parallel_pipeline import FrameOrder, SyncParallelPipeline
from pipecat.processors.frame_processor import FrameDirection

from processors import *


@dataclass
class Bot:
    #: One list of processors for each worker.
    pipelines: list
    #: Feeds a worker.
    feed: Callable[[object], Awaitable]
    #: How long, in seconds, to wait for the bot's end before it counts as hanging.
    patience: float = 3
    #: Whether it is sent an EndFrame.
    ends: bool = True


def texts(count, pause=0.0):
    async def feed(worker):
        for index in range(count):
            await worker.queue_frame(TextFrame(f"text {index}"))
            await asyncio.sleep(pause)

    return feed


def frames(*steps):
    """Feeds frames; a number is a pause in seconds, a pair a frame with its direction."""

    async def feed(worker):
        for step in steps:
            if isinstance(step, (int, float)):
                await asyncio.sleep(step)
            elif isinstance(step, tuple):
                await worker.queue_frame(*step)
            else:
                await worker.queue_frame(step)

    return feed


class Sticky(TextFrame, UninterruptibleFrame):
    """A text that no interruption drops."""


def T(text="text"):
    return TextFrame(text)


def stage(*branches, order=FrameOrder.ARRIVAL):
    return SyncParallelPipeline(*branches, frame_order=order)


BOTS = {
    # Healthy.
    "two-branches": lambda: Bot([[stage([Emit(0.02)], [Emit(0.005, count=2)])]], texts(4)),
    "two-branches-pipeline": lambda: Bot(
        [[stage([Emit(0.02)], [Emit(0.005, count=2)], order=FrameOrder.PIPELINE)]], texts(4)),
    "nested": lambda: Bot(
        [[Pass(), ParallelPipeline([stage([Emit(0.01)], [Pass()], [])], [Swallow(TextFrame)]),
          stage([Pass()], [Emit(0.01, on=LLMTextFrame)])]], texts(3)),
    "workers": lambda: Bot(
        [[stage([Emit(0.01)], [Pass()])], [stage([Emit(0.005)], [Emit(0.01)]), Pass()]], texts(3)),
    "audio": lambda: Bot([[stage([Pass()], [Emit()])]], frames(audio(), T("one"), audio(), T("two"))),
    "own-types": lambda: Bot([[stage([Pass()], [Pass(0.01)])]], frames(OwnData("mine"), OwnData("too"))),
    "forever": lambda: Bot([[stage([Emit(0.03)], [Emit(0.01, count=3)])]], texts(100_000, 0.01), ends=False),
    "killed": lambda: Bot([[stage([Emit(30)], [Emit(0.01)])]], frames(T(), 600), ends=False),
    # Defects, by their row in the list of them.
    "row-1": lambda: Bot([[stage([Emit(0.02)], [Emit()])]], frames(UserStartedSpeakingFrame(), 0.05, T(), 0.1, T())),
    "row-1-own": lambda: Bot([[stage([Emit(0.02)], [Emit()])]], frames(T(), 0.1, Own(), 0.05, T())),
    "row-2": lambda: Bot([[stage([Emit(0.02)], [Emit()])]], frames(T(), 0.1, UserStartedSpeakingFrame()), 1),
    "row-2-flush": lambda: Bot([[stage([Flush()], [Flush()])]], frames(T()), 1),
    "row-3": lambda: Bot([[stage([Pass()], [Flush()])]], frames(T())),
    "row-4": lambda: Bot(
        [[Tick(), stage([Swallow(EndFrame)], [Pass()])]], frames(T(), 0.1), 1),
    "row-5": lambda: Bot(
        [[stage([Echo(UP)], [Pass()]), Echo(UP, of=OwnData)]], frames(T("one"), 0.1, T("two"), 0.1)),
    "row-5-lost": lambda: Bot([[stage([Echo(UP)], [Pass()])]], frames(T("one"), 0.1, T("two"), 0.1)),
    "row-6": lambda: Bot(
        [[stage([Echo(DOWN, on=OwnData)], [Pass()]), Echo(UP, of=OwnData)]], frames(T("one"), 0.1, T("two"), 0.1)),
    "row-7": lambda: Bot([[stage([Emit()], [Emit(), Swallow(SyncFrame)])]], frames(T(), T()), 1),
    "row-8": lambda: Bot([[stage([Emit(), Repeat(SyncFrame)], [Emit()])]], texts(4, 0.05)),
    "row-9": lambda: Bot(
        [[stage([Emit(0.2)], [Emit()])]], frames(T("one"), 0.05, InterruptionFrame(), 0.1, T("two"), 0.4)),
    "row-10": lambda: Bot(
        [[stage([SlowToInterrupt(), Emit()], [Emit()])]],
        frames(T("one"), 0.01, InterruptionFrame(), 0.01, T("two"), 0.3, T("three"), 0.3)),
    "row-11": lambda: Bot(
        [[stage([Pass(0.3, on=(Sticky,))], [Pass()])]], frames(Sticky("one"), 0.1, InterruptionFrame(), 0.4), 1),
    "row-12": lambda: Bot([[stage([Interrupt()], [Emit()])]], frames(T(), 0.3), 1),
    "row-13": lambda: Bot(
        [[stage([Emit(0.2)], [Emit()]), Pass()]],
        frames(T("one"), 0.05, (InterruptionFrame(), FrameDirection.UPSTREAM), 0.1, T("two"), 0.4)),
    "row-14": lambda: Bot([[stage([Raise()], [Emit()])]], frames(T(), 0.1, T(), 0.1)),
    "row-15": lambda: Bot([[stage([stage([Pass()], [Pass()])], [Emit()])]], frames(T(), 0.3), 1),
    "row-16": lambda: Bot(
        [[stage([ParallelPipeline([Emit(0.05)], [Swallow(TextFrame)])], [Emit()])]], frames(T(), 0.2, T(), 0.2)),
    "row-17": lambda: Bot([[stage([Later()], [Emit()])]], frames(T("one"), 0.2, T("two"), 0.2)),
    "row-18": lambda: Bot([[stage([Eager()], [Pass()])]], frames(0.1, T("one"), 0.1, T("two"))),
    "row-19": lambda: Bot(
        [[stage([Later(0.06)], [Later(0.03)], [Emit(0.02)])]], frames(T("one"), 0.2, T("two"), 0.2)),
    "row-20": lambda: Bot([[stage([Measure()], [Emit()])]], frames(T(), 0.1, T(), 0.1)),
    "row-21": lambda: Bot([[stage([SameID()], [Pass()])]], frames(T(), T())),
    "row-22": lambda: waiting_bot(),
}


def audio():
    return TTSAudioRawFrame(audio=b"\0\0" * 80, sample_rate=8000, num_channels=1)


def waiting_bot():
    WaitForRelease.released = asyncio.Event()
    return Bot([[stage([WaitForRelease()], [Emit()])]], frames(T("one"), 0.1, T("two"), 2.5), 1)
