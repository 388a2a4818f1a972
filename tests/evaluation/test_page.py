"""The page is one valid file that needs nothing else, escapes what it is given, and leads to the faults."""

from __future__ import annotations

import builtins
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from ganaug.evaluation.page import digits
from ganaug.evaluation.svg import bars, cut
from tests.evaluation.conftest import SCRIPT

pytest.importorskip("jinja2")
VOID = {"meta", "link", "br", "hr", "img", "input"}
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Reader(HTMLParser):
    """Notes what is open, so that every end has its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def path(bad_report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    bad_report.save_html(path, title="Rows of a bad & <odd> generator")
    return path


@pytest.fixture(scope="module")
def page(path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader


def test_every_tag_is_closed(page, path):
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n<html lang=")
    assert page.open == []


def test_nothing_comes_from_elsewhere_and_nothing_runs(page, path):
    assert not {tag for tag, _ in page.seen} & {"script", "link", "iframe", "img", "object", "form"}
    names = {name for _, attributes in page.seen for name in attributes}
    assert not names & {"src", "href", "srcset", "xlink:href", "data"}
    assert not [name for name in names if name.startswith("on")]
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|url\(|@import", text)


def test_names_are_text(page):
    assert any(SCRIPT in text for text in page.text)
    assert "Rows of a bad & <odd> generator" in page.text


def test_the_planted_columns_are_the_first_three_cards(page):
    at = page.text.index("Columns")
    cards = [
        text for text in page.text[at:] if text in {"visits", "newsletter", "city", "age", "plan", "income"}
    ]
    assert set(cards[:3]) == {"visits", "newsletter", "city"}


def test_light_and_dark_and_small(path):
    text = path.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "max-width: 700px" in text


def test_every_measure_has_its_picture(page, bad_report):
    labels = [attributes.get("aria-label") or "" for tag, attributes in page.seen if tag == "svg"]
    assert all(any(label.startswith(m.name) for label in labels) for m in bad_report.measures)


def test_a_report_without_a_hold_out_warns_in_the_page(tables, tmp_path):
    from ganaug import evaluate

    small = tables[0][["plan", "visits"]]
    evaluate(small, small).save_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'role="alert"' in text
    assert "scores 1.000" in text
    assert "not tried" in text


def test_missing_folder_is_said_before_anything_is_drawn(bad_report, tmp_path):
    with pytest.raises(FileNotFoundError, match="no directory"):
        bad_report.save_html(tmp_path / "nowhere" / "page.html")


def test_without_jinja2_the_extra_is_named(bad_report, tmp_path, monkeypatch):
    real_import = builtins.__import__

    def no_jinja2(name, *args, **kwargs):
        if name == "jinja2":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_jinja2)
    with pytest.raises(ImportError, match=r"ganaug\[report\]"):
        bad_report.save_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_pictures_escape_labels():
    import numpy as np

    picture = bars(["<b>&"], np.array([0.5]), np.array([0.4]), 'says "<i>"')
    assert "<b>" not in picture
    assert "<i>" not in picture
    assert "&lt;b&gt;&amp;" in picture


def test_texts_are_short():
    assert cut("a" * 30, 5) == "aaaa…"
    assert digits(-0.5) == "−0.500"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("size", ["1240,2000", "500,2000"])
def test_chromium_draws_it_within_its_width(path, size, tmp_path):
    """What the browser made of the page: the sections are there, and no element is wider than the window."""
    measured = "document.documentElement.scrollWidth + ' of ' + window.innerWidth"
    script = f"<script>document.title = {measured}</script></body>"
    probe = path.read_text(encoding="utf-8").replace("</body>", script)
    copy = tmp_path / "probe.html"
    copy.write_text(probe, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={size}", "--dump-dom"]
    folder = f"--user-data-dir={tmp_path / 'profile'}"
    done = subprocess.run(
        [BROWSER, *options, folder, copy.as_uri()], capture_output=True, text=True, timeout=180, check=False
    )
    found = re.search(r"<title>(\d+) of (\d+)</title>", done.stdout)
    if done.returncode or found is None:
        pytest.skip(f"Chromium can't run here: {done.stderr[-200:]}")
    assert int(found[1]) <= int(found[2])
    assert "What gives the rows away" in done.stdout
