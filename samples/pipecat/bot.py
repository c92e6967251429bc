"""A bot that needs no API key: for each sentence it draws a picture and speaks a tone, in parallel and in step.

Options: --order arrival|pipeline   how the stage releases what its branches made (default arrival)
         --user-speaks              somebody speaks in between, so that `lockstep check` has something to find
         --pause S                  seconds between two sentences (default 0.3)
         --broken                   a processor forgets to forward what it does not know, and the bot hangs
"""

import argparse
import asyncio
import math
import struct

from loguru import logger
from pipecat.frames.frames import (
    OutputImageRawFrame,
    TextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.sync_parallel_pipeline import FrameOrder, SyncParallelPipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

SENTENCES = [
    "January is white and waits.",
    "February counts its days.",
    "March opens a window.",
    "April cannot decide.",
    "May has made up its mind.",
    "June stays out late.",
    "July looks for shade.",
    "August is away.",
    "September comes back with pears.",
    "October burns without smoke.",
    "November closes the window.",
    "December lights a candle.",
]


class Draw(FrameProcessor):
    """Makes a small picture of each sentence, which takes a while."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not isinstance(frame, TextFrame):
            await self.push_frame(frame, direction)
            return
        await asyncio.sleep(0.06)
        shade = bytes(sum(frame.text.encode()) % 256 for _ in range(32 * 32 * 3))
        await self.push_frame(OutputImageRawFrame(image=shade, size=(32, 32), format="RGB"))


class Speak(FrameProcessor):
    """Makes a tone of each sentence, as long as the sentence is, and passes the text on for the subtitles."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame):
            await asyncio.sleep(0.02)
            await self.push_frame(TTSStartedFrame())
            for word in frame.text.split():
                await self.push_frame(TTSAudioRawFrame(audio=tone(len(word)), sample_rate=8000, num_channels=1))
            await self.push_frame(TTSStoppedFrame())
        await self.push_frame(frame, direction)


class Forgetful(FrameProcessor):
    """What not to do: forwards the frames that it knows, and no others."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if type(frame).__name__ != "SyncFrame":
            await self.push_frame(frame, direction)


def tone(length):
    """20 ms of sound, the higher the longer the word is."""
    return b"".join(struct.pack("<h", int(8000 * math.sin(index * length / 8))) for index in range(160))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--order", choices=["arrival", "pipeline"], default="arrival")
    parser.add_argument("--user-speaks", action="store_true")
    parser.add_argument("--pause", type=float, default=0.3)
    parser.add_argument("--broken", action="store_true")
    options = parser.parse_args()
    logger.remove()

    speak = [Speak(), Forgetful()] if options.broken else [Speak()]
    stage = SyncParallelPipeline([Draw()], speak, frame_order=FrameOrder(options.order))
    worker = PipelineWorker(Pipeline([stage]), enable_rtvi=False)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_pipeline_started(worker, frame):
        started.set()

    async def talk():
        await started.wait()
        for number, sentence in enumerate(SENTENCES):
            print(sentence, flush=True)
            await worker.queue_frame(TextFrame(sentence))
            await asyncio.sleep(options.pause)
            if options.user_speaks and number % 4 == 1:
                await worker.queue_frame(UserStartedSpeakingFrame())
        # Whisker lags behind the bot a little: what it has not sent when the bot ends, nobody sees.
        await asyncio.sleep(1)
        await runner.end()

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), talk())


asyncio.run(main())
