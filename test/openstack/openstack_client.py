"""The openstack client, loaded once: every call is a fork of this process, so that it takes a tenth of the second that a start takes.

openstack_client.py SOCKET listens there; `python3 -IS -c FRONT SOCKET ARGUMENTS...` (see client.ts) gives it a command's arguments, folder,
environment and outputs, and ends with the client's exit code. The code that runs is Debian's openstackclient, from its own main() on.
"""
import json
import os
import socket
import sys

import openstack.connection  # noqa: F401
from keystoneauth1 import loading  # noqa: F401
from novaclient import client as _nova  # noqa: F401
from openstackclient import shell
from openstackclient.compute.v2 import server  # noqa: F401
from openstackclient.network.v2 import network, network_agent, port  # noqa: F401


def serve(connection):
    request, fds, _, _ = socket.recv_fds(connection, 1 << 20, 2)
    while not request.endswith(b"\n"):
        request += connection.recv(1 << 20)
    asked = json.loads(request)
    os.dup2(fds[0], 1)
    os.dup2(fds[1], 2)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["openstack", *asked["argv"]]
    try:
        code = shell.main(asked["argv"])
    except SystemExit as end:
        code = end.code
    except BaseException as error:  # as the interpreter would
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(bytes([code if isinstance(code, int) else 1 if code else 0]))


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(16)
    print("ready", flush=True)
    import signal
    import threading

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Whoever started this is gone when its input ends.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            serve(connection)
            os._exit(0)
        connection.close()


main()
