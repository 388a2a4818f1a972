"""The command ``ganaug``: fit, sample, complete, info and evaluate on files, and a demo.

Tables are in .csv or .parquet files; images are arrays in .npy or .npz files.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import ganaug
from ganaug._util.arrays import ARRAYS, read_arrays, write_arrays
from ganaug._util.files import check_output, what_to_do
from ganaug._util.store import load_file
from ganaug._util.streams import check_extension, read_table, write_tables
from ganaug.exceptions import GanaugError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["app", "main"]

_INTERRUPTED = 130
_WRONG_INPUT = 2
# The class of all complaints about the command line; typer doesn't say its name in every version.
_USAGE_ERROR = cast(type[Exception], typer.BadParameter.__mro__[1])
_DEMO_SECONDS = {"table": 30.0, "image": 60.0}

app = typer.Typer(
    help="Fit a generator to a table, and draw new rows from it.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

RandomSeed = Annotated[int | None, typer.Option(help="An integer makes the result repeatable.", min=0)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status; wrong input is one line on stderr and status 2.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; by default those of the process.

    Returns
    -------
    int
        0 when all went well, 2 for wrong input, 130 when interrupted.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _complain("warning", message)
            status = app(args=None if argv is None else list(argv), prog_name="ganaug", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted", "nothing was written.")
        return _INTERRUPTED
    except _USAGE_ERROR as error:
        return _wrong_usage(error)
    except MemoryError:
        _complain("error", "there is not enough memory; ask for fewer rows at a time.")
    except (GanaugError, OSError, ValueError, TypeError, ImportError) as error:
        _complain("error", what_to_do(error))
    else:
        return int(status or 0)
    return _WRONG_INPUT


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        typer.echo(ganaug.__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def fit(
    table: Annotated[Path, typer.Argument(help="The real rows, .csv or .parquet; images, .npy or .npz.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the fitted model goes.")],
    target: Annotated[
        str | None,
        typer.Option(
            help="The label; `sample` writes it as the last column. Of images: its array in the file."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="What a column is: 'zip=category', 'note=drop'; number, datetime, identifier and text are "
            "kinds, too. May be repeated."
        ),
    ] = None,
    random_state: RandomSeed = None,
    time_budget: Annotated[
        float | None,
        typer.Option(help="Stop the training after so many seconds.", min=0.0),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Fit a generator to a table, or to images, and save it."""
    check_output(output)
    kinds = _kinds_of(column or [])
    rows, labels = read_arrays(table, target) if table.suffix.lower() in ARRAYS else _read(table, target)
    synthesizer = ganaug.GANSynthesizer(
        columns=kinds,
        random_state=random_state,
        time_budget_seconds=time_budget,
        verbose=0 if quiet else 1,
    )
    start = time.perf_counter()
    synthesizer.fit(rows, labels)
    synthesizer.save(output)
    if not quiet:
        seconds = time.perf_counter() - start
        typer.echo(f"{output}: {len(rows):,} rows, {synthesizer.n_iter_} epochs, {seconds:.0f} s")


@app.command()
def sample(
    model: Annotated[Path, typer.Argument(help="A model saved by `ganaug fit`.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the rows go, .csv or .parquet; images, .npz.")
    ],
    n_samples: Annotated[int, typer.Option("--n-samples", "-n", help="How many rows.", min=1)] = 1000,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="What all rows have: 'age>=60', 'city=Lyon', 'income is missing'; may be repeated."
        ),
    ] = None,
    extrapolate: Annotated[
        bool, typer.Option("--extrapolate", help="Allow numbers beyond a column's range.")
    ] = False,
    guidance: Annotated[
        float | None,
        typer.Option(help="How far the discriminator chooses rows, 0 to 1; by default as the fit found."),
    ] = None,
    random_state: RandomSeed = None,
) -> None:
    """Draw rows from a saved model, any number of them in little memory."""
    check_output(output)
    if output.suffix.lower() == ".npz":
        return _write_images(model, output, n_samples, where or [], random_state)
    check_extension(output)
    synthesizer = ganaug.GANSynthesizer.load(model)
    if _are_images(model):
        raise ValueError(f"Images go to a .npz file, got {str(output)!r}")
    asked = {"conditions": _conditions(synthesizer, where or []), "extrapolate": extrapolate}
    asked["guidance"] = "auto" if guidance is None else guidance
    batches = _sample_batches(synthesizer, n_samples, random_state=random_state, **asked)

    def example(name: Hashable) -> pd.Series | None:
        try:
            found = _sample_batches(synthesizer, 1, conditions={name: ganaug.Present()}, random_state=0)
            return next(found)[name]
        except ValueError:  # a column that never has a value
            return None

    write_tables(batches, output, example)
    return None


@app.command()
def complete(
    model: Annotated[Path, typer.Argument(help="A model saved by `ganaug fit`.")],
    table: Annotated[Path, typer.Argument(help="Rows with gaps, .csv or .parquet.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the filled rows go.")],
    random_state: RandomSeed = None,
) -> None:
    """Fill the gaps of rows, given what each of them has."""
    check_extension(output)
    check_output(output)
    rows = read_table(table)
    synthesizer = ganaug.GANSynthesizer.load(model)
    write_tables([_completed(synthesizer, rows, random_state)], output)


@app.command()
def info(model: Annotated[Path, typer.Argument(help="A model saved by `ganaug fit`.")]) -> None:
    """Say what is in a saved model: its columns, and how it was trained."""
    version = load_file(model)[0]["format_version"]
    synthesizer = ganaug.GANSynthesizer.load(model)
    typer.echo(f"{model}: {model.stat().st_size:,} bytes, format version {version}")
    typer.echo(f"trained for {synthesizer.n_iter_} epochs")
    if _are_images(model):
        example = synthesizer.sample(1, random_state=0)
        typer.echo(f"images {example.shape[1:]} of {example.dtype}")
        return
    typer.echo(_describe_columns(synthesizer).to_string(index=False, max_colwidth=60))


@app.command()
def evaluate(
    real: Annotated[Path, typer.Argument(help="The rows that the generator was fitted on.")],
    synthetic: Annotated[Path, typer.Argument(help="The rows that it drew.")],
    holdout: Annotated[Path | None, typer.Option(help="Real rows that the generator has not seen.")] = None,
    target: Annotated[str | None, typer.Option(help="The column that a model learns to predict.")] = None,
    html: Annotated[Path | None, typer.Option(help="Where the page goes; it needs no other file.")] = None,
    max_rows: Annotated[int, typer.Option(help="Judge larger tables by so many rows.", min=20)] = 10_000,
    random_state: Annotated[int, typer.Option(help="For the rows and the judges.", min=0)] = 0,
) -> None:
    """Judge synthetic rows beside real ones: fidelity, usefulness, privacy, and what gives them away."""
    if html is not None:
        from ganaug.evaluation.page import load_template

        check_output(html)
        load_template()  # what is missing is better said before the work
    tables = [read_table(path) for path in (real, synthetic)]
    report = ganaug.evaluate(
        *tables,
        real_holdout=None if holdout is None else read_table(holdout),
        target=target,
        max_rows=max_rows,
        random_state=random_state,
    )
    typer.echo(report)
    if html is not None:
        report.save_html(html, title=f"{synthetic.name}, judged")
        typer.echo(f"page: {html.resolve()}")


@app.command()
def demo(
    rows: Annotated[int, typer.Option(help="How many rows to fit; as many are held out.", min=50)] = 4000,
    seed: Annotated[int, typer.Option(help="For the table, the fit and the rows drawn.", min=0)] = 0,
    output: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("demo.png"),
    images: Annotated[bool, typer.Option("--images", help="Handwritten digits instead of a table.")] = False,
) -> None:
    """Fit a made-up table of customers, draw synthetic ones, score them and draw both."""
    check_output(output)
    if images:
        return _demo_of_images(seed, output)
    customers = ganaug.datasets.make_customers(2 * rows, random_state=seed)
    train = customers.iloc[:rows].reset_index(drop=True)
    holdout = customers.iloc[rows:].reset_index(drop=True)
    start = time.perf_counter()
    synthesizer = ganaug.GANSynthesizer(random_state=seed, time_budget_seconds=_DEMO_SECONDS["table"]).fit(
        train
    )
    typer.echo(f"fitted {rows:,} rows x {train.shape[1]} columns in {time.perf_counter() - start:.1f} s")
    synthetic = synthesizer.sample(rows, random_state=seed)
    typer.echo(f"\n{_side_by_side(train, synthetic)}")
    report = ganaug.evaluate(train, synthetic, real_holdout=holdout, target="churned")
    typer.echo(f"\n{report}\n")
    try:
        report.plot(output, title="Customers: real rows and synthetic rows")
    except ImportError as error:
        typer.echo(f"no picture: {error}")
    else:
        typer.echo(f"picture: {output.resolve()}")
    return None


# Images


def _demo_of_images(seed: int, output: Path) -> None:
    """Fit scikit-learn's digits; the picture has ten of each class."""
    from sklearn.datasets import load_digits

    from ganaug.image.grid import write_png

    digits = load_digits()
    start = time.perf_counter()
    budget = _DEMO_SECONDS["image"]
    synthesizer = ganaug.GANSynthesizer(random_state=seed, time_budget_seconds=budget)
    synthesizer.fit(digits.images, digits.target)
    seconds = time.perf_counter() - start
    typer.echo(f"fitted {len(digits.images):,} images of 8 x 8 pixels in {seconds:.1f} s")
    drawn = synthesizer.sample(y=[label for label in range(10) for _ in range(10)], random_state=seed)
    write_png(ganaug.image_grid(drawn), output)
    typer.echo(f"picture: {output.resolve()}")


def _are_images(model: Path) -> bool:
    described = load_file(model)[0].get("modality")
    return isinstance(described, dict) and described.get("name") == "image"


def _write_images(
    model: Path, output: Path, n_samples: int, where: list[str], random_state: int | None
) -> None:
    if not _are_images(model):
        raise ValueError(f"Tables go to a .csv or .parquet file, got {str(output)!r}")
    if where:
        raise ValueError(f"--where is for tables, got {where[0]!r}")
    synthesizer = ganaug.GANSynthesizer.load(model)
    asked = {"return_y": True} if hasattr(synthesizer, "classes_") else {}
    drawn = synthesizer.sample(n_samples, random_state=random_state, **asked)
    arrays = dict(zip("Xy", drawn, strict=True)) if asked else {"X": drawn}
    write_arrays(output, arrays)


# Tables in files


def _read(path: Path, target: str | None) -> tuple[Any, Any]:
    """A table without its label, and the label (None without any)."""
    table = read_table(path)
    return table, None if target is None else _take_column(table, target)


def _take_column(rows: pd.DataFrame, target: str) -> pd.Series:
    if target not in rows.columns:
        names = ", ".join(map(repr, rows.columns[:30]))
        raise ValueError(f"--target {target!r} is no column of the table; it has {names}.")
    return rows.pop(target)


def _sample_batches(
    synthesizer: ganaug.GANSynthesizer, n_samples: int, **asked: Any
) -> Iterator[pd.DataFrame]:
    """Rows with the label, where the model was fitted with one, as the last column."""
    try:
        batches = synthesizer.sample_batches(n_samples, return_y=True, **asked)
    except GanaugError:
        raise
    except ValueError:  # fitted without a label
        return synthesizer.sample_batches(n_samples, **asked)
    return (rows.assign(**{labels.name: labels}) for rows, labels in batches)


def _conditions(synthesizer: ganaug.GANSynthesizer, where: list[str]) -> dict[str, object]:
    from ganaug.tabular.where import parse_where

    example = next(_sample_batches(synthesizer, 1, random_state=0))
    return parse_where(where, {str(name): example[name].dtype for name in example.columns})


def _completed(
    synthesizer: ganaug.GANSynthesizer, rows: pd.DataFrame, random_state: int | None
) -> pd.DataFrame:
    """The table with its gaps filled, the label's too where there is such a column."""
    example = next(_sample_batches(synthesizer, 1, random_state=0))
    names = synthesizer.sample(1, random_state=0).columns.tolist()
    lacking = [name for name in names if name not in rows.columns]
    if lacking:
        raise ValueError(f"The table lacks a column that the model was fitted with: {lacking[0]!r}")
    labels = [name for name in example.columns if name not in names and name in rows.columns]
    if not labels:
        filled = synthesizer.complete(rows[names], random_state=random_state)
    else:
        filled, y = synthesizer.complete(rows[names], rows[labels[0]], random_state=random_state)
        filled[labels[0]] = y.array
    kept: pd.DataFrame = filled[[name for name in rows.columns if name in filled.columns]]
    return kept


def _describe_columns(synthesizer: ganaug.GANSynthesizer) -> pd.DataFrame:
    """Name, dtype and kind of every column, the label's too."""
    table = next(_sample_batches(synthesizer, 1, random_state=0))
    described = table.dtypes.astype(str).rename_axis("column").reset_index(name="dtype")
    kinds = dict(zip(synthesizer.codec_.columns, synthesizer.codec_.codecs, strict=True))
    described["kind"] = [kinds[name].kind if name in kinds else "label" for name in table.columns]
    return described


def _kinds_of(choices: Sequence[str]) -> dict[str, str]:
    """Kinds by column, of texts such as "zip=category"."""
    pairs = [choice.rpartition("=") for choice in choices]
    if not all(name and kind for name, _, kind in pairs):
        raise ValueError(f"--column must be like 'zip=category', got {' '.join(choices)!r}")
    return {name: kind for name, _, kind in pairs}


def _side_by_side(real: pd.DataFrame, synthetic: pd.DataFrame) -> str:
    """A few rows of both, a line for each column of the table."""
    import pandas as pd

    tables = {"real rows": real, "synthetic rows": synthetic}
    few = {name: table.head(3).set_axis(range(1, 4)).astype(str).T for name, table in tables.items()}
    return pd.concat(few, axis=1).to_string()


# Errors


def _complain(kind: str, message: object) -> None:
    print(f"ganaug: {kind}: {' '.join(str(message).split())}", file=sys.stderr)


def _wrong_usage(error: Exception) -> int:
    format_message = getattr(error, "format_message", error.__str__)
    _complain("error", f"{format_message()} Try 'ganaug --help'.")
    return _WRONG_INPUT
