"""What happens at each validation: the model is measured, then kept, then shown."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from tf_wavenet import Vocoder, WaveNet
from training.recipes import Recipe
from training.runs import history
from training.runs.callbacks import Progress, StepCallback
from training.runs.clock import Clock
from training.runs.finite import Finite
from training.runs.run_folder import RunFolder
from training.runs.summaries import Summaries

_FIRST_WEIGHT = 0.05


class Measured(NamedTuple):
    """A model at a step of the run, its held-out figures by name, and which of them decides: the lower the better."""

    step: int
    network: WaveNet | Vocoder
    figures: dict[str, float]
    metric: str
    score: float


class HeldOut(StepCallback):
    """Measures held-out audio, writes the history of the run, and tells others.

    A twin of the model, in float32, takes the averaged weights (or the weights, where there is no average yet). It is
    the twin that is evaluated and the twin that is saved, so the figure belongs to the very weights in the file, and
    the weights in training are never touched.

    Args:
        every: Interval in steps.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run.
        recipe: Makes the twin, and names the figure that decides.
        run: Where the history goes.
        validation: Batches of held-out data, of `Recipe.data`.
        clock: Counts the time.
        then: Called one after the other, after the history has its row: who finds the model finds what it cost.
        finite: Refuses weights that are not finite; None takes any.
    """

    def __init__(
        self,
        every: int,
        start: int,
        steps: int | None,
        *,
        recipe: Recipe,
        run: RunFolder,
        validation: Any,
        clock: Clock,
        then: Sequence[Callable[[Measured], None]] = (),
        finite: Finite | None = None,
    ) -> None:
        super().__init__(every, start, steps)
        self._recipe, self._run, self._validation, self._clock, self._then = recipe, run, validation, clock, then
        self._finite = finite

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Makes the twin."""
        self._twin = self._recipe.make_twin(self.model)

    def on_step(self, step: int, logs: dict) -> None:
        """Evaluates, writes a row, and tells the others."""
        if self._finite is not None:
            self._finite.require()
        for target, source in zip(self._twin.trainable_variables, averaged_weights(self.model), strict=True):
            target.assign(keras.ops.copy(source))  # JAX gives away the memory of what it evaluates
        figures = self._twin.evaluate(self._validation, verbose=0, return_dict=True)
        metric, network = self._recipe.metric, self._recipe.network(self._twin)
        score = figures[metric]
        row = {
            "step": step,
            "minutes": round(self._clock.seconds / 60, 4),
            "cpu_minutes": round(self._clock.cpu_seconds / 60, 4),
            "samples": step * self._recipe.config.batch_size * self._recipe.config.window_samples,
            metric: float(score),
            "learning_rate": float(self.model.optimizer.learning_rate),
        }
        history.append(self._run.progress, row)
        for act in self._then:
            act(Measured(step, network, figures, metric, score))


@dataclasses.dataclass(frozen=True)
class KeepModels:
    """Keeps the last model and the best.

    Attributes:
        run: Where they go.
    """

    run: RunFolder

    def __call__(self, measured: Measured) -> None:
        """Replaces the last, and the best by a better one."""
        best = self.run.best_score()
        self.run.save_last(measured.network, measured.step)
        if measured.score < (math.inf if best is None else best[1]):
            self.run.save_best(measured.network, measured.step, measured.score, measured.metric)


@dataclasses.dataclass(frozen=True)
class Show:
    """Shows the figure in the progress bar, and figures, sound and picture in TensorBoard.

    Attributes:
        recipe: Lets the model speak; its configuration tells for how long, 0 seconds for not at all.
        conditions: What to say, of `Recipe.data`.
        progress: The bar.
        summaries: For TensorBoard.
    """

    recipe: Recipe
    conditions: dict[str, Any]
    progress: Progress
    summaries: Summaries

    def __call__(self, measured: Measured) -> None:
        """Writes all of it."""
        config, summaries, step = self.recipe.config, self.summaries, measured.step
        self.progress.held_out = measured.score
        summaries.scalars(step, {f"held_out/{name}": v for name, v in measured.figures.items() if name != "loss"})
        if config.sample_seconds > 0:
            from training.scoring.pictures import draw, pixels  # matplotlib need not be where nothing is drawn

            num_samples = max(1, round(config.sample_seconds * config.sample_rate))
            audio = self.recipe.speak(measured.network, num_samples, self.conditions)
            summaries.audio(step, "generated/audio", audio, config.sample_rate)
            summaries.image(step, "generated/picture", pixels(draw(audio, config.sample_rate, f"step {step}")))
        summaries.flush()


def averaged_weights(model: keras.Model) -> Sequence[keras.Variable]:
    """The optimizer's moving averages of the variables it trains, or the variables where there is no average yet.

    The average begins with the weights of the first step, which weigh `ema ** step`: until that is below 5 % (3,000
    steps with an `ema` of 0.999) it is no average to speak with.

    Args:
        model: A compiled model whose optimizer is built.

    Returns:
        Variables, in the order of the `trainable_variables` of the model, or of the generator that it trains.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # inside a LossScaleOptimizer
    iterations = int(keras.ops.convert_to_numpy(optimizer.iterations))
    if not optimizer.use_ema or optimizer.ema_momentum**iterations > _FIRST_WEIGHT:
        return getattr(model, "generator", model).trainable_variables
    return optimizer._model_variables_moving_average  # Keras has no public name for them
