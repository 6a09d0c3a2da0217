"""The network that a run has trained, before anything is frozen for it; `runs.load_verifier` is for finished runs."""

from typing import TYPE_CHECKING, Any

from .runs import Run, RunError

if TYPE_CHECKING:
    from .logistic import LogisticHead
    from .verifier import Verifier


def trained_network(run: Run) -> Any:
    """Return a run's network as it was saved, without loss and optimizer; loads TensorFlow.

    Args:
        run: Trained, whether it was evaluated or not.

    Raises:
        RunError: If it has no network yet.
    """
    if not (run / "model.keras").exists():
        raise RunError(f"{run.path} has no trained network; run `train --run {run.path}` first")
    import keras

    import models  # noqa: F401  (registers the layers and losses)

    return keras.saving.load_model(run / "model.keras", safe_mode=True, compile=False)


def unfrozen_verifier(run: Run, *, head: "LogisticHead | None" = None) -> "Verifier":
    """Return a run's network as a verifier of images or trajectories, with no threshold and no calibration yet.

    Args:
        run: As for `trained_network`.
        head: A fitted pair head; the network's own comparison if left out.

    Raises:
        RunError: If the run has no network yet.
    """
    from .online import OnlineVerifier
    from .verifier import Verifier

    model, settings = trained_network(run), run.config().train
    made = Verifier if takes_images(model) else OnlineVerifier
    return made(model, height=settings.height, width=settings.width, head=head, recipe=settings.preprocessing)


def takes_images(model: Any) -> bool:
    """Return whether a network takes images, shape ``(n, height, width, 1)``, and not pen trajectories."""
    return len(model.input_shape) == 4
