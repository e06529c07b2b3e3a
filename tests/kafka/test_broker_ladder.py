"""The ladder to a local Kafka: its rungs, who may borrow a broker, and that none is left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from brokers import collect_sockets, jvm, ladder, rungs
from kafka_clients import Clients, wait_until

KAFKA = Path(ladder.__file__).parent


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with nothing on it: no broker named, no programs, no packages, no cache."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(rungs.importlib.util, "find_spec", lambda _: None)


def test_a_bare_machine_is_told_every_rung_and_why(bare, tmp_path):
    with pytest.raises(ladder.NoBroker) as caught:
        ladder.climb(tmp_path)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["given", "docker", "jvm", "noida"]
    assert "KAFKA_BOOTSTRAP" in lines[1]
    assert "no Java" in lines[3]


def test_a_ladder_without_a_rung_is_climbed_once(bare, tmp_path):
    with pytest.raises(ladder.NoBroker):
        ladder.ensure(tmp_path)
    told: list[str] = []
    with pytest.raises(ladder.NoBroker, match="no Java"):
        ladder.ensure(tmp_path, told.append)
    assert not told


def test_an_unreachable_broker_that_was_named_is_a_reason_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setattr(rungs, "LADDER", rungs.LADDER[:1])
    with pytest.raises(ladder.NoBroker, match=r"given: 127\.0\.0\.1:1 does not answer"):
        ladder.climb(tmp_path)


needs_maven = pytest.mark.skipif(jvm.shutil.which("mvn") is None, reason="no Maven here")


@needs_maven
def test_maven_without_a_repository_falls_through_in_seconds(tmp_path):
    began = time.monotonic()
    with pytest.raises(jvm.RungFailed, match="Maven"):
        jvm.jars(tmp_path, extra=["-o", f"-Dmaven.repo.local={tmp_path / 'repo'}"])
    assert time.monotonic() - began < 15
    assert not list(tmp_path.glob("tmp*"))


@needs_maven
def test_a_repository_that_accepts_and_says_nothing_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings = tmp_path / "settings.xml"
        settings.write_text(
            "<settings><mirrors><mirror><id>mute</id><mirrorOf>*</mirrorOf>"
            f"<url>http://127.0.0.1:{mute.getsockname()[1]}/</url></mirror></mirrors></settings>"
        )
        extra = ["-s", str(settings), f"-Dmaven.repo.local={tmp_path / 'repo'}"]
        began = time.monotonic()
        with pytest.raises(jvm.RungFailed, match="given up"):
            jvm.jars(tmp_path, extra=extra, silence_s=3)
        assert time.monotonic() - began < 15


def test_jars_of_an_earlier_start_need_no_maven(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    (tmp_path / "libs").mkdir()
    assert jvm.jars(tmp_path) == tmp_path / "libs"


def test_the_session_broker_is_up_and_says_what_it_is(any_kafka):
    assert any_kafka.alive()
    assert any_kafka.version
    assert isinstance(any_kafka.eos, bool)


def test_a_second_borrower_gets_the_same_broker(any_kafka, tmp_path_factory):
    if not any_kafka.ours:
        pytest.skip("a broker that was given has no folder")
    folder = Path(any_kafka.log).parent.parent
    assert ladder.ensure(folder).pid == any_kafka.pid


def test_the_broker_that_ships_as_a_wheel_starts_and_says_what_it_cannot_judge(tmp_path):
    pytest.importorskip("noida_db")
    found = rungs.noida(tmp_path)
    broker = ladder.Broker(kind="noida", **ladder.asdict(found))
    broker.start()
    try:
        broker.lacks = ladder._probe(broker)
        assert broker.lacks == ["a stale group generation commits offsets"]
        assert not broker.eos
        with Clients(broker.bootstrap) as clients:
            clients.topic("here")
            assert "here" in clients.admin.list_topics()
    finally:
        broker.kill()


BORROWER = """
import sys, time, pathlib
sys.path.insert(0, sys.argv[1])
import broker, rungs
rungs.LADDER = [rung for rung in rungs.LADDER if rung[0] == "noida"]
with broker.borrowed(pathlib.Path(sys.argv[2])) as mine:
    print(mine.pid, flush=True)
    time.sleep(60)
"""


def test_the_broker_goes_with_its_last_borrower_even_when_that_one_is_killed(tmp_path):
    pytest.importorskip("noida_db")
    command = [sys.executable, "-c", BORROWER, str(KAFKA), str(tmp_path)]
    borrowers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        pids = [int(b.stdout.readline()) for b in borrowers]
        assert pids[0] == pids[1]
        borrowers[0].kill()
        time.sleep(0.5)
        os.kill(pids[0], 0)  # it is there for the other
        borrowers[1].kill()
        wait_until(lambda: not ladder._born(pids[0]))
        wait_until(lambda: not (tmp_path / "noida").exists())
    finally:
        for borrower in borrowers:
            borrower.kill()
            borrower.communicate()


def test_the_command_starts_a_broker_that_holds_no_output_and_stops_it(tmp_path):
    pytest.importorskip("noida_db")
    environment = {k: v for k, v in os.environ.items() if k not in ("KAFKA_BOOTSTRAP", "JAVA_HOME")}
    environment |= {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}  # the quick rung

    def run(what: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, str(KAFKA / "broker.py"), what, "--dir", str(tmp_path / "k")]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=30, env=environment, check=False
        )

    assert run("status").returncode == 1
    started = run("start")
    assert started.returncode == 0, started.stderr
    address = started.stdout.splitlines()[-1]
    try:
        socket.create_connection(address.rsplit(":", 1)).close()
        assert run("start").stdout.splitlines()[-1] == address
        assert run("status").returncode == 0
    finally:
        assert run("stop").returncode == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address.rsplit(":", 1))
    assert run("status").returncode == 1


def sasl(broker, user: str, secret: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, object]:
    return {
        "bootstrap_servers": broker.sasl,
        "security_protocol": "SASL_SSL",
        "ssl_cafile": broker.ca_file,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": user,
        "sasl_plain_password": secret,
        "bootstrap_timeout_ms": 1500,
    }


@pytest.fixture
def secured(any_kafka):
    if not any_kafka.tls:
        pytest.skip(f"the {any_kafka.kind} broker has no TLS listener")
    yield any_kafka
    collect_sockets()


def test_tls_listener_takes_who_trusts_its_certificate(secured):
    admin = KafkaAdminClient(
        bootstrap_servers=secured.tls, security_protocol="SSL", ssl_cafile=secured.ca_file
    )
    admin.close()


def test_tls_listener_is_refused_by_who_does_not_trust_it(secured):
    with pytest.raises(KafkaError):
        KafkaAdminClient(
            bootstrap_servers=secured.tls, security_protocol="SSL", bootstrap_timeout_ms=2000
        )


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_user_enters_with_the_right_secret_only(secured, mechanism):
    secret = secured.users["newsmill"]
    KafkaAdminClient(**sasl(secured, "newsmill", secret, mechanism)).close()
    with pytest.raises(KafkaError):
        KafkaAdminClient(**sasl(secured, "newsmill", "wrong", mechanism))


def test_the_limited_user_may_not_make_topics(secured, unique):
    from kafka.admin import NewTopic
    from kafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError

    admin = KafkaAdminClient(**sasl(secured, "limited", secured.users["limited"]))
    try:
        with pytest.raises((TopicAuthorizationFailedError, ClusterAuthorizationFailedError)):
            admin.create_topics([NewTopic(unique("no"), 1, 1)])
    finally:
        admin.close()


def test_a_broker_that_is_not_ours_cannot_be_broken():
    given = ladder.Broker(kind="given", bootstrap="127.0.0.1:1", version="?")
    for verb in (given.kill, given.pause, given.stop):
        with pytest.raises(RuntimeError, match="not ours"):
            verb()


def test_a_paused_broker_answers_again_after_it_is_resumed(own_kafka):
    own_kafka.pause()
    assert own_kafka.alive()
    own_kafka.resume()
    with Clients(own_kafka.bootstrap) as clients:
        clients.admin.list_topics()


def test_a_killed_broker_comes_back_with_its_topics(own_kafka, unique):
    with Clients(own_kafka.bootstrap) as clients:
        name = clients.topic(unique("kept"))
    own_kafka.kill()
    assert not own_kafka.alive()
    own_kafka.start()
    with Clients(own_kafka.bootstrap) as clients:
        assert name in clients.admin.list_topics()
