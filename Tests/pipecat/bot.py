"""Runs one of the bots in bots.py and records it: bot.py NAME --file OUT.whisk|--port N [--truth OUT.jsonl]."""

import argparse
import asyncio
import os
import sys

import msgpack
from loguru import logger
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner
from pipecat_whisker import WhiskerFile, WhiskerServer, WhiskerSink

from bots import BOTS
from truth import Truth


class WholeFile(WhiskerSink):
    """Writes what WhiskerFile writes, but from the first frame to the last: WhiskerFile opens late and closes early."""

    def __init__(self, path):
        super().__init__(name="whole-file")
        self.path, self.file = path, None

    async def emit(self, event):
        if self.file is None:
            self.file = open(self.path, "wb", buffering=0)
            self.file.write(msgpack.packb(self.build_snapshot()))
        self.file.write(msgpack.packb(event))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(BOTS))
    parser.add_argument("--file", help="record with WhiskerFile")
    parser.add_argument("--whole-file", help="record from the first frame to the last")
    parser.add_argument("--port", type=int)
    parser.add_argument("--truth")
    parser.add_argument("--leave-audio-out", action="store_true", help="as Whisker does unless told otherwise")
    parser.add_argument("--await-client", action="store_true", help="feed the bot when somebody has connected")
    parser.add_argument("--linger", type=float, default=0.3, help="seconds between the last frame and the EndFrame")
    options = parser.parse_args()
    logger.remove()
    Truth(options.truth).install()

    bot = BOTS[options.name]()
    workers = [PipelineWorker(Pipeline(each), enable_rtvi=False, cancel_on_idle_timeout=False) for each in bot.pipelines]
    if options.port:
        sink = WhiskerServer(port=options.port, host="127.0.0.1")
    else:
        sink = WholeFile(options.whole_file) if options.whole_file else WhiskerFile(options.file)
    excluded = {} if options.leave_audio_out else {"exclude_frames": ()}
    for worker in workers:
        worker.add_observer(sink.create_observer(worker, **excluded))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(sink, *workers)
    running = asyncio.ensure_future(runner.run())
    started = [asyncio.Event() for _ in workers]
    for worker, event in zip(workers, started):
        worker.add_event_handler("on_pipeline_started", lambda *_, event=event: event.set())
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in started)), 10)
    if options.port:
        while sink._server_task_handle is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        print("ready", flush=True)
    if options.await_client:
        while sink._client is None:
            await asyncio.sleep(0.01)
    for worker in workers:
        await bot.feed(worker)
    await asyncio.sleep(options.linger)
    for worker in workers:
        if bot.ends:
            await worker.stop_when_done()
    done, _ = await asyncio.wait([running], timeout=bot.patience)
    if not done:
        # The bot hangs, as it should: Whisker's file is closed all the same.
        await asyncio.sleep(0.1)
        await asyncio.wait_for(asyncio.shield(sink.stop()), 5)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
