"""What needs no server of the vectors."""

import subprocess
import sys
import textwrap


def test_connecting_while_another_thread_loads_the_library_does_no_harm():
    script = """
        import sys, threading, time
        from samplemind_worker.errors import ServiceUnavailableError
        from samplemind_worker.store.vectors import Vectors

        faults = []

        def load():
            try:
                import chromadb
            except BaseException as error:
                faults.append(error)

        thread = threading.Thread(target=load)
        thread.start()
        while "chromadb" not in sys.modules:
            time.sleep(0.001)
        try:
            Vectors("http://127.0.0.1:9", database="nowhere", version=1).ids()
        except ServiceUnavailableError:
            print("unavailable")
        thread.join()
        print(faults)
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )

    assert done.stdout.splitlines() == ["unavailable", "[]"]
