"""Checkpoints of a fine-tuning by Orbax: written whole or not at all, so a killed run goes on from the last one."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lin_ft.errors import InputError


@dataclasses.dataclass(frozen=True)
class Saving:
    """Where, how often, and for which fine-tuning: `fingerprint` is compared before anything is restored."""

    folder: Path
    fingerprint: dict[str, Any]
    every: int = 50
    """Steps between two checkpoints; the last two are kept."""

    def of(self, name: str) -> "Saving":
        """The same in a folder of its own for a part of the work."""
        return dataclasses.replace(self, folder=self.folder / name)

    def save(self, tree: Any, step: int) -> None:
        """Raises InputError where the folder cannot be written."""
        import orbax.checkpoint as ocp

        leaves = {f"{index:04d}": np.asarray(leaf) for index, leaf in enumerate(jax.tree.leaves(tree))}
        arguments = ocp.args.Composite(
            state=ocp.args.StandardSave(leaves), about=ocp.args.JsonSave(self.fingerprint | {"state": _digest(leaves)})
        )
        try:
            with self._manager() as manager:
                manager.save(step, args=arguments, force=True)
                manager.wait_until_finished()
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{self.folder}: cannot be written ({reason}); choose a folder with space.") from error

    def restored(self, like: Any) -> Any:
        """The latest checkpoint as a tree like `like`; `like` itself where there is none.

        Raises InputError for a checkpoint of another fine-tuning, or one that is damaged.
        """
        import orbax.checkpoint as ocp

        if not self.folder.is_dir():
            return like
        leaves, structure = jax.tree.flatten(like)
        wanted = {f"{index:04d}": np.asarray(leaf) for index, leaf in enumerate(leaves)}
        with self._manager() as manager:
            step = manager.latest_step()
            if step is None:
                return like
            try:
                about = manager.restore(step, args=ocp.args.Composite(about=ocp.args.JsonRestore()))["about"]
                digest = about.pop("state")
                self._check(about)
                arguments = ocp.args.Composite(state=ocp.args.StandardRestore(wanted))
                saved = {
                    name: np.asarray(leaf) for name, leaf in manager.restore(step, args=arguments)["state"].items()
                }
            except InputError:
                raise
            except Exception as error:  # Orbax raises many kinds for damaged files
                raise InputError(
                    f"{self.folder / str(step)}: not a readable checkpoint ({type(error).__name__}); remove the folder."
                ) from error
        if _digest(saved) != digest:
            raise InputError(f"{self.folder / str(step)}: the checkpoint is damaged; remove the folder.")
        return jax.tree.unflatten(structure, [saved[name] for name in sorted(saved)])

    def _check(self, found: dict[str, Any]) -> None:
        wanted = json.loads(json.dumps(self.fingerprint))
        differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if differing:
            raise InputError(
                f"{self.folder.parent}: holds another fine-tuning (it differs in {', '.join(differing)});"
                " give another folder."
            )

    def _manager(self) -> Any:
        import orbax.checkpoint as ocp

        options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
        return ocp.CheckpointManager(self.folder.absolute(), options=options)


def _digest(leaves: dict[str, np.ndarray]) -> str:
    whole = hashlib.sha256()
    for name in sorted(leaves):
        whole.update(np.ascontiguousarray(leaves[name]).tobytes())
    return whole.hexdigest()
