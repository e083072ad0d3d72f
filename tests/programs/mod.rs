//! The server and the client as processes: against each other, against the article's Python, against strangers.

mod addresses;
mod article;
mod client;
mod payloads;
mod pinger;
mod relay;
mod rules;
mod server;
mod streams;
mod textbook;
#[cfg(target_os = "linux")]
mod walkthrough;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::support;
use crate::support::{folder, path_with_the_binary};

/// Ends a test that would hang; costs nothing otherwise.
const LIMIT: Duration = Duration::from_secs(30);

const LOOPBACK: &str = "127.0.0.1:0";

// Programs.

/// What the greeting of a server puts before its address.
const GREETING: &str = "In another terminal: udp-lab client ";

/// The address in the greeting of a server whose output a test reads itself.
#[cfg(target_os = "linux")]
fn greeted(output: &mut impl BufRead) -> SocketAddr {
    let mut lines = output.lines().map(Result::unwrap);
    lines.find_map(|line| line.strip_prefix(GREETING)?.parse().ok()).expect("a greeting with an address")
}

fn udp_lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_udp-lab"));
    command.args(arguments).env("PATH", path_with_the_binary()).env("LC_ALL", "C.UTF-8");
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

/// A server or a relay that has begun, its greeting, and the address in it.
fn greeted_program(arguments: &[&str]) -> (Program, String, SocketAddr) {
    let program = Program::start(&mut udp_lab(arguments));
    let mut greeting = String::new();
    let address = loop {
        let line = program.line();
        greeting.push_str(&line);
        greeting.push('\n');
        if let Some(address) = line.strip_prefix(GREETING) {
            break address.parse().unwrap();
        }
    };
    assert_eq!(program.line(), "");
    (program, greeting, address)
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
        let (program, greeting, address) = greeted_program(&[&["server", address], arguments].concat());
        Server { program, greeting, address }
    }

    fn start_with_json(arguments: &[&str]) -> Self {
        let arguments = [&["server", LOOPBACK, "--format", "json"], arguments].concat();
        let program = Program::start(&mut udp_lab(&arguments));
        let greeting = program.line();
        let address = greeting.strip_prefix(r#"{"listening":""#).and_then(|rest| rest.split('"').next());
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

/// A UDP port that nobody has, and that no socket gets which asks for any: these lie below those that systems choose
/// from. No two calls return the same one.
fn port_that_stays_free() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(20_000 + (std::process::id() % 10_000) as u16));
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

fn address_of(socket: &UdpSocket) -> String {
    socket.local_addr().unwrap().to_string()
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    let (length, from) = loop {
        match socket.recv_from(&mut buffer) {
            // A machine that is suspended and resumed cuts a receive short that has a limit: `signal(7)`. Windows tells
            // that an earlier answer went to a port that was closed by then.
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
    // Joiners are shown in a word.
    let acts =
        |c: char| matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    !line.chars().any(|c| c.is_control() || acts(c))
}
