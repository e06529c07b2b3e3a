"""Trains the model that says which blocks are the article's, and writes it as plain Python.

    python benchmarks/train_extractor.py CORPORA --out FILE   # extractor/core/body_model.py

CORPORA holds a folder a corpus with ``gold.jsonl`` and ``html/``. All corpora are mixed: a model of
one of them is worse on all others. A block is the article's where at least half of its 4-grams are
the gold text's; blocks of less than five words where the blocks around them are. Scores are of
five folds by site, so that no site is in training and test. Needs lightgbm, numpy and scikit-learn,
which nothing at run time does. No page and no gold text is written, only thresholds.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import random
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import (
    about,
    charset,
    container,
    features,
    furniture,
    markup,
    reading,
    scoring,
)
from newsmill.extractor.core.roles import TABLE
from newsmill.extractor.core.sheet import Sheet
from newsmill.records import Page

CORPORA = ("scrapinghub", "fundus", "wcxb-articles", "trafilatura-eval")
FOLDS = 5
SEED = 2  # of the model that is shipped
SEEDS = (1, 2, 3)
PARAMETERS: dict[str, Any] = {
    "n_estimators": 100, "num_leaves": 23, "learning_rate": 0.1, "min_child_samples": 30,
    "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.5, "reg_lambda": 5.0,
    "n_jobs": 1, "deterministic": True, "verbose": -1,
}  # fmt: skip
RIGHT = 0.9  # F1 from which a page counts as right, for the certainty
_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Labelled:
    """A page with its blocks' rows, and which of them are the article's (-1: nobody says)."""

    corpus: str
    site: str
    gold: dict[str, Any]
    sheet: Sheet
    layout: container.Layout
    first: int
    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    roles: bytearray
    odds: np.ndarray = field(default_factory=lambda: np.zeros(0))


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    if not words:
        return Counter()
    return Counter(tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3)))


def squeeze(text: str) -> str:
    return " ".join(text.split())


def labels_of(sheet: Sheet, gold: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Of each block whether it is the article's, and how much that is worth."""
    if gold.get("text"):
        return _by_text(sheet, gold["text"])
    labels, weights = np.full(len(sheet.blocks), -1.0), np.zeros(len(sheet.blocks))
    wanted = [squeeze(part) for part in gold.get("with", ())]
    unwanted = [squeeze(part) for part in gold.get("without", ())]
    for index, block in enumerate(sheet.blocks):
        text = block.text
        good = any(part in text or (len(text) > 20 and text in part) for part in wanted)
        if good != any(part in text for part in unwanted):
            labels[index], weights[index] = float(good), 12.0
    return labels, weights


def _by_text(sheet: Sheet, gold: str) -> tuple[np.ndarray, np.ndarray]:
    labels, weights = np.full(len(sheet.blocks), -1.0), np.zeros(len(sheet.blocks))
    flat, lines, left = squeeze(gold), {squeeze(line) for line in gold.split("\n")}, shingles(gold)
    short = []
    for index, block in enumerate(sheet.blocks):
        own = shingles(block.text)
        total = sum(own.values())
        if total < 2:  # less than five words
            short.append(index)
            continue
        hits = sum(min(count, left.get(part, 0)) for part, count in own.items())
        labels[index] = float(hits >= 0.5 * total)
        certain = 1.0 if hits in (0, total) else abs(2 * hits / total - 1) + 0.1
        weights[index] = min(80, total + 3) * certain
        if labels[index]:
            left.subtract(own)  # a second copy of a paragraph is none
    told = {}
    for index in short:
        text = sheet.blocks[index].text
        before = _nearest(labels, weights, range(index - 1, max(-1, index - 40), -1))
        after = _nearest(labels, weights, range(index + 1, min(len(labels), index + 40)))
        is_line = text in lines and (before or after)
        told[index] = float(bool(is_line or (before and after and text in flat)))
    for index, label in told.items():
        labels[index] = label
        weights[index] = float(max(1, len(_WORD.findall(sheet.blocks[index].text))))
    return labels, weights


def _nearest(labels: np.ndarray, weights: np.ndarray, places: Iterable[int]) -> float:
    """The label of the first block of five words or more."""
    return next((float(labels[i]) for i in places if weights[i] > 0 and labels[i] >= 0), 0.0)


def pages_of(corpora: Path, corpus: str) -> Iterable[Labelled]:
    for line in (corpora / corpus / "gold.jsonl").read_bytes().splitlines():
        gold = json.loads(line)
        body = gzip.decompress((corpora / corpus / "html" / gold["file"]).read_bytes())
        try:
            tree = markup.parse(markup.tame(charset.decode(body, "text/html")[0]))
        except BadRecord:
            continue
        sheet = reading.read(tree)
        if not sheet.blocks:
            continue
        layout = container.lay_out(sheet)
        url = gold.get("url") or ""
        try:
            site = urls.domain_of(urls.normalise(url))
        except ValueError:
            site, url = str(gold.get("source_file") or gold["id"]), "http://page.invalid/"
        choice = about.choose(sheet, Page(page_id="", url=url))
        roles = bytearray(
            0 if role == TABLE else role  # the recipe keeps a table where its blocks score well
            for role in furniture.mark(sheet, choice, layout, url).roles
        )
        rows = features.rows(
            sheet,
            layout,
            choice.title or "",
            about.meta(sheet, "og:description", "description") or "",
        )
        first = features.span(sheet, layout).first
        labels, weights = labels_of(sheet, gold)
        last = first + len(rows)
        yield Labelled(
            corpus, site, gold, sheet, layout, first,
            np.array(rows, dtype=np.float32).reshape(len(rows), len(features.NAMES)),
            labels[first:last], weights[first:last], roles,
        )  # fmt: skip


def trained(pages: Sequence[Labelled], seed: int) -> Any:
    """A model of these pages; each page counts by the root of what it holds."""
    rows = np.concatenate([page.rows for page in pages])
    labels = np.concatenate([page.labels for page in pages])
    weights = np.concatenate(
        [p.weights / max(p.weights[p.labels >= 0].sum(), 50.0) ** 0.5 for p in pages]
    )
    known = labels >= 0
    model = lightgbm.LGBMClassifier(random_state=seed, **PARAMETERS)
    return model.fit(rows[known], labels[known], sample_weight=weights[known])


def scored(model: Any, pages: Iterable[Labelled]) -> None:
    for page in pages:
        page.odds = model.predict(page.rows, raw_score=True) if len(page.rows) else np.zeros(0)


def text_of(page: Labelled) -> tuple[str, list[int]]:
    blocks = scoring.kept(page.sheet, scoring.Scored(page.first, list(page.odds)), page.roles)
    return "\n".join(page.sheet.blocks[index].text for index in blocks), blocks


def page_score(gold: str, text: str) -> tuple[float | None, float, float]:
    """Precision (None of an empty text), recall and F1 of 4-grams."""
    want, have = shingles(gold), shingles(text)
    common = sum((want & have).values())
    total = sum(want.values()) + sum(have.values())
    precision = common / sum(have.values()) if have else None
    return precision, common / max(1, sum(want.values())), 2 * common / max(1, total)


def scores(pages: Sequence[Labelled]) -> dict[str, float]:
    """F1 by corpus: of mean precision and recall of texts, of all segments together."""
    found = {}
    for corpus in dict.fromkeys(page.corpus for page in pages):
        rows, hit, missed, wrong = [], 0, 0, 0
        for page in (page for page in pages if page.corpus == corpus):
            text, _ = text_of(page)
            if page.gold.get("text"):
                rows.append(page_score(page.gold["text"], text))
                continue
            flat = squeeze(text)
            with_ = [squeeze(part) in flat for part in page.gold.get("with", ())]
            hit, missed = hit + sum(with_), missed + len(with_) - sum(with_)
            wrong += sum(squeeze(part) in flat for part in page.gold.get("without", ()))
        if rows:
            precision = statistics.fmean(row[0] for row in rows if row[0] is not None)
            recall = statistics.fmean(row[1] for row in rows)
            found[corpus] = round(2 * precision * recall / (precision + recall), 4)
        else:
            found[corpus] = round(2 * hit / max(1, 2 * hit + missed + wrong), 4)
    return found


def folds(pages: Sequence[Labelled], seed: int) -> dict[str, float]:
    """Score every page by a model that saw no page of its site."""
    chance = random.Random(seed)
    fold = {site: chance.randrange(FOLDS) for site in sorted({page.site for page in pages})}
    for number in range(FOLDS):
        model = trained([page for page in pages if fold[page.site] != number], seed)
        scored(model, [page for page in pages if fold[page.site] == number])
    return scores(pages)


def certainty(pages: Sequence[Labelled]) -> tuple[list[float], list[dict[str, float]]]:
    """The weights of ``scoring.quality``, and out-of-fold points for a reliability plot."""
    rows, right, sites, f1s = [], [], [], []
    for page in pages:
        if not page.gold.get("text"):
            continue
        text, blocks = text_of(page)
        odds = scoring.Scored(page.first, list(page.odds))
        rows.append(scoring.facts(page.sheet, page.layout, odds, blocks))
        f1s.append(page_score(page.gold["text"], text)[2])
        right.append(f1s[-1] >= RIGHT)
        sites.append(page.site)
    matrix, truth = np.array(rows), np.array(right)
    points = []
    chance = random.Random(SEED)
    fold = {site: chance.randrange(FOLDS) for site in sorted(set(sites))}
    of = np.array([fold[site] for site in sites])
    for number in range(FOLDS):
        model = LogisticRegression(C=1.0, max_iter=5000).fit(
            matrix[of != number], truth[of != number]
        )
        for index in np.flatnonzero(of == number):
            sure = float(model.predict_proba(matrix[index : index + 1])[0, 1])
            points.append({"quality": round(sure, 4), "f1": round(f1s[index], 4)})
    model = LogisticRegression(C=1.0, max_iter=5000).fit(matrix, truth)
    return [round(float(x), 4) for x in (*model.intercept_, *model.coef_[0])], points


def reliability(points: Sequence[dict[str, float]]) -> list[str]:
    """Of the pages in each band of certainty: how many, how sure, and how many were right."""
    found = []
    for low, high in itertools.pairwise((0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)):
        band = [point for point in points if low <= point["quality"] < high]
        if band:
            sure = statistics.fmean(point["quality"] for point in band)
            right = statistics.fmean(point["f1"] >= RIGHT for point in band)
            found.append(f"{len(band)} pages said {sure:.2f}, were {right:.2f}")
    return found


def expression(node: dict[str, Any]) -> str:
    """One tree as a conditional expression."""
    if "leaf_value" in node:
        return f"{node['leaf_value']:.4g}"
    low, high = expression(node["left_child"]), expression(node["right_child"])
    return f"({low} if r[{node['split_feature']}] <= {node['threshold']:.6g} else {high})"


def module(model: Any, head: dict[str, Any], quality: list[float]) -> str:
    """The source of the model."""
    trees = [tree["tree_structure"] for tree in model.booster_.dump_model()["tree_info"]]
    stages = [trees[:25], trees[25:60], trees[60:]]
    lines = [
        '"""How likely a block is the article\'s: generated by benchmarks/train_extractor.py.',
        "",
    ]
    lines += [f"{name}: {value}" for name, value in head.items()]
    lines += ['"""', "", "# ruff: noqa: E501", "from __future__ import annotations", ""]
    lines += [f"FEATURES = {features.NAMES}", f"QUALITY = {tuple(quality)}", "", ""]
    lines += [
        "def score(r: list[float]) -> float:",
        '    """The log-odds of a row of ``features.NAMES``; what is sure early ends early."""',
    ]
    for number, stage in enumerate(stages):
        lines += [f"    s {'+=' if number else '='} ("]
        lines += [
            f"        {'+ ' if place else ''}{expression(tree)}" for place, tree in enumerate(stage)
        ]
        lines += ["    )"]
        if number < len(stages) - 1:
            bound = (2.6, 3.4)[number]
            lines += [f"    if s < -{bound} or s > {bound}:", "        return s"]
    return "\n".join([*lines, "    return s", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--points", type=Path, help="write points of a reliability plot, as JSON")
    parser.add_argument("--quick", action="store_true", help="one seed, no corpus left out")
    options = parser.parse_args()
    pages = [page for name in CORPORA for page in pages_of(options.corpora, name)]
    print(len(pages), "pages", sum(len(page.rows) for page in pages), "rows", flush=True)
    digest = hashlib.blake2b(b"".join(p.rows.tobytes() for p in pages), digest_size=8).hexdigest()
    by_seed = []
    for seed in SEEDS[:1] if options.quick else SEEDS:
        by_seed.append(folds(pages, seed))
        print("folds by site, seed", seed, by_seed[-1], flush=True)
    quality, points = certainty(pages)
    left_out: dict[str, float] = {}
    for corpus in () if options.quick else CORPORA:
        model = trained([page for page in pages if page.corpus != corpus], SEED)
        rest = [page for page in pages if page.corpus == corpus]
        scored(model, rest)
        left_out |= scores(rest)
    model = trained(pages, SEED)
    scored(model, pages)
    head = {
        "seed": SEED,
        "pages": dict(Counter(page.corpus for page in pages)),
        "digest of the rows": digest,
        "F1, folds by site, mean of seeds": {
            name: round(statistics.fmean(each[name] for each in by_seed), 4) for name in by_seed[0]
        },
        "F1, each corpus left out": left_out,
        "F1, on the training pages": scores(pages),
        "certainty, out of fold": reliability(points),
    }
    print(json.dumps(head, indent=1))
    options.out.write_text(module(model, head, quality), encoding="utf-8")
    if options.points:
        options.points.write_text(json.dumps(points), encoding="utf-8")


if __name__ == "__main__":
    main()
