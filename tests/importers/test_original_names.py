"""Names of the originals' tensors; tests/originals compares what is computed with them."""

import pytest

from tf_wavenet import HiFiGAN, ParallelWaveGAN
from tf_wavenet.importers.original_names import hifi_gan_names, kan_bayashi_hifi_gan_names, parallel_wavegan_names

MAKERS = {"hifi_gan_v2": HiFiGAN, "hifi_gan_v3": HiFiGAN, "parallel_wavegan": ParallelWaveGAN}


@pytest.mark.parametrize(
    ("preset", "pairs"),
    [
        ("hifi_gan_v3", hifi_gan_names),
        ("hifi_gan_v2", kan_bayashi_hifi_gan_names),
        ("parallel_wavegan", parallel_wavegan_names),
    ],
)
def test_every_variable_has_one_name_of_its_own(preset, pairs):
    model = MAKERS[preset].from_preset(preset)
    variables, names = zip(*pairs(model), strict=True)
    assert {id(v) for v in variables} == {id(v) for v in model.weights} and len(variables) == len(model.weights)
    flat = [name for several in names for name in several]
    assert len(flat) == len(set(flat))
