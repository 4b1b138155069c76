import pytest

from astronet import train
from astronet.config import configuration
from astronet.data.records import leaks, tf_example, tfrecord
from astronet.ops import dataset

FLAGS = ["--model=AstroModel", "--config_name=yu2019", "--train_steps=1"]


def write(path, source, changes):
    """Copies records by number, each as star `tic_id`."""
    serialized = list(tfrecord.read(source))
    examples = []
    for number, tic_id in changes:
        example = tf_example.from_serialized(serialized[number])
        example.features.feature["tic_id"].int64_list.value[0] = tic_id
        examples.append(example.SerializeToString())
    tfrecord.write_shard(path, examples)
    return path


@pytest.mark.parametrize(
    "changes, message",
    [
        ([(5, 1), (6, 2)], "no leak: none of 2 TCEs"),
        ([(0, 1), (1, 1000), (5, 1003), (6, 2)], "of 4 TCEs to evaluate on, 2 have the very views of a training TCE"),
        ([(5, 1003), (6, 2)], "0 have the very views of a training TCE and 1 are of stars that are trained on, 1 in"),
    ],
)
def test_every_training_begins_with_a_leak_report(write_tces, tmp_path, capsys, changes, message):
    source = write_tces(tmp_path / "source")
    train_file = write(tmp_path / "train", source, [(number, 1000 + number) for number in range(5)])
    eval_file = write(tmp_path / "val", source, changes)
    flags = [f"--train_files={train_file}", f"--eval_files={eval_file}", f"--model_dir={tmp_path}/model"]
    assert train.main([*FLAGS, *flags]) == 0
    output = capsys.readouterr().out
    assert message in output
    assert output.index(message) < output.index("step ")


def test_leaks_of_the_published_split(shared):
    data = shared / "data" / "tess_triage"
    train_files, eval_files = (sorted(map(str, data.glob(pattern))) for pattern in ("train-*", "val-*"))
    config = configuration.get("AstroModel", "yu2019")
    train, validation = dataset.read(train_files, config), dataset.read(eval_files, config)
    assert leaks.report(train.identities, validation.identities).startswith(
        "LEAK: of 1657 TCEs to evaluate on, 78 have the very views of a training TCE and 257 are of stars"
    )
