"""No test of data looks at what this machine has, or at the network."""

import socket

import pytest


@pytest.fixture(autouse=True)
def empty_machine(tmp_path_factory, monkeypatch):
    """A home and a working directory without data; no address but this machine's."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_PROXY", "*")
    for variable in ("LRN_JAX_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)

    connect = socket.create_connection

    def connect_here(address, *arguments, **options):
        assert address[0] == "127.0.0.1", f"a test asked for {address}"
        return connect(address, *arguments, **options)

    monkeypatch.setattr(socket, "create_connection", connect_here)
    return home
