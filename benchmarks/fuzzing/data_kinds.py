"""Recordings and what lies beside them."""

import shutil
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile

from benchmarks.fuzzing.kind import RATE, Kind, Traceback, call, run_main, tone
from benchmarks.fuzzing.mutate import mutate, mutate_text, mutate_zip
from tf_wavenet.data import StoredFeatures, WindowSource, index_corpus
from training.corpora.read_corpus import read_corpus

AUDIO_FILES = 50  # in a corpus
_FORMATS = (
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "FLOAT"),
    ("wav", "ULAW"),
    ("flac", "PCM_16"),
    ("ogg", "VORBIS"),
    ("mp3", None),
    ("aiff", "PCM_16"),
    ("au", "PCM_16"),
    ("caf", "PCM_16"),
)


class Audio(Kind):
    """Recordings, through training.prepare."""

    files = AUDIO_FILES

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self._seeds = []
        for number, (suffix, subtype) in enumerate(_FORMATS):
            path = work / f"seed-{number}.{suffix}"
            soundfile.write(path, tone(600 + 37 * number), RATE, subtype=subtype)
            self._seeds.append((suffix, path.read_bytes()))

    def case(self, rng: np.random.Generator) -> bool:
        """A corpus of damaged files and a good one."""
        folder = self.folder()
        for number in range(AUDIO_FILES):
            suffix, content = self._seeds[int(rng.integers(len(self._seeds)))]
            (folder / f"{number}.{suffix}").write_bytes(mutate(content, rng))
        soundfile.write(folder / "good.wav", tone(500), RATE)
        out = self.work / "out"
        shutil.rmtree(out, ignore_errors=True)
        taken = run_main("prepare", folder, "--out", out, "--sample-rate", RATE)
        left = [path.name for path in out.rglob("partial-*")]
        if left or not taken or not (out / "wavs" / "good.flac").is_file():
            raise Traceback(f"the good file is lost, or half-written files are left: {left}")
        return taken


class Metadata(Kind):
    """Tables of texts, through training.prepare."""

    _CSV = b"a|One.|One.\nwavs/b.wav|Two.\nc|Three, said she.|Three.\n"
    _HEADER = b'file_name,transcription\na.wav,"One, two."\nb.wav,Three\n'
    _JSONL = b'{"file_name": "a.wav", "text": "One"}\n{"file_name": "b.wav", "text": "Two"}\n'

    def case(self, rng: np.random.Generator) -> bool:
        """Three recordings and a damaged table."""
        folder = self.folder()
        for name in "abc":
            soundfile.write(folder / f"{name}.wav", tone(100), RATE)
        name, content = (
            ("metadata.csv", self._CSV),
            ("metadata.csv", self._HEADER),
            ("metadata.jsonl", self._JSONL),
        )[int(rng.integers(3))]
        (folder / name).write_bytes(mutate_text(content, rng))
        out = self.work / "out"
        shutil.rmtree(out, ignore_errors=True)
        return run_main("prepare", folder, "--out", out, "--sample-rate", RATE)


class Features(Kind):
    """Stored features, through the windows that training reads."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        soundfile.write(work / "a.wav", tone(800), RATE)
        self._manifest = index_corpus(work, RATE)
        np.savez(work / "seed.npz", features=np.zeros((10, 3), "float32"), spec=np.array('{"hop_length": 80}'))
        self._seed = (work / "seed.npz").read_bytes()

    def case(self, rng: np.random.Generator) -> bool:
        """A damaged file of features, or its recipe."""
        folder, spec = self.folder(), b'{"hop_length": 80, "sample_rate": 8000}'
        of_spec = rng.random() < 0.3
        (folder / "spec.json").write_bytes(mutate_text(spec, rng) if of_spec else spec)
        seed = self._seed if of_spec else mutate_zip(self._seed, rng, lambda name: False)
        (folder / "a.npz").write_bytes(seed)

        def read():
            source = WindowSource(self._manifest, 160, 80, 2, features=StoredFeatures(folder))
            for number in range(min(len(source), 3)):
                source.batch(number)

        return call(read)


class Shards(Kind):
    """Shards and their indices, through what training reads."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        from training.sharding import pipeline, shard
        from training.sharding.encode import encode

        corpus = work / "corpus"
        corpus.mkdir()
        for name in "abcd":
            soundfile.write(corpus / f"{name}.wav", tone(300), RATE)
        with (
            mock.patch.object(shard, "_encoder", lambda limit: mock.Mock(encode=encode)),
            mock.patch.object(pipeline, "_run", lambda tasks, options: [shard.write_shard(task) for task in tasks]),
        ):
            pipeline.prepare_shards(corpus, work / "shards", pipeline.ShardOptions(2, RATE, None, 1, "", 60.0))

    def case(self, rng: np.random.Generator) -> bool:
        """One file of the folder damaged."""
        folder = self.folder() / "shards"
        shutil.copytree(self.work / "shards", folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "features.json")
        path = files[int(rng.integers(len(files)))]
        damaged = (mutate_text if path.suffix == ".json" else mutate)(path.read_bytes(), rng)
        if path.suffix != ".json":  # of the right size, or the size alone gives it away
            damaged = (damaged + bytes(path.stat().st_size))[: path.stat().st_size]
        path.write_bytes(damaged)

        def read():
            for file in read_corpus(folder, RATE).files:
                file.load(RATE)

        return call(read)
