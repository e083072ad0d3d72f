//! The server and the client as processes: against each other, against the article's Python, against strangers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use crate::support;

/// Ends a test that would hang; costs nothing otherwise.
const LIMIT: Duration = Duration::from_secs(30);

const LOOPBACK: &str = "127.0.0.1:0";

// Programs.

fn udp_lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_udp-lab"));
    command.args(arguments).env("LC_ALL", "C.UTF-8");
    for name in ["COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// Waits for an answer as long as a test may take.
fn client(address: &str, arguments: &[&str]) -> Command {
    client_with_timeout("30s", address, arguments)
}

fn client_with_timeout(time: &str, address: &str, arguments: &[&str]) -> Command {
    udp_lab(&[&["client", address, "--timeout", time], arguments].concat())
}

/// A program whose output is read as it comes. It is killed where a test ends before it.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    errors: Receiver<String>,
}

struct Ending {
    status: Option<i32>,
    output: String,
    errors: String,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped());
        Program::start_with_output(command)
    }

    /// Leaves the output as `command` has it.
    fn start_with_output(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Program {
            input: child.stdin.take(),
            output: child.stdout.take().map_or_else(|| mpsc::channel().1, lines),
            errors: lines(child.stderr.take().unwrap()),
            child,
        }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line, without its end.
    fn line(&self) -> String {
        self.output.recv_timeout(LIMIT).expect("a line in time").trim_end_matches(['\r', '\n']).to_owned()
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let killed = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Ends the input and waits for the program to end by itself.
    fn ending(mut self) -> Ending {
        drop(self.input.take());
        // The wait cannot be long: what has closed both has ended.
        let (output, errors) = (rest(&self.output), rest(&self.errors));
        Ending { status: self.child.wait().unwrap().code(), output, errors }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads `stream` line by line in a thread, so that waiting for a line can have a limit.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            match stream.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            if sender.send(String::from_utf8(line).expect("output is UTF-8")).is_err() {
                break;
            }
        }
    });
    receiver
}

fn rest(lines: &Receiver<String>) -> String {
    let end = Instant::now() + LIMIT;
    let mut text = String::new();
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => text.push_str(&line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return text,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the program does not end"),
        }
    }
}

impl Ending {
    /// The value of a row of the table at the end.
    fn total(&self, name: &str) -> &str {
        let row = self.output.lines().find_map(|line| line.strip_prefix('│')?.trim_start().strip_prefix(name));
        let row = row.unwrap_or_else(|| panic!("no row {name:?}: {}{}", self.output, self.errors));
        row.trim_matches([' ', '┆', '│'])
    }

    fn totals<const N: usize>(&self, names: [&str; N]) -> [&str; N] {
        names.map(|name| self.total(name))
    }

    /// Nothing was done, and the reason given holds `sentence`.
    fn is_refused_with(&self, status: i32, sentence: &str) {
        assert_eq!(self.status, Some(status), "{}{}", self.output, self.errors);
        assert!(self.errors.contains(sentence), "{}", self.errors);
        assert_eq!(self.output, "");
    }
}

/// `udp-lab server`, listening.
struct Server {
    program: Program,
    greeting: String,
    address: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        Server::start_at(LOOPBACK, arguments)
    }

    fn start_at(address: &str, arguments: &[&str]) -> Self {
        let program = Program::start(&mut udp_lab(&[&["server", address], arguments].concat()));
        let mut greeting = String::new();
        let address = loop {
            let line = program.line();
            greeting.push_str(&line);
            greeting.push('\n');
            if let Some(address) = line.strip_prefix("In another terminal: udp-lab client ") {
                break address.parse().unwrap();
            }
        };
        assert_eq!(program.line(), "");
        Server { program, greeting, address }
    }

    fn start_with_json(arguments: &[&str]) -> Self {
        let arguments = [&["server", LOOPBACK, "--format", "json"], arguments].concat();
        let program = Program::start(&mut udp_lab(&arguments));
        let greeting = program.line();
        let address = greeting.strip_prefix(r#"{"listening":""#).and_then(|rest| rest.strip_suffix(r#""}"#));
        let address = address.unwrap_or_else(|| panic!("{greeting}")).parse().unwrap();
        Server { program, greeting, address }
    }

    fn line(&self) -> String {
        self.program.line()
    }

    fn ending(self) -> Ending {
        self.program.ending()
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        self.program.signal("INT");
    }
}

// The other side, played by the test.

/// A socket on loopback that waits no longer than the limit.
fn peer() -> UdpSocket {
    let socket = UdpSocket::bind(LOOPBACK).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

fn address_of(socket: &UdpSocket) -> String {
    socket.local_addr().unwrap().to_string()
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    let (length, from) = loop {
        match socket.recv_from(&mut buffer) {
            // A machine that is suspended and resumed cuts a receive short that has a limit: `signal(7)`. Windows tells that
            // an earlier answer went to a port that was closed by then.
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset) => {}
            received => break received.expect("a datagram in time"),
        }
    };
    buffer.truncate(length);
    (buffer, from)
}

fn ask(socket: &UdpSocket, server: &Server, message: &[u8]) -> Vec<u8> {
    socket.send_to(message, server.address).unwrap();
    receive(socket).0
}

fn nothing_more_for(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).unwrap();
    socket.recv_from(&mut [0; 1]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Payloads that would do something to a terminal if they reached it as they are.
fn hostile_payloads() -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    for text in ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\r\nb", "\u{9b}2J", "\u{202e}abc", "\u{85}", "\u{2028}"] {
        payloads.push(text.as_bytes().to_vec());
    }
    payloads.push((0..=u8::MAX).collect());
    payloads
}

fn is_harmless(line: &str) -> bool {
    let acts = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    !line.chars().any(|c| c.is_control() || acts(c))
}

// The server.

#[test]
fn a_line_for_each_datagram_appears_at_once() {
    let server = Server::start(&[]);
    let (here, there) = (peer(), peer());
    assert_eq!(ask(&here, &server, b"hello"), b"Thanks");
    assert_eq!(server.line(), format!("1  {}  5 bytes  \"hello\"", address_of(&here)));
    assert_eq!(ask(&there, &server, "你".as_bytes()), b"Thanks");
    assert_eq!(server.line(), format!("2  {}  3 bytes  \"你\"", address_of(&there)));
}

#[test]
fn the_server_says_where_it_listens_and_what_to_paste_in_the_other_terminal() {
    let server = Server::start(&[]);
    let address = server.address;
    assert_eq!(
        server.greeting,
        format!("Listening on {address}; Ctrl-C ends it.\nIn another terminal: udp-lab client {address}\n")
    );
}

#[test]
fn a_server_that_is_open_to_the_network_says_so() {
    let server = Server::start_at("0.0.0.0:0", &["--count", "1"]);
    assert!(server.greeting.starts_with("Listening on 0.0.0.0:"), "{}", server.greeting);
    assert!(server.greeting.contains("\nEverybody who can reach this machine is heard.\n"), "{}", server.greeting);
    assert!(server.address.ip().is_loopback());
    assert_eq!(ask(&peer(), &server, b"hello"), b"Thanks");
}

#[test]
fn the_server_goes_on_whatever_arrives() {
    let longest = vec![b'x'; if cfg!(target_os = "macos") { 9216 } else { 65_507 }];
    let payloads: [(&[u8], &str); 6] = [
        (b"", r#"0 bytes  """#),
        (b"\0", r#"1 byte  "\0""#),
        (b"\xff\xfe", r#"2 bytes  "\xff\xfe""#),
        (b"\x1b[2J", r#"4 bytes  "\u{1b}[2J""#),
        (&[b'a'; 61], r#"61 bytes  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…""#),
        (&longest, r#"1024 bytes  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"  cut by the buffer"#),
    ];
    let server = Server::start(&["--count", "6"]);
    let here = peer();
    for (number, (payload, shown)) in payloads.into_iter().enumerate() {
        assert_eq!(ask(&here, &server, payload), b"Thanks");
        assert_eq!(server.line(), format!("{}  {}  {shown}", number + 1, address_of(&here)));
    }
    let ending = server.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["datagrams", "answered"]), ["6", "6"]);
}

/// Colours are forced: a pipe would have terminal sequences taken away, and the test could not fail.
#[test]
fn nothing_that_a_stranger_sends_reaches_the_terminal_of_the_server_raw() {
    for start in [Server::start, Server::start_with_json] {
        let server = start(&["--color", "always"]);
        let here = peer();
        for payload in hostile_payloads() {
            assert_eq!(ask(&here, &server, &payload), b"Thanks");
            let line = server.line();
            assert!(is_harmless(&line), "{payload:?} is shown as {line:?}");
        }
    }
}

#[test]
fn a_datagram_is_cut_only_by_a_buffer_that_is_shorter() {
    let server = Server::start(&["--buffer", "3", "--count", "2"]);
    let here = peer();
    for (payload, shown) in [("dog", r#"3 bytes  "dog""#), ("doge", r#"3 bytes  "dog"  cut by the buffer"#)] {
        assert_eq!(ask(&here, &server, payload.as_bytes()), b"Thanks");
        assert!(server.line().ends_with(&format!("  {shown}")));
    }
    assert_eq!(server.ending().totals(["datagrams", "bytes", "cut", "answered"]), ["2", "6", "1", "2"]);
}

#[test]
fn the_server_does_not_answer_its_own_reply_text() {
    let server = Server::start(&["--count", "2"]);
    let here = peer();
    here.send_to(b"Thanks", server.address).unwrap();
    assert_eq!(ask(&here, &server, b"hello"), b"Thanks");
    assert!(server.line().ends_with(r#""Thanks"  not answered: own reply text"#));
    let ending = server.ending();
    assert_eq!(ending.totals(["datagrams", "answered"]), ["2", "1"]);
    assert!(nothing_more_for(&here));
}

#[test]
fn the_server_does_not_answer_what_its_buffer_left_of_its_own_reply_text() {
    let server = Server::start(&["--buffer", "3", "--count", "2"]);
    let here = peer();
    here.send_to(b"Thanks", server.address).unwrap();
    assert_eq!(ask(&here, &server, b"Tha"), b"Thanks");
    let line = server.line();
    let end = r#""Tha"  cut by the buffer  not answered: perhaps own reply text"#;
    assert!(line.ends_with(end), "{line}");
    assert_eq!(server.ending().totals(["datagrams", "answered"]), ["2", "1"]);
    assert!(nothing_more_for(&here));
}

#[test]
fn the_reply_can_be_chosen() {
    let server = Server::start(&["--reply", "Danke 谢谢", "--count", "2"]);
    let here = peer();
    assert_eq!(ask(&here, &server, b"hello"), "Danke 谢谢".as_bytes());
    assert_eq!(ask(&here, &server, b"Thanks"), "Danke 谢谢".as_bytes());
}

#[test]
fn a_quiet_server_writes_only_the_table() {
    let server = Server::start(&["--quiet", "--count", "3"]);
    let (here, there) = (peer(), peer());
    for (socket, message) in [(&here, "one"), (&there, "two"), (&here, "three")] {
        ask(socket, &server, message.as_bytes());
    }
    let ending = server.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(
        ending.output,
        "
╭────────────┬────╮
│ Server     ┆    │
╞════════════╪════╡
│ datagrams  ┆ 3  │
│ peers      ┆ 2  │
│ bytes      ┆ 11 │
│ cut        ┆ 0  │
│ answered   ┆ 3  │
│ unanswered ┆ 0  │
╰────────────┴────╯
"
    );
}

#[test]
fn the_server_writes_json_lines() {
    let server = Server::start_with_json(&["--count", "1"]);
    let here = peer();
    ask(&here, &server, b"hello");
    let peer = address_of(&here);
    assert_eq!(
        server.ending().output,
        format!(
            r#"{{"answered":true,"bytes":5,"cut":false,"datagram":1,"payload":"hello","peer":"{peer}"}}
{{"totals":{{"answered":1,"bytes":5,"cut":0,"datagrams":1,"peers":1,"unanswered":0}}}}
"#
        )
    );
}

#[test]
fn no_answer_is_longer_than_its_request_or_the_shortest_frame() {
    let server = Server::start(&["--reply", "eighteen bytes, ok", "--count", "1"]);
    assert_eq!(server.greeting.lines().count(), 2);
    assert_eq!(ask(&peer(), &server, b""), b"eighteen bytes, ok");

    let reply = "x".repeat(19);
    let server = Server::start(&["--reply", &reply, "--buffer", "19", "--count", "4"]);
    assert!(server.greeting.contains("\nThe reply has 19 bytes: a shorter datagram is not answered.\n"));
    let here = peer();
    for request in [&b""[..], &[b'a'; 18]] {
        here.send_to(request, server.address).unwrap();
        assert!(server.line().ends_with("  not answered: the reply is longer"));
    }
    for request in [[b'a'; 19].as_slice(), &[b'a'; 100]] {
        assert_eq!(ask(&here, &server, request), reply.as_bytes());
        server.line();
    }
    assert_eq!(server.ending().totals(["datagrams", "answered", "unanswered"]), ["4", "2", "2"]);
    assert!(nothing_more_for(&here));
}

#[cfg(unix)]
#[test]
fn what_comes_with_an_answers_time_to_live_is_not_answered() {
    let server = Server::start(&[]);
    let here = peer();
    here.set_ttl(32).unwrap();
    here.send_to(b"Hello", server.address).unwrap();
    assert!(server.line().ends_with(r#""Hello"  not answered: itself an answer of a server"#));
    here.set_ttl(33).unwrap();
    assert_eq!(ask(&here, &server, b"Hello"), b"Thanks");

    // Where there is IPv6.
    if let Ok(here) = UdpSocket::bind("[::1]:0") {
        let server = Server::start_at("[::1]:0", &["--count", "2"]);
        here.set_read_timeout(Some(LIMIT)).unwrap();
        let socket = socket2::SockRef::from(&here);
        socket.set_unicast_hops_v6(32).unwrap();
        here.send_to(b"Hello", server.address).unwrap();
        assert!(server.line().ends_with("  not answered: itself an answer of a server"));
        socket.set_unicast_hops_v6(33).unwrap();
        assert_eq!(ask(&here, &server, b"Hello"), b"Thanks");
        assert!(nothing_more_for(&here));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_forged_sender_cannot_set_two_servers_against_each_other() {
    support::in_a_namespace(module_path!(), "a_forged_sender");
}

/// A raw socket may forge a sender where this user is allowed everything: in a namespace.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a raw socket: only in a namespace of its own"]
fn a_forged_sender() {
    let count = ["--count", "2"];
    let a = Server::start(&[&["--reply", "Hello"], &count[..]].concat());
    let b = Server::start(&[&["--reply", "Hi"], &count[..]].concat());
    forge(b.address, a.address, b"go");
    assert_eq!(a.line(), format!("1  {}  2 bytes  \"go\"", b.address));
    let line = format!("1  {}  5 bytes  \"Hello\"  not answered: itself an answer of a server", a.address);
    assert_eq!(b.line(), line);
    // Behind this, on either side, nothing of theirs is under way.
    assert_eq!(ask(&peer(), &b, b"fence"), b"Hi");
    assert_eq!(ask(&peer(), &a, b"fence"), b"Hello");
    let names = ["datagrams", "peers", "answered", "unanswered"];
    assert_eq!(a.ending().totals(names), ["2", "2", "2", "0"]);
    assert_eq!(b.ending().totals(names), ["2", "2", "1", "1"]);
}

/// Sends a datagram to `to` that says it comes from `from`.
#[cfg(target_os = "linux")]
fn forge(from: SocketAddr, to: SocketAddr, payload: &[u8]) {
    use socket2::{Domain, Protocol, Socket, Type};

    let (SocketAddr::V4(source), SocketAddr::V4(target)) = (from, to) else { panic!("{from} {to}") };
    let length = u16::try_from(8 + payload.len()).unwrap();
    // The kernel fills length and checksum of the header in; a checksum of 0 for UDP is none (RFC 768).
    let header = [0x45, 0, 0, 0, 0, 0, 0, 0, 255, 17, 0, 0];
    let ports = [source.port(), target.port(), length, 0].map(u16::to_be_bytes);
    let packet = [&header, &source.ip().octets()[..], &target.ip().octets(), ports.as_flattened(), payload].concat();
    let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW))).unwrap();
    assert_eq!(raw.send_to(&packet, &to.into()).unwrap(), packet.len());
}

/// What no program should be sent, over and over, each time by somebody else.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_hostile_datagrams_leave_a_server_as_it_was() {
    const COUNT: usize = 100_000;
    let server = Server::start(&["--color", "always"]);
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.program.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    let control = peer();
    let (mut datagrams, mut bytes, mut cut, mut unanswered) = (0, 0, 0, 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut kilobytes = vec![memory()];
    let short = hostile_payloads();
    for number in 0..COUNT {
        let payload = match number % 8 {
            0 | 1 => (0..number % 300)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    random as u8
                })
                .collect(),
            2 => Vec::new(),
            3 => b"\xe4\xbd\xff\xfe\xc0\x80\xf4\x90\x80\x80".to_vec(),
            4 => "\x1b]52;c;eA==\x07\u{2066}\u{202e}\u{200f}\n1  127.0.0.1:1  5 bytes".as_bytes().to_vec(),
            5 if number % 400 == 5 => vec![0xff; 65_507],
            5 => b"Thanks".to_vec(),
            _ => short[number % short.len()].clone(),
        };
        let [_, b, c, d] = u32::try_from(number).unwrap().to_be_bytes();
        let stranger = UdpSocket::bind(SocketAddr::from(([127, 1 + b, c, d], 0))).unwrap();
        assert_eq!(stranger.send_to(&payload, server.address).unwrap(), payload.len());
        datagrams += 1;
        bytes += payload.len().min(1024);
        cut += usize::from(payload.len() > 1024);
        unanswered += usize::from(payload == b"Thanks");
        // So that nothing is lost: what was sent before is no longer in the queue.
        if number % 50 == 49 || payload.len() > 1024 {
            assert_eq!(ask(&control, &server, b"fence"), b"Thanks");
            datagrams += 1;
            bytes += 5;
        }
        if [70_000 - 1, COUNT - 1].contains(&number) {
            kilobytes.push(memory());
        }
    }
    let [before, full, after] = kilobytes[..] else { panic!("{kilobytes:?}") };
    assert!(full - before < 8 * 1024 && after.saturating_sub(full) < 1024, "{kilobytes:?} KB");

    server.interrupt();
    let ending = server.ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    let expected = [datagrams, bytes, cut, datagrams - unanswered, unanswered].map(|number| number.to_string());
    assert_eq!(
        ending.totals(["datagrams", "bytes", "cut", "answered", "unanswered"]),
        expected.each_ref().map(String::as_str)
    );
    assert_eq!(ending.total("peers"), "65536 or more");
    let (lines, _) = ending.output.split_once("\n\n").unwrap();
    assert_eq!(lines.lines().count(), datagrams);
    for (line, number) in lines.split('\n').zip(1..) {
        assert!(line.starts_with(&format!("{number}  127.")) && is_harmless(line), "{line:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_waiting_server_with_the_table() {
    let server = Server::start(&[]);
    ask(&peer(), &server, b"hello");
    server.line();
    server.interrupt();
    let ending = server.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["datagrams", "answered"]), ["1", "1"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_busy_server_with_the_table() {
    let server = Server::start(&[]);
    let address = server.address;
    let flood = thread::spawn(move || {
        let here = peer();
        here.connect(address).unwrap();
        // Refused once the server has gone.
        while here.send(b"hello").is_ok() {}
    });
    assert!(server.line().starts_with("1  "));
    server.interrupt();
    let ending = server.ending();
    flood.join().unwrap();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.total("datagrams"), ending.total("answered"));
}

/// A server that has answered a datagram, and now waits in the write of its line: its output is a full pipe. What is
/// read from there in the end follows.
#[cfg(target_os = "linux")]
fn server_that_waits_for_its_reader() -> (Program, impl Read) {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    let (reader, writer) = io::pipe().unwrap();
    // Opened again, so that only these writes do not wait.
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut filling = std::fs::File::options().write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
    let program = Program::start_with_output(udp_lab(&["server", LOOPBACK]).stdout(writer));
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    let address = loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(address) = line.strip_prefix("In another terminal: udp-lab client ") {
            break address.trim_end().parse::<SocketAddr>().unwrap();
        }
    };
    // A write of some bytes is refused where not all of them have room: the last ones go one by one.
    for piece in [&[b'.'; 4096][..], b"."] {
        while let Ok(written) = filling.write(piece) {
            assert_eq!(written, piece.len());
        }
    }
    let here = peer();
    here.send_to(b"hello", address).unwrap();
    assert_eq!(receive(&here).0, b"Thanks");
    (program, reader)
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_a_server_whose_output_nobody_reads() {
    // Two of a kind that come at once may be delivered as one.
    for [first, second] in [["INT", "TERM"], ["TERM", "HUP"], ["HUP", "INT"]] {
        let (program, _reader) = server_that_waits_for_its_reader();
        program.signal(first);
        program.signal(second);
        let ending = program.ending();
        // As a shell has it: 128 and the number of HUP, INT or TERM.
        assert!(matches!(ending.status, Some(129 | 130 | 143)), "{first}, {second}: {:?}", ending.status);
        assert_eq!(ending.errors, "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn after_one_signal_a_server_waits_for_its_reader_and_writes_the_table() {
    let (program, mut reader) = server_that_waits_for_its_reader();
    program.signal("INT");
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    let ending = Ending { output, ..program.ending() };
    assert_eq!((ending.status, ending.errors.as_str()), (Some(0), ""));
    assert!(ending.output.contains("  5 bytes  \"hello\"\n"), "{}", ending.output);
    assert_eq!(ending.totals(["datagrams", "answered"]), ["1", "1"]);
}

// The client.

#[test]
fn the_client_sends_its_messages_and_prints_the_answers_of_the_server() {
    let server = Server::start(&["--count", "3"]);
    let ending = Program::start(&mut client(&server.address.to_string(), &["hello", "", "it's\tme"])).ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    let lines: Vec<&str> = ending.output.lines().take(6).collect();
    for (exchange, message) in lines.chunks(2).zip([r#""hello""#, r#""""#, r#""it's\tme""#]) {
        assert_eq!(exchange[0], format!("Msg: {message}"));
        assert!(exchange[1].starts_with(r#"From server: "Thanks"  "#), "{}", exchange[1]);
    }
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["3", "3", "0"]);
    for name in ["round trip min", "round trip median", "round trip max"] {
        assert!(ending.total(name).ends_with(" ms"), "{}", ending.total(name));
    }
    let served = server.ending();
    assert_eq!(served.totals(["datagrams", "peers", "answered"]), ["3", "1", "3"]);
}

#[test]
fn the_client_sends_each_line_of_its_input() {
    let there = peer();
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    for (line, payload) in [("hello", "hello"), ("two words ", "two words "), ("from Windows\r", "from Windows")] {
        asking.type_line(line);
        let (received, from) = receive(&there);
        assert_eq!(received, payload.as_bytes());
        there.send_to(b"yes", from).unwrap();
        assert_eq!(asking.line(), format!("Msg: {payload:?}"));
        assert!(asking.line().starts_with(r#"From server: "yes"  "#));
    }
    write!(asking.input.as_mut().unwrap(), "without an end").unwrap();
    drop(asking.input.take());
    let (received, from) = receive(&there);
    assert_eq!(received, b"without an end");
    there.send_to(b"yes", from).unwrap();
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.total("sent"), "4");
}

#[test]
fn an_empty_line_ends_the_client() {
    let there = peer();
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    asking.type_line("");
    // The input stays open: it is not its end that ends the client.
    assert_eq!(asking.line(), "");
    assert_eq!(asking.line(), "╭───────────────────┬───╮");
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["0", "0", "0"]);
}

#[test]
fn without_an_answer_the_client_says_what_that_means_and_goes_on() {
    let there = peer();
    let mut asking = Program::start(&mut client_with_timeout("2s", &address_of(&there), &[]));
    asking.type_line("one");
    let (_, from) = receive(&there);
    assert_eq!(asking.line(), r#"Msg: "one""#);
    assert_eq!(
        asking.line(),
        "No answer within 2s. UDP does not tell you whether it was the request, the server or the answer."
    );
    // What comes too late is not taken for the answer to the next message, before it is sent or after.
    let _ = there.send_to(b"late", from);
    asking.type_line("two");
    let (message, now_from) = receive(&there);
    assert_eq!(message, b"two");
    let _ = there.send_to(b"later", from);
    there.send_to(b"in time", now_from).unwrap();
    assert_eq!(asking.line(), r#"Msg: "two""#);
    assert!(asking.line().starts_with(r#"From server: "in time"  "#));
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["2", "1", "1"]);
}

/// Wine says nothing of a dead port.
#[cfg(unix)]
#[test]
fn the_client_says_that_nobody_listens() {
    let there = peer();
    let address = address_of(&there);
    let mut asking = Program::start(&mut client(&address, &[]));
    asking.type_line("hello");
    let (_, from) = receive(&there);
    there.send_to(b"bye", from).unwrap();
    asking.line();
    asking.line();
    // The port stays taken and hears only itself: another test that was given it would listen there.
    there.connect(&address).unwrap();
    asking.type_line("hello?");
    assert_eq!(asking.line(), r#"Msg: "hello?""#);
    let line = asking.line();
    assert!(line.starts_with(&format!("No answer: nobody listens at {address} (ECONNREFUSED ")), "{line}");
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["2", "1", "1"]);
}

#[test]
fn the_client_says_what_is_too_long_for_a_datagram_and_goes_on() {
    let there = peer();
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    asking.type_line(&"x".repeat(200_000));
    asking.line();
    assert!(asking.line().starts_with("Not sent: a datagram over IPv4 carries at most 65507 bytes ("));
    asking.type_line("short");
    let (received, from) = receive(&there);
    assert_eq!(received, b"short");
    there.send_to(b"yes", from).unwrap();
    assert_eq!(asking.ending().totals(["sent", "answered", "unanswered"]), ["1", "1", "0"]);
}

/// On Linux whoever sends to a connected socket from elsewhere is told at once that nobody is there.
#[cfg(target_os = "linux")]
#[test]
fn a_stranger_cannot_answer_the_client() {
    let (there, stranger) = (peer(), peer());
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    asking.type_line("hello");
    let (_, from) = receive(&there);
    stranger.connect(from).unwrap();
    stranger.send(b"forged").unwrap();
    assert_eq!(stranger.recv(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    there.send_to(b"true", from).unwrap();
    assert_eq!(asking.line(), r#"Msg: "hello""#);
    assert!(asking.line().starts_with(r#"From server: "true"  "#));
    assert_eq!(asking.ending().totals(["sent", "answered"]), ["1", "1"]);
}

/// Colours are forced: a pipe would have terminal sequences taken away, and the test could not fail.
#[test]
fn nothing_that_a_stranger_answers_reaches_the_terminal_of_the_client_raw() {
    for format in ["table", "json"] {
        let there = peer();
        let mut asking = Program::start(&mut client(&address_of(&there), &["--color", "always", "--format", format]));
        for payload in hostile_payloads() {
            asking.type_line("hello");
            let (_, from) = receive(&there);
            there.send_to(&payload, from).unwrap();
            if format == "table" {
                assert_eq!(asking.line(), r#"Msg: "hello""#);
            }
            let line = asking.line();
            assert!(is_harmless(&line), "{payload:?} is shown as {line:?}");
        }
    }
}

#[test]
fn the_client_writes_json_lines() {
    let there = peer();
    let mut asking = Program::start(&mut client_with_timeout("1ms", &address_of(&there), &["--format", "json"]));
    asking.type_line("hello");
    receive(&there);
    let ending = asking.ending();
    assert_eq!(
        ending.output,
        concat!(
            r#"{"answer":null,"sent":"hello"}"#,
            "\n",
            r#"{"totals":{"answered":0,"round_trip_max":null,"round_trip_median":null,"round_trip_min":null,"#,
            r#""sent":1,"unanswered":1}}"#,
            "\n"
        )
    );
}

// What cannot be done is said in a sentence.

#[test]
fn an_address_in_use_is_refused() {
    let held = peer();
    let address = address_of(&held);
    Program::start(&mut udp_lab(&["server", &address]))
        .ending()
        .is_refused_with(3, &format!("udp-lab: bind {address}: "));
}

/// RFC 5737: nobody has this address. Wine binds to it all the same.
#[cfg(unix)]
#[test]
fn an_address_that_is_not_ours_is_refused() {
    Program::start(&mut udp_lab(&["server", "192.0.2.1:0"])).ending().is_refused_with(3, "udp-lab: bind 192.0.2.1:0: ");
}

#[cfg(unix)]
#[test]
fn what_to_do_about_an_address_in_use_is_said() {
    let held = peer();
    let ending = Program::start(&mut udp_lab(&["server", &address_of(&held)])).ending();
    assert!(ending.errors.contains(": address already in use (EADDRINUSE "), "{}", ending.errors);
    assert!(ending.errors.ends_with("Another program has this port: choose another one, or end that program.\n"));
}

/// A broadcast address is what no socket may ask unpermitted, not even the superuser's. Nothing is sent.
#[cfg(target_os = "linux")]
#[test]
fn a_client_without_permission_says_so() {
    Program::start(&mut client("127.255.255.255:8888", &["hello"]))
        .ending()
        .is_refused_with(3, "udp-lab: connect 127.255.255.255:8888: permission denied (EACCES 13).");
}

#[test]
fn the_client_says_that_port_0_is_no_destination() {
    Program::start(&mut client(LOOPBACK, &["hello"]))
        .ending()
        .is_refused_with(3, "udp-lab: 127.0.0.1:0: port 0 is no destination");
}

#[test]
fn a_port_alone_means_this_machine() {
    let server = Server::start(&[]);
    let port = server.address.port().to_string();
    let ending = Program::start(&mut client(&port, &["hello"])).ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert!(ending.output.contains("From server: \"Thanks\""), "{}", ending.output);
}

/// A name with an empty label is refused without asking any name server.
#[test]
fn an_unknown_host_name_is_said_to_be_unknown() {
    for command in ["server", "client"] {
        Program::start(&mut udp_lab(&[command, "no..host:8888"]))
            .ending()
            .is_refused_with(3, "udp-lab: no..host:8888: no host of this name is known here.");
    }
}

#[test]
fn malformed_arguments_are_wrong_use() {
    for (arguments, sentence) in [
        (["server", "127.0.0.1"], "HOST:PORT or PORT is needed"),
        (["client", ":8888"], "HOST:PORT or PORT is needed"),
        (["client", "8888x"], "a port is a number from 0 to 65535"),
        (["server", "99999"], "a port is a number from 0 to 65535"),
        (["client", "127.0.0.1:65536"], "a port is a number from 0 to 65535"),
        (["client", "::1:8888"], "an IPv6 address stands in brackets"),
        (["server", "--count=0"], "0 is not in 1.."),
        (["server", "--buffer=65536"], "at most 65535 bytes"),
        (["client", "--timeout=2"], "a time with its unit is needed"),
        (["client", "--timeout=0s"], "at least 1ms is needed"),
        (["client", "--timeout=2h"], "at most 1h is allowed"),
    ] {
        Program::start(&mut udp_lab(&arguments)).ending().is_refused_with(2, sentence);
    }
}

#[test]
fn a_closed_pipe_is_success() {
    let server = Server::start(&[]);
    for mut command in [udp_lab(&["server", LOOPBACK]), client(&server.address.to_string(), &["hello"])] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let ending = Program::start_with_output(command.stdout(writer)).ending();
        assert_eq!((ending.status, ending.errors.as_str()), (Some(0), ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    let server = Server::start(&[]);
    for mut command in [udp_lab(&["server", LOOPBACK]), client(&server.address.to_string(), &["hello"])] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ending = Program::start_with_output(command.stdout(full)).ending();
        assert_eq!(ending.status, Some(3));
        assert!(ending.errors.starts_with("udp-lab: cannot write the output: "), "{}", ending.errors);
        assert_eq!(ending.errors.lines().count(), 1, "{}", ending.errors);
    }
}

// The article's own programs.

/// A program of the article's; nothing where there is no Python.
fn python(program: &str, port: u16) -> Option<Command> {
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        // Straight to the terminal: the test harness hides what a passing test prints.
        let _ = writeln!(io::stderr(), "NOT RUN: the article's {program}: there is no python3 here");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(format!("{}/tests/python/{program}", env!("CARGO_MANIFEST_DIR"))).arg(port.to_string());
    command.env("PYTHONUTF8", "1");
    Some(command)
}

#[test]
fn the_articles_client_is_answered_by_the_server() {
    let server = Server::start(&["--count", "2"]);
    let Some(mut command) = python("udp_client.py", server.address.port()) else { return };
    let mut asking = Program::start(&mut command);
    for line in ["hello", "你好", ""] {
        asking.type_line(line);
    }
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert_eq!(ending.output.replace('\r', ""), "Msg:From server: Thanks\nMsg:From server: Thanks\nMsg:");
    let served = server.ending();
    assert!(served.output.contains(r#"  6 bytes  "你好""#), "{}", served.output);
    assert_eq!(served.totals(["datagrams", "peers", "answered"]), ["2", "1", "2"]);
}

#[test]
fn the_articles_server_answers_the_client() {
    let Some(mut command) = python("udp_server.py", 0) else { return };
    let server = Program::start(&mut command);
    let address = format!("127.0.0.1:{}", server.line());
    let ending = Program::start(&mut client(&address, &["hello", "你好"])).ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert_eq!(ending.output.matches(r#"From server: "Thanks"  "#).count(), 2);
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["2", "2", "0"]);
    assert_eq!([server.line(), server.line()], ["收到的消息: hello", "收到的消息: 你好"]);
}
