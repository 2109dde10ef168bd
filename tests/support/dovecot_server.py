"""A real IMAP server: Dovecot with its own folder and port, any user name has a mailbox."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.places import find_free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from plugins.email.imap_poll import ImapSettings

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
DOVEADM = shutil.which("doveadm") or "/usr/bin/doveadm"
JWT_KEY = b"a key for tests only, thirty-two bytes"

CONFIGURATION = """
base_dir = {root}/run
state_dir = {root}/run
log_path = {root}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal_user}
default_login_user = {login_user}
default_internal_group = {internal_group}
listen = 127.0.0.1
mail_location = maildir:{root}/mail/%u
first_valid_uid = 1
mail_fsync = never
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {root}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  # Or a test's wrong password would slow down the sign-ins of all later ones.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={root}/keys/
username_attribute = sub
"""


@dataclass
class Dovecot:
    """A running Dovecot: any user name has a mailbox, the password is ``secret``."""

    port: int
    root: Path
    users: int = 0

    def settings(self, username: str = "", **changes: object) -> ImapSettings:
        """Settings for a mailbox; without a name for a fresh one."""
        from plugins.email.imap_poll import ImapSettings

        self.users += 1
        values = {"host": "127.0.0.1", "port": self.port, "security": "none", "password": "secret", "timeout": 10.0}
        return ImapSettings(username=username or f"box{self.users}", **{**values, **changes})  # type: ignore[arg-type]

    def kick(self, username: str) -> None:
        """Drop the connections of a user, as a restart of the server would."""
        configuration = str(self.root / "dovecot.conf")
        subprocess.run([DOVEADM, "-c", configuration, "kick", username], check=True, capture_output=True)

    def token(self, username: str) -> str:
        """An OAuth2 access token that this server trusts."""
        parts = [
            {"alg": "HS256", "typ": "JWT", "kid": "default"},
            {"sub": username, "exp": int(time.time()) + 600, "iat": int(time.time()) - 5},
        ]
        signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
        signature = hmac.new(JWT_KEY, signed, hashlib.sha256).digest()
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A Dovecot of our own on a free port; skips when it is not installed."""
    if not os.path.exists(DOVECOT):
        pytest.skip("dovecot is not installed")
    # Not below pytest's own folder: that one lets nobody but its owner through, and mailboxes belong to another user.
    root = Path(tempfile.mkdtemp(prefix="okno-dovecot-")).resolve()
    for folder in ("run", "mail", "keys/default/HS256"):
        (root / folder).mkdir(parents=True)
    (root / "keys/default/HS256/default").write_bytes(base64.b64encode(JWT_KEY))
    as_root = os.getuid() == 0
    me = pwd.getpwuid(os.getuid())
    if as_root:
        # Dovecot refuses mailboxes of root.
        nobody = pwd.getpwnam("nobody")
        shutil.chown(root / "mail", nobody.pw_uid, nobody.pw_gid)
        root.chmod(0o711)
    owner = pwd.getpwnam("nobody") if as_root else me
    port = find_free_port()
    values = {
        "root": root,
        "port": port,
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
        "internal_user": "dovecot" if as_root else me.pw_name,
        "internal_group": "dovecot" if as_root else str(me.pw_gid),
        "login_user": "dovenull" if as_root else me.pw_name,
    }
    (root / "dovecot.conf").write_text(CONFIGURATION.format(**values))
    (root / "oauth2.conf").write_text(OAUTH2.format(**values))
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(root / "dovecot.conf")], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port))
        yield Dovecot(port, root)
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(root)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False
