"""The list of all documents: what the connection binds to its database, and whose indexes it makes."""

from typing import Final

from beanie import Document

from samplemind_worker.documents.ai_job import AiJob
from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.audio_file import AudioFile, DisplacedContent, FileLocation, MountPoint
from samplemind_worker.documents.batch import BatchItem, BatchJob
from samplemind_worker.documents.entry import EntryIndex, LibraryEntry, StaleEntry
from samplemind_worker.documents.marks import SampleCollection, SampleMarks
from samplemind_worker.documents.pack import Pack, RunReport, Turn
from samplemind_worker.documents.schema import Schema
from samplemind_worker.documents.sound_map import SoundMap, SoundMapPart
from samplemind_worker.documents.spend import AiCall, Purse
from samplemind_worker.documents.user import ApiToken, AuditEntry, SigningKey, TokenFamily, User
from samplemind_worker.documents.vector_index import VectorIndex
from samplemind_worker.documents.waveform import Waveform

DOCUMENTS: Final[list[type[Document]]] = [
    AudioFile,
    FileLocation,
    DisplacedContent,
    MountPoint,
    Analysis,
    Waveform,
    BatchJob,
    BatchItem,
    Pack,
    Turn,
    Schema,
    RunReport,
    AiCall,
    Purse,
    AiJob,
    VectorIndex,
    LibraryEntry,
    StaleEntry,
    EntryIndex,
    SoundMap,
    SoundMapPart,
    SampleMarks,
    SampleCollection,
    User,
    TokenFamily,
    ApiToken,
    SigningKey,
    AuditEntry,
]
