"""How good are generated images, and do they help a classifier? Each figure beside that of real images.

``python -m benchmarks.images`` measures every cell in a process of its own, on one thread, and adds one
record per cell to ``benchmarks/results/images.json``. A cell that is there already is left alone. Questions:

quality : ours, the same networks under other losses, and the GANs of the tutorials, which get the CPU time
    that ours took, or (``..._steps``) as many steps of as many images; ``real`` has training images in the
    place of generated ones.
help : a few images of half of the classes; classifiers that differ in how these are filled up and take equal
    steps; balanced accuracy on the real test images. ``auto`` is the way that `compare_ways` chose on the
    training images alone.
odd : sets of unusual size, colour and number; ``--keep`` writes what was drawn as pictures.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.image_sets import ImageSet, load
from benchmarks.records import ROOT, environment, read_records, write_record

RESULTS = ROOT / "benchmarks" / "results"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
QUESTIONS = ("quality", "help", "odd")
LOSSES = {"ours": "relativistic", "hinge": "hinge", "wgan_gp": "wasserstein"}
RIVALS = ("vanilla", "dcgan")
METHODS = ("real", *LOSSES, *(f"{name}_steps" for name in RIVALS), *RIVALS)
N_RARE = (10, 30, 100)
N_COMMON = 200
CLASSIFIERS = 2  # of each way
JUDGE_STEPS = {"quality": 600, "help": 300}
STEPS = {"digits": 4200, "mnist": 7000, "chest": 3000, "odd": 3000, "shapes": 1200}
HELP_STEPS = {"digits": 1500, "mnist": 1500, "chest": 1200}
N_TRAIN, N_TEST = 6_000, 1_000

logger = logging.getLogger("benchmarks.images")


@dataclass(frozen=True)
class Cell:
    """One measurement."""

    question: str
    dataset: str
    method: str
    n_rare: int
    seed: int

    def __str__(self) -> str:
        return " ".join(map(str, asdict(self).values()))


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and not there yet; 1 if a cell failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    options = _parser().parse_args(arguments)
    options.out = options.out or RESULTS / ("images-quick.json" if options.quick else "images.json")
    if options.run_cell:
        return _run_cell_here(Cell(**json.loads(options.run_cell)), options)
    known = set() if options.force else {_cell_of(record) for record in read_records(options.out)}
    cells = [cell for cell in _cells(options) if cell not in known]
    logger.info("%d cells, results in %s", len(cells), options.out)
    done = [_run_cell_apart(cell, options) for cell in cells]
    return 0 if all(done) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__)
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=QUESTIONS)
    parser.add_argument("--datasets", nargs="+")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--n-rare", nargs="+", type=int, default=N_RARE)
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--force", action="store_true", help="measure again what is there already")
    parser.add_argument("--quick", action="store_true", help="digits, a few steps, seed 0: does it run?")
    parser.add_argument("--keep", type=Path, help="folder for pictures of what was drawn")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/images[-quick].json")
    parser.add_argument("--run-cell", help=argparse.SUPPRESS)
    return parser


def _cells(options: argparse.Namespace) -> Iterable[Cell]:
    sets = {
        "quality": ("digits", "mnist"),
        "help": ("digits", "mnist", "chest"),
        "odd": ("odd", "shapes", "chest"),
    }
    for seed in (0,) if options.quick else options.seeds:
        for question in options.questions:
            for dataset in sets[question]:
                if options.datasets and dataset not in options.datasets:
                    continue
                if question == "quality":
                    yield from (Cell(question, dataset, method, 0, seed) for method in options.methods)
                elif question == "help":
                    rare = options.n_rare[:1] if options.quick else options.n_rare
                    yield from (Cell(question, dataset, "ways", n, seed) for n in rare)
                elif seed == 0:
                    yield Cell(question, dataset, "ours", 0, seed)


def _cell_of(record: dict[str, Any]) -> Cell:
    return Cell(*(record[name] for name in Cell.__dataclass_fields__))


def _run_cell_apart(cell: Cell, options: argparse.Namespace) -> bool:
    """Run a cell in a fresh process with one thread; tell whether it went well."""
    command = [sys.executable, "-m", "benchmarks.images", "--run-cell", json.dumps(asdict(cell))]
    command += ["--out", str(options.out.resolve())]
    command += ["--quick"] if options.quick else []
    command += ["--keep", str(options.keep.resolve())] if options.keep else []
    environ = os.environ | ONE_THREAD
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    result = subprocess.run(command, cwd=ROOT, env=environ, text=True, **pipes)  # type: ignore[call-overload]
    if result.returncode:
        logger.error("%s FAILED:\n%s", cell, result.stdout[-4000:])
        return False
    logger.info("%s", result.stdout.strip().splitlines()[-1])
    return True


def _run_cell_here(cell: Cell, options: argparse.Namespace) -> int:
    import torch

    torch.set_num_threads(1)
    measure = {"quality": quality, "help": usefulness, "odd": quality}[cell.question]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are few images, or a game collapses, is what is measured
        start = time.process_time()
        found = measure(cell, options)
    record = asdict(cell) | found | {"environment": environment(), "cpu_seconds": time.process_time() - start}
    write_record(options.out, record, same=lambda other: _cell_of(other) == cell)
    shown = {name: round(value, 3) for name, value in record["scores"].items()}
    print(f"{cell}: {record['cpu_seconds']:.0f} CPU s, {shown}")
    return 0


# --- quality ------------------------------------------------------------------------------------------------


def quality(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Scores of as many generated images as there are to learn from."""
    images = load(cell.dataset).cut(300 if cell.question == "odd" else N_TRAIN, N_TEST, seed=0)
    steps = 20 if options.quick else STEPS[cell.dataset]
    start = time.process_time()
    if cell.method == "real":
        order, found = np.random.default_rng(cell.seed).permutation(len(images.labels)), {}
        drawn, asked = images.train[order], images.labels[order]
    elif cell.method in LOSSES:
        draw, found = _ours(images, LOSSES[cell.method], steps, cell.seed)
        drawn, asked = draw(images.labels), images.labels
    else:
        draw, found = _rival(cell, images, options)
        drawn, asked = draw(images.labels), images.labels
    found["fit_cpu_seconds"] = time.process_time() - start
    if options.keep is not None:
        _picture(options.keep / f"{cell.dataset}-{cell.method}-{cell.seed}.png", images, drawn, asked)
    return found | {
        "n": len(asked),
        "scores": judge(images, drawn, asked, cell, 50 if options.quick else None),
    }


def judge(
    images: ImageSet, drawn: Any, asked: Any, cell: Cell, n_steps: int | None = None
) -> dict[str, float]:
    """All measures; clouds of features are compared with the test images, at their number."""
    from ganaug import metrics

    steps = n_steps or JUDGE_STEPS["quality"]
    classifier = metrics.fit_classifier(images.train, images.labels, n_steps=steps)
    real = classifier.features(images.test)
    fake = classifier.features(drawn[: len(real)])
    told = classifier.predict(drawn)
    scores = {
        "agreement": float(np.mean(told == asked)),
        "train_on_it": metrics.train_on_synthetic_images(
            drawn, asked, images.test, images.test_labels, n_steps=steps, random_state=cell.seed
        ),
        "fd_clf": metrics.frechet_distance(real, fake),
        "kid": metrics.kernel_distance(real, fake),
        **metrics.neighbourhoods(real[: len(fake)], fake),
        **_memory(images, drawn[: len(real)], cell),
        **metrics.label_variety(classifier.predict(images.test), told),
    }
    spread = metrics.class_spread(real, images.test_labels, fake, asked[: len(real)])
    scores["spread"] = float(np.mean(list(spread.values())))
    if cell.question == "quality" and cell.method in ("real", "ours") and cell.seed == 0 and not n_steps:
        parts = [metrics.efflite0_features(part[:300], side=64) for part in (images.test, drawn)]
        scores["fd_efflite0"] = metrics.frechet_distance(*parts)
    return scores


def _memory(images: ImageSet, drawn: Any, cell: Cell) -> dict[str, float]:
    """Of real images, that of a half of those which nothing has seen."""
    from ganaug.metrics import image_memorisation

    half = len(images.test) // 2
    if cell.method == "real":
        return image_memorisation(images.test[:half], images.train, images.test[half:])
    return image_memorisation(drawn, images.train, images.test)


def _ours(images: ImageSet, loss: str, steps: int, seed: int) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    model = _synthesizer(len(images.labels), steps, seed, loss=loss).fit(images.train, images.labels)
    return lambda asked: model.sample(len(asked), y=asked), {"n_steps": int(model.history_[-1]["step"])}


def _synthesizer(n_images: int, steps: int, seed: int, **options: Any) -> Any:
    """About so many steps of 64 images."""
    from ganaug import GANSynthesizer

    per_epoch = max(1, round(0.9 * n_images / 64))
    return GANSynthesizer(max_epochs=max(1, round(steps / per_epoch)), random_state=seed, **options)


def _rival(
    cell: Cell, images: ImageSet, options: argparse.Namespace
) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    from benchmarks.image_rivals import rival
    from ganaug.metrics.images import ImageReader

    reader = ImageReader.of(images.train)
    classes, codes = np.unique(images.labels, return_inverse=True)
    name, _, by_steps = cell.method.partition("_")
    steps, seconds = (STEPS[cell.dataset] if by_steps else None), None
    if options.quick:
        steps = 20
    elif not by_steps:
        seconds = _seconds_of_ours(cell, options.out)
    train = reader.read(images.train)
    draw, n_steps = rival(name, train, codes, cell.seed, n_steps=steps, cpu_seconds=seconds)

    def in_range(asked: Any) -> Any:
        made = draw(np.searchsorted(classes, asked))[:, 0] * (reader.high - reader.low) + reader.low
        return np.rint(made).astype(images.train.dtype)

    return in_range, {"n_steps": n_steps}


def _seconds_of_ours(cell: Cell, out: Path) -> float:
    """CPU seconds that ours took for the same images."""
    ours = Cell(cell.question, cell.dataset, "ours", 0, cell.seed)
    taken = [r["fit_cpu_seconds"] for r in read_records(out) if _cell_of(r) == ours]
    if not taken:
        raise ValueError(f"Measure {ours} first: it says how long {cell.method} may take.")
    return float(taken[0])


# --- help ---------------------------------------------------------------------------------------------------


def usefulness(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Balanced accuracy, and that on the rare classes, of classifiers of classes filled up in each way."""
    from ganaug.image.balance import WAYS, compare_ways, fit_balanced, plan_balance

    whole = load(cell.dataset)
    images = whole.with_rare(cell.n_rare, N_COMMON, cell.seed)
    codes = np.unique(images.labels, return_inverse=True)[1]
    steps, gan_steps = (10, 10) if options.quick else (JUDGE_STEPS["help"], HELP_STEPS[cell.dataset])
    model = _synthesizer(len(codes), gan_steps, cell.seed)
    start = time.process_time()
    compared = compare_ways(
        images.train,
        images.labels,
        model,
        n_splits=2,
        n_repeats=1,
        n_steps=steps,
        random_state=cell.seed,
    )
    seconds = time.process_time() - start
    model.fit(images.train, images.labels)
    scores, rare = {}, {}
    for way in WAYS:
        plan = plan_balance(codes, way, np.random.default_rng(cell.seed))
        fits = [
            fit_balanced(images.train, images.labels, plan, model, n_steps=steps, random_state=seed)
            for seed in range(CLASSIFIERS)
        ]
        scores[way], rare[way] = _accuracies(fits, images, codes)
    scores["smote"], rare["smote"] = _accuracies(_smote(images, codes, steps), images, codes)
    scores["auto"], rare["auto"] = scores[compared.chosen], rare[compared.chosen]
    return {
        "scores": scores,
        "rare": rare,
        "chosen": compared.chosen,
        "inner": compared.scores,
        "reasons": list(compared.reasons),
        "auto_cpu_seconds": seconds,
        "n_train": len(codes),
    }


def _smote(images: ImageSet, codes: Any, steps: int) -> list[Any]:
    from imblearn.over_sampling import SMOTE

    from ganaug.metrics import fit_classifier
    from ganaug.metrics.images import ImageReader

    flat, fits = images.train.reshape(len(codes), -1).astype(np.float32), []
    for seed in range(CLASSIFIERS):
        smote = SMOTE(k_neighbors=min(5, int(np.bincount(codes).min()) - 1), random_state=seed)
        rows, labels = smote.fit_resample(flat, images.labels)
        made = rows.reshape(-1, *images.train.shape[1:])
        reader = ImageReader.of(images.train)
        fits.append(fit_classifier(made, labels, n_steps=steps, reader=reader, random_state=seed))
    return fits


def _accuracies(fits: list[Any], images: ImageSet, codes: Any) -> tuple[float, float]:
    """Mean recall of all classes, and of those that are rare, over the classifiers."""
    classes, counts = np.unique(images.labels), np.bincount(codes)
    right = np.mean([fit.predict(images.test) == images.test_labels for fit in fits], axis=0)
    recalls = np.array([right[images.test_labels == label].mean() for label in classes])
    return float(recalls.mean()), float(recalls[counts < counts.max()].mean())


# --- pictures -----------------------------------------------------------------------------------------------


def _picture(path: Path, images: ImageSet, drawn: Any, asked: Any) -> None:
    """Generated images, a row for each class, and below each its nearest training image."""
    from ganaug.evaluation.grids import neighbour_grid

    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour_grid(drawn, asked, images.train).savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
