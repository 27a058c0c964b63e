"""The mapping of scores, shared inputs, and a user's own function."""

import dataclasses
import importlib
import inspect
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import samples

from lin_ft import cli, scores
from lin_ft.errors import InputError
from lin_ft.scores import INPUTS, RENAMED, SCORES, Score, ScoreWarning, array_inputs, chosen, combined, evaluate
from lin_ft.scores.catalogue import found
from lin_ft.scores.evaluate import Lazy


@pytest.mark.parametrize("name", SCORES)
def test_every_score_says_what_it_is(name):
    score = SCORES[name]
    assert set(score.needs) <= set(INPUTS)
    assert all((score.formula, score.paper, score.range, score.cost))
    function = getattr(score.function, "func", score.function)
    text = f"{inspect.getdoc(function)} {inspect.getdoc(score.combine) if score.combine else ''}"
    for word in ("range", "higher is better", "cost"):
        assert word in " ".join(text.lower().split()), word


def test_every_score_of_the_issue_is_there():
    expected = """
    nce leep n_leep logme h_score shrinkage_h_score transrate gbc parc rsa dds feature_metrics sfda ped ncti
    etran_energy etran_classification etran pactran_gaussian pactran_gradient_norm pactran_gamma linear_probe
    logistic_probe nearest_neighbours nearest_neighbours_chosen feature_variance silhouette fisher_ratio
    label_feature_cka emms lin_mse lab_mse logme_regression domain_similarity frechet_distance fisher_distance
    label_gradient_raw label_gradient_cka paper_label_feature predicted_decrease predicted_accuracy predicted_loss
    kernel_loo_accuracy kernel_loo_loss supervision_complexity kernel_target_alignment label_energy tangent_norm random
    largest_model source_accuracy best_on_average reference_always
    """
    assert set(expected.split()) <= set(SCORES)


def test_shared_decompositions_change_no_value():
    phi, y = samples.features(0, d=40)
    shared = array_inputs(features=phi, labels=y)
    for name, score in SCORES.items():
        if score.needs == ("features", "labels"):
            (scored,) = evaluate({name: score}, shared).values()
            alone = score.function(phi, y)
            np.testing.assert_allclose(scored.parts or scored.value, alone, rtol=1e-6, atol=1e-9, err_msg=name)


def test_a_lazy_input_is_made_once_and_only_when_needed():
    made = []
    inputs = array_inputs(features=Lazy(lambda: made.append(1) or np.eye(4)))
    assert not made
    evaluate({"a": SCORES["feature_variance"], "b": SCORES["etran_energy"]}, inputs)
    assert made == [1]


def test_an_input_that_cannot_be_made_is_the_reason():
    def refuse():
        raise InputError("source: there is none.")

    inputs = array_inputs(features=np.eye(4), labels=np.arange(4) % 2, source_features=Lazy(refuse))
    used = chosen(["frechet_distance", "fisher_ratio"])
    distance, ratio = evaluate(used, inputs).values()
    assert distance.reason == "source: there is none."
    assert ratio.value is not None


def test_what_is_missing_is_named():
    scored = evaluate({"leep": SCORES["leep"]}, array_inputs(labels=np.array([0, 1])))["leep"]
    assert scored.value is None
    assert scored.reason == "needs source probabilities"


def test_zoo_scores_are_combined():
    zoo = [samples.features(seed, apart=apart) for seed, apart in ((0, 0.1), (1, 1), (2, 3))]
    used = chosen(["etran", "ncti", "feature_metrics", "logme"])
    rows = [evaluate(used, array_inputs(features=phi, labels=y)) for phi, y in zoo]
    done = combined(used, rows)
    assert max(row["etran"].value for row in done) <= 1
    assert [row["logme"].value for row in done] == [row["logme"].value for row in rows]
    parts = np.array([scores.etran_parts(phi, y) for phi, y in zoo])
    assert [row["etran"].value for row in done] == pytest.approx(list(scores.etran(parts)))


def test_a_users_own_function(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\n"
        "def norm(features, *, power=2):\n    'Mean power of the features.'\n    return np.mean(features**power)\n"
        "def fails(labels):\n    raise KeyError('no')\n"
        "def unknown(weather):\n    return 1.0\n"
    )
    used = chosen([f"{path}:norm", f"{path}:fails", f"{path}:unknown"])
    mine, fails, unknown = evaluate(used, array_inputs(features=2 * np.ones((3, 2)), labels=np.arange(3))).values()
    assert mine.value == 4
    assert next(iter(used.values())).formula == "Mean power of the features."
    assert "KeyError" in fails.reason
    assert unknown.reason.startswith("needs weather, but scores are given labels, source_probabilities, features,")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nonsense", "unknown"),
        ("none.py:f", "no Python file"),
        ("{bad}:f", "not run"),
        ("{good}:g", "no function"),
    ],
)
def test_a_bad_name_is_one_sentence(spec, words, tmp_path):
    bad, good = tmp_path / "bad.py", tmp_path / "good.py"
    bad.write_text("import nothing_of_this_name\n")
    good.write_text("f = 1\n")
    with pytest.raises(InputError, match=words):
        chosen([spec.format(bad=bad, good=good)])


def test_scores_that_are_not_finite_are_none_with_a_reason():
    score = Score(lambda features: np.nan, "nan", "none", "none", "none")
    scored = evaluate({"nan": score}, array_inputs(features=np.eye(2)))["nan"]
    assert scored.value is None
    assert "nan" in scored.reason


def test_trivial_rows():
    assert scores.random_score("a") == scores.random_score("a") != scores.random_score("b")
    assert scores.largest_model(1000) == pytest.approx(3)
    assert scores.best_on_average(np.array([0.5, 0.7])) == pytest.approx(0.6)
    assert (scores.reference_always(True), scores.reference_always(False)) == (1, 0)
    assert scores.source_accuracy(0.9) == 0.9


def test_a_file_with_scores_is_all_it_takes(tmp_path, monkeypatch):
    folder = tmp_path / "more_scores"
    folder.mkdir()
    (folder / "helper.py").write_text("")
    (folder / "spread.py").write_text(
        "import numpy as np\nfrom lin_ft.scores.score import Score\n"
        "def spread(features):\n    return np.std(features)\n"
        "SCORES = {'spread': Score(spread, 'std', 'none', '[0, inf)', 'O(n d)')}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert found(folder, "more_scores")["spread"].needs == ("features",)
    (folder / "again.py").write_text("from more_scores.spread import SCORES\n")
    with pytest.raises(ValueError, match="another score 'spread'"):
        found(folder, "more_scores")
    (folder / "again.py").write_text(
        "from lin_ft.scores.score import Score\n"
        "SCORES = {'wet': Score(lambda weather: 1.0, 'none', 'none', 'none', 'none')}\n"
    )
    monkeypatch.delitem(sys.modules, "more_scores.again")
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match="'wet' needs weather"):
        found(folder, "more_scores")


def test_the_file_of_the_guide_is_a_score_of_all(tmp_path, monkeypatch, capsys):
    """docs/guides/add_a_score.md word for word: a file among the others, then `rank --score all` and `scores list`."""
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "add_a_score.md").read_text(encoding="utf-8")
    function, row = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    (tmp_path / "spread.py").write_text(function + row)
    monkeypatch.setattr(scores, "__path__", [*scores.__path__, str(tmp_path)])
    added = found(tmp_path, "lin_ft.scores")
    assert set(added) == {"spread"}
    monkeypatch.setitem(SCORES, "spread", added["spread"])
    labels = np.arange(20) % 2
    inputs = array_inputs(features=np.random.default_rng(0).normal(size=(20, 3)) + labels[:, None], labels=labels)
    assert evaluate({"spread": chosen(["all"])["spread"]}, inputs)["spread"].value > 0
    assert cli.main(["scores", "list"]) == 0
    assert "spread" in capsys.readouterr().out
    sys.modules.pop("lin_ft.scores.spread")


def test_every_file_with_a_score_is_in_the_catalogue():
    folder = Path(scores.__file__).parent
    texts = [path.read_text() for path in folder.glob("*.py") if path.stem != "catalogue"]
    assert sum("\nSCORES = {" in text for text in texts) > 30
    listed = {name for text in texts for name in re.findall(r'^    "(\w+)": Score\(', text, re.MULTILINE)}
    assert listed <= set(SCORES)
    assert set(SCORES) - listed == {name for name in SCORES if re.match("label_(gradient|feature)_", name)}


@pytest.mark.parametrize("name", RENAMED)
def test_old_names_say_what_to_write_now(name):
    with pytest.raises(InputError, match=f"write {RENAMED[name]}.$"):
        chosen([name])
    assert RENAMED[name].split()[0] in SCORES


def test_a_score_says_what_it_assumed():
    def cautious(features):
        warnings.warn("one row left out", ScoreWarning, stacklevel=1)
        return features.mean()

    score = Score(cautious, "mean", "none", "none", "none")
    scored = evaluate({"cautious": score}, array_inputs(features=np.ones((2, 2))))["cautious"]
    assert (scored.value, scored.note) == (1, "one row left out")

    def careless(features):
        warnings.warn("something else", RuntimeWarning, stacklevel=1)
        return features.mean()

    with pytest.warns(RuntimeWarning, match="something else"):
        evaluate({"careless": dataclasses.replace(score, function=careless)}, array_inputs(features=np.ones((2, 2))))
