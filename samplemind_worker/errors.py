"""The exception tree.

::

    SampleMindError
    ├── TransientError              retried with back-off and jitter
    │   ├── ServiceUnavailableError a service does not answer
    │   │   ├── BucketNotReachedError   a bucket does not answer, or does not let this machine in
    │   │   ├── IndexMissingError   Chroma answers, but does not have the vectors
    │   │   └── IndexDamagedError   Chroma answers, but cannot read or write them
    │   └── OverTheRateError        the providers of summaries accept no more requests now
    ├── RootNotReachedError         this machine does not reach a root; its parcel goes back to others
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
    │   ├── PackRefusedError        the pack breaks a rule: it moves to ``refused/`` with the reason
    │   ├── PackNotNowError         it stays in the inbox for the next run
    │   └── UploadError             it does not get into the inbox
    │       ├── NameTakenError      another one has its name
    │       ├── NoRoomError         the disk is too full
    │       └── UploadTooLargeError it is larger than an upload may be
    ├── NotWrittenError             a file of the user is left as it is; the message says why
    ├── ProviderError               a provider gives no summary; the analysis is stored all the same
    │   ├── ProviderSetupError      no key, a wrong one, or an unknown model; it has to be mended first
    │   ├── RateLimitedError        too many requests; it may say when to ask again
    │   ├── ProviderUnavailableError    no network, a fault of the service, no whole reply in time
    │   │   └── ProviderNotReachedError no connection; nothing was sent, so nothing is owed
    │   ├── ProviderRefusedError    the provider declines to write about these samples
    │   └── UnreadableReplyError    the reply has the wrong form, and so has a second one
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
    """The base class of all our errors."""


class TransientError(SampleMindError):
    """A fault that may pass by itself; the work is retried."""


class ServiceUnavailableError(TransientError):
    """Redis, MongoDB, Chroma or a bucket does not answer."""


class BucketNotReachedError(ServiceUnavailableError):
    """A bucket is not there, its service does not answer, or it accepts no credentials of this machine."""

    def __init__(self, bucket: str, why: str) -> None:
        super().__init__(f"{bucket} is not reached: {why}")


class IndexMissingError(ServiceUnavailableError):
    """Chroma answers, but does not have the vectors; they are rebuilt from the record."""


class IndexDamagedError(ServiceUnavailableError):
    """Chroma answers, but cannot read or write the vectors; they are rebuilt from the record."""


class OverTheRateError(TransientError):
    """The providers of summaries accept no more requests for a while."""


class RootNotReachedError(SampleMindError):
    """A root is not reached from this machine now, which says nothing about the files below it."""

    def __init__(self, root: str, why: str = "") -> None:
        super().__init__(f"this machine does not reach the root {root}" + (f": {why}" if why else ""))
        self.root = root
        self.why = why
        """What the service of a bucket said."""


class PermanentError(SampleMindError):
    """Ends one file, with a stored reason."""

    code: ClassVar[str] = "internal"
    advice: ClassVar[str] = ""
    """What the user can do, in whole sentences."""
    is_tried_again: ClassVar[bool] = False
    """Whether a file gets the code only after it was begun ``SAMPLEMIND_MAX_STARTS`` times, where a worker died or a
    step failed as a whole; what the decoder says of a file itself is final at once."""


class MissingFileError(PermanentError):
    """The file does not exist any more."""

    code = "missing"
    advice = "Submit the folder again: files that are gone are left out, and moved ones are found."


class PermissionDeniedError(PermanentError):
    """The file may not be read."""

    code = "permission"
    advice = "Let the user of the workers read the file and its folders, then `samplemind retry`."


class OutsideRootsError(PermanentError):
    """The path leads out of its root."""

    code = "outside_roots"
    advice = "Put the file itself below its root instead of a link, or add its folder to `SAMPLEMIND_ROOTS`."


class EmptyFileError(PermanentError):
    """The file has no bytes, or no frames."""

    code = "empty"
    advice = "Nothing can be heard in it; delete it, or get it again from where it came."


class NotAudioError(PermanentError):
    """The content is not audio of any known kind."""

    code = "not_audio"
    advice = "It holds no audio, whatever its name says: rename it, or delete it."


class UnreadableError(PermanentError):
    """The name or header says audio, but the content cannot be decoded."""

    code = "unreadable"
    advice = "Get it again from where it came, or convert it by a program that plays it."


class InvalidSignalError(UnreadableError, ValueError):
    """An array is not a signal; the message says what was wanted and what came."""


class UnsupportedError(PermanentError):
    """The format is known, but needs an extra or is not supported."""

    code = "unsupported"
    advice = "The message names the extra that is missing; without one, convert the file to WAV or FLAC."


class TooLongError(PermanentError):
    """The audio is longer than the settings allow."""

    code = "too_long"
    advice = "Raise `SAMPLEMIND_MAX_DURATION`, then `samplemind retry`."


class TooLargeError(PermanentError):
    """The file has more bytes, more channels or a higher sample rate than the settings allow."""

    code = "too_large"
    advice = (
        "Raise `SAMPLEMIND_MAX_FILE_BYTES`, `SAMPLEMIND_MAX_CHANNELS` or `SAMPLEMIND_MAX_SAMPLE_RATE`, as the "
        "message says, then `samplemind retry`."
    )


class StepTimeoutError(PermanentError):
    """A step took longer than its limit."""

    code = "timeout"
    advice = (
        "If the machine was overloaded, `samplemind retry`; otherwise raise `SAMPLEMIND_DECODE_SECONDS` or "
        "`SAMPLEMIND_STEP_SECONDS`, as the message says."
    )
    is_tried_again = True


class WorkerCrashedError(PermanentError):
    """The process died while it had the file: its decoder once, or the worker at every try."""

    code = "worker_crashed"
    advice = (
        "`samplemind retry` if workers were killed, as by a machine that ran out of memory; otherwise the file is "
        "damaged in a way that ends its decoder: convert it."
    )
    is_tried_again = True


class OutOfMemoryError(PermanentError):
    """Decoding or analysing needs more memory than allowed."""

    code = "out_of_memory"
    advice = (
        "Raise `SAMPLEMIND_DECODE_MEMORY_BYTES` or `SAMPLEMIND_CHILD_MEMORY_BYTES`, where the machine has more, "
        "then `samplemind retry`."
    )
    is_tried_again = True


class InternalError(PermanentError):
    """A fault in our code; the message says where."""

    code = "internal"
    advice = "Report it with the message and, if you may, with the file; `samplemind retry` after an upgrade."
    is_tried_again = True


PERMANENT_ERRORS: Final = {error.code: error for error in PermanentError.__subclasses__()}
"""The error of each code."""


class PackError(SampleMindError):
    """A pack from the inbox cannot be taken in."""


class PackRefusedError(PackError):
    """The pack breaks a rule and is refused."""


class PackNotNowError(PackError):
    """The pack cannot be taken in now, because it still changes or the disk is full."""


class UploadError(PackError):
    """A file does not get into the inbox."""


class NameTakenError(UploadError):
    """The inbox has another file of that name."""


class NoRoomError(UploadError):
    """The disk of the inbox has too little room."""


class UploadTooLargeError(UploadError):
    """The file is larger than an upload may be."""


class NotWrittenError(SampleMindError):
    """A file of the user is left as it is; the message says why."""


class ProviderError(SampleMindError):
    """A provider gives no summaries. The pipeline does not retry it but asks the next one."""

    def __init__(self, message: str, *, usage: Usage = NOTHING_USED) -> None:
        super().__init__(message)
        self.usage = usage
        """What was used nevertheless."""


class ProviderSetupError(ProviderError):
    """No key, a wrong one, or an unknown model; the message says how to mend it."""


class RateLimitedError(ProviderError):
    """The provider received too many requests."""

    def __init__(self, message: str, *, usage: Usage = NOTHING_USED, retry_after: float | None = None) -> None:
        super().__init__(message, usage=usage)
        self.retry_after = retry_after
        """Seconds until the next request, if the provider says so."""


class ProviderUnavailableError(ProviderError):
    """There is no network, no reply in time or only a part of one, or the service has a fault."""


class ProviderNotReachedError(ProviderUnavailableError):
    """There was no connection. Nothing was sent, so nothing is owed."""


class ProviderRefusedError(ProviderError):
    """The provider declines to write about these samples."""


class UnreadableReplyError(ProviderError):
    """The reply has the wrong form, and so has a second one."""


class UsageError(SampleMindError):
    """Wrong usage of a command."""


class SetupError(SampleMindError):
    """The machine lacks something; the message says how to mend it."""


def how_to_add(extra: str) -> str:
    """Return the command that adds an extra to an environment that was set up without it, and removes nothing."""
    return f"`.tools/bin/uv sync --locked --inexact --no-dev --extra {extra}` in the project's folder"


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
