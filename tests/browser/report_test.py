#!/usr/bin/env python3
"""What report.html does in a browser: tests/browser/report_test.py FPCLS. Exits with 77 (skipped)
where there is no Chromium."""

import json
import os
import subprocess
import sys
import tempfile

import chromium
import make_predictions

FPCLS = sys.argv[1]

# All tables by name: those that can be recomputed, or those of the report itself.
TABLES = """(() => {
  const found = {};
  for (const table of document.querySelectorAll('table')) {
    if (Boolean(table.closest('.explorer')) !== LIVE || table.closest('details')) continue;
    found[table.dataset.name] = Array.from(table.rows, (row) => Array.from(row.cells, (cell) => cell.textContent));
  }
  return found;
})()"""


def fpcls(*arguments):
    return subprocess.run([FPCLS, *arguments], check=True, capture_output=True, text=True).stdout


def live_tables(page):
    return page.run(TABLES.replace("LIVE", "true"))


def own_tables(page):
    return page.run(TABLES.replace("LIVE", "false"))


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: got\n  {got}\nexpected\n  {expected}")
    print("ok:", what)


def ratio(part, whole):
    return f"{part / whole:.6f}" if whole else "–"


def compare_with_program(page, folder, thresholds, name):
    """The live tables against `fpcls report --accept`: its figures, and its own page's tables."""
    flags = [flag for stage, value in thresholds.items() for flag in ("--accept", f"{stage}={value}")]
    live = live_tables(page)
    report = json.loads(fpcls("report", folder, *flags, "--format", "json"))
    for row, c in zip(live["classes"][1:], report["classes"], strict=True):
        check(f"{name}: {c['label'][:12]}", row[:9],
              [c["label"], *(f"{c[key]:,}" for key in ("total", "predicted", "fp", "fn")),
               *(ratio(*parts) for parts in ((c["tp"] + c["tn"], c["total"]), (c["tp"], c["predicted"]),
                                             (c["tp"], c["tp"] + c["fn"]),
                                             (2 * c["tp"], 2 * c["tp"] + c["fp"] + c["fn"])))])
    check(f"{name}: right answers", live["overall"][1][1], f"{report['overall']['correct']:,}")
    other = tempfile.mkdtemp(dir=os.path.dirname(folder))
    fpcls("report", folder, *flags, "--out", other)
    page.open(os.path.join(other, "report.html"))
    own = own_tables(page)
    for table in ("classes", "funnel", "confusion"):
        check(f"{name}: the whole table {table}", live[table], own[table])


def test_sliders(page, folder):
    report = os.path.join(folder, "report.html")
    page.open(report)
    recorded = own_tables(page)
    live = live_tables(page)
    for table in ("classes", "funnel", "confusion"):
        check(f"before anything moves: {table}", live[table], recorded[table])
    check("nothing is marked as changed", page.run("document.querySelectorAll('.changed').length"), 0)
    compare_with_program(page, folder, {}, "as recorded")
    moves = [{0: ("ArrowRight", 30)}, {1: ("ArrowLeft", 13)}, {2: ("ArrowRight", 22)},
             {0: ("ArrowLeft", 7), 1: ("ArrowRight", 41), 2: ("ArrowLeft", 20)},
             {0: ("End", 1)}, {0: ("Home", 1)}, {1: ("Home", 1), 2: ("End", 1)}]
    for keys in moves:
        page.open(report)
        names = page.run("Array.from(document.querySelectorAll('.stage'), (s) => s.dataset.name)")
        thresholds = {}
        for stage, (key, times) in keys.items():
            page.run(f"document.querySelectorAll('.stage [type=range]')[{stage}].focus()")
            page.press(key, times)
            thresholds[names[stage]] = page.run(
                f"document.querySelectorAll('.stage [type=number]')[{stage}].value")
        moved = live_tables(page) != live
        check("the tables follow the sliders", moved, True)
        compare_with_program(page, folder, thresholds, str({k[:4]: v for k, v in thresholds.items()}))
    page.open(report)
    page.run("document.querySelector('.stage [type=range]').focus()")
    page.press("ArrowRight", 9)
    page.run("document.querySelector('.reset').focus()")
    page.press("Enter")
    check("the button takes all back", live_tables(page), live)


def test_missing_scores(page, folder):
    page.open(os.path.join(folder, "report.html"))
    check("no score is missing as recorded", page.run("document.querySelector('.gap').textContent"), "")
    page.run("document.querySelector('.stage [type=range]').focus()")
    page.press("ArrowRight", 20)
    said = page.run("document.querySelector('.gap span').textContent").split()[0]
    answer = subprocess.run([FPCLS, "report", folder, "--accept", "wireframe=0.7"],
                            capture_output=True, text=True, check=False)
    check("the program can't say either", answer.returncode, 2)
    check("as many scores are missing", f"accept: {said} pictures" in answer.stderr, True)
    cells = {cell for row in live_tables(page)["classes"][1:] for cell in row[1:]}
    check("no figure is shown", cells, {"–"})


def test_language_and_gallery(page, folder):
    page.open(os.path.join(folder, "report.html"))
    heading = "document.querySelector('h2').innerText"
    check("English first", (page.run(heading), page.run("document.documentElement.lang")),
          ("Acceptance", "en"))
    page.run("document.getElementById('language').focus()")
    page.press("Enter")
    check("then Chinese", (page.run(heading), page.run("document.documentElement.lang")), ("验收", "zh"))
    page.press("Enter")
    shown = "document.querySelectorAll('.cards > li').length"
    check("a screenful of pictures", page.run(shown), 24)
    page.run("document.querySelector('.more').focus()")
    page.press("Enter")
    check("more on request", page.run(shown), 120)
    page.run("document.querySelector('select').focus()")
    page.press("ArrowDown")
    chosen = page.run("document.querySelector('select').value")
    truths = page.run("Array.from(document.querySelectorAll('.cards > li'), (c) => c.dataset.f0)")
    check("only those of one kind", set(truths), {chosen})


def test_harmless(page):
    check("no name has become code or markup",
          page.run("document.querySelectorAll('img[src=x], body img:not([src^=data])').length"), 0)
    check("the page asks for nothing but itself",
          {address.split(":")[0] for address in page.requests} - {"file", "data", "about"}, set())
    check("the browser has nothing to complain of", page.complaints, [])


def main():
    program = chromium.find()
    if program is None:
        print("skipped: there is no Chromium; apt-get install chromium, or set CHROMIUM to its path")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as work:
        for name, early_exit in (("full", False), ("early", True)):
            predictions = os.path.join(work, name + ".csv")
            make_predictions.write(predictions, 3000, early_exit)
            fpcls("report", predictions, "--out", os.path.join(work, name))
        page = chromium.Browser(program)
        try:
            test_sliders(page, os.path.join(work, "full"))
            test_missing_scores(page, os.path.join(work, "early"))
            test_language_and_gallery(page, os.path.join(work, "full"))
            test_harmless(page)
        finally:
            page.close()


main()
