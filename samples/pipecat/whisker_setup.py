"""Opens any Pipecat bot to lockstep without touching it: PIPECAT_SETUP_FILES=whisker_setup.py python bot.py"""

import os

from pipecat_whisker import WhiskerServer

server = WhiskerServer(port=int(os.environ.get("WHISKER_PORT", "9090")))


async def setup_worker_runner(runner):
    await runner.add_workers(server)


async def setup_pipeline_worker(worker):
    # Nothing is left out: without this, Whisker keeps audio to itself.
    worker.add_observer(server.create_observer(worker, exclude_frames=()))
