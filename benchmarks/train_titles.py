"""Trains the title chooser on labelled pages and writes it as plain Python.

    python benchmarks/train_titles.py CORPORA --out services/newsmill/extractor/core/title_model.py

CORPORA holds a folder a corpus with ``gold.jsonl`` and ``html/``; only ``title`` and ``url`` of the
gold are read. Needs lightgbm and numpy, which nothing at run time does. The news corpus weighs more
than the three others together, since news is what the product reads: with weights of 8 and 16 its
share of right titles in cross-validation by site was .894 and .908, that of the others .899, .823
and .827 against .896, .813 and .814 (100 trees of 4 leaves; 60 of 6 gave .888 and .905). No page
and no gold text is written, only thresholds.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from newsmill import urls
from newsmill.extractor.core import about, charset, markup, reading, titles
from newsmill.records import Page

WEIGHTS = {"fundus": 16.0, "wcxb-articles": 1.0, "trafilatura-eval": 1.0, "postlight": 1.0}
ROUNDS = 100
FOLDS = 8
SEEDS = (1, 2, 3, 4, 5, 6)
SEED = 1  # of the model that is shipped
PARAMETERS = {
    "objective": "lambdarank", "num_leaves": 4, "learning_rate": 0.06, "min_data_in_leaf": 15,
    "lambda_l2": 5.0, "feature_fraction": 0.35, "bagging_fraction": 0.8, "bagging_freq": 1,
    "deterministic": True, "num_threads": 1, "verbose": -1,
}  # fmt: skip


class Group:
    """The candidates of one page: their rows, and which of them is right."""

    def __init__(self, corpus: str, site: str, rows: list[list[float]], right: list[int]) -> None:
        self.corpus, self.site, self.rows, self.right = corpus, site, rows, right


def fold(text: str) -> str:
    return titles.key(text)


def groups_of(corpora: Path, corpus: str) -> Iterator[Group]:
    """The candidates of each page of a corpus that states a title."""
    for line in (corpora / corpus / "gold.jsonl").read_bytes().splitlines():
        gold = json.loads(line)
        if not gold.get("title"):
            continue
        body = gzip.decompress((corpora / corpus / "html" / gold["file"]).read_bytes())
        sheet = reading.read(markup.parse(markup.tame(charset.decode(body, "text/html")[0])))
        yield group_of(corpus, gold, sheet)


def group_of(corpus: str, gold: dict[str, Any], sheet: Any) -> Group:
    url = gold.get("url") or "https://unknown.example/x"
    try:
        base = urls.normalise(url)
    except ValueError:
        url = base = "https://unknown.example/x"
    page = Page(page_id="", url=url)
    choice = about.choose(sheet, page)
    setting = about.setting(choice, sheet, base)
    said = about.said_titles(choice, sheet, page, about.shown_headings(sheet))
    found = titles.candidates(said, setting)
    site = gold.get("publisher") or urls.registrable(urls.host_of(base))
    right = [int(fold(c.text) == fold(gold["title"])) for c in found]
    return Group(corpus, site, titles.features(found, said, setting), right)


def fit(groups: list[Group], seed: int) -> Any:
    kept = [group for group in groups if group.rows]
    data = lightgbm.Dataset(
        np.array([row for group in kept for row in group.rows]),
        np.array([label for group in kept for label in group.right]),
        weight=np.array([WEIGHTS[group.corpus] for group in kept for _ in group.rows]),
        group=[len(group.rows) for group in kept],
    )
    return lightgbm.train(PARAMETERS | {"seed": seed}, data, ROUNDS)


def hits(model: Any, groups: list[Group]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for group in groups:
        hit = 0
        if group.rows:
            hit = group.right[int(np.argmax(model.predict(np.array(group.rows))))]
        found.setdefault(group.corpus, []).append(hit)
    return found


def merged(parts: list[dict[str, list[int]]]) -> dict[str, float]:
    corpora = sorted({corpus for part in parts for corpus in part})
    return {c: round(float(np.mean([h for p in parts for h in p.get(c, [])])), 4) for c in corpora}


def by_site(groups: list[Group], seed: int) -> dict[str, float]:
    """Share of right titles where no site is in training and test at once."""

    def part(group: Group) -> int:
        return int(hashlib.sha256(f"{seed} {group.site}".encode()).hexdigest(), 16) % FOLDS

    parts = []
    for index in range(FOLDS):
        model = fit([g for g in groups if part(g) != index], seed)
        parts.append(hits(model, [g for g in groups if part(g) == index]))
    return merged(parts)


def left_out(groups: list[Group]) -> dict[str, float]:
    """Share of right titles of each corpus under a model that saw only the others."""
    parts = []
    for corpus in WEIGHTS:
        model = fit([g for g in groups if g.corpus != corpus], SEED)
        parts.append(hits(model, [g for g in groups if g.corpus == corpus]))
    return merged(parts)


def expression(node: dict[str, Any]) -> str:
    """A tree as one conditional expression over the row ``x``."""
    if "leaf_value" in node:
        return f"{node['leaf_value']:.4g}"
    test = f"x[{node['split_feature']}] <= {node['threshold']:.6g}"
    return f"({expression(node['left_child'])} if {test} else {expression(node['right_child'])})"


def module(model: Any, report: dict[str, Any]) -> str:
    """The model as source: one line a tree."""
    trees = [expression(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    lines = "\n".join(f"        + {tree}" for tree in trees)
    facts = "\n".join(f"{name}: {value}" for name, value in report.items())
    return (
        '"""How likely a form of a title is the title: generated by benchmarks/train_titles.py.\n\n'
        f'{facts}\n"""\n\n'
        "# A line is a tree, as long as the tree is.\n"
        "# ruff: noqa: E501\n"
        "# fmt: off\n\n"
        "from __future__ import annotations\n\n"
        "from collections.abc import Sequence\n\n\n"
        "def score(x: Sequence[float]) -> float:\n"
        '    """A number that is higher for a likelier title; only its order on a page counts."""\n'
        f"    return (\n        0.0\n{lines}\n    )\n"
    )


def digest(groups: list[Group]) -> str:
    rows = [(g.corpus, g.site, g.rows, g.right) for g in groups]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def train(groups: list[Group], out: Path) -> None:
    """Cross-validate, train on everything, write the module with its scores beside it."""
    folds = [by_site(groups, seed) for seed in SEEDS]
    model = fit(groups, SEED)
    report = {
        "seed": SEED,
        "pages": {c: sum(g.corpus == c for g in groups) for c in WEIGHTS},
        "digest of the rows": digest(groups),
        "right, folds by site, mean of six": merged(
            [{c: [score] for c, score in part.items()} for part in folds]
        ),
        "right, each corpus left out": left_out(groups),
        "right, on the training pages": merged([hits(model, groups)]),
    }
    print(json.dumps(report, indent=1))
    out.write_text(module(model, report))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    train([g for corpus in WEIGHTS for g in groups_of(args.corpora, corpus)], args.out)


if __name__ == "__main__":
    main()
