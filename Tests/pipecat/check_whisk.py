"""Reads a .whisk file as Whisker's own page does, record by record, and holds each against what Whisker writes."""

import sys

import msgpack
from pipecat_whisker.sink import PROTOCOL_VERSION

KEYS = {
    "snapshot": {"type", "protocol", "timestamp", "server", "workers"},
    "frame": {"type", "id", "worker_id", "name", "from", "action", "direction", "timestamp", "payload"},
    "bus_message": {"type", "timestamp", "message_type", "category", "source_worker", "target_worker", "data"},
}

with open(sys.argv[1], "rb") as file:
    records = list(msgpack.Unpacker(file, raw=False))
snapshot = records[0]
assert snapshot["type"] == "snapshot" and snapshot["protocol"] == PROTOCOL_VERSION
processors = {}
for worker in snapshot["workers"]:
    assert {"worker_id", "added_at", "topology"} <= worker.keys()
    for processor in worker["topology"]["processors"]:
        assert {"id", "name", "parent", "type"} == processor.keys()
        assert processor["parent"] is None or processor["parent"] in processors
        processors[processor["id"]] = processor
    for connection in worker["topology"]["connections"]:
        assert connection["from"] in processors and connection["to"] in processors
numbers = []
for record in records:
    assert KEYS[record["type"]] <= record.keys(), record
    if record["type"] == "frame":
        assert record["from"] in processors and record["action"] in ("process", "push")
        assert record["direction"] in ("downstream", "upstream") and isinstance(record["payload"], dict)
        numbers.append(record["id"])
assert numbers == list(range(1, len(numbers) + 1))
print("ok", sum(each["type"] == "SyncParallelPipeline" for each in processors.values()), "stages")
