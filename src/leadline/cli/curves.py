"""`leadline curves`: a file of labels and scores to areas with intervals, a picture, a page."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.output import Json, console, show_json
from leadline.core.errors import InputError

if TYPE_CHECKING:
    import pandas
    import rich.table

    from leadline.evaluation import ScoreComparison

PARQUET = (".parquet", ".pq")
STANDARD_INPUT = "-"
AREAS = {
    "auroc": "AUROC",
    "aupr": "AUPR",
    "average_precision": "average precision",
    "auprg": "AUPRG",
}


def draw_curves(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV or Parquet file; - reads CSV from standard input.")],
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the labels, of two values.")],
    score: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column of one classifier's scores; repeatable.")],
    weight: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of row weights >= 0.")] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="LABEL", help="The positive label; not needed for 0/1, -1/1 and True/False.")
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(min=2, help="Bootstrap replicates; 1000 if not given, fewer for many rows.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Coverage of the intervals.")] = 0.95,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the three plots; the suffix names the format (.svg).")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one self-contained page.")] = None,
    as_json: Json = False,
) -> None:
    """ROC, precision-recall and gain curves of one or more classifiers: areas with intervals, and differences.

    Example: leadline curves scores.csv --label y --score p --score q --picture curves.svg
    """
    table = _read(file, [label, *score, *([weight] if weight else [])])
    from leadline.evaluation import compare_scores

    comparison = compare_scores(
        table[label],
        {name: table[name] for name in dict.fromkeys(score)},
        sample_weight=table[weight] if weight else None,
        pos_label=None if positive is None else _as_label(positive, table[label]),
        confidence=confidence,
        replicates=replicates,
    )
    if picture is not None:
        _write_picture(comparison, picture)
    if html is not None:
        _write_page(comparison, html, title=file)
    if as_json:
        show_json(_plain(comparison))
    else:
        from rich.text import Text

        notes = (Text(line) for line in (*_differences(comparison), *comparison.caveats))
        console().print(Text(comparison.headline(), style="bold"), _table(comparison), *notes, sep="\n")


def _read(file: str, columns: list[str]) -> "pandas.DataFrame":
    import pandas as pd

    try:
        if Path(file).suffix in PARQUET:
            table = pd.read_parquet(file)
        else:
            table = pd.read_csv(sys.stdin if file == STANDARD_INPUT else file)
    except ImportError as error:
        raise InputError(file, expected="a reader of Parquet", got="none installed",
                         remedy="pip install pyarrow, or pass CSV") from error  # fmt: skip
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(file, expected="a table", got=str(error), remedy="pass CSV or Parquet") from error
    for column in columns:
        if column not in table.columns:
            raise InputError(file, expected=f"a column {column!r}", got=f"columns {', '.join(map(str, table.columns))}",
                             remedy="name one of them")  # fmt: skip
    return table


def _as_label(positive: str, labels: Any) -> Any:
    """The label that is written so; what is none of them goes on as text, for the instrument to name."""
    return next((value for value in labels.unique() if str(value) == positive), positive)


def _plain(comparison: "ScoreComparison") -> dict[str, Any]:
    from leadline.core import to_plain

    known = comparison.intervals or ((),) * len(comparison.names)
    return to_plain(
        {
            "rows": comparison.curves[0].counts.rows,
            "prevalence": comparison.curves[0].counts.prevalence,
            "confidence": comparison.confidence,
            "replicates": comparison.replicates,
            "classifiers": {
                name: {"areas": asdict(curves.areas), "intervals": {one.area: [one.low, one.high] for one in intervals}}
                for name, curves, intervals in zip(comparison.names, comparison.curves, known, strict=True)
            },
            "differences": [vars(one) for one in comparison.differences],
            "caveats": comparison.caveats,
        }
    )


def _table(comparison: "ScoreComparison") -> "rich.table.Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in ("classifier", *AREAS.values()):
        table.add_column(name)
    for row in _cells(comparison):
        table.add_row(*map(Text, row))
    return table


def _cells(comparison: "ScoreComparison") -> list[list[str]]:
    known = comparison.intervals or ((),) * len(comparison.names)
    rows = []
    for name, curves, intervals in zip(comparison.names, comparison.curves, known, strict=True):
        spans = {one.area: f" [{one.low:.4f}, {one.high:.4f}]" for one in intervals}
        rows.append([name, *(f"{getattr(curves.areas, area):.4f}{spans.get(area, '')}" for area in AREAS)])
    return rows


def _differences(comparison: "ScoreComparison") -> list[str]:
    return [
        f"{one.first} - {one.second}, {AREAS[one.area]}: {one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}] "
        f"({one.method})"
        for one in comparison.differences
        if one.area in AREAS
    ]


def _write_picture(comparison: "ScoreComparison", path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")  # a file is written, no screen is needed
    axes = comparison.plot_all()
    try:
        axes[0].figure.savefig(path)  # pyright: ignore[reportAttributeAccessIssue] - typed as if it were a subfigure
    except ValueError as error:
        raise InputError("--picture", expected="a known suffix", got=str(path), remedy=str(error)) from error


def _write_page(comparison: "ScoreComparison", path: Path, *, title: str) -> None:
    from importlib.resources import files

    from markupsafe import Markup

    from leadline.report.drawings import inline_svg
    from leadline.studies.pictures import picture

    spaces = {"roc": "ROC", "precision_recall": "Precision and recall", "precision_recall_gain": "Gains"}
    figures = Markup("").join(
        Markup('<figure class="picture">{}<figcaption>{}</figcaption></figure>').format(
            inline_svg(picture(name, partial(comparison.draw_space, space=space), size=(4.6, 4.6)).svg,
                       prefix=f"{space}-", label=name), name)
        for space, name in spaces.items()
    )  # fmt: skip
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in ("classifier", *AREAS.values()))
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row))
        for row in _cells(comparison)
    )
    notes = Markup("").join(Markup("<p>{}</p>").format(line) for line in _differences(comparison))
    style = Markup(files("leadline.report").joinpath("page.css").read_text("utf-8"))
    path.write_text(
        Markup(
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            '<meta name="color-scheme" content="light dark"><title>{0}</title><style>{1}</style><main><h1>{0}</h1>'
            '<p>{2}</p><table class="data"><thead><tr>{3}</tr></thead><tbody>{4}</tbody></table>{5}{6}</main></html>'
        ).format(title, style, comparison.headline(), head, body, notes, figures),
        "utf-8",
    )
