"""Training on several hosts from the command line; see `train --hosts`."""

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from .config import RunConfig
    from .hosts import Hosts
    from .progress import Progress
    from .runs import Run


def check_alone(hosts: str | None, host: int | None, *, task: str, folds: int | None, head: str | None) -> None:
    """Raise if options for several hosts are given with work that is done on one.

    Raises:
        ValueError: If so.
    """
    if hosts is None and host is not None:
        raise ValueError("--host goes with --hosts NAME:PORT,NAME:PORT")
    if hosts is not None and (task != "verify" or folds is not None or head is not None):
        raise ValueError("--hosts trains one network for verification; leave out --task, --folds and --head")


def named_hosts(hosts: str, host: int | None) -> "Hosts":
    """Return the hosts of the options ``--hosts`` and ``--host``, or of the environment for ``--hosts TF_CONFIG``."""
    from .hosts import hosts_of, parse_hosts

    if hosts != "TF_CONFIG":
        return parse_hosts(hosts, host)
    found = hosts_of(os.environ)
    if found is None:
        raise ValueError("--hosts is TF_CONFIG, and that is not set; write --hosts NAME:PORT,NAME:PORT --host 0")
    return found


def train_on_hosts(folder: "Run", config: "RunConfig", hosts: "Hosts", *, fresh: bool, progress: "Progress") -> None:
    """Train with the other hosts; only the first one makes and fills the run folder.

    Args:
        folder: Of the run.
        config: Its configuration, the same on every host.
        hosts: Who trains, and which of them this is.
        fresh: Start over.
        progress: Where to say what happens.
    """
    from .config import changed
    from .demo import compile_kernels, train_stage
    from .hosts import check_hosts
    from .run_cost import Clock

    if config.train.small_epochs:
        progress.say("several hosts train on whole canvases from the first epoch")
        config = changed(config, ["train.small_share=0"])
    check_hosts(config, hosts)
    if hosts.is_first:
        folder.start(config, fresh=fresh)
        if (folder / "model.keras").exists():
            print(f"{folder.path} is trained already (--fresh starts over)")
            return
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2":  # our own default; what a lost host makes it print hides our line
        os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "NONE"}
    with progress.task("compiling the drawing kernels (first time only)", None):
        compile_kernels()
    with progress.task("loading TensorFlow", None):
        from .collective import join, noticed
        from .train import assist
    try:
        cluster = join(hosts, progress.say)
        if hosts.is_first:
            train_stage(folder, config, progress, Clock(folder), cluster=cluster)
        else:
            assist(cluster, config, say=progress.say)
        with noticed("after the last epoch"):  # TensorFlow wants all to end together
            cluster.numbers(0)
    except KeyboardInterrupt:
        _leave("interrupted; the same command on every host goes on where this one stopped", 130)
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        _leave(str(error), 2)
    if hosts.is_first:
        print(f"trained: {folder / 'model.keras'}; next: python -m pipelines evaluate --run {folder.path}")


def _leave(message: str, status: int) -> NoReturn:
    """End this process at once with one line: TensorFlow's own end would wait for hosts that are gone."""
    print("error: " + " ".join(message.split()), file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(status)
