"""What an operator is told by the real commands: one line that says what to change, and quickly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid

import pytest

from newsmill.bus import environment
from newsmill.bus.kafka.options import parse
from newsmill.errors import Misconfigured
from newsmill.process.settings import load

pytestmark = [pytest.mark.timeout(90)]

kafka_only = pytest.mark.kafka


def newsmill(*words, **variables):
    """Run the command; what it says on standard error must be one line, if it fails."""
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("NEWSMILL_")}
    surroundings |= {f"NEWSMILL_{name}": value for name, value in variables.items()}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "newsmill", *words],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done, time.monotonic() - started


def refused(done, *words, code=2):
    said = done.stderr.splitlines()
    assert done.returncode == code, done.stderr
    assert len(said) == 1, done.stderr
    assert said[0].startswith("newsmill: ")
    for word in words:
        assert word in said[0]
    return said[0]


@pytest.fixture(params=[("bus", "describe"), ("work", "extractor")], ids=" ".join)
def command(request, tmp_path):
    return (*request.param, "--data", str(tmp_path))


def away(command):
    """A worker asks to be started again, after a reboot it may be there first; a tool gives up."""
    return 76 if command[0] == "work" else 2


@pytest.fixture
def guarded(kafka):
    """The broker's listener with TLS and users."""
    if not kafka.sasl:
        pytest.skip(f"the {kafka.kind} broker has no listener with SASL")
    return kafka


@pytest.fixture
def namespace():
    return f"t{uuid.uuid4().hex[:10]}"


def login(broker, namespace, user="newsmill", password=None):
    password = password or broker.users[user]
    return f"kafka://{user}:{password}@{broker.sasl}/{namespace}?tls=on&ca={broker.ca_file}"


# -- the environment


def test_the_environment_says_what_the_url_leaves_open_and_the_url_goes_before():
    told = {"NEWSMILL_KAFKA_USER": "me", "NEWSMILL_KAFKA_PASSWORD": "p@s:s", "OTHER": "x"}
    told |= {"NEWSMILL_KAFKA_TLS": "on", "NEWSMILL_KAFKA_REPLICAS": "3"}
    options = parse("//a:1/news?replicas=1", "newsmill", told)
    assert (options.user, options.password) == ("me", "p@s:s")
    assert (options.tls, options.replicas) == (True, 1)
    options = parse("//you@a:1", "newsmill", told)
    assert (options.user, options.password) == ("you", "p@s:s")


def test_every_option_of_the_url_has_a_variable():
    from newsmill.bus.kafka import options

    assert set(environment.OPTIONS) == set(options._READERS)


def test_a_password_in_a_file_is_read_without_its_last_newline(tmp_path):
    file = tmp_path / "secret"
    file.write_text("two words \n", encoding="utf-8")
    told = {"NEWSMILL_KAFKA_USER": "me", "NEWSMILL_KAFKA_PASSWORD_FILE": str(file)}
    assert parse("//a:1", "newsmill", told).password == "two words "


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"PASSWORT": "x"}, "NEWSMILL_KAFKA_PASSWORT; did you mean NEWSMILL_KAFKA_PASSWORD"),
        ({"USER": "me"}, "a user needs a password"),
        ({"PASSWORD": "geheim"}, "a password a user"),
        ({"PASSWORD": "geheim", "PASSWORD_FILE": "f"}, "set one of them"),
        ({"USER": "me", "PASSWORD_FILE": "/no/such"}, "No such file"),
        ({"TLS": "yes"}, "must be on or off"),
        ({"SASL": "GSSAPI"}, "must be one of"),
        ({"CA": "ca.pem"}, "need tls=on"),
    ],
)
def test_an_environment_that_says_nothing_sensible_is_refused_in_one_line(told, why):
    with pytest.raises(Misconfigured, match=why) as error:
        parse("//a:1", "newsmill", {f"NEWSMILL_KAFKA_{k}": v for k, v in told.items()})
    assert "\n" not in str(error.value)
    assert "geheim" not in str(error.value)


def test_an_unknown_variable_is_refused_whatever_the_bus():
    with pytest.raises(Misconfigured, match="unknown setting NEWSMILL_KAFKA_USR"):
        load({}, {"NEWSMILL_KAFKA_USR": "me"})
    load({}, {"NEWSMILL_KAFKA_USER": "me"})


def test_workers_of_a_run_have_the_credentials_and_the_patience_of_a_restart():
    told = environment.told_on({"NEWSMILL_KAFKA_USER": "me", "NEWSMILL_DATA": "x", "PATH": "/"})
    assert told == {"NEWSMILL_KAFKA_USER": "me", "NEWSMILL_KAFKA_WAIT_MS": "60000"}
    assert environment.told_on({"NEWSMILL_KAFKA_WAIT_MS": "5"}) == {"NEWSMILL_KAFKA_WAIT_MS": "5"}


def test_config_shows_no_secret(tmp_path):
    url = "kafka://me:geheim@h:1/n"
    done, _ = newsmill("config", "--data", str(tmp_path), BUS=url, KAFKA_PASSWORD="geheim")
    assert done.returncode == 0
    assert "geheim" not in done.stdout + done.stderr


@kafka_only
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_credentials_of_the_environment_let_us_in(guarded, namespace, tmp_path, mechanism):
    file = tmp_path / "secret"
    file.write_text(guarded.users["newsmill"] + "\n", encoding="utf-8")
    url = f"kafka://{guarded.sasl}/{namespace}"
    told = {"KAFKA_USER": "newsmill", "KAFKA_PASSWORD_FILE": str(file), "KAFKA_SASL": mechanism}
    told |= {"KAFKA_TLS": "on", "KAFKA_CA": guarded.ca_file}
    done, _ = newsmill("bus", "describe", "--bus", url, **told)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


# -- refusals


def test_a_broker_that_is_not_there_is_said_within_three_seconds(command):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done, took = newsmill(*command, "--bus", f"kafka://127.0.0.1:{port}")
    refused(done, "nothing listens there", "tried for 1.5 s", code=away(command))
    assert took < 6  # and the start of Python, on a machine that is busy


def test_a_port_that_says_nothing_is_given_up_at_a_stated_time(command):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"kafka://127.0.0.1:{mute.getsockname()[1]}"
        done, took = newsmill(*command, "--bus", url)
    refused(done, "no answer within 5 s", code=away(command))
    assert took < 12


def test_a_host_that_does_not_exist_is_said(command):
    done, _ = newsmill(*command, "--bus", "kafka://nowhere.invalid:9092")
    refused(done, "no such host", code=away(command))


def test_how_long_a_broker_is_waited_for_can_be_said():
    done, _ = newsmill("bus", "describe", "--bus", "kafka://127.0.0.1:1?wait_ms=0")
    refused(done, "tried for 0 s")


@pytest.mark.parametrize("url", ["kafka://localhost", "kafka:", "kafka://h:1?colour=red"])
def test_a_wrong_url_is_said(command, url):
    done, _ = newsmill(*command, "--bus", url)
    refused(done, "bus")


@kafka_only
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_wrong_password_is_said_quickly_and_not_repeated(guarded, namespace, command, mechanism):
    url = login(guarded, namespace, password="wr0ng") + f"&sasl={mechanism}"
    done, took = newsmill(*command, "--bus", url)
    assert "wr0ng" not in refused(done, "wrong user or password")
    assert took < 6


@kafka_only
def test_tls_that_is_wanted_or_not_or_not_trusted_is_said(guarded, namespace):
    secret = guarded.users["newsmill"]
    for url, why in (
        (f"kafka://{guarded.tls}", "it may want tls=on"),
        (f"kafka://{guarded.sasl}?tls=on&ca={guarded.ca_file}", "it may want a user"),
        (f"kafka://newsmill:{secret}@{guarded.sasl}", "it may want tls=on"),
        (f"kafka://newsmill:{secret}@{guarded.sasl}?tls=on", "CERTIFICATE_VERIFY_FAILED"),
        (f"kafka://newsmill:{secret}@{guarded.bootstrap}", "takes no user"),
        (f"kafka://{guarded.bootstrap}?tls=on", "TLS"),
    ):
        done, _ = newsmill("bus", "describe", "--bus", url)
        assert secret not in refused(done, why)


@kafka_only
def test_no_right_to_make_a_missing_topic_is_said(guarded, namespace, tmp_path):
    url = login(guarded, namespace, "limited")
    for words in (("bus", "create"), ("work", "extractor", "--data", str(tmp_path))):
        done, _ = newsmill(*words, "--bus", url)
        assert "limited-secret" not in refused(done, "limited has no right")


@kafka_only
def test_more_replicas_than_brokers_is_said(kafka, namespace, tmp_path):
    url = f"kafka://{kafka.bootstrap}/{namespace}?replicas=5"
    for words in (("bus", "create"), ("work", "extractor", "--data", str(tmp_path))):
        done, _ = newsmill(*words, "--bus", url)
        refused(done, "replica")


@kafka_only
def test_another_number_of_partitions_is_said(kafka, namespace, command):
    from kafka.admin import KafkaAdminClient, NewTopic

    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_topics([NewTopic(f"{namespace}.live.pages", 3, 1)])
    admin.wait_for_topics([f"{namespace}.live.pages"])
    admin.close()
    words = command if command[0] == "work" else ("bus", "create")
    done, _ = newsmill(*words, "--bus", f"kafka://{kafka.bootstrap}/{namespace}")
    refused(done, "of 3 partitions", "of 8")
