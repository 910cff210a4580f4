"""One recipe a family of models: all that `training.train` does not do alike for every model.

May import runs, scoring and text. Commands import rooms, and no room a command.
"""

from training.recipes.acoustic import AcousticRecipe
from training.recipes.recipe import Recipe
from training.recipes.vocoder import VocoderRecipe
from training.recipes.wavenet import WaveNetRecipe
from training.runs.config import AcousticConfig, VocoderConfig, WaveNetConfig
from training.runs.train_config import TrainConfig

_RECIPES = {WaveNetConfig: WaveNetRecipe, VocoderConfig: VocoderRecipe, AcousticConfig: AcousticRecipe}


def recipe_of(config: TrainConfig) -> Recipe:
    """The recipe of a configuration's family."""
    return _RECIPES[type(config)](config)
