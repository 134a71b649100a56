"""The tree of errors.

    WainwrightError                 says what went wrong and what to do about it
    |- InputError                   what the person gave cannot be used (empty goal, unknown run, bad settings)
    |  |- IllegalTransition         an event may not happen in this stage
    |  |- Late                      somebody has decided that already
    |  '- NotTrusted                nobody has said that work may be done in this folder
    |- PlanError                    a plan is not a DAG of well-formed tasks
    |- JournalError                 the journal refuses
    |  |- Diverged                  a recorded step is asked for again with other inputs
    |  |- JournalBroken             its rows are not what was written, or cannot be read
    |  |- Fenced                    another process owns the run now
    |  '- RunBusy                   another live process owns the run
    |- ModelError                   a model call did not give a usable answer
    |  |- ModelUnavailable          transient: rate limit, overload, network, time-out
    |  |- ModelRejected             final: wrong key, unknown model, malformed request
    |  |- BadAnswer                 the answer did not fit its form after bounded repair
    |  '- BudgetExceeded            the call was not made: it could have passed a cap
    |- SandboxError                 no sandbox could be proven, or it could not start
    |- Closing                      nothing begins any more: the run comes to its end, or has met its cap
    |- WorkspaceError               the tree or the repository refuses
    |  |- OutsideBoundary           a path leads out of the workspace or into a protected place
    |  '- StaleEdit                 an edit was made against text that is no longer there
    '- DeployError                  a deployment could not be started, found, or made healthy

Expected breakage (red tests, a conflict, a command that exits 1) is a value, not an error.
"""


class WainwrightError(Exception):
    """Base of all errors that are told to a person.

    ``message`` says what happened; ``hint`` says what to do next, as an imperative sentence, or is empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(WainwrightError):
    """What the person gave cannot be used."""


class IllegalTransition(InputError):
    """An event may not happen in this stage."""


class Late(InputError):
    """Somebody has decided that already."""


class NotTrusted(InputError):
    """Nobody has said that work may be done in this folder: nothing of it is run, and no model is asked."""


class Unsaid(WainwrightError):
    """A person decides, and what they wrote would reach nobody."""


class PlanError(WainwrightError):
    """A plan is not a DAG of well-formed tasks."""


class JournalError(WainwrightError):
    """The journal refuses."""


class Diverged(JournalError):
    """A recorded step is asked for again with other inputs: guessing would corrupt the run."""


class JournalBroken(JournalError):
    """What the journal holds is not what was written, or cannot be read: nothing is done on its word."""


class Fenced(JournalError):
    """Another process has taken the run over; this one must stop writing."""


class RunBusy(JournalError):
    """Another live process owns the run."""


class ModelError(WainwrightError):
    """A model call did not give a usable answer."""


class ModelUnavailable(ModelError):
    """Transient: rate limit, overload, network failure, time-out. Another try or candidate may work."""


class ModelRejected(ModelError):
    """Final for this candidate: wrong key, unknown model, malformed request."""


class BadAnswer(ModelError):
    """The model's answer did not fit its form after bounded repair."""


class BudgetExceeded(ModelError):
    """The call was not made, because it could have passed a cap."""

    raisable = True
    """Whether the run goes on with higher caps of its own."""


class Closing(WainwrightError):
    """Nothing was begun: the run comes to its end, or has met its cap. It goes on from here."""


class SandboxError(WainwrightError):
    """No sandbox could be proven, or the proven one could not start."""


class WorkspaceError(WainwrightError):
    """The tree or the repository refuses."""


class OutsideBoundary(WorkspaceError):
    """A path leads out of the workspace, or into a place that is never touched."""


class StaleEdit(WorkspaceError):
    """An edit was made against text that is no longer there; nothing was written."""

    def __init__(self, message: str, hint: str = "", *, paths: tuple[str, ...], busy: bool) -> None:
        super().__init__(message, hint)
        self.paths = paths
        """The files that somebody else has changed, as the caller named them."""
        self.busy = busy
        """Whether another program has the file open for writing at this moment."""


class DeployError(WainwrightError):
    """A deployment could not be started, found, or made healthy."""
