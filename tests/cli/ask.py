"""Ask a server of commands (``warm.py``) for a command, with the streams of this process or others.

It is a program, too, which a shell starts for every command: hence it imports only what is compiled into
Python.
"""

import _socket
import posix
import sys


def ask(
    server: str, folder: bytes, words: list[bytes], environment: dict[bytes, bytes], *streams: int
) -> int:
    """Run the command with these three streams; its exit code, or minus the signal that ended it."""
    variables = [b"%b=%b" % pair for pair in environment.items()]
    request = b"\0".join([folder, b"%d" % len(words), *words, *variables])
    handed = b"".join(stream.to_bytes(4, sys.byteorder) for stream in streams)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(120)
        connection.connect(server)
        connection.sendmsg([b"\n"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed)])
        connection.sendall(request)
        connection.shutdown(_socket.SHUT_WR)
        return int(connection.recv(16))
    finally:
        connection.close()


if __name__ == "__main__":
    coding = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    asked = [word.encode(*coding) for word in sys.argv[2:]]
    code = ask(sys.argv[1], posix.getcwdb(), asked, posix.environ, 0, 1, 2)  # type: ignore[arg-type]
    sys.exit(code if code >= 0 else 128 - code)
