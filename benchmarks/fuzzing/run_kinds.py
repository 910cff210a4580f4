"""What lies in the folder of a run."""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.fuzzing.kind import RATE, Kind, call, tone
from benchmarks.fuzzing.mutate import mutate_text
from tf_wavenet.data import AudioFile


class Run(Kind):
    """The configuration and notes of a run folder, as --resume reads them."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        from training.runs.config import WaveNetConfig

        self._config = WaveNetConfig(run=work / "seed", dilations=(1, 2), steps=4)
        (work / "seed").mkdir()
        self._config.save(work / "seed" / "config.json")
        row = {"step": 2, "bits_per_sample": 7.5, "minutes": 0.1}
        (work / "seed" / "progress.jsonl").write_text(json.dumps(row) + "\n")
        (work / "seed" / "best.json").write_text(json.dumps({"step": 2, "bits_per_sample": 7.5}))
        (work / "seed" / "best.keras").write_bytes(b"")  # so that its figure is asked for

    def case(self, rng: np.random.Generator) -> bool:
        """One of the files damaged."""
        from training.runs import history
        from training.runs.clock import Clock
        from training.runs.run_folder import RunFolder
        from training.train import parse_config, prepare_run

        folder = self.folder() / "run"
        shutil.copytree(self.work / "seed", folder)
        files = sorted(path for path in folder.iterdir() if path.suffix != ".keras")
        path = files[int(rng.integers(len(files)))]
        path.write_bytes(mutate_text(path.read_bytes(), rng))

        def resume():
            config = parse_config(["--run", str(folder), "--resume"])
            run = prepare_run(config)
            Clock.load(run.time(2), 2)
            history.forget(run.progress, 2)
            RunFolder(folder).best_score()

        return call(resume)


class ManifestFile(Kind):
    """Manifests of a run, as training.evaluate reads them."""

    def case(self, rng: np.random.Generator) -> bool:
        """The file damaged."""
        from tf_wavenet.data import Manifest

        folder = self.folder()
        soundfile.write(folder / "a.wav", tone(100), RATE)
        Manifest(RATE, (AudioFile(folder / "a.wav", 100, name="a"),) * 2).save(folder / "train.json")
        path = folder / "train.json"
        path.write_bytes(mutate_text(path.read_bytes(), rng))

        def read():
            manifest = Manifest.load(path)
            for file in manifest.files:
                file.load(manifest.sample_rate)

        return call(read)
