"""``python -m samplemind_cli.browse.sounding FILE`` plays one file through sounddevice, in a process of its own.

It decodes the file itself, with libsndfile. A file that harms libsndfile harms this process alone.
"""

import sys

_FRAMES = 4096


def main(path: str) -> None:
    """Play a file to its end."""
    import sounddevice  # noqa: PLC0415 -- slow import
    import soundfile  # noqa: PLC0415 -- slow import

    with soundfile.SoundFile(path) as file:
        frame_bytes = 4 * file.channels
        buffer = bytearray(_FRAMES * frame_bytes)
        with sounddevice.RawOutputStream(samplerate=file.samplerate, channels=file.channels, dtype="float32") as stream:
            while frames := file.buffer_read_into(buffer, dtype="float32"):
                stream.write(bytes(buffer[: frames * frame_bytes]))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (OSError, RuntimeError) as error:
        sys.exit(str(error))
