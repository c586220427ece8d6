"""Undo and redo: the one place where the open project changes.

A command is a name and the project that it leads to (`app.core.commands` makes those); projects are immutable, so
the history is a list of them and undo can never go wrong half way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

from app.core.project import Project


@dataclass(frozen=True)
class Change:
    """What listeners are told after the project changed.

    Attributes
    ----------
    name : of the command that was done, undone or redone
    kind : ``do``, ``merge`` (the last command was carried on, as during a drag), ``undo``, ``redo`` or ``reset``
    previous, project : before and after
    """

    name: str
    kind: Literal["do", "merge", "undo", "redo", "reset"]
    previous: Project
    project: Project


Listener = Callable[[Change], None]


class History:
    """The open project and every state that undo can return to.

    Parameters
    ----------
    project : the first state
    limit : how many commands are kept
    """

    def __init__(self, project: Project | None = None, limit: int = 1000) -> None:
        self._states: list[Project] = [project or Project()]
        self._names: list[str] = [""]
        self._position = 0
        self._limit = limit
        self._merge: Hashable | None = None
        self._saved: Project | None = self._states[0]
        self._listeners: list[Listener] = []

    @property
    def project(self) -> Project:
        return self._states[self._position]

    @property
    def can_undo(self) -> bool:
        return self._position > 0

    @property
    def can_redo(self) -> bool:
        return self._position < len(self._states) - 1

    @property
    def undo_name(self) -> str:
        """Name of the command that `undo` would take back, or nothing."""
        return self._names[self._position] if self.can_undo else ""

    @property
    def redo_name(self) -> str:
        return self._names[self._position + 1] if self.can_redo else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all commands kept, the oldest first, those that were undone included."""
        return tuple(self._names[1:])

    @property
    def position(self) -> int:
        """How many of `names` are in effect."""
        return self._position

    @property
    def dirty(self) -> bool:
        """Whether the project differs from what was last saved."""
        return self.project != self._saved

    def do(self, name: str, project: Project, merge: Hashable | None = None) -> bool:
        """Make ``project`` the current state; what was undone before is forgotten.

        Parameters
        ----------
        name : as menus show it, in the imperative: "Move emotion"
        merge : commands in a row with the same key become one step (a slider drag), until `end_merge`

        Returns
        -------
        Whether anything changed; a command that changes nothing leaves no step.
        """
        previous = self.project
        if project == previous:
            return False
        merged = merge is not None and merge == self._merge and not self.can_redo and self.can_undo
        del self._states[self._position + 1 :], self._names[self._position + 1 :]
        if merged:
            self._states[-1], self._names[-1] = project, name
            if len(self._states) > 1 and self._states[-2] == project:  # dragged back to where it began
                self._states.pop(), self._names.pop()
                self._position -= 1
                self._merge = None
        else:
            self._states.append(project)
            self._names.append(name)
            self._position += 1
            self._merge = merge
            surplus = len(self._states) - 1 - self._limit
            if surplus > 0:
                del self._states[:surplus], self._names[:surplus]
                self._position -= surplus
        self._tell(Change(name, "merge" if merged else "do", previous, project))
        return True

    def end_merge(self) -> None:
        """The drag ended: the next command is a step of its own."""
        self._merge = None

    def undo(self) -> str:
        """Take the last command back; returns its name, or nothing if there is none."""
        if not self.can_undo:
            return ""
        name, previous = self._names[self._position], self.project
        self._position -= 1
        self._merge = None
        self._tell(Change(name, "undo", previous, self.project))
        return name

    def redo(self) -> str:
        """Do again what `undo` took back; returns its name, or nothing."""
        if not self.can_redo:
            return ""
        previous = self.project
        self._position += 1
        self._merge = None
        name = self._names[self._position]
        self._tell(Change(name, "redo", previous, self.project))
        return name

    def reset(self, project: Project, saved: bool = True) -> None:
        """Open another project: no step leads back."""
        previous = self.project
        self._states, self._names, self._position, self._merge = [project], [""], 0, None
        self._saved = project if saved else None
        self._tell(Change("", "reset", previous, project))

    def mark_saved(self, project: Project | None = None) -> None:
        """Remember ``project`` (default: the current one) as what the file on disk holds."""
        self._saved = self.project if project is None else project

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after each change, in the thread that made it; returns what unsubscribes it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _tell(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)
