"""``ima2 video`` as its users run it."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import serving
from clip_service import Service
from fakes import png
from ima2.storage import mp4
from ima2_kit.conformance.pictures import clip
from PIL import Image

TESTS = Path(__file__).parents[1]
SKETCH = ("--provider", "sketch", "--duration", "1", "--aspect-ratio", "1:1")
FILM = """
import asyncio
import os
from pathlib import Path
from clip_service import CancellingProvider, ClipProvider, Service, LOST

kind = CancellingProvider if os.environ.get("FILM_CANCELS") else ClipProvider
point, _, what = os.environ.get("FILM_AT", "").partition("=")
at = {point: {"hang": "hang", "lost": LOST, "slow": lambda: asyncio.sleep(1.5)}[what]} if point else {}
provider = kind(Service(Path(os.environ["FILM_SERVICE"])), at)
"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service")


@pytest.fixture
def film(cli: Any, tmp_path: Path, service: Service) -> Any:
    """The command line with one more plugin installed: a service that is paid for and can be resumed."""
    site = tmp_path / "site"
    facts = site / "film-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "film_plugin.py").write_text(FILM)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: film\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[ima2]\nfilm = film_plugin:provider\n")
    path = os.pathsep.join(map(str, (site, TESTS)))
    return replace(cli, env={**cli.env, "PYTHONPATH": path, "FILM_SERVICE": str(tmp_path / "service")})


def until(process: Any, words: bytes) -> None:
    while words not in (line := process.stderr.readline()):
        assert line, "the command ended early"


def seconds(path: Path) -> float | None:
    with path.open("rb") as file:
        return mp4.parse(file).duration


@pytest.mark.parametrize("with_server", [False, True])
def test_a_clip_from_a_prompt(cli: Any, serve: Any, with_server: bool) -> None:
    def make() -> None:
        answer = cli("video", "a red kite", *SKETCH, "--json").json
        assert answer["ok"]
        assert set(answer) >= {"requestId", "path", "filename", "elapsed", "video", "revisedPrompt"}
        path = Path(answer["path"])
        assert path == cli.gallery[0]
        assert seconds(path) == pytest.approx(1, abs=0.1)
        assert answer["video"]["codec"] == "h264"

    if with_server:
        with serve():
            make()
    else:
        make()


def test_the_prompt_is_the_default_command(cli: Any) -> None:
    for words in (("video", "generate", "a kite"), ("video", *SKETCH, "a kite"), ("video", "a", "kite")):
        done = cli(*words, *SKETCH, "--dry-run", "--json")
        assert done.json["request"]["prompt"] == "a kite"
    assert cli("video", "-", *SKETCH, "--dry-run", "--json", stdin=b"a kite").json["request"]["prompt"] == "a kite"


def test_copies_go_where_asked(cli: Any) -> None:
    done = cli("video", "a red kite", *SKETCH, "-o", "{slug}")
    assert done.code == 0, done.err
    assert done.out.strip().endswith("a-red-kite.mp4")
    assert seconds(cli.home / "a-red-kite.mp4") == pytest.approx(1, abs=0.1)
    assert cli("video", "a red kite", *SKETCH, "-o", "{slug}").code == 2
    piped = cli("video", "a kite", *SKETCH, "-o", "-")
    assert piped.out_bytes[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        ((), 2, "PROMPT_REQUIRED"),
        (("x", "--duration", "99"), 5, "INVALID_VIDEO_DURATION"),
        (("x", "--duration", "soon"), 2, "INVALID_USAGE"),
        (("x", "--resolution", "4k"), 5, "INVALID_VIDEO_RESOLUTION"),
        (("x", "--aspect-ratio", "9:1"), 5, "INVALID_VIDEO_ASPECT_RATIO"),
        (("x", "--ref", "none.png"), 2, "REF_NOT_A_FILE"),
        (("x", *("--ref", "a.png") * 8), 5, "REF_TOO_MANY"),
        (("x", "--unknown"), 2, "INVALID_USAGE"),
        (("continue", "x", "--video", "none.mp4"), 5, "ASSET_NOT_FOUND"),
        (("edit", "x", "--video", "none.mp4"), 5, "ASSET_NOT_FOUND"),
        (("edit", "x", "--video", "a.png"), 5, "INVALID_VIDEO_SOURCE"),
        (("extend", "x"), 2, "INVALID_USAGE"),
        (("x", "-o", "no/such/folder/x.mp4"), 2, "INVALID_OUTPUT"),
    ],
)
def test_what_can_not_be(cli: Any, arguments: tuple[str, ...], code: int, name: str) -> None:
    (cli.home / "a.png").write_bytes(png())
    done = cli("video", *arguments, "--provider", "sketch", "--json")
    assert (done.code, done.json["code"]) == (code, name), done
    assert cli.gallery == []


def test_no_prompt_comes_with_guidance(cli: Any) -> None:
    done = cli("video")
    assert done.code == 2
    assert "camera" in done.err


def test_a_provider_without_videos_names_those_with(cli: Any) -> None:
    done = cli("video", "x", "--provider", "api", "--json")
    assert (done.code, done.json["code"]) == (5, "VIDEO_PROVIDER_UNSUPPORTED")
    assert "sketch" in done.json["error"]


@pytest.mark.parametrize("with_server", [False, True])
def test_what_can_be_done_with_a_clip(cli: Any, serve: Any, with_server: bool) -> None:
    def work() -> None:
        first = cli("video", "a red kite", *SKETCH, "--json").json
        on = cli("video", "continue", "it lands", "--video", first["path"], *SKETCH, "--json").json
        assert on["videoContinuity"]["parentFilename"] == first["filename"]
        longer = cli(
            "video", "extend", "on", "--video", first["filename"], "--provider", "sketch", "--duration", "2", "--json"
        ).json
        assert seconds(Path(longer["path"])) == pytest.approx(3, abs=0.1)
        other = cli.home / "mine.mp4"
        other.write_bytes(Path(first["path"]).read_bytes())
        edited = cli("video", "edit", "at night", "--video", str(other), "--provider", "sketch", "--json").json
        assert seconds(Path(edited["path"])) == pytest.approx(1, abs=0.1)
        shown = cli("video", "frame", first["filename"], "-o", "-").out_bytes
        with Image.open(io.BytesIO(shown)) as picture:
            assert (picture.format, picture.size) == ("PNG", (480, 480))
        done = cli("video", "frame", first["path"], "--position", "0.5")
        assert (cli.home / done.out.strip().removeprefix("✓ ")).read_bytes() != shown
        assert cli("video", "frame", first["path"], "--position", "0.5").code == 2
        assert cli("video", "frame", "none.mp4").code == 5
        start = cli("video", "frame", first["filename"], "--first", "-o", "-").out_bytes
        assert start == cli("video", "frame", first["filename"], "--position", "0", "-o", "-").out_bytes != shown
        assert cli("video", "frame", first["filename"], "--first", "--last").code == 2
        folder = cli("video", "frame", first["filename"], "-o", ".")
        assert (folder.code, f"-o {Path(first['filename']).stem}-last.png" in folder.err) == (2, True)

    if with_server:
        with serve():
            work()
    else:
        work()


@pytest.mark.parametrize("with_server", [False, True])
def test_a_clip_can_be_asked_about(cli: Any, serve: Any, with_server: bool) -> None:
    def work() -> None:
        made = cli("video", "a red kite", *SKETCH, "--json").json
        done = cli("video", "analyze", made["path"], "--provider", "sketch")
        assert (done.code, done.err) == (0, "")
        assert "480x480" in done.out
        told = cli("video", "analyze", made["filename"], "is", "it", "red?", "--provider", "sketch", "--json").json
        assert (told["question"], told["source"], told["model"]) == ("is it red?", made["filename"], "sketch-words")
        assert told["analysis"] == done.out.strip()
        assert told["analysis"] == cli("jobs", "show", told["requestId"], "--json").json["reply"]["text"]
        assert told["analysis"] in cli("jobs", "show", told["requestId"]).out
        other = cli.home / "mine.mp4"
        other.write_bytes(Path(made["path"]).read_bytes())
        assert cli("video", "analyze", "mine.mp4", "--provider", "sketch", "--json").json["source"] is None
        assert cli("video", "analyze", "none.mp4", "--provider", "sketch", "--json").json["code"] == "ASSET_NOT_FOUND"
        late = cli(
            *("video", "analyze", "mine.mp4", "--provider", "sketch", "--delay", "30"), "--timeout", "1", "--json"
        )
        assert (late.code, late.json["code"], late.json["paid"]) == (8, "JOB_TRACKING_TIMEOUT", "no")
        assert cli("jobs", "show", late.json["requestId"], "--json").json["state"] == "cancelled"
        plan = cli("video", "analyze", "mine.mp4", "--provider", "sketch", "--dry-run", "--json").json
        assert (plan["model"], [step["paid"] for step in plan["steps"]]) == ("sketch-words", [False])

    if with_server:
        with serve():
            work()
    else:
        work()


def test_a_copy_of_the_same_name_does_not_hide_where_a_clip_came_from(cli: Any) -> None:
    made = cli("video", "a kite", *SKETCH, "-d", ".", "--json").json
    assert (cli.home / made["filename"]).is_file()
    for name, source in ((made["filename"], made["filename"]), (f"./{made['filename']}", None)):
        told = cli("video", "edit", "night", "--video", name, "--provider", "sketch", "--json").json
        assert (told["video"]["source"], told["videoContinuity"]["parentFilename"]) == (source, source)


def test_a_damaged_clip_is_refused_in_words(cli: Any) -> None:
    (cli.home / "none.mp4").write_bytes(clip(seconds=5))
    done = cli("video", "edit", "night", "--video", "none.mp4", "--provider", "sketch", "--json")
    assert (done.code, done.json["code"], done.json["field"]) == (5, "INVALID_VIDEO_SOURCE", "videoUrl")
    seen = cli("video", "analyze", "none.mp4", "--provider", "sketch", "--json").json
    assert (seen["code"], seen["field"]) == ("VIDEO_FRAME_FAILED", "videoUrl")
    assert "The clip has no frame" in seen["error"]


def test_sketch_is_named_where_nobody_else_is_ready(cli: Any) -> None:
    done = cli("video", "a kite")
    assert done.code == 4
    assert "when named, these offer videos: sketch" in done.err


def test_references_are_sent(cli: Any) -> None:
    (cli.home / "a.png").write_bytes(png())
    plan = cli("video", "x", "--ref", "a.png", "--ref", "a.png", "--provider", "sketch", "--dry-run", "--json").json
    assert [each["role"] for each in plan["request"]["references"]] == ["reference"] * 2


def test_clips_of_a_topic_are_counted(cli: Any) -> None:
    for number in (1, 2):
        told = cli("video", "a kite", *SKETCH, "--topic", "kites", "--json").json
        assert told["videoSeries"] == {"topic": "kites", "chainIndex": number}
    assert [each["field"] for each in told["warnings"]] == ["topic"]


def test_progress_is_told(cli: Any) -> None:
    done = cli("video", "a kite", *SKETCH, "--verbose")
    lines = done.err.splitlines()
    assert lines.index("phase: planning") < lines.index("phase: waiting for the provider")
    assert lines.index("progress: 50%") < lines.index("progress: 100%") < lines.index("phase: stored")


interrupts = pytest.mark.skipif(sys.platform == "win32", reason="a process can't be sent Ctrl+C there")


@interrupts
def test_one_interrupt_leaves_a_submitted_clip_resumable(film: Any, service: Service) -> None:
    process = film.start(
        "video", "a kite", "--provider", "film", "--verbose", "--json", env={"FILM_AT": "submitted=hang"}
    )
    until(process, b"waiting for the provider")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    answer = json.loads(out)
    command = answer["hint"]
    assert (answer["code"], command) == ("JOB_LEFT", f"ima2 jobs resume {answer['requestId']}")
    assert command.encode() in err
    done = film(*command.split()[1:], "--json")
    assert done.code == 0, done.err
    assert done.json["state"] == "done"
    assert [path.name for path in film.gallery] == done.json["filenames"]
    assert len(service.submits) == 1


@interrupts
def test_an_interrupt_leaves_it_again_when_it_was_resumed(film: Any, service: Service) -> None:
    done = film("video", "x", "--provider", "film", "--json", env={"FILM_AT": "progress=lost"})
    command = done.json["hint"].split()[1:]
    process = film.start(*command, "--json", env={"FILM_AT": "submitted=hang"})
    for _ in range(100):
        if film("jobs", "show", command[-1], "--json").json["state"] == "running":
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["code"]) == (130, "JOB_LEFT"), err
    assert film(*command, "--json").json["state"] == "done"
    assert len(service.submits) == 1


@interrupts
@pytest.mark.parametrize("cancels", [False, True])
def test_a_second_interrupt_asks_the_service_to_stop(film: Any, service: Service, cancels: bool) -> None:
    env = {"FILM_AT": "submitted=hang", **({"FILM_CANCELS": "1"} if cancels else {})}
    process = film.start("video", "a kite", "--provider", "film", "--verbose", "--json", env=env)
    until(process, b"waiting for the provider")
    process.send_signal(signal.SIGINT)
    until(process, b"Ctrl+C again")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    answer = json.loads(out)
    assert answer["code"] == "GENERATION_CANCELED"
    assert ("nothing is charged" if cancels else "may still charge") in answer["error"]
    assert answer["paid"] == ("no" if cancels else "maybe")
    assert service.cancelled == (["up-1"] if cancels else [])


def ordering(film: Any, *, interrupted: bool = False, **env: str) -> tuple[int, Any]:
    """A command whose order is on its way when it has waited long enough, or is interrupted."""
    command = ("video", "x", "--provider", "film", "--verbose", "--json", "--timeout", "60" if interrupted else "1")
    process = film.start(*command, env={"FILM_AT": "posted=slow", **env})
    if interrupted:
        while not any(call["sentAt"] for job in film("jobs", "ls", "--json").json["jobs"] for call in job["calls"]):
            pass
        process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    return process.returncode, json.loads(out)


@interrupts
@pytest.mark.parametrize("interrupted", [False, True])
def test_an_order_on_its_way_is_not_torn_off(film: Any, service: Service, interrupted: bool) -> None:
    code, told = ordering(film, interrupted=interrupted)
    assert (code, told["code"]) == ((130, "JOB_LEFT") if interrupted else (8, "JOB_TRACKING_TIMEOUT"))
    assert film(*told["hint"].split()[1:], "--json").json["state"] == "done"
    assert len(service.submits) == 1


@interrupts
@pytest.mark.parametrize("at", ["sending", "posted", "submitted"])
def test_waiting_no_longer_changes_nothing_for_a_server(film: Any, serve: Any, service: Service, at: str) -> None:
    with serving(film, env={"FILM_AT": f"{at}=slow"}):
        done = film("video", "x", "--provider", "film", "--timeout", "1", "--json")
        assert (done.code, done.json["code"], done.json["paid"]) == (8, "JOB_TRACKING_TIMEOUT", "maybe")
        assert done.json["error"].endswith("It goes on.")
        show = done.json["hint"].split()[1:]
        while (job := film(*show, "--json").json)["state"] not in ("done", "failed", "cancelled", "unknown"):
            pass
    assert (job["state"], len(service.submits)) == ("done", 1)


@interrupts
def test_a_clip_that_comes_before_the_command_has_left_is_told(film: Any, service: Service) -> None:
    command = ("video", "a kite", "--provider", "film", "--verbose", "--json")
    process = film.start(*command, env={"FILM_AT": "submitted=slow"})
    until(process, b"waiting for the provider")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    told = json.loads(out)
    assert (process.returncode, told["code"], told["kept"]) == (130, "JOB_LEFT", [path.name for path in film.gallery])


@interrupts
def test_before_it_is_submitted_an_interrupt_cancels(film: Any, service: Service) -> None:
    process = film.start(
        "video", "a kite", "--provider", "film", "--verbose", "--json", env={"FILM_AT": "sending=hang"}
    )
    until(process, b"phase: planning")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["code"]) == (130, "GENERATION_CANCELED"), err
    assert service.submits == []


def test_a_command_that_waits_no_longer_changes_nothing(film: Any, service: Service) -> None:
    done = film("video", "x", "--provider", "film", "--timeout", "2", "--json", env={"FILM_AT": "submitted=hang"})
    assert (done.code, done.json["code"]) == (8, "JOB_TRACKING_TIMEOUT")
    assert film(*done.json["hint"].split()[1:], "--json").json["state"] == "done"
    assert len(service.submits) == 1


def test_a_command_that_waits_no_longer_stops_what_was_not_submitted(film: Any, service: Service) -> None:
    done = film("video", "x", "--provider", "film", "--timeout", "1", "--json", env={"FILM_AT": "sending=hang"})
    assert (done.code, done.json["code"], done.json["paid"]) == (8, "JOB_TRACKING_TIMEOUT", "no")
    assert film("jobs", "show", done.json["requestId"], "--json").json["state"] == "cancelled"
    assert service.submits == []


def test_a_lost_clip_is_fetched_later(film: Any, service: Service) -> None:
    done = film("video", "x", "--provider", "film", "--json", env={"FILM_AT": "progress=lost"})
    assert (done.code, done.json["code"]) == (6, "NETWORK_FAILED")
    assert film(*done.json["hint"].split()[1:], "--json").json["state"] == "done"
    assert len(service.submits) == 1


def test_all_that_waits_is_named_and_gone_on_with(film: Any, service: Service) -> None:
    """One of them ends badly again: the others are brought all the same."""
    lost = [film("video", "x", "--provider", "film", "--json", env={"FILM_AT": "progress=lost"}).json for _ in "ab"]
    asked = film("video", "x", "--provider", "film", "--json", env={"FILM_AT": "posted=lost"}).json
    ids = [each["requestId"] for each in lost]
    listed = film("ps").err
    assert all(f"{each} can be gone on with: ima2 jobs resume {each}" in listed for each in ids)
    assert asked["requestId"] not in listed
    bad = film("jobs", "resume", env={"FILM_AT": "progress=lost"})
    assert bad.code == 6
    assert all(f"ima2 jobs resume {each}" in bad.err for each in ids)
    done = film("jobs", "resume")
    assert (done.code, len(film.gallery), len(service.submits)) == (0, 2, 3)
    assert "No job" in film("jobs", "resume").err


def test_what_waits_for_a_provider_that_is_gone_is_told(film: Any, cli: Any) -> None:
    lost = film("video", "x", "--provider", "film", "--json", env={"FILM_AT": "progress=lost"}).json
    for word in ("resume", "retry"):
        done = cli("jobs", word, lost["requestId"], "--json")
        assert (done.code, done.json["code"]) == (5, "UNKNOWN_PROVIDER")
    assert cli("jobs", "show", lost["requestId"], "--json").json["state"] == "unknown"
    assert cli("jobs", "resume").code == 0


@interrupts
def test_a_server_that_is_killed_brings_the_clip_when_it_starts_again(film: Any, serve: Any, service: Service) -> None:
    first = film.start("serve", "--port", "0", "--json", env={"FILM_AT": "submitted=hang"})
    assert first.stdout.readline()
    client = film.start("video", "x", "--provider", "film", "--verbose")
    until(client, b"waiting for the provider")
    os.kill(first.pid, signal.SIGKILL)
    first.wait(60)
    second = film.start("serve", "--port", "0", "--json")
    assert second.stdout.readline()
    try:
        client.kill()
        for _ in range(200):
            (job,) = film("jobs", "ls", "--json").json["jobs"]
            if job["state"] == "done":
                break
        assert job["state"] == "done"
        assert (len(film.gallery), len(service.submits)) == (1, 1)
    finally:
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=60)
