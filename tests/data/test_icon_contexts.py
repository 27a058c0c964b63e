"""Oxygen icons: the folder is the label; links, other sizes, small contexts and shared icons are left out."""

from fake_packages import debian_package, noise, png

from lin_ft.data.packaged.icon_contexts import DATASET

BASE = "usr/share/icons/oxygen/base"


def test_icons_of_the_six_contexts_in_one_size(tmp_path):
    shared = png(noise(99, 48, 48, 3))
    files = {
        f"{BASE}/48x48/actions/go.png": png(noise(0, 48, 48, 4)),
        f"{BASE}/48x48/status/rain.png": png(noise(1, 48, 48, 4)),
        f"{BASE}/48x48/devices/flat.png": png(noise(2, 40, 48, 4)),
        f"{BASE}/48x48/emotes/smile.png": png(noise(3, 48, 48, 4)),
        f"{BASE}/32x32/actions/go.png": png(noise(4, 32, 32, 4)),
        f"{BASE}/48x48/actions/search.png": shared,
        f"{BASE}/48x48/apps/find.png": shared,
        f"{BASE}/48x48/places/a.png": png(noise(5, 48, 48, 4)),
        f"{BASE}/48x48/places/b.png": png(noise(5, 48, 48, 4)),
        f"{BASE}/48x48/places/readme.txt": b"no icon",
    }
    links = {f"{BASE}/48x48/mimetypes/link.png": "../actions/go.png"}
    examples = list(DATASET.examples([debian_package(tmp_path / "oxygen.deb", files, links)]))
    assert {e.image.shape for e in examples} == {(48, 48, 3)}
    found = [(e.group, DATASET.class_names[e.label]) for e in examples]
    assert found == [
        ("actions/go.png", "actions"),
        ("devices/flat.png", "devices"),
        ("places/a.png", "places"),
        ("status/rain.png", "status"),
    ]
