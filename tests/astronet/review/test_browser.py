"""The report in a real browser: sorted, filtered, labeled by keyboard, exported and imported, without a network."""

import csv
import io
import shutil

import pytest

from astronet import find_incorrect
from astronet.data import generate_input_records
from astronet.review import label_columns
from tests.astronet.review.conftest import HOSTILE

ORDER = "Array.from(App.query.order())"


def by_column(page, name):
    return page.run(f"return {ORDER}.map((row) => App.data.{name}[row])")


def labels(page):
    return page.run(f"return {ORDER}.map((row) => App.labels.label(row))")


def exported(page):
    return list(csv.DictReader(io.StringIO(page.run("return App.exchange.text()"))))


def imported(page, text, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8", newline="")
    page.driver.find_element("id", "file").send_keys(str(path))
    page.wait("document.getElementById('dialog').open")


def test_rows_are_ranked_by_probability_with_the_bins_that_the_network_read(visit, folder):
    page = visit(folder)
    probabilities = by_column(page, "p")
    assert probabilities == sorted(probabilities, reverse=True) and len(probabilities) > 10
    page.wait("App.data.views.length && document.querySelector('.row canvas')")
    inked = """
        const canvas = document.querySelector('.row canvas');
        return new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size;
    """
    assert page.run(inked) > 3


def test_columns_sort_by_a_click_and_back_by_another(visit, folder):
    page = visit(folder)
    page.click("#reviewer-look")
    page.click('button[data-sort="period"]')
    periods = by_column(page, "period")
    assert periods == sorted(periods)
    page.click('button[data-sort="period"]')
    assert by_column(page, "period") == sorted(periods, reverse=True)


def test_filters_stand_in_the_address_and_come_back_with_it(visit, folder):
    page = visit(folder)
    page.click("#reviewer-look")
    total = len(by_column(page, "p"))
    page.run("App.query.range('p', 0.5, null)")
    page.run("App.query.change({flags: {odd_even: 'untestable'}})")
    chosen = by_column(page, "row_id")
    assert 0 < len(chosen) < total and min(by_column(page, "p")) >= 0.5
    hash = page.run("return location.hash")
    assert by_column(visit(folder, hash, keep=True), "row_id") == chosen


def test_the_misclassified_are_named_by_the_address_of_the_report(visit, folder, sky, tmp_path, capsys):
    places = [f"--tfrecord_dir={sky}/records", f"--output_dir={tmp_path}", f"--save_dir={tmp_path}/plots"]
    flags = ["--model_dir=pretrained:triage", "--threshold=0.9999", *places]
    capsys.readouterr()
    assert find_incorrect.main([*flags, f"--report={folder}"]) == 0
    address = next(line for line in capsys.readouterr().out.splitlines() if "index.html#" in line)
    hash = "#" + address.partition("#")[2].partition(": ")[0]
    with open(tmp_path / "misclassified.csv", newline="") as file:
        wrong = sorted(int(row["row_id"]) for row in csv.DictReader(file))
    assert wrong and sorted(map(int, by_column(visit(folder, hash), "row_id"))) == wrong
    assert find_incorrect.main([*flags, f"--report={tmp_path}"]) == 1
    assert "holds no report" in capsys.readouterr().err


def test_unlabeled_is_a_value_to_filter_by(visit, folder):
    page = visit(folder)
    page.begin()
    page.keys("p", "j")
    page.click('button[data-label="none"]')
    assert set(labels(page)) == {""} and page.text("#count").startswith(str(len(labels(page))))
    page.click('button[data-label="none"]')  # without the unlabeled
    assert set(labels(page)) == {"PC", "J"}


def test_labels_by_keyboard_are_undone_and_outlast_a_reload(visit, folder):
    page = visit(folder)
    page.begin()
    page.keys("p", "e", "j", "z", "Z", "z")
    assert labels(page)[:4] == ["PC", "EB", "", ""]
    page.reload()
    assert labels(page)[:4] == ["PC", "EB", "", ""] and "AB" in page.text("#progress")
    assert page.text("#unexported") == "2 not exported"


def test_a_panel_is_labeled_and_the_next_unlabeled_comes(visit, folder):
    page = visit(folder)
    page.begin()
    first = page.open_panel()
    assert page.run("return document.querySelectorAll('#panel canvas').length") >= 4
    assert page.run("return document.querySelectorAll('#panel svg.plot').length") >= 8
    page.keys("e")
    second = int(page.wait(f"document.getElementById('panel').dataset.row !== '{first}' && App.panel.row()"))
    assert page.run("return App.labels.label(arguments[0])", first) == "EB"
    assert second == page.run("return App.query.order()[1]")
    page.keys("z")  # back to the first one
    page.wait(f"App.panel.row() === {first}")
    assert labels(page)[0] == ""


def test_a_held_key_and_keys_in_text_label_nothing(visit, folder):
    page = visit(folder)
    page.begin()
    page.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'p', repeat: true, bubbles: true}))")
    page.run("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', ctrlKey: true, bubbles: true}))")
    page.keys("/")
    page.keys("pj")
    assert set(labels(page)) <= {""} and page.run("return App.query.state().search") == "pj"


def test_no_key_has_two_actions_and_a_taken_key_is_refused(visit, folder):
    page = visit(folder)
    keys = page.run("return App.keymap.list().map(({key}) => key)")
    assert len(set(keys)) == len(keys)
    assert page.run("return App.keymap.change('label:PC', 'j')") == "label:J"
    assert page.run("return App.keymap.change('label:PC', 'y')") == ""
    page.begin()
    page.keys("y")
    assert labels(page)[0] == "PC"


def test_notes_reasons_and_stars_are_exported_and_come_back(visit, folder, tmp_path):
    page = visit(folder)
    page.begin("=AB")
    row = page.open_panel()
    page.keys("n")
    page.keys('=cmd(), "quoted"\nsecond line')
    page.driver.execute_script("document.getElementById('note').blur()")
    page.click('input[data-reason="secondary"]')
    page.keys("e")
    found = exported(page)
    assert tuple(found[0]) == label_columns.COLUMNS and len(found) == 1
    assert found[0]["label"] == found[0]["first_label"] == "EB" and found[0]["reasons"] == "secondary"
    assert label_columns.unguarded(found[0]["note"]) == '=cmd(), "quoted"\nsecond line' != found[0]["note"]
    assert label_columns.unguarded(found[0]["reviewer"]) == "=AB"
    assert found[0]["method"] == "single" and found[0]["blind"] == "0" and float(found[0]["seconds"]) >= 0
    text = page.run("return App.exchange.text()")
    page = visit(folder)
    page.begin("=AB")
    imported(page, text, tmp_path)
    assert page.run(f"return App.labels.label({row})") == "EB"
    assert page.run(f"return App.labels.note({row})") == '=cmd(), "quoted"\nsecond line'
    assert page.run("return App.exchange.text()") == text


def test_the_export_is_a_file_and_counts_as_exported(visit, folder, tmp_path):
    page = visit(folder)
    page.begin()
    page.keys("p", "j", "u")
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.click("#export")
    page.wait("document.getElementById('unexported').hidden")
    for _ in range(200):
        files = list(tmp_path.glob("labels_*_AB.csv"))
        if files:
            break
        page.run("return new Promise((done) => setTimeout(done, 20))")
    with open(files[0], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in sorted(rows, key=lambda row: row["labeled_at"])].count("PC") == 1 and len(rows) == 3
    assert [int(row["row_id"]) for row in rows] == sorted(int(row["row_id"]) for row in rows)


def test_blind_mode_hides_all_that_tells_of_the_model(visit, folder):
    page = visit(folder)
    page.begin("CD", blind=True)
    header_text = page.text("#header")
    assert "prob" not in header_text and "catalog" not in header_text and "#" not in header_text
    assert page.run("return document.getElementById('histogram-box').hidden")
    assert page.run("return document.querySelectorAll('button.sort').length") == 0
    random = by_column(page, "row_id")
    page.run("App.query.change({sort: 'p', ranges: {p: [0.9, 1]}})")
    assert by_column(page, "row_id") == random
    page.open_panel()
    assert "hidden" in page.text("#opinion") and "probability by each member" not in page.text("#plot-10")


def test_a_panel_tells_what_each_input_does_and_a_blind_one_only_after_the_label(visit, folder):
    page = visit(folder)
    page.click("#reviewer-look")
    page.open_panel()
    page.wait("document.querySelectorAll('#why-rows tr').length > 5")
    rows = page.text("#why-rows")
    assert "local_view" in rows and "SN" in rows and ("for" in rows or "against" in rows)
    blind = visit(folder)
    blind.begin("CD", blind=True)
    blind.open_panel()
    assert blind.run("return document.getElementById('why').hidden")


def test_the_probability_of_a_second_model_has_a_column(visit, folder, make_report, sky, tmp_path):
    assert "vetting" not in visit(folder).text("#header")
    flags = [f"--input_tce_csv_file={sky}/tces.csv", f"--tess_data_dir={sky}/tess", "--config_name=vetting"]
    records = tmp_path / "records"
    assert generate_input_records.main([*flags, f"--output_dir={records}", "--make_test_set"]) == 0
    assert make_report(tmp_path / "report", "--model_dir=pretrained:triage,pretrained:vetting", records=records) == 0
    page = visit(tmp_path / "report")
    page.click("#reviewer-look")
    assert "vetting" in page.text("#header")
    judged = page.run(
        "return App.data.vetting.map((value, row) => Number.isFinite(value) === (App.data.p[row] >= 0.5))"
    )
    assert all(judged) and len(judged) > 10


def test_what_a_table_knows_is_shown_unless_the_label_is_blind(visit, make_report, sky, tmp_path):
    catalog = (sky / "tces.csv").read_text().splitlines()
    columns, first = catalog[0].split(","), dict(zip(catalog[0].split(","), catalog[1].split(",")))
    assert {"tic_id", "Period", "Epoc"} <= set(columns)
    (tmp_path / "tois.csv").write_text(
        "TIC ID,TOI,TFOPWG Disposition,Epoch (BJD),Epoch (BJD) err,Period (days),Period (days) err,Duration (hours)\n"
        f"{first['tic_id']},{'<b>7.01'},KP,{2457000 + float(first['Epoc']):.6f},0.001,{first['Period']},0.00001,3\n"
    )
    assert make_report(tmp_path / "report", f"--known={tmp_path}/tois.csv") == 0
    page = visit(tmp_path / "report")
    page.click("#reviewer-look")
    known = dict(zip(by_column(page, "row_id"), by_column(page, "known")))
    assert known[first["row_id"]] == "KP <b>7.01"
    assert "known" in page.text("#header")
    row = page.run(f"return App.data.row_id.indexOf({first['row_id']!r})")
    page.run(f"App.panel.open({row})")
    page.wait("document.getElementById('opinion').textContent.includes('KP <b>7.01')")
    blind = visit(tmp_path / "report")
    blind.begin("CD", blind=True)
    assert "known" not in blind.text("#header")


def test_a_blind_label_stays_the_first_one_when_the_model_is_shown(visit, folder):
    page = visit(folder)
    page.begin("CD", blind=True)
    row = page.open_panel()
    page.keys("j", "z", "Z")  # back to the row that was labeled
    page.wait(f"App.panel.row() === {row}")
    page.keys("x")
    page.wait("document.getElementById('opinion').textContent.includes('probability')")
    page.keys("p")
    (found,) = exported(page)
    assert (found["first_label"], found["label"], found["blind"]) == ("J", "PC", "1") and found["revealed_at"]


def test_reviewers_see_the_rows_in_different_orders(visit, folder):
    page = visit(folder)
    page.begin("CD", blind=True)
    one = by_column(page, "row_id")
    page.begin("EF", blind=True)
    assert by_column(page, "row_id") != one and sorted(by_column(page, "row_id")) == sorted(one)


def test_no_name_no_label(visit, folder):
    page = visit(folder)
    page.click("#reviewer-look")
    page.keys("p")
    page.click("#reviewer-begin")
    assert "name" in page.text("#reviewer-problem") and set(labels(page)) == {""}
    page.begin()
    assert labels(page)[0] == "PC"


def test_hostile_names_and_notes_stay_text(visit, hostile_folder):
    page = visit(hostile_folder)
    title = page.driver.title
    assert title.startswith("</title>") and page.text("h1") == title
    page.begin(HOSTILE)
    page.open_panel()
    page.keys("n")
    page.keys(f"{HOSTILE}</textarea><script>document.title=3</script>")
    page.driver.execute_script("document.getElementById('note').blur()")
    page.keys("p")
    assert HOSTILE in page.text("#panel-title") and page.driver.title == title
    assert page.run("return document.querySelectorAll('img').length") == 0
    assert page.run("return document.querySelectorAll('script').length") == 3


def test_hostile_imports_are_refused_or_left_out(visit, folder, tmp_path):
    page = visit(folder)
    page.begin()
    page.keys("p")
    (good,) = exported(page)
    page.keys("z")
    bad = [
        {**good, "row_id": "-77"},
        {**good, "label": HOSTILE},
        {**good, "label": "__proto__"},
        {**good, "reviewer": " "},
        {
            **good,
            "reviewer": HOSTILE,
            "note": HOSTILE,
            "seconds": "NaN",
            "labeled_at": HOSTILE,
            "reasons": "constructor",
        },
    ]
    output = io.StringIO()
    writer = csv.DictWriter(output, label_columns.COLUMNS)
    writer.writeheader()
    writer.writerows(bad)
    imported(page, output.getvalue(), tmp_path)
    dialog_text = page.text("#dialog")
    assert "4 rows were left out" in dialog_text and "unknown label" in dialog_text and f"1 of {HOSTILE}" in dialog_text
    assert page.run("return document.querySelectorAll('img').length") == 0 and set(labels(page)) == {""}
    for text in ("a,b\r\n1,2\r\n", '"never closed', "", "\x00\xff"):
        page.click(".dialog-head .close")
        imported(page, text, tmp_path)
        assert "not read" in page.text("#dialog")


def test_labels_of_another_report_are_asked_about(visit, folder, tmp_path):
    page = visit(folder)
    page.begin()
    page.keys("p")
    text = page.run("return App.exchange.text()").replace(page.run("return App.meta.report_id"), "0123456789abcdef")
    page.keys("z")
    imported(page, text, tmp_path)
    assert "another report" in page.text("#dialog") and labels(page)[0] == ""
    page.click('button[data-answer="1"]')
    assert labels(page)[0] == "PC"


def test_labels_that_differ_are_shown_before_one_is_taken(visit, folder, tmp_path):
    page = visit(folder)
    page.begin()
    page.keys("p")
    text = page.run("return App.exchange.text()").replace(",PC,", ",J,")
    imported(page, text, tmp_path)
    assert "labels differ" in page.text("#dialog") and labels(page)[0] == "PC"
    page.click('button[data-answer="1"]')
    assert labels(page)[0] == "J"


def test_a_second_reviewer_stays_hidden_until_the_own_label_then_agreement_is_told(visit, folder, tmp_path):
    page = visit(folder)
    page.begin("one", blind=True)
    page.keys(*"pejpejpejp")
    text = page.run("return App.exchange.text()")
    page.begin("two", blind=True)
    imported(page, text, tmp_path)
    page.click('button[data-answer="0"]')
    row = page.run(f"return {ORDER}.find((row) => App.agreement.othersOf(row).length)")
    page.run(f"App.table.select({row})")
    page.open_panel()
    assert page.text("#others") == "other reviewers' labels are shown after yours"
    page.run("App.panel.close()")
    page.run("""
        for (const row of App.query.order()) {
            const [other] = App.agreement.othersOf(row);
            if (other) App.labels.set([row], other[1].label, 'single');
        }
    """)
    page.click("#agreement")
    assert "1.00" in page.text(".kappa")
    page.click(".dialog-head .close")
    page.run(f"App.labels.set([{row}], 'O', 'single')")
    page.click("#agreement")
    assert "1 differ" in page.text("#dialog")


def test_kappa_is_that_of_scikit_learn(visit, folder):
    from sklearn.metrics import cohen_kappa_score

    page = visit(folder)
    one, other = list("AABBCABCCBAAB"), list("ABBBCACCCBAAA")
    pairs = list(zip(one, other))
    assert page.run("return App.agreement.kappa(arguments[0])", pairs) == pytest.approx(cohen_kappa_score(one, other))


def test_many_are_labeled_only_after_a_look_and_undone_at_once(visit, folder):
    page = visit(folder)
    page.begin()
    page.click("#bulk")
    assert "Filter first" in page.text("#dialog")
    page.click(".dialog-head .close")
    page.run("App.query.range('p', null, 0.2)")
    count = len(labels(page))
    page.click("#bulk")
    assert page.run("return document.querySelectorAll('.sample canvas').length") == 2 * min(12, count)
    page.run("document.getElementById('bulk-label').value = 'J'")
    page.click('button[data-answer="1"]')
    assert labels(page) == ["J"] * count and {row["method"] for row in exported(page)} == {"bulk"}
    page.keys("z")
    assert set(labels(page)) == {""}


def test_a_missing_piece_is_named_and_the_rest_goes_on(visit, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "data" / "lc-0000.js").unlink()
    page = visit(copy)
    page.click("#reviewer-look")
    gone = page.run("return Array.from(App.query.order()).find((row) => row < 20)")
    page.run(f"App.panel.open({gone})")
    page.wait("!document.getElementById('problem').hidden")
    assert "data/lc-0000.js is missing" in page.text("#problem") and "whole folder" in page.text("#problem")
    there = page.run("return Array.from(App.query.order()).find((row) => row >= 20)")
    page.run(f"App.panel.open({there})")
    page.wait(f"document.getElementById('panel').dataset.row === '{there}'")
    assert page.run("return document.getElementById('problem').hidden")
    assert all("ERR_FILE_NOT_FOUND" in error for error in page.errors())


def test_an_index_that_is_missing_is_named(visit, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "data" / "index-0.js").unlink()
    page = visit(copy)
    assert "data/index-0.js is missing" in page.text("#warning")
    assert all("ERR_FILE_NOT_FOUND" in error for error in page.errors())


def test_pieces_of_another_report_are_refused(visit, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "data" / "lc-0000.js"
    path.write_text(path.read_text().replace('report\\":\\"', 'report\\":\\"0'))
    page = visit(copy)
    page.click("#reviewer-look")
    page.run("App.panel.open(Array.from(App.query.order()).find((row) => row < 20))")
    page.wait("!document.getElementById('problem').hidden")
    assert "another report" in page.text("#problem")


def test_what_the_browser_kept_may_be_anything(visit, folder):
    page = visit(folder)
    page.begin()
    page.keys("p")
    name = page.run("return Object.keys(localStorage).find((key) => key.includes(':labels:0'))")
    kept = (
        '{"0": {"label": "<b>"}, "1": 7, "x": {"label": "J"}, "99999": {"label": "J"}, "2": {"label": "EB", "note": 3}}'
    )
    page.run("localStorage.setItem(arguments[0], arguments[1])", name, kept)
    page.reload()
    assert [label for label in labels(page) if label] == ["EB"]


def test_a_browser_that_keeps_nothing_is_told(visit, folder):
    page = visit(folder)
    page.begin()
    page.run("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }")
    page.keys("p")
    assert "does not keep your labels (QuotaExceededError)" in page.text("#warning") and labels(page)[0] == "PC"


def test_scripts_of_strangers_do_not_run(visit, folder):
    page = visit(folder)
    policy = page.run("return document.querySelector('meta[http-equiv]').content")
    assert "default-src 'none'" in policy and "unsafe" not in policy
    # By a timer: what the driver itself runs is not held to the policy.
    page.run("try { setTimeout('window.ran = 1', 0); } catch (error) { window.refused = error.name; }")
    inline = """
        const node = document.createElement('div');
        node.innerHTML = '<img src="x" onerror="window.ran = 1"><svg onload="window.ran = 1"></svg>';
        document.body.append(node);
        return new Promise((done) => setTimeout(() => done(window.ran || 0), 200));
    """
    assert page.run(inline) == 0
    assert all("Content Security Policy" in error or "violates" in error for error in page.errors())


def test_a_report_in_one_file_opens_alone(visit, make_report, tmp_path):
    assert make_report(tmp_path / "whole", "--single_file") == 0
    (tmp_path / "alone").mkdir()
    shutil.copy(tmp_path / "whole" / "index.html", tmp_path / "alone")
    page = visit(tmp_path / "alone")
    page.click("#reviewer-look")
    page.open_panel()
    assert page.run("return document.querySelectorAll('#panel svg.plot').length") >= 8


def test_a_report_without_a_model_is_blind_and_still_labeled(visit, make_report, tmp_path):
    assert make_report(tmp_path, "--blind") == 0
    page = visit(tmp_path)
    page.run("document.getElementById('reviewer-name').value = 'AB'")
    page.click("#reviewer-begin")
    page.keys("p")
    (found,) = exported(page)
    assert found["label"] == "PC" and found["blind"] == "1" and found["model"] == ""


def test_every_page_is_printed(visit, folder):
    page = visit(folder)
    page.begin()
    page.keys("p")
    page.run("App.query.range('p', 0.9, null); window.print = () => { window.printed = true; }")
    count = len(labels(page))
    page.click("#print-button")
    page.wait("window.printed")
    assert page.run("return document.querySelectorAll('#print .sheet').length") == count
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert len(printed["data"]) > 10_000
