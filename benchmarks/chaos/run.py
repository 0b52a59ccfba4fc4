"""One chaos run from the first client to the verdict."""

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.chaos import system, world
from benchmarks.chaos.clients import Client, Staff
from benchmarks.chaos.evidence import Evidence, sizes_of, tables_of
from benchmarks.chaos.faults import Faults, InBackground
from benchmarks.chaos.http_line import Line
from benchmarks.chaos.invariants import RECOVERY_SECONDS, TOLD, Verdict, judge
from benchmarks.chaos.journal import Journal, Operation
from benchmarks.chaos.plan import Plan
from benchmarks.chaos.plugin import WORKER_FAILPOINTS
from benchmarks.chaos.system import System
from common.tests.mail_server import MailServer, mail_server
from common.tests.receiver import Receiver, receiving, status

# So long nothing has failed: the storm is over.
_CALM_SECONDS = 1.5
_SETTLE_SECONDS = 120
_LEAST = {"promotions": 1, "replays": 1, "refusals": 1, "places in line": 1, "unanswered": 1}
_AT_WORK = """
    SELECT
        (SELECT count(*) FROM common_event WHERE position IS NULL)
        + (SELECT count(*) FROM common_feedreader
            WHERE position < (SELECT coalesce(max(position), 0) FROM common_event))
        + (SELECT count(*) FROM common_webhookdelivery WHERE status = 'pending')
        + (SELECT count(*) FROM common_mail WHERE status = 'pending')
        + (SELECT count(*) FROM procrastinate_jobs
            WHERE status = 'doing' OR status = 'todo' AND lock IS DISTINCT FROM task_name)
"""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to. With something in `void` it proves nothing."""

    plan: Plan
    verdicts: Sequence[Verdict]
    void: Sequence[str]
    fired: Counter[str]
    kills: int
    traces: dict[str, int]
    operations: Sequence[Operation]
    seconds: float
    folder: Path

    @property
    def broken(self) -> list[Verdict]:
        """The invariants that do not hold."""
        return [verdict for verdict in self.verdicts if verdict.findings]


def run(plan: Plan, say: Say) -> Outcome:
    """Have the storm, wait until it is over, and look at what it has left. What failed is kept in var/chaos/<seed>."""
    folder = system.FOLDER / str(plan.seed)
    say(f"Seed {plan.seed}: starting database, web server and workers …")
    with mail_server() as post, receiving(status(204)) as partner, system.running(plan, folder, post.port) as running:
        outcome = _storm(running, post, partner, say)
    if not outcome.broken and not outcome.void:
        shutil.rmtree(folder)
    return outcome


def _storm(running: System, post: MailServer, partner: Receiver, say: Say) -> Outcome:
    plan = running.plan
    secret = _register(running, partner.url)
    journal = Journal(running.folder / "journal.jsonl")
    clients = [Client(number, running, journal) for number in range(plan.clients)]
    clients.append(Staff(plan.clients, running, journal))
    faults = Faults(running, answered=lambda: len(journal.operations))
    began = time.monotonic()
    for client in clients:
        client.start()
    _do_faults(faults, clients, say)
    say("The storm is over: waiting for the last answers …")
    if not plan.defect:
        _wait_for_calm(faults, clients, max(RECOVERY_SECONDS, running.start_seconds))
    _join(clients)
    seconds = time.monotonic() - began
    say("Waiting for background work to come to rest …")
    is_settled = plan.defect != "" or _settle(running)
    say("Sending every key once more …")
    operations = list(journal.operations)
    with running.connect() as connection:
        tables, before = tables_of(connection), sizes_of(connection)
        replays = _replay_all(clients, operations, journal)
        after = sizes_of(connection)
    say("Looking …")
    journal.close()
    evidence = Evidence(
        operations=operations,
        replays=replays,
        before_replays=before,
        after_replays=after,
        tables=tables,
        mails=post.received,
        hooks=partner.received,
        hook_secret=secret,
        is_settled=is_settled,
        worker_deaths=_worker_deaths(faults.fired),
        last_fault=faults.last,
        start_seconds=running.start_seconds,
        operators_findings="" if plan.defect else _operators_findings(running),
    )
    return Outcome(
        plan=plan,
        verdicts=judge(evidence),
        void=_void(plan, faults, evidence),
        fired=faults.fired,
        kills=faults.kills,
        traces=faults.traces(),
        operations=operations,
        seconds=seconds,
        folder=running.folder,
    )


def _register(running: System, url: str) -> str:
    """The partner is told of what happens to its people. Returns the secret that this is signed with."""
    headers = {"Authorization": f"Api-Key {world.PARTNER_KEY}"}
    line = Line(running.port)
    body = {"url": url, "event_types": list(TOLD)}
    attempt, answer, _ = line.send("POST", "/api/v1/partner/webhooks", headers, body, cut=False)
    line.close()
    if attempt.status != 201:
        raise RuntimeError(f"The webhook was not made: {attempt.status} {attempt.fault} {answer}")
    return str(answer["secret"])


def _do_faults(faults: Faults, clients: Sequence[Client], say: Say) -> None:
    storm = InBackground(faults, say)
    storm.start()
    while storm.is_alive():
        storm.join(0.2)
        for client in clients:
            if client.fault is not None:
                raise client.fault
    if storm.fault is not None:
        raise storm.fault


def _wait_for_calm(faults: Faults, clients: Sequence[Client], allowed: float) -> None:
    """Nothing has failed for a while, or it is later than anything may fail."""
    while time.monotonic() < faults.last + allowed + _CALM_SECONDS:
        last = max((client.last_failure for client in clients), default=0.0)
        if time.monotonic() - max(last, faults.last) > _CALM_SECONDS:
            return
        time.sleep(0.05)


def _join(clients: Sequence[Client]) -> None:
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join()
        if client.fault is not None:
            raise client.fault


def _settle(running: System) -> bool:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        try:
            with running.connect() as connection:
                row = connection.execute(_AT_WORK).fetchone()
                if row is not None and row[0] == 0:
                    return True
        except psycopg.OperationalError:
            pass
        time.sleep(0.1)
    return False


def _replay_all(clients: Sequence[Client], operations: Sequence[Operation], journal: Journal) -> list[Operation]:
    """Every operation that was answered under a key is sent once more, by whom it was sent."""
    answered = [
        each for each in operations if each.key and each.kind in {"enroll", "review"} and each.status in {201, 202}
    ]
    known = len(journal.operations)

    def again(client: Client) -> None:
        for each in answered:
            if each.client == client.number:
                client.replay(each)
        client.hang_up()

    threads = [threading.Thread(target=again, args=[client], daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return journal.operations[known:]


def _worker_deaths(fired: Counter[str]) -> int:
    """How often a worker may have been stopped between sending and noting: by its death, or the database's."""
    of_workers = sum(fired[f"failpoint {name}"] for name in WORKER_FAILPOINTS)
    return of_workers + sum(
        fired[fault]
        for fault in (
            "kill worker",
            "kill database",
            "kill backend",
            "cut connections",
            "cancel statements",
            "freeze backend",
        )
    )


def _operators_findings(running: System) -> str:
    command = running.workers[0].command
    prefix = command[: command.index("sh")]
    done = subprocess.run(
        [*prefix, sys.executable, "manage.py", "repair_enrollments", "--all"],
        cwd=system.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    found = [line for line in done.stdout.splitlines() if line.endswith(" planned")]
    return ", ".join(found) or (done.stdout + done.stderr)[-2000:]


def _void(plan: Plan, faults: Faults, evidence: Evidence) -> list[str]:
    """Why the run proves nothing, if it does not: what was to happen to it has not."""
    reasons = [f"did not fire: {missing}" for missing in plan.missing(faults.fired)]
    if plan.defect:
        return reasons
    seen = {
        "promotions": sum(event.type == "waitlist.promoted" for event in evidence.tables["events"]),
        "replays": len(evidence.replays),
        "refusals": sum(bool(each.code) for each in evidence.operations),
        "places in line": sum(each.status == 202 for each in evidence.of("enroll")),
        "unanswered": sum(each.was_unknown for each in evidence.operations),
    }
    reasons += [f"{seen[name]} {name}" for name, least in _LEAST.items() if seen[name] < least]
    return reasons
