"""Labels by keys in the browser, exported, merged with the catalog, trained on, and judged by the trained network."""

import csv
import time

from astronet import merge_labels, train
from tests.astronet.conftest import SMALL_CNN
from tests.astronet.review.test_report import piece

KEYS = {"PC": "p", "EB": "e", "V": "v", "IS": "i", "J": "j", "O": "o"}


def test_labels_by_keys_are_merged_trained_on_and_found_again(visit, folder, sky, make_report, tmp_path):
    with open(sky / "tces.csv", newline="") as file:
        truth = {row["row_id"]: row["Disposition"] for row in csv.DictReader(file)}
    page = visit(folder)
    page.begin("AB", blind=True)
    order = page.run("return Array.from(App.query.order()).map((row) => App.data.row_id[row])")
    wanted = {row_id: "O" if place == 0 else truth[row_id] for place, row_id in enumerate(order)}
    page.keys(*(KEYS[wanted[row_id]] for row_id in order))
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.click("#export")
    end = time.monotonic() + 10
    while not (exported := list(tmp_path.glob("labels_*.csv"))):
        assert time.monotonic() < end
        time.sleep(0.05)

    merged = tmp_path / "labeled.csv"
    flags = [f"--labels={exported[0]}", f"--catalog={sky}/tces.csv", f"--output={merged}"]
    assert merge_labels.main(flags) == 0
    with open(merged, newline="") as file:
        assert {row["row_id"]: row["Disposition"] for row in csv.DictReader(file)} == wanted

    records = f"{sky}/records/test-*"
    model = ["--model=AstroCNNModel", "--config_name=yu2019", f"--config_json={SMALL_CNN}", "--train_steps=20"]
    files = [f"--train_files={records}", f"--eval_files={records}", f"--model_dir={tmp_path}/model"]
    assert train.main([*model, *files, f"--labels={exported[0]}"]) == 0
    assert make_report(tmp_path / "report", f"--model_dir={tmp_path}/model") == 0
    index = piece(tmp_path / "report", "index-0")
    assert sorted(index["row_id"]) == sorted(wanted) and all(0 < p < 1 for p in index["p"])
