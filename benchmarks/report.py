"""The report: what each check flags of simulated planets, binaries and junk, and how fast a page of 10,000 TCEs is.

The survey is simulated, and its TCEs are taken again and again under new row_ids until there are --num_tces; each light
curve is read once, so that the time a TCE is that of reports no larger than the survey. Chromium and chromedriver have
to be on the PATH. Results are recorded in benchmarks/report.md.
"""

import collections
import csv
import dataclasses
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from astronet.base import arguments
from astronet.base.script import Parser, run
from astronet.data.records import generate
from astronet.data.simulation import survey
from astronet.estimator import ensemble, scoring
from astronet.review import checks, folder, from_records, measure, panel, photometry, tce

_CHROMIUM_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update"),
    *("--disable-background-networking", "--disable-sync", "--window-size=1440,900"),
)
_PANELS = 60  # that are opened one after the other
_make_panel = panel.make


def _make(directory, flags):
    """Simulates a survey; returns its TCEs, as the report shows them, and the disposition of each row_id."""
    survey.simulate(survey.SurveyChoice(str(directory), num_stars=flags.num_stars, seed=flags.seed))
    models = ensemble.load(ensemble.ModelChoice("pretrained:triage"))
    paths = str(directory / "tces.csv"), str(directory / "tess"), str(directory / "records")
    generate.generate(generate.RecordRequest(*paths, models.spec, make_test_set=True))
    predictions = scoring.predict_files(models, scoring.RecordChoice(str(directory / "records")), [])
    with open(directory / "tces.csv", newline="") as file:
        truth = {int(row["row_id"]): row["Disposition"] for row in csv.DictReader(file)}
    return list(tce.of_predictions(predictions)), truth


def _print_checks(directory, tces, truth):
    """Prints the share of each disposition that each check flags, and that it cannot test."""
    settings = photometry.settings_of_records(str(directory / "records"))
    counts, totals = collections.Counter(), collections.Counter(truth[one.row_id] for one in tces)
    for one in tces:
        read = photometry.read(one, str(directory / "tess"), settings)
        for check in checks.run(one, measure.measure(read, one.event)):
            counts[check.name, truth[one.row_id], check.state] += 1
    kinds = ("PC", "EB", "V", "IS", "J")
    print(f"| check | {' | '.join(f'{kind} ({totals[kind]})' for kind in kinds)} |")
    print(f"|---|{'---|' * len(kinds)}")
    for name, title in checks.TITLES.items():
        shares = (
            [100 * counts[name, kind, state] / totals[kind] for state in (checks.FLAG, checks.UNTESTABLE)]
            for kind in kinds
        )
        print(f"| {title} | {' | '.join(f'{flag:.0f} ({unknown:.0f})' for flag, unknown in shares)} |")


class _Remembered:
    """Makes the panel of each TCE of the survey once."""

    def __init__(self):
        self._made = {}

    def __call__(self, request):
        key = (request.tce.tic_id, request.tce.sector, request.tce.epoch_btjd, request.tce.period_days)
        if key not in self._made:
            self._made[key] = _make_panel(request)
        return self._made[key]


def _print_page(directory, tces, number, workers):
    """Makes a report of so many TCEs, and prints how large and how fast it is."""
    many = [dataclasses.replace(tces[i % len(tces)], row_id=i) for i in range(number)]
    out = directory / f"report{number}"
    folder.panel.make = _Remembered()
    start = time.perf_counter()
    request = from_records.request(
        str(directory / "records"),
        output_dir=str(out),
        tess_data_dir=str(directory / "tess"),
        model="pretrained:triage",
        num_worker_processes=workers,
    )
    written = folder.write(request, many)
    seconds = time.perf_counter() - start
    index = sum(path.stat().st_size for path in (out / "data").glob("index-*.js"))
    views = sum(path.stat().st_size for path in (out / "data").glob("views-*.js"))
    each = 1000 * seconds / number
    print(f"{number} TCEs: made in {seconds:.0f} s ({each:.0f} ms each), {written.num_bytes / 1e6:.1f} MB")
    page = (out / "index.html").stat().st_size
    print(f"  index.html {page / 1e3:.0f} kB, index {index / 1e6:.1f} MB, thumbnails {views / 1e6:.1f} MB")
    _drive(out / "index.html")


def _drive(path):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*_CHROMIUM_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        driver.set_script_timeout(120)
        try:
            _time(driver, path.as_uri())
        finally:
            driver.quit()


def _time(driver, url):
    opened = []
    for _ in range(5):
        driver.get("about:blank")
        driver.get(url)
        while not driver.execute_script("return window.astronetReport?.timings.views"):
            time.sleep(0.05)
        opened.append(driver.execute_script("const t = astronetReport.timings; return [t.drawn, t.views]"))
    drawn, thumbnails = np.median(opened, axis=0)
    print(f"  list drawn after {drawn:.0f} ms, all thumbnails after {thumbnails:.0f} ms")
    driver.execute_script("document.getElementById('reviewer-look').click()")
    steps = """
        const query = astronetReport.query, times = [];
        for (let i = 0; i < 20; i++) {
            const began = performance.now();
            if (i % 2) query.range('p', null, null); else query.range('p', 0.02 * i, 0.9);
            document.body.offsetHeight;
            times.push(performance.now() - began);
        }
        return times;
    """
    filters = driver.execute_script(steps)
    sorts = driver.execute_script(
        steps.replace(
            "if (i % 2) query.range('p', null, null); else query.range('p', 0.02 * i, 0.9);",
            "query.sortBy(i % 2 ? 'period' : 'tic');",
        )
    )
    print(f"  to filter and draw: median {np.median(filters):.0f} ms, at most {max(filters):.0f}")
    print(f"  to sort and draw: median {np.median(sorts):.0f} ms, at most {max(sorts):.0f}")
    panels = f"""
        const done = arguments[0], App = astronetReport, times = [];
        App.query.sortBy('sn');
        (async () => {{
            for (let i = 0; i < {_PANELS}; i++) {{
                const row = App.query.order()[i], began = performance.now();
                await App.panel.open(row);
                document.body.offsetHeight;
                times.push(performance.now() - began);
                await new Promise((next) => setTimeout(next, 100));
            }}
            done(times);
        }})();
    """
    times = driver.execute_async_script(panels)
    slow = np.quantile(times, 0.9)
    print(f"  next panel: median {np.median(times):.0f} ms, 9 of 10 within {slow:.0f} ms; the first {times[0]:.0f} ms")
    label = """
        const App = astronetReport; App.panel.close(); App.begin('AB', false);
        const times = [];
        for (let i = 0; i < 30; i++) {
            const began = performance.now();
            App.keys.act('label:J');
            document.body.offsetHeight;
            times.push(performance.now() - began);
        }
        App.labels.markExported();
        return times;
    """
    labels = driver.execute_script(label)
    print(f"  a label by key, next row selected: median {np.median(labels):.0f} ms, at most {max(labels):.0f}")


def _measure(flags):
    with tempfile.TemporaryDirectory(dir=flags.work_dir) as directory:
        directory = Path(directory)
        tces, truth = _make(directory, flags)
        _print_checks(directory, tces, truth)
        for number in flags.num_tces:
            _print_page(directory, tces, number, flags.num_worker_processes)


def main(argv=None):
    parser = Parser(description=__doc__)
    parser.add_argument("--num_stars", type=arguments.positive_integer, default=500, help="stars of the survey")
    parser.add_argument(
        "--num_tces", type=arguments.positive_integer, nargs="+", default=[138, 10_000], help="TCEs of each report"
    )
    parser.add_argument(
        "--num_worker_processes", type=arguments.num_processes, default=1, help="1 works in this process"
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="seed of the survey")
    parser.add_argument("--work_dir", default=os.environ.get("TMPDIR", "/tmp"), help="directory for what is made")
    return run(_measure, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
