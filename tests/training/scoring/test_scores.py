"""What bits per sample are bits of, and how they are laid out."""

from tf_wavenet import Gaussian, MixtureOfGaussians, MixtureOfLogistics, MuLawCategorical, Residual
from training.scoring.scores import Score, table, unit_of


def test_every_distribution_has_its_unit():
    assert unit_of(MuLawCategorical()) == "256 mu-law levels"
    assert unit_of(MuLawCategorical(1023)) == "1,024 mu-law levels"
    assert unit_of(MixtureOfLogistics()) == "65,536 levels"
    assert unit_of(MixtureOfLogistics(bits=8)) == "256 levels"
    assert unit_of(Residual(MuLawCategorical())) == "256 mu-law levels of the residual"
    for distribution in (Gaussian(), MixtureOfGaussians()):
        assert unit_of(distribution) == "a density of the amplitude (differential)"


def test_figures_of_another_unit_are_left_out():
    ours = Score("a", 8000, 0.5, "256 mu-law levels", 3.0, 4.0, 5.0, 6.0, 8.0)
    lines = table([ours], ours).splitlines()
    assert [line.split() for line in lines[1:]] == [["a", "0.50", "3.000", "4.000", "5.000", "6.000", "8.000"]] * 2
    other = Score("all", 8000, 0.5, "256 levels", -3.0)
    lines = table([], other).splitlines()
    assert lines[1].split() == ["all", "0.50", "-3.000", "-", "-", "-", "-"]
    assert lines[2] == "The model's bits are of 256 levels, not of 256 mu-law levels as those of the other codes."
