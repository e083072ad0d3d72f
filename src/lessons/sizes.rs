//! How long a datagram may be, and what becomes of one that is longer.
//!
//! The length of a packet has 16 bits, headers counted: that leaves 65507 bytes over IPv4. What does not fit is refused
//! by the send, whole. What is longer than the MTU is another matter: the system cuts it into fragments and joins them
//! again, unless the program asks it not to.

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::kernel::option::{DONT_FRAGMENT_V6, PATH_MTU, PATH_MTU_DISCOVERY, PATH_MTU_V6, PMTUDISC_DO, SEND_BUFFER};
use crate::lab::{Endpoint, Host, Lab, ReceiveResult, SceneError};
use crate::sockets::{LONGEST_PAYLOAD, LONGEST_PAYLOAD_V6};
use crate::vocabulary::{
    Claim, Fact, Guess, IPV4_UDP_HEADERS, Need, Os, SocketError, measured, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "sizes",
    title: "A datagram is sent whole, up to 65507 bytes over IPv4, or refused",
    question: "How large may a datagram be?",
    why: "The lengths in the headers have 16 bits (RFC 791, RFC 8200, RFC 768): 65535 - 20 - 8 = 65507 bytes of \
          payload over IPv4, 65535 - 8 = 65527 over IPv6, where the IP header is not counted. A send that is given \
          more returns EMSGSIZE (POSIX sendto) and sends nothing (Linux send(2)). Below that, a datagram longer than \
          the MTU travels in fragments, and is lost if one of them is (RFC 8200 section 4.5). A program that asks for \
          no fragments gets EMSGSIZE on Linux instead.",
    keys: &["longest", "too-long", "longest-ipv6", "two-fragments", "df-too-long"],
    guess: Guess {
        answers: &[
            wrong("As large as the MTU allows: 1500 bytes, headers counted.", "longest"),
            right("65507 bytes over IPv4. What is longer is refused, and nothing of it is sent.", "too-long"),
            wrong("65507 bytes over IPv4. What is longer is truncated, or sent as two datagrams.", "refused-arrives"),
            wrong("As large as the program likes, as with TCP.", "too-long"),
        ],
        because: "one send is one datagram, and the lengths in its headers have 16 bits.",
    },
    example: "--bytes 100000",
    parameters: Parameters::of::<Sizes>(),
    page: include_str!("../../demos/sizes.md"),
    python: include_str!("../../demos/sizes.py"),
};

/// Most bytes that a send is asked to take.
const MOST_BYTES: usize = 1_000_000;

#[derive(Args)]
struct Sizes {
    /// Bytes that are too many for one datagram over IPv4, in scene 1, 65508 to 1000000
    #[arg(long, value_name = "BYTES", default_value = "65508",
        value_parser = arguments::number(LONGEST_PAYLOAD + 1..=MOST_BYTES, "bytes", "65507 still fit"))]
    bytes: usize,
}

impl Scenes for Sizes {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        Ok(vec![
            over_ipv4(self.bytes),
            over_ipv6(),
            above_the_mtu(),
            known_mtu(),
            send_buffer(),
            fragments(),
            one_fragment_dropped(),
            not_to_be_fragmented(),
        ])
    }
}

/// A buffer that holds every datagram.
const BUFFER: usize = 65_536;

/// A payload of this length, which says so: a picture shows its beginning.
fn payload(length: usize) -> Vec<u8> {
    format!("{length} bytes · ").bytes().cycle().take(length).collect()
}

/// What `to` receives when `from` sends so many bytes: their number; or the error of the send.
fn passed(lab: &Lab, from: &Endpoint, to: &Endpoint, bytes: usize) -> Result<Fact, SceneError> {
    if let Err(error) = lab.answer_of_one(from.send_to(&payload(bytes), to))? {
        return Ok(error.into());
    }
    // An end marker, which is not fragmented, may overtake fragments.
    let received = to.receive(BUFFER).returned();
    let _ = to.receive_until_marker(BUFFER)?;
    Ok(received)
}

fn over_ipv4(too_many: usize) -> Scene {
    let claims = [
        typical("longest", format!("{LONGEST_PAYLOAD} bytes: recvfrom"), LONGEST_PAYLOAD, &sources::RFC791),
        typical("same-bytes", "are they the same bytes?", true, &sources::POSIX_RECVFROM),
        specified(
            "too-long",
            format!("{too_many} bytes: sendto"),
            SocketError::MessageTooLong,
            &sources::POSIX_SENDTO_TOO_LONG,
        )
        .cites_on(Os::Windows, &sources::MS_SENDTO_TOO_LONG),
        specified("refused-arrives", format!("{too_many} bytes: received"), Fact::Nothing, &sources::SEND_2_TOO_LONG)
            .cites_on(Os::Macos, &sources::XNU_TOO_LONG)
            .cites_on(Os::Windows, &sources::MS_SENDTO_TOO_LONG),
    ];
    let answer = format!(
        "{LONGEST_PAYLOAD} bytes: recvfrom returned {{longest}}. {too_many} bytes: sendto returned {{too-long}}, and \
         the server received {{refused-arrives}}."
    );
    Scene::builder("ipv4", "over IPv4", claims).answer(answer).run(move |lab| {
        let (server, client) = (lab.bind("server")?, lab.endpoint("client")?);
        server.grow_receive_buffer([LONGEST_PAYLOAD])?;
        longest(lab, &server, &client)?;
        let sent = lab.answer(client.send_to(&payload(too_many), &server))?;
        let is_refused = sent.is_err();
        lab.observe("too-long", sent);
        match is_refused {
            true => lab.observe("refused-arrives", server.before_marker(BUFFER)?),
            false => lab.skip("refused-arrives", "the send was not refused"),
        }
        Ok(())
    })
}

fn longest(lab: &Lab, server: &Endpoint, client: &Endpoint) -> Result<(), SceneError> {
    let longest = payload(LONGEST_PAYLOAD);
    lab.attempt("longest", lab.answer_of_one(client.send_to(&longest, server))?)?;
    let received = server.before_marker(BUFFER)?;
    lab.observe("longest", received.returned());
    match received {
        ReceiveResult::Datagram(received) => lab.observe("same-bytes", received.bytes == longest),
        _ => lab.skip("same-bytes", "no datagram was received"),
    }
    Ok(())
}

fn over_ipv6() -> Scene {
    let one_more = LONGEST_PAYLOAD_V6 + 1;
    let claims = [
        typical(
            "longest-ipv6",
            format!("IPv6, {LONGEST_PAYLOAD_V6}: recvfrom"),
            LONGEST_PAYLOAD_V6,
            &sources::RFC8200_LENGTH,
        ),
        specified(
            "too-long-ipv6",
            format!("IPv6, {one_more}: sendto"),
            SocketError::MessageTooLong,
            &sources::POSIX_SENDTO_TOO_LONG,
        ),
    ];
    let claims = claims.map(Claim::confirmed_on_linux_only);
    let answer = format!("Over IPv6 recvfrom returned {{longest-ipv6}}; {one_more} bytes: {{too-long-ipv6}}.");
    Scene::builder("ipv6", "over IPv6", claims).answer(answer).needs(Need::Ipv6).run(move |lab| {
        let (server, client) = (lab.bind_v6("server")?, lab.bind_v6("client")?);
        server.grow_receive_buffer([LONGEST_PAYLOAD_V6])?;
        lab.observe("longest-ipv6", passed(lab, &client, &server, LONGEST_PAYLOAD_V6)?);
        lab.observe("too-long-ipv6", lab.answer(client.send_to(&payload(one_more), &server))?);
        Ok(())
    })
}

/// The smallest MTU that IPv6 allows, in bytes. RFC 8200 section 5.
const LEAST_MTU: usize = 1280;

/// The longest payload of one packet of that length: it has headers of 40 and 8 bytes.
const ONE_PACKET: usize = LEAST_MTU - 40 - 8;

fn above_the_mtu() -> Scene {
    const REASON: &str = "IPV6_MTU can be set on Linux only";
    let one_more = ONE_PACKET + 1;
    let claims = [
        typical("fragmented", format!("MTU {LEAST_MTU}: {one_more} bytes"), one_more, &sources::RFC8200_FRAGMENTS),
        typical("below-mtu", format!("IPV6_DONTFRAG: {ONE_PACKET} bytes"), ONE_PACKET, &sources::LINUX_DONTFRAG),
        typical(
            "above-mtu",
            format!("IPV6_DONTFRAG: {one_more} bytes"),
            SocketError::MessageTooLong,
            &sources::LINUX_DONTFRAG,
        ),
    ];
    let answer = format!("MTU {LEAST_MTU}, {one_more} bytes: {{fragmented}}; with IPV6_DONTFRAG: {{above-mtu}}.");
    let claims = claims.map(|claim| claim.linux_only(REASON));
    Scene::builder("mtu", "an MTU of 1280 bytes", claims).answer(answer).needs(Need::Ipv6).run(move |lab| {
        let (server, client) = (lab.bind_v6("server")?, lab.bind_v6("client")?);
        lab.attempt("fragmented", client.set(&PATH_MTU_V6, LEAST_MTU))?;
        lab.observe("fragmented", passed(lab, &client, &server, one_more)?);
        lab.attempt("below-mtu", client.set(&DONT_FRAGMENT_V6, true))?;
        lab.observe("below-mtu", passed(lab, &client, &server, ONE_PACKET)?);
        lab.observe("above-mtu", passed(lab, &client, &server, one_more)?);
        Ok(())
    })
}

fn known_mtu() -> Scene {
    let claims = [
        typical("mtu-unconnected", "IPV6_MTU before connect", SocketError::NotConnected, &sources::LINUX_MTU)
            .unconfirmed_on(Os::Windows),
        measured("mtu", "IPV6_MTU after connect", &sources::IPV6_7_MTU),
    ];
    let answer = "IPV6_MTU read: {mtu-unconnected} before connect, {mtu} after it.";
    let claims = claims.map(|claim| claim.absent_on(Os::Macos, "macOS has no IPV6_MTU"));
    Scene::builder("known-mtu", "asking for the MTU", claims).answer(answer).needs(Need::Ipv6).run(|lab| {
        let (server, client) = (lab.bind_v6("server")?, lab.bind_v6("client")?);
        lab.observe("mtu-unconnected", client.get(&PATH_MTU_V6));
        client.connect(&server)?;
        lab.observe("mtu", client.get(&PATH_MTU_V6));
        Ok(())
    })
}

/// The size of the send buffer that macOS gives a UDP socket, in bytes: net.inet.udp.maxdgram.
const SMALL_BUFFER: usize = 9216;

fn send_buffer() -> Scene {
    let one_more = SMALL_BUFFER + 1;
    let claims = [typical(
        "send-buffer",
        format!("SO_SNDBUF {SMALL_BUFFER}: {one_more} bytes"),
        one_more,
        &sources::LINUX_SEND_BUFFER,
    )
    .on(Os::Macos, SocketError::MessageTooLong, &sources::XNU_SEND_BUFFER)
    .unconfirmed_on(Os::Windows)];
    let answer = format!("SO_SNDBUF {SMALL_BUFFER}, a datagram of {one_more} bytes: {{send-buffer}}.");
    Scene::builder("send-buffer", "longer than the send buffer", claims).answer(answer).run(move |lab| {
        let (server, client) = (lab.bind("server")?, lab.endpoint("client")?);
        server.grow_receive_buffer([one_more])?;
        lab.attempt("send-buffer", client.set(&SEND_BUFFER, SMALL_BUFFER))?;
        lab.observe("send-buffer", passed(lab, &client, &server, one_more)?);
        Ok(())
    })
}

/// The MTU of Ethernet, in bytes.
const ETHERNET: usize = 1500;

/// The longest payload of one packet of that length over IPv4.
const IN_ONE_PACKET: usize = ETHERNET - IPV4_UDP_HEADERS;

/// What became of one datagram: how many fragments the host made of it, and what was received.
fn sent_over(
    lab: &Lab,
    host: &Host,
    [client, server]: [&Endpoint; 2],
    bytes: usize,
) -> Result<(usize, Fact), SceneError> {
    let before = host.counter("Ip", "FragCreates")?;
    let received = passed(lab, client, server, bytes)?;
    Ok((host.counter("Ip", "FragCreates")?.saturating_sub(before), received))
}

fn fragments() -> Scene {
    let one_more = IN_ONE_PACKET + 1;
    /// A fragment has a header of 20 bytes, and then as many bytes as are a multiple of 8: 1480. The UDP header is in
    /// the first.
    const MOST: usize = (8 + LONGEST_PAYLOAD).div_ceil(1480);
    let source = &sources::RFC791_FRAGMENTS;
    let claims = [
        typical("one-packet", format!("MTU {ETHERNET}, {IN_ONE_PACKET} bytes: fragments"), 0, source),
        typical("two-fragments", format!("MTU {ETHERNET}, {one_more} bytes: fragments"), 2, source),
        typical("two-joined", format!("{one_more} bytes: recvfrom returns"), one_more, source),
        typical("most-fragments", format!("MTU {ETHERNET}, {LONGEST_PAYLOAD} bytes: fragments"), MOST, source),
        typical(
            "most-joined",
            format!("{LONGEST_PAYLOAD} bytes, MTU {ETHERNET}: recvfrom returns"),
            LONGEST_PAYLOAD,
            source,
        ),
    ];
    let answer = format!(
        "Over an MTU of {ETHERNET} bytes {one_more} bytes were sent in {{two-fragments fragment}}, {LONGEST_PAYLOAD} \
         in {{most-fragments}}."
    );
    let claims = claims.map(Claim::on_a_host_of_its_own);
    let title = format!("an MTU of {ETHERNET} bytes over IPv4");
    Scene::builder("fragments", title, claims).answer(answer).run(move |lab| {
        let host = lab.own_host(ETHERNET)?;
        let (server, client) = (host.bind("server")?, host.bind("client")?);
        server.grow_receive_buffer([LONGEST_PAYLOAD])?;
        let sent = |bytes| sent_over(lab, &host, [&client, &server], bytes);
        lab.observe("one-packet", sent(IN_ONE_PACKET)?.0);
        let (fragments, received) = sent(one_more)?;
        lab.observe("two-fragments", fragments);
        lab.observe("two-joined", received);
        let (fragments, received) = sent(LONGEST_PAYLOAD)?;
        lab.observe("most-fragments", fragments);
        lab.observe("most-joined", received);
        Ok(())
    })
}

fn one_fragment_dropped() -> Scene {
    let bytes = IN_ONE_PACKET + 1;
    let claims = [
        typical("first-kept", "2 fragments, 1 dropped: received", Fact::Nothing, &sources::RFC791_FRAGMENTS),
        typical("after-dropped", format!("then {IN_ONE_PACKET} bytes: received"), IN_ONE_PACKET, &sources::LOOPBACK),
    ];
    let answer = format!(
        "A datagram of {bytes} bytes was sent in two fragments, and the system had no room for the second: received \
         {{first-kept}}."
    );
    Scene::builder("one-dropped", "one of two fragments is dropped", claims.map(Claim::on_a_host_of_its_own))
        .answer(answer)
        .run(move |lab| {
            let host = lab.own_host(ETHERNET)?;
            // The first one of a datagram finds room in any case.
            host.set("net.ipv4.ipfrag_low_thresh", "0")?;
            host.set("net.ipv4.ipfrag_high_thresh", "1")?;
            let (server, client) = (host.bind("server")?, host.bind("client")?);
            lab.attempt("first-kept", client.send_to(&payload(bytes), &server))?;
            let fragments = host.counter("Ip", "FragCreates")?;
            if fragments != 2 {
                return Err(SceneError::Skip(format!("the datagram was sent in {fragments} fragments and not in 2")));
            }
            lab.observe("first-kept", server.before_marker(BUFFER)?);
            lab.observe("after-dropped", passed(lab, &client, &server, IN_ONE_PACKET)?);
            Ok(())
        })
}

fn not_to_be_fragmented() -> Scene {
    let one_more = IN_ONE_PACKET + 1;
    let claims = [
        typical(
            "df-fits",
            format!("IP_PMTUDISC_DO, {IN_ONE_PACKET} bytes: send"),
            IN_ONE_PACKET,
            &sources::IP_7_PMTUDISC,
        ),
        specified(
            "df-too-long",
            format!("IP_PMTUDISC_DO, {one_more} bytes: send"),
            SocketError::MessageTooLong,
            &sources::IP_7_PMTUDISC,
        ),
        typical("df-mtu", "IP_MTU returns", ETHERNET, &sources::IP_7_MTU),
        specified("df-arrives", "received of it", Fact::Nothing, &sources::SEND_2_TOO_LONG),
    ];
    let answer = format!(
        "With IP_PMTUDISC_DO {one_more} bytes: {{df-too-long}}, and IP_MTU returned {{df-mtu}}; the server received \
         {{df-arrives}}."
    );
    Scene::builder("dont-fragment", "no fragments over IPv4", claims.map(Claim::on_a_host_of_its_own))
        .answer(answer)
        .run(move |lab| {
            let host = lab.own_host(ETHERNET)?;
            let (server, client) = (host.bind("server")?, host.bind("client")?);
            client.connect(&server)?;
            lab.attempt("df-too-long", client.set(&PATH_MTU_DISCOVERY, PMTUDISC_DO))?;
            lab.observe("df-fits", client.send(&payload(IN_ONE_PACKET)));
            let fitting = server.receive_until_marker(BUFFER)?;
            let sent = lab.answer(client.send(&payload(one_more)))?;
            let is_refused = sent.is_err();
            lab.observe("df-too-long", sent);
            lab.observe("df-mtu", client.get(&PATH_MTU)?);
            match is_refused {
                true => {
                    fitting.required(1)?;
                    lab.observe("df-arrives", server.before_marker(BUFFER)?);
                }
                false => lab.skip("df-arrives", "the send was not refused"),
            }
            Ok(())
        })
}
