//! The datagrams of a run as a pcapng capture, which Wireshark and tcpdump open.
//!
//! Three kinds of block (draft-ietf-opsawg-pcapng): a section header, one interface, a packet for each datagram. The
//! file says of itself that it was written from the lab's log.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::vocabulary::{Event, Outcome, Protocol, Report, SendForm, Syscall, UDP_HEADER};

/// BSD loopback: the family in front of each packet. With raw IP, libpcap refuses every section but the first: it has
/// two numbers for that, and holds one against the other.
const LOOPBACK: u16 = 0;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Of every block: a text for the reader.
const COMMENT: u16 = 1;
/// Of the section: the program that wrote it.
const PROGRAM: u16 = 4;
/// Of the interface: its name.
const NAME: u16 = 2;

const UDP: u8 = 17;

/// The lesson's datagrams, one packet for each send that succeeded. The captures of several reports, one behind the
/// other, are a capture as well.
pub fn capture(report: &Report) -> Vec<u8> {
    let origin = format!(
        "Written by udp-lab from the log of the lesson {}, not captured: one packet for each datagram that a call sent. \
         Addresses, ports, payloads and times are real, the times those at which the calls returned. What the log does \
         not know, such as identification and time to live, is filled in; what the kernel sends by itself, such as \
         ICMP, is not here.",
        report.lesson
    );
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    section.extend([1_u16, 0].map(u16::to_le_bytes).concat());
    // The section's length: not given.
    section.extend(u64::MAX.to_le_bytes());
    option(&mut section, COMMENT, &origin);
    option(&mut section, PROGRAM, concat!("udp-lab ", env!("CARGO_PKG_VERSION")));
    end_of_options(&mut section);

    let mut interface = [LOOPBACK, 0].map(u16::to_le_bytes).concat();
    // No limit on the length of a packet.
    interface.extend(0_u32.to_le_bytes());
    option(&mut interface, NAME, "the lab's log");
    end_of_options(&mut interface);

    let mut file = Vec::new();
    block(&mut file, SECTION, &section);
    block(&mut file, INTERFACE, &interface);
    for scene in &report.scenes {
        for event in &scene.events {
            let Some(datagram) = datagram(event) else { continue };
            let to = event.peer.as_ref().map_or("?", |peer| &peer.name);
            let comment = format!("scene {} \"{}\": {} -> {to}", scene.number, scene.title, event.who);
            block(&mut file, PACKET, &packet(report.began + event.returned, &datagram, event.left_out, &comment));
        }
    }
    file
}

/// The IP packet that this event sent, if it sent one; without the end of a payload of which the log has the beginning.
fn datagram(event: &Event) -> Option<Vec<u8>> {
    let Some((Syscall::Send { payload, form }, Outcome::Sent(sent))) = event.call() else { return None };
    // A raw socket's send counts the header that the program has made.
    let is_raw = matches!(form, SendForm::Raw { .. });
    let sent = if is_raw { sent.saturating_sub(UDP_HEADER) } else { *sent };
    if event.protocol == Protocol::Tcp {
        return None;
    }
    let (from, to, left_out) = (event.local?, event.peer.as_ref()?.address, event.left_out);
    let payload = if left_out == 0 { payload.get(..sent)? } else { payload };
    let mut packet = ip_packet(from, to, &[payload, &vec![0; left_out][..]].concat())?;
    packet.truncate(packet.len() - left_out);
    if left_out == 0 && !is_raw {
        return Some(packet);
    }
    // Nobody knows the checksum of what is not here, and a raw socket was given none: 0 says so (RFC 768).
    let end = packet.len() - payload.len();
    packet[end - 2..end].fill(0);
    Some(packet)
}

/// IP and UDP around `payload`, with their checksums; `None` for addresses of two families.
fn ip_packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(8 + payload.len()).ok()?;
    let mut udp = [from.port(), to.port(), length, 0].map(u16::to_be_bytes).concat();
    udp.extend(payload);
    let (addresses, mut packet) = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let addresses = [from.octets(), to.octets()].concat();
            // Version and header length, total length, "don't fragment", time to live, protocol, checksum.
            let [high, low] = length.checked_add(20)?.to_be_bytes();
            let mut header = vec![0x45, 0, high, low, 0, 0, 0x40, 0, 64, UDP, 0, 0];
            header.extend(&addresses);
            let sum = checksum(&[&header]).to_be_bytes();
            header[10..12].copy_from_slice(&sum);
            (addresses, header)
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let addresses = [from.octets(), to.octets()].concat();
            let [high, low] = length.to_be_bytes();
            // Version, payload length, next header, hop limit.
            let mut header = vec![0x60, 0, 0, 0, high, low, UDP, 64];
            header.extend(&addresses);
            (addresses, header)
        }
        _ => return None,
    };
    let [high, low] = length.to_be_bytes();
    // 0 would say that there is none (RFC 768).
    let sum = match checksum(&[&addresses, &[0, UDP, high, low], &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    packet.extend(udp);
    Some(packet)
}

/// The Internet checksum (RFC 1071) of `parts`, one behind the other; only the last may have an odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 =
        words.map(|word| u32::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn packet(time: SystemTime, bytes: &[u8], left_out: usize, comment: &str) -> Vec<u8> {
    let since: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let microseconds = since.as_micros() as u64;
    // As BSD numbers the families; the version of IP is in the first half byte.
    let family: u32 = if bytes.first().is_some_and(|byte| byte >> 4 == 6) { 24 } else { 2 };
    let length = 4 + bytes.len() as u32;
    // The interface, the time in two halves, captured and real length.
    let fields = [0, (microseconds >> 32) as u32, microseconds as u32, length, length + left_out as u32];
    let mut body = fields.map(u32::to_le_bytes).concat();
    body.extend(family.to_le_bytes());
    body.extend(bytes);
    pad(&mut body);
    option(&mut body, COMMENT, comment);
    end_of_options(&mut body);
    body
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (12 + body.len() as u32).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(body);
    file.extend(length);
}

fn option(body: &mut Vec<u8>, code: u16, text: &str) {
    let text = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend((text.len() as u16).to_le_bytes());
    body.extend(text);
    pad(body);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

/// Every field begins at a multiple of four bytes.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // RFC 1071 section 3.
        assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
        assert_eq!(checksum(&[&[0x01, 0x02], &[0x03]]), !0x0402);
    }

    #[test]
    fn the_checksums_of_a_packet_come_out_even() {
        for (ip, header) in [(IpAddr::from([127, 0, 0, 1]), 20), (IpAddr::from(Ipv6Addr::LOCALHOST), 40)] {
            let (from, to) = (SocketAddr::new(ip, 40000), SocketAddr::new(ip, 8888));
            let packet = ip_packet(from, to, b"hello").unwrap();
            assert_eq!(packet.len(), header + 8 + 5);
            let addresses = &packet[header - 2 * (if header == 20 { 4 } else { 16 })..header];
            assert_eq!(checksum(&[addresses, &[0, UDP, 0, 13], &packet[header..]]), 0, "{ip}");
            assert!(header == 40 || checksum(&[&packet[..20]]) == 0);
        }
    }

    #[test]
    fn a_sum_of_zero_is_written_as_all_ones() {
        // The payload is chosen so that the sum of all words is 0xffff.
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let payload = (0xffff_u16 - 17 - 10 - 10).to_be_bytes();
        assert_eq!(ip_packet(nobody, nobody, &payload).unwrap()[26..28], [0xff, 0xff]);
    }

    #[test]
    fn the_longest_datagram_is_one_packet() {
        let here = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(ip_packet(here, here, &[0; 65_507]).unwrap().len(), 65_535);
        assert_eq!(ip_packet(here, here, &[0; 65_508]), None);
    }
}
