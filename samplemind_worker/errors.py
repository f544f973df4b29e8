"""The exception tree.

::

    SampleMindError
    ├── TransientError              retried with back-off and jitter
    │   ├── ServiceUnavailableError a service does not answer
    │   │   ├── IndexMissingError   Chroma answers, but does not have the vectors
    │   │   └── IndexDamagedError   Chroma answers, but cannot read or write them
    │   └── OverTheRateError        who writes summaries lets no more requests through now
    ├── RootNotReachedError         this machine does not reach a root: the parcel is given back for others
    ├── PermanentError              ends that file, with its code and message in the record
    │   ├── MissingFileError        ``missing``
    │   ├── PermissionDeniedError   ``permission``
    │   ├── OutsideRootsError       ``outside_roots``
    │   ├── EmptyFileError          ``empty``
    │   ├── NotAudioError           ``not_audio``
    │   ├── UnreadableError         ``unreadable``
    │   ├── UnsupportedError        ``unsupported``
    │   ├── TooLongError            ``too_long``
    │   ├── TooLargeError           ``too_large``
    │   ├── StepTimeoutError        ``timeout``
    │   ├── WorkerCrashedError      ``worker_crashed``
    │   ├── OutOfMemoryError        ``out_of_memory``
    │   └── InternalError           ``internal``
    ├── PackError                   a pack is not taken in
    │   ├── PackRefusedError        and never will be as it is: it goes to ``refused/``, with the reason
    │   └── PackNotNowError         it stays in the inbox for the next run
    ├── ProviderError               who was asked for a summary gives none; the analysis is stored all the same
    │   ├── ProviderSetupError      no key, a wrong one, an unknown model: asking again is useless until that is mended
    │   ├── RateLimitedError        too many requests; it may say when to ask again
    │   ├── ProviderUnavailableError    no network, a fault of the service, no answer in time, an answer cut short
    │   │   └── ProviderNotReachedError no connection: it was sent nothing, and is owed nothing
    │   ├── ProviderRefusedError    it declines to write about these samples
    │   └── UnreadableReplyError    it answered, but not what was asked for, and repair did not help
    ├── UsageError                  the command was called wrongly (exit code 2)
    └── SetupError                  the machine lacks something; the message says how to mend it (exit code 3)

``InvalidSignalError`` (a ``PermanentError`` with code ``unreadable``, and a ``ValueError``) is what the DSP core
raises for arrays that are no signal.
"""

import traceback
from collections.abc import Callable
from typing import ClassVar, Final, TypeVar

from samplemind_worker.usage import NOTHING_USED, Usage

T = TypeVar("T")


class SampleMindError(Exception):
    """The root of all errors of ours."""


class TransientError(SampleMindError):
    """May go away by itself: the work is retried."""


class ServiceUnavailableError(TransientError):
    """Redis, MongoDB or Chroma does not answer."""


class IndexMissingError(ServiceUnavailableError):
    """Chroma answers, but does not have the vectors; they are rebuilt from the record."""


class IndexDamagedError(ServiceUnavailableError):
    """Chroma answers, but cannot read or write the vectors; they are rebuilt from the record."""


class OverTheRateError(TransientError):
    """The providers of summaries let no more requests through for a while."""


class RootNotReachedError(SampleMindError):
    """A root is not reached by this machine now, which says nothing about the files below it."""

    def __init__(self, root: str) -> None:
        super().__init__(f"this machine does not reach the root {root}")
        self.root = root


class PermanentError(SampleMindError):
    """Ends one file, with a stored reason."""

    code: ClassVar[str] = "internal"


class MissingFileError(PermanentError):
    """The file is not there any more."""

    code = "missing"


class PermissionDeniedError(PermanentError):
    """The file may not be read."""

    code = "permission"


class OutsideRootsError(PermanentError):
    """The path leaves its root."""

    code = "outside_roots"


class EmptyFileError(PermanentError):
    """The file has no bytes, or no frames."""

    code = "empty"


class NotAudioError(PermanentError):
    """The bytes are no audio of any known kind."""

    code = "not_audio"


class UnreadableError(PermanentError):
    """Audio by its name or header, but it cannot be decoded."""

    code = "unreadable"


class InvalidSignalError(UnreadableError, ValueError):
    """An array that is no signal; says what was wanted and what came."""


class UnsupportedError(PermanentError):
    """A known format that needs an extra, or is not supported."""

    code = "unsupported"


class TooLongError(PermanentError):
    """Longer than the cap in the settings."""

    code = "too_long"


class TooLargeError(PermanentError):
    """More bytes, channels or samples a second than the settings allow."""

    code = "too_large"


class StepTimeoutError(PermanentError):
    """A step took longer than its limit."""

    code = "timeout"


class WorkerCrashedError(PermanentError):
    """The process died with the file in its hands: its decoder once, or the worker as often as we try."""

    code = "worker_crashed"


class OutOfMemoryError(PermanentError):
    """Decoding or analysing needs more memory than allowed."""

    code = "out_of_memory"


class InternalError(PermanentError):
    """A fault of ours; the message says where."""

    code = "internal"


PERMANENT_ERRORS: Final = {error.code: error for error in PermanentError.__subclasses__()}
"""The error of each code."""


class PackError(SampleMindError):
    """A pack from the inbox is not taken in."""


class PackRefusedError(PackError):
    """The pack breaks a rule: it never will be taken as it is."""


class PackNotNowError(PackError):
    """The pack cannot be taken now: it still changes, or the disk is full."""


class ProviderError(SampleMindError):
    """A provider gives no summaries. Never retried by the pipeline: it is passed over."""

    def __init__(self, message: str, *, usage: Usage = NOTHING_USED) -> None:
        super().__init__(message)
        self.usage = usage
        """What was spent all the same."""


class ProviderSetupError(ProviderError):
    """No key, a wrong one, or an unknown model; the message says how to mend it."""


class RateLimitedError(ProviderError):
    """The provider wants fewer requests."""

    def __init__(self, message: str, *, usage: Usage = NOTHING_USED, retry_after: float | None = None) -> None:
        super().__init__(message, usage=usage)
        self.retry_after = retry_after
        """Seconds after which it may be asked again, if it says so."""


class ProviderUnavailableError(ProviderError):
    """No network, a fault of the service, no answer in time, or one that was cut short."""


class ProviderNotReachedError(ProviderUnavailableError):
    """No connection: it was sent nothing, and is owed nothing."""


class ProviderRefusedError(ProviderError):
    """The provider declines to write about these samples."""


class UnreadableReplyError(ProviderError):
    """The reply is not what was asked for, and repair did not help."""


class UsageError(SampleMindError):
    """Wrong usage of a command."""


class SetupError(SampleMindError):
    """The machine lacks something; the message says how to mend it."""


def attempt(work: Callable[[], T]) -> T | PermanentError:
    """Do the work of one file, and return its result, or the error that the file fails with.

    Raises
    ------
    SampleMindError
        Any of ours that is no PermanentError, such as TransientError: it says nothing about the file.
    """
    try:
        return work()
    except PermanentError as error:
        return error
    except SampleMindError:
        raise
    except MemoryError:
        return OutOfMemoryError("not enough memory to analyse this file")
    except Exception as error:  # noqa: BLE001 -- one file's fault must not fail its whole parcel; it is stored as that file's failure
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
        return InternalError(f"{type(error).__name__}: {error} ({place})")
