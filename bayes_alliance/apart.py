"""Work in processes of its own, one a core, which keep what they made for the next job.

A process is this module, run by itself: it reads jobs from its standard input and answers on its
standard output. So nothing of the program that asks is imported again, as `multiprocessing` would
have it, and threads of its libraries are not forked. It ends as soon as its input does, whatever it
is doing: however the program that asks was ended, none of its processes lives on.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from bayes_alliance.errors import InputError

LENGTH = struct.Struct("<Q")
"""Before each job stands how many bytes it has."""


class Job(NamedTuple):
    """Something to do.

    Parameters
    ----------
    group : str
        Jobs of one group share what they compile.
    done : concurrent.futures.Future
        Takes the answer.
    asked : tuple
        A function of a module, and its arguments but for the last: whom to tell each step.
    """

    group: str
    done: Future[Any]
    asked: tuple[Callable[..., Any], tuple[Any, ...]]


class Crew:
    """Processes that work beside this one.

    Parameters
    ----------
    tell : callable
        Called with the name of each step, in a thread of the process that makes it.
    count : int, optional
        How many; one a core by default.
    read_first : sequence of str
        Modules that they import while they wait for their first job.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        count: int | None = None,
        read_first: Sequence[str] = (),
    ) -> None:
        self.tell = tell
        self.jobs: list[Job] = []
        self.groups: dict[str, int] = {}
        self.changed, self.telling = threading.Condition(), threading.Lock()
        self.closed = False
        command = [sys.executable, "-m", __name__, *read_first]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(count or os.cpu_count() or 1)
        ]
        self.threads = [
            threading.Thread(target=self._serve, args=own, daemon=True)
            for own in enumerate(self.processes)
        ]
        for thread in self.threads:
            thread.start()

    def submit(self, group: str, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Ask for something; jobs are taken in the order in which they came, group by group.

        Parameters
        ----------
        group : str
            Jobs of one group share what they compile: a process that took one prefers the others.
        function : callable
            A function of a module; its last argument tells steps.
        *args
            Its other arguments.

        Returns
        -------
        concurrent.futures.Future
            The answer; bad input and want of memory as the function raised them, another error in
            words, as a `RuntimeError`; a process that was killed as an `InputError`.
        """
        job = Job(group, Future(), (function, args))
        with self.changed:
            self.jobs.append(job)
            self.changed.notify_all()
        return job.done

    def close(self) -> None:
        """End the processes, whatever they do."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        for process in self.processes:
            process.terminate()
        for thread, process in zip(self.threads, self.processes, strict=True):
            process.wait()
            thread.join()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(OSError):  # half a job may be left in it
                    pipe.close()

    def _next(self, number: int) -> Job | None:
        """The next job of a process: of its own groups, else of nobody's, else any."""
        with self.changed:
            self.changed.wait_for(lambda: self.jobs or self.closed)
            if self.closed:
                return None
            owner = [self.groups.get(job.group) for job in self.jobs]
            at = next((owner.index(of) for of in (number, None) if of in owner), 0)
            job = self.jobs.pop(at)
            self.groups.setdefault(job.group, number)
            return job

    def _serve(self, number: int, process: subprocess.Popen[bytes]) -> None:
        """Pass jobs to a process and its answers on."""
        assert process.stdin is not None and process.stdout is not None
        while (job := self._next(number)) is not None:
            try:
                asked = pickle.dumps(job.asked, protocol=pickle.HIGHEST_PROTOCOL)
                answer = self._answer(asked, process)
                if answer[0] == "failed":
                    raise answer[1]
                job.done.set_result(answer[1])
            except BaseException as error:
                # nobody waits for what is left
                with self.changed:
                    for one in (job, *self.jobs):
                        one.done.set_exception(error)
                    self.jobs.clear()

    def _answer(self, asked: bytes, process: subprocess.Popen[bytes]) -> tuple[str, Any]:
        """Have a process do a job, and tell its steps."""
        assert process.stdin is not None and process.stdout is not None
        ask = LENGTH.pack(len(asked)) + asked
        while True:
            try:
                process.stdin.write(ask)
                process.stdin.flush()
                answer = pickle.load(process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError):  # half an answer, or none
                raise InputError(_lost(process.wait(), len(self.processes))) from None
            if answer[0] != "step":
                return answer
            ask = b""
            with self.telling:
                self.tell(answer[1])


def _lost(code: int, count: int) -> str:
    """What would have been needed, where a process ended before its answer."""
    if code == -signal.SIGTERM:
        return "processes that nobody ends: one was terminated, and what it did is lost"
    how = "killed, probably for want of memory" if code < 0 else "ended"
    return (
        f"memory for {count} processes at once: one was {how} (status {code}); end other programs, "
        "ask for fewer draws or chains, or use a machine with more memory, and run again"
    )


@contextmanager
def crew(
    tell: Callable[[str], None], count: int | None = None, read_first: Sequence[str] = ()
) -> Iterator[Crew]:
    """Processes for the length of a with statement.

    Parameters
    ----------
    tell, count, read_first
        As of `Crew`.

    Yields
    ------
    Crew
        Takes jobs; leaving early ends what it does.
    """
    made = Crew(tell, count, read_first)
    try:
        yield made
    finally:
        made.close()


def main() -> None:
    """Do what comes in until whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks is interrupted, and ends this
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    for name in sys.argv[1:]:
        importlib.import_module(name)

    def answer(kind: str, what: Any) -> None:
        pickle.dump((kind, what), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()

    while True:
        function, args = pickle.loads(jobs.get())
        try:
            found = function(*args, lambda step: answer("step", step))
        except (InputError, MemoryError) as error:
            answer("failed", error)
        except Exception:
            answer("failed", RuntimeError(traceback.format_exc()))
        else:
            answer("done", found)


def _read(jobs: queue.SimpleQueue[bytes]) -> None:
    """Take in jobs as bytes; end the process where whoever asks is gone."""
    while True:
        head = sys.stdin.buffer.read(LENGTH.size)
        body = sys.stdin.buffer.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
        if not body:
            os._exit(1)
        jobs.put(body)


if __name__ == "__main__":
    main()
