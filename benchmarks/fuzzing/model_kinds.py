"""Models, and the state of their generation."""

import json
from pathlib import Path

import numpy as np

from benchmarks.fuzzing.kind import Kind, Traceback, call, run_main
from benchmarks.fuzzing.mutate import mutate, mutate_text, mutate_zip


class State(Kind):
    """The state of a generation that was stopped, as --resume reads it."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        from tf_wavenet import WaveNet
        from training.generation.checkpoint import Checkpoint
        from training.generation.resumable_stream import CHUNK_SAMPLES, ResumableStream

        self._model = WaveNet((1, 2), residual_channels=2, skip_channels=2)
        self._stream = lambda: ResumableStream(self._model, 2 * CHUNK_SAMPLES, seed=0)
        stream = self._stream()
        next(iter(stream))
        self._checkpoint = lambda path: Checkpoint(path, {"seed": 0}, 0.0)
        self._checkpoint(work / "seed.npz").keep(stream, now=True)
        self._seed = (work / "seed.npz").read_bytes()

    def case(self, rng: np.random.Generator) -> bool:
        """The file damaged."""
        path = self.folder() / "state.npz"
        path.write_bytes(mutate_zip(self._seed, rng, lambda name: False))

        def resume():
            stream = self._stream()
            self._checkpoint(path).restore(stream)
            next(iter(stream))

        return call(resume)


class Nam(Kind):
    """Amplifiers' .nam files."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        from tf_wavenet import NamWaveNet
        from tf_wavenet.importers import write_nam

        model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}], head_scale=1.0)
        model(np.zeros((1, 16), "float32"))
        write_nam(model, work / "seed.nam")
        self._seed = (work / "seed.nam").read_bytes()

    def case(self, rng: np.random.Generator) -> bool:
        """The file damaged."""
        from training.runs.run_folder import load_model

        path = self.folder() / "amp.nam"
        path.write_bytes(mutate_text(self._seed, rng))
        from tf_wavenet import NamWaveNet

        return call(lambda: load_model(path, (NamWaveNet,)))


class Keras(Kind):
    """.keras files, as every command reads them."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        from tf_wavenet import HiFiGAN, NamWaveNet, WaveNet

        self._kinds = WaveNet, HiFiGAN, NamWaveNet
        models = (
            WaveNet((1, 2), residual_channels=2, skip_channels=2),
            NamWaveNet([{"channels": 2, "dilations": (1, 2)}], head_scale=1.0),
        )
        self._seeds = []
        for number, model in enumerate(models):
            model(np.zeros((1, 16), "float32"))
            model.save(work / f"seed-{number}.keras")
            self._seeds.append((work / f"seed-{number}.keras").read_bytes())

    def case(self, rng: np.random.Generator) -> bool:
        """The file damaged."""
        from training.runs.run_folder import load_model

        path = self.folder() / "model.keras"
        seed = self._seeds[int(rng.integers(len(self._seeds)))]
        path.write_bytes(mutate_zip(seed, rng, lambda name: name.endswith(".json")))
        return call(lambda: load_model(path, self._kinds))


class Checkpoint(Kind):
    """Checkpoints of other projects and their configurations, from `training.import_weights` to a model."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        from tests.importers.test_import_weights import PROJECTS
        from tests.importers.torch_files import write_legacy, write_zip

        self._seeds = []
        for _, wrap, tensors, name, settings in PROJECTS.values():
            content = wrap(tensors(np.random.default_rng(0)))
            zipped, legacy = (write(work / "seed", content).read_bytes() for write in (write_zip, write_legacy))
            self._seeds.append((zipped, legacy, name, json.dumps(settings).encode()))

    def case(self, rng: np.random.Generator) -> bool:
        """The checkpoint damaged, in either of PyTorch's forms, or its configuration."""
        folder = self.folder()
        zipped, legacy, name, settings = self._seeds[int(rng.integers(len(self._seeds)))]
        form = int(rng.integers(3))
        content = mutate_zip(zipped, rng, lambda name: False) if form == 0 else mutate(legacy, rng)
        (folder / "checkpoint.pth").write_bytes(content if form < 2 else zipped)
        (folder / name).write_bytes(settings if form < 2 else mutate_text(settings, rng))
        out = folder / "out" / "model.keras"
        taken = run_main("import_weights", folder / "checkpoint.pth", "--out", out)
        left = sorted(path.name for path in folder.rglob("*.keras*"))
        if left != (["model.keras"] if taken else []):
            raise Traceback(f"left behind: {left}")
        return taken
