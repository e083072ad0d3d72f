"""Runs a command on a terminal of its own, and tells what became of both.

Arguments: columns, lines, then the command. Standard input: a JSON list of steps, done in order:
["see", TEXT] waits until TEXT is on the screen, ["type", TEXT], ["signal", NAME], ["resize", COLUMNS, LINES],
["stop"] suspends the command and waits until it is, ["pass", SECONDS] lets time pass. Standard output: JSON with the exit status as a shell has it,
all that was written, and whether the terminal's settings are what they were.
"""

import fcntl, json, os, pty, select, signal, struct, sys, termios, time

columns, lines, *command = sys.argv[1:]
steps = json.load(sys.stdin)


def resize(columns, lines):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(lines), int(columns), 0, 0))


terminal, inside = pty.openpty()
resize(columns, lines)
before = termios.tcgetattr(inside)
# macOS takes the terminal away from everybody when the leader of its session ends: this program is the leader, and reads the
# terminal after the command has ended.
os.setsid()
fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    # Whoever is in the background, as this process still is, would be stopped by the next call.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(inside, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    for standard in (0, 1, 2):
        os.dup2(inside, standard)
    os.closerange(3, 256)
    # A shell starts what it puts in the background with Ctrl+C ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(command[0], command)

written = b""
seen = 0
deadline = time.monotonic() + 60


def read(limit):
    """Takes what has been written by now, and says whether there was anything."""
    global written
    if time.monotonic() > deadline:
        os.kill(child, signal.SIGKILL)
        sys.exit(f"still running; on the screen: {written.decode(errors='replace')}")
    ready, _, _ = select.select([terminal], [], [], limit)
    if ready:
        written += os.read(terminal, 65536)
    return bool(ready)


for what, *with_ in steps:
    if what == "see":
        text = with_[0].encode()
        while text not in written[seen:]:
            read(0.1)
        seen = written.index(text, seen) + len(text)
    elif what == "type":
        os.write(terminal, with_[0].encode())
    elif what == "signal":
        os.kill(child, signal.Signals[with_[0]])
    elif what == "resize":
        resize(*with_)
    elif what == "stop":
        os.kill(child, signal.SIGSTOP)
        os.waitpid(child, os.WUNTRACED)
    elif what == "pass":
        time.sleep(with_[0])

while True:
    read(0.02)
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid:
        break
while read(0):
    pass
code = os.waitstatus_to_exitcode(status)
json.dump(
    {
        "status": 128 - code if code < 0 else code,
        "screen": written.decode(errors="replace").replace("\r\n", "\n"),
        "unchanged": termios.tcgetattr(inside) == before,
    },
    sys.stdout,
)
