"""A page in the browser that generates while you listen: `python -m training.demo_page`, then open its address.

Shows the SavedModels in saved_models/, and the trained models there, which it exports when it first starts. Works
without internet. Needs `pip install -e ".[page]"` and ffmpeg.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from tf_wavenet.data import AudioError, load_audio
from training.cli.command_line import parse, run
from training.cli.wav import WavWriter
from training.export import ExportConfig, export
from training.runs.served_model import ServedModel
from training.scoring.pictures import save_picture

MAX_SECONDS = 30.0
CHUNK_SECONDS = 0.5
KEPT_SECONDS = 86400  # how long uploads and downloads lie in Gradio's folder


@dataclasses.dataclass(frozen=True)
class PageConfig:
    """Serves a page on which exported models can be heard."""

    models: Path = Path("saved_models")
    """Folder of SavedModels, as training.export writes them; .keras and .nam files in it are exported into it."""
    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 lets other machines in."""
    port: int = 7860
    """Port to listen at."""
    sample_rate: int = 16000
    """Rate in Hz of models whose export does not say theirs."""

    def __post_init__(self) -> None:
        """Checks the port."""
        if not 0 < self.port < 65536:
            raise ValueError(f"Expected port to be 1 to 65535. Received: port={self.port}")


def find_models(folder: Path) -> dict[str, Path]:
    """Returns the SavedModels in a folder by name; a .keras or .nam file there is exported if it has not been.

    Args:
        folder: Where they are.

    Raises:
        ValueError: If there is none.
    """
    for file in sorted([*folder.glob("*.keras"), *folder.glob("*.nam")]):
        if not file.with_suffix("").exists():
            print(f"exporting {file}, once", flush=True)
            export(ExportConfig(model=file, out=file.with_suffix("")))
    found = {path.parent.name: path.parent for path in sorted(folder.glob("*/saved_model.pb"))}
    if not found:
        raise ValueError(f"Expected a SavedModel in {folder}; python -m training.export makes one.")
    return found


@lru_cache(maxsize=2)
def open_model(path: Path) -> ServedModel:
    """Loads a model, and keeps the last two."""
    return ServedModel(path)


def read_upload(path: str | None, sample_rate: int, what: str) -> np.ndarray | None:
    """Reads an uploaded file, at most `MAX_SECONDS` of it.

    Args:
        path: The file; None if there was no upload.
        sample_rate: Rate in Hz to bring it to.
        what: Its name on the page.

    Raises:
        ValueError: If it is no recording.
    """
    if path is None:
        return None
    try:
        waveform = load_audio(path, sample_rate)
    except AudioError as error:
        raise ValueError(f"{what}: this file is no recording that can be read ({error.reason})") from error
    return waveform[: int(MAX_SECONDS * sample_rate)]


def speak(
    path: Path,
    default_rate: int,
    seconds: float,
    temperature: float,
    top_p: float,
    seed: float,
    speaker: str | None,
    prompt: str | None,
    recording: str | None,
) -> Iterator[tuple]:
    """Generates for the page.

    Args:
        path: The SavedModel.
        default_rate: Rate in Hz if it does not say its own.
        seconds: Length.
        temperature: Of the sampling.
        top_p: Of the sampling.
        seed: Of the sampling.
        speaker: Name, if the model knows several.
        prompt: File to continue, or None.
        recording: File to speak again, for a vocoder, or to play, for an amplifier; or None.

    Yields:
        `(audio, picture, file, message)`: `(rate, int16 [time])` to play now, the paths of picture and WAV file, both
        None until the end and gone after it (the page has copies), and a line of text.

    Raises:
        ValueError: For what the page should say to the user.
    """
    if seed is None or seed != int(seed) or not 0 <= seed < 2**53:
        raise ValueError(f"Seed: a whole number from 0 on, please. Received: {seed}")
    model = open_model(path)
    rate = model.sample_rate or default_rate
    total = round(min(seconds, MAX_SECONDS) * rate)
    chunks = model.stream(
        total,
        round(CHUNK_SECONDS * rate),
        speaker=speaker if model.speakers else None,
        recording=read_upload(recording, rate, "Recording") if model.takes_recording else None,
        prompt=None if model.takes_recording else read_upload(prompt, rate, "Prompt"),
        seed=int(seed),
        temperature=temperature,
        top_p=top_p,
    )
    made = []
    for chunk in chunks:
        made.append(np.clip(chunk, -1.0, 1.0))
        seconds_made = sum(map(len, made)) / rate
        yield (rate, (made[-1] * 32767).astype(np.int16)), None, None, f"{seconds_made:.1f} s generated"
    audio = np.concatenate(made)
    level = 10 * np.log10(np.mean(np.square(audio)) + 1e-10)
    message = f"{len(audio) / rate:.1f} s at {rate} Hz, {level:.1f} dB"
    with tempfile.TemporaryDirectory(prefix="wavenet-") as folder:
        picture, file = Path(folder, "generated.png"), Path(folder, "generated.wav")
        with WavWriter(file, rate) as writer:
            writer.write(audio)
        save_picture(picture, audio, rate, path.name)
        yield None, str(picture), str(file), message


def make_page(config: PageConfig):
    """Builds the page.

    Args:
        config: Where the models are.

    Returns:
        A `gradio.Blocks`, queued: one user's request at a time is generated, others wait in line.

    Raises:
        ValueError: If a model or a program is missing.
    """
    try:
        import gradio as gr
    except ModuleNotFoundError as error:
        raise ValueError(f'Expected the package gradio: pip install -e ".[page]". Received: no {error.name}') from None
    if shutil.which("ffmpeg") is None:
        raise ValueError("Expected the program ffmpeg, which packs the audio for the browser (Debian: ffmpeg).")
    models = find_models(config.models)

    def controls(name):
        model = open_model(models[name])
        return (
            gr.update(
                choices=list(model.speakers), value=next(iter(model.speakers), None), visible=bool(model.speakers)
            ),
            gr.update(visible=not model.takes_recording),
            gr.update(visible=model.takes_recording),
        )

    def generate(name, *settings):
        try:
            yield from speak(models[name], config.sample_rate, *settings)
        except ValueError as error:
            raise gr.Error(str(error), duration=None, print_exception=False) from None

    with gr.Blocks(title="WaveNet", analytics_enabled=False, delete_cache=(3600, KEPT_SECONDS)) as page:
        gr.Markdown("# WaveNet\nAudio plays while it is being generated.")
        with gr.Row():
            with gr.Column():
                name = gr.Dropdown(list(models), value=next(iter(models)), label="Model")
                speaker = gr.Dropdown([], label="Speaker", visible=False, allow_custom_value=True)
                seconds = gr.Slider(0.5, MAX_SECONDS, 3.0, step=0.5, label="Length in seconds")
                temperature = gr.Slider(0.0, 1.5, 1.0, step=0.05, label="Temperature")
                top_p = gr.Slider(0.05, 1.0, 1.0, step=0.05, label="Top-p")
                seed = gr.Number(0, precision=0, label="Seed")
                uploads = {"sources": ["upload", "microphone"], "type": "filepath"}
                prompt = gr.Audio(label="Prompt: a recording to continue", **uploads)
                recording = gr.Audio(
                    label="Recording to speak again, or to play through the amplifier", visible=False, **uploads
                )
                button = gr.Button("Generate", variant="primary", elem_id="generate")
            with gr.Column():
                audio = gr.Audio(label="Generated", streaming=True, autoplay=True, elem_id="audio")
                message = gr.Textbox(label="Progress", interactive=False, elem_id="message")
                picture = gr.Image(label="Waveform and spectrogram", show_label=False, elem_id="picture")
                file = gr.File(label="Download", elem_id="file")
        page.load(controls, name, [speaker, prompt, recording])
        name.change(controls, name, [speaker, prompt, recording])
        settings = [name, seconds, temperature, top_p, seed, speaker, prompt, recording]
        button.click(generate, settings, [audio, picture, file, message], concurrency_limit=1)
    return page.queue()


def main() -> None:
    """Serves the page until it is interrupted."""
    config = parse(PageConfig)
    page = make_page(config)
    page.launch(server_name=config.host, server_port=config.port, show_error=True)


if __name__ == "__main__":
    run(main)
