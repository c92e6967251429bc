"""Pipecat's own inbound frames per second through a SyncParallelPipeline of 2 branches with one output each.

    python pipecat_rate.py FRAMES [WHISK_FILE]

With WHISK_FILE, Whisker records the run to that file. Prints the rate, and the processor time for each frame in µs.
"""

import asyncio
import sys
import time

from loguru import logger

logger.remove()

from pipecat.frames.frames import TextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.sync_parallel_pipeline import SyncParallelPipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner


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
    worker = PipelineWorker(pipeline, enable_rtvi=False, cancel_on_idle_timeout=False)
    workers = [worker]
    if whisk_file:
        from pipecat_whisker import WhiskerFile

        sink = WhiskerFile(whisk_file)
        worker.add_observer(sink.create_observer(worker))
        workers.insert(0, sink)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(*workers)
    started = asyncio.Event()
    worker.add_event_handler("on_pipeline_started", lambda *_: started.set())
    running = asyncio.create_task(runner.run())
    await started.wait()
    texts = [TextFrame(f"frame {number}") for number in range(frames)]
    began, cpu = time.perf_counter(), time.process_time()
    await worker.queue_frames(texts)
    await count.done.wait()
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{frames / elapsed:.0f} {cpu / frames * 1e6:.1f}", flush=True)
    await worker.cancel()
    await asyncio.wait([running], timeout=10)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
