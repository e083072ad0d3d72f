//! The calls of a run in the form in which `strace` prints them, on every system; and the command that shows the same
//! from outside.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::arrivals::{Arrivals, Arrived};
use super::rounds::{Kind, repetition};
use super::{Detail, RenderOptions};
use crate::kernel::option::PENDING_ERROR;
use crate::vocabulary::{
    Action, Ancillary, ERRQUEUE, EscapeState, Event, Events, Form, OptionName, Os, OsError, Outcome, Protocol, Receive,
    ReceiveForm, Received, Report, SendForm, SocketError, Syscall, UDP_HEADER, udp_header,
};

/// How many bytes of a payload `strace` shows by itself.
const SHOWN: usize = 32;

/// How control messages are written, where there are none and where they are not shown.
const NO_CONTROL: &str = "msg_controllen=0";
const CONTROL: &str = "msg_control=...";

/// What stands for a pointer, whose number says nothing.
const POINTER: &str = "...";

/// An address of the family AF_UNSPEC, as strace writes it.
const NOBODY: &str = r#"{sa_family=AF_UNSPEC, sa_data="\0\0\0\0\0\0\0\0\0\0\0\0\0\0"}"#;

/// The calls of every scene, a line each; rounds of calls that are alike are shown by their first and last, unless all
/// is to be shown. What is no call is a comment: scenes, who has which descriptor, the moments of a server loop. What
/// only prepares is not in the log: `socket`, time limits, how the lab learns addresses, polls of TCP streams, guards.
pub fn text(report: &Report, options: RenderOptions) -> String {
    let mut text = String::from(
        "# trace: the calls of the log as strace prints them;\n# what sets up and clears away is left out\n",
    );
    if options.detail != Detail::Full {
        text.push_str("# of calls that repeat, the first and the last;\n# --full has all\n");
    }
    for scene in report.scenes.iter().filter(|scene| !scene.events.is_empty()) {
        let _ = writeln!(text, "\n# scene {}: {}", scene.number, options.line(&scene.title));
        let mut lines = Lines { options, os: scene.os, owners: Vec::new(), text: &mut text };
        match options.detail {
            Detail::Full => scene.events.iter().for_each(|event| lines.add(event)),
            Detail::Answer | Detail::Scenes => lines.add_folded(&scene.events),
        }
    }
    text
}

/// The lines of a scene, as they are written.
struct Lines<'t, 'e> {
    options: RenderOptions,
    os: Os,
    /// Who has which descriptor.
    owners: Vec<(u64, &'e str, Protocol)>,
    text: &'t mut String,
}

impl<'e> Lines<'_, 'e> {
    fn add(&mut self, event: &'e Event) {
        let owner = (event.descriptor, event.who.as_str(), event.protocol);
        if !self.owners.contains(&owner) {
            // A closed descriptor's number is given out again.
            self.owners.retain(|(descriptor, ..)| *descriptor != event.descriptor);
            self.owners.push(owner);
            let (who, protocol) = (self.options.line(&event.who), event.protocol.name());
            let _ = writeln!(self.text, "# {} is {who}, {protocol}", event.descriptor);
        }
        let _ = writeln!(self.text, "{}", self.options.line(&line(event, self.os)));
    }

    fn add_folded(&mut self, mut events: &'e [Event]) {
        let kinds = kinds(events, self.os);
        let mut kinds = &kinds[..];
        while !events.is_empty() {
            let (round, length) = repetition(kinds);
            let (repeated, rest) = events.split_at(length);
            (events, kinds) = (rest, &kinds[length..]);
            let left_out = length.saturating_sub(2 * round);
            repeated[..length.min(round)].iter().for_each(|event| self.add(event));
            if left_out > 0 {
                let _ = writeln!(self.text, "# ... {left_out} more like {}", if round == 1 { "it" } else { "them" });
            }
            repeated[length.min(round) + left_out..].iter().for_each(|event| self.add(event));
        }
    }
}

/// The kind of each event; none for what is special: a call that failed or returned nothing, a truncated datagram, a
/// part that was sent.
fn kinds(events: &[Event], os: Os) -> Vec<Option<Kind>> {
    let arrived = Arrivals::of(&events.iter().collect::<Vec<_>>(), os);
    let is_truncated = |arrived| matches!(arrived, Arrived::Truncated { .. });
    events.iter().zip(arrived).map(|(event, arrived)| kind(event).filter(|_| !is_truncated(arrived))).collect()
}

fn kind(event: &Event) -> Option<Kind> {
    let (who, peer, role) = (&event.who, event.peer.as_ref(), event.role);
    match &event.action {
        Action::Moment(moment) => Some(Kind::new(who, moment.word(), peer, role)),
        Action::Call(_, Outcome::Failed { .. } | Outcome::Nothing) => None,
        Action::Call(_, Outcome::Received(Received { truncated: true, .. })) => None,
        Action::Call(Syscall::Send { .. }, Outcome::Sent(sent)) if *sent < event.payload_length() => None,
        Action::Call(call, _) => Some(Kind::of_call(call, who, peer, role)),
    }
}

/// One event: the call and its result, or a comment.
fn line(event: &Event, os: Os) -> String {
    match &event.action {
        Action::Call(call, outcome) => {
            format!("{:<39} = {}", self::call(event, call, outcome, os), result(event, call, outcome, os))
        }
        Action::Moment(moment) => {
            let what = moment.word();
            let client = event.peer.as_ref().map(|client| format!(" {}", client.name)).unwrap_or_default();
            format!("# {}: {what}{client}", event.who)
        }
    }
}

/// A system call with its arguments.
fn call(event: &Event, call: &Syscall, outcome: &Outcome, os: Os) -> String {
    let descriptor = event.descriptor;
    match call {
        Syscall::Bind(to) => format!("bind({descriptor}, {}, {})", address(*to), length(*to)),
        Syscall::Connect(peer) => {
            format!("connect({descriptor}, {}, {})", address(peer.address), length(peer.address))
        }
        Syscall::Disconnect => format!("connect({descriptor}, {NOBODY}, 16)"),
        Syscall::Listen(backlog) => format!("listen({descriptor}, {backlog})"),
        Syscall::Accept => format!("accept4({descriptor}, {}, SOCK_CLOEXEC)", sender(event, outcome)),
        Syscall::Shutdown(direction) => format!("shutdown({descriptor}, {})", direction.name()),
        Syscall::SetNonBlocking(on) => {
            format!("fcntl({descriptor}, F_SETFL, O_RDWR{})", if *on { "|O_NONBLOCK" } else { "" })
        }
        Syscall::Poll(events) => format!("poll([{{fd={descriptor}, events={events}}}], 1, 0)"),
        Syscall::QueuedBytes | Syscall::UnsentBytes => {
            // strace knows SIOCOUTQ by its other name.
            let request = if matches!(call, Syscall::QueuedBytes) { "FIONREAD" } else { "TIOCOUTQ" };
            let bytes = if let Outcome::Value(bytes) = outcome { format!("[{bytes}]") } else { POINTER.to_owned() };
            format!("ioctl({descriptor}, {request}, {bytes})")
        }
        Syscall::SocketName | Syscall::PeerName => match outcome {
            Outcome::Address(told) => {
                format!("{}({descriptor}, {}, [128 => {}])", call.name(), address(*told), length(*told))
            }
            _ => format!("{}({descriptor}, {POINTER}, [128])", call.name()),
        },
        Syscall::Signal { process, thread } => format!("tgkill({process}, {thread}, SIGURG)"),
        Syscall::EpollCreate => "epoll_create1(EPOLL_CLOEXEC)".to_owned(),
        Syscall::EpollAdd { epoll, trigger } => {
            let watched = epoll_event(trigger.events(), descriptor);
            format!("epoll_ctl({epoll}, EPOLL_CTL_ADD, {descriptor}, {watched})")
        }
        Syscall::EpollWait { epoll } => {
            let reported = match outcome {
                Outcome::Value(0) => "[]".to_owned(),
                Outcome::Value(events) => {
                    format!("[{}]", epoll_event(&Events::from_int(*events).of_epoll(), descriptor))
                }
                _ => POINTER.to_owned(),
            };
            format!("epoll_wait({epoll}, {reported}, 1, 0)")
        }
        Syscall::Duplicate => format!("fcntl({descriptor}, F_DUPFD_CLOEXEC, 0)"),
        Syscall::Close => format!("close({descriptor})"),
        Syscall::SetOption { option, value } => {
            let (value, length) = option_value(option, *value, os);
            format!("setsockopt({descriptor}, {}, {}, {value}, {length})", option.level.name(), option_name(option))
        }
        Syscall::GetOption(option) => {
            let (value, length) = match outcome {
                Outcome::Value(value) => option_value(option, *value, os),
                _ => (POINTER.to_owned(), option_value(option, 0, os).1),
            };
            format!("getsockopt({descriptor}, {}, {}, {value}, [{length}])", option.level.name(), option_name(option))
        }
        Syscall::Send { form, payload } => send(descriptor, form, payload, event.payload_length()),
        Syscall::Receive(receive) => self::receive(event, receive, outcome),
    }
}

/// What an epoll instance is told, and tells, of a socket: the data that comes back is its descriptor.
fn epoll_event(events: &str, descriptor: u64) -> String {
    format!("{{events={events}, data={{u32={descriptor}, u64={descriptor}}}}}")
}

/// The name of an option. Of those with a time Linux has a second one, for machines whose times are shorter; strace
/// tells the two apart.
fn option_name(option: &OptionName) -> String {
    format!("{}{}", option.name, if option.form == Form::Time { "_OLD" } else { "" })
}

/// The value of an option as strace writes it, and its length in bytes: of a time its two numbers, byte by byte.
fn option_value(option: &OptionName, value: i32, os: Os) -> (String, usize) {
    match option.form {
        Form::Int if *option == PENDING_ERROR.name && value != 0 => {
            (format!("[{}]", OsError::from_number(value, os).name), size_of::<i32>())
        }
        Form::Int => (format!("[{value}]"), size_of::<i32>()),
        Form::Time => {
            const SECOND: i32 = 1_000_000;
            let numbers = [value / SECOND, value % SECOND].map(|number| i64::from(number).to_ne_bytes());
            (quoted(numbers.as_flattened()), size_of_val(&numbers))
        }
        // One instruction; the structure has its number and a pointer.
        Form::Program => (format!("{{len=1, filter={POINTER}}}"), 2 * size_of::<usize>()),
    }
}

fn send(descriptor: u64, form: &SendForm, payload: &[u8], count: usize) -> String {
    let shown = quoted(payload);
    match form {
        SendForm::Connected => format!("sendto({descriptor}, {shown}, {count}, 0, NULL, 0)"),
        SendForm::Write => format!("write({descriptor}, {shown}, {count})"),
        SendForm::To(to) => {
            let (to, length) = (address(to.address), length(to.address));
            format!("sendto({descriptor}, {shown}, {count}, 0, {to}, {length})")
        }
        SendForm::Message { to, parts } => {
            let name = format!("msg_name={}, msg_namelen={}", address(to.address), length(to.address));
            format!("sendmsg({descriptor}, {{{name}, {}, msg_flags=0}}, 0)", vector(payload, parts, NO_CONTROL))
        }
        SendForm::MessageFrom { to, source } => {
            let name = format!("msg_name={}, msg_namelen={}", address(to.address), length(to.address));
            let parts = vector(payload, &[count], &packet_info("0", *source));
            format!("sendmsg({descriptor}, {{{name}, {parts}, msg_flags=0}}, 0)")
        }
        SendForm::Raw { to, source_port } => {
            let header = udp_header(*source_port, to.address.port(), count);
            let (shown, count) = (quoted(&[&header, payload].concat()), UDP_HEADER + count);
            let (to, length) = (address(to.address), length(to.address));
            format!("sendto({descriptor}, {shown}, {count}, 0, {to}, {length})")
        }
    }
}

fn receive(event: &Event, receive: &Receive, outcome: &Outcome) -> String {
    let (descriptor, capacity, flags) = (event.descriptor, receive.capacity(), receive.flags);
    // What a failed receive leaves in its buffer, the log knows on Windows only.
    let shown = event.payload().map_or_else(|| POINTER.to_owned(), quoted);
    match receive.form {
        ReceiveForm::Read => format!("read({descriptor}, {shown}, {capacity})"),
        // Without room for the sender's address: `recv`, and on streams.
        ReceiveForm::Recv => format!("recvfrom({descriptor}, {shown}, {capacity}, {flags}, NULL, NULL)"),
        ReceiveForm::From => {
            format!("recvfrom({descriptor}, {shown}, {capacity}, {flags}, {})", sender(event, outcome))
        }
        ReceiveForm::Message => match outcome {
            Outcome::Received(Received { bytes, truncated, ancillary, .. }) => {
                let from = event.peer.as_ref().map(|peer| peer.address);
                let from = from.map(|from| format!("msg_name={}, msg_namelen=128 => {}", address(from), length(from)));
                let from = from.unwrap_or_else(|| format!("msg_name={POINTER}, msg_namelen=128 => 0"));
                let (control, set) = match () {
                    // What the queue tells of the error is in a control message.
                    () if flags.contains(ERRQUEUE) => (CONTROL.to_owned(), "MSG_ERRQUEUE"),
                    () if *truncated => (control(ancillary), "MSG_TRUNC"),
                    () => (control(ancillary), "0"),
                };
                let parts = vector(bytes, &receive.buffers, &control);
                format!("recvmsg({descriptor}, {{{from}, {parts}, msg_flags={set}}}, {flags})")
            }
            _ => format!("recvmsg({descriptor}, {{msg_namelen=128}}, {flags})"),
        },
    }
}

/// The control message that tells the address to which a datagram was sent, where there is one.
fn control(ancillary: &Ancillary) -> String {
    /// The number of the loopback interface: in each network namespace it is the first.
    const LOOPBACK: u32 = 1;
    match (ancillary.destination, ancillary.interface) {
        (Some(IpAddr::V4(to)), Some(LOOPBACK)) => packet_info("if_nametoindex(\"lo\")", to),
        (None, _) if *ancillary == Ancillary::default() => NO_CONTROL.to_owned(),
        // strace names any other interface, and the log has its number only; of other control messages it has the
        // meaning.
        (Some(_) | None, _) => CONTROL.to_owned(),
    }
}

/// `IP_PKTINFO` with a local address: on receipt that to which the datagram was sent, when sending that which it is to
/// come from.
fn packet_info(interface: &str, local: Ipv4Addr) -> String {
    let data = format!("ipi_ifindex={interface}, ipi_spec_dst=inet_addr(\"{local}\"), ipi_addr=inet_addr(\"{local}\")");
    format!(
        "msg_control=[{{cmsg_len=28, cmsg_level=SOL_IP, cmsg_type=IP_PKTINFO, cmsg_data={{{data}}}}}], msg_controllen=32"
    )
}

/// The sender's address, and the length of the structure for it before and after the call.
fn sender(event: &Event, outcome: &Outcome) -> String {
    match (&event.peer, outcome) {
        (Some(from), Outcome::Received(_) | Outcome::Accepted(_)) => {
            format!("{}, [128 => {}]", address(from.address), length(from.address))
        }
        // Nobody has sent: the socket is shut down for receiving.
        (None, Outcome::Received(_)) => format!("{POINTER}, [128 => 0]"),
        _ => format!("{POINTER}, [128]"),
    }
}

/// What the call returned, by the system's own names and words for errors.
fn result(event: &Event, call: &Syscall, outcome: &Outcome, os: Os) -> String {
    match outcome {
        Outcome::Value(0) if matches!(call, Syscall::Poll(_)) => "0 (Timeout)".to_owned(),
        Outcome::Value(there) if matches!(call, Syscall::Poll(_)) => {
            format!("1 ([{{fd={}, revents={}}}])", event.descriptor, Events::from_int(*there))
        }
        Outcome::Value(events) if matches!(call, Syscall::EpollWait { .. }) => i32::from(*events != 0).to_string(),
        Outcome::Done | Outcome::Value(_) | Outcome::Address(_) => "0".to_owned(),
        Outcome::Sent(bytes) => bytes.to_string(),
        Outcome::Received(received) => received.returned.to_string(),
        Outcome::Accepted(descriptor) => descriptor.to_string(),
        Outcome::Nothing => error(&SocketError::WouldBlock.on(os), os),
        Outcome::Failed { error: e, .. } => error(e, os),
    }
}

fn error(error: &OsError, os: Os) -> String {
    let words = error.words(os);
    // strace begins them with a capital letter.
    let (first, rest) = words.split_at(words.chars().next().map_or(0, char::len_utf8));
    format!("-1 {} ({}{rest})", error.name, first.to_uppercase())
}

fn address(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    match address {
        SocketAddr::V4(_) => format!("{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"{ip}\")}}"),
        SocketAddr::V6(v6) => format!(
            "{{sa_family=AF_INET6, sin6_port=htons({port}), sin6_flowinfo=htonl({}), \
             inet_pton(AF_INET6, \"{ip}\", &sin6_addr), sin6_scope_id={}}}",
            v6.flowinfo(),
            v6.scope_id()
        ),
    }
}

/// The length of the structure of a socket address.
fn length(address: SocketAddr) -> usize {
    if address.is_ipv4() { 16 } else { 28 }
}

/// The buffers of `sendmsg` and `recvmsg`, each with what it holds, and the control messages behind them.
fn vector(mut bytes: &[u8], lengths: &[usize], control: &str) -> String {
    let parts: Vec<String> = lengths
        .iter()
        .map(|&length| {
            let (part, rest) = bytes.split_at(length.min(bytes.len()));
            bytes = rest;
            format!("{{iov_base={}, iov_len={length}}}", quoted(part))
        })
        .collect();
    format!("msg_iov=[{}], msg_iovlen={}, {control}", parts.join(", "), parts.len())
}

/// A payload as `strace` writes it: what is not ASCII in octal, after [`SHOWN`] bytes three dots.
fn quoted(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let mut text = String::from('"');
    for (place, &byte) in shown.iter().enumerate() {
        let digit_follows = shown.get(place + 1).is_some_and(|next| (b'0'..=b'7').contains(next));
        let _ = match byte {
            b'"' | b'\\' => write!(text, "\\{}", char::from(byte)),
            b'\t' => write!(text, "\\t"),
            b'\n' => write!(text, "\\n"),
            b'\r' => write!(text, "\\r"),
            0x0b => write!(text, "\\v"),
            0x0c => write!(text, "\\f"),
            b' '..=b'~' => write!(text, "{}", char::from(byte)),
            _ if digit_follows => write!(text, "\\{byte:03o}"),
            _ => write!(text, "\\{byte:o}"),
        };
    }
    text + if bytes.len() > SHOWN { "\"..." } else { "\"" }
}

/// `Check: ` and the command that shows the calls of `program` with these arguments from outside. Where it has to be
/// broken, a shell takes it as one line still.
pub fn check(os: Os, program: &str, arguments: &[String], options: RenderOptions) -> String {
    const MOST_LINES: usize = 4;
    let width = usize::from(options.width);
    let words: Vec<String> = match os {
        Os::Linux => {
            let strace = ["Check:", "strace", "-f", "-e", "trace=network", program].map(str::to_owned);
            strace.into_iter().chain(arguments.iter().map(|argument| shell_word(argument, options.ascii))).collect()
        }
        Os::Macos => {
            return options.wrap("Check: sudo tcpdump -i lo0 -n -A udp, in another terminal, and run it again", "");
        }
        Os::Windows => {
            return options.wrap("Check: Wireshark, \"Adapter for loopback traffic capture\", filter: udp", "");
        }
    };
    let mut lines = vec![String::new()];
    for word in &words {
        let wide = |text: &str| textwrap::core::display_width(text);
        let line = lines.last().map_or(0, |line| wide(line));
        match lines.last_mut() {
            // Room is kept for the mark of a line that goes on.
            Some(last) if line == 0 || line + 1 + wide(word) + 2 <= width => {
                last.push_str(if line == 0 { "" } else { " " });
                last.push_str(word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    let fits = lines.len() <= MOST_LINES && lines.iter().all(|line| textwrap::core::display_width(line) + 2 <= width);
    if fits {
        lines.join(" \\\n")
    } else {
        options.wrap("Check: the same command, with strace -f -e trace=network before it", "")
    }
}

/// An argument as a shell takes it, with no character that could act on the terminal.
pub(crate) fn shell_word(argument: &str, ascii: bool) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    let mut state = EscapeState::default();
    let shown: Vec<(char, bool)> = argument.chars().map(|c| (c, state.shows(c) && (c.is_ascii() || !ascii))).collect();
    if shown.iter().all(|(_, shown)| *shown) {
        return format!("'{}'", argument.replace('\'', r"'\''"));
    }
    let mut word = String::from("$'");
    for (c, shown) in shown {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            c if shown => word.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                let _ = write!(word, "\\x{byte:02x}");
            }),
        }
    }
    word + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_quoted_as_strace_quotes_them() {
        // What strace 6.1 printed for these bytes.
        assert_eq!(quoted(b"\x07\x08\t\n\x0b\x0c\r\x1b'\"\\\x7f\xff"), r#""\7\10\t\n\v\f\r\33'\"\\\177\377""#);
        assert_eq!(quoted(b"\x001\x008\x00a"), r#""\0001\08\0a""#);
        assert_eq!(quoted(&[b'x'; 32]), format!("\"{}\"", "x".repeat(32)));
        assert_eq!(quoted(&[b'x'; 33]), format!("\"{}\"...", "x".repeat(32)));
        // A digit that is no longer shown does not count.
        assert_eq!(quoted(&[[0; 32].as_slice(), b"1"].concat()), format!("\"{}\"...", "\\0".repeat(32)));
    }

    #[test]
    fn addresses_of_both_families() {
        let v4 = r#"{sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}"#;
        assert_eq!(address(SocketAddr::from(([127, 0, 0, 1], 9))), v4);
        let v6 = "{sa_family=AF_INET6, sin6_port=htons(9), sin6_flowinfo=htonl(0), \
                  inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}";
        assert_eq!(address(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 9))), v6);
    }

    #[test]
    fn arguments_are_safe_to_paste_and_to_show() {
        assert_eq!(shell_word("one", false), "one");
        assert_eq!(shell_word("", false), "''");
        assert_eq!(shell_word("two words", false), "'two words'");
        assert_eq!(shell_word("it's $HOME", false), r"'it'\''s $HOME'");
        assert_eq!(shell_word("\u{1b}[31m'\n", false), r"$'\x1b[31m\'\x0a'");
        assert_eq!((shell_word("你", false), shell_word("你", true)), ("'你'".into(), r"$'\xe4\xbd\xa0'".into()));
    }

    #[test]
    fn a_check_that_is_broken_is_one_command_still() {
        let options = RenderOptions::everything(60);
        let given = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let check = check(Os::Linux, "udp-lab", &given("boundaries one two three four five"), options);
        assert_eq!(check, "Check: strace -f -e trace=network udp-lab boundaries one \\\n    two three four five");
        let long = super::check(Os::Linux, "udp-lab", &["boundaries".to_owned(), "x".repeat(1000)], options);
        assert!(long.starts_with("Check: the same command") && long.lines().count() <= 2, "{long}");
    }
}
