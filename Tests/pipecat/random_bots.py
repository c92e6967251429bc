"""Records random bots, whole, one after the other: random_bots.py COUNT SEED FOLDER writes N.whisk, N.jsonl, N.json."""

import asyncio
import json
import os
import random
import sys

from loguru import logger
from pipecat.frames.frames import InterruptionFrame, TextFrame, UserStartedSpeakingFrame
from pipecat.pipeline.parallel_pipeline import ParallelPipeline
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.sync_parallel_pipeline import FrameOrder, SyncParallelPipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection
from pipecat.workers.runner import WorkerRunner

from bot import WholeFile
from bots import Sticky
from processors import *
from truth import Truth


class RandomBot:
    """A pipeline of one to three stages, with processors that behave and some that do not, and what it is fed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.orders = {}
        self.is_healthy = self.random.random() < 0.5
        self.pipeline = []
        for _ in range(self.random.randint(1, 2)):
            if self.random.random() < 0.3:
                self.pipeline.append(Pass())
            stage = self.stage()
            self.pipeline.append(ParallelPipeline([stage], [Swallow(TextFrame)]) if self.random.random() < 0.2 else stage)
        if not self.is_healthy and self.random.random() < 0.3:
            self.pipeline.append(Echo(FrameDirection.UPSTREAM, on=LLMTextFrame, of=OwnData))

    def stage(self):
        order = self.random.choice(list(FrameOrder))
        branches = [
            [self.processor() for _ in range(self.random.randint(0, 2))] for _ in range(self.random.randint(1, 4))
        ]
        stage = SyncParallelPipeline(*branches, frame_order=order)
        self.orders[stage.name] = order.value
        return stage

    def processor(self):
        delay = self.random.choice([0, 0, 0.002, 0.01])
        kinds = [
            lambda: Pass(delay), lambda: Emit(delay, count=self.random.randint(0, 3), keep=self.random.random() < 0.3),
            lambda: Emit(delay, count=2, between=0.003), lambda: Swallow(TextFrame),
            lambda: Emit(delay, on=LLMTextFrame),
        ]
        if not self.is_healthy:
            kinds += [lambda: Later(delay), lambda: Echo(FrameDirection.UPSTREAM), lambda: Measure(), lambda: Flush()]
        return self.random.choice(kinds)()

    async def feed(self, worker):
        for index in range(self.random.randint(2, 6)):
            frame = TextFrame(f"text {index}")
            if not self.is_healthy:
                kinds = [lambda: frame] * 6 + [
                    UserStartedSpeakingFrame, InterruptionFrame, Own, lambda: Sticky("stuck"), lambda: OwnData("own")]
                frame = self.random.choice(kinds)()
            await worker.queue_frame(frame)
            await asyncio.sleep(self.random.choice([0, 0, 0.005, 0.03]))


async def record(seed, base, truth):
    bot = RandomBot(seed)
    truth.file = open(base + ".jsonl", "w", buffering=1)
    worker = PipelineWorker(Pipeline(bot.pipeline), enable_rtvi=False, cancel_on_idle_timeout=False)
    sink = WholeFile(base + ".whisk")
    worker.add_observer(sink.create_observer(worker, exclude_frames=()))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(sink, worker)
    started, finished = asyncio.Event(), asyncio.Event()
    worker.add_event_handler("on_pipeline_started", lambda *_: started.set())
    worker.add_event_handler("on_pipeline_finished", lambda *_: finished.set())
    running = asyncio.ensure_future(runner.run())
    await asyncio.wait_for(started.wait(), 10)
    await bot.feed(worker)
    await asyncio.sleep(0.15)
    await worker.stop_when_done()
    try:
        await asyncio.wait_for(finished.wait(), 0.5)
    except asyncio.TimeoutError:
        pass
    # Whisker lags behind: what the process has seen is written by now.
    await asyncio.sleep(0.2)
    sink.emit = nothing
    truth.file.close()
    truth.file = None
    with open(base + ".json", "w") as file:
        json.dump({"orders": bot.orders, "healthy": bot.is_healthy}, file)
    await runner.cancel()
    await asyncio.wait([running], timeout=5)


async def nothing(event):
    pass


async def main():
    logger.remove()
    count, seed, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    truth = Truth(None)
    truth.install()
    for number in range(count):
        await record(seed + number, os.path.join(folder, str(number)), truth)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
