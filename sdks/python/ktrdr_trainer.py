"""A trainer for ktrdr, in one file without dependencies (Python 3.8 or newer).

    from ktrdr_trainer import connect

    with connect("my-trainer", "1") as run:
        state = load(run.resume.dir) if run.resume else begin(run.params)
        run.started(step=state.step, epoch=state.epoch, steps=STEPS, epochs=EPOCHS)
        while state.step < STEPS:
            state.train_one_step()
            run.step(state.step, state.epoch, save=state.write, loss=state.loss)
        run.complete(state.step, state.epoch, save=state.write, result={"weights_sha256": state.sha256()})

``save`` is a function that writes the whole state as files into the directory that it is given. ``run.step`` is the
place where the supervisor is obeyed: it saves when a save is wanted and leaves the ``with`` block when it is to stop.

The protocol is described in docs/TRAINER-PROTOCOL.md: JSON Lines, control on file descriptor 3, events on 4.
"""

import functools
import json
import math
import numbers
import operator
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import namedtuple

__version__ = "1.0.0"
__all__ = ["connect", "Run", "Resume", "Stopped", "ProtocolError"]

CONTROL_FD = 3
EVENT_FD = 4
PROGRESS_EVERY_SECONDS = 0.2
FINAL_TRIES = 4
RESULT_MAX_BYTES = 256 * 1024

#: Where an attempt continues: ``dir`` holds the files that ``save`` wrote, ``step`` and ``epoch`` say when.
Resume = namedtuple("Resume", ["dir", "step", "epoch"])


class ProtocolError(Exception):
    """The supervisor said something that the protocol does not have, or there is no supervisor."""


class Stopped(BaseException):
    """Leaves the ``with`` block after a stop. Not an Exception, so that no ``except Exception`` holds it up."""


class _Channel:
    """Both pipes. Reading has its own thread, so that the end of the supervisor is the end of the trainer."""

    def __init__(self, control_fd, event_fd):
        self._event_fd = event_fd
        self._lock = threading.Lock()
        self.controls = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(control_fd,), daemon=True)
        self._reader.start()

    def emit(self, event):
        data = (json.dumps(event, allow_nan=False, separators=(",", ":")) + "\n").encode("utf-8")
        with self._lock:
            while data:
                data = data[os.write(self._event_fd, data):]

    def _read(self, fd):
        with os.fdopen(fd, "r", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                if not line.strip():
                    continue
                try:
                    control = json.loads(line)
                    if not isinstance(control, dict) or not isinstance(control.get("type"), str):
                        raise ValueError("it is no object with a type")
                except ValueError as error:
                    control = {"type": "?", "problem": "%s: %.200r" % (error, line)}
                self.controls.put(control)
        os._exit(1)  # the supervisor is gone, and with it whoever could keep what is trained from here on


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_fork = threading.local()


def _leave_signals_to_supervisor():
    """In this process only: its children end by them. Does nothing outside the main thread, where no handler can be.

    A handler that does nothing, and not SIG_IGN, which would be inherited by every program that is executed.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        signal.signal(number, _ignore)
        signal.siginterrupt(number, False)
    _register_fork_hooks()


def _ignore(number, frame):
    pass


@functools.lru_cache(maxsize=None)
def _register_fork_hooks():
    os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_restore_signals)


def _hold_signals():
    # One that reached the child before its handlers are restored would be lost.
    _fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _release_signals():
    signal.pthread_sigmask(signal.SIG_SETMASK, _fork.mask)


def _restore_signals():
    for number in _SIGNALS:
        if signal.getsignal(number) is _ignore:
            signal.signal(number, signal.SIG_DFL)
    _release_signals()


def connect(trainer, version="0", backends=(), control_fd=CONTROL_FD, event_fd=EVENT_FD):
    """Says that this trainer is ready and waits for its operation. Use the result in a ``with`` statement.

    From here on SIGINT and SIGTERM do not end this process, if this is its main thread. Its children they do end.
    """
    for fd in (control_fd, event_fd):
        try:
            os.fstat(fd)
        except OSError:
            raise ProtocolError(
                "file descriptor %d is not open: a trainer is started by a ktrdr worker, with "
                '"trainer: {kind: process, interface: protocol}" in the spec' % fd
            )
    _leave_signals_to_supervisor()
    channel = _Channel(control_fd, event_fd)
    channel.emit(
        {"type": "ready", "trainer": trainer, "version": version, "pid": os.getpid(), "backends": list(backends)}
    )
    start = channel.controls.get()
    if start["type"] != "start":
        channel.emit(_failure("trainer-protocol-violated", "expected start, got %r" % start))
        raise ProtocolError("expected start, got %r" % start)
    return Run(channel, start)


class Run:
    """One attempt at one operation."""

    def __init__(self, channel, start):
        self._channel = channel
        self.operation_id = start["operation_id"]
        self.attempt = start["attempt"]
        self.spec = start["spec"]
        #: What the spec says under ``params``.
        self.params = self.spec.get("params", {}) if isinstance(self.spec, dict) else {}
        #: The spec's ``data.source`` as a file on this machine, or None.
        self.data_file = start.get("data_file")
        self.spool_dir = start["spool_dir"]
        resume = start.get("resume")
        #: The checkpoint to continue from, verified, or None for the beginning.
        self.resume = Resume(resume["dir"], resume["step"], resume["epoch"]) if resume else None
        self._steps = 0
        self._epochs = 0
        self._stop = None
        self._requests = []
        self._unsettled = set()
        self._due = False
        self._retry_at = 0.0
        self._retry_after = 1.0
        self._metrics = {}
        self._best = None
        self._told_at = None
        self._is_over = False

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Stopped):
            return True
        if kind is not None and issubclass(kind, MemoryError):
            return False  # the worker reads it from stderr
        if kind is not None and issubclass(kind, Exception) and not self._is_over:
            traceback.print_exception(kind, error, trace)
            sys.stderr.flush()
            os._exit(1)  # a crash: the worker reports the last lines of stderr
        if kind is None and not self._is_over:
            self.fail("trainer-protocol-violated", "The trainer left without run.complete()")
        return False

    # what a trainer tells

    def started(self, step, epoch=0, steps=0, epochs=0, data_fingerprint="none", parameters=0, backend="python"):
        """The data is read and the state restored: the next thing is a step."""
        self._steps, self._epochs = _whole("steps", steps), _whole("epochs", epochs)
        self._channel.emit(
            {
                "type": "started",
                "step": _whole("step", step),
                "epoch": _whole("epoch", epoch),
                "steps": self._steps,
                "epochs": self._epochs,
                "backend": backend,
                "backend_version": "%d.%d.%d" % sys.version_info[:3],
                "backend_reason": "it is what the program is written in",
                "data_fingerprint": data_fingerprint,
                "parameters": _whole("parameters", parameters),
            }
        )

    def metrics(self, step, epoch, values, best=None):
        """Figures by name, at the end of an epoch. ``best``: the name of the one that is the best so far, if one is."""
        step, epoch = _whole("step", step), _whole("epoch", epoch)
        self._metrics = {_name(name): _number(value) for name, value in values.items()}
        if best is not None:
            self._best = {"step": step, "epoch": epoch, "metric": _name(best), "value": self._metrics[_name(best)]}
        self._channel.emit(
            {"type": "metrics", "step": step, "epoch": epoch, "values": self._metrics, "best": best is not None}
        )

    def warn(self, code, message):
        """Something that a person may want to know and that changes nothing."""
        self._channel.emit({"type": "warning", "code": code, "message": _text(str(message))})

    def step(self, step, epoch, save, loss=None, examples_per_second=None, periodic=False, end_of_epoch=False):
        """A step is done. Saves what is asked for; does not return when the trainer is to stop.

        ``periodic``: this is a place where the trainer itself would save. ``end_of_epoch``: a stop may be asked for
        at the end of an epoch, which is here. ``examples_per_second`` is not told where it is not finite.
        """
        step, epoch = _whole("step", step), _whole("epoch", epoch)
        self._progress(step, epoch, loss, examples_per_second)
        self._take_controls()
        for request in self._drain():
            self._save(request["request_id"], request["kind"], step, epoch, save)
        self._due = self._due or periodic
        if self._due and not self._unsettled and time.monotonic() >= self._retry_at:
            self._due = False
            if self._save("periodic-%d-%d" % (self.attempt, step), "periodic", step, epoch, save):
                self._retry_after = 1.0
            else:
                self._due = True
                self._retry_at = time.monotonic() + self._retry_after
                self._retry_after = min(60.0, self._retry_after * 2)
        self._obey_stop(step, epoch, save, end_of_epoch)

    def complete(self, step, epoch, save=None, result=None):
        """Everything is done: saves for the last time and reports the result, a dict of at most 256 KiB as JSON.

        Scalars and arrays of numpy and its kin become numbers and lists, and what JSON has no number for "NaN",
        "Infinity" or "-Infinity". Any other result raises TypeError, with the place, or ValueError before anything is
        saved.
        """
        step, epoch, result = _whole("step", step), _whole("epoch", epoch), _result(result)
        if save is not None and not self._save_finally(step, epoch, save):
            return self.fail("checkpoint-failed", "The final checkpoint could not be saved")
        self._end({"type": "completed", "step": step, "epoch": epoch, "result": result})

    def fail(self, code, message, details=None):
        """Gives the operation up; a person may resume it. ``code`` is one of ktrdr's error codes."""
        self._end(_failure(code, message, details))

    # what a trainer is told

    def _take_controls(self):
        while True:
            try:
                control = self._channel.controls.get_nowait()
            except queue.Empty:
                return
            kind = control["type"]
            if kind == "save":
                self._requests.append(control)
            elif kind == "stop":
                self._stop = control
            elif kind == "continue":
                self._stop = None
            elif kind == "settled":
                self._unsettled.discard(control.get("request_id"))
            else:
                self.fail("trainer-protocol-violated", "got %r" % control)
                raise Stopped()

    def _drain(self):
        requests, self._requests = self._requests, []
        return requests

    def _obey_stop(self, step, epoch, save, end_of_epoch):
        stop = self._stop
        if stop is None or (stop["boundary"] == "epoch" and not end_of_epoch):
            return
        wanted = stop["save"]
        if wanted is not None and not self._save(wanted["request_id"], wanted["kind"], step, epoch, save):
            self._stop = None  # withdrawn by its failed save
            return
        self._take_controls()  # it may have been withdrawn or replaced while the files were written
        if self._stop is not stop:
            return self._obey_stop(step, epoch, save, end_of_epoch)
        self._end({"type": "stopped", "step": step, "epoch": epoch})
        raise Stopped()

    # saving

    def _save(self, request_id, kind, step, epoch, save):
        target = os.path.join(self.spool_dir, request_id)
        draft = target + ".writing"
        begun = time.monotonic()
        try:
            os.mkdir(draft)
            save(draft)
            files = _sync(draft)
            if not files:
                raise OSError("the save function has written no files")
            os.rename(draft, target)
            _sync_directory(self.spool_dir)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            self._channel.emit({"type": "save_failed", "request_id": request_id, "message": _text(str(error))})
            return False
        self._unsettled.add(request_id)
        self._channel.emit(
            {
                "type": "saved",
                "request_id": request_id,
                "kind": kind,
                "step": step,
                "epoch": epoch,
                "dir": target,
                "files": files,
                "stall_ms": (time.monotonic() - begun) * 1000,
                "metrics": self._metrics,
                "best": self._best,
            }
        )
        return True

    def _save_finally(self, step, epoch, save):
        for attempt in range(1, FINAL_TRIES + 1):
            if self._save("final-%d-%d" % (self.attempt, attempt), "final", step, epoch, save):
                return True
            time.sleep(min(2.0, 0.25 * 2**attempt))
        return False

    def _progress(self, step, epoch, loss, examples_per_second):
        now = time.monotonic()
        is_last = self._steps > 0 and step >= self._steps
        if self._told_at is not None and now - self._told_at < PROGRESS_EVERY_SECONDS and not is_last:
            return
        self._told_at = now
        self._channel.emit(
            {
                "type": "progress",
                "step": step,
                "epoch": epoch,
                "steps": self._steps,
                "epochs": self._epochs,
                "loss": None if loss is None else _number(loss),
                "examples_per_second": _rate(examples_per_second),
            }
        )

    def _end(self, event):
        self._is_over = True
        sys.stdout.flush()
        self._channel.emit(event)


def _failure(code, message, details=None):
    return {"type": "failed", "code": code, "message": _text(str(message)), "details": _plain(details or {}, "details")}


def _whole(name, value):
    try:
        return int(operator.index(value))
    except TypeError:
        number = float(value)
    if not number.is_integer():
        raise ValueError("%s is %r, which is no whole number" % (name, number))
    return int(number)


def _number(value):
    """JSON has no number for these three."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _rate(value):
    """None where nobody can tell: a step that took no time, for instance."""
    rate = math.nan if value is None else float(value)
    return rate if math.isfinite(rate) else None


def _text(value):
    """PostgreSQL stores neither NUL nor half a surrogate pair: both become U+FFFD."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def _result(value):
    result = {} if value is None else value
    if not isinstance(result, dict):
        raise TypeError("result is of type %s, and must be a dict" % type(result).__name__)
    try:
        result = _plain(result, "result")
    except RecursionError:
        raise ValueError("result contains itself, or is nested too deeply") from None
    length = len(json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))
    if length > RESULT_MAX_BYTES:
        raise ValueError("result is %d bytes long as JSON, and must not exceed %d" % (length, RESULT_MAX_BYTES))
    return result


def _plain(value, place):
    """The value in JSON's own types. ``place`` is what an error calls it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return _number(value)
    if isinstance(value, dict):
        names = ((_name(key), part) for key, part in value.items())
        return {name: _plain(part, "%s.%s" % (place, name)) for name, part in names}
    if isinstance(value, (list, tuple)):
        return [_plain(part, "%s[%d]" % (place, index)) for index, part in enumerate(value)]
    convert = getattr(value, "tolist", None) or getattr(value, "item", None)
    if convert is None or isinstance(value, (numbers.Number, type)):
        raise TypeError("%s is of type %s, which JSON has no form for" % (place, type(value).__name__))
    try:
        plain = convert()
    except Exception as error:
        raise TypeError("%s is of type %s, and does not convert: %s" % (place, type(value).__name__, error)) from error
    return _plain(plain, place)


def _name(key):
    """As JSON names it: true, not True."""
    if key is None or isinstance(key, int):
        return json.dumps(key)
    return _text(key if isinstance(key, str) else str(key))


def _sync(directory):
    names = sorted(os.listdir(directory))
    for name in names:
        path = os.path.join(directory, name)
        if not os.path.isfile(path) or os.path.islink(path):
            raise OSError("%s is no plain file; a checkpoint has no folders and no links" % name)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    _sync_directory(directory)
    return names


def _sync_directory(directory):
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
