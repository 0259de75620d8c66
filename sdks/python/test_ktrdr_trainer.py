"""Tests of the client against its two pipes, with a real child process. Run with: python3 -m unittest"""

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

HERE = os.path.dirname(os.path.abspath(__file__))

TRAINER = """
import json, os, sys
sys.path.insert(0, {here!r})
from ktrdr_trainer import connect

with connect("counter", "7") as run:
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
    run.complete(step, step // 10, save, result={{"steps": step}})
"""


class Supervisor:
    """The other end of the pipes."""

    def __init__(self, extra="pass"):
        control_read, self.control = os.pipe()
        self.events, event_write = os.pipe()
        self.spool = tempfile.mkdtemp()

        def as_protocol():
            # Out of the way first: either may be the other's number.
            ends = [os.dup2(fd, number) for fd, number in ((control_read, 200), (event_write, 201))]
            for fd, number in zip(ends, (3, 4)):
                os.dup2(fd, number)

        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(TRAINER.format(here=HERE, extra=extra))],
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
