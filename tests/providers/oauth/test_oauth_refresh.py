"""A sign-in is renewed in time, once, by one; and nothing that others keep in the file is lost."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error, NotReady, UpstreamError
from ima2.hookspecs import Status
from ima2_kit.context import KitContext, QuickClock
from ima2_oauth.session import account, authorized
from ima2_oauth.status import status
from providers.oauth.authority import ACCOUNT, DAYS, NOW, TOKEN, Authority, access, reused
from providers.oauth.oauth_signing import (
    bearer,
    codex_file,
    iso,
    own_file,
    record,
    seed,
    signing,
    stored,
    with_service,
)

RECORDED = Path(__file__).parents[2] / "recorded" / "chatgpt-codex" / "errors-reported.json"
CHILD = """
import asyncio, sys
from pathlib import Path
from providers.oauth.authority import Authority
from providers.oauth.oauth_signing import signing
from ima2_oauth.session import authorized

async def main(folder, url, force):
    async with signing(Path(folder), Authority(url=url)) as context:
        sys.stdin.readline()
        print((await authorized(context, force_refresh=force == "force"))["Authorization"])

asyncio.run(main(*sys.argv[1:]))
"""
FILES = pytest.mark.parametrize("place", [own_file, codex_file], ids=["own", "codex"])


async def use(context: KitContext, service: Authority) -> tuple[dict[str, str], Authority]:
    return await authorized(context), service


async def forced(context: KitContext, service: Authority) -> tuple[dict[str, str], Authority]:
    return await authorized(context, force_refresh=True), service


async def told(context: KitContext, _: Authority) -> Status:
    return status(context)


def failing(folder: Path, work: Any = use, service: Authority | None = None, **more: Any) -> tuple[Any, Authority]:
    """The error, and the service that was asked."""
    service = service or Authority()
    with pytest.raises(Ima2Error) as caught:
        with_service(folder, work, service, **more)
    return caught.value, service


@FILES
def test_a_living_token_is_used_without_asking_anyone(tmp_path: Path, place: Any) -> None:
    written = seed(place(tmp_path), left=9000)
    headers, service = with_service(tmp_path, use)
    assert headers == {
        "Authorization": f"Bearer {written['tokens']['access_token']}",
        "ChatGPT-Account-ID": ACCOUNT,
        "originator": "ima2",
        "User-Agent": headers["User-Agent"],
    }
    assert headers["User-Agent"].startswith("ima2-oauth/")
    assert service.seen == []
    assert stored(place(tmp_path)) == written


@FILES
def test_an_old_token_is_renewed_and_on_disk_before_it_is_used(tmp_path: Path, place: Any) -> None:
    seed(place(tmp_path))
    headers, service = with_service(tmp_path, use)
    now = stored(place(tmp_path))
    assert bearer(headers) == now["tokens"]["access_token"] == access(1)
    assert now["tokens"]["refresh_token"] == service.valid == "refresh-1"
    assert now["last_refresh"] == "2027-01-15T08:00:00.000000Z"
    assert service.refreshes == [
        {"client_id": "app_EMoamEEZ73f0CkXaXp7hrann", "grant_type": "refresh_token", "refresh_token": "refresh-0"}
    ]


def test_our_own_is_renewed_minutes_before_its_end_and_codex_only_after_it(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=200)
    assert len(with_service(tmp_path, use)[1].refreshes) == 1
    own_file(tmp_path).unlink()
    seed(codex_file(tmp_path), left=1)
    assert with_service(tmp_path, use)[1].refreshes == []


def test_ours_comes_before_codex_and_codex_may_be_left_out(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000, refresh="ours")
    theirs = seed(codex_file(tmp_path), left=8000)
    assert bearer(with_service(tmp_path, use)[0]) == stored(own_file(tmp_path))["tokens"]["access_token"]
    own_file(tmp_path).unlink()
    assert bearer(with_service(tmp_path, use)[0]) == theirs["tokens"]["access_token"]
    error, _ = failing(tmp_path, use_codex=False)
    assert error.code == "OAUTH_AUTH_REQUIRED"


@FILES
@pytest.mark.parametrize("how", ["expired", "force"])
def test_eight_processes_at_once_make_one_call(tmp_path: Path, place: Any, how: str) -> None:
    seed(place(tmp_path), left=-1 if how == "expired" else 9000)

    async def go() -> tuple[list[bytes], int]:
        async with Authority() as service:
            arguments = (sys.executable, "-c", CHILD, str(tmp_path), service.url, how)
            env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
            pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "env": env}
            children = [await asyncio.create_subprocess_exec(*arguments, **pipes) for _ in range(8)]
            done = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
            assert [child.returncode for child in children] == [0] * 8
            return [out for out, _ in done], len(service.refreshes)

    tokens, refreshes = asyncio.run(go())
    assert refreshes == 1
    assert {token.decode().strip() for token in tokens} == {f"Bearer {access(1)}"}


@FILES
def test_unknown_keys_and_the_mode_stay(tmp_path: Path, place: Any) -> None:
    """A file that lost its mode while a key lies in it would silently turn Codex to billing by use."""
    mine = {"OPENAI_API_KEY": "sk-live", "agent_identity": {"a": [1]}, "personal_access_token": None}
    before = seed(place(tmp_path), **mine)
    before["tokens"]["extra"] = "kept"
    seed(place(tmp_path), before)
    with_service(tmp_path, use)
    after = stored(place(tmp_path))
    assert {name: after[name] for name in (*mine, "auth_mode")} == {**mine, "auth_mode": "chatgpt"}
    assert after["tokens"]["extra"] == "kept"


def test_a_file_without_a_mode_gets_none(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), auth_mode=...)
    with_service(tmp_path, use)
    assert "auth_mode" not in stored(codex_file(tmp_path))


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_a_symlink_stays_one_and_the_mode_is_narrow(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "codex.json"
    seed(real)
    real.chmod(0o644)
    codex_file(tmp_path).parent.mkdir()
    codex_file(tmp_path).symlink_to(real)
    with_service(tmp_path, use)
    assert codex_file(tmp_path).is_symlink()
    assert stored(real)["tokens"]["refresh_token"] == "refresh-1"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@pytest.mark.parametrize("torn", [b"", b'{"tokens": {"access_to'])
def test_half_a_file_is_read_again(tmp_path: Path, torn: bytes) -> None:
    """Codex writes in place; whoever reads meanwhile finds half of it."""
    whole = json.dumps(record(left=9000)).encode()
    seed(codex_file(tmp_path))
    codex_file(tmp_path).write_bytes(torn)

    async def work(context: KitContext, _: Authority) -> str:
        writer = asyncio.get_running_loop().run_in_executor(None, _write_late, codex_file(tmp_path), whole)
        headers = await asyncio.to_thread(lambda: asyncio.run(authorized(context)))
        await writer
        return bearer(headers)

    assert with_service(tmp_path, work) == json.loads(whole)["tokens"]["access_token"]


def _write_late(path: Path, data: bytes) -> None:
    import time

    time.sleep(0.03)
    path.write_bytes(data)


def test_a_file_that_stays_broken_is_left_alone_and_told(tmp_path: Path) -> None:
    seed(codex_file(tmp_path))
    codex_file(tmp_path).write_bytes(b"{]")
    error, service = failing(tmp_path)
    assert (error.code, error.status) == ("CREDENTIALS_UNREADABLE", 401)
    assert codex_file(tmp_path).read_bytes() == b"{]"
    assert service.seen == []


def test_what_codex_writes_is_seen_at_once(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), left=9000)

    async def work(context: KitContext, service: Authority) -> tuple[str, str]:
        first = bearer(await authorized(context))
        changed = record(left=9000)
        changed["tokens"]["access_token"] = access(7, lives=9000)
        seed(codex_file(tmp_path), changed)
        return first, bearer(await authorized(context))

    first, second = with_service(tmp_path, work)
    assert first != second == access(7, lives=9000)


def test_codex_may_have_been_quicker(tmp_path: Path) -> None:
    """It knows nothing of our lock. Our refresh token is refused then, and its new one is on disk."""
    seed(codex_file(tmp_path))
    theirs = record(left=9000, refresh="refresh-of-codex")
    service = Authority(valid="refresh-of-codex", meanwhile=lambda: seed(codex_file(tmp_path), theirs))
    headers, _ = with_service(tmp_path, use, service)
    assert bearer(headers) == theirs["tokens"]["access_token"]
    assert stored(codex_file(tmp_path)) == theirs
    assert len(service.refreshes) == 1


def test_a_new_sign_in_of_codex_is_not_overwritten(tmp_path: Path) -> None:
    """Signed in anew while the old sign-in was being renewed: the new one stays."""
    seed(codex_file(tmp_path))
    theirs = record(left=9000, refresh="other-account")
    service = Authority(meanwhile=lambda: seed(codex_file(tmp_path), theirs))
    headers, _ = with_service(tmp_path, use, service)
    assert bearer(headers) == theirs["tokens"]["access_token"]
    assert stored(codex_file(tmp_path)) == theirs


@FILES
def test_a_sign_in_that_was_removed_meanwhile_stays_removed(tmp_path: Path, place: Any) -> None:
    seed(place(tmp_path))
    error, service = failing(tmp_path, service=Authority(meanwhile=lambda: place(tmp_path).unlink()))
    assert error.code == "AUTH_CHATGPT_EXPIRED"
    assert not place(tmp_path).exists()
    assert len(service.refreshes) == 1


def test_who_leaves_half_way_does_not_lose_the_new_token(tmp_path: Path) -> None:
    seed(own_file(tmp_path))

    async def work(context: KitContext, service: Authority) -> None:
        task = asyncio.ensure_future(authorized(context))
        while not service.refreshes:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stored(own_file(tmp_path))["tokens"]["refresh_token"] == service.valid == "refresh-1"

    with_service(tmp_path, work)


@FILES
@pytest.mark.parametrize("field", ["id_token", "refresh_token", "access_token"])
def test_what_an_answer_leaves_out_stays(tmp_path: Path, place: Any, field: str) -> None:
    before = seed(place(tmp_path))
    with_service(tmp_path, use, Authority(leaves_out=(field,)))
    after = stored(place(tmp_path))
    assert after["tokens"][field] == before["tokens"][field]
    assert after["last_refresh"] != before["last_refresh"]


def reported(which: str) -> tuple[int, Any]:
    entries = {each["id"]: each for each in json.loads(RECORDED.read_text("utf-8"))["errors"]}
    return entries[which]["status"], entries[which]["body"]


FINAL = [
    (*reported("refresh-token-reused"), "REUSED"),
    (*reported("refresh-token-expired"), "EXPIRED"),
    (400, reused(), "REUSED"),
    (400, {"error": {"code": "refresh_token_invalidated"}}, "REVOKED"),
    (400, {"error": "invalid_grant", "error_description": "no"}, "EXPIRED"),
    (400, {"code": "refresh_token_expired"}, "EXPIRED"),
    (401, {}, "EXPIRED"),
    (401, "Unauthorized", "EXPIRED"),
]


@FILES
@pytest.mark.parametrize(("status", "body", "why"), FINAL, ids=range(len(FINAL)))
def test_a_refusal_for_good_ends_it_and_is_not_asked_again(
    tmp_path: Path, place: Any, status: int, body: Any, why: str
) -> None:
    before = seed(place(tmp_path))
    service = Authority()
    service.say(TOKEN, status, body)
    error, _ = failing(tmp_path, service=service)
    assert isinstance(error, NotReady)
    assert (error.code, error.status, error.hint, error.exit_code) == (f"AUTH_CHATGPT_{why}", 401, "ima2 login", 4)
    again, quiet = failing(tmp_path)
    assert again.code == "AUTH_CHATGPT_EXPIRED"
    assert quiet.seen == []
    assert stored(place(tmp_path))["tokens"] == before["tokens"]


def test_codex_file_is_the_same_to_the_byte_after_a_refusal(tmp_path: Path) -> None:
    seed(codex_file(tmp_path))
    before = codex_file(tmp_path).read_bytes()
    service = Authority(valid="another")
    failing(tmp_path, service=service)
    assert codex_file(tmp_path).read_bytes() == before


def test_a_new_sign_in_of_codex_counts_after_a_refusal(tmp_path: Path) -> None:
    seed(codex_file(tmp_path))
    failing(tmp_path, service=Authority(valid="another"))
    seed(codex_file(tmp_path), refresh="fresh")
    assert len(with_service(tmp_path, use, Authority(valid="fresh"))[1].refreshes) == 1


def test_a_refusal_before_the_end_leaves_the_token_its_time(tmp_path: Path) -> None:
    written = seed(own_file(tmp_path), left=200)
    headers, _ = with_service(tmp_path, use, Authority(valid="another"))
    assert bearer(headers) == written["tokens"]["access_token"]
    headers, quiet = with_service(tmp_path, use)
    assert bearer(headers) == written["tokens"]["access_token"]
    assert quiet.seen == []


def test_a_token_that_was_refused_is_not_used_on(tmp_path: Path) -> None:
    """The service has refused the access token, and the sign-in service the refresh token: it is over, now."""
    seed(own_file(tmp_path), left=9000)
    error, _ = failing(tmp_path, forced, Authority(valid="another"))
    assert error.code == "AUTH_CHATGPT_REUSED"
    assert not with_service(tmp_path, told).ready
    error, quiet = failing(tmp_path)
    assert error.code == "AUTH_CHATGPT_EXPIRED"
    assert quiet.seen == []


PASSING = [(500, {}), (502, "<html>bad gateway</html>"), (429, {"error": "slow"}), (200, "<html></html>"), (0, None)]


@FILES
@pytest.mark.parametrize(("status", "body"), PASSING, ids=[str(each) for each, _ in PASSING])
def test_what_may_pass_keeps_the_sign_in(tmp_path: Path, place: Any, status: int, body: Any) -> None:
    before = seed(place(tmp_path))
    service = Authority()
    service.say(TOKEN, status, body)
    error, _ = failing(tmp_path, service=service)
    assert isinstance(error, UpstreamError)
    assert (error.code, error.retryable, error.step) == ("OAUTH_REFRESH_FAILED", True, "sign-in")
    assert len(service.refreshes) == 1
    assert stored(place(tmp_path))["tokens"] == before["tokens"]


@FILES
@pytest.mark.parametrize("answer", [(0, None), (500, {}), (200, "<html></html>")])
def test_a_token_that_may_be_used_up_is_not_sent_again_at_once(
    tmp_path: Path, place: Any, answer: tuple[int, Any]
) -> None:
    seed(place(tmp_path))
    clock = QuickClock()
    service = Authority()
    service.say(TOKEN, *answer)

    async def work(context: KitContext, service: Authority) -> tuple[Any, Any, str]:
        failures = []
        for _ in range(2):
            with pytest.raises(UpstreamError) as caught:
                await authorized(context)
            failures.append(caught.value)
        assert len(service.refreshes) == 1
        assert failures[1].retry_after is not None
        await clock.sleep(failures[1].retry_after)
        return *failures, bearer(await authorized(context))

    first, second, token = with_service(tmp_path, work, service, clock=clock)
    assert first.code == second.code == "OAUTH_REFRESH_FAILED"
    assert token == access(1)


def test_no_connection_uses_nothing_up_so_it_may_be_tried_again(tmp_path: Path) -> None:
    seed(own_file(tmp_path))
    error, _ = failing(tmp_path, auth_url="http://127.0.0.1:9")
    assert error.code == "OAUTH_REFRESH_FAILED"
    assert with_service(tmp_path, use)[1].valid == "refresh-1"


def test_silence_is_a_failure_that_may_pass(tmp_path: Path) -> None:
    seed(own_file(tmp_path))

    async def go() -> Ima2Error:
        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, signing(tmp_path, Authority(url=url), auth_timeout=0.2) as context:
            with pytest.raises(UpstreamError) as caught:
                await authorized(context)
            return caught.value

    assert asyncio.run(go()).code == "OAUTH_REFRESH_FAILED"


def test_trouble_before_the_end_is_no_trouble(tmp_path: Path) -> None:
    written = seed(own_file(tmp_path), left=200)
    service = Authority()
    service.say(TOKEN, 500, {})
    headers, _ = with_service(tmp_path, use, service)
    assert bearer(headers) == written["tokens"]["access_token"]


def test_a_wrong_clock_costs_no_refresh(tmp_path: Path) -> None:
    """The clock here is three weeks ahead, and was so when the token came: its lifetime counts, not its date."""
    ahead = 21 * 86400
    seed(own_file(tmp_path), left=9000)

    async def work(context: KitContext, service: Authority) -> int:
        await authorized(context)
        first = len(service.refreshes)
        for _ in range(3):
            await authorized(context)
        return len(service.refreshes) * 10 + first

    assert with_service(tmp_path, work, clock=QuickClock(NOW + ahead)) == 11


def test_a_clock_that_was_set_back_does_no_harm(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    _, service = with_service(tmp_path, use, clock=QuickClock(NOW - 30 * 86400))
    assert service.refreshes == []


def test_forced_twice_renews_once(tmp_path: Path) -> None:
    """Two requests were refused with the same token; the second finds that the first has renewed it."""
    seed(own_file(tmp_path), left=9000)

    async def work(context: KitContext, service: Authority) -> tuple[set[str], int]:
        both = await asyncio.gather(*(authorized(context, force_refresh=True) for _ in range(2)))
        return {bearer(each) for each in both}, len(service.refreshes)

    assert with_service(tmp_path, work) == ({access(1)}, 1)


def test_without_a_refresh_token_it_lives_to_its_end(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=200, refresh=None)
    with_service(tmp_path, use)
    seed(own_file(tmp_path), left=-1, refresh=None)
    error, service = failing(tmp_path)
    assert error.code == "AUTH_CHATGPT_EXPIRED"
    assert service.seen == []


@pytest.mark.parametrize("value", [{"a": 1}, [], "x", 3, None])
def test_an_opaque_token_and_odd_fields_do_no_harm(tmp_path: Path, value: Any) -> None:
    seed(
        own_file(tmp_path),
        {"tokens": {"access_token": "opaque", "id_token": value}, "last_refresh": iso(NOW - DAYS / 2)},
    )
    assert bearer(with_service(tmp_path, use)[0]) == "opaque"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"OPENAI_API_KEY": "sk-1", "tokens": None},
        {"auth_mode": "apikey", "tokens": {"access_token": "x"}},
        {"auth_mode": "agent", "tokens": {"access_token": "x"}},
        {"tokens": {"access_token": ""}},
        {"tokens": ["x"]},
    ],
)
def test_what_is_no_chatgpt_sign_in_is_none(tmp_path: Path, value: dict[str, Any]) -> None:
    seed(codex_file(tmp_path), value)
    error, _ = failing(tmp_path)
    assert (error.code, error.hint) == ("OAUTH_AUTH_REQUIRED", "ima2 login")


def test_the_account_is_read_from_tokens_when_the_file_lacks_it(tmp_path: Path) -> None:
    written = record(left=9000)
    del written["tokens"]["account_id"]
    seed(own_file(tmp_path), written)
    assert with_service(tmp_path, use)[0]["ChatGPT-Account-ID"] == ACCOUNT


def test_a_fedramp_account_says_so(tmp_path: Path) -> None:
    written = record(left=9000)
    auth = {"chatgpt_account_is_fedramp": True, "chatgpt_account_id": ACCOUNT}
    written["tokens"]["access_token"] = access(0, lives=9000, **{"https://api.openai.com/auth": auth})
    seed(own_file(tmp_path), written)
    assert with_service(tmp_path, use)[0]["X-OpenAI-Fedramp"] == "true"


def unwritable(path: Path) -> Path:
    """A link to a file that can be read and locked, and beside which no longer name has room."""
    target = path.parent / ("a" * 245)
    seed(target)
    path.symlink_to(target)
    return target


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_file_that_cannot_be_written_uses_nothing_up(tmp_path: Path) -> None:
    target = unwritable(own_file(tmp_path))
    before = target.read_bytes()
    error, service = failing(tmp_path)
    assert (error.code, error.paid) == ("CREDENTIALS_UNWRITABLE", "no")
    assert service.refreshes == []
    assert target.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_token_that_codex_file_cannot_take_is_kept_in_ours(tmp_path: Path) -> None:
    """The old refresh token is used up by then."""
    target = unwritable(codex_file(tmp_path))
    before = target.read_bytes()
    headers, _ = with_service(tmp_path, use)
    assert bearer(headers) == stored(own_file(tmp_path))["tokens"]["access_token"] == access(1)
    assert target.read_bytes() == before
    headers, quiet = with_service(tmp_path, use)
    assert bearer(headers) == access(1)
    assert quiet.seen == []


def test_who_pays_is_told_masked(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)

    async def work(context: KitContext, _: Authority) -> str | None:
        return account(context)

    assert with_service(tmp_path, work) == "a…@example.com"
