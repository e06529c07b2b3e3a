"""Trains the model that says which blocks are the article's, and writes it as plain Python.

    python benchmarks/train_extractor.py CORPORA --out FILE   # extractor/core/body_model.py

CORPORA holds a folder a corpus with ``gold.jsonl`` and ``html/``. All corpora are mixed: a model of
one of them is worse on all others. Scores are of five folds by site, so that no site is in training
and test. Needs lightgbm, numpy and scikit-learn, which nothing at run time does. No page and no
gold text is written, only thresholds.

Chosen in sweeps over three seeds: pages weigh by the power .7 of what they hold (.3, .5 and 1 cost
.001 to .003 of the mean F1), a tree sees a quarter of the inputs (half of them: -.0006). Over six
seeds 100 trees of 15 leaves at a rate of .1 are as good as 200 of 23 at .05, for half the work; to
stop past a bound of 1.6 after ten trees costs fundus .005. What won nothing: the threshold that
maximises the expected F1 of a page, odds smoothed over neighbours, learned class words, and a wider
container.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from labelled import Labelled, pages_of, scores, text_of
from scoring import match
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from newsmill.extractor.core import features
from newsmill.extractor.core import scoring as core

CORPORA = ("scrapinghub", "fundus", "wcxb-articles", "trafilatura-eval")
FOLDS = 5
SEED = 2  # of the model that is shipped
SEEDS = (1, 2, 3)
PARAMETERS: dict[str, Any] = {
    "n_estimators": 100, "num_leaves": 15, "learning_rate": 0.1, "min_child_samples": 30,
    "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.25, "reg_lambda": 5.0,
    "max_bin": 127, "n_jobs": 1, "deterministic": True, "verbose": -1,
}  # fmt: skip
POWER, LEAST = 0.7, 50.0  # a page's weight: what it holds to the power, at least so much
STAGES = (
    (10, 1.9),
    (20, 1.8),
    (40, 1.8),
    (60, 1.8),
)  # trees after which odds past the bound stay: no row flips
RIGHT = 0.9  # F1 from which a page counts as right, for the certainty
CURVE = 36  # parts of equal size that the curve of certainty is drawn through

Facts = tuple[list[float], float, str]
"""What a page's certainty is made of, its F1, its site."""


def trained(pages: Sequence[Labelled], seed: int) -> Any:
    """A model of these pages."""
    rows = np.concatenate([page.rows for page in pages])
    labels = np.concatenate([page.labels for page in pages])
    weights = np.concatenate(
        [p.weights / max(p.weights[p.labels >= 0].sum(), LEAST) ** POWER for p in pages]
    )
    known = labels >= 0
    model = lightgbm.LGBMClassifier(random_state=seed, **PARAMETERS)
    return model.fit(rows[known], labels[known], sample_weight=weights[known])


def score_pages(model: Any, pages: Sequence[Labelled]) -> None:
    """The odds of all rows, those that are sure early taken early as the written model does."""
    if not any(len(page.rows) for page in pages):
        return
    rows = np.concatenate([page.rows for page in pages])
    odds = model.predict(rows, raw_score=True)
    for trees, bound in reversed(STAGES):
        early = model.predict(rows, raw_score=True, num_iteration=trees)
        odds = np.where(np.abs(early) > bound, early, odds)
    ends = list(itertools.accumulate((len(page.rows) for page in pages), initial=0))
    for page, start, end in zip(pages, ends, ends[1:], strict=False):
        page.odds = odds[start:end]


def folds(pages: Sequence[Labelled], seed: int) -> dict[str, float]:
    """Score every page by a model that saw no page of its site."""
    fold = _folds_of((page.site for page in pages), seed)
    for number in range(FOLDS):
        model = trained([page for page in pages if fold[page.site] != number], seed)
        score_pages(model, [page for page in pages if fold[page.site] == number])
    return scores(pages)


def _folds_of(sites: Iterable[str], seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    return {site: chance.randrange(FOLDS) for site in sorted(set(sites))}


def facts_of(pages: Sequence[Labelled]) -> list[Facts]:
    """The facts of each page whose gold is a text, under the odds that it has now."""
    found = []
    for page in pages:
        if page.gold.get("text"):
            text, blocks = text_of(page)
            row = core.facts(page.sheet, page.layout, page.scored(), blocks)
            found.append((row, match(page.gold["text"], text).f1, page.site))
    return found


def certainty(facts: Sequence[Facts]) -> tuple[list[float], list[tuple[float, float]]]:
    """The weights of the facts, and the curve from their sum to the share of right pages.

    The curve is an isotonic regression over sums that come from weights fitted without the page.
    """
    fold = _folds_of((site for _, _, site in facts), SEED)
    of = np.array([fold[site] for _, _, site in facts])
    matrix = np.array([row for row, _, _ in facts])
    truth = np.array([f1 >= RIGHT for _, f1, _ in facts])
    signals = np.zeros(len(facts))
    for number in range(FOLDS):
        weights = _weights(matrix[of != number], truth[of != number])
        signals[of == number] = matrix[of == number] @ weights[1:] + weights[0]
    parts = np.array_split(np.argsort(signals, kind="stable"), CURVE)
    places = [float(np.median(signals[part])) for part in parts]
    heights = IsotonicRegression().fit_transform(places, [truth[part].mean() for part in parts])
    steps = [round(float(height), 4) for height in heights]
    curve = [
        (round(place, 4), step)
        for number, (place, step) in enumerate(zip(places, steps, strict=True))
        if not steps[max(0, number - 1)] == step == steps[min(number + 1, CURVE - 1)]
        or number in (0, CURVE - 1)
    ]
    return [round(float(x), 4) for x in _weights(matrix, truth)], curve


def _weights(matrix: np.ndarray, truth: np.ndarray) -> np.ndarray:
    model = LogisticRegression(C=1.0, max_iter=5000).fit(matrix, truth)
    return np.concatenate([model.intercept_, model.coef_[0]])


def points_of(facts: Sequence[Facts]) -> list[dict[str, float]]:
    """The quality of each page by weights and curve that no page of its site had a part in."""
    fold = _folds_of((site for _, _, site in facts), SEED + 1)
    points = []
    for number in range(FOLDS):
        weights, curve = certainty([each for each in facts if fold[each[2]] != number])
        for row, f1, site in facts:
            if fold[site] == number:
                sure = core.calibrated(core.signal(row, tuple(weights)), tuple(curve))
                points.append({"quality": round(sure, 4), "f1": round(f1, 4)})
    return points


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
    """One tree as a conditional expression.

    All numbers are written as floats: to compare one with an integer takes four times as long.
    """
    if "leaf_value" in node:
        return repr(float(f"{node['leaf_value']:.3g}"))
    low, high = expression(node["left_child"]), expression(node["right_child"])
    threshold = node["threshold"] if abs(node["threshold"]) > 1e-9 else 0.0  # of a zero, 1e-35
    limit = float(f"{threshold:.5g}")
    return f"({low} if f{node['split_feature']} <= {limit!r} else {high})"


def module(
    model: Any, head: dict[str, Any], quality: list[float], curve: list[tuple[float, float]]
) -> str:
    """The source of the model: inputs as local names, which are read in half the time of items."""
    trees = [tree["tree_structure"] for tree in model.booster_.dump_model()["tree_info"]]
    lines = [
        '"""How likely a block is the article\'s: generated by benchmarks/train_extractor.py.',
        "",
    ]
    lines += [f"{name}: {value}" for name, value in head.items()]
    lines += ['"""', "", "# A line is a tree, as long as the tree is; an argument is an input."]
    lines += ["# ruff: noqa: E501", "# fmt: off", ""]
    lines += ["from __future__ import annotations", ""]
    lines += [f"FEATURES = {features.NAMES}", f"QUALITY = {tuple(quality)}"]
    lines += [f"CALIBRATION = {tuple(curve)}", "", ""]
    names = ", ".join(f"f{number}: float" for number in range(len(features.NAMES)))
    lines += [f"def score({names}) -> float:"]
    lines += [
        '    """The log-odds of a row of ``features.NAMES``; what is sure early ends early."""'
    ]
    start = 0
    for end, bound in (*STAGES, (len(trees), 0.0)):
        lines += [f"    s {'+=' if start else '='} ("]
        lines += [
            f"        {'+ ' if n else ''}{expression(t)}" for n, t in enumerate(trees[start:end])
        ]
        lines += ["    )"]
        if bound:
            lines += [f"    if s < -{bound} or s > {bound}:", "        return s"]
        start = end
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
    by_seed, facts = [], []
    for seed in SEEDS[:1] if options.quick else SEEDS:
        by_seed.append(folds(pages, seed))
        facts += facts_of(pages)
        print("folds by site, seed", seed, by_seed[-1], flush=True)
    quality, curve = certainty(facts)
    points = points_of(facts)
    left_out: dict[str, float] = {}
    for corpus in () if options.quick else CORPORA:
        model = trained([page for page in pages if page.corpus != corpus], SEED)
        rest = [page for page in pages if page.corpus == corpus]
        score_pages(model, rest)
        left_out |= scores(rest)
    model = trained(pages, SEED)
    score_pages(model, pages)
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
    options.out.write_text(module(model, head, quality, curve), encoding="utf-8")
    if options.points:
        options.points.write_text(json.dumps(points), encoding="utf-8")


if __name__ == "__main__":
    main()
