"""Settings: flags over environment over file over defaults, and every slip in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings, as_environment, load, shown


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "newsmill.toml").write_text('workers = 2\nspacing_s = 2.0\ncontact = "a@b.example"')
    settings = load(
        {"workers": 4}, {"NEWSMILL_WORKERS": "3", "NEWSMILL_SPACING_S": "3", "PATH": "/bin"}
    )
    assert (settings.workers, settings.spacing_s, settings.contact) == (4, 3.0, "a@b.example")


@pytest.mark.parametrize(
    ("flags", "environment", "says"),
    [
        ({}, {"NEWSMILL_WORKER": "3"}, "unknown setting NEWSMILL_WORKER; did you mean workers"),
        ({"workers": 0}, {}, "workers: must be at least 1"),
        ({"slot": -1}, {}, "slot: must be at least 0"),
        ({"health": 70000}, {}, "health: must be at least 0 and at most 65535"),
        ({"heartbeat_s": float("nan")}, {}, "heartbeat_s"),
        ({"fuse": 1.5}, {}, "fuse: must be at least 0 and at most 1"),
        ({}, {"NEWSMILL_CHILD_TIMEOUT_S": "0"}, "child_timeout_s"),
        ({}, {"NEWSMILL_WORKERS": "many"}, "setting"),
        ({"lane": "a/b"}, {}, "lane"),
        ({"lane": "été"}, {}, "lane"),
        ({"log_level": "loud"}, {}, "log_level"),
        ({"config": "nowhere.toml"}, {}, "nowhere.toml: No such file"),
    ],
)
def test_a_slip_is_said_in_one_line(
    flags: dict[str, object], environment: dict[str, str], says: str
) -> None:
    with pytest.raises(Misconfigured, match=says) as caught:
        load(flags, environment)
    assert "\n" not in str(caught.value)


def test_a_worker_gets_the_same_settings_through_its_environment() -> None:
    settings = Settings(
        data=Path("some/where"), lane="check", workers=3, contact="me@site.example",
        resolve=("a.example=127.0.0.1:80", "b.example=127.0.0.1:81"), once=True,
        first_poll_days=0.0, allow_private=True, spacing_s=0.1,
    )  # fmt: skip
    assert load({}, as_environment(settings)) == settings


def test_a_password_in_the_bus_url_is_not_shown() -> None:
    settings = replace(Settings(), bus="kafka://user:secret@host:9092/newsmill")
    assert "secret" not in str(shown(settings))
