"""Notes what a bot's stages really took in, put out in each branch, and let go, as the calls themselves see it."""

import json

from pipecat.pipeline.sync_parallel_pipeline import (
    SyncParallelPipeline,
    SyncParallelPipelineSink,
    SyncParallelPipelineSource,
)
from pipecat.processors.frame_processor import FrameDirection


class Truth:
    """Writes one JSON line for each happening, at once, so that a killed bot leaves what came before."""

    def __init__(self, path):
        self.file = open(path, "w", buffering=1) if path else None

    def note(self, stage, what, frame, direction, branch=None):
        if self.file:
            line = {"stage": stage, "what": what, "frame": frame.name, "direction": direction.name.lower()}
            if branch is not None:
                line["branch"] = branch
            self.file.write(json.dumps(line) + "\n")

    def install(self):
        truth = self
        process, push = SyncParallelPipeline.process_frame, SyncParallelPipeline.push_frame

        async def noted_process(stage, frame, direction):
            truth.note(stage.name, "in", frame, direction)
            await process(stage, frame, direction)

        async def noted_push(stage, frame, direction=FrameDirection.DOWNSTREAM):
            truth.note(stage.name, "out", frame, direction)
            await push(stage, frame, direction)

        SyncParallelPipeline.process_frame, SyncParallelPipeline.push_frame = noted_process, noted_push
        places = {}
        setup = SyncParallelPipeline.setup

        async def noted_setup(stage, given):
            for branch, (source, sink) in enumerate(zip(stage._sources, stage._sinks)):
                places[source["processor"]] = (stage.name, branch)
                places[sink["processor"]] = (stage.name, branch)
            await setup(stage, given)

        SyncParallelPipeline.setup = noted_setup
        for kind, outward in (
            (SyncParallelPipelineSink, FrameDirection.DOWNSTREAM),
            (SyncParallelPipelineSource, FrameDirection.UPSTREAM),
        ):
            original = kind.process_frame

            async def noted(end, frame, direction, original=original, outward=outward):
                if direction == outward and end in places:
                    stage, branch = places[end]
                    truth.note(stage, "branch", frame, direction, branch)
                await original(end, frame, direction)

            kind.process_frame = noted
