//! Reports as JSON, schema 1.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use super::Results;
use super::phrases::because;
use crate::vocabulary::{
    Action, Ancillary, Direction, Event, Machine, OsError, Outcome, PEEK, Protocol, Receive, ReceiveForm, Report, Role,
    Row, SceneReport, SendForm, Syscall, escaped,
};

/// The name of the end marker's sender in schema 1.
const END_MARKER: &str = "fence";

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    host: &'a Machine,
    reports: Vec<ReportJson<'a>>,
}

#[derive(Serialize)]
struct ReportJson<'a> {
    lesson: &'a str,
    title: &'a str,
    question: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    keys: &'a [&'a str],
    scenes: Vec<SceneJson<'a>>,
    rows: Vec<RowJson<'a>>,
    notes: Vec<&'a str>,
    began_unix_us: u64,
    events: Vec<EventJson<'a>>,
}

#[derive(Serialize)]
struct SceneJson<'a> {
    scene: usize,
    id: &'a str,
    title: &'a str,
    #[serde(flatten)]
    tested: Option<TestedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<&'a str>,
}

/// The sentence of a tutorial that a scene puts to the test.
#[derive(Serialize)]
struct TestedJson<'a> {
    sentence: &'a str,
    holds: &'a str,
    because: String,
}

#[derive(Serialize)]
struct RowJson<'a> {
    scene: &'a str,
    #[serde(flatten)]
    row: &'a Row,
}

/// One call, or a moment that is none. What a call does not have is left out, but for the fields that every reader asks
/// for.
#[derive(Serialize)]
struct EventJson<'a> {
    scene: usize,
    returned_us: u64,
    who: &'a str,
    protocol: &'a str,
    call: String,
    with: Option<&'a str>,
    payload: Option<String>,
    /// The length of a payload of which only the beginning was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_bytes: Option<usize>,
    buffer: Option<usize>,
    descriptor: u64,
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
    result: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<SocketAddr>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parts: &'a [usize],
    /// The address that a send is to come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    /// The source port in the UDP header that a raw socket sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    /// The address to which the datagram was sent, where a receive tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_error: Option<QueuedErrorJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backlog: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i32>,
    /// The address that the call was made to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    /// The descriptor of the epoll instance that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoll: Option<u64>,
}

/// What the error queue tells of an error.
#[derive(Serialize)]
struct QueuedErrorJson<'a> {
    error: &'a OsError,
    icmp_type: u8,
    icmp_code: u8,
    reported_by: Option<IpAddr>,
}

/// All reports of a run in one document.
pub fn reports(results: &Results<'_>) -> String {
    pretty(&Document { schema: 1, host: results.host, reports: results.reports.iter().map(report).collect() })
}

/// Any other value, laid out alike.
pub fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("reports are plain data with text keys") + "\n"
}

fn report(report: &Report) -> ReportJson<'_> {
    ReportJson {
        lesson: report.lesson,
        title: report.title,
        question: report.question,
        answer: report.answered().map(|answer| answer.text),
        keys: report.keys,
        scenes: report.scenes.iter().map(scene).collect(),
        rows: report
            .scenes
            .iter()
            .flat_map(|scene| scene.rows.iter().map(|row| RowJson { scene: &scene.title, row }))
            .collect(),
        notes: report.notes(),
        began_unix_us: microseconds(report.began.duration_since(UNIX_EPOCH).unwrap_or_default()),
        events: report
            .scenes
            .iter()
            .flat_map(|scene| scene.events.iter().map(move |event| self::event(scene.number, event)))
            .collect(),
    }
}

fn scene(scene: &SceneReport) -> SceneJson<'_> {
    let tested = scene.tested().map(|(sentence, truth)| TestedJson {
        sentence: sentence.text,
        holds: truth.words(),
        because: because(sentence, truth, &scene.rows),
    });
    SceneJson {
        scene: scene.number,
        id: scene.id,
        title: &scene.title,
        tested,
        answer: scene.answered().map(|answer| answer.text),
        stopped: scene.stopped.as_deref(),
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn event(scene: usize, event: &Event) -> EventJson<'_> {
    let is_marker = event.role == Role::EndMarker;
    let sends = matches!(event.call(), Some((Syscall::Send { .. }, _)));
    let named = |name, is_sender| if is_marker && is_sender { END_MARKER } else { name };
    let mut json = EventJson {
        scene,
        returned_us: microseconds(event.returned),
        who: named(event.who.as_str(), sends),
        protocol: match event.protocol {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        },
        call: String::new(),
        with: event.peer.as_ref().map(|peer| named(peer.name.as_str(), !sends)),
        payload: event.payload().map(|bytes| escaped(bytes, usize::MAX).0.into_owned()),
        payload_bytes: (event.left_out > 0).then(|| event.payload_length()),
        buffer: None,
        descriptor: event.descriptor,
        local: event.local,
        remote: event.peer.as_ref().map(|peer| peer.address),
        result: Value::Null,
        asked: None,
        parts: &[],
        source: None,
        source_port: None,
        destination: None,
        interface: None,
        ttl: None,
        drops: None,
        queued_error: None,
        backlog: None,
        returned: None,
        cut: false,
        level: None,
        option: None,
        value: None,
        address: None,
        epoll: None,
    };
    match &event.action {
        Action::Moment(moment) => {
            json.call = moment.word().to_owned();
            json.result = json!("done");
        }
        Action::Call(call, outcome) => {
            json.call = call_name(event.protocol, call);
            json.result = result(call, outcome);
            describe(&mut json, call, outcome);
        }
    }
    json
}

/// What there is to tell of a call besides its name.
fn describe<'a>(json: &mut EventJson<'a>, call: &'a Syscall, outcome: &'a Outcome) {
    match call {
        Syscall::Bind(address) => json.asked = Some(*address),
        Syscall::Listen(backlog) => json.backlog = Some(*backlog),
        Syscall::Send { form: SendForm::Message { parts, .. }, .. } => json.parts = parts,
        Syscall::Send { form: SendForm::MessageFrom { source, .. }, .. } => json.source = Some((*source).into()),
        Syscall::Send { form: SendForm::Raw { source_port, .. }, .. } => json.source_port = Some(*source_port),
        Syscall::Receive(Receive { form: ReceiveForm::Message, buffers, .. }) => {
            json.parts = buffers;
            json.buffer = Some(buffers.iter().sum());
        }
        Syscall::Receive(receive) => json.buffer = Some(receive.capacity()),
        Syscall::SetOption { option, value } => {
            (json.level, json.option, json.value) = (Some(option.level.name()), Some(option.name.into()), Some(*value));
        }
        Syscall::GetOption(option) => (json.level, json.option) = (Some(option.level.name()), Some(option.name.into())),
        Syscall::Shutdown(Direction::Receiving) => json.option = Some(Direction::Receiving.name().into()),
        Syscall::SetNonBlocking(on) => (json.option, json.value) = (Some("O_NONBLOCK".into()), Some((*on).into())),
        Syscall::Poll(events) => json.option = Some(events.to_string().into()),
        Syscall::QueuedBytes => json.option = Some("FIONREAD".into()),
        Syscall::UnsentBytes => json.option = Some("SIOCOUTQ".into()),
        Syscall::Signal { .. } => json.option = Some("SIGURG".into()),
        Syscall::EpollAdd { epoll, trigger } => {
            (json.epoll, json.option) = (Some(*epoll), Some(trigger.events().into()));
        }
        Syscall::EpollWait { epoll } => json.epoll = Some(*epoll),
        Syscall::Connect(_)
        | Syscall::Disconnect
        | Syscall::Send { .. }
        | Syscall::Accept
        | Syscall::Shutdown(Direction::Sending)
        | Syscall::EpollCreate
        | Syscall::Duplicate
        | Syscall::SocketName
        | Syscall::PeerName
        | Syscall::Close => {}
    }
    match outcome {
        Outcome::Received(received) => {
            // A field that is added to it is to be told here, too.
            let Ancillary { destination, interface, ttl, drops, error } = &received.ancillary;
            (json.destination, json.interface, json.ttl, json.drops) = (*destination, *interface, *ttl, *drops);
            json.queued_error = error.as_ref().map(|error| QueuedErrorJson {
                error: &error.error,
                icmp_type: error.icmp_type,
                icmp_code: error.icmp_code,
                reported_by: error.reported_by,
            });
            json.cut = received.truncated;
            json.returned = (received.returned != received.bytes.len()).then_some(received.returned as u64);
        }
        Outcome::Accepted(descriptor) => json.returned = Some(*descriptor),
        Outcome::Value(value) => json.value = Some(*value),
        Outcome::Address(address) => json.address = Some(*address),
        Outcome::Done | Outcome::Sent(_) | Outcome::Nothing | Outcome::Failed { .. } => {}
    }
}

/// The call as schema 1 names it.
fn call_name(protocol: Protocol, call: &Syscall) -> String {
    let name = match (protocol, call) {
        (Protocol::Tcp, Syscall::Send { .. }) => "write",
        (_, Syscall::Send { form: SendForm::To(_) | SendForm::Raw { .. }, .. }) => "send_to",
        (_, Syscall::Receive(receive)) => return receive_name(protocol, receive),
        (
            _,
            Syscall::Bind(_)
            | Syscall::Connect(_)
            | Syscall::Disconnect
            | Syscall::Send { .. }
            | Syscall::SetOption { .. }
            | Syscall::GetOption(_)
            | Syscall::Listen(_)
            | Syscall::Accept
            | Syscall::Shutdown(_)
            | Syscall::SetNonBlocking(_)
            | Syscall::Poll(_)
            | Syscall::QueuedBytes
            | Syscall::UnsentBytes
            | Syscall::SocketName
            | Syscall::PeerName
            | Syscall::Signal { .. }
            | Syscall::EpollCreate
            | Syscall::EpollAdd { .. }
            | Syscall::EpollWait { .. }
            | Syscall::Duplicate
            | Syscall::Close,
        ) => call.name(),
    };
    name.to_owned()
}

fn receive_name(protocol: Protocol, receive: &Receive) -> String {
    let peeks = receive.flags.contains(PEEK);
    let name = match (protocol, receive.form) {
        (Protocol::Tcp, _) if peeks => "peek",
        (Protocol::Tcp, _) | (_, ReceiveForm::Read) => "read",
        (_, ReceiveForm::From) if peeks => "peek_from",
        (_, ReceiveForm::From) => "recv_from",
        (_, ReceiveForm::Recv) => "recv",
        (_, ReceiveForm::Message) => "recvmsg",
    };
    let is_named = name.starts_with("peek");
    let others = receive.flags.names().filter(|flag| !is_named || *flag != PEEK.to_string());
    let flags: String = others.map(|flag| format!(" {}", flag.trim_start_matches("MSG_"))).collect();
    format!("{name}{flags}")
}

fn result(call: &Syscall, outcome: &Outcome) -> Value {
    match (call, outcome) {
        // A read of 0 bytes moves none.
        (Syscall::Receive(Receive { form: ReceiveForm::Read, .. }), Outcome::Received(_)) => json!("done"),
        (_, Outcome::Done | Outcome::Accepted(_) | Outcome::Value(_) | Outcome::Address(_)) => json!("done"),
        (_, Outcome::Sent(bytes)) => json!({ "bytes": bytes }),
        (_, Outcome::Received(received)) => json!({ "bytes": received.bytes.len() }),
        (_, Outcome::Nothing) => json!("nothing"),
        (_, Outcome::Failed { error, .. }) => json!({ "error": error as &OsError }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::TRUNC;

    #[test]
    fn every_flag_of_a_receive_is_in_its_name() {
        let named = |receive: Receive| receive_name(Protocol::Udp, &receive.flags(PEEK | TRUNC));
        assert_eq!(
            [Receive::into(1), Receive::recv(1), Receive::message(&[1])].map(named),
            ["peek_from TRUNC", "recv PEEK TRUNC", "recvmsg PEEK TRUNC"]
        );
    }
}
