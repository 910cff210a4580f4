"""The page in a real browser: Chromium without a window, driven by Playwright."""

import io
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import soundfile

from tests.support.streaming_contract import randomise
from tf_wavenet import WaveNet, export_saved_model
from tf_wavenet.layers import Conditioning

pytestmark = pytest.mark.large
RATE, SECONDS = 16000, 20.0


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_models")
    for name, options in (("plain", {}), ("voices", {"conditioning": Conditioning(speakers=("ann", "bob"))})):
        model = WaveNet((1, 2, 4, 8, 16, 32), 2, 64, 64, **options)
        randomise(model, scale=0.3)
        export_saved_model(model, folder / name, sample_rate=RATE)
    return folder


@pytest.fixture(scope="module")
def address(models):
    pytest.importorskip("gradio", reason="no package gradio")
    if shutil.which("ffmpeg") is None:
        pytest.skip("no program ffmpeg")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "training.demo_page", "--models", str(models), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield answering(f"http://127.0.0.1:{port}", server)
        finally:
            server.terminate()


def answering(address, server):
    for _ in range(240):
        assert server.poll() is None, "the page's process ended"
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.5)
        else:
            return address
    raise AssertionError("no page after two minutes")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no package playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no program chromium")
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


class Visitor:
    """A user with a browser profile of their own, the audio that arrived, and what the page said meanwhile."""

    def __init__(self, browser, address):
        self.page = browser.new_context().new_page()
        self.page.set_default_timeout(120_000)
        self.outside, self.segments, self.said = [], [], []
        self.page.on("request", lambda request: self._asked(request.url, address))
        self.page.on("requestfinished", self._arrived)
        self.page.goto(address)
        self.page.locator("#generate").wait_for()

    def _asked(self, url, address):
        if not url.startswith((address, "data:", "blob:")):
            self.outside.append(url)

    def _arrived(self, request):
        if request.url.endswith(".aac"):
            self.segments.append(request)

    def fill(self, label, value):
        field = self.page.get_by_label(label).first
        field.fill(str(value))
        field.blur()

    def upload(self, path):
        """Chooses a file and waits until the page has it; it can be cleared then (its name shows only before)."""
        self.page.locator("input[type=file]").first.set_input_files(path)
        self.page.get_by_label("Clear").first.wait_for()

    def click(self):
        self.segments, self.said = [], [self.message]
        self.page.locator("#generate").click()

    @property
    def message(self):
        return self.page.locator("#message textarea").input_value()

    @property
    def played_seconds(self):
        return self.page.evaluate("document.querySelector('#audio audio')?.currentTime ?? 0")

    def wait(self, done):
        """Waits until a condition holds; keeps what the page says meanwhile."""
        end = time.monotonic() + 120
        while not done():
            assert time.monotonic() < end, f"the page said: {self.said}"
            if self.message != self.said[-1]:
                self.said.append(self.message)
            self.page.wait_for_timeout(50)  # lets events in

    def finish(self):
        self.wait(lambda: len(self.said) > 1)
        self.wait(lambda: self.message.endswith("dB"))

    def heard(self):
        """The audio that has arrived, decoded."""
        import av

        frames = []
        # An answer that is an error, or whose body the browser no longer has, is no audio that was heard.
        answers = [request.response() for request in self.segments]
        for body in [body for answer in answers if answer.ok and (body := answer.body())]:
            with av.open(io.BytesIO(body)) as segment:
                resampler = av.AudioResampler("flt", "mono", RATE)
                frames += [out for frame in segment.decode(audio=0) for out in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])

    def downloaded(self):
        with self.page.expect_download() as download:
            self.page.locator("#file a").first.click()
        return soundfile.read(download.value.path())[0]


@pytest.fixture
def visitor(browser, address):
    return Visitor(browser, address)


def test_audio_is_heard_while_it_is_being_made(visitor):
    visitor.fill("Length in seconds", SECONDS)
    visitor.click()
    visitor.wait(lambda: visitor.segments and visitor.played_seconds > 0)
    made = float(re.fullmatch(r"(\S+) s generated", visitor.message)[1])
    assert 0 < made < SECONDS  # it plays, and is not finished
    heard = visitor.heard()
    assert 0 < len(heard) < SECONDS * RATE and heard.std() > 0.01
    visitor.finish()
    assert visitor.message.startswith(f"{SECONDS} s at {RATE} Hz")
    audio = visitor.downloaded()
    assert len(audio) == SECONDS * RATE
    level = 10 * np.log10(np.mean(heard**2) / np.mean(audio[: len(heard)] ** 2))
    assert abs(level) < 1.5  # AAC is lossy
    visitor.page.locator("#picture img").wait_for()
    assert visitor.page.evaluate("document.querySelector('#picture img').naturalWidth") > 300
    assert visitor.outside == []  # it works without internet


def test_the_seed_decides(visitor):
    visitor.fill("Length in seconds", 0.5)
    made = []
    for seed in (1, 2, 1):
        visitor.fill("Seed", seed)
        visitor.click()
        visitor.finish()
        made.append(visitor.downloaded())
    assert len(made[0]) == 0.5 * RATE
    np.testing.assert_array_equal(made[0], made[2])
    assert np.mean(made[0] != made[1]) > 0.5


def test_a_bad_upload_gets_a_message_and_a_good_one_audio(visitor, tmp_path):
    visitor.fill("Length in seconds", 0.5)
    bad, good = tmp_path / "bad.wav", tmp_path / "good.wav"
    bad.write_bytes(b"RIFF, but no recording")
    soundfile.write(good, np.sin(np.arange(4000) / 9) / 2, RATE)
    visitor.upload(bad)
    visitor.click()
    visitor.page.get_by_text("Prompt: this file is no recording that can be read").wait_for()
    visitor.page.get_by_label("Clear").first.click()
    visitor.upload(good)
    visitor.click()
    visitor.finish()
    assert len(visitor.downloaded()) == 0.5 * RATE


def test_two_browsers_at_once_wait_in_line(browser, address):
    first, second = Visitor(browser, address), Visitor(browser, address)
    for visitor, seed in ((first, 1), (second, 2)):
        visitor.fill("Length in seconds", 6)
        visitor.fill("Seed", seed)
    first.click()
    second.click()
    first.finish()
    second.finish()
    a, b = first.downloaded(), second.downloaded()
    assert len(a) == len(b) == 6 * RATE and np.mean(a != b) > 0.5
    # Beside somebody else, the same samples as alone.
    second.fill("Seed", 1)
    second.click()
    second.finish()
    np.testing.assert_array_equal(second.downloaded(), a)


def test_a_speaker_is_chosen(visitor):
    visitor.page.get_by_label("Model").click()
    visitor.page.get_by_role("option", name="voices").click()
    speaker = visitor.page.get_by_label("Speaker")
    speaker.wait_for()
    visitor.fill("Length in seconds", 0.5)
    made = []
    for name in ("ann", "bob"):
        speaker.click()
        visitor.page.get_by_role("option", name=name).click()
        visitor.click()
        visitor.finish()
        made.append(visitor.downloaded())
    assert np.mean(made[0] != made[1]) > 0.5
