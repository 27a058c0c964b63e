"""Scores side by side: in the ranking, its JSON, the heat map and the commands."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.stats
from rich.console import Console
from tiny import light_task, random_model

from lin_ft import cli
from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, kendall_matrix, rank, ranking_from_dict
from lin_ft.scores import SCORES, Scored


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    for seed, name in enumerate(("first", "second", "third")):
        random_model(folder, name, seed)
    return folder


@pytest.fixture(scope="module")
def zoo(folder):
    from lin_ft.zoo import load_zoo

    return load_zoo(folder)


@pytest.fixture(scope="module")
def ranking(zoo):
    return rank(zoo, light_task(), RankConfig(score="logme", scores=("all",), reference="first", probes=1))


def test_all_scores_of_the_ranking(ranking):
    values = [row.scores["logme"].value for row in ranking.models]
    assert values == sorted(values, reverse=True)
    for name, score in SCORES.items():
        for row in ranking.models:
            scored = row.scores[name]
            assert (scored.value is None) == bool(scored.reason), name
            assert scored.value is not None or scored.reason.startswith("needs "), (name, scored.reason)
        if not {"source_features", "target_features", "label_embeddings", "values", "other_accuracies"} & set(
            score.needs
        ):
            assert row.scores[name].value is not None, name


def test_scores_are_those_of_the_arrays(ranking, zoo):
    from lin_ft.functions import features_of

    task = light_task()
    for row in ranking.models:
        (model,) = (model for model in zoo if model.name == row.name)
        features = np.asarray(features_of(*model.function, model.normalise(task.train.images)))
        for name in ("logme", "transrate", "linear_probe"):
            expected = SCORES[name].function(features, task.train.labels)
            assert row.scores[name].value == pytest.approx(expected, rel=1e-5)
        assert row.scores["label_gradient_cka"].value == pytest.approx(row.label_gradient)


def test_json_and_table_hold_them(ranking, tmp_path):
    ranking.save_json(tmp_path / "r.json")
    row = json.loads((tmp_path / "r.json").read_text())["models"][0]
    assert set(row["scores"]["logme"]) == {"value", "seconds"}
    assert row["scores"]["rsa"]["reason"] == "needs target features"
    assert ranking.score_table().row_count > 40


def test_what_a_score_assumed_is_shown_and_kept(ranking, capsys):
    note = "LogME: 1 of 9 samples are repeated; each is counted once"
    (first, *others) = ranking.models
    noted = dataclasses.replace(first, scores={**first.scores, "logme": Scored(1.0, note=note)})
    noted = dataclasses.replace(ranking, models=(noted, *others))
    Console(width=400).print(noted.score_table())
    assert f"{first.name}: {note}." in " ".join(capsys.readouterr().out.split())
    assert ranking_from_dict(noted.as_dict()).models[0].scores["logme"].note == note


def test_kendall_matrix_is_scipys():
    rng = np.random.default_rng(0)
    columns = {name: list(rng.integers(0, 5, 9).astype(float)) for name in "abc"} | {"d": [1.0] * 9, "e": [None] * 9}
    names, tau = kendall_matrix(columns)
    assert names == ["a", "b", "c"]
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            assert tau[i, j] == pytest.approx(scipy.stats.kendalltau(columns[one], columns[other])[0])


def test_unknown_scores_are_refused_before_any_work():
    with pytest.raises(InputError, match="score 'best': unknown"):
        RankConfig(scores=("best",))
    with pytest.raises(InputError, match="no Python file"):
        RankConfig(score="missing.py:f")


def test_a_score_without_a_value_cannot_rank(zoo):
    with pytest.raises(InputError, match="no value for any model: needs target features"):
        rank(zoo[:1], light_task(), RankConfig(score="rsa", probes=1))


NEEDS_SOURCE = ("domain_similarity", "frechet_distance", "fisher_distance")


def test_source_data_are_loaded_once_a_model(zoo, monkeypatch):
    from lin_ft.functions import features_of

    asked = []

    def source(name, *, shots, seed, size):
        asked.append((name, shots, seed, size))
        return dataclasses.replace(light_task(shots), name=name)

    monkeypatch.setattr("lin_ft.data.load_task", source)
    config = RankConfig(scores=(*NEEDS_SOURCE, "ped"), reference="first", probes=1, source_shots=4, seed=7)
    row = rank(zoo[:1], light_task(), config).models[0]
    assert asked == [("first", 4, 7, light_task().train.images.shape[1])]
    features, source_features = (
        np.asarray(features_of(*zoo[0].function, zoo[0].normalise(task.train.images)))
        for task in (light_task(), light_task(4))
    )
    given = {"source_features": source_features, "source_labels": light_task(4).train.labels}
    for name, scored in row.scores.items():
        arguments = given if name in NEEDS_SOURCE[::2] else {"source_features": source_features}
        labels = {} if name == "frechet_distance" else {"labels": light_task().train.labels}
        expected = SCORES[name].function(features, **labels, **arguments)
        assert scored.value == pytest.approx(expected, rel=1e-5, abs=1e-6), name


def test_an_unknown_source_leaves_its_scores_out_with_a_sentence(zoo):
    row = rank(zoo[:1], light_task(), RankConfig(scores=NEEDS_SOURCE, probes=1, source_shots=2)).models[0]
    for name in NEEDS_SOURCE:
        assert row.scores[name].value is None
        assert "first" in row.scores[name].reason


def test_the_commands(folder, tmp_path, monkeypatch, capsys):
    from PIL import Image

    task = light_task()
    for index, (image, label) in enumerate(zip(task.train.images, task.train.labels, strict=True)):
        path = tmp_path / "photos" / task.class_names[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (tmp_path / "mine.py").write_text("def mean(features):\n    'Mean feature.'\n    return features.mean()\n")
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    score = "transrate,leep,mine.py:mean"
    common = ["rank", "--target", "photos", "--shots", "3", "--zoo", str(folder)]
    assert cli.main([*common, "--score", score, "--json", "r.json", "--plot", "pictures/r.png"]) == 0
    assert "mine.py:mean" in capsys.readouterr().out
    assert (tmp_path / "pictures" / "agreement-photos.png").read_bytes().startswith(b"\x89PNG")
    values = json.loads((tmp_path / "r.json").read_text())
    assert values["score"] == "transrate"
    assert set(values["models"][0]["scores"]) == set(score.split(","))
    assert cli.main([*common, "--score", "leep,nonsense"]) == 2
    assert "score 'nonsense': unknown" in capsys.readouterr().err


def test_scores_can_be_looked_at(capsys):
    assert cli.main(["scores", "list"]) == 0
    assert "shrinkage_h_score" in capsys.readouterr().out
    assert cli.main(["scores", "info", "logme"]) == 0
    text = capsys.readouterr().out
    assert "You et al., ICML 2021" in text
    assert "range" in text
    assert cli.main(["scores", "info", "nonsense"]) == 2
    assert cli.main(["scores", "info", "all"]) == 2
