"""Pipecat's own inbound frames per second through a SyncParallelPipeline of 2 branches with one output each.

    python pipecat_rate.py FRAMES [WHISK_FILE]

With WHISK_FILE, Whisker records the run to that file. Prints one number.
"""

import asyncio
import pathlib
import sys
import time

from loguru import logger

logger.remove()

from pipecat.frames.frames import EndFrame, TextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.sync_parallel_pipeline import SyncParallelPipeline
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameProcessor


class Answer(FrameProcessor):
    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame):
            frame = TextFrame(frame.text)
        await self.push_frame(frame, direction)


class Count(FrameProcessor):
    def __init__(self, expected):
        super().__init__()
        self.remaining = expected
        self.done = asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame):
            self.remaining -= 1
            if self.remaining == 0:
                self.done.set()
        await self.push_frame(frame, direction)


async def main(frames, whisk_file):
    count = Count(2 * frames)
    pipeline = Pipeline([SyncParallelPipeline([Answer()], [Answer()]), count])
    observers = []
    if whisk_file:
        from pipecat_whisker import WhiskerObserver

        observers.append(WhiskerObserver(pipeline, file_name=whisk_file, exclude_frames=()))
    task = PipelineTask(pipeline, params=PipelineParams(observers=observers), cancel_on_idle_timeout=False)
    running = asyncio.create_task(PipelineRunner(handle_sigint=False).run(task))
    began = time.perf_counter()
    await task.queue_frames([TextFrame(f"frame {number}") for number in range(frames)])
    await count.done.wait()
    print(f"{frames / (time.perf_counter() - began):.0f}")
    await task.cancel()
    await running


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
