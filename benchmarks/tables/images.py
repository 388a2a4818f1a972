"""Which tables say how good generated images are, and whether they help a classifier?"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.records import read_records
from benchmarks.tables.writing import NONE, RESULTS, Record, cost, footnote, markdown, score

SETS = {
    "digits": "digits 8 × 8",
    "mnist": "MNIST 28 × 28",
    "chest": "chest X-rays 28 × 28",
    "odd": "waves 17 × 23, 2 channels",
    "shapes": "shapes 64 × 64, colour",
}
METHODS = {
    "ours": "**ganaug**",
    "hinge": "same networks, hinge",
    "wgan_gp": "same networks, WGAN-GP",
    "dcgan": "DCGAN, as much CPU time",
    "vanilla": "plain GAN, as much CPU time",
    "dcgan_steps": "DCGAN, as many steps",
    "vanilla_steps": "plain GAN, as many steps",
    "real": "real images in their place",
}
WAYS = {
    "nothing": "nothing",
    "class_weight": "class weight",
    "oversampling": "copies",
    "augmentation": "copies, shifted",
    "smote": "SMOTE",
    "gan": "GAN",
    "gan_augmentation": "GAN 1:1, copies, shifted",
    "auto": '**`balance="auto"`**',
}
QUALITY = {
    "agreement": ("agreement", 3),
    "train_on_it": ("train on it", 3),
    "fd_clf": ("FD_clf", 1),
    "kid": ("KID", 2),
    "coverage": ("coverage", 2),
    "spread": ("spread", 2),
    "closer_share": ("closer to training", 2),
    "too_close": ("near copies", 3),
}


def quality() -> str:
    """Ours, rivals, and real images in the place of generated ones."""
    records = _of("quality")
    rows = []
    for dataset in SETS:
        for method, title in METHODS.items():
            own = [r for r in records if (r["dataset"], r["method"]) == (dataset, method)]
            if own:
                figures = [score(own, name, decimals) for name, (_, decimals) in QUALITY.items()]
                spent = NONE if method == "real" else cost(own, "fit_cpu_seconds")
                rows.append([SETS[dataset], title, *figures, spent, str(len(own))])
    titles = ["", "", *(title for title, _ in QUALITY.values()), "fit CPU s", "seeds"]
    return markdown(titles, rows) + footnote(records)


def odd() -> str:
    """Sets of unusual size, colour and number."""
    records = _of("odd")
    names = ("agreement", "train_on_it", "coverage", "spread", "too_close")
    rows = [
        [SETS[r["dataset"]], str(r["n"]), *(score([r], name) for name in names), cost([r], "fit_cpu_seconds")]
        for r in records
    ]
    return markdown(["", "images", *(QUALITY[name][0] for name in names), "fit CPU s"], rows) + footnote(
        records
    )


def usefulness() -> str:
    """Balanced accuracy by way of filling up the rare classes."""
    records = _of("help")
    rows = []
    for dataset in SETS:
        for n_rare in sorted({r["n_rare"] for r in records if r["dataset"] == dataset}):
            own = [r for r in records if (r["dataset"], r["n_rare"]) == (dataset, n_rare)]
            chosen = sorted({_chosen(record) for record in own})
            rows.append(
                [
                    SETS[dataset],
                    str(n_rare),
                    *(score(own, way, 3) for way in WAYS),
                    ", ".join(chosen),
                    str(len(own)),
                ]
            )
    titles = ["", "images a rare class", *WAYS.values(), "which auto took", "seeds"]
    return markdown(titles, rows) + footnote(records)


def _chosen(record: Record) -> str:
    return WAYS[record["chosen"]]


def _of(question: str) -> list[Record]:
    return [r for r in read_records(RESULTS / "images.json") if r["question"] == question]


TABLES: dict[str, Callable[[], str]] = {
    "image-quality": quality,
    "image-odd": odd,
    "image-help": usefulness,
}
