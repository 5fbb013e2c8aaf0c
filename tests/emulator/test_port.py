"""The port: what the emulator relies on, and that connections leave nothing behind."""

from __future__ import annotations

import ast
import gc
import socket
from contextlib import closing
from pathlib import Path

from reconciler.emulator import port


def test_uvicorn_is_used_by_its_documented_interface():
    """Its Config and its Server, as they are: no module of its inside, no class made of them."""
    tree = ast.parse(Path(port.__file__).read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "uvicorn"
    }
    parents = [
        ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases
    ]

    assert {"Config", "Server"} == used
    assert "from uvicorn" not in Path(port.__file__).read_text()
    assert [] == [parent for parent in parents if parent.startswith("uvicorn")]


def test_a_closed_connection_is_forgotten():
    """A server that runs for months does not keep the sockets of all its clients."""
    with closing(port._Listener(socket.create_server(("127.0.0.1", 0)).detach())) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(5)]
        accepted = [listener.accept()[0] for _ in clients]
        assert 5 == len(listener._connections)

        for connection in (*clients, *accepted):
            connection.close()
        del connection, accepted
        gc.collect()
        assert not listener._connections


def test_only_the_named_connection_is_dropped():
    """By the address of its client, at once; a client that has gone is no error."""
    with closing(port._Listener(socket.create_server(("127.0.0.1", 0)).detach())) as listener:
        one, other = (socket.create_connection(listener.getsockname(), timeout=10) for _ in range(2))
        accepted = [listener.accept()[0] for _ in range(2)]

        listener.drop(one.getsockname())
        listener.drop(("127.0.0.1", 1))
        assert b"" == one.recv(1)
        accepted[1].sendall(b"x")
        assert b"x" == other.recv(1)
        for connection in (one, other, *accepted):
            connection.close()
