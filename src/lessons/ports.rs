//! Where ports come from, and when they are free again.
//!
//! A socket has no port until somebody gives it one: the program with `bind`, or the system at the first send. It keeps
//! the port until it is closed, and then the port is free at once: UDP has no state that would have to be waited for.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;

use super::claims::{bound_by_sendto, no_port, time_wait};
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{tcp_binds_again, udp_binds_again};
use crate::lab::{Call, Endpoint, LOOPBACK_MTU, Lab, Listener, ReceiveResult, SceneError, Target};
use crate::sockets::ANY_PORT;
use crate::vocabulary::{
    Claim, Fact, Guess, Need, Os, Peer, Receive, SocketError, measured, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "ports",
    title: "A port belongs to a socket until it is closed",
    question: "Where does a client's port come from, and when is it free again?",
    why: "A socket that sends before it is bound is bound by the system, to a free port (Linux udp(7): an ephemeral \
          port), and keeps it. bind refuses an address that another UDP socket has (POSIX: EADDRINUSE). TCP and UDP \
          count their ports separately: each header has its own (RFC 768, RFC 9293). UDP has no connection to \
          remember, so a port is free as soon as its socket is closed; TCP may keep it in TIME-WAIT.",
    keys: &["stays", "same-address", "tcp-same-number", "udp-again"],
    guess: Guess {
        answers: &[
            wrong("The program has to choose one with bind.", "bound"),
            wrong("The system chooses one for each datagram.", "stays"),
            right("The system chooses one at the first sendto; it stays until the socket is closed.", "stays"),
            wrong("The system chooses one; after close it is in TIME-WAIT for a minute.", "udp-again"),
        ],
        because: "a socket that sends unbound is bound by the system, once.",
    },
    example: "--sockets 200",
    parameters: Parameters::of::<Ports>(),
    page: include_str!("../../demos/ports.md"),
    python: include_str!("../../demos/ports.py"),
};

/// Most sockets at one time.
const MOST_SOCKETS: usize = 500;

#[derive(Args)]
struct Ports {
    /// Sockets that are bound to port 0 in scene 3, 2 to 500
    #[arg(long, value_name = "N", default_value = "50",
        value_parser = arguments::number(2..=MOST_SOCKETS, "sockets",
            "systems commonly grant a process 1024 file descriptors"))]
    sockets: usize,
}

impl Scenes for Ports {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            first_send(),
            receive_binds_nothing(),
            port_zero(self.sockets),
            bound_twice(),
            tcp_beside_it(),
            free_again(),
            not_ours(),
            to_port_zero(),
            privileged(),
            none_left(),
            from_port_zero(),
        ])
    }
}

fn first_send() -> Scene {
    let claims = [
        no_port("before", "port before the first sendto"),
        bound_by_sendto("bound", "does the first sendto bind a port?", true),
        measured("port", "port after it", &sources::RFC6335),
        bound_by_sendto("stays", "ports of 3 datagrams", 1),
    ];
    let answer = "At the first sendto the system bound port {port}; 3 datagrams came from {stays port}.";
    Scene::builder("first-send", "a client that calls no bind", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        lab.observe("before", client.port().map(usize::from));
        lab.attempt("bound", client.send_to(b"one", &server))?;
        let port = client.port()?;
        lab.observe("bound", port != 0);
        lab.observe("port", usize::from(port));
        client.send_to(b"two", &server)?;
        client.send_to(b"three", &server)?;
        let received = server.receive_until_marker(1024)?;
        let ports: HashSet<u16> = received.iter().filter_map(|result| result.sender_port()).collect();
        match (received.count(), received.set_aside()) {
            (3.., _) => lab.observe("stays", ports.len()),
            // The missing datagram arrived, but from an unknown port, and was set aside.
            (_, 1..) => lab.observe("stays", ports.len() + 1),
            (count, 0) => lab.skip("stays", format!("{count} of 3 datagrams were received")),
        }
        Ok(())
    })
}

fn receive_binds_nothing() -> Scene {
    let claims = [
        specified("unbound-receive", "recvfrom on an unbound socket returns", Fact::Nothing, &sources::POSIX_RECVFROM)
            .on(Os::Windows, SocketError::InvalidArgument, &sources::WINE_UNBOUND)
            .unlike_wine(),
        no_port("still-unbound", "its port is then"),
    ];
    let answer = "recvfrom returned {unbound-receive}, and the port was {still-unbound}.";
    Scene::builder("receive", "a receive binds no port", claims).answer(answer).run(|lab| {
        let client = lab.endpoint("client")?;
        lab.observe("unbound-receive", client.receive(Receive::into(16).without_waiting()));
        lab.observe("still-unbound", client.port().map(usize::from));
        Ok(())
    })
}

fn port_zero(count: usize) -> Scene {
    let claims = [specified("different", format!("different ports of {count} sockets"), count, &sources::IP_7)];
    let answer = format!("{count} sockets were bound to port 0. They have {{different}} different ports.");
    let scene = Scene::builder("port-0", "bind to port 0 takes a free one", claims).needs(Need::Sockets(count));
    scene.answer(answer).run(move |lab| {
        let sockets: Vec<_> = (1..=count).map(|n| lab.bind(&format!("socket {n}"))).collect::<Call<_>>()?;
        let ports: HashSet<u16> = sockets.iter().map(|socket| socket.port()).collect::<Call<_>>()?;
        lab.observe("different", ports.len());
        Ok(())
    })
}

fn bound_twice() -> Scene {
    let claims = [
        specified("again", "bind of a bound socket returns", SocketError::InvalidArgument, &sources::POSIX_BIND),
        specified(
            "after-send",
            "bind after the first sendto returns",
            SocketError::InvalidArgument,
            &sources::POSIX_BIND,
        ),
        specified("same-address", "bind to used address", SocketError::AddressInUse, &sources::POSIX_BIND),
        typical("everywhere", "bind to its port on 0.0.0.0", SocketError::AddressInUse, &sources::LINUX_BIND)
            .cites_on(Os::Macos, &sources::XNU_REUSE)
            .on(Os::Windows, "success", &sources::MS_REUSEADDR)
            .unlike_wine(),
    ];
    let answer = "bind to an address in use returned {same-address}.";
    Scene::builder("twice", "bind twice", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        lab.observe("again", server.bind(ANY_PORT));
        let client = lab.endpoint("client")?;
        client.send_to(b"hello", &server)?;
        lab.observe("after-send", client.bind(ANY_PORT));
        lab.observe("same-address", lab.endpoint("second server")?.bind(server.address()));
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, server.address().port()));
        lab.observe("everywhere", lab.endpoint("third server")?.bind(everywhere));
        Ok(())
    })
}

fn tcp_beside_it() -> Scene {
    let claims = [
        specified("tcp-same-number", "TCP: bind that port", "success", &sources::RFC768_PORTS),
        typical("udp-beside-tcp", "UDP to that port: received", "café".as_bytes(), &sources::LOOPBACK),
    ];
    let answer = "A TCP bind to the same number: {tcp-same-number}.";
    Scene::builder("tcp", "TCP ports are counted apart", claims).answer(answer).run(|lab| {
        let (server, listener) = on_one_number(lab)?;
        let client = lab.endpoint("client")?;
        client.send_to("café".as_bytes(), &server)?;
        lab.observe("udp-beside-tcp", server.before_marker(16)?);
        match lab.tcp_port_is_taken(&server) {
            Some(true) if listener.is_err() => {
                lab.skip("tcp-same-number", "TCP sockets, or connections in TIME-WAIT, have all ports that were tried");
            }
            _ => lab.observe("tcp-same-number", listener.map(drop)),
        }
        Ok(())
    })
}

/// A UDP socket, and what `bind` of a TCP socket returns for its number. Another program may have that TCP port: then
/// another number is tried. An error is the answer where the system says that the port was free, and after some tries
/// where it does not say.
fn on_one_number(lab: &Lab) -> Result<(Endpoint, Call<Listener>), SceneError> {
    const TRIES: usize = 8;
    let mut n = 1;
    loop {
        let server = lab.bind(&format!("server {n}"))?;
        let listener = lab.tcp_bind_to("TCP server", server.address());
        if listener.is_ok() || n == TRIES || lab.tcp_port_is_taken(&server) == Some(false) {
            return Ok((server, listener));
        }
        n += 1;
    }
}

fn free_again() -> Scene {
    let claims = [
        specified("udp-again", "UDP: bind again", "success", &sources::RFC768),
        time_wait("tcp-again", "TCP: close first, bind again").needs(Need::Tcp),
    ];
    let answer = "Closed and bound again at once: UDP {udp-again}, TCP {tcp-again}.";
    Scene::builder("again", "free again", claims).answer(answer).run(|lab| {
        lab.observe("udp-again", udp_binds_again(lab)?);
        lab.observe("tcp-again", tcp_binds_again(lab)?);
        Ok(())
    })
}

fn not_ours() -> Scene {
    let claims =
        [specified("foreign", "bind to 203.0.113.1 returns", SocketError::AddressNotAvailable, &sources::POSIX_BIND)
            .unlike_wine()];
    let answer = "bind to an address that this machine does not have returned {foreign}.";
    Scene::builder("foreign", "an address of another machine", claims).answer(answer).run(|lab| {
        // Linux looks for the address only where one is set up, and loopback is: a datagram passes.
        let (server, client) = (lab.bind("local server")?, lab.endpoint("client")?);
        client.send_to(b"hello", &server)?;
        server.receive(16).required("a datagram over loopback")?;
        // An address for documentation (RFC 5737): no machine has it.
        let elsewhere = Ipv4Addr::new(203, 0, 113, 1);
        let bound = lab.endpoint("server")?.bind(SocketAddr::from((elsewhere, 0)));
        match lab.takes_address(elsewhere) {
            Some(why) if bound.is_ok() => lab.skip("foreign", why),
            _ => lab.observe("foreign", bound),
        }
        Ok(())
    })
}

fn to_port_zero() -> Scene {
    let claims = [
        typical("to-port-0", "sendto port 0 returns", SocketError::InvalidArgument, &sources::LINUX_PORT_0)
            .on(Os::Macos, SocketError::AddressNotAvailable, &sources::XNU_PORT_0)
            .on(Os::Windows, 5, &sources::WINE_UDP)
            .unlike_wine(),
        typical("bound-all-the-same", "is the socket bound all the same?", true, &sources::LINUX_PORT_0)
            .on(Os::Macos, false, &sources::XNU_PORT_0)
            .unconfirmed_on(Os::Windows),
    ];
    let answer = "sendto port 0 returned {to-port-0}. Has the socket a port now? {bound-all-the-same}.";
    Scene::builder("to-port-0", "nobody has port 0", claims).answer(answer).run(|lab| {
        let client = lab.endpoint("client")?;
        let nobody = Peer::new("port 0", ANY_PORT);
        lab.observe("to-port-0", client.send_to(b"hello", &nobody));
        lab.observe("bound-all-the-same", lab.answer(client.port())?.is_ok_and(|port| port != 0));
        Ok(())
    })
}

fn privileged() -> Scene {
    /// That of DNS.
    const LOW: u16 = 53;
    let claims =
        [specified("privileged", "plain user: bind to port 53", SocketError::AccessDenied, &sources::IP_7_PRIVILEGED)
            .cites_on(Os::Macos, &sources::XNU_BIND_LOW)
            .supposed_on(Os::Windows, "success")
            .needs(Need::PlainUser)];
    let answer = "bind to port 53 by a user without privileges returned {privileged}.";
    Scene::builder("privileged", "a port below 1024", claims).answer(answer).run(|lab| {
        match lab.first_plain_port() {
            Some(first) if first <= LOW => {
                return Err(SceneError::Skip(format!("net.ipv4.ip_unprivileged_port_start is {first} here")));
            }
            _ => {}
        }
        let server = lab.endpoint("server")?;
        let bound = lab.as_a_plain_user(|| server.bind((Ipv4Addr::LOCALHOST, LOW).into()))?;
        lab.observe("privileged", bound);
        Ok(())
    })
}

fn none_left() -> Scene {
    const PORTS: usize = 4;
    let claims = [
        specified("none-left", "4 of 4 in use: bind to port 0", SocketError::AddressInUse, &sources::BIND_2_NO_PORT),
        specified("none-to-send", "4 of 4 in use: first sendto", SocketError::WouldBlock, &sources::SEND_2_NO_PORT),
        typical("one-left", "one is closed: first sendto", 5, &sources::SEND_2_NO_PORT),
    ];
    let claims = claims.map(Claim::on_a_host_of_its_own);
    let answer = "With all ports of ip_local_port_range in use, bind to port 0 returned {none-left} and the first \
                  sendto {none-to-send}. When a socket was closed it returned {one-left}.";
    Scene::builder("none-left", "when the ports run out", claims).answer(answer).run(|lab| {
        let host = lab.own_host(LOOPBACK_MTU)?;
        host.set("net.ipv4.ip_local_port_range", "40000 40003")?;
        let mut servers: Vec<_> = (1..=PORTS).map(|n| host.bind(&format!("server {n}"))).collect::<Result<_, _>>()?;
        lab.observe("none-left", host.endpoint("client")?.bind(ANY_PORT));
        let client = host.endpoint("client")?;
        lab.observe("none-to-send", client.send_to(b"hello", &servers[0]));
        servers.pop().into_iter().for_each(Endpoint::close);
        lab.observe("one-left", client.send_to(b"hello", &servers[0]));
        Ok(())
    })
}

fn from_port_zero() -> Scene {
    let claims = [
        typical("from-port-0", "source port 0: recvfrom returns port", 0, &sources::RFC768_SOURCE),
        typical("answer-port-0", "sendto to answer it", SocketError::InvalidArgument, &sources::LINUX_PORT_0),
    ];
    let claims = claims.map(Claim::on_a_host_of_its_own);
    let answer = "A raw socket sent a datagram with source port 0: recvfrom returned port {from-port-0}, and the \
                  sendto that was to answer it returned {answer-port-0}.";
    Scene::builder("from-port-0", "a datagram without a source port", claims).answer(answer).run(|lab| {
        let host = lab.own_host(LOOPBACK_MTU)?;
        let server = host.bind("server")?;
        let nameless = host.raw_sender("raw socket", 0)?;
        nameless.send_to(b"hello", &server)?;
        let received = server.receive(1024);
        let sender = match &received {
            ReceiveResult::Datagram(received) => received.from.clone(),
            _ => None,
        };
        let port = received.sender_port().map(|port| Fact::from(usize::from(port)));
        lab.observe("from-port-0", port.unwrap_or_else(|| (&received).into()));
        match sender {
            Some(sender) => lab.observe("answer-port-0", server.send_to(b"Thanks", &sender)),
            None => lab.skip("answer-port-0", "the datagram was not received"),
        }
        Ok(())
    })
}
