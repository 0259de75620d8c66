"""Tests of the client against its two pipes, with a real child process. Run with: python3 -m unittest"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest

ENDLESS = 10**9
LONGEST_RESULT = 256 * 1024

HERE = os.path.dirname(os.path.abspath(__file__))

TRAINER = """
import json, os, signal, subprocess, sys
sys.path.insert(0, {here!r})
from ktrdr_trainer import connect

{setup}
with {connect} as run:
    state = {{"step": 0}}
    def save(directory):
        if os.path.exists(os.path.join(run.spool_dir, "full")):
            raise OSError(28, "No space left on device")
        with open(os.path.join(directory, "state.json"), "w") as file:
            json.dump(state, file)
    if run.resume:
        with open(os.path.join(run.resume.dir, "state.json")) as file:
            state = json.load(file)
    steps = run.params.get("steps", 5)
    run.started(step=state["step"], epoch=state["step"] // 10, steps=steps, epochs=steps // 10)
    while state["step"] < steps:
        if run.params.get("paced"):
            sys.stdin.readline()
        state["step"] += 1
        step = state["step"]
        {extra}
        run.step(step, step // 10, save, loss=1 / step, periodic=step % 4 == 0,
                 end_of_epoch=step % run.params.get("epoch_steps", 10) == 0)
    run.complete(step, step // 10, save, result={result})
"""

#: What numpy and its kin have for a number, as far as a trainer sees it.
FIGURE = """
class Figure:
    def __init__(self, value): self.value = value
    def __index__(self): return self.value
    def __float__(self): return float(self.value)
    def tolist(self): return self.value
class Scalar:
    def __init__(self, value): self.value = value
    def item(self):
        if isinstance(self.value, str): raise LookupError("no item")
        return self.value
"""


class Supervisor:
    """The other end of the pipes."""

    def __init__(self, extra="pass", result='{"steps": step}', setup="", connect='connect("counter", "7")'):
        control_read, self.control = os.pipe()
        self.events, event_write = os.pipe()
        self.spool = tempfile.mkdtemp()

        def as_protocol():
            # Out of the way first: either may be the other's number.
            ends = [os.dup2(fd, number) for fd, number in ((control_read, 200), (event_write, 201))]
            for fd, number in zip(ends, (3, 4)):
                os.dup2(fd, number)

        program = TRAINER.format(here=HERE, extra=extra, result=result, setup=setup, connect=connect)
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            preexec_fn=as_protocol,
            close_fds=False,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.watchdog = threading.Timer(30, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()
        os.close(control_read)
        os.close(event_write)
        self.lines = os.fdopen(self.events, "r", encoding="utf-8")

    def send(self, **control):
        os.write(self.control, (json.dumps(control) + "\n").encode("utf-8"))

    def start(self, resume=None, attempt=1, **params):
        spec = {"params": params}
        self.send(
            type="start",
            operation_id="op",
            attempt=attempt,
            spec=spec,
            spec_sha256="abc",
            data_file=None,
            spool_dir=self.spool,
            resume=resume,
        )

    def step(self, count=1):
        self.process.stdin.write(b"\n" * count)
        self.process.stdin.flush()

    def next(self, *kinds):
        """The next event of these kinds. A trainer that says nothing more is ended by the watchdog."""
        for line in self.lines:
            event = json.loads(line)
            if event["type"] in kinds:
                return event
        raise AssertionError("it ended without any of %r: %s" % (kinds, self.process.stderr.read().decode()))

    def rest(self):
        return [json.loads(line) for line in self.lines]

    def close(self):
        self.watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stderr.close()
        self.lines.close()
        try:
            os.close(self.control)
        except OSError:
            pass
        shutil.rmtree(self.spool, ignore_errors=True)


class ClientTest(unittest.TestCase):
    def given(self, **options):
        supervisor = Supervisor(**options)
        self.addCleanup(supervisor.close)
        self.assertEqual(supervisor.next("ready")["trainer"], "counter")
        return supervisor

    def test_trains_to_the_end_and_saves_last(self):
        it = self.given()
        it.start(steps=5)
        self.assertEqual(it.next("started")["steps"], 5)
        kinds = [event["type"] for event in it.rest()]
        self.assertEqual(kinds[-2:], ["saved", "completed"])
        self.assertEqual(it.process.wait(), 0)

    def test_stops_with_its_save_and_continues_from_it(self):
        it = self.given()
        it.start(steps=ENDLESS, epoch_steps=ENDLESS)
        first = it.next("saved")
        self.assertEqual(first["kind"], "periodic")
        it.send(type="stop", boundary="step", save={"request_id": "r1", "kind": "pause"})
        saved, stopped = it.next("saved"), it.next("stopped")
        self.assertEqual((saved["request_id"], saved["kind"], saved["files"]), ("r1", "pause", ["state.json"]))
        self.assertEqual(saved["step"], stopped["step"])
        self.assertEqual(it.process.wait(), 0)
        again = self.given()
        again.start(resume={"dir": saved["dir"], "step": saved["step"], "epoch": 0}, attempt=2, steps=saved["step"] + 9)
        self.assertEqual(again.next("started")["step"], saved["step"])
        self.assertEqual(again.next("completed")["result"], {"steps": saved["step"] + 9})

    def test_waits_for_the_end_of_the_epoch_when_told_to(self):
        it = self.given()
        it.start(steps=ENDLESS)
        it.next("started")
        it.send(type="stop", boundary="epoch", save=None)
        self.assertEqual(it.next("stopped")["step"] % 10, 0)

    def test_goes_on_when_a_stop_is_withdrawn(self):
        it = self.given()
        it.start(steps=ENDLESS, epoch_steps=ENDLESS)
        first = it.next("saved")
        it.send(type="stop", boundary="epoch", save=None)
        it.send(type="continue")
        it.send(type="save", request_id="m", kind="manual")
        asked = it.next("saved", "stopped")
        self.assertEqual(asked["type"], "saved")
        it.send(type="settled", request_id=first["request_id"])
        it.send(type="settled", request_id="m")
        self.assertEqual(it.next("saved", "stopped")["kind"], "periodic")

    def test_makes_no_second_periodic_save_before_the_first_is_settled(self):
        it = self.given()
        it.start(steps=ENDLESS)
        first = it.next("saved")
        self.assertEqual((first["kind"], first["step"]), ("periodic", 4))
        it.send(type="save", request_id="m", kind="manual")
        asked = it.next("saved")
        self.assertEqual(asked["request_id"], "m")
        for save in (first, asked):
            it.send(type="settled", request_id=save["request_id"])
        later = it.next("saved")
        self.assertEqual(later["kind"], "periodic")
        self.assertGreaterEqual(later["step"], asked["step"])

    def test_tells_a_failed_save_and_goes_on(self):
        it = self.given()
        full = os.path.join(it.spool, "full")
        open(full, "w").close()
        it.start(steps=ENDLESS)
        failed = it.next("save_failed")
        self.assertIn("No space left", failed["message"])
        it.send(type="stop", boundary="step", save={"request_id": "r1", "kind": "pause"})
        while failed["request_id"] != "r1":
            failed = it.next("save_failed", "stopped")
        self.assertEqual(os.listdir(it.spool), ["full"])
        os.remove(full)
        it.send(type="stop", boundary="step", save={"request_id": "r2", "kind": "pause"})
        self.assertEqual(it.next("stopped")["type"], "stopped")
        self.assertIn("r2", os.listdir(it.spool))

    def test_ends_when_its_supervisor_does(self):
        it = self.given()
        it.start(steps=5, paced=True)
        it.next("started")
        os.close(it.control)
        self.assertEqual(it.process.wait(timeout=20), 1)

    def test_ignores_the_signals_of_a_terminal(self):
        it = self.given()
        it.start(steps=5, paced=True)
        it.next("started")
        it.process.send_signal(signal.SIGTERM)
        it.process.send_signal(signal.SIGINT)
        it.step(1000)
        self.assertEqual(it.next("completed")["step"], 5)

    def test_can_end_the_programs_that_it_starts(self):
        it = self.given(
            extra='child = subprocess.Popen(["cat"], stdin=subprocess.PIPE); child.terminate(); '
            'run.warn("child", str(child.wait(10)))'
        )
        it.start(steps=1)
        self.assertEqual(it.next("warning")["message"], str(-signal.SIGTERM))

    def test_can_end_its_forks_even_those_that_have_just_begun(self):
        it = self.given(
            setup='import multiprocessing, time; fork = multiprocessing.get_context("fork").Process',
            extra="child = fork(target=time.sleep, args=(15,)); child.start(); child.terminate(); child.join(5); "
            'run.warn("child", str(child.exitcode))',
        )
        it.start(steps=20)
        for _ in range(20):
            self.assertEqual(it.next("warning")["message"], str(-signal.SIGTERM))

    def test_leaves_a_handler_of_the_trainers_own_to_its_forks(self):
        it = self.given(
            setup="own = lambda number, frame: None",
            extra="signal.signal(signal.SIGTERM, own); child = os.fork(); "
            "child or os._exit(7 if signal.getsignal(signal.SIGTERM) is own else 0); "
            'run.warn("child", str(os.waitpid(child, 0)[1] >> 8)); '
            'run.warn("blocked", str(signal.pthread_sigmask(signal.SIG_BLOCK, [])))',
        )
        it.start(steps=1)
        self.assertEqual(it.next("warning")["message"], "7")
        self.assertEqual(it.next("warning")["message"], "set()")

    def test_trains_in_a_thread(self):
        it = self.given(
            setup="from concurrent.futures import ThreadPoolExecutor",
            connect='ThreadPoolExecutor(1).submit(connect, "counter", "7").result()',
        )
        it.start(steps=5)
        self.assertEqual(it.next("completed")["step"], 5)

    def test_crashes_with_its_traceback(self):
        it = self.given(extra='raise ValueError("no such column")')
        it.start()
        it.next("started")
        self.assertEqual(it.process.wait(), 1)
        self.assertIn("ValueError: no such column", it.process.stderr.read().decode())

    def test_runs_out_of_memory_in_words_that_the_worker_knows(self):
        it = self.given(extra="bytearray(2**62)")
        it.start()
        it.next("started")
        self.assertEqual(it.process.wait(), 1)
        self.assertIn("MemoryError", it.process.stderr.read().decode())

    def test_spells_out_what_json_has_no_number_for(self):
        it = self.given(extra='run.metrics(step, 0, {"a": float("nan"), "b": float("-inf"), "c": 1})')
        it.start(steps=1)
        self.assertEqual(it.next("metrics")["values"], {"a": "NaN", "b": "-Infinity", "c": 1})

    def test_takes_numbers_that_are_not_quite_pythons(self):
        it = self.given(
            setup=FIGURE,
            extra="run.started(Figure(1), Figure(0), Figure(9), Figure(3), parameters=Figure(4)); "
            'run.metrics(Figure(1), 0.0, {"a": Figure(0.5)}, best="a"); '
            "run.step(Figure(1), Figure(0), save, Figure(0.5), Figure(2.5))",
        )
        it.start(steps=1)
        it.next("started")
        told = it.next("started")
        self.assertEqual([told[name] for name in ("step", "epoch", "steps", "epochs", "parameters")], [1, 0, 9, 3, 4])
        self.assertEqual(it.next("metrics")["values"], {"a": 0.5})
        told = it.next("progress")
        self.assertEqual([told[name] for name in ("step", "epoch", "loss", "examples_per_second")], [1, 0, 0.5, 2.5])

    def test_refuses_a_step_that_is_no_whole_number(self):
        it = self.given(extra="run.started(2.5)")
        it.start(steps=1)
        self.assertEqual(it.process.wait(), 1)
        self.assertIn("ValueError: step is 2.5, which is no whole number", it.process.stderr.read().decode())

    def test_knows_no_rate_that_is_not_finite(self):
        it = self.given(extra="run.step(step, 0, save, examples_per_second=1e400)")
        it.start(steps=1)
        self.assertIsNone(it.next("progress")["examples_per_second"])

    def test_reports_a_result_of_any_numbers_and_lists(self):
        it = self.given(
            setup=FIGURE,
            result='{"lost": [float("nan"), 1e400, -1e400], "pair": (1, None), "kept": {3: True, None: "x"}, '
            '"scalars": [Figure(0.5), Scalar(7), Scalar(float("inf"))], "array": Figure([[1.5, 2], [Figure(3)]])}',
        )
        it.start(steps=1)
        self.assertEqual(
            it.next("completed")["result"],
            {
                "lost": ["NaN", "Infinity", "-Infinity"],
                "pair": [1, None],
                "kept": {"3": True, "null": "x"},
                "scalars": [0.5, 7, "Infinity"],
                "array": [[1.5, 2], [3]],
            },
        )

    @unittest.skipUnless(importlib.util.find_spec("numpy"), "numpy is missing")
    def test_takes_what_numpy_has(self):
        it = self.given(
            setup="import numpy as np",
            extra="run.started(np.int64(1), np.int32(0), np.uint8(9)); "
            "run.step(np.int64(1), 0, save, np.float32(0.5), np.float32(2.5))",
            result='{"loss": np.float32(0.5), "nan": np.float16("nan"), "flag": np.bool_(True), '
            '"long": np.longdouble(2), "one": np.array([1.0]), "zero": np.array(3), '
            '"rows": np.arange(4).reshape(2, 2), np.int64(7): np.int8(-1)}',
        )
        it.start(steps=1)
        it.next("started")
        self.assertEqual(it.next("started")["steps"], 9)
        self.assertEqual(it.next("progress")["examples_per_second"], 2.5)
        self.assertEqual(
            it.next("completed")["result"],
            {
                "loss": 0.5,
                "nan": "NaN",
                "flag": True,
                "long": 2,
                "one": [1],
                "zero": 3,
                "rows": [[0, 1], [2, 3]],
                "7": -1,
            },
        )

    def test_refuses_a_result_that_json_has_no_form_for_before_the_final_save(self):
        for result, problem in [
            ('{"model": {"layers": [1, {"at": object()}]}}', "TypeError: result.model.layers[1].at is of type object"),
            ('{"done": {1, 2}}', "TypeError: result.done is of type set"),
            ('{"type": int}', "TypeError: result.type is of type type"),
            ('{"z": 1j}', "TypeError: result.z is of type complex"),
            ('{"two": Scalar("a")}', "TypeError: result.two is of type Scalar, and does not convert: no item"),
            ("[1]", "TypeError: result is of type list, and must be a dict"),
            ('(lambda own: own.update(own=own) or own)({})', "ValueError: result contains itself"),
        ]:
            with self.subTest(result):
                self.assert_refused(result, problem)

    def test_refuses_a_result_that_is_too_long_before_the_final_save(self):
        frame = len(json.dumps({"text": ""}, separators=(",", ":")))
        rest = LONGEST_RESULT - frame
        self.assert_refused('{"text": "x" * %d}' % (rest + 1), "ValueError: result is 262145 bytes long as JSON")
        it = self.given(result='{"text": "\u00e4" * %d}' % (rest // 2))
        it.start(steps=1)
        self.assertEqual(len(it.next("completed")["result"]["text"]), rest // 2)

    def assert_refused(self, result, problem):
        it = self.given(setup=FIGURE, result=result)
        it.start(steps=1)
        kinds = {event["type"] for event in it.rest()}
        self.assertEqual(it.process.wait(), 1)
        self.assertIn(problem, it.process.stderr.read().decode())
        self.assertFalse(kinds & {"saved", "completed"}, kinds)

    def test_tells_no_text_that_cannot_be_stored(self):
        cut, mended = r'"a\ud83d b\0 \ud83d\ude00"', "a\ufffd b\ufffd \U0001f600"
        it = self.given(
            extra='run.warn("w", %s); run.metrics(step, 0, {%s: 1}, best=%s)' % (cut, cut, cut),
            result="{%s: [%s]}" % (cut, cut),
        )
        it.start(steps=1)
        self.assertEqual(it.next("warning")["message"], mended)
        self.assertEqual(it.next("metrics")["values"], {mended: 1})
        self.assertEqual(it.next("completed")["result"], {mended: [mended]})

    def test_fails_with_details_of_any_numbers(self):
        it = self.given(setup=FIGURE, extra=r'run.fail("x", "cut \ud83d", {"loss": Figure(float("nan"))}); break')
        it.start(steps=1)
        failed = it.next("failed")
        self.assertEqual((failed["message"], failed["details"]), ("cut \ufffd", {"loss": "NaN"}))

    def test_fails_on_a_message_that_nobody_agreed_on(self):
        it = self.given()
        it.start(steps=ENDLESS)
        it.next("started")
        it.send(type="start", operation_id="other")
        self.assertEqual(it.next("failed")["code"], "trainer-protocol-violated")
        self.assertEqual(it.process.wait(), 0)

    def test_says_what_is_missing_when_it_is_run_by_hand(self):
        code = "import sys; sys.path.insert(0, %r)\nfrom ktrdr_trainer import connect\nconnect('x')" % HERE
        done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE)
        self.assertIn("started by a ktrdr worker", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
