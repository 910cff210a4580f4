"""All kinds of damage, by name."""

from benchmarks.fuzzing.data_kinds import Audio, Features, Metadata, Shards
from benchmarks.fuzzing.model_kinds import Checkpoint, Keras, Nam, State
from benchmarks.fuzzing.request_kinds import Requests
from benchmarks.fuzzing.run_kinds import ManifestFile, Run

KINDS = {
    "audio": Audio,
    "metadata": Metadata,
    "features": Features,
    "shards": Shards,
    "state": State,
    "nam": Nam,
    "keras": Keras,
    "checkpoint": Checkpoint,
    "run": Run,
    "manifest": ManifestFile,
    "requests": Requests,
}
