"""The start lines for clusters."""

import json
import subprocess
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
JOBSET = Path(__file__).parents[1] / "examples" / "cluster" / "jobset.yaml"


@pytest.mark.parametrize("index", [0, 1])
def test_the_jobset_tells_each_worker_who_it_is(index):
    [job] = yaml.safe_load(JOBSET.read_text())["spec"]["replicatedJobs"]
    spec = job["template"]["spec"]
    [container] = spec["template"]["spec"]["containers"]
    shell, flag, script = container["command"]
    begin, _, start = script.partition("exec ")
    done = subprocess.run(
        [shell, flag, f'{begin}\necho "$TF_CONFIG"\necho {start}'],
        env={"JOB_COMPLETION_INDEX": str(index), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    config, command = done.stdout.splitlines()
    config = json.loads(config)
    assert len(config["cluster"]["worker"]) == spec["completions"] == spec["parallelism"]
    assert config["task"] == {"type": "worker", "index": index}
    assert command.startswith("python -m training.train --strategy multi_worker --run /data/run --data /data/shards")
    ports = {int(place.rpartition(":")[2]) for place in config["cluster"]["worker"]}
    assert ports == {port["containerPort"] for port in container["ports"]}
