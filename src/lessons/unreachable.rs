//! Who receives an error when nobody listens, at which call, and what that call has then not done.
//!
//! The answer that nobody listens is an ICMP message, and the send does not wait for it. The system keeps it as a
//! pending error of the socket, if it takes that to be meant at all, and returns it from a later call, whatever that
//! was meant to do.

use clap::Args;

use super::claims::{refused, refused_once, unconnected_refused};
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{told_connected, told_unconnected};
use crate::kernel::option::{BROADCAST, KEEP_ERRORS, KEEP_ERRORS_V6, PATH_MTU, TIME_TO_LIVE};
use crate::lab::{Endpoint, Host, LOOPBACK_MTU, Lab, ReceiveResult, SceneError, Target};
use crate::vocabulary::{
    Claim, ERRQUEUE, Expected, Fact, Guess, IPV4_UDP_HEADERS, Need, Os, POLLIN, POLLOUT, Peer, Property, Receive,
    SocketError, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "unreachable",
    title: "An ICMP error is returned by a later call, which then does nothing else",
    question: "Nobody listens. Who receives an error, at which call, and what does it cost?",
    why: "That nobody listens is told by an ICMP message (RFC 1122 section 4.1.3.1), for which no send waits. The \
          system keeps it as a pending error (Linux udp(7), ECONNREFUSED), on Linux and macOS of a connected socket \
          only (Stevens, section 8.9), and returns it from a later call, once (socket(7), SO_ERROR). On Linux and \
          macOS that may be a send: it returns the error and sends nothing. On Linux an unconnected socket has to ask \
          for errors: IP_RECVERR (ip(7)). What is dropped on the way is answered by nobody.",
    keys: &["next-receive", "unconnected-error", "server-receives", "blackhole"],
    guess: Guess {
        answers: &[
            wrong("Whoever has sent, at the send itself. It costs nothing else.", "connected-send"),
            wrong("Whoever has sent, at each receive until somebody listens.", "receive-after"),
            right(
                "The socket, at a later call; on Linux and macOS only if connected, and then it may be a send.",
                "next-receive",
            ),
            wrong("Nobody: UDP has no errors.", "next-receive"),
        ],
        because: "the answer comes after the send has returned; on Linux the send that reports it sends nothing.",
    },
    example: "--sends 20",
    parameters: Parameters::of::<Unreachable>(),
    page: include_str!("../../demos/unreachable.md"),
    python: include_str!("../../demos/unreachable.py"),
};

#[derive(Args)]
struct Unreachable {
    /// Sends of a connected socket to nobody in scene 4, 1 to 20
    #[arg(long, value_name = "N", default_value = "6", value_parser = arguments::whole::<u16>(1, 20))]
    sends: u16,
}

impl Scenes for Unreachable {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            connected(),
            unconnected(),
            send_after_the_error(),
            one_send_after_another(self.sends.into()),
            pending_error(),
            error_and_data(),
            error_queue(),
            another_server(),
            silence(),
            poll(),
            error_queue_v6(),
            no_route(),
            broadcast(),
            counted(),
            meanwhile(),
            soft_errors(),
            hard_errors(),
        ])
    }
}

/// What a send returns while an error is pending. On Windows only a receive returns it.
fn at_a_send(
    id: &str,
    property: impl Into<Property>,
    expected: impl Into<Expected>,
    windows: impl Into<Expected>,
) -> Claim {
    typical(id, property, expected, &sources::LINUX_PENDING)
        .cites_on(Os::Macos, &sources::XNU_SEND)
        .on(Os::Windows, windows, &sources::WINE_UDP)
        .unlike_wine()
        .needs(Need::Icmp)
}

fn connected() -> Scene {
    let claims = [
        specified("connected-send", "connected: send returns", 5, &sources::POSIX_SENDTO),
        refused("next-receive", "connected: next receive"),
        refused_once("receive-after", "connected: receive after that"),
    ];
    let answer = "Connected: the next receive returned {next-receive}.";
    Scene::builder("connected", "a connected socket", claims).answer(answer).run(|lab| {
        let nobody = lab.closed_port("nobody")?;
        let client = lab.endpoint("client")?;
        client.connect(&nobody)?;
        lab.observe_success("connected-send", client.send(b"hello"))?;
        let (next, after) = told_connected(&client);
        lab.observe("next-receive", next);
        lab.observe_or_skip("receive-after", after);
        Ok(())
    })
}

fn unconnected() -> Scene {
    let claims = [
        specified("unconnected-send", "unconnected: sendto returns", 5, &sources::POSIX_SENDTO),
        unconnected_refused("unconnected-error", "unconnected: error later"),
    ];
    let answer = "Unconnected: {unconnected-error}.";
    Scene::builder("unconnected", "an unconnected socket", claims).answer(answer).run(|lab| {
        let nobody = lab.closed_port("nobody")?;
        let client = lab.bind("client")?;
        lab.observe_success("unconnected-send", client.send_to(b"hello", &nobody))?;
        lab.observe("unconnected-error", told_unconnected(&client, &nobody)?);
        Ok(())
    })
}

fn send_after_the_error() -> Scene {
    let claims = [
        at_a_send("reporting-send", "next send returns", SocketError::ConnectionRefused, 3),
        at_a_send("server-receives", "the server first receives", &b"three"[..], &b"two"[..]),
    ];
    let answer =
        "Then a server listened: sending \"two\" returned {reporting-send}, and it first received {server-receives}.";
    Scene::builder("send", "the next call is a send", claims).answer(answer).run(|lab| {
        let port = lab.closed_port("server")?;
        let client = lab.endpoint("client")?;
        client.connect(&port)?;
        client.send(b"one")?;
        client.await_error()?;
        let server = lab.bind_at("server", &port)?;
        lab.observe("reporting-send", client.send(b"two"));
        client.send(b"three")?;
        lab.observe("server-receives", server.before_marker(1024)?);
        Ok(())
    })
}

fn one_send_after_another(sends: usize) -> Scene {
    let claims = [at_a_send("failed-sends", format!("of {sends} sends, failed"), sends / 2, 0)];
    let answer = format!("{{failed-sends}} of {sends} sends failed.");
    Scene::builder("sends", "one send after another", claims).answer(answer).run(move |lab| {
        let nobody = lab.closed_port("nobody")?;
        let client = lab.endpoint("client")?;
        client.connect(&nobody)?;
        let mut failed = 0;
        for _ in 0..sends {
            match lab.answer(client.send(b"hello"))? {
                Ok(_) => client.await_error()?,
                Err(_) => failed += 1,
            }
        }
        lab.observe("failed-sends", failed);
        Ok(())
    })
}

fn pending_error() -> Scene {
    let claims = [
        typical("so-error", "SO_ERROR after the error came", SocketError::ConnectionRefused, &sources::UDP_7)
            .cites_on(Os::Macos, &sources::XNU_ICMP)
            .supposed_on(Os::Windows, SocketError::ConnectionReset),
        specified("so-error-again", "SO_ERROR read again", Fact::Nothing, &sources::SOCKET_7_ERROR)
            .cites_on(Os::Macos, &sources::POSIX_GETSOCKOPT)
            .unconfirmed_on(Os::Windows),
        specified("receive-too-late", "after SO_ERROR: receive", Fact::Nothing, &sources::SOCKET_7_ERROR)
            .cites_on(Os::Macos, &sources::POSIX_GETSOCKOPT)
            .unconfirmed_on(Os::Windows),
    ];
    let answer = "SO_ERROR was {so-error}, then {so-error-again}; a receive after that returned {receive-too-late}.";
    Scene::builder("so-error", "asking for the error", claims).answer(answer).needs(Need::Icmp).run(|lab| {
        let client = client_with_an_error(lab)?;
        let error = client.pending_error()?;
        let is_told = error != Fact::Nothing;
        lab.observe("so-error", error);
        if !is_told {
            return Err(SceneError::Skip("SO_ERROR had no error".to_owned()));
        }
        lab.observe("so-error-again", client.pending_error()?);
        lab.observe("receive-too-late", client.receive(Receive::into(1024).without_waiting()));
        Ok(())
    })
}

/// A connected client that has an error to be told.
fn client_with_an_error(lab: &Lab) -> Result<Endpoint, SceneError> {
    let nobody = lab.closed_port("nobody")?;
    let client = lab.endpoint("client")?;
    client.connect(&nobody)?;
    client.send(b"hello")?;
    client.await_error()?;
    Ok(client)
}

fn error_and_data() -> Scene {
    let claims = [
        typical(
            "first-returned",
            "data, then error: 1st receive",
            SocketError::ConnectionRefused,
            &sources::LINUX_RECEIVE,
        )
        .on(Os::Macos, "café".as_bytes(), &sources::XNU_RECEIVE)
        .supposed_on(Os::Windows, "café".as_bytes()),
        typical("second-returned", "data, then error: 2nd receive", "café".as_bytes(), &sources::LINUX_RECEIVE)
            .on(Os::Macos, SocketError::ConnectionRefused, &sources::XNU_RECEIVE)
            .supposed_on(Os::Windows, SocketError::ConnectionReset),
    ];
    let answer = "Data was queued, then an error came. Returned first: {first-returned}, then {second-returned}.";
    Scene::builder("order", "data is queued when the error comes", claims)
        .answer(answer)
        .needs(Need::Drops)
        .needs(Need::Icmp)
        .run(|lab| {
            let port = lab.closed_port("server")?;
            let client = lab.endpoint("client")?;
            client.connect(&port)?;
            // Who counts what was dropped counts what is queued.
            client.drops().map_err(SceneError::Skip)?;
            let empty = client.queue_counts();
            let server = lab.bind_at("server", &port)?;
            server.send_to("café".as_bytes(), &client)?;
            if client.queue_counts_after(empty).is_none() {
                return Err(SceneError::Skip("the system does not tell that the data is queued".to_owned()));
            }
            server.close();
            client.send(b"hello")?;
            client.await_error()?;
            lab.observe("first-returned", client.receive(1024));
            lab.observe("second-returned", client.receive(1024));
            Ok(())
        })
}

/// Why rows about the error queue are skipped elsewhere.
const NO_ERROR_QUEUE: &str = "the error queue is Linux's";

/// A client that asks to be told of errors though it is not connected. What it has sent to nobody has been answered.
fn client_that_keeps_errors(lab: &Lab, row: &str) -> Result<Endpoint, SceneError> {
    let nobody = lab.closed_port("nobody")?;
    let client = lab.bind("client")?;
    lab.attempt(row, client.set(&KEEP_ERRORS, true))?;
    client.send_to("café".as_bytes(), &nobody)?;
    // Where none comes, the system may answer nobody.
    client.await_error().or_else(|_| client.await_refusals())?;
    Ok(client)
}

fn error_queue() -> Scene {
    let source = &sources::IP_7_RECVERR;
    let claims = [
        specified("queue-receive", "with IP_RECVERR: receive", SocketError::ConnectionRefused, source),
        specified("queue-payload", "error queue: the datagram", "café".as_bytes(), source),
        specified("queue-destination", "error queue: destination", "nobody", source),
        specified("queue-icmp", "error queue: ICMP", "type 3, code 3", &sources::RFC792),
    ];
    let answer = "Error queue: {queue-icmp} (port unreachable).";
    let claims = claims.map(|claim| claim.linux_only(NO_ERROR_QUEUE));
    Scene::builder("queue", "IP_RECVERR: the error queue", claims).answer(answer).needs(Need::Icmp).run(|lab| {
        let client = client_that_keeps_errors(lab, "queue-receive")?;
        lab.observe("queue-receive", client.receive(Receive::into(1024).without_waiting()));
        let error = client.receive(Receive::message(&[1024]).flags(ERRQUEUE).without_waiting());
        lab.observe("queue-payload", &error);
        lab.observe("queue-destination", error.sender());
        lab.observe("queue-icmp", error.icmp());
        Ok(())
    })
}

fn another_server() -> Scene {
    let source = &sources::LINUX_PENDING;
    let claims = [
        typical("other-send", "sendto another server", SocketError::ConnectionRefused, source),
        typical("other-receives", "the other server receives", &b"three"[..], source),
    ];
    let answer = "A sendto another server returned {other-send}; that server first received {other-receives}.";
    let claims = claims.map(|claim| claim.linux_only(NO_ERROR_QUEUE));
    Scene::builder("others", "IP_RECVERR: sending elsewhere", claims).answer(answer).needs(Need::Icmp).run(|lab| {
        let client = client_that_keeps_errors(lab, "other-send")?;
        let server = lab.bind("server")?;
        lab.observe("other-send", client.send_to(b"two", &server));
        client.send_to(b"three", &server)?;
        lab.observe("other-receives", server.before_marker(1024)?);
        Ok(())
    })
}

fn silence() -> Scene {
    let claims = [
        typical("open-port", "open port: next receive", Fact::Nothing, &sources::RFC768),
        typical("blackhole", "blackhole: next receive", Fact::Nothing, &sources::LINUX_FILTER)
            .linux_only(NO_FILTER)
            .needs(Need::Drops)
            .needs(Need::Icmp),
    ];
    let answer = "Open port: {open-port}; blackhole, which drops all: {blackhole}.";
    Scene::builder("silence", "an open port, and a blackhole", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.connect(&server)?;
        client.send(b"hello")?;
        server.receive(1024).required("the datagram for the open port")?;
        lab.observe("open-port", client.before_marker(1024)?);
        if lab.applies("blackhole") {
            lab.observe("blackhole", told_of_a_blackhole(lab, &client)?);
        }
        Ok(())
    })
}

const NO_FILTER: &str = "filters of a socket are Linux's";

/// What a connected client is told of a datagram that is dropped where it arrives.
fn told_of_a_blackhole(lab: &Lab, client: &Endpoint) -> Result<ReceiveResult, SceneError> {
    let blackhole = lab.blackhole("blackhole")?;
    blackhole.drops().map_err(SceneError::Skip)?;
    client.connect(&blackhole)?;
    let before = blackhole.queue_counts();
    client.send(b"hello")?;
    match blackhole.queue_counts_after(before) {
        Some(_) => client.before_marker(1024),
        None => Err(SceneError::Skip("the system does not tell that the blackhole dropped the datagram".to_owned())),
    }
}

fn poll() -> Scene {
    let claims = [
        typical("poll-error", "an error is pending: poll says", "POLLOUT|POLLERR", &sources::LINUX_POLL)
            .on(Os::Macos, "POLLIN|POLLOUT", &sources::XNU_POLL)
            .unconfirmed_on(Os::Windows),
        typical("poll-after", "after the receive that returned it", "POLLOUT", &sources::LINUX_POLL)
            .cites_on(Os::Macos, &sources::XNU_POLL)
            .unconfirmed_on(Os::Windows),
    ];
    let answer = "With the error pending poll said {poll-error}, and {poll-after} after the receive that returned it.";
    Scene::builder("poll", "what poll says of an error", claims).answer(answer).needs(Need::Icmp).run(|lab| {
        let client = client_with_an_error(lab)?;
        lab.observe("poll-error", client.poll(POLLIN | POLLOUT)?.to_string());
        // It returns the error.
        let _ = client.receive(1024);
        lab.observe("poll-after", client.poll(POLLIN | POLLOUT)?.to_string());
        Ok(())
    })
}

fn error_queue_v6() -> Scene {
    let claims = [
        specified("queue-icmp-v6", "error queue over IPv6: ICMP", "type 1, code 4", &sources::RFC4443),
        typical(
            "other-family",
            "IPV6_RECVERR on a socket of IPv4",
            SocketError::NoProtocolOption,
            &sources::LINUX_IPV6_ONLY,
        ),
    ];
    let answer = "ICMP in the error queue over IPv6: {queue-icmp-v6}. setsockopt of IPV6_RECVERR on a socket of IPv4: \
                  {other-family}.";
    let claims = claims.map(|claim| claim.linux_only(NO_ERROR_QUEUE));
    Scene::builder("ipv6", "the error queue over IPv6", claims)
        .answer(answer)
        .needs(Need::Ipv6)
        .needs(Need::IcmpV6)
        .run(|lab| {
            let nobody = lab.closed_port_v6("nobody")?;
            let client = lab.bind_v6("client")?;
            lab.attempt("queue-icmp-v6", client.set(&KEEP_ERRORS_V6, true))?;
            // Connected, it is told in any case.
            client.connect(&nobody)?;
            client.send(b"hello")?;
            client.await_error()?;
            let error = client.receive(Receive::message(&[1024]).flags(ERRQUEUE).without_waiting());
            lab.observe("queue-icmp-v6", error.icmp());
            lab.observe("other-family", lab.bind("IPv4 client")?.set(&KEEP_ERRORS_V6, true));
            Ok(())
        })
}

fn no_route() -> Scene {
    /// Addresses for documentation (RFC 5737): no machine has them.
    const NOWHERE: [([u8; 4], &str); 3] = [
        ([198, 51, 100, 1], "198.51.100.0/25"),
        ([198, 51, 100, 129], "198.51.100.128/25"),
        ([192, 0, 2, 1], "192.0.2.0/24"),
    ];
    let claims = [
        specified("no-route", "no route: sendto", SocketError::NetworkUnreachable, &sources::POSIX_SENDTO_NO_ROUTE),
        specified("unreachable", "unreachable route: sendto", SocketError::HostUnreachable, &sources::IP_ROUTE_8),
        specified("prohibit", "prohibit route: sendto", SocketError::AccessDenied, &sources::IP_ROUTE_8),
        specified("discard", "blackhole route: sendto", SocketError::InvalidArgument, &sources::IP_ROUTE_8),
    ];
    let answer = "Where the routes of its own system lead nowhere the send itself fails: without a route {no-route}, \
                  with one of the type unreachable {unreachable}, prohibit {prohibit}, blackhole {discard}.";
    Scene::builder("no-route", "no way there", claims.map(Claim::on_a_host_of_its_own)).answer(answer).run(|lab| {
        let host = lab.own_host(LOOPBACK_MTU)?;
        let client = host.endpoint("client")?;
        let nobody = |address: [u8; 4]| Peer::new("nobody", (address, 9));
        lab.observe("no-route", client.send_to(b"hello", &nobody([203, 0, 113, 1])));
        for (row, (address, network)) in ["unreachable", "prohibit", "discard"].into_iter().zip(NOWHERE) {
            host.route(if row == "discard" { "blackhole" } else { row }, network)?;
            lab.observe(row, client.send_to(b"hello", &nobody(address)));
        }
        Ok(())
    })
}

fn broadcast() -> Scene {
    let claims = [specified("broadcast", "broadcast: next receive", Fact::Nothing, &sources::RFC1122_BROADCAST)];
    let answer = "What was sent to a broadcast address where nobody listens was answered by: {broadcast}.";
    Scene::builder("broadcast", "a broadcast that nobody wants", claims.map(Claim::on_a_host_of_its_own))
        .answer(answer)
        .run(|lab| {
            let host = lab.own_host(LOOPBACK_MTU)?;
            let client = host.endpoint("client")?;
            client.set(&BROADCAST, true)?;
            client.connect(&Peer::new("everybody", ([127, 255, 255, 255], 9)))?;
            client.send(b"hello")?;
            // The system has then found nobody. An answer would have been sent before it went on.
            host.await_counter("Udp", "IgnoredMulti", 0)?;
            lab.observe("broadcast", client.receive(Receive::into(1024).without_waiting()));
            Ok(())
        })
}

fn counted() -> Scene {
    let claims = [
        typical("counted-sent", "3 sent to nobody: UdpOutDatagrams", 3, &sources::RFC4113),
        typical("counted-nobody", "3 sent to nobody: UdpNoPorts", 3, &sources::RFC4113),
    ];
    let answer = "The system counted {counted-sent datagram} that it had sent, and {counted-nobody} for a port where \
                  nobody listens.";
    Scene::builder("counted", "what the system counts", claims.map(Claim::on_a_host_of_its_own)).answer(answer).run(
        |lab| {
            let host = lab.own_host(LOOPBACK_MTU)?;
            let (server, client) = (host.bind("server")?, host.endpoint("client")?);
            let nobody = Peer::new("nobody", server.address());
            server.close();
            client.connect(&nobody)?;
            for _ in 0..3 {
                client.send(b"hello")?;
                // The answer comes after the system has counted what it answers.
                if !matches!(client.receive(1024), ReceiveResult::Failed { .. }) {
                    return Err(SceneError::Skip("what was sent to nobody was not answered".to_owned()));
                }
            }
            lab.observe("counted-sent", host.counter("Udp", "OutDatagrams")?);
            lab.observe("counted-nobody", host.counter("Udp", "NoPorts")?);
            Ok(())
        },
    )
}

fn meanwhile() -> Scene {
    let claims = [refused("woken", "a receive waits, then a send: it returns")];
    let answer = "A receive that waited in one thread when another one sent to nobody returned {woken}.";
    Scene::builder("wait", "a receive that waits already", claims).answer(answer).run(|lab| {
        let nobody = lab.closed_port("nobody")?;
        let client = lab.bind("client")?;
        client.connect(&nobody)?;
        let received = client.receive_meanwhile(1024, |receive| {
            receive.required()?;
            client.send(b"hello")?;
            receive.await_return();
            Ok(())
        })?;
        lab.observe("woken", received);
        Ok(())
    })
}

/// The MTU of the link behind the router, in bytes.
const NARROW: usize = 1280;

/// A host behind a router, and the router, which has one more link. No machine has the addresses behind it, which are
/// for documentation (RFC 5737).
fn behind_a_router(lab: &Lab) -> Result<(Host, Host), SceneError> {
    let [host, router] = lab.hosts("A", "router")?;
    router.become_router([198, 51, 100, 1].into(), NARROW)?;
    host.route_over(&router)?;
    Ok((host, router))
}

/// An address behind the router's other link.
const FAR: ([u8; 4], u16) = ([198, 51, 100, 2], 9);

/// An address, and the network that it is in, to which the router is given no usable route.
const CLOSED: (([u8; 4], u16), &str) = (([203, 0, 113, 1], 9), "203.0.113.0/24");

fn soft_errors() -> Scene {
    let claims = [
        typical("time-exceeded", "time exceeded: next receive", Fact::Nothing, &sources::LINUX_ICMP),
        typical("time-exceeded-icmp", "the same with IP_RECVERR: ICMP", "type 11, code 0", &sources::RFC792_TIME),
        specified("reported-by", "who reported it", "router", &sources::IP_7_OFFENDER),
        typical("host-unreachable", "host unreachable: next receive", Fact::Nothing, &sources::LINUX_ICMP),
        typical(
            "host-unreachable-told",
            "the same with IP_RECVERR",
            SocketError::HostUnreachable,
            &sources::LINUX_ICMP,
        ),
    ];
    let answer = "A router reported time exceeded, then host unreachable. A connected client received {time-exceeded}, \
                  then {host-unreachable}; one with IP_RECVERR received ICMP {time-exceeded-icmp}, then \
                  {host-unreachable-told}.";
    Scene::builder("soft", "a router's soft errors", claims.map(Claim::on_a_host_of_its_own)).answer(answer).run(
        |lab| {
            let (host, router) = behind_a_router(lab)?;
            let far = host.nobody("far", FAR.into());
            let [client, asking] = ["client", "asking client"].map(|name| host.endpoint(name));
            let (client, asking) = (client?, asking?);
            client.connect(&far)?;
            lab.attempt("time-exceeded-icmp", asking.set(&KEEP_ERRORS, true))?;
            asking.connect(&far)?;
            // The system counts a message, and then passes it on: when a later one has been passed on, there is nothing
            // to come.
            let told = |counter: &str, payload: &[u8]| {
                let before = host.counter("Icmp", counter)?;
                client.send(payload)?;
                host.await_counter("Icmp", counter, before)?;
                asking.send(payload)?;
                asking.await_error()
            };

            client.set(&TIME_TO_LIVE, 1)?;
            asking.set(&TIME_TO_LIVE, 1)?;
            told("InTimeExcds", b"one")?;
            lab.observe("time-exceeded", client.receive(Receive::into(1024).without_waiting()));
            let error = asking.receive(Receive::message(&[1024]).flags(ERRQUEUE).without_waiting());
            lab.observe("time-exceeded-icmp", error.icmp());
            let reporter = error.reported_by();
            let is_router = reporter == Fact::from(router.address().to_string());
            lab.observe("reported-by", if is_router { "router".into() } else { reporter });

            router.route("unreachable", "198.51.100.2/32")?;
            told("InDestUnreachs", b"two")?;
            lab.observe("host-unreachable", client.receive(Receive::into(1024).without_waiting()));
            lab.observe("host-unreachable-told", asking.receive(1024));
            Ok(())
        },
    )
}

fn hard_errors() -> Scene {
    /// One more than fits it.
    const TOO_LONG: usize = NARROW - IPV4_UDP_HEADERS + 1;
    let claims = [
        typical("prohibited", "prohibited: next receive", SocketError::HostUnreachable, &sources::LINUX_ICMP),
        typical(
            "fragmentation-needed",
            "fragmentation needed: next receive",
            SocketError::MessageTooLong,
            &sources::LINUX_ICMP,
        ),
        typical("path-mtu", "IP_MTU after that", NARROW, &sources::IP_7_MTU),
    ];
    let answer = format!(
        "A router reported that it may not send a datagram on; the connected client received: {{prohibited}}. It \
         reported that {TOO_LONG} bytes do not fit the next link: {{fragmentation-needed}}, and IP_MTU returned \
         {{path-mtu}}."
    );
    Scene::builder("hard", "a router's hard errors", claims.map(Claim::on_a_host_of_its_own)).answer(answer).run(
        |lab| {
            let (host, router) = behind_a_router(lab)?;
            router.route("prohibit", CLOSED.1)?;
            let prohibited = host.nobody("prohibited", CLOSED.0.into());
            let far = host.nobody("far", FAR.into());
            let client = host.endpoint("client")?;
            client.connect(&prohibited)?;
            client.send(b"hello")?;
            client.await_error()?;
            lab.observe("prohibited", client.receive(1024));
            client.connect(&far)?;
            lab.attempt("fragmentation-needed", client.send(&[b'x'; TOO_LONG]))?;
            client.await_error()?;
            lab.observe("fragmentation-needed", client.receive(1024));
            lab.observe("path-mtu", client.get(&PATH_MTU));
            Ok(())
        },
    )
}
