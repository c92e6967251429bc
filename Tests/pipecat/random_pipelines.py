"""Runs random pipelines through Pipecat's own SyncParallelPipeline and through lockstep, and compares what is released.

    python random_pipelines.py --lockstep PATH [--count 300] [--seed 1]

Every pipeline has one stage of up to 4 branches of emit, delay, drop and identity, and is run under both orders. Compared are
1. what lockstep releases with what Pipecat releases, under each order;
2. the view `release_order` of the session recorded under `arrival`, read with the sqlite3 shell: its `arrival` and `pipeline`
   orders with Pipecat's runs under those orders.
Ends with `N passed, N failed`, and exit code 1 if anything differs.
"""

import argparse
import asyncio
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from loguru import logger

logger.remove()

from pipecat.clocks.system_clock import SystemClock
from pipecat.frames.frames import LLMTextFrame, StartFrame, TextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.sync_parallel_pipeline import FrameOrder, SyncParallelPipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup
from pipecat.utils.asyncio.task_manager import TaskManager, TaskManagerParams

import simulated_loop

TYPES = {"TextFrame": TextFrame, "LLMTextFrame": LLMTextFrame}


class Identity(FrameProcessor):
    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Delay(FrameProcessor):
    def __init__(self, options):
        super().__init__()
        self._options = options

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if matches(frame, self._options["on"]):
            await asyncio.sleep(self._options["ms"] / 1000)
        await self.push_frame(frame, direction)


class Drop(FrameProcessor):
    def __init__(self, options):
        super().__init__()
        self._options = options

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not matches(frame, self._options["on"]):
            await self.push_frame(frame, direction)


class Emit(FrameProcessor):
    def __init__(self, options):
        super().__init__()
        self._options = options

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not matches(frame, [self._options["on"]]):
            await self.push_frame(frame, direction)
            return
        for template in self._options["frames"]:
            if template.get("after_ms"):
                await asyncio.sleep(template["after_ms"] / 1000)
            text = template["text"].replace("{text}", frame.text)
            await self.push_frame(TYPES[template["type"]](text), direction)
        if self._options.get("pass"):
            await self.push_frame(frame, direction)


def matches(frame, names):
    return any(isinstance(frame, TYPES[name]) for name in names)


PROCESSORS = {"delay": Delay, "drop": Drop, "emit": Emit}


class End(FrameProcessor):
    """Stands before or after the stage and notes what comes out of it."""

    def __init__(self, noted, end_of):
        super().__init__()
        self._noted = noted
        self._end_of = end_of

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if direction == self._end_of and isinstance(frame, TextFrame):
            self._noted.append([type(frame).__name__, frame.text])
        await self.push_frame(frame, direction)


async def run_pipecat(case, order):
    noted = []
    branches = [
        [
            Identity() if processor == "identity" else PROCESSORS[next(iter(processor))](next(iter(processor.values())))
            for processor in branch
        ]
        for branch in case["branches"]
    ]
    stage = SyncParallelPipeline(*branches, frame_order=FrameOrder(order))
    pipeline = Pipeline([stage, End(noted, FrameDirection.DOWNSTREAM)])
    manager = TaskManager()
    manager.setup(TaskManagerParams(loop=asyncio.get_running_loop()))
    setup = FrameProcessorSetup(clock=SystemClock(), task_manager=manager, pipeline_worker=None)
    await pipeline.setup(setup)
    await pipeline.queue_frame(StartFrame())
    await asyncio.sleep(0.001)
    began = asyncio.get_running_loop().time()
    for frame in case["input"]:
        await asyncio.sleep(max(0, began + frame["at_ms"] / 1000 - asyncio.get_running_loop().time()))
        await pipeline.queue_frame(TYPES[frame["type"]](frame["text"]))
    await asyncio.sleep(60)
    await pipeline.cleanup()
    return noted


def random_case(source):
    """Delays differ from each other, so that few things happen at one moment but those that follow from each other."""
    used = set()

    def milliseconds(limit):
        while True:
            value = source.randrange(1, limit)
            if value not in used:
                used.add(value)
                return value

    def processor():
        kind = source.choice(["identity", "delay", "delay", "emit", "emit", "drop"])
        if kind == "identity":
            return "identity"
        if kind == "delay":
            return {"delay": {"ms": milliseconds(400), "on": source.choice([["TextFrame"], ["LLMTextFrame"]])}}
        if kind == "drop":
            return {"drop": {"on": ["LLMTextFrame"]}}
        frames = []
        for index in range(source.randrange(1, 4)):
            template = {"type": source.choice(list(TYPES)), "text": "{text}." + str(source.randrange(1000))}
            if source.random() < 0.5:
                template["after_ms"] = milliseconds(400)
            frames.append(template)
        return {"emit": {"on": source.choice(list(TYPES)), "frames": frames, "pass": source.random() < 0.4}}

    branches = [[processor() for _ in range(source.randrange(0, 4))] for _ in range(source.randrange(1, 5))]
    at = 0
    frames = []
    for index in range(source.randrange(2, 7)):
        at += source.choice([3, 57, 211, 1009])
        frames.append({"type": source.choice(list(TYPES)), "text": f"t{index}", "at_ms": at})
    return {"branches": branches, "input": frames}


def run_lockstep(lockstep, folder, case, order):
    pipeline = {
        "pipeline": [
            {"sync_parallel": {"frame_order": order, "branches": [{"processors": b} for b in case["branches"]]}}
        ]
    }
    # JSON is YAML.
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline))
    (folder / "input.jsonl").write_text("".join(json.dumps(frame) + "\n" for frame in case["input"]))
    history = folder / f"{order}.sqlite"
    history.unlink(missing_ok=True)
    output = subprocess.run(
        [lockstep, "record", "--pipeline", folder / "pipeline.yaml", "--input", folder / "input.jsonl", "--output", "-"]
        + ["--virtual-clock", "--db", history],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    lines = [json.loads(line) for line in output.splitlines()]
    return [[line["type"], line["text"]] for line in lines if line["type"] in TYPES], history


def from_view(history, order):
    query = (
        "select frame_type, text from release_order"
        f" where frame_order = '{order}' and direction = 'downstream' and frame_type like '%TextFrame'"
        " order by batch, position"
    )
    output = subprocess.run(
        ["sqlite3", "-json", history, query], check=True, capture_output=True, text=True
    ).stdout
    return [[row["frame_type"], row["text"]] for row in json.loads(output or "[]")]


def compare(number, case, what, expected, actual):
    if expected == actual:
        return True
    first = next((i for i, (a, b) in enumerate(zip(expected, actual)) if a != b), min(len(expected), len(actual)))
    print(f"case {number}: {what}: place {first}: Pipecat {expected[first:first+3]}, lockstep {actual[first:first+3]}")
    print("  " + json.dumps(case))
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lockstep", required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    passed = failed = released = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for number in range(arguments.count):
            case = random_case(source)
            expected = {order: simulated_loop.run(run_pipecat(case, order)) for order in ("arrival", "pipeline")}
            released += len(expected["arrival"])
            good = True
            for order in ("arrival", "pipeline"):
                actual, history = run_lockstep(arguments.lockstep, folder, case, order)
                good &= compare(number, case, order, expected[order], actual)
                if order == "arrival":
                    for view in ("arrival", "pipeline"):
                        good &= compare(number, case, f"view, {view}", expected[view], from_view(history, view))
            passed += good
            failed += not good
    print(f"{released} frames released by Pipecat under arrival", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not released else 0


if __name__ == "__main__":
    sys.exit(main())
